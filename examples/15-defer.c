/* 15: the way out that forgets.
 *
 *     $ cc 15-defer.c $(pkg-config --cflags --libs weir weir-bench)
 *     $ weir leaks PID                   where such blocks were allocated
 *
 * A function with several ways out must release on each; one is added later,
 * and does not. What is released at the end of its scope, however that is left,
 * cannot be forgotten.
 */
#include <string.h>
#include "compare.h"

enum { CALLS = 1000 };

static int
wrong_call(const char *text)
{
    char *copy = strdup(text);
    size_t n = copy ? strlen(copy) : 0;

    if (n > 5)
        return -1; /* "too long": added last week */
    free(copy);
    return (int)n;
}

static int
right_call(const char *text)
{
    weir_cleanup_free char *copy = strdup(text);
    size_t n = copy ? strlen(copy) : 0;

    if (n > 5)
        return -1;
    return (int)n;
}

static void
wrong(void)
{
    for (int i = 0; i < CALLS; i++)
        wrong_call(i % 2 ? "short" : "much too long");
}

static void
right(void)
{
    for (int i = 0; i < CALLS; i++)
        right_call(i % 2 ? "short" : "much too long");
}

int
main(void)
{
    struct weir_bench_use w = held("wrong: free on each way", wrong);
    struct weir_bench_use r = held("right: at the scope's end", right);

    return lesson(w.live_blocks == CALLS / 2 && r.live_blocks == 0);
}
