/* Invariants
 * 1. `state` is about the region whose start_mono_ns is state.born; a forked
 *    child's is another, so it starts anew. It is the background thread's.
 * 2. A slot's seq is odd before its words change and even after. Of two
 *    writers of marks who meet in one slot the later one gives up.
 */
#include "region/history_write.h"

#include <string.h>

#include "base/base.h"
#include "os/os.h"
#include "region/region.h"

#define SECOND_NS UINT64_C(1000000000)
#define MINUTE_NS UINT64_C(60000000000)

static struct {
    uint64_t born;
    uint64_t seconds, minutes; /* points written */
    uint64_t minute_peak;      /* of live_bytes, since the last minute point */
    uint64_t first_ns;         /* uptime of the first point */
    uint64_t peak, peak_ns;    /* the last one marked */
    struct wr_point last;
} state;

uint64_t
wr_history_uptime(void)
{
    return wr_os_monotonic() - wr_region->start_mono_ns;
}

/* ---- slots ---- */

/* Make the slot's entry n, unless somebody is at it. */
static void
put(_Atomic uint64_t *slot, uint64_t n, const void *entry, size_t bytes)
{
    uint64_t seq = atomic_load_explicit(slot, memory_order_relaxed);
    uint64_t word;

    if (seq % 2 != 0 ||
        !atomic_compare_exchange_strong_explicit(
            slot, &seq, 2 * n + 1, memory_order_relaxed, memory_order_relaxed))
        return;
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < bytes / sizeof word; i++) {
        memcpy(&word, (const char *)entry + i * sizeof word, sizeof word);
        atomic_store_explicit(&slot[1 + i], word, memory_order_relaxed);
    }
    atomic_store_explicit(slot, 2 * n + 2, memory_order_release);
}

/* ---- points ---- */

static void
put_point(uint64_t first, uint64_t slots, uint64_t n, const struct wr_point *p)
{
    struct wr_history_slot *s =
        wr_region_entry(WR_TABLE_HISTORY, first + n % slots);

    if (!wr_region_touch(s, sizeof *s))
        return;
    put(&s->seq, n, p, sizeof *p);
    wr_region_publish(WR_TABLE_HISTORY,
                      WR_HISTORY_SECOND_SLOTS + WR_HISTORY_MINUTE_SLOTS);
}

static void
put_second(const struct wr_point *p)
{
    put_point(0, WR_HISTORY_SECOND_SLOTS, state.seconds++, p);
}

/* The minute of the last point is over: its point is how it ended. */
static void
put_minute(void)
{
    struct wr_point p = state.last;

    p.live_peak = state.minute_peak;
    put_point(WR_HISTORY_SECOND_SLOTS, WR_HISTORY_MINUTE_SLOTS, state.minutes++,
              &p);
    state.minute_peak = 0;
}

static bool
is_change(const struct wr_point *a, const struct wr_point *b)
{
    return a->allocs != b->allocs || a->frees != b->frees ||
           a->heap_inuse != b->heap_inuse || a->heap_mapped != b->heap_mapped ||
           a->heap_released != b->heap_released || a->rss != b->rss ||
           a->threads != b->threads || a->limit != b->limit ||
           a->gc_cycles != b->gc_cycles;
}

/* A program that grows slowly is not marked at each step, and what it needs to
 * get going is no peak. */
static void
note_peak(const struct wr_point *p)
{
    if (p->uptime_ns < state.first_ns + MINUTE_NS) {
        state.peak = wr_max(state.peak, p->live_bytes);
        return;
    }
    if (p->live_bytes <= state.peak + state.peak / 8 ||
        p->uptime_ns < state.peak_ns + MINUTE_NS)
        return;
    state.peak = p->live_bytes;
    state.peak_ns = p->uptime_ns;
    wr_history_mark(WR_MARK_PEAK, 0, p->live_bytes, NULL);
}

static void
begin(const struct wr_point *p)
{
    memset(&state, 0, sizeof state);
    state.born = wr_region->start_mono_ns;
    state.first_ns = p->uptime_ns;
}

bool
wr_history_add(const struct wr_point *p)
{
    struct wr_point now = *p;

    if (wr_region == NULL)
        return false;
    if (state.born != wr_region->start_mono_ns)
        begin(p);
    else if (!is_change(p, &state.last))
        return false;
    else if (p->uptime_ns / MINUTE_NS != state.last.uptime_ns / MINUTE_NS)
        put_minute();
    now.live_peak = p->live_bytes;
    put_second(&now);
    note_peak(p);
    state.minute_peak = wr_max(state.minute_peak, p->live_bytes);
    state.last = now;
    return true;
}

/* ---- marks ---- */

static void
copy_end(char *to, size_t bytes, const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);

    memset(to, 0, bytes);
    if (len >= bytes)
        text += len - (bytes - 1);
    memcpy(to, text == NULL ? "" : text, wr_min(len, bytes - 1));
}

void
wr_history_mark(enum wr_mark_kind kind, uint32_t tid, uint64_t value,
                const char *text)
{
    struct wr_mark m = {.kind = kind, .tid = tid, .value = value};
    struct wr_mark_slot *s;
    uint64_t n;

    if (wr_region == NULL)
        return;
    m.uptime_ns = wr_history_uptime();
    copy_end(m.text, sizeof m.text, text);
    n = atomic_fetch_add_explicit(&wr_region->table[WR_TABLE_MARKS].used, 1,
                                  memory_order_relaxed);
    s = wr_region_entry(WR_TABLE_MARKS, n % WR_MARK_SLOTS);
    if (wr_region_touch(s, sizeof *s))
        put(&s->seq, n, &m, sizeof m);
}

void
wr_history_mark_refused(enum wr_mark_kind kind, uint64_t bytes)
{
    static _Atomic uint64_t next_ns; /* CLOCK_MONOTONIC */
    uint64_t now = wr_os_monotonic(), due = next_ns;

    if (now >= due &&
        atomic_compare_exchange_strong(&next_ns, &due, now + SECOND_NS))
        wr_history_mark(kind, wr_os_tid(), bytes, NULL);
}
