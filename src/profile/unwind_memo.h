/* A thread's walk remembered, so that the next one need not walk what stayed.
 *
 *     static struct wr_unwind_memo memo;       // zeroed, one for each thread
 *     struct wr_unwind_seen seen;
 *     if (wr_unwind_again(&memo, &seen)) {
 *         ... seen.pc[0 .. seen.n): as wr_unwind_here, without Weir's frames
 *         wr_unwind_seen_done(&memo);
 *     } else {
 *         ... wr_unwind_here: the memo is of no use for this stack
 *     }
 *
 * Two allocations of a thread mostly differ in a few inner frames. A walk is
 * a chain of loads, each of which waits for the one before; but what stayed
 * can be proved by loads that wait for nothing:
 *
 *   - The way in. Weir's own frames between the program and the walk are a
 *     fixed sequence of calls with frames of fixed size. If the return
 *     addresses at the remembered distances are the remembered ones, the
 *     program's frame lies where it lay, counted from the stack pointer.
 *   - The new frames, walked one by one, until one is met that the last walk
 *     also found: same stack pointer, same return address, and the same
 *     frame pointer where an outer frame hangs on it.
 *   - The rest. A walk is a function of where it starts, of the rules of the
 *     call sites, and of the words it reads. So from a frame met, all is as
 *     it was up to the first word that has changed: a return address, or a
 *     saved frame pointer that an outer frame hangs on. There the walk goes
 *     on, and may meet the last one again further out.
 *
 * A rule belongs to an address as long as its module is there: permanent
 * ones always (until wr_unwind_cache_epoch moves), others are asked for as
 * in any walk. A realigned frame is not passed by comparing, since its CFA
 * is a word of its own; the walk steps over it.
 *
 * More than one walk can be kept; the one to compare with is found by the
 * program's innermost frame. When nothing has changed, a number that the
 * caller gave to the stack is still there.
 *
 * With each frame goes the hash of the stack from there outwards, so only
 * the new frames are hashed.
 *
 * Threads: a memo belongs to one at a time; the next one's stack may be
 * another. Signals: a walk that interrupts another, or the use of what it
 * found, is refused; one that was left by longjmp is noticed by the next from
 * further out. Allocates nothing.
 * Misuse: wr_unwind_again twice without wr_unwind_seen_done: it refuses.
 */
#ifndef WR_PROFILE_UNWIND_MEMO_H
#define WR_PROFILE_UNWIND_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/unwind_cache.h"
#include "region/layout.h"

enum {
    WR_UNWIND_MEMO_FRAMES = WR_STACK_FRAMES + 8, /* some may be Weir's */
    WR_UNWIND_WAYS = 4,                          /* malloc, realloc, ... */
    WR_UNWIND_WAY_STEPS = 10,
    WR_UNWIND_WALKS = 16,
};

/* Weir's frames at the inner end, by distances from the stack pointer. */
struct wr_unwind_way {
    uint32_t steps;                      /* to the program; 0: not known */
    uint32_t length;                     /* bytes to its stack pointer */
    uint32_t fp_at;                      /* where its fp was saved, if at all */
    bool fp_saved;                       /* else it is still in the register */
    uint32_t ra_at[WR_UNWIND_WAY_STEPS]; /* return addresses */
    uintptr_t pc[WR_UNWIND_WAY_STEPS];   /* what they are, but for the last */
};

/* A walk. A frame is an index: the outermost is the last one, the innermost
 * is `first`. Arrays, because comparing needs only two of them. */
struct wr_unwind_past {
    unsigned first;
    uint32_t number; /* see struct wr_unwind_seen */
    uintptr_t sp[WR_UNWIND_MEMO_FRAMES];
    uintptr_t pc[WR_UNWIND_MEMO_FRAMES];  /* a return address */
    uint8_t flags[WR_UNWIND_MEMO_FRAMES]; /* see unwind_memo.c */
    uint8_t count[WR_UNWIND_MEMO_FRAMES]; /* the program's, from here */
    uintptr_t fp[WR_UNWIND_MEMO_FRAMES];
    wr_unwind_word word[WR_UNWIND_MEMO_FRAMES]; /* what is known of pc - 1 */
    uint64_t hash[WR_UNWIND_MEMO_FRAMES];       /* of the program's frames */
    uintptr_t program[WR_UNWIND_MEMO_FRAMES];   /* those, to the array's end */
};

struct wr_unwind_memo {
    uintptr_t busy; /* stack pointer of the walk that uses it, or 0 */
    uint64_t epoch; /* wr_unwind_cache_epoch of all that follows */
    unsigned last_way;
    struct wr_unwind_way way[WR_UNWIND_WAYS];
    unsigned mask; /* how many of `past` there are, less one: 0, 1, 3, 7, 15 */
    struct wr_unwind_past past[WR_UNWIND_WALKS];
};

struct wr_unwind_seen {
    const uintptr_t *pc; /* in the memo */
    size_t n;            /* at most WR_STACK_FRAMES */
    uint64_t hash;       /* wr_stack_hash of them (bucket.h) */
    /* A number of the caller's for this stack: 0 until it stores one, and
     * again when the stack is not the same. */
    uint32_t *number;
};

bool wr_unwind_again(struct wr_unwind_memo *memo, struct wr_unwind_seen *seen);

/* What was seen is not needed any more. */
void wr_unwind_seen_done(struct wr_unwind_memo *memo);

#endif
