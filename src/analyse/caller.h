/* Caller: on whose behalf a function holds what it holds.
 *
 *     int64_t value;
 *     const char *who = wr_caller_biggest(p, type, "zmalloc", &value);
 *     if (who)
 *         printf("zmalloc, %d%% from %s", ...);
 *
 * Most programs allocate through a function or two of their own; the name of
 * that one says little, its biggest caller says who holds the memory.
 * Threads: any. Ownership: names are the profile's.
 */
#ifndef WR_ANALYSE_CALLER_H
#define WR_ANALYSE_CALLER_H

#include <stdint.h>

struct wr_profile;

/* The function that called `name` for most of the values, where `name` is the
 * innermost function of that name in a stack; *value is its part. NULL: none
 * is known. */
const char *wr_caller_biggest(const struct wr_profile *p, uint32_t type,
                              const char *name, int64_t *value);

#endif
