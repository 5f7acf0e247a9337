/* Marking in slices, and to the end. Invariants: mark/marker.h. */
#include "mark/marker.h"

#include "base/base.h"
#include "heap/mheap.h"
#include "heap/span.h"
#include "mark/crew.h"
#include "mark/marks.h"
#include "os/os.h"
#include "os/pages.h"

/* Bytes between looks at the clock. */
enum { LOOK_BYTES = 16 << 10 };

/* --- In slices ----------------------------------------------------------- */

static bool
counts(const struct wr_marker *m, const struct wr_span *s, unsigned block)
{
    return wr_marks_has(m->marks, s, block) &&
           (m->marks->from_birth || wr_block_is_live(wr_block_state(s, block)));
}

/* The part of a marked block that lies in [from, end), with the word before: an
 * odd pointer may begin in that. */
static void
note_part(struct wr_marker *m, struct wr_span *s, unsigned block,
          uintptr_t from, uintptr_t end)
{
    size_t bytes = wr_span_block_bytes(s);
    uintptr_t base = s->base + block * bytes;

    if (!counts(m, s, block))
        return;
    from = wr_max(base, from - sizeof(uintptr_t));
    if (s->kind == WR_KIND_TYPED)
        wr_marker_note_typed(m, from, wr_min(base + bytes, end));
    else
        wr_marker_note_part(m, from, wr_min(base + bytes, end), base + bytes);
}

/* The same of all blocks of a span. */
static void
note_span(struct wr_marker *m, struct wr_span *s, uintptr_t from, uintptr_t end)
{
    bool exact;

    if (s->kind == WR_KIND_NOSCAN)
        return;
    if (wr_span_state(s) == WR_SPAN_LARGE)
        note_part(m, s, 0, from, end);
    if (wr_span_state(s) != WR_SPAN_SMALL)
        return;
    for (unsigned i = wr_span_block_of(s, (void *)from, &exact);
         i < s->blocks && s->base + i * (uintptr_t)s->block_bytes < end; i++)
        note_part(m, s, i, from, end);
}

void
wr_marker_again(struct wr_marker *m, uintptr_t from, uintptr_t end)
{
    m->pages.known = 0; /* as of before it was written */
    m->looks_again = true;
    for (uintptr_t stop; from < end; from = stop) {
        struct wr_span *s = wr_span_of((void *)from);

        stop = wr_min(wr_align_down(from, WR_PAGE_BYTES) + WR_PAGE_BYTES, end);
        if (s != NULL)
            note_span(m, s, from, stop);
    }
    wr_marker_mark_seen(m);
    m->looks_again = false;
}

/* --- To the end ---------------------------------------------------------- */

/* And what others gave away. */
static void
finish_all(struct wr_marker *m)
{
    wr_marker_blacken(m);
    if (m->crew == NULL)
        return;
    wr_crew_rest(m->crew);
    while ((m->depth = wr_crew_next_or_end(m->crew, m->grey)) > 0) {
        wr_marker_blacken(m);
        wr_crew_rest(m->crew);
    }
}

/* A marked block that was dropped is scanned, others once more. */
static void
look_again(struct wr_span *s, void *marker)
{
    struct wr_marker *m = marker;

    for (unsigned i = 0; i < s->blocks; i++) {
        if (s->kind == WR_KIND_NOSCAN || !counts(m, s, i))
            continue;
        wr_marker_push(m, s, i);
        wr_marker_blacken(m);
    }
}

void
wr_marker_take_counts(struct wr_marker *m, struct wr_marker *h)
{
    m->helped += h->sums.blocks;
    m->sums.blocks += h->sums.blocks;
    m->sums.bytes += h->sums.bytes;
    m->sums.scanned += h->sums.scanned;
    h->sums = (struct wr_marked){0, 0, 0};
    m->dropped |= h->dropped;
    h->dropped = false;
}

/* All rest. Did anybody drop blocks? */
static bool
gather(struct wr_marker *m)
{
    bool dropped;

    for (unsigned i = 1; i < m->markers; i++)
        wr_marker_take_counts(m, m->helper[i]);
    dropped = m->dropped;
    m->dropped = false;
    return dropped;
}

bool
wr_marker_lost_some(struct wr_marker *m)
{
    return gather(m);
}

bool
wr_marker_go_on(struct wr_marker *m, uint64_t until)
{
    uint64_t look = m->sums.scanned + LOOK_BYTES;

    if (until == 0)
        do
            finish_all(m);
        while (wr_marker_take_chunk(m));
    while (!wr_marker_is_done(m) || wr_marker_take_chunk(m)) {
        wr_marker_step(m);
        if (m->pool != NULL)
            wr_marker_give(m);
        if (m->sums.scanned < look)
            continue;
        if (wr_os_monotonic() >= until)
            return wr_marker_is_done(m) && !wr_marker_take_chunk(m);
        look = m->sums.scanned + LOOK_BYTES;
    }
    return true;
}

bool
wr_marker_finish(struct wr_marker *m)
{
    finish_all(m);
    while (gather(m) && !m->marks->failed) {
        wr_mheap_each_span(look_again, m);
        finish_all(m);
    }
    return !m->marks->failed && (m->kept == NULL || !m->kept->failed);
}
