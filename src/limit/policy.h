/* What the soft limit makes of a moment: arithmetic alone, no state, no clock.
 *
 *     struct wr_plan plan = wr_policy_plan(&moment);
 *
 * The limit is of what the process holds: memory that only its ending or its
 * own doing gives back. As much of it as the heap has is known at every moment
 * (`heap`); the whole (`held`) only when the kernel was asked. In between the
 * rest of the process, foreign = held - heap, stands for itself: so every line
 * of the limit is a line of the heap too, limit - foreign. foreign is below
 * zero where blocks were allocated and never touched.
 *
 * Levels begin at 90, 95 and 100 percent of the limit and end 3 percent of it
 * lower, so that a level that flutters is one.
 * Units: bytes, nanoseconds. Threads: any.
 */
#ifndef WR_LIMIT_POLICY_H
#define WR_LIMIT_POLICY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <weir/limit.h>

#define WR_LIMIT_NONE UINT64_MAX

struct wr_moment {
    uint64_t limit; /* WR_LIMIT_NONE: there is none */
    bool hard;
    uint64_t held; /* by the process */
    uint64_t heap; /* by the heap */
    uint64_t rate; /* bytes a second by which held grows; 0: it does not */
    enum weir_pressure_level was;
};

struct wr_plan {
    enum weir_pressure_level level;
    uint64_t wanted;   /* bytes to give back, 0 below every level */
    uint64_t alarm;    /* of the heap: from here on each growth matters */
    uint64_t ceiling;  /* of the heap: no large block beyond; UINT64_MAX */
    uint64_t left_ns;  /* until the limit is reached; UINT64_MAX: never */
    uint64_t again_ns; /* until the next look */
};

struct wr_plan wr_policy_plan(const struct wr_moment *m);

/* Where a share of the limit lies, in thousandths. */
uint64_t wr_policy_share(uint64_t limit, unsigned thousandths);

/* What to keep below of a limit that the system set: a tenth less, at most
 * 256 MiB, for page tables, files and what is counted late. */
uint64_t wr_policy_headroom(uint64_t system_limit);

/* How long subscribers have: until the limit is reached, but no less than 10
 * ms, to be able to do anything, and no more than a second. Who was told and
 * gave nothing back has twice as long as before (was; 0: it did). */
uint64_t wr_policy_deadline(uint64_t left_ns, uint64_t was);

/* A rate of growth, smoothed: of `bytes` more (or less) after ns, where it was
 * `rate`. The past counts for half after a second. */
int64_t wr_policy_rate(int64_t rate, int64_t bytes, uint64_t ns);
/* How long a rate takes to bring `from` to `to`. UINT64_MAX: for ever. */
uint64_t wr_policy_until(uint64_t from, uint64_t to, int64_t rate);

/* How many of n thresholds (rising, in percent of the limit) are passed, where
 * it were `was`: one is reached at its line, and left so many percent of the
 * limit below it. */
unsigned wr_policy_passed(const unsigned *percent, unsigned n,
                          unsigned hysteresis, unsigned was, uint64_t held,
                          uint64_t limit);

/* What the work on the limit may cost: a leaky bucket of time, which half of
 * all time runs out of. When it is full the work is left undone, and the
 * program passes its limit rather than slow to a stop.
 *
 *     if (wr_toll_enter(&toll, now)) {
 *         work();
 *         spent = wr_toll_leave(&toll, wr_os_monotonic());
 *     }
 *
 * One thread at a time is inside; others do not wait. */
struct wr_toll {
    _Atomic bool taken;
    uint64_t filled_ns, since_ns; /* guard: taken */
    _Atomic uint64_t skipped;     /* count: found full; others may read it */
};

#define WR_TOLL_FULL_NS UINT64_C(20000000)

bool wr_toll_enter(struct wr_toll *t, uint64_t now);
/* Nanoseconds since it was entered. */
uint64_t wr_toll_leave(struct wr_toll *t, uint64_t now);
/* By who is inside: may it go on? */
bool wr_toll_allows(const struct wr_toll *t, uint64_t now);

#endif
