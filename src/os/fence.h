/* A fence of which one side is free.
 *
 *     often:   mine = 1; wr_fence_light(); if (theirs) ...
 *     seldom:  theirs = 1; if (wr_fence_heavy()) ... if (mine) ...
 *
 * At least one of the two sees what the other stored, as with a full fence on
 * both sides. Here the light one costs nothing: the heavy one has the kernel
 * run a fence on every processor that runs a thread of this process
 * (microseconds). Where the kernel has no such call both are full fences.
 *
 * wr_fence_start comes first, before any thread may come to the light fence;
 * any number of times. Threads: any. After fork the child has it too.
 */
#ifndef WR_OS_FENCE_H
#define WR_OS_FENCE_H

#include <stdbool.h>

extern bool wr_fence_is_light; /* written by wr_fence_start alone */

void wr_fence_start(void);

static inline void
wr_fence_light(void)
{
    if (__builtin_expect(wr_fence_is_light, 1))
        __asm__ volatile("" ::: "memory");
    else
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* false: the kernel refuses now what it did before, so nothing is known. */
bool wr_fence_heavy(void);

#endif
