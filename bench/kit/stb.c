/* stb_ds's cases. */
#include "kit.h"

#ifdef BENCH_STB
#define STB_DS_IMPLEMENTATION
#include <stb/stb_ds.h>

struct pair {
    uint64_t key, value;
};

struct named {
    char *key;
    uint64_t value;
};

static void
append(weir_bench *b, void *reserve)
{
    while (weir_bench_loop(b)) {
        uint64_t *s = NULL;

        if (reserve != NULL)
            arrsetcap(s, ITEMS);
        for (uint64_t i = 0; i < ITEMS; i++)
            arrput(s, i);
        weir_bench_keep(s);
        arrfree(s);
    }
}

static void
map_fill(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b)) {
        struct pair *m = NULL;

        for (uint64_t i = 0; i < ITEMS; i++)
            hmput(m, i, i);
        weir_bench_keep(m);
        hmfree(m);
    }
}

static void
map_get(weir_bench *b, void *arg)
{
    struct pair *m = NULL;
    uint64_t sum = 0;

    (void)arg;
    for (uint64_t i = 0; i < ITEMS; i++)
        hmput(m, i, i);
    while (weir_bench_loop(b))
        for (uint64_t i = 0; i < ITEMS; i++)
            sum += hmget(m, i);
    weir_bench_keep(&sum);
    hmfree(m);
}

static struct named *
filled_by_text(void)
{
    struct named *m = NULL;

    for (uint64_t i = 0; i < ITEMS; i++)
        shput(m, bench_text[i], i);
    return m;
}

static void
text_fill(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b)) {
        struct named *m = filled_by_text();

        weir_bench_keep(m);
        shfree(m);
    }
}

static void
map_text(weir_bench *b, void *arg)
{
    struct named *m = filled_by_text();
    uint64_t sum = 0;

    (void)arg;
    while (weir_bench_loop(b))
        for (uint64_t i = 0; i < ITEMS; i++)
            sum += shget(m, bench_text[i]);
    weir_bench_keep(&sum);
    shfree(m);
}

static const struct weir_bench_entry all[] = {
    {"AppendGrow", append, NULL}, {"AppendPre", append, "pre"},
    {"MapGrow", map_fill, NULL},  {"MapGet", map_get, NULL},
    {"MapText", map_text, NULL},  {"NamesGrow", text_fill, NULL},
    {NULL, NULL, NULL},
};
const struct weir_bench_entry *const bench_stb = all;
#else
const struct weir_bench_entry *const bench_stb = NULL;
#endif
