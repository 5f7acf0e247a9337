/* Invariants (all under wr_mheap_lock)
 * 1. Every committed page belongs to exactly one span: one with blocks, a
 *    free run, or one being scavenged (MOVING).
 * 2. No two free runs are neighbours.
 * 3. A free run is in the index (runs.h), or hidden for a moment.
 * 4. heap_mapped = heap_inuse + heap_idle; heap_released counts the released
 *    bits of free runs. Pages of spans with blocks have no released bit.
 */
#include "heap/mheap.h"

#include <string.h>

#include "heap/huge.h"
#include "heap/mcache.h"
#include "heap/runs.h"
#include "heap/scavenge.h"
#include "heap/stretches.h"
#include "os/os.h"
#include "region/counters.h"
#include "region/event.h"
#include "region/history_write.h"

enum {
    RESERVE_BYTES = 64 << 20, /* at least; */
    RESERVE_MAX = 1 << 30,    /* and without need at most */
    COMMIT_MIN = 256 << 10,
    COMMIT_MAX = 32 << 20,
    META_BYTES = 128 << 10
};

struct wr_lock wr_mheap_lock = WR_LOCK_INIT;

_Atomic uint64_t wr_mheap_alarm = UINT64_MAX;
_Atomic uint64_t wr_mheap_ceiling = UINT64_MAX;

static struct wr_span *hidden; /* free runs in no index just now */
static size_t idle_low;        /* the least idle_resident since it was read */

/* The reservation being committed: [reserved_next, reserved_end). */
static uintptr_t reserved_next, reserved_end;

static char *meta_next;
static size_t meta_left;
static struct wr_span *records[24]; /* spare ones, by their units */
static bool keeping, telling;
static struct wr_span *kept_records; /* of spans with blocks, as they were */

/* ---- records ---- */

static void *
meta_take(size_t bytes)
{
    void *p;

    bytes = wr_align_up(bytes, 64);
    if (bytes > meta_left) {
        size_t chunk = wr_max(META_BYTES, wr_align_up(bytes, 4096));

        p = wr_os_map(chunk);
        if (p == NULL)
            return NULL;
        meta_next = p;
        meta_left = chunk;
    }
    p = meta_next;
    meta_next += bytes;
    meta_left -= bytes;
    return p;
}

void *
wr_mheap_meta(size_t bytes, _Atomic uint64_t *account)
{
    void *p;

    wr_lock_take(&wr_mheap_lock);
    p = meta_take(bytes);
    wr_lock_give(&wr_mheap_lock);
    if (p != NULL)
        atomic_fetch_add_explicit(account, wr_align_up(bytes, 64),
                                  memory_order_relaxed);
    return p;
}

/* Units of 64 bytes. One state more than blocks: an address in what is left
 * over behind the last block is looked up like any other. States are read by
 * the group, of which the longest are 64. */
static unsigned
record_units(unsigned blocks)
{
    size_t states = wr_align_up(blocks + 1, blocks < 64 ? 16 : 64);

    return (unsigned)(wr_align_up(sizeof(struct wr_span) + states, 64) / 64);
}

static struct wr_span *
record_new(unsigned blocks)
{
    unsigned units = record_units(blocks);
    struct wr_span *s = records[units];

    WR_ASSERT(units < wr_countof(records));
    if (s != NULL) {
        records[units] = s->next;
    } else {
        s = meta_take(units * (size_t)64);
        if (s == NULL)
            return NULL;
        wr_count_add(span_sys, units * 64);
    }
    memset(s, 0, sizeof *s);
    memset(s->block + blocks, WR_BLOCK_NONE,
           units * (size_t)64 - sizeof *s - blocks);
    wr_count_add(span_inuse, units * 64);
    s->record_units = (uint8_t)units;
    s->blocks = (uint16_t)blocks;
    s->prev = s;
    return s;
}

/* Spare tags of spans with so many times 64 blocks, linked through their
 * first bytes. */
static union tags {
    union tags *next;
    uint32_t tag[64];
} * spare_tags[WR_SPAN_BLOCKS_MAX / 64 + 1];

static unsigned
tags_size(const struct wr_span *s)
{
    return (s->blocks + 63u) / 64;
}

bool
wr_mheap_add_tags(struct wr_span *s)
{
    unsigned n = tags_size(s);
    union tags *t;

    wr_lock_take(&wr_mheap_lock);
    t = spare_tags[n];
    if (t != NULL) {
        spare_tags[n] = t->next;
    } else {
        t = meta_take(n * sizeof *t);
        if (t != NULL)
            wr_count_add(profile_sys, n * sizeof *t);
    }
    s->tags = t == NULL ? NULL : t->tag;
    wr_lock_give(&wr_mheap_lock);
    return t != NULL;
}

static void
drop_tags(struct wr_span *s)
{
    union tags *t = (union tags *)(void *)s->tags;

    if (t != NULL && s->tags != &s->one_tag) {
        t->next = spare_tags[tags_size(s)];
        spare_tags[tags_size(s)] = t;
    }
    s->tags = NULL;
}

static void
make_spare(struct wr_span *s)
{
    s->next = records[s->record_units];
    records[s->record_units] = s;
}

static void
record_free(struct wr_span *s)
{
    bool kept = keeping && s->blocks > 0;

    drop_tags(s);
    atomic_store_explicit(&s->state, WR_SPAN_UNUSED, memory_order_release);
    wr_count_sub(span_inuse, s->record_units * 64);
    if (kept) {
        s->next = kept_records;
        kept_records = s;
    } else {
        make_spare(s);
    }
}

void
wr_mheap_keep_records(bool on)
{
    struct wr_span *next;

    WR_ASSERT(wr_lock_held(&wr_mheap_lock));
    keeping = on;
    for (struct wr_span *s = kept_records; !on && s != NULL; s = next) {
        next = s->next;
        make_spare(s);
    }
    if (!on)
        kept_records = NULL;
}

void
wr_mheap_tell_gone(bool on)
{
    telling = on;
}

/* ---- free runs ---- */

static void
run_map_ends(struct wr_span *s)
{
    wr_pagemap_set(s->base, 1, s);
    wr_pagemap_set(s->base + wr_span_bytes(s) - WR_PAGE_BYTES, 1, s);
}

/* The free run that covers address a, or NULL. */
static struct wr_span *
run_at(uintptr_t a)
{
    struct wr_span *s = wr_span_of((void *)a);

    return s != NULL && wr_span_state(s) == WR_SPAN_FREE ? s : NULL;
}

/* Put the pages of s (in no index, entries of the page map clear) among the
 * free ones, joined with its neighbours. */
static void
run_insert(struct wr_span *s)
{
    struct wr_span *before = run_at(s->base - WR_PAGE_BYTES);
    struct wr_span *after = run_at(s->base + wr_span_bytes(s));

    if (before != NULL) {
        wr_runs_remove(before);
        wr_pagemap_set(before->base, 1, NULL);
        wr_pagemap_set(s->base - WR_PAGE_BYTES, 1, NULL);
        s->base = before->base;
        s->pages += before->pages;
        record_free(before);
    }
    if (after != NULL) {
        wr_runs_remove(after);
        wr_pagemap_set(after->base, 1, NULL);
        wr_pagemap_set(after->base + wr_span_bytes(after) - WR_PAGE_BYTES, 1,
                       NULL);
        s->pages += after->pages;
        record_free(after);
    }
    run_map_ends(s);
    wr_runs_add(s);
}

/* Cut the run s after so many pages; the rest becomes a free run of its
 * own. Its two end pages must not stay in the page map under s. */
static bool
run_split(struct wr_span *s, size_t pages)
{
    struct wr_span *rest;

    WR_ASSERT(pages < s->pages);
    rest = record_new(0);
    if (rest == NULL)
        return false;
    rest->base = s->base + (pages << WR_PAGE_SHIFT);
    rest->pages = s->pages - (uint32_t)pages;
    s->pages = (uint32_t)pages;
    run_insert(rest);
    return true;
}

/* Commit at least so many pages more; they become free. */
static bool
commit_more(size_t pages)
{
    size_t need = pages << WR_PAGE_SHIFT;
    size_t step = wr_count_get(heap_mapped) / 8;
    struct wr_span *s;

    step = wr_min(wr_max(step, COMMIT_MIN), COMMIT_MAX);
    step = wr_align_up(wr_max(need, step), WR_PAGE_BYTES);
    if (step > reserved_end - reserved_next)
        step = reserved_end - reserved_next;
    if (step < need || !wr_pagemap_cover(reserved_next, reserved_next + step))
        return false;
    s = record_new(0);
    if (s == NULL)
        return false;
    if (!wr_os_commit((void *)reserved_next, step) &&
        (step == need || !wr_os_commit((void *)reserved_next, step = need))) {
        record_free(s);
        return false;
    }
    s->base = reserved_next;
    s->pages = (uint32_t)(step >> WR_PAGE_SHIFT);
    reserved_next += step;
    wr_stretches_add(s->base, step);
    wr_pagemap_mark_released(s->base, s->pages, true);
    wr_count_add(heap_mapped, step);
    wr_count_add(heap_idle, step);
    wr_count_add(heap_released, step);
    wr_huge_committed(s->base, step, need, wr_count_get(heap_mapped));
    run_insert(s);
    return true;
}

/* An eighth of what there is: a large heap lies in few pieces. */
static size_t
reserve_step(void)
{
    size_t step = wr_count_get(heap_mapped) / 8;

    return wr_min(wr_max(step, (size_t)RESERVE_BYTES), (size_t)RESERVE_MAX);
}

/* New address space for at least so many pages, tried large first: under a
 * tight ulimit -v a small piece is better than none. What is left of the old
 * reservation is committed, which costs nothing until it is touched. */
static bool
reserve_more(size_t pages)
{
    size_t need = (pages << WR_PAGE_SHIFT) + WR_PAGE_BYTES;
    size_t sizes[] = {wr_align_up(wr_max(need, reserve_step()), RESERVE_BYTES),
                      wr_align_up(need, RESERVE_BYTES),
                      wr_align_up(need, 4 * WR_MIB),
                      wr_align_up(need, COMMIT_MIN)};
    uintptr_t p = 0;
    size_t i;

    for (i = 0; i < wr_countof(sizes) && p == 0; i++)
        p = (uintptr_t)wr_os_reserve(sizes[i]);
    if (p == 0)
        return false;
    if (p == reserved_end) {
        reserved_end += sizes[i - 1];
        return true;
    }
    if (reserved_next < reserved_end)
        (void)commit_more((reserved_end - reserved_next) >> WR_PAGE_SHIFT);
    reserved_next = wr_align_up(p, WR_PAGE_BYTES);
    reserved_end = wr_align_down(p + sizes[i - 1], WR_PAGE_BYTES);
    return true;
}

static bool
grow(size_t pages)
{
    if (reserved_end - reserved_next >= pages << WR_PAGE_SHIFT &&
        commit_more(pages))
        return true;
    if (reserve_more(pages) && commit_more(pages))
        return true;
    wr_count_add(map_failures, 1);
    wr_history_mark_refused(WR_MARK_MAP_FAILED, pages << WR_PAGE_SHIFT);
    return false;
}

/* ---- spans ---- */

static void
note_peak(void)
{
    uint64_t inuse = wr_count_get(heap_inuse);

    if (inuse > wr_count_get(heap_peak))
        atomic_store_explicit(&wr_counters->heap_peak, inuse,
                              memory_order_relaxed);
}

static size_t
idle_resident(void)
{
    return wr_count_get(heap_idle) - wr_count_get(heap_released);
}

/* What of the heap is the system's loss, at most: pages that nobody touched
 * yet are in it. */
static uint64_t
held(void)
{
    return wr_count_get(heap_mapped) - wr_count_get(heap_released);
}

/* Lock held: the heap has just grown by that much; does anybody want to know?
 */
static bool
is_alarming(size_t grown)
{
    return wr_unlikely(
        grown > 0 &&
        held() > atomic_load_explicit(&wr_mheap_alarm, memory_order_relaxed));
}

static void
tell_alarm(size_t grown)
{
    if (wr_events.memory_near != NULL)
        wr_events.memory_near(grown);
}

uint64_t
wr_mheap_held(void)
{
    uint64_t bytes;

    wr_lock_take(&wr_mheap_lock);
    bytes = held();
    wr_lock_give(&wr_mheap_lock);
    return bytes;
}

/* The pages of a run go from idle to in use: how many of them were not
 * resident, and zero. */
static size_t
account_taken(uintptr_t base, size_t pages)
{
    size_t released = wr_pagemap_released(base, pages);

    wr_pagemap_mark_released(base, pages, false);
    wr_count_sub(heap_released, released << WR_PAGE_SHIFT);
    wr_count_sub(heap_idle, pages << WR_PAGE_SHIFT);
    wr_count_add(heap_inuse, pages << WR_PAGE_SHIFT);
    idle_low = wr_min(idle_low, idle_resident());
    note_peak();
    return released;
}

/* A free run out of the index, cut to the wish; its end entries cleared. */
static struct wr_span *
take_run(size_t pages, size_t align_pages)
{
    size_t slack = align_pages - 1;
    size_t mask = (align_pages << WR_PAGE_SHIFT) - 1;
    struct wr_span *s = wr_runs_find(pages + slack);

    if (s == NULL) {
        if (!grow(pages + slack))
            return NULL;
        s = wr_runs_find(pages + slack);
        WR_ASSERT(s != NULL);
    }
    wr_runs_remove(s);
    wr_pagemap_set(s->base, 1, NULL);
    wr_pagemap_set(s->base + wr_span_bytes(s) - WR_PAGE_BYTES, 1, NULL);
    if ((s->base & mask) != 0) { /* give the unaligned head back */
        size_t head = (align_pages << WR_PAGE_SHIFT) - (s->base & mask);
        struct wr_span *rest = record_new(0);

        if (rest == NULL) {
            run_insert(s);
            return NULL;
        }
        rest->base = s->base + head;
        rest->pages = s->pages - (uint32_t)(head >> WR_PAGE_SHIFT);
        s->pages = (uint32_t)(head >> WR_PAGE_SHIFT);
        run_insert(s);
        s = rest;
    }
    if (s->pages > pages && !run_split(s, pages)) {
        run_insert(s);
        return NULL;
    }
    return s;
}

/* *grown: bytes that were not resident. */
static struct wr_span *
alloc_locked(size_t pages, size_t align_pages, unsigned blocks, size_t *grown)
{
    struct wr_span *s = record_new(blocks);
    struct wr_span *run;
    size_t fresh;

    if (s == NULL)
        return NULL;
    run = take_run(pages, align_pages);
    if (run == NULL) {
        record_free(s);
        return NULL;
    }
    s->base = run->base;
    s->pages = (uint32_t)pages;
    fresh = account_taken(s->base, pages);
    s->zero = fresh == pages;
    *grown = fresh << WR_PAGE_SHIFT;
    memset(s->block, s->zero ? WR_BLOCK_FRESH : WR_BLOCK_FREE, blocks);
    record_free(run);
    atomic_store_explicit(&s->state, WR_SPAN_LARGE, memory_order_release);
    wr_pagemap_set(s->base, pages, s);
    return s;
}

struct wr_span *
wr_mheap_alloc(size_t pages, size_t align_pages, unsigned blocks)
{
    struct wr_span *s;
    size_t grown = 0;
    bool alarming;

    if (pages > UINT32_MAX / 2 || align_pages > UINT32_MAX / 2)
        return NULL;
    wr_lock_take(&wr_mheap_lock);
    s = alloc_locked(pages, align_pages, blocks, &grown);
    alarming = is_alarming(grown);
    wr_lock_give(&wr_mheap_lock);
    if (alarming)
        tell_alarm(grown);
    if (wr_events.memory_taken != NULL)
        wr_events.memory_taken();
    return s;
}

static void
tell_gone(uintptr_t base, size_t pages)
{
    if (wr_unlikely(keeping || telling))
        wr_events.span_gone(base, pages);
}

void
wr_mheap_free(struct wr_span *s, bool emptied)
{
    struct wr_span *run;
    size_t idle;

    if (wr_span_state(s) == WR_SPAN_SMALL)
        wr_tell_going(s, s->base, wr_span_bytes(s));
    wr_lock_take(&wr_mheap_lock);
    WR_ASSERT(wr_span_state(s) == WR_SPAN_SMALL ||
              wr_span_state(s) == WR_SPAN_LARGE);
    wr_pagemap_set(s->base, s->pages, NULL);
    wr_span_set_old(s, false);
    tell_gone(s->base, s->pages);
    wr_count_sub(heap_inuse, wr_span_bytes(s));
    wr_count_add(heap_idle, wr_span_bytes(s));
    if (emptied) {
        wr_pagemap_mark_released(s->base, s->pages, true);
        wr_count_add(heap_released, wr_span_bytes(s));
    }
    run = s;
    /* Free runs have no blocks. */
    if (keeping || s->record_units > record_units(0)) {
        run = record_new(0);
        if (run != NULL) {
            run->base = s->base;
            run->pages = s->pages;
            record_free(s);
        } else {
            run = s;
        }
    }
    run->own_next = run->own_prev = NULL;
    run_insert(run);
    idle = idle_resident();
    wr_lock_give(&wr_mheap_lock);
    wr_scavenge_tell(idle);
}

static bool
shrink_locked(struct wr_span *s, size_t pages)
{
    struct wr_span *rest = record_new(0);
    size_t cut = s->pages - pages;

    if (rest == NULL)
        return false;
    rest->base = s->base + (pages << WR_PAGE_SHIFT);
    rest->pages = (uint32_t)cut;
    wr_pagemap_set(rest->base, cut, NULL);
    s->pages = (uint32_t)pages;
    wr_span_set_old(s, false);
    tell_gone(rest->base, cut);
    wr_count_sub(heap_inuse, cut << WR_PAGE_SHIFT);
    wr_count_add(heap_idle, cut << WR_PAGE_SHIFT);
    run_insert(rest);
    return true;
}

static bool
extend_locked(struct wr_span *s, size_t pages, size_t *grown)
{
    uintptr_t end = s->base + wr_span_bytes(s);
    size_t more = pages - s->pages;
    struct wr_span *run = run_at(end);

    if (run == NULL || run->base != end || run->pages < more)
        return false;
    wr_runs_remove(run);
    wr_pagemap_set(run->base, 1, NULL);
    wr_pagemap_set(run->base + wr_span_bytes(run) - WR_PAGE_BYTES, 1, NULL);
    if (run->pages > more && !run_split(run, more)) {
        run_insert(run);
        return false;
    }
    *grown = account_taken(run->base, more) << WR_PAGE_SHIFT;
    record_free(run);
    s->pages = (uint32_t)pages;
    wr_span_set_old(s, false);
    wr_pagemap_set(end, more, s);
    return true;
}

bool
wr_mheap_resize(struct wr_span *s, size_t pages)
{
    bool done = true, alarming;
    size_t grown = 0;

    if (pages > UINT32_MAX / 2)
        return false;
    wr_lock_take(&wr_mheap_lock);
    WR_ASSERT(wr_span_state(s) == WR_SPAN_LARGE);
    if (pages < s->pages)
        done = shrink_locked(s, pages);
    else if (pages > s->pages)
        done = extend_locked(s, pages, &grown);
    alarming = is_alarming(grown);
    wr_lock_give(&wr_mheap_lock);
    if (alarming)
        tell_alarm(grown);
    return done;
}

/* ---- scavenging ---- */

/* Take s out of sight while the system works on it, so that the lock need
 * not be held; nobody joins it or hands it out meanwhile. */
static void
hide_run(struct wr_span *s)
{
    wr_runs_remove(s);
    wr_pagemap_set(s->base, 1, NULL);
    wr_pagemap_set(s->base + wr_span_bytes(s) - WR_PAGE_BYTES, 1, NULL);
    atomic_store_explicit(&s->state, WR_SPAN_MOVING, memory_order_release);
    s->inbox_next = hidden;
    hidden = s;
}

static void
show_run(struct wr_span *s)
{
    struct wr_span **at = &hidden;

    while (*at != s)
        at = &(*at)->inbox_next;
    *at = s->inbox_next;
    run_insert(s);
}

void
wr_mheap_fork_child(void)
{
    wr_mheap_keep_records(false);
    while (hidden != NULL)
        show_run(hidden);
}

size_t
wr_mheap_idle_low(void)
{
    size_t low;

    wr_lock_take(&wr_mheap_lock);
    low = wr_min(idle_low, idle_resident());
    idle_low = SIZE_MAX;
    wr_lock_give(&wr_mheap_lock);
    return low;
}

/* Release up to `most` bytes of s, in one go of resident pages: what was
 * released. Lock held, and dropped in between. */
static size_t
release_some(struct wr_span *s, size_t most)
{
    uintptr_t at;
    size_t bytes = wr_pagemap_resident(s->base, s->base + wr_span_bytes(s), &at)
                   << WR_PAGE_SHIFT;
    bool done;

    bytes = wr_align_up(wr_min(bytes, most), WR_PAGE_BYTES);
    wr_huge_released(at, bytes);
    hide_run(s);
    wr_lock_give(&wr_mheap_lock);
    done = wr_os_release((void *)at, bytes);
    wr_lock_take(&wr_mheap_lock);
    if (done) {
        wr_pagemap_mark_released(at, bytes >> WR_PAGE_SHIFT, true);
        wr_count_add(heap_released, bytes);
        wr_count_add(scavenged, bytes);
    }
    show_run(s);
    return done ? bytes : 0;
}

size_t
wr_mheap_scavenge(size_t bytes)
{
    size_t given = 0, n = 1;
    struct wr_span *s;

    wr_lock_take(&wr_mheap_lock);
    while (given < bytes && n > 0 && (s = wr_runs_resident()) != NULL) {
        n = release_some(s, bytes - given);
        given += n;
    }
    wr_lock_give(&wr_mheap_lock);
    return given;
}

/* ---- walking ---- */

/* The first record in a window that begins at page i or behind. */
static struct wr_span *
next_in_window(size_t index, size_t i)
{
    const struct wr_window *w = &wr_windows[index];

    for (i = wr_max(i, w->first); i < w->end; i++) {
        uintptr_t a = ((uintptr_t)index << WR_WINDOW_SHIFT) +
                      ((uintptr_t)i << WR_PAGE_SHIFT);
        struct wr_span *s = wr_span_of((void *)a);

        if (s != NULL && s->base == a)
            return s;
    }
    return NULL;
}

struct wr_span *
wr_mheap_next(uintptr_t *from)
{
    size_t index = wr_max(*from >> WR_WINDOW_SHIFT, wr_window_first);
    struct wr_span *s;

    for (; index <= wr_window_last; index++) {
        uintptr_t start = wr_max(*from, (uintptr_t)index << WR_WINDOW_SHIFT);

        s = next_in_window(index,
                           (start - ((uintptr_t)index << WR_WINDOW_SHIFT)) >>
                               WR_PAGE_SHIFT);
        if (s != NULL) {
            *from = s->base + wr_span_bytes(s);
            return s;
        }
    }
    return NULL;
}

void
wr_mheap_each_span(void (*visit)(struct wr_span *, void *), void *arg)
{
    struct wr_span *s;
    uintptr_t at = 0;

    while ((s = wr_mheap_next(&at)) != NULL)
        if (wr_span_state(s) == WR_SPAN_SMALL ||
            wr_span_state(s) == WR_SPAN_LARGE)
            visit(s, arg);
}

struct tally {
    size_t inuse, idle, released;
};

static void
check_record(struct wr_span *s, struct tally *t)
{
    uintptr_t last = s->base + wr_span_bytes(s) - WR_PAGE_BYTES;

    WR_ASSERT(s->pages > 0);
    WR_ASSERT(wr_span_of((void *)last) == s);
    if (wr_span_state(s) == WR_SPAN_FREE) {
        WR_ASSERT(run_at(last + WR_PAGE_BYTES) == NULL);
        t->idle += wr_span_bytes(s);
        t->released += wr_pagemap_released(s->base, s->pages) << WR_PAGE_SHIFT;
        return;
    }
    WR_ASSERT(wr_span_state(s) == WR_SPAN_SMALL ||
              wr_span_state(s) == WR_SPAN_LARGE);
    for (uintptr_t a = s->base; a <= last; a += WR_PAGE_BYTES)
        WR_ASSERT(wr_span_of((void *)a) == s);
    WR_ASSERT(wr_pagemap_released(s->base, s->pages) == 0);
    t->inuse += wr_span_bytes(s);
}

void
wr_mheap_check(void)
{
    struct tally t = {0, 0, 0};
    struct wr_span *s;
    uintptr_t at = 0;

    WR_ASSERT(wr_lock_held(&wr_mheap_lock));
    while ((s = wr_mheap_next(&at)) != NULL)
        check_record(s, &t);
    wr_runs_check();
    WR_ASSERT(t.inuse == wr_count_get(heap_inuse));
    for (s = hidden; s != NULL; s = s->inbox_next) {
        t.idle += wr_span_bytes(s);
        t.released += wr_pagemap_released(s->base, s->pages) << WR_PAGE_SHIFT;
    }
    WR_ASSERT(t.idle == wr_count_get(heap_idle));
    WR_ASSERT(t.released == wr_count_get(heap_released));
    WR_ASSERT(t.idle + t.inuse == wr_count_get(heap_mapped));
}
