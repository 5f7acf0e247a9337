/* Invariants
 * 1. `kept` is NULL, or the marks of the last cycle, which forget spans that go
 *    (gc/judge.h). Guard: mheap's lock.
 * 2. While it is there each span's `old` says what young.h says; else it says
 *    nothing.
 * 3. The watch's descriptors are those of Weir's thread number `turn`. With
 *    another they are gone, and their numbers may be others'.
 */
#include "gc/young.h"

#include "base/base.h"
#include "gc/judge.h"
#include "heap/mheap.h"
#include "heap/span.h"
#include "heap/stretches.h"
#include "mark/mark.h"
#include "mark/marks.h"
#include "os/os.h"
#include "os/watch.h"
#include "world/background.h"

enum { BATCH = 64 }; /* stretches of written pages that are asked for at once */

static struct wr_marks *kept;
static _Atomic uint64_t kept_bytes;
static struct wr_os_watch watch;
static uint32_t turn;
static bool watching; /* the watch is open, in that turn */
static bool refused;  /* the system does not let us */

/* ---- which pages were written ---- */

static void
look_at_written(struct wr_young_run *r, const struct wr_os_stretch *s, size_t n)
{
    for (size_t i = 0; i < n && r->marker != NULL; i++)
        wr_marker_again(r->marker, s[i].from, s[i].end);
}

static void
end_run(struct wr_young_run *r)
{
    struct wr_os_stretch found[BATCH];

    for (uintptr_t at = r->from; at < r->end && !r->failed;) {
        size_t n = wr_os_watch_take(&watch, &at, r->end, found, BATCH);

        r->failed = n == SIZE_MAX;
        if (!r->failed)
            look_at_written(r, found, n);
    }
    r->from = r->end = 0;
}

static void
add_to_run(struct wr_young_run *r, const struct wr_span *s)
{
    if (s->base != r->end) {
        end_run(r);
        r->from = s->base;
    }
    r->end = s->base + wr_span_bytes(s);
}

/* ---- the beginning ---- */

static bool
is_ours(void)
{
    return watching && turn == wr_background_turn();
}

bool
wr_young_can(void)
{
    return kept != NULL && is_ours() && wr_marks_hold_all(kept);
}

static bool
is_empty(const uint64_t *line)
{
    uint64_t any = 0;

    for (unsigned i = 0; i < WR_MARKS_WORDS; i++)
        any |= line[i];
    return any == 0;
}

/* What the program has freed since has no mark; what does not live has one, as
 * the marker wants it of what it has met. */
static void
prepare(struct wr_span *s, void *unused)
{
    uint64_t *line = wr_marks_line(kept, s);

    (void)unused;
    if (wr_span_is_old(s) || line == NULL)
        return;
    if (is_empty(line)) {
        wr_marks_unmeet(kept, s->base, s->pages);
        return;
    }
    for (unsigned i = 0; i < WR_MARKS_WORDS && i * 64 <= s->blocks; i++) {
        uint64_t live = wr_span_live_blocks(s, i * 64);

        line[i] = (line[i] & live) | ~live;
    }
}

static void
let_kept_go(void)
{
    wr_judge_follow(NULL);
    kept = NULL;
    atomic_store(&kept_bytes, 0);
}

struct wr_marks *
wr_young_begin(void)
{
    struct wr_marks *marks = kept;

    wr_mheap_each_span(prepare, NULL);
    let_kept_go();
    return marks;
}

struct look {
    const struct wr_marks *marks;
    struct wr_young_run run;
};

static void
look_at_span(struct wr_span *s, void *look)
{
    struct look *l = look;
    const uint64_t *line = wr_marks_line(l->marks, s);

    if (s->kind == WR_KIND_NOSCAN)
        return;
    if (wr_span_is_old(s))
        add_to_run(&l->run, s);
    else if (line != NULL && !is_empty(line))
        wr_marker_again(l->run.marker, s->base, s->base + wr_span_bytes(s));
}

bool
wr_young_look_again(struct wr_marker *m, const struct wr_marks *marks)
{
    struct look l = {marks, {.marker = m}};

    wr_mheap_each_span(look_at_span, &l);
    end_run(&l.run);
    return !l.run.failed;
}

/* ---- the end ---- */

static bool
open_watch(void)
{
    if (is_ours())
        return true;
    watching = !refused && wr_background_is_apart() && wr_os_watch_open(&watch);
    refused = !watching;
    turn = wr_background_turn();
    return watching;
}

static bool
watch_stretch(uintptr_t from, uintptr_t end)
{
    return wr_os_watch_begin(&watch, from, end);
}

bool
wr_young_may_keep(void)
{
    return open_watch() && wr_stretches_each(watch_stretch);
}

static bool
is_current(const struct wr_span *s)
{
    return (atomic_load_explicit(&s->shared, memory_order_relaxed) &
            WR_SHARED_CURRENT) != 0;
}

/* Do all its blocks live, and have a mark? */
static bool
is_whole(const struct wr_span *s, const uint64_t *line)
{
    bool whole = true;

    for (unsigned i = 0; i < s->blocks && whole; i += 64) {
        unsigned n = wr_min((unsigned)s->blocks - i, 64u);

        whole = (wr_span_live_blocks(s, i) & line[i / 64]) ==
                UINT64_MAX >> (64 - n);
    }
    return whole;
}

/* Of any other span the marks of what lives are kept. */
void
wr_young_keep_span(struct wr_young_run *r, struct wr_span *s,
                   struct wr_marks *marks)
{
    uint64_t *line = wr_marks_line(marks, s);
    bool old = line != NULL && !is_current(s) && is_whole(s, line);

    if (old && !wr_span_is_old(s) && s->kind != WR_KIND_NOSCAN)
        add_to_run(r, s);
    wr_span_set_old(s, old);
    for (unsigned i = 0; !old && line != NULL && i < WR_MARKS_WORDS; i++)
        line[i] &= wr_span_live_blocks(s, i * 64);
}

void
wr_young_keep(struct wr_young_run *r, struct wr_marks *marks)
{
    end_run(r);
    kept = marks;
    atomic_store(&kept_bytes, wr_marks_bytes(marks));
    wr_judge_follow(marks);
}

void
wr_young_forget(void)
{
    struct wr_marks *marks = kept;

    if (marks == NULL)
        return;
    let_kept_go();
    wr_marks_free(marks);
}

static bool
drop_stretch(uintptr_t from, uintptr_t end)
{
    wr_os_watch_drop(&watch, from, end);
    return true;
}

void
wr_young_unwatch(void)
{
    wr_young_forget();
    if (!is_ours())
        return;
    (void)wr_stretches_each(drop_stretch);
    wr_os_watch_close(&watch);
    watching = false;
}

uint64_t
wr_young_bytes(void)
{
    return atomic_load(&kept_bytes);
}

/* The marks stay mapped: who would free them was perhaps about to do it. */
void
wr_young_fork_child(void)
{
    if (kept != NULL)
        let_kept_go();
    if (watching)
        watching = false;
}
