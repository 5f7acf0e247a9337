/* The stacks of a profile from the root on, split step by step by the
 * function that comes next. What call trees and lists of stacks are made of.
 *
 *     struct wr_split s;
 *     struct wr_split_input in = {.p = p, .type = type};
 *     if (wr_split_init(&s, &in, why, sizeof why) == 0) {
 *         wr_split_walk(&s, print_path, stdout);
 *         wr_split_fini(&s);
 *     }
 *
 * Splitting costs memory by the sample, never by the node of the tree, and no
 * recursion: a million samples of any depth are fine. Who splits only what is
 * big enough to be seen pays for nothing else.
 *
 * A value of the profile counts as `value`, one of the base, the profile it
 * is compared with, as `base`. Negative values, as in a difference that
 * somebody stored, count on the other side with their sign turned: what was
 * lost was there before. Both are therefore never negative (but where sums
 * leave 64 bits).
 *
 * Threads: one at a time. Ownership: the profiles must outlive it.
 * Misuse: a group is split once; its samples then belong to its parts.
 */
#ifndef WR_ANALYSE_SPLIT_H
#define WR_ANALYSE_SPLIT_H

#include "analyse/names.h"
#include "analyse/stack.h"

/* The samples whose stacks begin alike. */
struct wr_split_group {
    uint32_t function;     /* the last they share; WR_NONE: the root */
    uint32_t first, count; /* in the order of samples */
    int64_t value, base;   /* sums */
};

/* What a split makes: the parts by value falling, and the sums of the samples
 * that end here. */
struct wr_split_parts {
    struct wr_split_group *parts;
    uint32_t count, capacity;
    int64_t self, base_self;
};

struct wr_split_item;

struct wr_split {
    struct wr_names names;
    struct wr_stacks stacks[2]; /* of the profile, of the base */
    struct wr_named named[2];
    const char *type, *unit;
    bool has_base; /* there is a base, or a negative value */
    struct wr_split_group root;
    struct wr_split_item *items;
    uint32_t item_count;
    uint32_t *order;     /* of items: a group is a run of it */
    uint32_t *part_of;   /* scratch, by place in the order */
    uint32_t *moved;     /* scratch */
    uint32_t *part_with; /* by function: its part + 1, while splitting */
    struct wr_split_parts parts;
};

struct wr_split_input {
    const struct wr_profile *p;
    const struct wr_profile *base; /* or NULL; it needs a type of that name */
    uint32_t type;
    bool by_line; /* a step is a line, not a function */
};

/* 0, or -1 and a sentence. */
int wr_split_init(struct wr_split *s, const struct wr_split_input *in,
                  char *why, size_t n);
void wr_split_fini(struct wr_split *s);

/* The parts of a group, until the next call; NULL: no memory. */
struct wr_split_parts *wr_split_next(struct wr_split *s,
                                     const struct wr_split_group *g);

/* For every path that samples end at, branches in the parts' order. functions
 * are indices into names, the root's first. 0, or -1: no memory. */
typedef void wr_split_visit(void *context, const struct wr_split *s,
                            const uint32_t *functions, uint32_t depth,
                            int64_t value, int64_t base);
int wr_split_walk(struct wr_split *s, wr_split_visit *visit, void *context);

/* How much a group matters where both are shown: never less than a part. */
static inline uint64_t
wr_split_size(int64_t value, int64_t base)
{
    return (uint64_t)value + (uint64_t)base;
}

#endif
