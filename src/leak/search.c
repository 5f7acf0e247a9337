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
#include "leak/earlier.h"
#include "leak/reach.h"
#include "mark/helpers.h"
#include "mark/mark.h"
#include "mark/marks.h"
#include "os/os.h"
#include "profile/sample.h"
#include "region/leaks.h"

/* Threads that mark: beside a program that goes on, and while it stands still.
 */
enum { MARKERS = 2, MARKERS_IN_PLACE = 4 };

struct search {
    struct wr_marks *reached;
    struct wr_marks *odd;     /* to what odd pointers point */
    struct wr_marks *leaked;  /* what is not reached; at last: what hangs off */
    struct wr_marks *pointed; /* to what a leaked block points */
    struct wr_marks *earlier; /* what was lost at the mark */
    struct wr_marker *marker; /* of what is reached */
    struct wr_marker *points; /* of what leaked blocks point to */
    struct wr_leaks_header *header;
    struct wr_leak *leak; /* room for WR_LEAKS_MOST */
    bool in_rings;        /* what is left is in rings of leaked blocks */
    bool garbage; /* it is managed blocks that are looked for, and no others */
};

/* ---- blocks ---- */

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

/* ---- what is reached ---- */

static bool
mark_from_roots(struct search *q, const struct wr_stop *s)
{
    struct wr_reach r = {.marker = q->marker, .odd = q->odd};
    bool reached = wr_reach_all(&r, s);

    q->header->root_bytes = r.root_bytes;
    q->header->ends.blocks = r.odd_blocks;
    q->header->ends.bytes = r.odd_bytes;
    return reached;
}

/* The only part of a search that takes long. */
static bool
mark_reached(struct search *q, const struct wr_copy *c)
{
    bool marked;

    (void)wr_helpers_begin(
        q->marker, c->where == WR_WHERE_COPY ? MARKERS : MARKERS_IN_PLACE, 0);
    marked = mark_from_roots(q, c->stop);
    wr_helpers_end(q->marker);
    return marked;
}

/* ---- what is not ---- */

static void
find_leaked(struct wr_span *s, void *search)
{
    struct search *q = search;
    struct wr_leaks_header *h = q->header;
    size_t bytes = wr_span_block_bytes(s);
    uint64_t live = 0;

    for (unsigned i = 0; i < s->blocks; i++) {
        if (!wr_block_is_live(wr_block_state(s, i)))
            continue;
        live++;
        if (wr_span_is_managed(s) != q->garbage ||
            wr_marks_has(q->reached, s, i))
            continue;
        (void)wr_marks_add(q->leaked, s, i);
        count(&h->indirect, s);
        count(&h->by_class[s->class_id], s);
    }
    h->live.blocks += live;
    h->live.bytes += live * bytes;
}

static bool
find_all_leaked(struct search *q)
{
    struct wr_leaks_header *h = q->header;

    wr_marks_free(q->leaked);
    q->leaked = wr_marks_new();
    h->live = h->indirect = (struct wr_leaks_count){0, 0};
    memset(h->by_class, 0, sizeof h->by_class);
    if (q->leaked == NULL)
        return false;
    wr_mheap_each_span(find_leaked, q);
    return !q->leaked->failed;
}

/* ---- what was lost earlier ---- */

static void
excuse(struct wr_span *s, unsigned block, void *search)
{
    struct search *q = search;

    if (wr_marker_add(q->marker, s, block))
        count(&q->header->before, s);
    else
        wr_marks_take_out(q->earlier, s, block); /* in use */
}

/* From here on it is as if it was in use, with all that hangs off. */
static bool
excuse_earlier(struct search *q, uint64_t flags)
{
    if ((flags & WR_LEAKS_SINCE_MARK) == 0)
        return true;
    q->header->since_ns = wr_earlier_read(q->earlier);
    wr_marks_each(q->earlier, excuse, q);
    return !q->earlier->failed && wr_marker_finish(q->marker) &&
           find_all_leaked(q);
}

static void
set_mark(struct search *q, const struct wr_copy *c)
{
    struct wr_leaks_header *h = q->header;

    if ((c->ask->flags & WR_LEAKS_SET_MARK) != 0)
        h->marked = wr_earlier_write(c, q->earlier, q->leaked,
                                     h->before.blocks + h->indirect.blocks);
}

/* ---- what is leaked ---- */

static void
follow_leaked(struct wr_span *s, unsigned block, void *search)
{
    struct search *q = search;
    uintptr_t base = block_base(s, block);
    uintptr_t end = base + wr_span_block_bytes(s);

    wr_marker_ignore(q->points, base, end); /* not by itself */
    wr_marker_scan(q->points, (void *)base, (void *)end);
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
move_to_direct(struct search *q, const struct wr_span *s, unsigned block)
{
    struct wr_leaks_header *h = q->header;

    count(&h->direct, s);
    h->indirect.blocks--;
    h->indirect.bytes -= wr_span_block_bytes(s);
    wr_marks_take_out(q->leaked, s, block);
}

/* A leak of its own, and all that hangs off it and was not taken yet. */
static void
take_direct(struct wr_span *s, unsigned block, void *search)
{
    struct search *q = search;
    struct wr_marked before;
    const struct wr_marked *now = wr_marker_sums(q->marker);
    struct wr_leak *l;

    if ((!q->in_rings && wr_marks_has(q->pointed, s, block)) ||
        !wr_marker_add(q->marker, s, block))
        return;
    move_to_direct(q, s, block);
    before = *now;
    (void)wr_marker_finish(q->marker);
    l = add_record(q, s, block);
    if (l == NULL)
        return;
    l->direct = 1;
    l->hangs.blocks = now->blocks - before.blocks;
    l->hangs.bytes = now->bytes - before.bytes;
}

/* Of those that hang off others the sampled ones are told. */
static void
tell_indirect(struct wr_span *s, unsigned block, void *search)
{
    if (birth_of(s, block).bucket != WR_LEAK_NO_BUCKET)
        (void)add_record(search, s, block);
}

/* Of a ring of leaked blocks nobody is not pointed at: whoever comes first
 * stands for it. */
static bool
take_leaked(struct search *q, const struct wr_copy *c)
{
    set_mark(q, c);
    wr_marks_each(q->leaked, follow_leaked, q);
    if (!wr_marker_finish(q->points))
        return false;
    wr_marks_each(q->leaked, take_direct, q);
    q->in_rings = true;
    wr_marks_each(q->leaked, take_direct, q);
    wr_marks_each(q->leaked, tell_indirect, q);
    return wr_marker_finish(q->marker);
}

/* ---- the search ---- */

static bool
make_markers(struct search *q)
{
    q->reached = wr_marks_new();
    q->odd = wr_marks_new();
    q->pointed = wr_marks_new();
    q->earlier = wr_marks_new();
    if (q->reached == NULL || q->odd == NULL || q->pointed == NULL ||
        q->earlier == NULL)
        return false;
    q->marker = wr_marker_new(q->reached, q->odd);
    q->points = wr_marker_new_shallow(q->pointed);
    return q->marker != NULL && q->points != NULL;
}

static void
free_markers(struct search *q)
{
    wr_marker_free(q->marker);
    wr_marker_free(q->points);
    wr_marks_free(q->reached);
    wr_marks_free(q->odd);
    wr_marks_free(q->leaked);
    wr_marks_free(q->pointed);
    wr_marks_free(q->earlier);
}

static bool
search(struct search *q, const struct wr_copy *c)
{
    bool complete = make_markers(q) && mark_reached(q, c) && find_all_leaked(q);

    if (complete && q->garbage)
        wr_marks_each(q->leaked, tell_indirect, q);
    else
        complete =
            complete && excuse_earlier(q, c->ask->flags) && take_leaked(q, c);

    if (q->marker != NULL)
        q->header->scanned_bytes = wr_marker_sums(q->marker)->scanned;
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
    h->direct = h->indirect = h->ends = h->before =
        (struct wr_leaks_count){0, 0};
    memset(h->by_class, 0, sizeof h->by_class);
}

void
wr_leak_find(const struct wr_copy *c, struct wr_leaks_header *h)
{
    struct search q = {.header = h,
                       .leak = (struct wr_leak *)(h + 1),
                       .garbage = c->ask->kind == WR_ASK_GARBAGE};

    fill_header(h, c, search(&q, c));
}

bool
wr_leak_write(const struct wr_copy *c, const struct wr_leaks_header *h)
{
    const struct wr_copy_part part[] = {
        {h, sizeof *h}, {h + 1, h->records * sizeof(struct wr_leak)}};

    return wr_copy_write(c, part, 2);
}

bool
wr_leak_search(const struct wr_copy *c)
{
    struct wr_leaks_header *h = wr_os_map(WR_LEAK_ROOM);
    bool written;

    if (h == NULL)
        return false;
    wr_leak_find(c, h);
    written = wr_leak_write(c, h);
    wr_os_unmap(h, WR_LEAK_ROOM);
    return written;
}
