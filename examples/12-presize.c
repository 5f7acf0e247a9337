/* 12: a map that knows how many entries will come.
 *
 *     $ cc 12-presize.c $(pkg-config --cflags --libs weir weir-bench)
 *
 * A map that grows places all its entries anew each time. Told beforehand, it
 * does so never.
 */
#include "compare.h"

enum { ENTRIES = 100000 };

WEIR_MAP(squares, uint64_t, uint64_t, weir_hash_word, weir_same_word);

static void
fill(weir_bench *b, size_t reserved)
{
    while (weir_bench_loop(b)) {
        struct squares m = {0};
        if (squares_reserve(&m, reserved) != WEIR_OK)
            weir_bench_fail(b, "no memory");
        for (uint64_t i = 0; i < ENTRIES; i++) {
            uint64_t *square = squares_put(&m, i);
            if (square == NULL)
                weir_bench_fail(b, "no memory");
            else
                *square = i * i;
        }
        squares_free(&m);
    }
}

static void
wrong(weir_bench *b, void *arg)
{
    (void)arg;
    fill(b, 0);
}

static void
right(weir_bench *b, void *arg)
{
    (void)arg;
    fill(b, ENTRIES);
}

int
main(void)
{
    struct weir_bench_result w = compare("wrong: let it grow", wrong, NULL);
    struct weir_bench_result r = compare("right: reserve first", right, NULL);

    return lesson(r.allocs_per_op <= 2 && w.allocs_per_op >= 8 &&
                  r.bytes_per_op < w.bytes_per_op);
}
