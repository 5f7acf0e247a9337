/* Invariants
 * 1. `own` is the truth. Each store goes to it first and then to the region's
 *    entry, which is thus never ahead, and which take_over fills anew.
 * 2. `cycles` is stored after everything that its cycle changed.
 */
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/text.h"
#include "os/lock.h"
#include "os/os.h"
#include "region/collector.h"
#include "region/gctrace.h"
#include "region/region.h"

static struct wr_collector own;
static _Atomic bool used, traced;

/* Lines that nobody has written yet: the thread that ends cycles has no
 * descriptors. */
static struct wr_lock lock = WR_LOCK_INIT; /* held alone */
static struct wr_text untold;              /* guard: lock */
static uint32_t told_way = WR_WAY_NONE;    /* guard: lock */
static bool told_young;                    /* guard: lock */
static _Atomic bool some_untold;

static _Atomic uint64_t *
word_of(struct wr_collector *c, size_t offset)
{
    return (_Atomic uint64_t *)((char *)c + offset);
}

static uint64_t
get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* The region's entry; NULL: there is none to write to. */
static struct wr_collector *
shown(void)
{
    struct wr_collector *c;

    atomic_store_explicit(&used, true, memory_order_relaxed);
    if (wr_region == NULL)
        return NULL;
    c = wr_region_entry(WR_TABLE_COLLECTOR, 0);
    if (!wr_region_touch(c, sizeof *c))
        return NULL;
    if (wr_region_used(WR_TABLE_COLLECTOR) == 0)
        wr_region_publish(WR_TABLE_COLLECTOR, 1);
    return c;
}

static void
show(size_t offset)
{
    struct wr_collector *c = shown();

    if (c != NULL)
        atomic_store_explicit(word_of(c, offset), get(word_of(&own, offset)),
                              memory_order_release);
}

void
wr_collector_put(size_t offset, uint64_t n)
{
    atomic_store_explicit(word_of(&own, offset), n, memory_order_relaxed);
    show(offset);
}

void
wr_collector_raise(size_t offset, uint64_t n)
{
    struct wr_collector *c;

    atomic_fetch_add_explicit(word_of(&own, offset), n, memory_order_relaxed);
    c = shown();
    if (c != NULL)
        atomic_fetch_add_explicit(word_of(c, offset), n, memory_order_release);
}

const struct wr_collector *
wr_collector_self(void)
{
    return atomic_load_explicit(&used, memory_order_relaxed) ? &own : NULL;
}

void
wr_collector_take_over(void)
{
    struct wr_collector *c;

    if (!atomic_load_explicit(&used, memory_order_relaxed))
        return;
    c = shown();
    if (c != NULL)
        memcpy(c, &own, sizeof own);
}

/* ---- the end of a cycle ---- */

static uint64_t
uptime(void)
{
    uint64_t now = wr_os_monotonic();

    return wr_region == NULL ? now : now - wr_region->start_mono_ns;
}

/* In Go's way of counting: who stood still did not do the program's work, what
 * idle processors marked cost nobody anything. */
static uint64_t
share(unsigned processors)
{
    double gc = (double)wr_collector_cpu(&own);
    double all = (double)uptime() * processors;

    if (all <= 0)
        return 0;
    return gc < all ? (uint64_t)(1e6 * gc / all) : 1000000;
}

static void
count(const struct wr_collection *c)
{
    wr_collector_add(forced, c->forced);
    wr_collector_add(limited, c->limited);
    wr_collector_add(young, c->young);
    wr_collector_add(stopped_ns, c->stopped_ns);
    wr_collector_add(stops, c->stops);
    wr_collector_add(stopped_cpu_ns, c->stopped_ns * c->processors);
    wr_collector_add(assist_ns, c->assist_ns);
    wr_collector_add(background_ns, c->background_ns);
    wr_collector_add(idle_ns, c->idle_ns);
    if (c->longest_ns > get(&own.longest_ns))
        wr_collector_set(longest_ns, c->longest_ns);
    wr_collector_set(live, c->live);
    wr_collector_set(stacks, c->stacks);
    wr_collector_set(globals, c->globals);
    wr_collector_set(way, c->way);
}

static void
put_pause(const struct wr_collection *c)
{
    size_t at = (c->number - 1) % WR_PAUSES * sizeof(uint64_t);
    uint64_t now = wr_os_realtime();

    wr_collector_put(offsetof(struct wr_collector, pause_ns) + at,
                     c->stopped_ns);
    wr_collector_put(offsetof(struct wr_collector, pause_end_ns) + at,
                     now - c->since_stop_ns);
    wr_collector_set(last_end_ns, now);
}

static uint64_t
began(const struct wr_collection *c)
{
    uint64_t now = uptime();

    return now - wr_min(now, c->prepare_ns + c->mark_ns + c->end_ns);
}

/* Apart, so that a line in Go's form remains one. */
static const char *
way_line(uint32_t way)
{
    switch (way) {
    case WR_WAY_TRACKED:
        return "weir: gc marks beside the program, whose writes are tracked\n";
    case WR_WAY_SNAPSHOT:
        return "weir: gc marks a copy of the program\n";
    case WR_WAY_BARRIER:
        return "weir: gc marks beside the program, which tells of its stores\n";
    case WR_WAY_STOPPED:
        return "weir: gc marks while the program stands still\n";
    default:
        return "";
    }
}

/* The first time after another way. */
static void
tell_way(const struct wr_collection *c)
{
    if (c->way != told_way) {
        wr_text_str(&untold, way_line(c->way));
        told_young = false;
    }
    if (c->young && !told_young) {
        wr_text_str(&untold, "weir: gc marks only what is new, most times\n");
        told_young = true;
    }
    told_way = c->way;
}

void
wr_collector_ended(const struct wr_collection *ended)
{
    struct wr_collection c = *ended;
    struct wr_text line;

    c.number = get(&own.cycles) + 1;
    count(&c);
    put_pause(&c);
    c.share_millionths = share(c.processors);
    wr_collector_set(share_millionths, c.share_millionths);
    wr_collector_set(cycles, c.number); /* keeps 2 */
    if (!atomic_load_explicit(&traced, memory_order_relaxed) ||
        !wr_lock_try_long(&lock))
        return;
    if (c.since_ns == 0)
        c.since_ns = began(&c);
    tell_way(&c);
    wr_gctrace_line(&line, &c);
    if (untold.len + line.len < sizeof untold.buf) /* else it is left out */
        wr_text_bytes(&untold, line.buf, line.len);
    atomic_store_explicit(&some_untold, true, memory_order_relaxed);
    wr_lock_give(&lock);
}

void
wr_collector_tell(void)
{
    if (!atomic_load_explicit(&some_untold, memory_order_relaxed) ||
        !wr_lock_try(&lock))
        return;
    wr_os_write(STDERR_FILENO, untold.buf, untold.len);
    wr_text_init(&untold);
    atomic_store_explicit(&some_untold, false, memory_order_relaxed);
    wr_lock_give(&lock);
}

void
wr_collector_trace(bool on)
{
    atomic_store_explicit(&traced, on, memory_order_relaxed);
}
