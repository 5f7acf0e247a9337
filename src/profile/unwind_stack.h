/* The part of a stack that a walk may read.
 *
 *     struct wr_unwind_stack stack;
 *     wr_unwind_stack_enter(&stack, sp);
 *     if (cfa <= stack.end || wr_unwind_stack_reach(&stack, low, cfa))
 *         ... words in [low, cfa) can be read
 *
 * A description may be wrong, and then the words it leads to can be
 * anywhere. On the thread's own stack, whose bounds wr_unwind_set_stack
 * told, staying inside is enough. Elsewhere each page is asked for, once, as
 * the walk comes to it. What was learnt is forgotten with the walk: a stack
 * that somebody made can be unmapped in between.
 *
 * Threads and signals: one object belongs to one walk.
 */
#ifndef WR_PROFILE_UNWIND_STACK_H
#define WR_PROFILE_UNWIND_STACK_H

#include <stdbool.h>
#include <stdint.h>

struct wr_unwind_stack {
    uintptr_t start, end; /* words between the walk's sp and end are there */
    uintptr_t page;       /* one more page that is there */
    bool own;             /* end is the end of the stack: no further */
};

/* A walk begins with this stack pointer. */
void wr_unwind_stack_enter(struct wr_unwind_stack *stack, uintptr_t sp);

/* The same where the stack is another thread's, which stands still. */
void wr_unwind_stack_strange(struct wr_unwind_stack *stack, uintptr_t sp);

/* Moves end to hi or further, if [lo, hi) is there. lo is not below the
 * walk's stack pointer; what lies between that and lo is given up. */
bool wr_unwind_stack_reach(struct wr_unwind_stack *stack, uintptr_t lo,
                           uintptr_t hi);

/* Reads a word anywhere, if it is there. */
bool wr_unwind_stack_load(struct wr_unwind_stack *stack, uintptr_t at,
                          uintptr_t *value);

/* Reads a word that is known to be there. Frames of instrumented code hold
 * words that only a stack walk may touch. */
WR_READS_ANY static inline uintptr_t
wr_unwind_word_at(uintptr_t at)
{
    typedef uintptr_t word __attribute__((may_alias, aligned(1)));

    return *(const word *)at;
}

#endif
