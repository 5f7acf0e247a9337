/* Leaks of a core.
 *
 * Invariants:
 * 1. A node is marked once, when it goes onto the list; list[0 .. done) have
 *    been followed.
 * 2. After mark_reached what is live and not marked has no pointer, odd or
 *    not, from anything that is.
 */
#include "analyse/core_leaks.h"

#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/core_inside.h"
#include "analyse/net.h"
#include "analyse/profile.h"
#include "analyse/snapshot.h"
#include "analyse/store.h"

#define ADDRESS ((UINT64_C(1) << 48) - 1) /* upper bits may be in other use */

enum { LIVE = 1, MARKED = 2, POINTED = 4, DIRECT = 8 };

struct work {
    const struct wr_core *c;
    const struct wr_snapshot *s;
    const struct wr_region_header *region;
    struct wr_net net;
    struct wr_leaks *out;
    unsigned char *state; /* by node */
    uint32_t *list, count, done;
    uint64_t low, high; /* of all blocks */
    size_t room;        /* of records */
};

/* --- Marking ------------------------------------------------------------- */

static bool
mark(struct work *w, uint32_t node)
{
    if (node >= w->s->nodes || (w->state[node] & (LIVE | MARKED)) != LIVE)
        return false;
    w->state[node] |= MARKED;
    w->list[w->count++] = node;
    return true;
}

static void
follow(struct work *w)
{
    for (; w->done < w->count; w->done++) {
        uint32_t node = w->list[w->done];
        for (uint32_t i = w->net.first[node]; i < w->net.first[node + 1]; i++)
            mark(w, w->net.target[i]);
    }
}

static void
add(struct wr_leaks_count *c, uint64_t bytes)
{
    c->blocks++;
    c->bytes += bytes;
}

static void
mark_odd(struct work *w, uint64_t address)
{
    uint32_t node = wr_snapshot_node(w->s, address);
    bool live;
    if (mark(w, node))
        add(&w->out->header.ends, wr_snapshot_bytes(w->s, node, &live));
}

/* A word that points where a block ends, and no live one begins. */
static void
look_at_end(struct work *w, uint64_t word)
{
    uint32_t here = wr_snapshot_node(w->s, word);
    uint32_t before = wr_snapshot_node(w->s, word - 1);
    if ((here == WR_SNAPSHOT_NONE || !(w->state[here] & LIVE)) &&
        before != here)
        mark_odd(w, word - 1);
}

static bool
in_reach(const struct work *w, uint64_t address)
{
    return address - w->low <= w->high - w->low;
}

/* All that may be an address in this word, or across its end. */
static void
look_at(struct work *w, uint64_t word, uint64_t next)
{
    if ((word | next) == 0)
        return;
    if (in_reach(w, word))
        look_at_end(w, word);
    else if (in_reach(w, word & ADDRESS))
        mark_odd(w, word & ADDRESS);
    for (unsigned i = 8; i < 64; i += 8) {
        uint64_t across = word >> i | next << (64 - i);
        if (in_reach(w, across & ADDRESS))
            mark_odd(w, across & ADDRESS);
    }
}

static void
look_into(struct work *w, const unsigned char *at, uint64_t bytes)
{
    uint64_t word = 0, next;
    if (bytes >= 8)
        memcpy(&word, at, 8);
    for (uint64_t i = 8; i <= bytes - bytes % 8 && bytes >= 8; i += 8) {
        next = 0;
        if (i + 8 <= bytes)
            memcpy(&next, at + i, 8);
        look_at(w, word, next);
        word = next;
    }
}

/* What is Weir's own, and so the heap, is left out. */
static void
look_into_part(struct work *w, const struct wr_core_part *p)
{
    uint64_t from = p->from, end = p->from + p->bytes;
    for (uint64_t k = 0; k < w->s->own_count && from < end; k++) {
        const struct wr_snapshot_range *own = &w->s->own[k];
        if (own->end <= from || own->from >= end)
            continue;
        if (own->from > from)
            look_into(w, p->at + (from - p->from), own->from - from);
        from = own->end;
    }
    if (from < end)
        look_into(w, p->at + (from - p->from), end - from);
}

/* Vector registers are not in a snapshot's. */
static void
mark_wide(struct work *w)
{
    for (size_t i = 0; i < w->c->thread_count; i++) {
        const struct wr_core_thread *t = &w->c->threads[i];
        for (uint64_t at = 0; at + 8 <= t->wide_bytes; at += 8) {
            uint64_t word;
            memcpy(&word, t->wide + at, 8);
            if (in_reach(w, word))
                mark(w, wr_snapshot_node(w->s, word));
        }
        look_into(w, t->wide, t->wide_bytes);
    }
}

static void
mark_reached(struct work *w)
{
    uint32_t looked = 0;
    for (uint32_t i = 0; i < w->s->root_count; i++)
        mark(w, w->s->roots[i].node);
    mark_wide(w);
    follow(w);
    for (size_t i = 0; i < w->c->part_count; i++)
        if (w->c->parts[i].flags & PF_W)
            look_into_part(w, &w->c->parts[i]);
    for (follow(w); looked < w->count; looked++) {
        bool live;
        uint32_t node = w->list[looked];
        uint64_t bytes = wr_snapshot_bytes(w->s, node, &live);
        const void *at =
            wr_core_at(w->c, wr_snapshot_block(w->s, node).address, bytes);
        if (at)
            look_into(w, at, bytes);
        follow(w);
    }
}

/* --- What is not reached ------------------------------------------------- */

static unsigned
class_of(const struct work *w, const struct wr_snapshot_block *b)
{
    for (unsigned i = 1;
         !b->large && i < w->region->class_count && i < WR_CLASS_MAX; i++)
        if (w->region->class_bytes[i] == b->bytes)
            return i;
    return 0;
}

static bool
is_lost(const struct work *w, uint32_t node)
{
    return (w->state[node] & (LIVE | MARKED)) == LIVE;
}

static void
count_lost(struct work *w, uint32_t node)
{
    struct wr_leaks_header *h = &w->out->header;
    struct wr_snapshot_block b = wr_snapshot_block(w->s, node);
    add(&h->indirect, b.bytes);
    add(&h->by_class[class_of(w, &b)], b.bytes);
    for (uint32_t i = w->net.first[node]; i < w->net.first[node + 1]; i++)
        if (w->net.target[i] != node)
            w->state[w->net.target[i]] |= POINTED;
}

/* NULL: no room. */
static struct wr_leak *
add_record(struct work *w, uint32_t node, bool direct)
{
    struct wr_leaks_header *h = &w->out->header;
    struct wr_snapshot_block b = wr_snapshot_block(w->s, node);
    if (h->records == w->room)
        return h->dropped++, NULL;
    struct wr_leak *l = &w->out->records[h->records++];
    *l = (struct wr_leak){.address = b.address,
                          .bytes = b.bytes,
                          .bucket = WR_LEAK_NO_BUCKET,
                          .direct = direct};
    if (b.sample) {
        l->bucket = b.sample->bucket;
        l->born_ns = b.sample->born_ns;
        l->tid = b.sample->tid;
    }
    size_t bytes = b.bytes < sizeof l->words ? b.bytes : sizeof l->words;
    const void *at = wr_core_at(w->c, b.address, bytes);
    if (at)
        memcpy(l->words, at, bytes);
    return l;
}

/* It leaks by itself, and all that only it leads to hangs off it. */
static void
take_direct(struct work *w, uint32_t node)
{
    struct wr_leaks_header *h = &w->out->header;
    struct wr_leaks_count hangs = {0, 0};
    bool live;
    uint32_t from = w->count;
    mark(w, node);
    w->state[node] |= DIRECT;
    follow(w);
    for (uint32_t i = from + 1; i < w->count; i++)
        add(&hangs, wr_snapshot_bytes(w->s, w->list[i], &live));
    uint64_t bytes = wr_snapshot_bytes(w->s, node, &live);
    add(&h->direct, bytes);
    h->indirect.blocks--;
    h->indirect.bytes -= bytes;
    struct wr_leak *l = add_record(w, node, true);
    if (l)
        l->hangs = hangs;
}

/* Of a ring of lost blocks all are pointed at: the first stands for it. What
 * hangs off others is told where it was sampled. */
static void
take_lost(struct work *w)
{
    for (uint32_t i = 0; i < w->s->nodes; i++)
        if (is_lost(w, i))
            count_lost(w, i);
    uint32_t first = w->count;
    for (uint32_t i = 0; i < w->s->nodes; i++)
        if (is_lost(w, i) && !(w->state[i] & POINTED))
            take_direct(w, i);
    for (uint32_t i = 0; i < w->s->nodes; i++)
        if (is_lost(w, i))
            take_direct(w, i);
    for (uint32_t i = first; i < w->count; i++)
        if (!(w->state[w->list[i]] & DIRECT) &&
            wr_snapshot_block(w->s, w->list[i]).sample)
            (void)add_record(w, w->list[i], false);
}

/* --- All of it ----------------------------------------------------------- */

static bool
make_room(struct work *w)
{
    size_t nodes = w->s->nodes;
    w->room = nodes < WR_LEAKS_MOST ? nodes : WR_LEAKS_MOST;
    w->state = calloc(nodes + 1, 1);
    w->list = calloc(nodes + 1, sizeof *w->list);
    w->out->records = calloc(w->room + 1, sizeof *w->out->records);
    return w->state && w->list && w->out->records;
}

static void
look_over(struct work *w)
{
    const struct wr_snapshot *s = w->s;
    struct wr_leaks_header *h = &w->out->header;
    for (uint32_t i = 0; i < s->nodes; i++) {
        bool live;
        (void)wr_snapshot_bytes(s, i, &live);
        w->state[i] = live ? LIVE : 0;
    }
    if (s->span_count > 0) {
        const struct wr_snapshot_span *last = &s->spans[s->span_count - 1];
        w->low = s->spans[0].base;
        w->high = last->base + last->blocks * last->block_bytes;
    }
    h->live = (struct wr_leaks_count){s->header->blocks, s->header->bytes};
    h->about = s->header->reply;
    h->about.trust = WR_TRUST_CORE;
    for (size_t i = 0; i < w->c->part_count; i++)
        if (w->c->parts[i].flags & PF_W)
            h->about.unread_bytes +=
                w->c->parts[i].end - w->c->parts[i].from - w->c->parts[i].bytes;
}

int
wr_core_leaks(struct wr_leaks *out, const struct wr_core *c,
              const struct wr_snapshot *s,
              const struct wr_region_header *region, char *why, size_t n)
{
    struct work w = {.c = c, .s = s, .region = region, .out = out};
    *out = (struct wr_leaks){.records = NULL};
    int status = wr_snapshot_net(s, &w.net, 0, 0, why, n);
    if (status == 0 && !make_room(&w))
        status = wr_profile_fail(why, n, "out of memory");
    if (status == 0) {
        look_over(&w);
        mark_reached(&w);
        take_lost(&w);
    } else {
        wr_leaks_fini(out);
    }
    wr_net_fini(&w.net);
    free(w.state);
    free(w.list);
    return status;
}

/* Class 0 is for large blocks. */
void
wr_core_classes(struct wr_region_header *region, const struct wr_snapshot *s)
{
    region->class_count = 1;
    for (uint32_t i = 0; i < s->span_count; i++) {
        const struct wr_snapshot_span *span = &s->spans[i];
        uint32_t k = 1;
        while (k < region->class_count &&
               region->class_bytes[k] != span->block_bytes)
            k++;
        if (!span->large && k == region->class_count && k < WR_CLASS_MAX)
            region->class_bytes[region->class_count++] =
                (uint32_t)span->block_bytes;
    }
}
