/* 10: a small part that holds a large whole.
 *
 *     $ cc 10-small-part.c $(pkg-config --cflags --libs weir weir-bench)
 *
 * Ten items of a million are needed for long. A slice of the large array costs
 * nothing now, and keeps all of it from being freed. A copy of ten items lets
 * the rest go. `weir top` shows the wrong half as held by the line that made
 * the large array, long after anybody thought of it; `weir retained` says that
 * only a small part leads to it. With an argument the program stops after the
 * wrong half, to be asked.
 */
#include <unistd.h>

#include "compare.h"

enum { ITEMS = 1000000, NEEDED = 10 };

WEIR_SLICE(ints, int);

static struct ints part; /* what is kept */

static __attribute__((noinline)) struct ints
fill(void)
{
    struct ints all = {0};

    if (ints_reserve(&all, ITEMS) != WEIR_OK)
        exit(1);
    for (int i = 0; i < ITEMS; i++)
        if (ints_append(&all, i) != WEIR_OK)
            exit(1);
    return all;
}

static void
wrong(void)
{
    struct ints all = fill();

    part = ints_slice(&all, 0, NEEDED); /* all must stay */
}

static void
right(void)
{
    struct ints all = fill();

    if (ints_copy(&all, 0, NEEDED, &part) != WEIR_OK)
        exit(1);
    ints_free(&all);
}

int
main(int argc, char **argv)
{
    struct weir_bench_use w = held("wrong: a slice", wrong), r;

    (void)argv;
    while (argc > 1)
        pause(); /* what asks wakes it by a signal */
    r = held("right: a copy", right);
    ints_free(&part);
    return lesson(w.live_bytes >= ITEMS * (int)sizeof(int) &&
                  r.live_bytes <= 64);
}
