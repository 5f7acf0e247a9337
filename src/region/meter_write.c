/* Invariants
 * 1. meter[i].own is the truth of the i-th meter; what is added goes to it
 *    first, and then to the region's entry, which take_over fills anew.
 * 2. The region's entry i exists only when meter i is whole.
 */
#include <string.h>

#include "base/base.h"
#include "os/lock.h"
#include "region/meter.h"
#include "region/region.h"

struct weir_meter {
    struct wr_meter own;
};

static struct wr_lock lock = WR_LOCK_INIT; /* a leaf */
static weir_meter meter[WR_METERS];        /* guard: lock, but for the sums */
static uint32_t meters;                    /* guard: lock */

/* Its entry in the region; NULL: there is none. */
static struct wr_meter *
shown(const weir_meter *m)
{
    uint64_t i = (uint64_t)(m - meter);

    if (wr_region == NULL || wr_region_used(WR_TABLE_METERS) <= i)
        return NULL;
    return wr_region_entry(WR_TABLE_METERS, i);
}

WR_EXPORT void
weir_meter_add(weir_meter *m, enum weir_meter_sum sum, int64_t n)
{
    struct wr_meter *there;

    if (m == NULL || (unsigned)sum >= WR_METER_SUMS)
        return;
    atomic_fetch_add_explicit(&m->own.sum[sum], (uint64_t)n,
                              memory_order_relaxed);
    there = shown(m);
    if (there != NULL)
        atomic_fetch_add_explicit(&there->sum[sum], (uint64_t)n,
                                  memory_order_relaxed);
}

/* The entry of meter i, behind those that are shown. */
static void
show(uint32_t i)
{
    struct wr_meter *there;

    if (wr_region == NULL || wr_region_used(WR_TABLE_METERS) != i)
        return;
    there = wr_region_entry(WR_TABLE_METERS, i);
    if (!wr_region_touch(there, sizeof *there))
        return;
    memcpy(there, &meter[i].own, sizeof *there);
    wr_region_publish(WR_TABLE_METERS, i + 1);
}

static weir_meter *
find(enum weir_meter_kind kind, const char *name)
{
    for (uint32_t i = 0; i < meters; i++)
        if (meter[i].own.kind == (uint64_t)kind &&
            strncmp(meter[i].own.name, name, sizeof meter->own.name - 1) == 0)
            return &meter[i];
    return NULL;
}

static weir_meter *
make(enum weir_meter_kind kind, const char *name)
{
    weir_meter *m = &meter[meters];

    if (meters == WR_METERS)
        return NULL;
    memset(m, 0, sizeof *m);
    m->own.kind = (uint64_t)kind;
    memcpy(m->own.name, name, strnlen(name, sizeof m->own.name - 1));
    show(meters++);
    return m;
}

WR_EXPORT weir_meter *
weir_meter_of(enum weir_meter_kind kind, const char *name)
{
    weir_meter *m;

    if (kind != WEIR_METER_POOL && kind != WEIR_METER_CACHE)
        return NULL;
    if (name == NULL || *name == '\0')
        name = "unnamed";
    wr_lock_take(&lock);
    m = find(kind, name);
    if (m == NULL)
        m = make(kind, name);
    wr_lock_give(&lock);
    return m;
}

void
wr_meters_take_over(void)
{
    for (uint32_t i = 0; i < meters; i++)
        show(i);
}

/* Another thread may have been making one, which is made anew then. */
void
wr_meters_fork_child(void)
{
    lock = (struct wr_lock)WR_LOCK_INIT;
}
