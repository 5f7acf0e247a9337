/* Invariants
 * 1. `logged` of a series less its entries later than T is the series at tick
 *    T, for every T that both reach; see struct wr_past in region/layout.h.
 * 2. Between any two stores a reader who knows `undo` can tell the same.
 * 3. The coarse log is a log of what the fine one says: at coarse tick C its
 *    series are those of the fine log at the same moment.
 */
#include "region/past_write.h"

#include <stddef.h>

#include "base/base.h"
#include "region/counters.h"
#include "region/region.h"

#define FINE_PER_COARSE (WR_PAST_COARSE_NS / WR_PAST_FINE_NS)
/* Who comes later than that after a tick comes from a pause: what it finds is
 * news, and belongs to the next tick. */
#define LATE_NS UINT64_C(2000000000)

/* About the region whose start_mono_ns is born. */
static struct {
    uint64_t born;
    uint64_t events; /* samples and their frees, as of the last tick logged */
} state;

struct log {
    struct wr_past_log *head;
    struct wr_past_entry *entry;
    uint64_t entries;
};

struct pair {
    uint64_t allocs, frees;
};

static struct wr_past *
past(void)
{
    return wr_region_entry(WR_TABLE_PAST, 0);
}

static struct log
fine_log(void)
{
    struct wr_past *p = past();

    return (struct log){&p->log[WR_PAST_FINE], p->fine, WR_PAST_FINE_ENTRIES};
}

static struct log
coarse_log(void)
{
    struct wr_past *p = past();

    return (struct log){&p->log[WR_PAST_COARSE], p->coarse,
                        WR_PAST_COARSE_ENTRIES};
}

static uint64_t
get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

static void
put(_Atomic uint64_t *word, uint64_t n)
{
    atomic_store_explicit(word, n, memory_order_release);
}

/* Frees first: they are never above allocs. */
static struct pair
get_pair(const struct wr_past_pair *p)
{
    struct pair n;

    n.frees = get(&p->frees);
    n.allocs = get(&p->allocs);
    return n;
}

static void
put_pair(struct wr_past_pair *p, struct pair n)
{
    put(&p->allocs, n.allocs);
    put(&p->frees, n.frees);
}

/* What a series is now. */
static struct pair
series_now(uint64_t series)
{
    struct wr_bucket *b =
        wr_region_entry(WR_TABLE_BUCKETS, series == 0 ? 0 : series - 1);
    struct pair n;

    n.frees = get(series == 0 ? &b->free_bytes : &b->frees);
    n.allocs = get(series == 0 ? &b->alloc_bytes : &b->allocs);
    return n;
}

/* How many there are: as many as buckets, and one. */
static uint64_t
series_used(void)
{
    return wr_region_used(WR_TABLE_BUCKETS) + 1;
}

/* How many of a bucket's blocks died older than the grade. */
static uint64_t
died_old(const struct wr_bucket *b, unsigned grade)
{
    uint64_t n = 0;

    for (unsigned k = WR_AGES; k-- > 5 + 2 * grade;)
        n += atomic_load_explicit(&b->died[k], memory_order_relaxed);
    return n;
}

/* What a series of the old is now. The higher grade first: it is never above
 * the lower. */
static struct pair
old_now(uint64_t series)
{
    uint64_t n = series - WR_PAST_SERIES;
    struct wr_bucket *b = wr_region_entry(WR_TABLE_BUCKETS, n / WR_PAST_OLD);
    unsigned grade = (unsigned)(n % WR_PAST_OLD) * 2;
    struct pair p;

    p.frees = died_old(b, grade + 1);
    p.allocs = died_old(b, grade);
    return p;
}

static uint64_t
old_end(void)
{
    return WR_PAST_SERIES + WR_PAST_OLD * wr_region_used(WR_TABLE_BUCKETS);
}

/* ---- one change ---- */

static void
set_entry(struct wr_past_entry *e, uint32_t series, uint32_t tick,
          struct pair by)
{
    __atomic_store_n(&e->series, series, __ATOMIC_RELAXED);
    __atomic_store_n(&e->tick, tick, __ATOMIC_RELAXED);
    __atomic_store_n(&e->allocs, (uint32_t)by.allocs, __ATOMIC_RELAXED);
    __atomic_store_n(&e->frees, (uint32_t)by.frees, __ATOMIC_RELAXED);
}

/* The series grew so little that an entry can say it. */
static bool
step(const struct log *l, uint64_t series, uint64_t tick, struct pair by)
{
    uint64_t at = get(&l->head->written);
    struct wr_past_entry *e = &l->entry[at % l->entries];
    struct wr_past_pair *logged = &l->head->logged[series];
    struct pair was = get_pair(logged);

    if (!wr_region_touch(e, sizeof *e))
        return false;
    put(&l->head->undo.series, series);
    put_pair(&l->head->undo.was, was);
    put(&l->head->undo.at, at);
    set_entry(e, (uint32_t)series, (uint32_t)tick, by);
    put_pair(logged,
             (struct pair){was.allocs + by.allocs, was.frees + by.frees});
    put(&l->head->written, at + 1);
    return true;
}

static bool
change(const struct log *l, uint64_t series, uint64_t tick, struct pair to)
{
    struct wr_past_pair *logged = &l->head->logged[series];

    if (!wr_region_touch(logged, sizeof *logged))
        return false;
    for (;;) {
        struct pair was = get_pair(logged);
        struct pair by = {wr_min(to.allocs - was.allocs, UINT32_MAX),
                          wr_min(to.frees - was.frees, UINT32_MAX)};

        if (by.allocs == 0 && by.frees == 0)
            return true;
        if (!step(l, series, tick, by))
            return false;
    }
}

/* ---- a tick ---- */

static void
begin_tick(const struct log *l)
{
    put(&l->head->seq, get(&l->head->seq) | 1);
    atomic_thread_fence(memory_order_release);
}

static void
end_tick(const struct log *l, uint64_t tick)
{
    put(&l->head->last, tick);
    put(&l->head->seq, get(&l->head->seq) + 1);
}

/* Most buckets have no old: what is all zero takes no room. */
static void
log_old(const struct log *l, uint64_t tick, struct pair (*value)(uint64_t))
{
    uint64_t end = old_end();

    for (uint64_t s = WR_PAST_SERIES; s < end; s++) {
        struct pair to = value(s);

        if (to.allocs != 0 && !change(l, s, tick, to))
            break;
    }
}

/* What the fine log has of it; it has no page for what is all zero. */
static struct pair
old_logged(uint64_t series)
{
    struct wr_past_pair *logged = &fine_log().head->logged[series];

    if (old_now(series).allocs == 0 || !wr_region_touch(logged, sizeof *logged))
        return (struct pair){0, 0};
    return get_pair(logged);
}

static void
log_fine(uint64_t tick)
{
    struct log l = fine_log();
    uint64_t n = series_used();

    begin_tick(&l);
    for (uint64_t s = 0; s < n && change(&l, s, tick, series_now(s)); s++)
        ;
    log_old(&l, tick, old_now);
    end_tick(&l, tick);
}

static void
log_coarse(uint64_t tick)
{
    struct log fine = fine_log(), l = coarse_log();
    uint64_t n = series_used();

    begin_tick(&l);
    for (uint64_t s = 0; s < n; s++)
        if (!change(&l, s, tick, get_pair(&fine.head->logged[s])))
            break;
    log_old(&l, tick, old_logged);
    end_tick(&l, tick);
}

/* The boundary of the coarse log that lies between the last fine tick and this
 * one: what held there is what the fine log says until now. */
static void
catch_up(uint64_t tick)
{
    uint64_t next = get(&fine_log().head->last) / FINE_PER_COARSE + 1;

    if (next * FINE_PER_COARSE < tick)
        log_coarse(next);
}

/* ---- the beginning ---- */

/* A forked child holds from birth what its parent had allocated. And who is
 * asked for the first time so late did nothing since its first second: it held
 * all along what it holds. */
static bool
holds_already(uint64_t uptime_ns)
{
    return wr_region->forked_from != 0 || uptime_ns > LATE_NS;
}

static bool
set_base_of_old(const struct log *l)
{
    for (uint64_t s = WR_PAST_SERIES; s < old_end(); s++) {
        struct pair p = old_now(s);

        if (p.allocs == 0)
            continue;
        if (!wr_region_touch(&l->head->logged[s], sizeof l->head->logged[s]))
            return false;
        put_pair(&l->head->logged[s], p);
    }
    return true;
}

static bool
set_base(const struct log *l)
{
    uint64_t n = series_used();

    for (uint64_t s = 0; s < n; s++) {
        if (!wr_region_touch(&l->head->logged[s], sizeof l->head->logged[s]))
            return false;
        put_pair(&l->head->logged[s], series_now(s));
    }
    return set_base_of_old(l);
}

static bool
set_up(const struct log *l, bool holds)
{
    if (!wr_region_touch(l->head, offsetof(struct wr_past_log, logged)))
        return false;
    put(&l->head->undo.at, UINT64_MAX);
    return !holds || set_base(l);
}

static bool
begin(uint64_t uptime_ns, uint64_t events)
{
    struct log fine = fine_log(), coarse = coarse_log();
    bool holds = holds_already(uptime_ns);

    if (!wr_region_touch(past(), offsetof(struct wr_past, log)) ||
        !set_up(&fine, holds) || !set_up(&coarse, holds))
        return false;
    put(&past()->begun, 1);
    wr_region_publish(WR_TABLE_PAST, 1);
    state.born = wr_region->start_mono_ns;
    state.events = holds ? events : 0;
    return true;
}

bool
wr_past_log(uint64_t uptime_ns)
{
    uint64_t events = wr_count_get(samples) + wr_count_get(sample_frees);
    uint64_t tick = uptime_ns / WR_PAST_FINE_NS;

    if (wr_region == NULL ||
        (state.born != wr_region->start_mono_ns && !begin(uptime_ns, events)) ||
        events == state.events)
        return false;
    if (tick <= get(&fine_log().head->last) ||
        uptime_ns % WR_PAST_FINE_NS > LATE_NS)
        return true;
    catch_up(tick);
    log_fine(tick);
    if (tick % FINE_PER_COARSE == 0)
        log_coarse(tick / FINE_PER_COARSE);
    state.events = events;
    return false;
}
