/* GLib's cases. */
#include "kit.h"

#ifdef BENCH_GLIB
#include <glib.h>

static void
append(weir_bench *b, void *reserve)
{
    while (weir_bench_loop(b)) {
        GArray *s = g_array_sized_new(FALSE, FALSE, sizeof(uint64_t),
                                      reserve != NULL ? ITEMS : 0);

        for (uint64_t i = 0; i < ITEMS; i++)
            g_array_append_val(s, i);
        weir_bench_keep(s->data);
        g_array_free(s, TRUE);
    }
}

static void
text(weir_bench *b, void *reserve)
{
    while (weir_bench_loop(b)) {
        GString *t = reserve != NULL
                         ? g_string_sized_new(PIECES * (sizeof PIECE - 1))
                         : g_string_new(NULL);

        for (int i = 0; i < PIECES; i++)
            g_string_append(t, PIECE);
        weir_bench_keep(t->str);
        g_string_free(t, TRUE);
    }
}

static GHashTable *
filled(void)
{
    GHashTable *m = g_hash_table_new(NULL, NULL);

    for (uintptr_t i = 0; i < ITEMS; i++)
        g_hash_table_insert(m, (void *)i, (void *)i);
    return m;
}

static void
map_fill(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b))
        g_hash_table_destroy(filled());
}

static void
map_get(weir_bench *b, void *arg)
{
    GHashTable *m = filled();
    uint64_t sum = 0;

    (void)arg;
    while (weir_bench_loop(b))
        for (uintptr_t i = 0; i < ITEMS; i++)
            sum += (uintptr_t)g_hash_table_lookup(m, (void *)i);
    weir_bench_keep(&sum);
    g_hash_table_destroy(m);
}

static GHashTable *
filled_by_text(void)
{
    GHashTable *m = g_hash_table_new(g_str_hash, g_str_equal);

    for (uintptr_t i = 0; i < ITEMS; i++)
        g_hash_table_insert(m, bench_text[i], (void *)i);
    return m;
}

static void
text_fill(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b))
        g_hash_table_destroy(filled_by_text());
}

static void
map_text(weir_bench *b, void *arg)
{
    GHashTable *m = filled_by_text();
    uint64_t sum = 0;

    (void)arg;
    while (weir_bench_loop(b))
        for (uintptr_t i = 0; i < ITEMS; i++)
            sum += (uintptr_t)g_hash_table_lookup(m, bench_text[i]);
    weir_bench_keep(&sum);
    g_hash_table_destroy(m);
}

struct cached {
    void *value;
    uint64_t key;
};

/* A table of the links of a queue. */
static void
lru(weir_bench *b, void *arg)
{
    GHashTable *m = g_hash_table_new(NULL, NULL);
    GQueue q = G_QUEUE_INIT;
    uint64_t n = 0;

    (void)arg;
    while (weir_bench_loop(b)) {
        uint64_t key = bench_asked(n++);
        struct cached *c, *last = NULL;
        GList *link;

        pthread_mutex_lock(&bench_lock);
        link = g_hash_table_lookup(m, (void *)(uintptr_t)key);
        if (link != NULL) {
            g_queue_unlink(&q, link);
            g_queue_push_head_link(&q, link);
        } else {
            c = malloc(sizeof *c);
            c->key = key;
            c->value = malloc(64);
            g_queue_push_head(&q, c);
            g_hash_table_insert(m, (void *)(uintptr_t)key, q.head);
        }
        if (q.length > CACHED) {
            last = g_queue_pop_tail(&q);
            g_hash_table_remove(m, (void *)(uintptr_t)last->key);
        }
        pthread_mutex_unlock(&bench_lock);
        free(last == NULL ? NULL : last->value);
        free(last);
        weir_bench_keep(q.head->data);
    }
    for (struct cached *c; (c = g_queue_pop_tail(&q)) != NULL; free(c))
        free(c->value);
    g_hash_table_destroy(m);
}

static const struct weir_bench_entry all[] = {
    {"AppendGrow", append, NULL}, {"AppendPre", append, "pre"},
    {"TextBuilder", text, NULL},  {"TextPre", text, "pre"},
    {"MapGrow", map_fill, NULL},  {"MapGet", map_get, NULL},
    {"MapText", map_text, NULL},  {"NamesGrow", text_fill, NULL},
    {"LRU", lru, NULL},           {NULL, NULL, NULL},
};
const struct weir_bench_entry *const bench_glib = all;
#else
const struct weir_bench_entry *const bench_glib = NULL;
#endif
