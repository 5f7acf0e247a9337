/* uthash's cases. */
#include "kit.h"

#ifdef BENCH_UTHASH
#include <uthash.h>

struct pair {
    uint64_t key, value;
    const char *text;
    UT_hash_handle hh;
};

static struct pair *
filled(void)
{
    struct pair *m = NULL;

    for (uint64_t i = 0; i < ITEMS; i++) {
        struct pair *p = malloc(sizeof *p);

        p->key = p->value = i;
        HASH_ADD(hh, m, key, sizeof p->key, p);
    }
    return m;
}

static void
emptied(struct pair *m)
{
    struct pair *p, *next;

    HASH_ITER(hh, m, p, next)
    {
        HASH_DEL(m, p);
        free(p);
    }
}

static void
map_fill(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b))
        emptied(filled());
}

static void
map_get(weir_bench *b, void *arg)
{
    struct pair *m = filled(), *p;
    uint64_t sum = 0;

    (void)arg;
    while (weir_bench_loop(b))
        for (uint64_t i = 0; i < ITEMS; i++) {
            HASH_FIND(hh, m, &i, sizeof i, p);
            sum += p->value;
        }
    weir_bench_keep(&sum);
    emptied(m);
}

static struct pair *
filled_by_text(void)
{
    struct pair *m = NULL;

    for (uint64_t i = 0; i < ITEMS; i++) {
        struct pair *p = malloc(sizeof *p);

        p->value = i;
        p->text = bench_text[i];
        HASH_ADD_KEYPTR(hh, m, p->text, strlen(p->text), p);
    }
    return m;
}

static void
text_fill(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b))
        emptied(filled_by_text());
}

static void
map_text(weir_bench *b, void *arg)
{
    struct pair *m = filled_by_text(), *p;
    uint64_t sum = 0;

    (void)arg;
    while (weir_bench_loop(b))
        for (uint64_t i = 0; i < ITEMS; i++) {
            HASH_FIND_STR(m, bench_text[i], p);
            sum += p->value;
        }
    weir_bench_keep(&sum);
    emptied(m);
}

/* Its manual's cache: entries in the order of use, the first is the oldest. */
static void
lru(weir_bench *b, void *arg)
{
    struct pair *m = NULL, *p;
    uint64_t n = 0;

    (void)arg;
    while (weir_bench_loop(b)) {
        uint64_t key = bench_asked(n++);

        pthread_mutex_lock(&bench_lock);
        HASH_FIND(hh, m, &key, sizeof key, p);
        if (p != NULL) {
            HASH_DELETE(hh, m, p);
        } else {
            p = malloc(sizeof *p);
            p->key = key;
            p->text = malloc(64);
        }
        HASH_ADD(hh, m, key, sizeof key, p);
        weir_bench_keep(p->text);
        if (HASH_COUNT(m) > CACHED) {
            p = m;
            HASH_DELETE(hh, m, p);
            free((void *)p->text);
            free(p);
        }
        pthread_mutex_unlock(&bench_lock);
    }
    emptied(m);
}

static const struct weir_bench_entry all[] = {
    {"MapGrow", map_fill, NULL}, {"MapGet", map_get, NULL},
    {"MapText", map_text, NULL}, {"NamesGrow", text_fill, NULL},
    {"LRU", lru, NULL},          {NULL, NULL, NULL},
};
const struct weir_bench_entry *const bench_uthash = all;
#else
const struct weir_bench_entry *const bench_uthash = NULL;
#endif
