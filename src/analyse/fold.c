/* Folding. */
#include "analyse/fold.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/holders.h"
#include "analyse/origin.h"
#include "analyse/snapshot.h"
#include "analyse/store.h"

enum { NEAREST = 8 }; /* nodes above that a block may be like */

/* What a node of the net is, for the purposes of folding. */
struct look {
    enum wr_fold_kind kind;
    uint32_t root, bucket;
    uint64_t size;
};

/* --- Finding children ---------------------------------------------------- */

static uint64_t
hash_of(uint32_t parent, const struct look *k)
{
    uint64_t h = wr_hash_word(5, (uint64_t)parent << 32 | k->bucket);
    return wr_hash_word(h, k->size << 8 | (uint64_t)k->kind) ^
           wr_hash_word(7, k->root);
}

static bool
is_same(const struct wr_fold_node *n, uint32_t parent, const struct look *k)
{
    return n->parent == parent && n->kind == k->kind && n->root == k->root &&
           n->bucket == k->bucket && n->size == k->size;
}

static bool
rehash(struct wr_fold *f)
{
    uint32_t slots = f->mask ? (f->mask + 1) * 2 : 1024;
    uint32_t *slot = calloc(slots, sizeof *slot);
    if (!slot)
        return false;
    free(f->slot);
    f->slot = slot;
    f->mask = slots - 1;
    for (uint32_t i = 1; i < f->count; i++) {
        const struct wr_fold_node *n = &f->nodes[i];
        struct look k = {n->kind, n->root, n->bucket, n->size};
        uint32_t at = (uint32_t)hash_of(n->parent, &k) & f->mask;
        while (slot[at])
            at = (at + 1) & f->mask;
        slot[at] = i + 1;
    }
    return true;
}

static bool
make_room(struct wr_fold *f)
{
    if (f->count < f->room)
        return true;
    uint32_t room = f->room ? f->room * 2 : 512;
    void *more = realloc(f->nodes, room * sizeof *f->nodes);
    if (!more)
        return false;
    f->nodes = more;
    f->room = room;
    return rehash(f);
}

static uint32_t
child(struct wr_fold *f, uint32_t parent, const struct look *k)
{
    if (!make_room(f))
        return WR_NET_NONE;
    uint32_t at = (uint32_t)hash_of(parent, k) & f->mask;
    for (; f->slot[at]; at = (at + 1) & f->mask)
        if (is_same(&f->nodes[f->slot[at] - 1], parent, k))
            return f->slot[at] - 1;
    f->nodes[f->count] = (struct wr_fold_node){.kind = k->kind,
                                               .parent = parent,
                                               .root = k->root,
                                               .bucket = k->bucket,
                                               .site = k->bucket,
                                               .size = k->size,
                                               .example = WR_NET_NONE};
    f->slot[at] = f->count + 1;
    return f->count++;
}

/* --- Folding ------------------------------------------------------------- */

static bool
is_alike(const struct wr_fold_node *n, const struct look *k)
{
    return n->size == k->size &&
           (n->site == k->bucket || n->site == WR_FOLD_NO_BUCKET ||
            k->bucket == WR_FOLD_NO_BUCKET);
}

/* The one above that the block is again; NONE: it is none. */
static uint32_t
like_above(const struct wr_fold *f, uint32_t parent, const struct look *k)
{
    for (int i = 0; i < NEAREST && f->nodes[parent].kind == WR_FOLD_BLOCKS;
         i++) {
        if (is_alike(&f->nodes[parent], k))
            return parent;
        parent = f->nodes[parent].parent;
    }
    return WR_NET_NONE;
}

static struct look
look_at(const struct wr_holders *h, const struct wr_same *same, uint32_t node)
{
    struct look k = {.kind = WR_FOLD_ROOT, .bucket = WR_FOLD_NO_BUCKET};
    if (wr_holders_root(h, node)) {
        k.root = node - h->snapshot->nodes;
        return k;
    }
    struct wr_snapshot_block b = wr_snapshot_block(h->snapshot, node);
    k.kind = WR_FOLD_BLOCKS;
    k.size = b.bytes;
    if (b.sample)
        k.bucket = b.sample->bucket;
    if (b.sample && same && b.sample->bucket < same->count)
        k.bucket = same->first[b.sample->bucket];
    return k;
}

static void
count(struct wr_fold_node *n, const struct look *k, uint32_t node)
{
    if (n->example == WR_NET_NONE)
        n->example = node;
    if (k->kind != WR_FOLD_BLOCKS)
        return;
    n->blocks++;
    n->bytes += k->size;
}

static bool
fold_node(struct wr_fold *f, uint32_t parent, uint32_t node,
          const struct look *k)
{
    uint32_t to =
        k->kind == WR_FOLD_BLOCKS ? like_above(f, parent, k) : WR_NET_NONE;
    if (to == WR_NET_NONE)
        to = child(f, parent, k);
    if (to == WR_NET_NONE)
        return false;
    f->of[node] = to;
    if (f->nodes[to].site == WR_FOLD_NO_BUCKET)
        f->nodes[to].site = k->bucket;
    count(&f->nodes[to], k, node);
    return true;
}

/* --- Sites of blocks that were not sampled ------------------------------- */

struct sibling {
    uint32_t node, parent, site;
    uint64_t size, bytes;
};

/* Siblings of one size side by side, first the one that has most of those
 * that have a site. */
static int
by_siblings(const void *one, const void *other)
{
    const struct sibling *a = one, *b = other;
    bool known = a->site != WR_FOLD_NO_BUCKET;
    if (a->parent != b->parent)
        return a->parent < b->parent ? -1 : 1;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    if (known != (b->site != WR_FOLD_NO_BUCKET))
        return known ? -1 : 1;
    return a->bytes > b->bytes ? -1 : a->bytes < b->bytes;
}

static bool
guess_sites(struct wr_fold *f)
{
    struct sibling *list = calloc(f->count, sizeof *list);
    uint32_t n = 0;
    for (uint32_t i = 0; list && i < f->count; i++) {
        const struct wr_fold_node *one = &f->nodes[i];
        if (one->kind == WR_FOLD_BLOCKS)
            list[n++] = (struct sibling){i, one->parent, one->site, one->size,
                                         one->bytes};
    }
    if (n > 0)
        qsort(list, n, sizeof *list, by_siblings);
    for (uint32_t i = 0, first = 0; i < n; i++) {
        if (list[i].parent != list[first].parent ||
            list[i].size != list[first].size)
            first = i;
        if (list[i].site == WR_FOLD_NO_BUCKET)
            f->nodes[list[i].node].site = list[first].site;
    }
    bool ok = list != NULL;
    free(list);
    return ok;
}

/* --- All of it ----------------------------------------------------------- */

static void
sum_up(struct wr_fold *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        f->nodes[i].all_blocks = f->nodes[i].blocks;
        f->nodes[i].all_bytes = f->nodes[i].bytes;
    }
    for (uint32_t i = f->count; i-- > 1;) {
        f->nodes[f->nodes[i].parent].all_blocks += f->nodes[i].all_blocks;
        f->nodes[f->nodes[i].parent].all_bytes += f->nodes[i].all_bytes;
    }
}

/* The top. */
static bool
begin(struct wr_fold *f, const struct wr_tree *t)
{
    *f = (struct wr_fold){.count = 0};
    f->of = malloc(((size_t)t->top + 1) * sizeof *f->of);
    if (!f->of || !make_room(f))
        return false;
    memset(f->of, 0xff, ((size_t)t->top + 1) * sizeof *f->of);
    f->nodes[f->count++] = (struct wr_fold_node){.kind = WR_FOLD_TOP,
                                                 .bucket = WR_FOLD_NO_BUCKET,
                                                 .site = WR_FOLD_NO_BUCKET,
                                                 .example = WR_NET_NONE};
    f->of[t->top] = 0;
    return true;
}

int
wr_fold_make(struct wr_fold *f, const struct wr_holders *h,
             const struct wr_tree *t, const struct wr_same *same)
{
    bool ok = begin(f, t);
    for (uint32_t i = 1; ok && i < t->count; i++) {
        struct look k = look_at(h, same, t->order[i]);
        ok = fold_node(f, f->of[t->parent[t->order[i]]], t->order[i], &k);
    }
    if (!ok || !guess_sites(f)) {
        wr_fold_fini(f);
        return -1;
    }
    sum_up(f);
    return 0;
}

void
wr_fold_fini(struct wr_fold *f)
{
    free(f->nodes);
    free(f->of);
    free(f->slot);
    *f = (struct wr_fold){.nodes = NULL};
}
