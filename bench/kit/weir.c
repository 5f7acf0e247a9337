/* The kit's cases. */
#include "kit.h"

WEIR_SLICE(numbers, uint64_t);
WEIR_MAP(words, uint64_t, uint64_t, weir_hash_word, weir_same_word);
WEIR_MAP(texts, const char *, uint64_t, weir_hash_text, weir_same_text);

static void *
make(void *arg)
{
    (void)arg;
    return malloc(HANDLED);
}

static void
gone(void *p, void *arg)
{
    (void)arg;
    free(p);
}

static void
pool(weir_bench *b, void *arg)
{
    struct weir_pool_options o = {.make = make, .destroy = gone};
    weir_pool *p;

    (void)arg;
    weir_pool_new(&p, &o);
    while (weir_bench_loop(b)) {
        char *block = weir_pool_get(p);

        memset(block, 1, 64);
        weir_bench_keep(block);
        weir_pool_put(p, block);
    }
    weir_pool_free(p);
}

static void
answer(struct weir_buffer *t)
{
    for (int i = 0; i < LINES; i++) {
        weir_buffer_add_text(t, BEFORE);
        weir_buffer_add_text(t, bench_text[i]);
        weir_buffer_add_text(t, BEHIND);
    }
    weir_bench_keep(t->at);
}

/* A new buffer for each request. */
static void
handle(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b)) {
        struct weir_buffer t = {0};

        answer(&t);
        weir_buffer_free(&t);
    }
}

static void *
make_buffer(void *arg)
{
    (void)arg;
    return calloc(1, sizeof(struct weir_buffer));
}

static void
buffer_gone(void *p, void *arg)
{
    weir_buffer_free(p);
    gone(p, arg);
}

static void
handle_pooled(weir_bench *b, void *arg)
{
    struct weir_pool_options o = {.make = make_buffer, .destroy = buffer_gone};
    weir_pool *p;

    (void)arg;
    weir_pool_new(&p, &o);
    while (weir_bench_loop(b)) {
        struct weir_buffer *t = weir_pool_get(p);

        weir_buffer_reset(t);
        answer(t);
        weir_pool_put(p, t);
    }
    weir_pool_free(p);
}

static void
append(weir_bench *b, void *reserve)
{
    while (weir_bench_loop(b)) {
        struct numbers s = {0};

        if (reserve != NULL)
            numbers_reserve(&s, ITEMS);
        for (uint64_t i = 0; i < ITEMS; i++)
            numbers_append(&s, i);
        weir_bench_keep(s.at);
        numbers_free(&s);
    }
}

static void
text(weir_bench *b, void *reserve)
{
    while (weir_bench_loop(b)) {
        struct weir_buffer t = {0};

        if (reserve != NULL)
            weir_buffer_reserve(&t, PIECES * (sizeof PIECE - 1));
        for (int i = 0; i < PIECES; i++)
            weir_buffer_add_text(&t, PIECE);
        weir_bench_keep(t.at);
        weir_buffer_free(&t);
    }
}

static void
map_fill(weir_bench *b, void *reserve)
{
    while (weir_bench_loop(b)) {
        struct words m = {0};

        if (reserve != NULL)
            words_reserve(&m, ITEMS);
        for (uint64_t i = 0; i < ITEMS; i++)
            *words_put(&m, i) = i;
        weir_bench_keep(m.table.tags);
        words_free(&m);
    }
}

static void
map_get(weir_bench *b, void *arg)
{
    struct words m = {0};
    uint64_t sum = 0;

    (void)arg;
    for (uint64_t i = 0; i < ITEMS; i++)
        *words_put(&m, i) = i;
    while (weir_bench_loop(b))
        for (uint64_t i = 0; i < ITEMS; i++)
            sum += *words_get(&m, i);
    weir_bench_keep(&sum);
    words_free(&m);
}

static void
text_fill(weir_bench *b, void *reserve)
{
    while (weir_bench_loop(b)) {
        struct texts m = {0};

        if (reserve != NULL)
            texts_reserve(&m, ITEMS);
        for (uint64_t i = 0; i < ITEMS; i++)
            *texts_put(&m, bench_text[i]) = i;
        weir_bench_keep(m.table.tags);
        texts_free(&m);
    }
}

static void
map_text(weir_bench *b, void *arg)
{
    struct texts m = {0};
    uint64_t sum = 0;

    (void)arg;
    for (uint64_t i = 0; i < ITEMS; i++)
        *texts_put(&m, bench_text[i]) = i;
    while (weir_bench_loop(b))
        for (uint64_t i = 0; i < ITEMS; i++)
            sum += *texts_get(&m, bench_text[i]);
    weir_bench_keep(&sum);
    texts_free(&m);
}

static void
lru(weir_bench *b, void *arg)
{
    struct weir_lru_options o = {.items = CACHED, .shards = 1, .evicted = gone};
    uint64_t n = 0;
    weir_lru *l;

    (void)arg;
    weir_lru_new(&l, &o);
    while (weir_bench_loop(b)) {
        uint64_t key = bench_asked(n++);
        weir_lru_item *item = weir_lru_get(l, &key, sizeof key);

        if (item == NULL)
            item = weir_lru_put(l, &key, sizeof key, malloc(64), 64);
        weir_bench_keep(weir_lru_value(item));
        weir_lru_release(l, item);
    }
    weir_lru_free(l);
}

static void
shared_get(weir_bench *b, void *arg)
{
    struct weir_cmap_options o = {0};
    static uint64_t value[ITEMS];
    weir_cmap *m;

    (void)arg;
    weir_cmap_new(&m, &o);
    for (uint64_t i = 0; i < ITEMS; i++)
        weir_cmap_put(m, &i, sizeof i, &value[i]);
    while (weir_bench_loop(b))
        for (uint64_t i = 0; i < ITEMS; i++)
            weir_bench_keep(weir_cmap_get(m, &i, sizeof i));
    weir_cmap_free(m);
}

/* A hundred in each iteration, so that these are not what is counted. */
static void
count(weir_bench_share *share, void *c)
{
    while (weir_bench_next(share))
        for (int i = 0; i < 100; i++)
            weir_counter_add(c, 1);
}

static void
counter(weir_bench *b, void *arg)
{
    weir_counter *c;

    (void)arg;
    weir_counter_new(&c);
    weir_bench_parallel(b, count, c);
    weir_counter_free(c);
}

static const struct weir_bench_entry all[] = {
    {"PoolYes", pool, NULL},
    {"HandleNo", handle, NULL},
    {"HandleYes", handle_pooled, NULL},
    {"AppendGrow", append, NULL},
    {"AppendPre", append, "pre"},
    {"TextBuilder", text, NULL},
    {"TextPre", text, "pre"},
    {"MapGrow", map_fill, NULL},
    {"MapPre", map_fill, "pre"},
    {"MapGet", map_get, NULL},
    {"MapText", map_text, NULL},
    {"NamesGrow", text_fill, NULL},
    {"NamesPre", text_fill, "pre"},
    {"LRU", lru, NULL},
    {"SharedGet", shared_get, NULL},
    {"Counter", counter, NULL},
    {NULL, NULL, NULL},
};
const struct weir_bench_entry *const bench_weir = all;
