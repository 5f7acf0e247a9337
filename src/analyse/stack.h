/* Stacks as reports show them: without the allocator's own frames.
 *
 *     struct wr_stacks s;
 *     if (wr_stacks_init(&s, p) == 0) {
 *         for (uint32_t i = wr_stacks_first(&s, sample); i < depth; i++)
 *             ... lines from wr_stacks_skip(&s, location of frame i) on
 *         wr_stacks_fini(&s);
 *     }
 *
 * A profile may say by drop_frames, a regular expression of function names,
 * what is to be left out together with all it called, so that the caller of
 * malloc is the innermost frame. This is pprof's rule: from the root inwards
 * the first such frame cuts the stack, if any frame before it is the
 * program's own.
 *
 * Threads: any, each its own. The profile must outlive it.
 */
#ifndef WR_ANALYSE_STACK_H
#define WR_ANALYSE_STACK_H

#include <stdint.h>

struct wr_profile;
struct wr_sample;

struct wr_stacks {
    const struct wr_profile *p;
    uint32_t *dropped; /* by location: lines that are left out, from [0] on */
};

/* 0, or -1: no memory. */
int wr_stacks_init(struct wr_stacks *s, const struct wr_profile *p);
void wr_stacks_fini(struct wr_stacks *s);

/* The innermost frame shown, counted from the leaf. */
uint32_t wr_stacks_first(const struct wr_stacks *s, const struct wr_sample *x);
/* How many lines of a location that is shown are not. */
uint32_t wr_stacks_skip(const struct wr_stacks *s, uint32_t location);

#endif
