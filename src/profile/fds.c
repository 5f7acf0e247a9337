/* Invariants
 * 1. known[] is the truth about this process; the region's fd[] is a copy, and
 *    so are its sites' stacks of site_stack[].
 * 2. An entry's site is below WR_FD_SITES, or WR_FD_SITES + i: its caller waits
 *    in waiting[i] for a region. The latter is never in a region.
 * 3. site_index holds numbers of sites whose stacks are written; an entry once
 *    set stays. Written under wr_region_lock.
 * 4. No lock is waited for: who calls may be a signal handler that interrupted
 *    its holder.
 */
#include "profile/fds.h"

#include "base/base.h"
#include "os/lock.h"
#include "os/os.h"
#include "profile/bucket.h"
#include "profile/sample.h"
#include "profile/unwind.h"
#include "region/counters.h"
#include "region/event.h"
#include "region/region.h"
#include "world/thread.h"

enum {
    INDEX_SLOTS = 2 * WR_FD_SITES,
    WAITING = 16,
    STACK_SPARE = 16384, /* bytes; taking a stack needs less than half */
};
#define MINUTE_NS UINT64_C(60000000000)

unsigned char wr_fds_guests;

static bool watching;
static struct wr_fd known[WR_FD_MOST];
static _Atomic uint32_t highest WR_AT_FORK; /* of known[] ever used, plus 1 */
static uint32_t site_stack[WR_FD_SITES];
static uint32_t sites = 1; /* guard: wr_region_lock */
static _Atomic uint16_t site_index[INDEX_SLOTS];
static uintptr_t waiting[WAITING] WR_AT_FORK;
static _Atomic uint32_t waiting_used WR_AT_FORK;

static uint32_t
get(_Atomic uint32_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void
put(_Atomic uint32_t *word, uint32_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

static struct wr_fds *
table(void)
{
    return wr_region_entry(WR_TABLE_FDS, 0);
}

/* ---- sites ---- */

static struct wr_fd_site *
site_at(uint32_t site)
{
    struct wr_fd_site *s = &table()->site[site];

    return wr_region_touch(s, sizeof *s) ? s : NULL;
}

/* Before a change: what was open when the minutes since the last one began. */
static void
begin_minute(struct wr_fd_site *s)
{
    uint64_t start = wr_region->start_mono_ns;
    uint64_t clock = wr_os_monotonic_about(); /* may lag behind the start */
    uint64_t now = clock > start ? (clock - start) / MINUTE_NS : 0;
    uint64_t last = s->minute, first = last + 1;

    if (wr_likely(now <= last))
        return;
    if (now - last > WR_FD_MINUTES)
        first = now - WR_FD_MINUTES + 1;
    for (uint64_t m = first; m <= now; m++)
        put(&s->level[m % WR_FD_MINUTES], (uint32_t)(s->opened - s->closed));
    s->minute = now;
}

static void
count(uint32_t site, bool opened)
{
    struct wr_fd_site *s = site_at(site);

    if (s == NULL)
        return;
    begin_minute(s);
    atomic_fetch_add_explicit(opened ? &s->opened : &s->closed, 1,
                              memory_order_relaxed);
}

/* The site of that stack, or 0; *at: its place in the index, or a free one. */
static uint32_t
find_site(uint32_t stack, uint32_t *at)
{
    uint32_t i = stack * UINT32_C(2654435761) >> 16, site;

    for (i %= INDEX_SLOTS;; i = (i + 1) % INDEX_SLOTS) {
        site = atomic_load_explicit(&site_index[i], memory_order_acquire);
        if (site == 0 || site_stack[site] == stack)
            break;
    }
    *at = i;
    return site;
}

static uint32_t
new_site(uint32_t stack, uint32_t at)
{
    struct wr_fd_site *s = sites < WR_FD_SITES ? site_at(sites) : NULL;

    if (s == NULL)
        return 0;
    site_stack[sites] = stack;
    s->stack = stack;
    atomic_store_explicit(&table()->sites, sites + 1, memory_order_release);
    atomic_store_explicit(&site_index[at], (uint16_t)sites,
                          memory_order_release);
    return sites++;
}

static uint32_t
site_of(uint32_t stack)
{
    uint32_t at, site = stack == 0 ? 0 : find_site(stack, &at);

    if (site != 0 || stack == 0 || !wr_lock_try_long(&wr_region_lock))
        return site;
    site = find_site(stack, &at);
    if (site == 0)
        site = new_site(stack, at);
    wr_lock_give(&wr_region_lock);
    return site;
}

/* A forked child without a region: most call exec soon, and to take a stack in
 * one costs tens of microseconds of page faults. So there only the caller is
 * noted, until there are so many that the child is worth a region. */
static uint32_t
wait_site(uintptr_t caller)
{
    uint32_t i = atomic_fetch_add(&waiting_used, 1);

    if (i >= WAITING)
        return 0;
    waiting[i] = caller;
    return WR_FD_SITES + i;
}

static uint32_t
stack_site(void)
{
    uintptr_t pc[WR_STACK_FRAMES];
    size_t n;

    if (!wr_unwind_has_room(STACK_SPARE))
        return 0;
    n = wr_sample_stack(pc, wr_countof(pc));
    return site_of(wr_stack_try_find(pc, n));
}

static uint32_t
site_here(uintptr_t caller)
{
    if (wr_region == NULL && get(&waiting_used) >= WAITING)
        (void)wr_world_region();
    return wr_region != NULL ? stack_site() : wait_site(caller);
}

/* ---- descriptors ---- */

/* The table's head is there, and says so. */
static bool
begin_table(void)
{
    struct wr_fds *t = table();

    if (wr_likely(wr_region_used(WR_TABLE_FDS) != 0))
        return true;
    if (!wr_region_touch(t, sizeof *t - sizeof t->fd - sizeof t->site) ||
        site_at(0) == NULL)
        return false;
    if (atomic_load(&t->sites) == 0)
        atomic_store(&t->sites, 1);
    atomic_store(&t->watched, 1);
    wr_region_publish(WR_TABLE_FDS, 1);
    return true;
}

static void
publish(uint32_t number)
{
    struct wr_fd *from = &known[number], *to = &table()->fd[number];

    if (!wr_region_touch(to, sizeof *to))
        return;
    put(&to->site, get(&from->site));
    put(&to->call, get(&from->call));
    atomic_store_explicit(&to->opened_ns, from->opened_ns,
                          memory_order_release);
}

static void
forget(uint32_t number)
{
    uint64_t opened = atomic_exchange(&known[number].opened_ns, 0);
    uint32_t site = get(&known[number].site);

    if (opened == 0 || wr_region == NULL || !begin_table())
        return;
    publish(number);
    count(site, false);
}

static void
remember(uint32_t number, enum wr_fd_call call, uintptr_t caller)
{
    struct wr_fd *f = &known[number];
    uint32_t site;

    forget(number); /* a close that was not seen */
    site = site_here(caller);
    put(&f->site, site);
    put(&f->call, call);
    atomic_store_explicit(&f->opened_ns, wr_os_monotonic_about(),
                          memory_order_release);
    if (number >= get(&highest))
        put(&highest, number + 1);
    if (wr_region == NULL || site >= WR_FD_SITES || !begin_table())
        return;
    count(site, true);
    publish(number);
}

static bool
is_guest(void)
{
    return wr_unlikely(wr_fds_guests != 0) && !wr_os_at_home();
}

void
wr_fds_opened(int number, enum wr_fd_call call, const void *caller)
{
    if (!watching || number < 0 || is_guest())
        return;
    if (number < WR_FD_MOST)
        remember((uint32_t)number, call, (uintptr_t)caller);
    else if (wr_region != NULL && begin_table())
        atomic_fetch_add(&table()->beyond, 1);
}

void
wr_fds_closing(int number)
{
    if (number < 0 || number >= WR_FD_MOST ||
        atomic_load_explicit(&known[number].opened_ns, memory_order_relaxed) ==
            0 ||
        is_guest())
        return;
    forget((uint32_t)number);
}

void
wr_fds_closing_range(unsigned first, unsigned last)
{
    uint32_t end = get(&highest);

    if (!watching || is_guest())
        return;
    for (unsigned i = first; i < end && i <= last; i++)
        if (known[i].opened_ns != 0)
            forget(i);
}

/* ---- a forked child's region ---- */

static uint32_t
settle_site(uint32_t site)
{
    if (site < WR_FD_SITES)
        return site;
    site -= WR_FD_SITES;
    return site_of(wr_stack_try_find(&waiting[site], 1));
}

static void
copy_sites(void)
{
    for (uint32_t i = 1; i < sites; i++) {
        struct wr_fd_site *s = site_at(i);

        if (s == NULL)
            return;
        s->stack = site_stack[i];
        atomic_store_explicit(&table()->sites, i + 1, memory_order_release);
    }
}

static void
copy_fds(void)
{
    uint32_t end = get(&highest);

    for (uint32_t i = 0; i < end; i++) {
        struct wr_fd *f = &known[i];
        struct wr_fd_site *s;

        if (f->opened_ns == 0)
            continue;
        put(&f->site, settle_site(get(&f->site)));
        publish(i);
        s = site_at(get(&f->site));
        if (s != NULL)
            put(&s->level[0], (uint32_t)(++s->opened));
    }
    atomic_store(&waiting_used, 0);
}

static void
own_region(void)
{
    if (!watching || wr_region == NULL || get(&highest) == 0 || !begin_table())
        return;
    copy_sites();
    copy_fds();
}

void
wr_fds_start(void)
{
    wr_events.region_taken = own_region;
    watching = true;
}
