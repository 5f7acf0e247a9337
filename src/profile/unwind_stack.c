/* Bounds of the thread's stack, and probing of all others.
 *
 * Invariants
 * 1. own_lo and own_hi are the thread's own; a signal handler between the
 *    two writes of wr_unwind_set_stack sees an empty or a smaller range.
 * 2. Nothing is read before a bound or a probe says it is there.
 */
#include <stdatomic.h>

#include "base/base.h"
#include "os/regs.h"
#include "profile/unwind.h"
#include "profile/unwind_stack.h"

enum {
    PAGE_BYTES = 4096, /* the smallest there is: right with larger ones */
    NO_PAGE = 1,       /* no page begins there; one begins at 0 */
};

static _Thread_local uintptr_t own_lo, own_hi;

void
wr_unwind_set_stack(uintptr_t lo, uintptr_t hi)
{
    own_hi = 0;
    atomic_signal_fence(memory_order_seq_cst);
    own_lo = lo;
    atomic_signal_fence(memory_order_seq_cst);
    own_hi = hi;
}

bool
wr_unwind_own_stack(uintptr_t *lo, uintptr_t *hi)
{
    *lo = own_lo;
    *hi = own_hi;
    return own_hi != 0;
}

bool
wr_unwind_has_room(size_t bytes)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    return here < own_hi && here > own_lo && here - own_lo >= bytes;
}

void
wr_unwind_stack_enter(struct wr_unwind_stack *stack, uintptr_t sp)
{
    stack->own = sp >= own_lo && sp < own_hi;
    stack->start = sp;
    stack->end = stack->own ? own_hi : sp;
    stack->page = NO_PAGE;
}

void
wr_unwind_stack_strange(struct wr_unwind_stack *stack, uintptr_t sp)
{
    *stack = (struct wr_unwind_stack){sp, sp, NO_PAGE, false};
}

bool
wr_unwind_stack_reach(struct wr_unwind_stack *stack, uintptr_t lo, uintptr_t hi)
{
    uintptr_t page;

    if (hi <= stack->end)
        return true;
    if (stack->own || hi < lo)
        return false;
    if (lo < stack->end)
        lo = stack->end;
    for (page = wr_align_down(lo, PAGE_BYTES); page < hi; page += PAGE_BYTES) {
        if (!wr_regs_readable(page))
            return false;
    }
    stack->start = lo;
    stack->end = page;
    return true;
}

/* Is this word in the one page already asked for? If not, ask. */
static bool
probe(struct wr_unwind_stack *stack, uintptr_t at)
{
    uintptr_t page = wr_align_down(at, PAGE_BYTES);

    if (page != wr_align_down(at + sizeof(at) - 1, PAGE_BYTES))
        return wr_regs_readable(at);
    if (page == stack->page)
        return true;
    if (!wr_regs_readable(at))
        return false;
    stack->page = page;
    return true;
}

bool
wr_unwind_stack_load(struct wr_unwind_stack *stack, uintptr_t at,
                     uintptr_t *value)
{
    bool known = at >= stack->start && at < stack->end &&
                 stack->end - at >= sizeof(*value);

    if (!known && !probe(stack, at))
        return false;
    *value = wr_unwind_word_at(at);
    return true;
}
