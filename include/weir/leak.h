/* Leaks: what of its memory the program cannot reach any more.
 *
 *     uint64_t blocks;
 *     if (weir_leak_print(STDERR_FILENO, &blocks) == WEIR_OK && blocks > 0)
 *         exit(EXIT_FAILURE);
 *
 * A block is leaked when no global, no thread's stack, register or storage,
 * and no other block that can be reached has an address of it or of a byte
 * inside it. The program stands still while a copy of it is made, and the
 * search runs in the copy; the caller waits for it. What is found is proved if
 * the result says so: the program has no address of it left, whatever it does
 * later, unless it keeps addresses in a form that the search does not know.
 *
 * `weir leaks` and `weir run --leaks` do the same from outside, with names of
 * functions, without a line in the program.
 *
 * Threads: any, one search at a time. Not in signal handlers. Nothing is
 * allocated on the heap. Units: bytes, nanoseconds.
 */
#ifndef WEIR_LEAK_H
#define WEIR_LEAK_H

#include <stddef.h>
#include <stdint.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_leaks_count {
    uint64_t blocks, bytes;
};

struct weir_leaks {
    struct weir_leaks_count live;     /* allocated: all blocks */
    struct weir_leaks_count direct;   /* leaked, and nothing leads there */
    struct weir_leaks_count indirect; /* leaked, and hang off a leaked one */
    int proved;       /* 1; 0: not every thread could be made to stand still,
                         and what only its registers hold is told as well */
    uint64_t stop_ns; /* the program stood still */
    uint64_t search_ns;
};

/* One block: each that leaks by itself, and of those that hang off others the
 * ones whose allocation was recorded. */
struct weir_leak {
    const void *address;
    size_t bytes; /* of the block, with what was added to fill it up */
    int direct;   /* 1; 0: it hangs off another leak */
    struct weir_leaks_count hanging; /* off it, as far as no other has them */
    /* Of a block whose allocation was recorded, which all are at sample rate 1
     * (weir/profile.h): return addresses, innermost first, until the callback
     * returns; how long ago it was, and by which thread. Else 0. */
    const uintptr_t *stack;
    size_t frames;
    uint64_t age_ns;
    uint32_t tid;
};

/* Search now. out and each may be NULL; each is called for every leak, with
 * arg, when the search has ended: it may allocate, but not search.
 * WEIR_ENOTSUP: the system does not let us; WEIR_ENOMEM; WEIR_EBUSY: another
 * search goes on. */
weir_err weir_leak_check(struct weir_leaks *out,
                         void (*each)(const struct weir_leak *leak, void *arg),
                         void *arg);

/* Search, and write what is found to fd: text, a line for each of the 100
 * first leaks, with places as file and offset, which addr2line reads, and a
 * line with the sums. Nothing is written when there is no leak. blocks, which
 * may be NULL: how many are leaked. */
weir_err weir_leak_print(int fd, uint64_t *blocks);

/* From now on addresses in [from, from + bytes) keep blocks alive: in memory
 * that the program may not write itself, or that a forked child does not get.
 * It may go before it is removed: what cannot be read is left out. In the
 * second form an address is kept as a word that gives it after
 * (word ^ flip) & keep: with its upper bits used, or turned round.
 * WEIR_ENOMEM; WEIR_EINVAL: no such range. */
weir_err weir_root_add(const void *from, size_t bytes);
weir_err weir_root_add_masked(const void *from, size_t bytes, uintptr_t keep,
                              uintptr_t flip);
/* The latest that begins there. WEIR_ENOENT: there is none. */
weir_err weir_root_remove(const void *from);

/* The block that p points into, and what only it leads to, are no leaks until
 * it is freed. If its allocation was not recorded, a block that is allocated in
 * its place later may be taken for it. WEIR_EINVAL: there is no such block. */
weir_err weir_leak_ignore(const void *p);

/* Blocks that the calling thread allocates between these two are no leaks.
 * They nest. */
void weir_leak_ignore_begin(void);
void weir_leak_ignore_end(void);

#ifdef __cplusplus
}
#endif
#endif
