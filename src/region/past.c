/* Invariants
 * 1. The entry at `written` may be half overwritten, so a ring tells of one
 *    entry less than it has room for.
 * 2. What was copied counts only when seq and written stood still meanwhile.
 *    An odd seq that stands still is a writer that was killed (or stopped) in
 *    the middle; `undo` says which series is a step ahead.
 * 3. This file stands alone, as read.c does.
 */
#include "region/past.h"

#include <string.h>
#include <unistd.h>

#include "base/base.h"

enum { TRIES = 20, TRY_US = 1000 };

/* One of the logs in a view. */
struct log {
    const struct wr_past_log *head;
    const struct wr_past_entry *entry;
    uint64_t entries; /* room */
    uint64_t tick_ns;
};

static uint64_t
load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

static const struct wr_past *
past_of(const struct wr_region_view *v)
{
    const struct wr_past *p;

    if (wr_view_used(v, WR_TABLE_PAST) == 0)
        return NULL;
    p = (const void *)(v->base + v->table[WR_TABLE_PAST].offset);
    return load(&p->begun) != 0 ? p : NULL;
}

static struct log
log_of(const struct wr_past *p, unsigned i)
{
    if (i == WR_PAST_FINE)
        return (struct log){&p->log[i], p->fine, WR_PAST_FINE_ENTRIES,
                            WR_PAST_FINE_NS};
    return (struct log){&p->log[i], p->coarse, WR_PAST_COARSE_ENTRIES,
                        WR_PAST_COARSE_NS};
}

static struct wr_past_entry
entry_at(const struct log *l, uint64_t i)
{
    const struct wr_past_entry *e = &l->entry[i % l->entries];
    struct wr_past_entry copy;

    copy.series = __atomic_load_n(&e->series, __ATOMIC_ACQUIRE);
    copy.tick = __atomic_load_n(&e->tick, __ATOMIC_ACQUIRE);
    copy.allocs = __atomic_load_n(&e->allocs, __ATOMIC_ACQUIRE);
    copy.frees = __atomic_load_n(&e->frees, __ATOMIC_ACQUIRE);
    return copy;
}

/* The first entry of `written` that is there. */
static uint64_t
first_entry(const struct log *l, uint64_t written)
{
    return written < l->entries ? 0 : written - (l->entries - 1);
}

/* The oldest tick whose values can be told. */
static uint64_t
oldest_tick(const struct log *l)
{
    uint64_t written = load(&l->head->written);
    uint64_t first = first_entry(l, written);

    return first == 0 ? load(&l->head->base) : entry_at(l, first).tick;
}

uint64_t
wr_past_oldest(const struct wr_region_view *v)
{
    const struct wr_past *p = past_of(v);
    uint64_t oldest = UINT64_MAX;

    if (p == NULL)
        return 0;
    for (unsigned i = 0; i < WR_PAST_LOGS; i++) {
        struct log l = log_of(p, i);

        oldest = wr_min(oldest, oldest_tick(&l) * l.tick_ns);
    }
    return wr_max(oldest, 1); /* 0 would be none */
}

/* The log that knows best of a moment, and its tick. */
static bool
find_log(const struct wr_region_view *v, uint64_t uptime_ns, struct log *l,
         uint64_t *tick)
{
    const struct wr_past *p = past_of(v);

    for (unsigned i = 0; p != NULL && i < WR_PAST_LOGS; i++) {
        *l = log_of(p, i);
        *tick = uptime_ns / l->tick_ns;
        if (*tick >= oldest_tick(l))
            return true;
    }
    return false;
}

uint64_t
wr_past_moment(const struct wr_region_view *v, uint64_t uptime_ns)
{
    struct log l;
    uint64_t tick;

    return find_log(v, uptime_ns, &l, &tick) ? tick * l.tick_ns : 0;
}

/* ---- values ---- */

/* What a walk fills: of so many buckets the counts or the old, the other is
 * NULL. */
struct values {
    struct wr_bucket_counts *counts;
    struct wr_past_died *died;
    size_t buckets;
};

/* Where a series' two counts stand; false: nobody asked. */
static bool
place_of(uint64_t series, const struct values *out, uint64_t **allocs,
         uint64_t **frees)
{
    bool old = series >= WR_PAST_SERIES;
    uint64_t n = old ? series - WR_PAST_SERIES : series;
    uint64_t bucket = old ? n / WR_PAST_OLD : n == 0 ? 0 : n - 1;

    if (bucket >= out->buckets || old != (out->died != NULL))
        return false;
    if (old) {
        *allocs = &out->died[bucket].grade[n % WR_PAST_OLD * 2];
        *frees = *allocs + 1;
        return true;
    }
    *allocs =
        series == 0 ? &out->counts[0].alloc_bytes : &out->counts[bucket].allocs;
    *frees =
        series == 0 ? &out->counts[0].free_bytes : &out->counts[bucket].frees;
    return true;
}

static void
set(uint64_t series, const struct wr_past_pair *p, const struct values *out)
{
    uint64_t *allocs, *frees;

    if (!place_of(series, out, &allocs, &frees))
        return;
    *frees = load(&p->frees);
    *allocs = load(&p->allocs);
}

static void
take_back(const struct wr_past_entry *e, const struct values *out)
{
    uint64_t *allocs, *frees;

    if (!place_of(e->series, out, &allocs, &frees))
        return;
    *allocs -= wr_min(e->allocs, *allocs);
    *frees -= wr_min(e->frees, *frees);
}

static void
set_last(const struct log *l, const struct values *out)
{
    uint64_t known = wr_min(out->buckets, WR_PAST_SERIES - 1);
    uint64_t first = out->died != NULL ? WR_PAST_SERIES : 0;
    uint64_t n = out->died != NULL ? known * WR_PAST_OLD : known + 1;

    for (uint64_t s = first; s < first + n; s++)
        set(s, &l->head->logged[s], out);
}

/* What the series were at tick; entries are in the order of ticks. */
static void
walk_back(const struct log *l, uint64_t seq, uint64_t written, uint64_t tick,
          const struct values *out)
{
    uint64_t first = first_entry(l, written);

    set_last(l, out);
    if (seq % 2 != 0 && load(&l->head->undo.at) == written)
        set(load(&l->head->undo.series), &l->head->undo.was, out);
    for (uint64_t i = written; i-- > first;) {
        struct wr_past_entry e = entry_at(l, i);

        if (e.tick <= tick)
            break;
        take_back(&e, out);
    }
}

/* Did the writer stand still, and what it left is whole? Wait for it while
 * there are tries left. */
static bool
try_values(const struct log *l, uint64_t tick, const struct values *out,
           bool last)
{
    uint64_t seq = load(&l->head->seq);
    uint64_t written = load(&l->head->written);

    if (seq % 2 != 0 && !last)
        return false;
    walk_back(l, seq, written, tick, out);
    return load(&l->head->seq) == seq && load(&l->head->written) == written;
}

static int
values_at(const struct wr_region_view *v, uint64_t uptime_ns,
          const struct values *out)
{
    for (int i = 0; i <= TRIES; i++) {
        struct log l;
        uint64_t tick;

        if (!find_log(v, uptime_ns, &l, &tick))
            return -1;
        if (try_values(&l, tick, out, i == TRIES))
            return 0;
        usleep(TRY_US);
    }
    return -1;
}

/* Bytes of a bucket follow from its size, but for those of "other". */
static void
add_bytes(const struct wr_region_view *v, struct wr_bucket_counts *out,
          size_t buckets)
{
    for (size_t i = 0; i < buckets; i++) {
        const struct wr_bucket *b = wr_view_bucket(v, i);
        struct wr_bucket_counts *c = &out[i];

        c->frees = wr_min(c->frees, c->allocs);
        if (i != 0 && b != NULL) {
            c->alloc_bytes = c->allocs * b->size;
            c->free_bytes = c->frees * b->size;
        }
        c->free_bytes = wr_min(c->free_bytes, c->alloc_bytes);
    }
}

int
wr_past_values(const struct wr_region_view *v, uint64_t uptime_ns,
               struct wr_bucket_counts *out, size_t buckets)
{
    struct values values = {.counts = out, .buckets = buckets};

    if (buckets > 0)
        memset(out, 0, buckets * sizeof *out);
    if (values_at(v, uptime_ns, &values) != 0)
        return -1;
    add_bytes(v, out, buckets);
    return 0;
}

int
wr_past_died(const struct wr_region_view *v, uint64_t uptime_ns,
             struct wr_past_died *out, size_t buckets)
{
    struct values values = {.died = out, .buckets = buckets};

    if (buckets > 0)
        memset(out, 0, buckets * sizeof *out);
    return values_at(v, uptime_ns, &values);
}
