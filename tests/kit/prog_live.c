/* The kit in a program linked with libweir: tests/kit/live.sh runs it.
 *
 *     prog_live pressure     a pool and a cache give back near the limit
 *     prog_live leaks        what the kit holds is no leak
 *     prog_live lent         nor what idles of the buffers lent by size
 *     prog_live collected    a container of collected memory
 *     prog_live gathered     containers of it live through a cycle at each step
 *     prog_live cycles       two cycles of the collector empty a pool
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/weir.h>

WEIR_SLICE(ints, int);
WEIR_MAP(words, uint64_t, char *, weir_hash_word, weir_same_word);

static void
must(int fine, const char *what)
{
    if (fine)
        return;
    printf("not so: %s\n", what);
    exit(1);
}

static void *
make(void *arg)
{
    (void)arg;
    return malloc(4096);
}

static void
gone(void *p, void *arg)
{
    (void)arg;
    free(p);
}

static weir_pool *
pool_with_idle(int n)
{
    struct weir_pool_options o = {.make = make, .destroy = gone};
    void **object = calloc((size_t)n, sizeof *object);
    weir_pool *p;

    must(weir_pool_new(&p, &o) == WEIR_OK, "a pool");
    for (int i = 0; i < n; i++)
        object[i] = weir_pool_get(p);
    for (int i = 0; i < n; i++)
        weir_pool_put(p, object[i]);
    free(object);
    return p;
}

static void
fill(weir_lru *l, uint64_t from, uint64_t n)
{
    for (uint64_t i = from; i < from + n; i++) {
        char *value = malloc(10000);

        memset(value, 1, 10000);
        weir_lru_release(l, weir_lru_put(l, &i, sizeof i, value, 10000));
    }
}

enum { PRESSING = 20000 }; /* items, three times the limit; then replaced */

/* Fills the cache until both have given back; live.sh bounds the time. */
static void
pressure(void)
{
    struct weir_lru_options o = {.evicted = gone};
    struct weir_pool_stats pool = {.idle = 1};
    struct weir_lru_stats cache = {.shrunk = 0};
    weir_pool *p;
    weir_lru *l;

    must(weir_limit_set(64 << 20, 0) == WEIR_OK, "a limit");
    p = pool_with_idle(500);
    must(weir_lru_new(&l, &o) == WEIR_OK, "a cache");
    for (uint64_t i = 0; pool.idle != 0 || cache.shrunk == 0; i += 100) {
        fill(l, i % PRESSING, 100);
        usleep(1000);
        weir_pool_read(p, &pool);
        weir_lru_read(l, &cache);
    }
    must(pool.dropped == 500, "all that idled was destroyed");
    weir_lru_free(l);
    weir_pool_free(p);
}

static weir_pool *kept_pool;
static weir_lru *kept_cache;
static weir_cmap *kept_map;
static struct words kept_words;
static struct weir_arena kept_arena;

static void
leaks(void)
{
    struct weir_lru_options lru = {.evicted = gone};
    struct weir_cmap_options cmap = {.gone = gone};
    uint64_t blocks = 1;

    kept_pool = pool_with_idle(100);
    weir_lru_new(&kept_cache, &lru);
    fill(kept_cache, 0, 1000);
    weir_cmap_new(&kept_map, &cmap);
    weir_arena_init(&kept_arena, NULL, 0);
    for (uint64_t i = 0; i < 1000; i++) {
        weir_cmap_put(kept_map, &i, sizeof i, malloc(100));
        *words_put(&kept_words, i) = weir_arena_take(&kept_arena, 100);
    }
    must(weir_leak_print(STDOUT_FILENO, &blocks) == WEIR_OK, "a search");
    must(blocks == 0, "nothing is lost");
}

static void *
lend(void *unused)
{
    for (size_t n = 1; n < 100000; n *= 2)
        weir_buffers_put(weir_buffers_get(n));
    return unused;
}

/* Nothing of the program's leads to these: not what the calls left on a stack
 * either, which ends with its thread. */
static void
lent(void)
{
    uint64_t blocks = 1;
    pthread_t thread;

    must(pthread_create(&thread, NULL, lend, NULL) == 0, "a thread");
    pthread_join(thread, NULL);
    must(weir_leak_print(STDOUT_FILENO, &blocks) == WEIR_OK, "a search");
    must(blocks == 0, "nothing is lost");
}

static void
collected(void)
{
    struct ints s = {.alloc = weir_alloc_gc()};

    for (int i = 0; i < 100000; i++)
        must(ints_append(&s, i) == WEIR_OK, "an item");
    must(weir_gc_base(s.at + 5) == s.at, "the array is a managed block");
    must(weir_gc_collect() == WEIR_OK, "a cycle");
    for (int i = 0; i < 100000; i++)
        must(s.at[i] == i, "it is as it was");
    ints_free(&s);
}

/* A number in a collected block, which only a container has the address of. */
static uint64_t *
boxed(uint64_t n)
{
    uint64_t *box = weir_gc_alloc(sizeof *box);

    must(box != NULL, "a block");
    *box = n;
    return box;
}

WEIR_SLICE(boxes, uint64_t *);
WEIR_MAP(boxes_of, uint64_t, uint64_t *, weir_hash_word, weir_same_word);

/* All containers with all they hold in collected memory, through a change and a
 * cycle each: whatever a cycle frees and fills anew would show. */
struct gathered {
    struct boxes slice;
    struct boxes_of map;
    weir_lru *lru;
    weir_cmap *cmap;
};

enum { STEPS = 150, RECENT = 40 };

static void
add_to(struct gathered *g, uint64_t i)
{
    uint64_t **slot = boxes_of_put(&g->map, i);

    must(slot != NULL && (*slot = boxed(i)) != NULL, "an entry");
    must(boxes_append(&g->slice, boxed(i)) == WEIR_OK, "an item");
    weir_lru_release(g->lru, weir_lru_put(g->lru, &i, sizeof i, boxed(i), 8));
    must(weir_cmap_put(g->cmap, &i, sizeof i, boxed(i)) == WEIR_OK,
         "an entry of threads");
    if (i % 3 == 0) { /* deleted, and new ones in their places */
        boxes_of_delete(&g->map, i / 3);
        weir_cmap_put(g->cmap, &(uint64_t){i / 3}, sizeof i, boxed(i / 3));
    }
}

static void
look_through(struct gathered *g, uint64_t last)
{
    size_t at = 0;

    for (uint64_t i = 0; i <= last; i++)
        must(*g->slice.at[i] == i, "the slice is as it was");
    for (struct boxes_of_slot *s; (s = boxes_of_next(&g->map, &at)) != NULL;)
        must(*s->value == s->key, "the map is as it was");
    must(g->map.len == last + 1 - (last / 3 + 1), "and has all");
    weir_cmap_enter();
    for (uint64_t i = 0; i <= last; i++) {
        uint64_t *box = weir_cmap_get(g->cmap, &i, sizeof i);

        must(box != NULL && *box == i, "the map of threads is as it was");
    }
    weir_cmap_leave();
    for (uint64_t i = last < RECENT ? 0 : last - RECENT + 1; i <= last; i++) {
        weir_lru_item *item = weir_lru_get(g->lru, &i, sizeof i);

        must(item != NULL && *(uint64_t *)weir_lru_value(item) == i,
             "the cache is as it was");
        weir_lru_release(g->lru, item);
    }
}

static void
gathered(void)
{
    struct weir_lru_options lru = {.items = RECENT, .alloc = weir_alloc_gc()};
    struct weir_cmap_options cmap = {.alloc = weir_alloc_gc()};
    struct gathered g = {.slice.alloc = weir_alloc_gc(),
                         .map.alloc = weir_alloc_gc()};

    must(weir_lru_new(&g.lru, &lru) == WEIR_OK, "a cache");
    must(weir_cmap_new(&g.cmap, &cmap) == WEIR_OK, "a map of threads");
    for (uint64_t i = 0; i < STEPS; i++) {
        add_to(&g, i);
        must(weir_gc_collect() == WEIR_OK, "a cycle");
        look_through(&g, i);
    }
    weir_lru_free(g.lru);
    weir_cmap_free(g.cmap);
    boxes_free(&g.slice);
    boxes_of_free(&g.map);
}

/* It subscribes after the kit, and so is called after it. */
static void
count(uint64_t cycles, void *told)
{
    __atomic_add_fetch((uint64_t *)told, cycles, __ATOMIC_RELEASE);
}

/* How many the pool has dropped when so many cycles were told. */
static uint64_t
dropped_after(weir_pool *p, const uint64_t *told, uint64_t cycles)
{
    struct weir_pool_stats s;

    must(weir_gc_collect() == WEIR_OK, "a cycle");
    for (int i = 0; __atomic_load_n(told, __ATOMIC_ACQUIRE) < cycles; i++) {
        must(i < 60000, "what follows a cycle, within a minute");
        usleep(1000);
    }
    weir_pool_read(p, &s);
    return s.dropped;
}

static void
cycles(void)
{
    weir_pool *p = pool_with_idle(100);
    static uint64_t told;

    weir_gc_disable(); /* no others */
    must(weir_gc_subscribe(count, &told) == WEIR_OK, "a subscriber");
    must(dropped_after(p, &told, 1) == 0, "one cycle puts aside");
    must(dropped_after(p, &told, 2) == 100, "two cycles empty a pool");
    must(weir_gc_unsubscribe(count, &told) == WEIR_OK, "it goes");
    must(weir_gc_unsubscribe(count, &told) == WEIR_ENOENT, "once");
    weir_pool_free(p);
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "pressure") == 0)
        pressure();
    else if (strcmp(what, "leaks") == 0)
        leaks();
    else if (strcmp(what, "lent") == 0)
        lent();
    else if (strcmp(what, "collected") == 0)
        collected();
    else if (strcmp(what, "gathered") == 0)
        gathered();
    else if (strcmp(what, "cycles") == 0)
        cycles();
    else
        return 2;
    puts("so it is");
    return 0;
}
