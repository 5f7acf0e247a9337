/* What the cases of this folder share. Each case is one piece of work, done by
 * the kit, by each of its peers, and by Go (main.go): the same keys, the same
 * sizes, the same malloc for all that is C.
 */
#ifndef BENCH_KIT_H
#define BENCH_KIT_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

enum { ITEMS = 1000, PIECES = 100, HANDLED = 4096, CACHED = 1000, LINES = 20 };

#define PIECE "a piece of text, "
/* A request's answer is LINES of these, with a name between them. */
#define BEFORE "<li>for "
#define BEHIND ", who asked</li>\n"

/* Texts that are keys: "key-0" to "key-999". */
extern char bench_text[ITEMS][12];

/* The n-th key asked of a cache: of 4000, the lower the more often. */
static inline uint64_t
bench_asked(uint64_t n)
{
    uint64_t x = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);

    x ^= x >> 29;
    return (x % 4000) * (x >> 32 & 1023) >> 10;
}

/* A cache is shared by threads: the kit's and Go's have a lock in them, and the
 * others are used under this one. */
extern pthread_mutex_t bench_lock;

/* One entry for each case of a library, NULL-ended; NULL: not there. */
extern const struct weir_bench_entry *const bench_weir,
    *const bench_plain, *const bench_uthash, *const bench_stb,
                                                 *const bench_glib;

#endif
