/* The soft limit: how much memory the process should hold, and what happens
 * when it comes near.
 *
 *     static void
 *     shrink(const struct weir_pressure *p, void *cache)
 *     {
 *         cache_drop_oldest(cache, p->wanted);
 *     }
 *
 *     weir_limit_set(512 << 20, 0);
 *     weir_pressure_subscribe(shrink, cache);
 *
 * The same from outside: weir run --limit 512MiB, or WEIR=limit=512MiB in the
 * environment.
 *
 * What counts is what the process holds: resident memory that is no page of a
 * file, whoever allocated it. Near the limit Weir, in this order, gives free
 * memory back to the system at once instead of after a while (from 90%),
 * empties the threads' caches (from 90%), and tells subscribers (from 95%). It
 * is a soft limit: a program that needs more gets more. Only with
 * WEIR_LIMIT_HARD malloc and its kin fail, with ENOMEM, for blocks of more than
 * 32 KiB that would pass it as if they were used whole. The work for all this
 * takes at most half of one processor's time; when that is not enough the
 * program passes its limit, and weir_limit_read says so.
 *
 * Subscribers are called by a thread of their own, an ordinary one, which the
 * first of them starts and which has all signals blocked. It may do what any
 * thread may: allocate, take locks, log. No allocation ever waits for it, so a
 * subscriber may take a lock that is held around malloc elsewhere. It is called
 * when a level begins, again after each deadline while the level is HIGH or
 * FULL, and with level NONE when it is over. They are called one after the
 * other: who takes long keeps the others waiting.
 *
 * A child made by fork keeps the limit, counts its own memory, and begins
 * without subscribers.
 *
 * Units: bytes, nanoseconds. Threads: any, not in signal handlers.
 */
#ifndef WEIR_LIMIT_H
#define WEIR_LIMIT_H

#include <stdint.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_LIMIT_OFF  UINT64_MAX
#define WEIR_LIMIT_AUTO ((uint64_t)0)

/* Flags of weir_limit_set. */
#define WEIR_LIMIT_HARD 1u /* beyond it, large allocations fail */

/* Set the limit in bytes, at least 1 MiB; or WEIR_LIMIT_OFF; or
 * WEIR_LIMIT_AUTO: the tightest of the control groups around the process,
 * less a tenth (at most 256 MiB), looked up again every few seconds, and none
 * where there is none. WEIR_EINVAL: below 1 MiB, or an unknown flag. */
weir_err weir_limit_set(uint64_t bytes, unsigned flags);

enum weir_pressure_level {
    WEIR_PRESSURE_NONE = 0,
    WEIR_PRESSURE_SOME = 1, /* 90% of the limit: free memory is given back */
    WEIR_PRESSURE_HIGH = 2, /* 95%: subscribers are to give back theirs */
    WEIR_PRESSURE_FULL = 3  /* the limit is passed */
};

struct weir_limit {
    uint64_t limit; /* in force now; WEIR_LIMIT_OFF: none */
    uint64_t held;  /* by the process, as of the last look: at most a second
                       old, at most 50 ms near the limit */
    enum weir_pressure_level level;
    unsigned flags;
    uint64_t given;   /* count: bytes given back because of the limit */
    uint64_t work_ns; /* count: time that took */
    uint64_t skipped; /* count: work left undone, for it took half the time */
    uint64_t refused; /* count: allocations that failed */
};

/* How it stands. WEIR_EINVAL: out is NULL. Takes no lock. */
weir_err weir_limit_read(struct weir_limit *out);

/* The level alone: a single load, for the door of a server. */
enum weir_pressure_level weir_pressure_now(void);

struct weir_pressure {
    enum weir_pressure_level level;
    uint64_t wanted; /* bytes to give back: then 85% of the limit are held */
    uint64_t deadline_ns; /* how long there is until Weir looks again */
    uint64_t held, limit;
};

typedef void (*weir_pressure_fn)(const struct weir_pressure *p, void *arg);

/* From now on fn(&pressure, arg) is called; 16 subscribers at most.
 * WEIR_EINVAL: fn is NULL; WEIR_EBUSY: there are 16; WEIR_ENOMEM: no thread
 * could be started. */
weir_err weir_pressure_subscribe(weir_pressure_fn fn, void *arg);
/* Not any more. It does not run when this returns, unless it is its caller.
 * WEIR_ENOENT: no such subscriber. */
weir_err weir_pressure_unsubscribe(weir_pressure_fn fn, void *arg);

#ifdef __cplusplus
}
#endif
#endif
