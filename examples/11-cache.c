/* 11: a cache without bounds is a leak.
 *
 *     $ cc 11-cache.c $(pkg-config --cflags --libs weir weir-bench)
 *     $ weir leaks --suspects PID        names it in a running program
 *
 * Every answer is kept, because it may be asked for again; most never are. The
 * program can reach all of it, so no search for leaks finds it: only growth
 * gives it away. An LRU cache keeps what is used, and a bound.
 */
#include <string.h>
#include "compare.h"

enum { ANSWERS = 20000, BYTES = 500, KEPT = 1000 };

WEIR_MAP(answers, uint64_t, char *, weir_hash_word, weir_same_word);

static struct answers everything;
static weir_lru *recent;

static char *
answer(uint64_t question)
{
    char *text = malloc(BYTES);

    if (text == NULL)
        exit(1);
    memset(text, (int)question, BYTES);
    return text;
}

static void
wrong(void)
{
    for (uint64_t question = 0; question < ANSWERS; question++) {
        char **kept = answers_put(&everything, question);
        if (kept == NULL)
            exit(1);
        if (*kept == NULL)
            *kept = answer(question);
    }
}

static void
forget(void *text, void *arg)
{
    (void)arg;
    free(text);
}

static void
right(void)
{
    const struct weir_lru_options o = {.items = KEPT, .evicted = forget};

    if (weir_lru_new(&recent, &o) != WEIR_OK)
        exit(1);
    for (uint64_t question = 0; question < ANSWERS; question++) {
        weir_lru_item *item = weir_lru_get(recent, &question, sizeof question);
        if (item == NULL)
            item = weir_lru_put(recent, &question, sizeof question,
                                answer(question), BYTES);
        if (item == NULL)
            exit(1);
        weir_lru_release(recent, item);
    }
}

int
main(void)
{
    struct weir_bench_use w = held("wrong: a map of everything", wrong);
    struct weir_bench_use r = held("right: an LRU cache", right);

    weir_lru_free(recent);
    return lesson(w.live_blocks >= ANSWERS && r.live_blocks < 3 * KEPT + 100 &&
                  r.live_bytes * 10 < w.live_bytes);
}
