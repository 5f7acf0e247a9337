/* Invariants
 * 1. In the copy nothing shared is written: no counter of the region, no word
 *    another process could wait for.
 * 2. A block is told as leaked only when the marks are complete. If a thread
 *    did not stand still the header says so.
 */
#include "leak/search.h"

#include <string.h>

#include "base/base.h"
#include "heap/heap.h"
#include "heap/mheap.h"
#include "leak/copy.h"
#include "leak/roots.h"
#include "mark/mark.h"
#include "os/os.h"
#include "profile/sample.h"
#include "region/leaks.h"

struct search {
    struct wr_marker *reached;
    struct wr_marker *ends;    /* blocks to whose end something points */
    struct wr_marker *leaked;  /* just these bits: what is not reached, */
    struct wr_marker *pointed; /* to what a leaked block points, */
    struct wr_marker *direct;  /* and what leaks by itself */
    struct wr_leaks_header *header;
    struct wr_leak *leak; /* room for WR_LEAKS_MOST */
    bool in_rings;        /* what is left is in rings of leaked blocks */
};

/* ---- blocks ---- */

/* Call it for each live block without a mark. */
static void
each_unreached(struct wr_span *s, struct search *q,
               void (*call)(struct search *, struct wr_span *, unsigned))
{
    size_t bytes = wr_span_block_bytes(s);

    for (unsigned i = 0; i < s->blocks; i++)
        if (wr_block_is_live(wr_block_state(s, i)) &&
            !wr_marker_has(q->reached, s->base + i * bytes))
            call(q, s, i);
}

static uintptr_t
block_base(const struct wr_span *s, unsigned block)
{
    return s->base + block * wr_span_block_bytes(s);
}

static void
count(struct wr_leaks_count *c, const struct wr_span *s)
{
    c->blocks++;
    c->bytes += wr_span_block_bytes(s);
}

static void
count_live(struct wr_span *s, void *search)
{
    struct search *q = search;

    for (unsigned i = 0; i < s->blocks; i++)
        if (wr_block_is_live(wr_block_state(s, i)))
            count(&q->header->live, s);
}

/* ---- what is reached ---- */

static void
scan_root(uintptr_t from, uintptr_t end, void *search)
{
    struct search *q = search;

    wr_marker_scan(q->reached, (void *)from, (void *)end);
    q->header->root_bytes += end - from;
}

static bool
mark_reached(struct search *q, const struct wr_stop *s)
{
    return wr_roots_each(s, scan_root, q) && wr_marker_finish(q->reached);
}

/* ---- pointers to ends ---- */

static void
look_for_ends(uintptr_t from, uintptr_t end, void *search)
{
    wr_marker_scan(((struct search *)search)->ends, (void *)from, (void *)end);
}

static void
look_in_reached(struct wr_span *s, void *search)
{
    struct search *q = search;

    for (unsigned i = 0; i < s->blocks; i++) {
        uintptr_t base = block_base(s, i);

        if (wr_marker_has(q->reached, base))
            look_for_ends(base, base + wr_span_block_bytes(s), q);
    }
}

/* What points to the start of a live block points at that one. */
static bool
is_live_start(uintptr_t at)
{
    size_t bytes;
    bool live = false;

    return (uintptr_t)wr_block_of((void *)at, &bytes, &live) == at && live;
}

static void
keep_if_end(struct search *q, struct wr_span *s, unsigned block)
{
    uintptr_t base = block_base(s, block);

    if (!wr_marker_has(q->ends, base) ||
        is_live_start(base + wr_span_block_bytes(s)))
        return;
    count(&q->header->ends, s);
    (void)wr_marker_add(q->reached, s, block);
}

static void
keep_ends_of_span(struct wr_span *s, void *search)
{
    each_unreached(s, search, keep_if_end);
}

/* Blocks to whose end something points are kept, with all that hangs off. */
static bool
keep_ends(struct search *q, const struct wr_stop *s)
{
    if (!wr_roots_each(s, look_for_ends, q))
        return false;
    wr_mheap_each_span(look_in_reached, q);
    if (!wr_marker_finish(q->ends))
        return false;
    wr_mheap_each_span(keep_ends_of_span, q);
    return wr_marker_finish(q->reached);
}

/* ---- what is leaked ---- */

static void
scan_leaked(struct search *q, struct wr_span *s, unsigned block)
{
    uintptr_t base = block_base(s, block);
    uintptr_t end = base + wr_span_block_bytes(s);

    (void)wr_marker_add(q->leaked, s, block);
    count(&q->header->indirect, s);
    count(&q->header->by_class[s->class_id], s);
    wr_marker_ignore(q->pointed, base, end); /* not by itself */
    wr_marker_scan(q->pointed, (void *)base, (void *)end);
}

static void
scan_leaked_of_span(struct wr_span *s, void *search)
{
    each_unreached(s, search, scan_leaked);
}

static struct wr_birth
birth_of(const struct wr_span *s, unsigned block)
{
    struct wr_birth b = {.bucket = WR_LEAK_NO_BUCKET};

    (void)wr_sample_birth(s, block, &b);
    return b;
}

static struct wr_leak *
add_record(struct search *q, const struct wr_span *s, unsigned block)
{
    struct wr_leaks_header *h = q->header;
    struct wr_birth birth = birth_of(s, block);
    struct wr_leak *l;

    if (h->records == WR_LEAKS_MOST) {
        h->dropped++;
        return NULL;
    }
    l = &q->leak[h->records++];
    l->address = block_base(s, block);
    l->bytes = wr_span_block_bytes(s);
    l->bucket = birth.bucket;
    l->born_ns = birth.born_ns;
    l->tid = birth.tid;
    memcpy(l->words, (void *)l->address, wr_min(l->bytes, sizeof l->words));
    return l;
}

static void
move_to_direct(struct wr_leaks_header *h, const struct wr_span *s)
{
    count(&h->direct, s);
    h->indirect.blocks--;
    h->indirect.bytes -= wr_span_block_bytes(s);
}

/* A leak of its own, and all that hangs off it and was not taken yet. */
static void
take_direct(struct search *q, struct wr_span *s, unsigned block)
{
    struct wr_marked before;
    const struct wr_marked *now = wr_marker_sums(q->reached);
    struct wr_leak *l;

    if (!q->in_rings && wr_marker_has(q->pointed, block_base(s, block)))
        return;
    move_to_direct(q->header, s);
    (void)wr_marker_add(q->direct, s, block);
    (void)wr_marker_add(q->reached, s, block);
    before = *now;
    (void)wr_marker_finish(q->reached);
    l = add_record(q, s, block);
    if (l == NULL)
        return;
    l->direct = 1;
    l->hangs.blocks = now->blocks - before.blocks;
    l->hangs.bytes = now->bytes - before.bytes;
}

static void
take_direct_of_span(struct wr_span *s, void *search)
{
    each_unreached(s, search, take_direct);
}

/* Of those that hang off others the sampled ones are told. */
static void
tell_indirect_of_span(struct wr_span *s, void *search)
{
    struct search *q = search;

    for (unsigned i = 0; i < s->blocks; i++)
        if (birth_of(s, i).bucket != WR_LEAK_NO_BUCKET &&
            wr_marker_has(q->leaked, block_base(s, i)) &&
            !wr_marker_has(q->direct, block_base(s, i)))
            (void)add_record(q, s, i);
}

/* Of a ring of leaked blocks nobody is not pointed at: whoever comes first
 * stands for it. */
static bool
take_leaked(struct search *q)
{
    wr_mheap_each_span(scan_leaked_of_span, q);
    if (!wr_marker_finish(q->pointed) || !wr_marker_finish(q->leaked))
        return false;
    wr_mheap_each_span(take_direct_of_span, q);
    q->in_rings = true;
    wr_mheap_each_span(take_direct_of_span, q);
    wr_mheap_each_span(tell_indirect_of_span, q);
    return wr_marker_finish(q->direct) && wr_marker_finish(q->reached);
}

/* ---- the search ---- */

static bool
make_markers(struct search *q)
{
    q->reached = wr_marker_new();
    q->ends = wr_marker_new_shallow(1);
    q->leaked = wr_marker_new_shallow(0);
    q->pointed = wr_marker_new_shallow(0);
    q->direct = wr_marker_new_shallow(0);
    return q->reached != NULL && q->ends != NULL && q->leaked != NULL &&
           q->pointed != NULL && q->direct != NULL;
}

static void
free_markers(struct search *q)
{
    wr_marker_free(q->reached);
    wr_marker_free(q->ends);
    wr_marker_free(q->leaked);
    wr_marker_free(q->pointed);
    wr_marker_free(q->direct);
}

static bool
search(struct search *q, const struct wr_stop *s)
{
    struct wr_leaks_header *h = q->header;
    bool complete = make_markers(q) && mark_reached(q, s);

    wr_mheap_each_span(count_live, q);
    if (complete && wr_marker_sums(q->reached)->blocks < h->live.blocks)
        complete = keep_ends(q, s) && take_leaked(q);
    if (q->reached != NULL)
        h->scanned_bytes = wr_marker_sums(q->reached)->scanned;
    free_markers(q);
    return complete;
}

/* ---- the answer ---- */

static void
fill_header(struct wr_leaks_header *h, const struct wr_copy *c, bool complete)
{
    h->about.magic = WR_LEAKS_MAGIC;
    h->about.version = WR_LEAKS_VERSION;
    h->about.header_bytes = sizeof *h;
    h->about.record_bytes = sizeof(struct wr_leak);
    wr_copy_reply(&h->about, c);
    if (complete)
        return;
    h->about.trust = WR_TRUST_BLIND;
    h->records = h->dropped = 0;
    h->direct = h->indirect = h->ends = (struct wr_leaks_count){0, 0};
    memset(h->by_class, 0, sizeof h->by_class);
}

bool
wr_leak_search(const struct wr_copy *c)
{
    size_t bytes =
        sizeof(struct wr_leaks_header) + WR_LEAKS_MOST * sizeof(struct wr_leak);
    struct search q = {0};
    bool written;

    q.header = wr_os_map(bytes);
    if (q.header == NULL)
        return false;
    q.leak = (struct wr_leak *)(q.header + 1);
    fill_header(q.header, c, search(&q, c->stop));
    written = wr_copy_write(
        c,
        (struct wr_copy_part[]){{q.header, sizeof *q.header},
                                {q.leak, q.header->records * sizeof *q.leak}},
        2);
    wr_os_unmap(q.header, bytes);
    return written;
}
