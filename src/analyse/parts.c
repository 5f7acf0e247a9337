/* Parts. */
#include "analyse/parts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/holders.h"
#include "analyse/snapshot.h"

/* Copies of one part come together. */
static int
by_target(const void *one, const void *other)
{
    const struct wr_snapshot_part *a = one, *b = other;
    if (a->target != b->target)
        return a->target < b->target ? -1 : 1;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return a->items < b->items ? -1 : a->items > b->items;
}

static int
by_bytes(const void *one, const void *other)
{
    const struct wr_parts_row *a = one, *b = other;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return a->node < b->node ? -1 : a->node > b->node;
}

/* By node: how many words point at it, of blocks and of roots of any kind.
 * NULL: no memory. */
static uint32_t *
count_pointers(const struct wr_holders *h)
{
    uint32_t *count = calloc((size_t)h->snapshot->nodes + 1, sizeof *count);
    if (!count)
        return NULL;
    for (uint32_t i = 0; i < h->net.first[h->snapshot->nodes]; i++)
        count[h->net.target[i]]++;
    for (uint32_t i = 0; i < h->snapshot->root_count; i++)
        count[h->words[i].node]++;
    return count;
}

/* The parts of one array, which come one after the other; how many. */
static size_t
sum_parts(struct wr_parts_row *row, const struct wr_snapshot_part *part,
          size_t most)
{
    size_t n = 0;
    *row = (struct wr_parts_row){.node = WR_SNAPSHOT_NONE};
    for (; n < most && part[n].target == part[0].target; n++) {
        if (n == 0 || by_target(&part[n], &part[n - 1]) != 0)
            row->items += part[n].items;
        row->of = part[n].of > row->of ? part[n].of : row->of;
    }
    row->parts = n;
    return n;
}

static void
add_rows(struct wr_parts *p, const struct wr_holders *h,
         const struct wr_snapshot_part *sorted, const uint32_t *pointers,
         const uint32_t *root_of)
{
    const struct wr_snapshot *s = h->snapshot;
    for (size_t at = 0; at < s->part_count;) {
        struct wr_parts_row row;
        struct wr_snapshot_block b = {.live = false};
        uint64_t target = sorted[at].target;
        at += sum_parts(&row, &sorted[at], s->part_count - at);
        row.node = wr_snapshot_node(s, target);
        if (row.node != WR_SNAPSHOT_NONE)
            b = wr_snapshot_block(s, row.node);
        if (!b.live || pointers[row.node] != row.parts ||
            root_of[row.node] == WR_NET_NONE)
            continue;
        row.bytes = b.bytes;
        row.root = wr_holders_root(h, root_of[row.node]);
        p->list[p->count++] = row;
    }
}

int
wr_parts_find(struct wr_parts *p, const struct wr_holders *h)
{
    size_t n = h->snapshot->part_count;
    *p = (struct wr_parts){.list = NULL};
    if (n == 0)
        return 0;
    struct wr_snapshot_part *sorted = malloc(n * sizeof *sorted);
    uint32_t *pointers = count_pointers(h), *root_of = wr_holders_root_of(h);
    p->list = malloc(n * sizeof *p->list);
    bool ok = sorted && pointers && root_of && p->list;
    if (ok) {
        memcpy(sorted, h->snapshot->parts, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, by_target);
        add_rows(p, h, sorted, pointers, root_of);
        qsort(p->list, p->count, sizeof *p->list, by_bytes);
    }
    free(sorted);
    free(pointers);
    free(root_of);
    if (!ok)
        wr_parts_fini(p);
    return ok ? 0 : -1;
}

void
wr_parts_fini(struct wr_parts *p)
{
    free(p->list);
    *p = (struct wr_parts){.list = NULL};
}
