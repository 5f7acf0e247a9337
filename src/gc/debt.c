/* Invariants
 * 1. `plan` and `from` change only while it is closed (mark/assists.h).
 * 2. credit is what was paid, less ratio times what was allocated. It may be
 *    off by what threads do at once: all counts are of the same few bytes.
 */
#include "gc/debt.h"

#include <stdatomic.h>

#include "base/base.h"
#include "heap/mcache.h"
#include "limit/pacer.h"
#include "mark/assists.h"
#include "os/os.h"

/* What one pays at once; the rest remains owed. */
#define MOST_WORK WR_PACER_LEAST_WORK
#define ONE       1024 /* a ratio of 1 */

static struct wr_pacer_progress plan;
static uint64_t from;           /* grown */
static _Atomic uint64_t seen;   /* grown, as of the last count */
static _Atomic uint64_t ratio;  /* of ONE */
static _Atomic int64_t credit;  /* work */
static _Atomic uint64_t beside; /* work of Weir's threads that has paid */
static _Atomic uint64_t paid;   /* by who allocates */
static _Atomic uint64_t took_ns;

static void
set_ratio(const struct wr_pacer_progress *p)
{
    double r = wr_pacer_ratio(p) * ONE;

    atomic_store(&ratio, r < 1e12 ? (uint64_t)r : (uint64_t)1e12);
}

void
wr_debt_begin(const struct wr_pacer_progress *p, uint64_t grown)
{
    plan = *p;
    plan.allocated = p->triggered;
    plan.done = 0;
    from = grown;
    atomic_store(&seen, wr_managed_grown());
    atomic_store(&credit, 0);
    atomic_store(&beside, 0);
    atomic_store(&paid, 0);
    set_ratio(&plan);
}

/* Bytes that nobody has counted yet: they are the caller's to pay for. */
static uint64_t
take_uncounted(void)
{
    uint64_t now = wr_managed_grown(), was = atomic_load(&seen);

    do
        if ((int64_t)(now - was) <= 0)
            return 0;
    while (!atomic_compare_exchange_weak(&seen, &was, now));
    return now - was;
}

static struct wr_pacer_progress
progress(uint64_t marked_beside)
{
    struct wr_pacer_progress p = plan;
    int64_t more = (int64_t)(wr_managed_grown() - from);

    p.allocated += more > 0 ? (uint64_t)more : 0;
    p.done = marked_beside + atomic_load(&paid);
    return p;
}

/* In, and owing. */
static bool
settle(int64_t owed)
{
    uint64_t marked = wr_assists_beside(), used = atomic_load(&beside);
    struct wr_pacer_progress p = progress(marked);
    struct wr_pacer_bill bill =
        wr_pacer_bill(owed, marked - wr_min(marked, used));
    uint64_t work = wr_min(bill.to_do, MOST_WORK), done;

    set_ratio(&p);
    atomic_fetch_add(&beside, bill.taken);
    atomic_fetch_add(&credit, (int64_t)(bill.taken + work));
    done = work > 0 ? wr_assist(work) : 0;
    atomic_fetch_add(&paid, done);
    atomic_fetch_add(&credit, (int64_t)(done - work));
    return done >= work;
}

static int64_t
price_of(uint64_t bytes)
{
    double work = (double)bytes * (double)atomic_load(&ratio) / ONE;

    return work < 1e15 ? (int64_t)work : (int64_t)1e15;
}

bool
wr_debt_pay(void)
{
    int64_t price = price_of(take_uncounted()), left;
    uint64_t kept, began_ns;
    bool paid_all;

    left = atomic_fetch_sub(&credit, price) - price;
    if (left >= 0 || !wr_assists_enter(&kept))
        return true;
    began_ns = wr_os_monotonic();
    paid_all = settle(left);
    wr_debt_waited(wr_os_monotonic() - began_ns);
    wr_assists_leave(kept);
    return paid_all;
}

void
wr_debt_waited(uint64_t ns)
{
    atomic_fetch_add(&took_ns, ns);
}

uint64_t
wr_debt_ns(void)
{
    return atomic_exchange(&took_ns, 0);
}
