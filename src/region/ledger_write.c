/* Invariants
 * 1. An entry is its block's, or on the list of free ones, or was never made
 *    (not below `made`). Entry 0 is nobody's.
 * 2. The list's head counts its changes, so that who read it before it came
 *    back to the same entry does not take it for unchanged.
 * 3. Where the region has a slot of the entry's number, the two agree but
 *    for the moment between two stores. A free entry's address is 0; its
 *    `who` leads to the next free one, in the private half only.
 * 4. Between fork and the child's own region nothing is written to the
 *    region; take_over brings it up to date.
 */
#include "region/ledger_write.h"

#include <stdatomic.h>

#include "base/base.h"
#include "os/alone.h"
#include "os/os.h"
#include "region/counters.h"
#include "region/region.h"

enum { STEP = 64 }; /* entries made at a time */

/* Of `who`: no thread's id has that bit. */
#define EXCUSED ((uint64_t)1 << 63)

static struct wr_ledger_slot entry[WR_LEDGER_SLOTS];
static uint32_t made = 1; /* guard: wr_region_lock */
/* The region's half, and how much of it is there while wr_region is. */
static struct wr_ledger_slot *_Atomic slot;
static _Atomic uint32_t slots;
static _Atomic uint64_t free_first; /* changes << 32 | number; 0: none */

static uint64_t
get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void
put(_Atomic uint64_t *word, uint64_t n)
{
    atomic_store_explicit(word, n, memory_order_relaxed);
}

/* ---- free entries ---- */

/* From first to last they are linked already. */
static void
put_back(uint32_t first, uint32_t last)
{
    uint64_t head = get(&free_first), next;

    do {
        put(&entry[last].who, (uint32_t)head);
        next = ((head >> 32) + 1) << 32 | first;
    } while (!wr_alone_swap(&free_first, &head, next));
}

static uint32_t
take_free(void)
{
    uint64_t head = atomic_load_explicit(&free_first, memory_order_acquire);
    uint64_t next;

    do {
        if ((uint32_t)head == 0)
            return 0;
        next = ((head >> 32) + 1) << 32 |
               (uint32_t)get(&entry[(uint32_t)head].who);
    } while (!wr_alone_swap(&free_first, &head, next));
    return (uint32_t)head;
}

/* Lock held, or there is one thread. */
static void
grow_slots(uint32_t n)
{
    struct wr_ledger_slot *first = wr_region_grow_ledger(n);

    if (first == NULL)
        return;
    atomic_store_explicit(&slot, first, memory_order_relaxed);
    atomic_store_explicit(&slots, n, memory_order_release);
}

/* The first of some new ones; the others become free. 0: there are no more. */
static uint32_t
make_more(void)
{
    uint32_t first = 0, end = 0;

    wr_lock_take(&wr_region_lock);
    if (made < WR_LEDGER_SLOTS) {
        first = made;
        end = (uint32_t)wr_align_down(made + STEP, STEP);
        for (uint32_t i = first + 1; i + 1 < end; i++)
            put(&entry[i].who, i + 1);
        grow_slots(end);
        made = end;
    }
    wr_lock_give(&wr_region_lock);
    if (first != 0)
        put_back(first + 1, end - 1);
    return first;
}

/* ---- the region's half ---- */

static inline struct wr_ledger_slot *
slot_of(uint32_t i)
{
    if (wr_region == NULL ||
        i >= atomic_load_explicit(&slots, memory_order_acquire))
        return NULL;
    return atomic_load_explicit(&slot, memory_order_relaxed) + i;
}

static void
fill(struct wr_ledger_slot *s, uint64_t address, uint64_t born, uint64_t who)
{
    put(&s->born_ns, born);
    put(&s->who, who);
    atomic_store_explicit(&s->address, address, memory_order_release);
}

/* Before what comes after it is stored in the slot. */
static void
clear(struct wr_ledger_slot *s)
{
    put(&s->address, 0);
    atomic_thread_fence(memory_order_release);
}

/* ---- entries ---- */

uint32_t
wr_ledger_add(const void *block, uint32_t bucket, uint32_t tid)
{
    uint64_t who = (uint64_t)tid << 32 | bucket;
    uint64_t now = wr_os_monotonic_about();
    struct wr_ledger_slot *s;
    uint32_t i = take_free();

    if (i == 0)
        i = make_more();
    if (i == 0) {
        wr_count_add(ledger_full, 1);
        return 0;
    }
    fill(&entry[i], (uintptr_t)block, now, who);
    s = slot_of(i);
    if (s != NULL)
        fill(s, (uintptr_t)block, now, who);
    return i;
}

/* What is older than the region was there when the process began. */
static uint64_t
uptime_at(uint64_t monotonic)
{
    if (wr_region == NULL)
        return 0;
    return monotonic > wr_region->start_mono_ns
               ? monotonic - wr_region->start_mono_ns
               : 1;
}

bool
wr_ledger_get(uint32_t i, struct wr_birth *birth)
{
    uint64_t who;

    if (i == 0 || i >= WR_LEDGER_SLOTS || get(&entry[i].address) == 0)
        return false;
    who = get(&entry[i].who);
    birth->born_ns = uptime_at(get(&entry[i].born_ns));
    birth->bucket = (uint32_t)who;
    birth->tid = (uint32_t)((who & ~EXCUSED) >> 32);
    return true;
}

bool
wr_ledger_excuse(uint32_t i)
{
    if (i == 0 || i >= WR_LEDGER_SLOTS || get(&entry[i].address) == 0)
        return false;
    atomic_fetch_or(&entry[i].who, EXCUSED);
    return true;
}

bool
wr_ledger_is_excused(uint32_t i)
{
    return i != 0 && i < WR_LEDGER_SLOTS && get(&entry[i].address) != 0 &&
           (get(&entry[i].who) & EXCUSED) != 0;
}

uint32_t
wr_ledger_drop(uint32_t i, uint64_t *age)
{
    uint32_t bucket = (uint32_t)get(&entry[i].who);
    struct wr_ledger_slot *s = slot_of(i);

    *age = wr_os_monotonic_about() - get(&entry[i].born_ns);
    if (s != NULL)
        clear(s);
    clear(&entry[i]);
    put_back(i, i);
    return bucket;
}

void
wr_ledger_take_over(void)
{
    atomic_store(&slots, 0);
    if (made > 1)
        grow_slots(made);
    for (uint32_t i = 1; i < atomic_load(&slots); i++) {
        uint64_t address = get(&entry[i].address);

        if (address != 0)
            fill(slot + i, address, get(&entry[i].born_ns),
                 get(&entry[i].who) & ~EXCUSED);
    }
}
