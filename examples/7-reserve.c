/* 7: an array that grows, and one that was told how far.
 *
 *     $ cc 7-reserve.c $(pkg-config --cflags --libs weir weir-bench)
 *
 * Appending item by item makes a larger array, copies, and frees the old one,
 * again and again: some twenty allocations for 100,000 items, and five times
 * their bytes. Who knows how many will come says so first.
 */
#include "compare.h"

enum { ITEMS = 100000 };

WEIR_SLICE(ints, int);

static void
wrong(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b)) {
        struct ints squares = {0};
        for (int i = 0; i < ITEMS; i++)
            if (ints_append(&squares, i * 2) != WEIR_OK)
                weir_bench_fail(b, "no memory");
        ints_free(&squares);
    }
}

static void
right(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b)) {
        struct ints squares = {0};
        if (ints_reserve(&squares, ITEMS) != WEIR_OK)
            weir_bench_fail(b, "no memory");
        for (int i = 0; i < ITEMS; i++)
            if (ints_append(&squares, i * 2) != WEIR_OK)
                weir_bench_fail(b, "no memory");
        ints_free(&squares);
    }
}

int
main(void)
{
    struct weir_bench_result w = compare("wrong: append", wrong, NULL);
    struct weir_bench_result r = compare("right: reserve first", right, NULL);

    return lesson(r.allocs_per_op == 1 && w.allocs_per_op >= 10 &&
                  r.bytes_per_op * 2 < w.bytes_per_op);
}
