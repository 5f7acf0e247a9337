/* Invariants (under `lock`)
 * 1. used = max(reserved, held + children), where held counts as 0 while it is
 *    negative (the threads inside freed what others allocated), and children
 *    is the sum of the children's used.
 * 2. peak is the highest used there was.
 * 3. A budget lives while it is not closed, has children, or has threads
 *    inside: `refs` of them all. A closed one has reserved and held 0.
 * 4. What a thread allocated since mc->scope_begin is not in its budget yet;
 *    what it was charged for is in scope_begin already, so that the sum is
 * right whatever becomes of it.
 */
#include "limit/budget.h"

#include <string.h>
#include <weir/budget.h>

#include "base/base.h"
#include "base/die.h"
#include "heap/mcache.h"
#include "heap/mheap.h"
#include "os/lock.h"
#include "region/budget.h"
#include "region/counters.h"
#include "region/event.h"
#include "region/region.h"

/* More in one piece there is not, and sums of these do not overflow. */
#define MOST ((uint64_t)1 << 47)

struct weir_budget {
    weir_budget *parent; /* of a free one: the next free one */
    unsigned flags, refs;
    bool closed;
    uint64_t reserved, children, peak, limit, used;
    int64_t held;
    uint64_t allocated, refused;
    uint64_t shown_in; /* start_mono_ns of the region it is shown in */
    uint32_t slot;     /* there */
    char name[40];
};

static struct wr_lock lock = WR_LOCK_INIT;
static weir_budget *spare;
static struct {
    uint64_t region;                 /* start_mono_ns */
    uint64_t taken[WR_BUDGETS / 64]; /* slots */
} shown;

/* ---- in the region ---- */

static bool
is_shown(const weir_budget *b)
{
    return b != NULL && wr_region != NULL &&
           b->shown_in == wr_region->start_mono_ns;
}

/* Give it a slot; there may be none. */
static void
take_slot(weir_budget *b)
{
    if (shown.region != wr_region->start_mono_ns)
        memset(&shown, 0, sizeof shown);
    shown.region = wr_region->start_mono_ns;
    for (uint32_t i = 0; i < WR_BUDGETS; i++)
        if ((shown.taken[i / 64] >> (i % 64) & 1) == 0) {
            shown.taken[i / 64] |= (uint64_t)1 << (i % 64);
            b->slot = i;
            b->shown_in = shown.region;
            return;
        }
}

static void
show(weir_budget *b)
{
    struct wr_budget_line line = {
        .kind = 1,
        .limit = b->limit,
        .used = b->used,
        .peak = b->peak,
        .reserved = b->reserved,
        .held = b->held > 0 ? (uint64_t)b->held : 0,
        .allocated = b->allocated,
        .refused = b->refused,
    };

    if (wr_region == NULL)
        return;
    if (!is_shown(b))
        take_slot(b);
    if (!is_shown(b))
        return;
    line.slot = b->slot;
    line.parent = is_shown(b->parent) ? b->parent->slot + 1 : 0;
    memcpy(line.name, b->name, sizeof line.name);
    wr_budget_show(&line);
}

static void
hide(const weir_budget *b)
{
    struct wr_budget_line nothing = {.slot = b->slot};

    if (!is_shown(b))
        return;
    wr_budget_show(&nothing);
    shown.taken[b->slot / 64] &= ~((uint64_t)1 << (b->slot % 64));
}

/* ---- the sums ---- */

static uint64_t
use(uint64_t reserved, int64_t held, uint64_t children)
{
    uint64_t inside = children + (held > 0 ? (uint64_t)held : 0);

    return wr_max(reserved, inside);
}

/* The first budget from b upwards, of those with all these flags, that would
 * pass its limit by this; NULL: it fits. */
static weir_budget *
first_over(weir_budget *b, uint64_t reserved, int64_t held, unsigned flags)
{
    uint64_t used = use(reserved, held, b->children);

    for (; used > b->used; b = b->parent) {
        uint64_t grown = used - b->used;

        if (used > b->limit && (b->flags & flags) == flags)
            return b;
        if (b->parent == NULL)
            return NULL;
        used = use(b->parent->reserved, b->parent->held,
                   b->parent->children + grown);
    }
    return NULL;
}

static void
set(weir_budget *b, uint64_t reserved, int64_t held)
{
    uint64_t was;

    b->reserved = reserved;
    b->held = held;
    for (; b != NULL; b = b->parent) {
        was = b->used;
        b->used = use(b->reserved, b->held, b->children);
        b->peak = wr_max(b->peak, b->used);
        show(b);
        if (b->used == was)
            return;
        if (b->parent != NULL)
            b->parent->children += b->used - was;
    }
}

static void
refuse(weir_budget *over)
{
    over->refused++;
    wr_count_add(budget_refused, 1);
    show(over);
}

/* ---- their lives ---- */

static void
drop(weir_budget *b)
{
    while (b != NULL && --b->refs == 0) {
        weir_budget *parent = b->parent;

        hide(b);
        b->parent = spare;
        spare = b;
        b = parent;
    }
}

static weir_budget *
take_spare(void)
{
    weir_budget *b;

    wr_lock_take(&lock);
    b = spare;
    if (b != NULL)
        spare = b->parent;
    wr_lock_give(&lock);
    return b;
}

WR_EXPORT weir_err
weir_budget_new(weir_budget **out, const char *name, weir_budget *parent,
                uint64_t bytes, unsigned flags)
{
    weir_budget *b;

    if (out == NULL || name == NULL || (flags & ~WEIR_BUDGET_CAP) != 0)
        return WEIR_EINVAL;
    b = take_spare();
    if (b == NULL)
        b = wr_mheap_meta(sizeof *b, &wr_counters->other_sys);
    if (b == NULL)
        return WEIR_ENOMEM;
    *b = (weir_budget){
        .parent = parent, .flags = flags, .refs = 1, .limit = bytes};
    memcpy(b->name, name, wr_min(strlen(name), sizeof b->name - 1));
    wr_lock_take(&lock);
    if (parent != NULL)
        parent->refs++;
    show(b);
    wr_lock_give(&lock);
    *out = b;
    return WEIR_OK;
}

WR_EXPORT void
weir_budget_free(weir_budget *b)
{
    if (b == NULL)
        return;
    wr_lock_take(&lock);
    b->closed = true;
    set(b, 0, 0);
    drop(b);
    wr_lock_give(&lock);
}

/* ---- by hand ---- */

WR_EXPORT weir_err
weir_budget_reserve(weir_budget *b, uint64_t bytes)
{
    weir_budget *over = b;

    wr_lock_take(&lock);
    if (bytes <= MOST && !b->closed)
        over = first_over(b, b->reserved + bytes, b->held, 0);
    if (over == NULL) {
        set(b, b->reserved + bytes, b->held);
    } else {
        refuse(over);
    }
    wr_lock_give(&lock);
    return over == NULL ? WEIR_OK : WEIR_ELIMIT;
}

static _Noreturn void
die_of_release(const weir_budget *b, uint64_t bytes)
{
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, "weir: weir_budget_release of ");
    wr_text_uint(&t, bytes);
    wr_text_str(&t, " bytes from the budget \"");
    wr_text_str(&t, b->name);
    wr_text_str(&t, "\", which has ");
    wr_text_uint(&t, b->reserved);
    wr_text_str(&t, " reserved");
    wr_die(&t);
}

WR_EXPORT void
weir_budget_release(weir_budget *b, uint64_t bytes)
{
    wr_lock_take(&lock);
    if (bytes > b->reserved)
        die_of_release(b, bytes);
    set(b, b->reserved - bytes, b->held);
    wr_lock_give(&lock);
}

static void
explain(struct wr_text *t, const weir_budget *b, const weir_budget *over,
        uint64_t bytes)
{
    wr_text_uint(t, bytes);
    wr_text_str(t, over == NULL ? " bytes fit into the budget \""
                                : " bytes do not fit into the budget \"");
    wr_text_str(t, b->name);
    wr_text_str(t, "\"");
    if (over == NULL)
        return;
    wr_text_str(t, ": \"");
    wr_text_str(t, over->name);
    wr_text_str(t, "\" has ");
    wr_text_uint(t, over->limit - wr_min(over->limit, over->used));
    wr_text_str(t, " of ");
    wr_text_uint(t, over->limit);
    wr_text_str(t, " left");
}

WR_EXPORT size_t
weir_budget_explain(weir_budget *b, uint64_t bytes, char *text, size_t room)
{
    struct wr_text t;
    size_t n;

    wr_text_init(&t);
    wr_lock_take(&lock);
    explain(&t, b, first_over(b, b->reserved + wr_min(bytes, MOST), b->held, 0),
            bytes);
    wr_lock_give(&lock);
    if (room > 0) {
        n = wr_min(t.len, room - 1);
        memcpy(text, t.buf, n);
        text[n] = '\0';
    }
    return t.len;
}

/* ---- by threads ---- */

/* What the thread did since scope_begin goes into its budget. */
static void
settle(struct wr_mcache *mc, bool all)
{
    struct wr_turnover now = wr_mcache_turnover(mc, all);
    uint64_t allocated = now.allocated - mc->scope_begin.allocated;
    uint64_t freed = now.freed - mc->scope_begin.freed;
    weir_budget *b = mc->scope;

    mc->scope_begin = now;
    wr_lock_take(&lock);
    for (weir_budget *up = b; up != NULL; up = up->parent)
        up->allocated += allocated;
    if (!b->closed)
        set(b, b->reserved, b->held + (int64_t)(allocated - freed));
    wr_lock_give(&lock);
}

/* So many bytes more are the thread's budget's from here on, unless that would
 * bring it, or one around it, above a limit that is a cap. What is really
 * allocated of them is known when the thread is settled next: then these are
 * taken off. */
static bool
charge(struct wr_mcache *mc, size_t bytes, bool count)
{
    weir_budget *b = mc->scope, *over = NULL;
    int64_t held;

    wr_lock_take(&lock);
    held = b->held + (int64_t)bytes;
    if (!b->closed)
        over = first_over(b, b->reserved, held, WEIR_BUDGET_CAP);
    if (over == NULL && !b->closed) {
        set(b, b->reserved, held);
        for (weir_budget *up = b; up != NULL; up = up->parent)
            up->allocated += bytes;
        mc->scope_begin.allocated += bytes;
    } else if (over != NULL && count) {
        refuse(over);
    }
    wr_lock_give(&lock);
    return over == NULL;
}

/* Nothing is refused because frees are counted late. */
static bool
scope_grows(struct wr_mcache *mc, size_t bytes)
{
    settle(mc, false);
    if (charge(mc, bytes, false))
        return true;
    settle(mc, true);
    return charge(mc, bytes, true);
}

static void
leave_scope(struct wr_mcache *mc, weir_budget *before)
{
    weir_budget *b = mc->scope;

    settle(mc, false);
    mc->scope = before;
    wr_lock_take(&lock);
    drop(b);
    wr_lock_give(&lock);
}

static void
scope_ends(struct wr_mcache *mc)
{
    leave_scope(mc, NULL);
}

WR_EXPORT weir_budget *
weir_budget_enter(weir_budget *b)
{
    struct wr_mcache *mc = wr_mcache_get();
    weir_budget *before;

    if (mc == NULL)
        return NULL;
    before = mc->scope;
    if (before != NULL)
        settle(mc, false);
    if (b != NULL) {
        wr_lock_take(&lock);
        b->refs++;
        wr_lock_give(&lock);
        mc->scope_begin = wr_mcache_turnover(mc, false);
    }
    mc->scope = b;
    return before;
}

WR_EXPORT void
weir_budget_leave(weir_budget *before)
{
    struct wr_mcache *mc = wr_self;

    if (mc == &wr_mcache_none)
        return;
    if (mc->scope != NULL)
        leave_scope(mc, before);
    else if (before != NULL)
        mc->scope_begin = wr_mcache_turnover(mc, false);
    mc->scope = before;
}

WR_EXPORT weir_err
weir_budget_read(weir_budget *b, struct weir_budget_use *out)
{
    if (b == NULL || out == NULL)
        return WEIR_EINVAL;
    if (wr_self->scope != NULL)
        settle(wr_self, true);
    wr_lock_take(&lock);
    *out = (struct weir_budget_use){.limit = b->limit,
                                    .used = b->used,
                                    .peak = b->peak,
                                    .reserved = b->reserved,
                                    .held = b->held > 0 ? (uint64_t)b->held : 0,
                                    .allocated = b->allocated,
                                    .refused = b->refused};
    wr_lock_give(&lock);
    return WEIR_OK;
}

/* ---- start, fork ---- */

void
wr_budget_start(void)
{
    wr_events.scope_grows = scope_grows;
    wr_events.scope_ends = scope_ends;
}

void
wr_budget_fork_before(void)
{
    wr_lock_take(&lock);
}

void
wr_budget_fork_after(void)
{
    wr_lock_give(&lock);
}
