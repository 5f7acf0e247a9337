/* Holders.
 *
 * Invariants:
 * 1. Roots are sorted by kind, and kinds by rank.
 * 2. Root r is node snapshot->nodes + r.
 */
#include "analyse/holders.h"

#include <stdlib.h>
#include <string.h>
#include "analyse/profile.h"
#include "analyse/snapshot.h"
#include "analyse/store.h"

struct named {
    struct wr_spot spot;
    struct wr_root_word word;
};

static int
by_spot(const void *one, const void *other)
{
    const struct named *a = one, *b = other;
    if (a->spot.kind != b->spot.kind)
        return a->spot.kind < b->spot.kind ? -1 : 1;
    if (a->spot.tid != b->spot.tid)
        return a->spot.tid < b->spot.tid ? -1 : 1;
    if (a->spot.start != b->spot.start)
        return a->spot.start < b->spot.start ? -1 : 1;
    return a->word.address < b->word.address
               ? -1
               : a->word.address > b->word.address;
}

static bool
same_root(const struct wr_spot *a, const struct wr_spot *b)
{
    return a->kind == b->kind && a->tid == b->tid && a->start == b->start;
}

/* Words come in the order of their addresses: often the last one's thing has
 * the next, too. */
static struct named *
name_words(const struct wr_snapshot *s, struct wr_spots *spots)
{
    struct named *list = calloc((size_t)s->root_count + 1, sizeof *list);
    for (uint32_t i = 0; list && i < s->root_count; i++) {
        const struct wr_root_word *w = &s->roots[i];
        list[i].word = *w;
        if (i > 0 && w->kind == WR_SNAPSHOT_MEMORY && w[-1].kind == w->kind &&
            w->address - list[i - 1].spot.start < list[i - 1].spot.bytes) {
            list[i].spot = list[i - 1].spot;
            list[i].spot.offset = w->address - list[i].spot.start;
        } else {
            wr_spots_root(spots, w, &list[i].spot);
        }
    }
    if (list)
        qsort(list, s->root_count, sizeof *list, by_spot);
    return list;
}

static bool
group_words(struct wr_holders *h, const struct named *list, uint32_t n)
{
    h->roots = calloc((size_t)n + 1, sizeof *h->roots);
    h->words = calloc((size_t)n + 1, sizeof *h->words);
    if (!h->roots || !h->words)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        h->words[i] = list[i].word;
        if (i == 0 || !same_root(&list[i].spot, &list[i - 1].spot))
            h->roots[h->root_count++] =
                (struct wr_holder){.spot = list[i].spot, .first = i};
        h->roots[h->root_count - 1].count++;
    }
    return true;
}

static void
add_roots(struct wr_holders *h)
{
    for (uint32_t r = 0; r < h->root_count; r++) {
        for (uint32_t i = 0; i < h->roots[r].count; i++)
            wr_net_point(&h->net, h->words[h->roots[r].first + i].node);
        wr_net_next(&h->net);
    }
}

void
wr_holders_fini(struct wr_holders *h)
{
    free(h->roots);
    free(h->words);
    wr_net_fini(&h->net);
    wr_tree_fini(&h->paths);
    *h = (struct wr_holders){.roots = NULL};
}

const struct wr_holder *
wr_holders_root(const struct wr_holders *h, uint32_t node)
{
    uint32_t r = node - h->snapshot->nodes;
    return node >= h->snapshot->nodes && r < h->root_count ? &h->roots[r]
                                                           : NULL;
}

/* --- Trees --------------------------------------------------------------- */

static uint8_t
rank_of(enum wr_spot_kind kind)
{
    return kind <= WR_SPOT_THREAD ? 0 : kind <= WR_SPOT_KEPT ? 1 : 2;
}

/* The numbers of the roots, and behind them their ranks. */
static uint32_t *
list_roots(const struct wr_holders *h, uint8_t **rank)
{
    uint32_t *list =
        malloc(((size_t)h->root_count + 1) * (sizeof *list + sizeof **rank));
    if (!list)
        return NULL;
    *rank = (uint8_t *)(list + h->root_count);
    for (uint32_t r = 0; r < h->root_count; r++) {
        list[r] = h->snapshot->nodes + r;
        (*rank)[r] = rank_of(h->roots[r].spot.kind);
    }
    return list;
}

static int
judge(int status, char *why, size_t n)
{
    return status == 0 ? 0
                       : wr_profile_fail(why, n,
                                         "out of memory: the heap has too many "
                                         "blocks for this machine");
}

int
wr_holders_dominators(const struct wr_holders *h, struct wr_tree *t, char *why,
                      size_t n)
{
    uint8_t *rank;
    uint32_t *list = list_roots(h, &rank);
    int status = list ? wr_net_dominators(t, &h->net, list, h->root_count) : -1;
    free(list);
    return judge(status, why, n);
}

/* --- Roots that count ---------------------------------------------------- */

static int
find_paths(struct wr_holders *h)
{
    uint8_t *rank;
    uint32_t *list = list_roots(h, &rank);
    int status =
        list ? wr_net_paths(&h->paths, &h->net, list, rank, h->root_count) : -1;
    free(list);
    return status;
}

/* By node: the rank of the roots that lead to it. */
static uint8_t *
reached_from(const struct wr_holders *h)
{
    uint8_t *rank = calloc((size_t)h->net.nodes + 1, sizeof *rank);
    for (uint32_t i = 1; rank && i < h->paths.count; i++) {
        uint32_t node = h->paths.order[i];
        const struct wr_holder *root = wr_holders_root(h, node);
        rank[node] =
            root ? rank_of(root->spot.kind) : rank[h->paths.parent[node]];
    }
    return rank;
}

/* The pointers of roots are the net's last. */
static int
drop_passing(struct wr_holders *h)
{
    uint8_t *rank = reached_from(h);
    struct wr_net *net = &h->net;
    if (!rank)
        return -1;
    uint32_t from = net->first[h->snapshot->nodes], to = from;
    for (uint32_t r = h->snapshot->nodes; r < net->nodes; r++) {
        uint32_t end = net->first[r + 1];
        net->first[r] = to;
        for (; from < end; from++)
            if (rank[net->target[from]] == rank[r])
                net->target[to++] = net->target[from];
    }
    net->first[net->nodes] = net->pointers = to;
    free(rank);
    return 0;
}

int
wr_holders_make(struct wr_holders *h, const struct wr_snapshot *s,
                struct wr_spots *spots, char *why, size_t n)
{
    *h = (struct wr_holders){.snapshot = s};
    struct named *list = name_words(s, spots);
    bool ok = list && group_words(h, list, s->root_count);
    free(list);
    if (!ok)
        wr_profile_fail(why, n, "out of memory");
    else if (wr_snapshot_net(s, &h->net, h->root_count, s->root_count, why,
                             n) == 0) {
        add_roots(h);
        if (find_paths(h) == 0 && drop_passing(h) == 0)
            return 0;
        judge(-1, why, n);
    }
    wr_holders_fini(h);
    return -1;
}

int64_t
wr_holders_word(const struct wr_holders *h, uint32_t holder, uint32_t node)
{
    const struct wr_holder *root = wr_holders_root(h, holder);
    if (!root)
        return wr_snapshot_offset(h->snapshot, holder, node);
    for (uint32_t i = 0; i < root->count; i++)
        if (h->words[root->first + i].node == node)
            return (int64_t)h->words[root->first + i].address;
    return -1;
}

uint64_t *
wr_holders_sums(const struct wr_holders *h, const struct wr_tree *t, int blocks)
{
    const struct wr_snapshot *s = h->snapshot;
    uint64_t *sum = calloc((size_t)h->net.nodes + 1, sizeof *sum);
    for (uint32_t i = 0; sum && i < s->span_count; i++)
        for (uint32_t k = s->first[i]; k < s->first[i + 1]; k++)
            sum[k] = blocks ? 1 : s->spans[i].block_bytes;
    if (sum)
        wr_tree_sum(t, sum);
    return sum;
}

uint32_t
wr_holders_pointers(const struct wr_holders *h, uint32_t node)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < h->net.first[h->snapshot->nodes]; i++)
        count += h->net.target[i] == node;
    for (uint32_t i = 0; i < h->snapshot->root_count; i++)
        count += h->words[i].node == node;
    return count;
}

uint32_t *
wr_holders_root_of(const struct wr_holders *h)
{
    uint32_t *root = malloc(((size_t)h->net.nodes + 1) * sizeof *root);
    if (!root)
        return NULL;
    memset(root, 0xff, ((size_t)h->net.nodes + 1) * sizeof *root);
    for (uint32_t i = 1; i < h->paths.count; i++) {
        uint32_t node = h->paths.order[i];
        root[node] =
            wr_holders_root(h, node) ? node : root[h->paths.parent[node]];
    }
    return root;
}
