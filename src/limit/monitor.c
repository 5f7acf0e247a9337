/* Invariants
 * 1. `lock` (a leaf) guards `active`, `wish` and `last`. The rest is the
 *    thread's that calls (calls.h); it is set up before that is told.
 */
#include <weir/monitor.h>

#include <string.h>

#include "base/base.h"
#include "limit/calls.h"
#include "limit/limit.h"
#include "limit/policy.h"
#include "os/lock.h"
#include "os/os.h"
#include "os/process.h"
#include "region/collector.h"
#include "region/counters.h"

#define MS_NS UINT64_C(1000000)

static struct wr_lock lock = WR_LOCK_INIT;
static bool active;
static struct weir_monitor wish;
static struct weir_monitor_report last;
static bool has_last;

static struct {
    uint64_t ns, held; /* of the last look; 0: there was none */
    int64_t rate;
    unsigned passed; /* thresholds */
} seen;

static struct weir_monitor_report
look(const struct weir_monitor *m)
{
    const struct wr_collector *c = wr_collector_self();
    uint64_t now = wr_os_monotonic(), limit = wr_count_get(limit);
    struct weir_monitor_report r = {.held = wr_count_get(limit_held),
                                    .limit = limit == 0 ? UINT64_MAX : limit};
    unsigned passed;

    if (seen.ns != 0)
        seen.rate = wr_policy_rate(seen.rate, (int64_t)(r.held - seen.held),
                                   now - seen.ns);
    seen.ns = now;
    seen.held = r.held;
    passed = wr_policy_passed(m->threshold, m->thresholds, m->hysteresis,
                              seen.passed, r.held, r.limit);
    r.percent = limit == 0 ? 0 : (unsigned)wr_min(r.held / (limit / 100), 1000);
    r.threshold = passed == 0 ? 0 : m->threshold[passed - 1];
    r.rising = (passed > seen.passed) - (passed < seen.passed);
    r.growth = seen.rate;
    r.left_ns = wr_policy_until(r.held, r.limit, r.growth);
    if (c != NULL)
        r.collector = (double)atomic_load(&c->share_millionths) / 1e6;
    seen.passed = passed;
    return r;
}

/* On the calling thread: look, tell, and when again. */
static uint64_t
tick(void)
{
    struct weir_monitor_report r;
    struct weir_monitor m;

    wr_lock_take(&lock);
    m = wish;
    wr_lock_give(&lock);
    if (wr_count_get(limit_held) == 0)
        return MS_NS; /* nobody has looked yet */
    r = look(&m);
    wr_lock_take(&lock);
    last = r;
    has_last = active;
    wr_lock_give(&lock);
    if (r.rising != 0 && m.fn != NULL)
        m.fn(&r, m.arg);
    return m.interval_ms * MS_NS;
}

static bool
makes_sense(const struct weir_monitor *m)
{
    if (m->interval_ms < 10 || m->interval_ms > 3600000 ||
        m->thresholds > WEIR_MONITOR_THRESHOLDS)
        return false;
    for (unsigned i = 0; i < m->thresholds; i++)
        if (m->threshold[i] <= (i == 0 ? 0 : m->threshold[i - 1]) ||
            m->threshold[i] > 1000)
            return false;
    return m->thresholds == 0 || m->hysteresis < m->threshold[0];
}

WR_EXPORT weir_err
weir_monitor_start(const struct weir_monitor *m)
{
    bool busy;

    if (m == NULL || !makes_sense(m))
        return WEIR_EINVAL;
    if (!wr_calls_start())
        return WEIR_ENOMEM;
    wr_os_note_lent(&wish, sizeof wish);
    wr_lock_take(&lock);
    busy = active;
    if (!busy) {
        active = true;
        wish = *m;
        memset(&seen, 0, sizeof seen);
    }
    wr_lock_give(&lock);
    if (busy)
        return WEIR_EBUSY;
    wr_limit_look_every(m->interval_ms * MS_NS);
    wr_calls_repeat(tick);
    return WEIR_OK;
}

WR_EXPORT void
weir_monitor_stop(void)
{
    bool was;

    wr_lock_take(&lock);
    was = active;
    wr_lock_give(&lock);
    if (!was)
        return;
    wr_calls_repeat(NULL);
    wr_limit_look_every(0);
    wr_lock_take(&lock);
    active = has_last = false;
    wr_lock_give(&lock);
}

WR_EXPORT weir_err
weir_monitor_read(struct weir_monitor_report *out)
{
    bool has;

    if (out == NULL)
        return WEIR_EINVAL;
    wr_lock_take(&lock);
    has = has_last;
    if (has)
        *out = last;
    wr_lock_give(&lock);
    return has ? WEIR_OK : WEIR_ENOENT;
}

void
wr_monitor_fork_child(void)
{
    if (!active)
        return;
    lock = (struct wr_lock)WR_LOCK_INIT;
    active = has_last = false;
}
