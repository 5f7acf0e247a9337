/* The monitor: be called when memory passes thresholds of the limit, with how
 * fast it grows and how long the limit will last.
 *
 *     static void
 *     tell(const struct weir_monitor_report *r, void *arg)
 *     {
 *         log("memory at %u%%, %+.1f MB/s", r->percent, r->growth / 1e6);
 *     }
 *
 *     struct weir_monitor m = {.interval_ms = 1000,
 *                              .thresholds = 2,
 *                              .threshold = {70, 90},
 *                              .hysteresis = 5,
 *                              .fn = tell};
 *     weir_monitor_start(&m);
 *
 * Thresholds are of the soft limit (limit.h); while there is none, none is
 * passed, but the report has all that does not need one. fn is called when a
 * threshold is reached, and when memory is below it again by `hysteresis`
 * percent of the limit: so one that flutters is one. It runs on the thread of
 * the subscribers of limit.h, by the same rules.
 *
 * Units: percent of the limit, bytes, bytes a second, nanoseconds. Threads:
 * any, not in signal handlers. One monitor at a time; a forked child has none.
 */
#ifndef WEIR_MONITOR_H
#define WEIR_MONITOR_H

#include <stdint.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_monitor_report {
    uint64_t held;      /* by the process, as limit.h counts it */
    uint64_t limit;     /* UINT64_MAX: none */
    unsigned percent;   /* held of it; 0 without one */
    unsigned threshold; /* the highest that is passed, in percent; 0: none */
    int rising;         /* 1: a higher one than before, -1: a lower one, 0 */
    int64_t growth;     /* bytes a second, smoothed over about a second */
    uint64_t left_ns;   /* until the limit is reached at that pace, 0 beyond it;
                           UINT64_MAX: it will not be */
    double collector;   /* share of the processors' time that the collector
                           took since the start (weir_memstats.gc_cpu_fraction);
                           0 without one */
};

typedef void (*weir_monitor_fn)(const struct weir_monitor_report *r, void *arg);

#define WEIR_MONITOR_THRESHOLDS 8

struct weir_monitor {
    unsigned interval_ms; /* between two looks, 10 to 3600000 */
    unsigned thresholds;  /* how many there are */
    unsigned threshold[WEIR_MONITOR_THRESHOLDS]; /* rising, from 1 */
    unsigned hysteresis;
    weir_monitor_fn fn; /* NULL: for weir_monitor_read alone */
    void *arg;
};

/* Copies *m. WEIR_EINVAL: the interval or the thresholds make no sense;
 * WEIR_EBUSY: there is a monitor; WEIR_ENOMEM: no thread could be started. */
weir_err weir_monitor_start(const struct weir_monitor *m);
/* fn does not run when this returns, unless it is its caller. Fine when there
 * is none. */
void weir_monitor_stop(void);
/* The last look. WEIR_EINVAL: out is NULL; WEIR_ENOENT: there is no monitor, or
 * it has not looked yet. */
weir_err weir_monitor_read(struct weir_monitor_report *out);

#ifdef __cplusplus
}
#endif
#endif
