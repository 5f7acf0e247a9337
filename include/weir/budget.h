/* Budgets: admit work only while there is memory for it.
 *
 *     weir_budget *requests, *one;
 *
 *     weir_budget_new(&requests, "requests", NULL, 64 << 20, 0);
 *     ...
 *     if (weir_budget_new(&one, "upload", requests, 8 << 20, 0) != WEIR_OK ||
 *         weir_budget_reserve(one, content_length) != WEIR_OK)
 *         return answer(503);
 *     weir_budget *before = weir_budget_enter(one);
 *     handle(request);
 *     weir_budget_leave(before);
 *     weir_budget_free(one);              gives back all that is left of it
 *
 * A budget has a name, a limit in bytes and perhaps a parent. Two things use
 * it up: what is reserved before the work, by hand; and what threads allocate
 * between enter and leave. They are not added, since the second is what the
 * first was for: a budget uses the larger of what is reserved, and of what was
 * allocated in it together with what its children use. So a parent's own
 * reservation is room for its children.
 *
 * A reservation that would bring the budget or one around it above its limit
 * is refused, and nothing has changed. What threads allocate is counted and
 * refused only with WEIR_BUDGET_CAP; without, the budget goes above its limit,
 * and no reservation is made in it until it is below again.
 *
 * How exact: at weir_budget_leave the blocks allocated by the thread since
 * enter are counted exactly, and its frees but for an eighth of each page run
 * that it did not just use. In between the count is brought up to date when
 * the thread takes pages for blocks, so it can be behind by what the thread
 * had in reserve (some 64 KiB for each size of block); malloc's fast path knows
 * nothing of it. Blocks belong to the budget of the thread that allocates
 * them; a free counts for the budget of the thread that frees. With
 * weir_budget_free the budget's whole use goes.
 *
 * Units: bytes. Threads: any, not in signal handlers; a budget may be used by
 * many at once. Ownership: a budget lives until weir_budget_free, and inside
 * Weir as long as it has children or threads in it. After fork the child has
 * all budgets as they were, and counts for itself.
 */
#ifndef WEIR_BUDGET_H
#define WEIR_BUDGET_H

#include <stddef.h>
#include <stdint.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_budget weir_budget;

#define WEIR_BUDGET_ANY UINT64_MAX /* no limit of its own */

/* Beyond the limit, what takes pages for a thread inside fails with ENOMEM. */
#define WEIR_BUDGET_CAP 1u

/* parent: NULL for none. Of a name 39 bytes are kept. WEIR_EINVAL: out or name
 * is NULL, or an unknown flag; WEIR_ENOMEM. */
weir_err weir_budget_new(weir_budget **out, const char *name,
                         weir_budget *parent, uint64_t bytes, unsigned flags);
/* NULL is fine. No thread may use it after; those inside leave it as ever. */
void weir_budget_free(weir_budget *b);

/* WEIR_ELIMIT: it does not fit, here or in a budget around it. */
weir_err weir_budget_reserve(weir_budget *b, uint64_t bytes);
/* More than is reserved stops the program with a sentence. */
void weir_budget_release(weir_budget *b, uint64_t bytes);

/* A sentence about why so many bytes would not fit now, or that they would:
 * always ends with NUL. Its whole length. */
size_t weir_budget_explain(weir_budget *b, uint64_t bytes, char *text,
                           size_t room);

/* What the calling thread allocates is b's from here on (nobody's for NULL);
 * the answer is whose it was, for weir_budget_leave. */
weir_budget *weir_budget_enter(weir_budget *b);
void weir_budget_leave(weir_budget *before);

struct weir_budget_use {
    uint64_t limit;     /* WEIR_BUDGET_ANY: none of its own */
    uint64_t used;      /* as above, children included */
    uint64_t peak;      /* the highest used so far */
    uint64_t reserved;  /* by hand, in this budget itself */
    uint64_t held;      /* allocated in it and not freed, by threads inside */
    uint64_t allocated; /* count: allocated in it ever, freed or not */
    uint64_t refused;   /* count: reservations and allocations, for its limit */
};

/* As of now; the calling thread's part is brought up to date. WEIR_EINVAL. */
weir_err weir_budget_read(weir_budget *b, struct weir_budget_use *out);

#ifdef __cplusplus
}
#endif
#endif
