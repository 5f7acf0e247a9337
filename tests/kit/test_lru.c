/* LRU caches against a list, their bounds, their holds, and under threads. */
#include "unit.h"

#include <pthread.h>
#include <weir/lru.h>

#include "kit/allocs.h"
#include "kit/pressure.h"

static uint64_t time_now; /* of the caches below */
static int64_t alive;     /* values; atomic */

static uint64_t
fake_time(void *arg)
{
    (void)arg;
    return time_now;
}

static void
evicted(void *value, void *arg)
{
    (void)arg;
    __atomic_sub_fetch(&alive, 1, __ATOMIC_RELAXED);
    free(value);
}

static weir_lru *
new_lru(struct weir_lru_options o)
{
    weir_lru *l;

    o.now = fake_time;
    o.evicted = evicted;
    ck_assert_int_eq(weir_lru_new(&l, &o), WEIR_OK);
    return l;
}

static void
put(weir_lru *l, uint64_t key, uint64_t number, size_t bytes)
{
    uint64_t *value = malloc(sizeof *value);

    *value = number;
    __atomic_add_fetch(&alive, 1, __ATOMIC_RELAXED);
    weir_lru_release(l, weir_lru_put(l, &key, sizeof key, value, bytes));
}

/* The number put for the key; 0: not there. */
static uint64_t
get(weir_lru *l, uint64_t key)
{
    weir_lru_item *item = weir_lru_get(l, &key, sizeof key);
    uint64_t number = item == NULL ? 0 : *(uint64_t *)weir_lru_value(item);

    weir_lru_release(l, item);
    return number;
}

static struct weir_lru_stats
stats_of(weir_lru *l)
{
    struct weir_lru_stats s;

    weir_lru_read(l, &s);
    return s;
}

/* ---- the model: an array, the newest last ---- */

enum { ROOM = 20 };

struct model {
    uint64_t key[ROOM + 1], number[ROOM + 1];
    size_t n;
};

static size_t
model_find(struct model *m, uint64_t key)
{
    size_t i = 0;

    while (i < m->n && m->key[i] != key)
        i++;
    return i;
}

static uint64_t
model_remove(struct model *m, size_t i)
{
    uint64_t number = i < m->n ? m->number[i] : 0;

    for (; i + 1 < m->n; i++) {
        m->key[i] = m->key[i + 1];
        m->number[i] = m->number[i + 1];
    }
    m->n -= number != 0;
    return number;
}

static void
model_put(struct model *m, uint64_t key, uint64_t number)
{
    model_remove(m, model_find(m, key));
    if (m->n == ROOM)
        model_remove(m, 0);
    m->key[m->n] = key;
    m->number[m->n++] = number;
}

START_TEST(what_was_used_longest_ago_goes_first)
{
    weir_lru *l = new_lru((struct weir_lru_options){.items = ROOM});
    uint64_t chance = unit_seed("lru");
    struct model m = {.n = 0};

    for (uint64_t step = 1; step <= 30000; step++) {
        uint64_t key = unit_below(&chance, 2 * ROOM), number;

        switch (unit_below(&chance, 5)) {
        case 0:
        case 1:
            put(l, key, step, 8);
            model_put(&m, key, step);
            break;
        case 2:
            number = model_remove(&m, model_find(&m, key));
            ck_assert(weir_lru_delete(l, &key, sizeof key) == (number != 0));
            break;
        default:
            number = model_remove(&m, model_find(&m, key));
            ck_assert_uint_eq(get(l, key), number);
            if (number != 0)
                model_put(&m, key, number);
        }
        ck_assert_uint_eq(stats_of(l).items, m.n);
        ck_assert_int_eq(alive, (int64_t)m.n);
    }
    weir_lru_free(l);
    weir_lru_free(NULL);
    ck_assert_int_eq(alive, 0);
}
END_TEST

START_TEST(a_cache_stays_within_its_bytes)
{
    weir_lru *l =
        new_lru((struct weir_lru_options){.bytes = 1 << 20, .shards = 4});
    uint64_t chance = unit_seed("bytes");

    for (uint64_t i = 1; i < 20000; i++) {
        put(l, i, i, unit_below(&chance, 4000));
        ck_assert_uint_le(stats_of(l).bytes, 1 << 20);
    }
    ck_assert_uint_gt(stats_of(l).bytes, (1 << 20) - 4 * 4200);
    ck_assert_uint_eq(stats_of(l).evicted, 19999 - stats_of(l).items);
    put(l, 0, 7, 2 << 20); /* too large: until the next of its shard */
    ck_assert_uint_eq(get(l, 0), 7);
    for (uint64_t i = 1; i < 100; i++)
        put(l, i, i, 10);
    ck_assert_uint_eq(get(l, 0), 0);
    ck_assert_uint_le(stats_of(l).bytes, 1 << 20);
    weir_lru_free(l);
    ck_assert_int_eq(alive, 0);
}
END_TEST

START_TEST(what_is_too_old_is_not_found)
{
    weir_lru *l = new_lru((struct weir_lru_options){.ttl_ns = 100});

    time_now = 1000;
    put(l, 1, 11, 8);
    time_now = 1099;
    ck_assert_uint_eq(get(l, 1), 11);
    put(l, 2, 22, 8);
    time_now = 1100; /* using it did not make it younger */
    ck_assert_uint_eq(get(l, 1), 0);
    ck_assert_uint_eq(get(l, 2), 22);
    put(l, 1, 12, 8);
    ck_assert_uint_eq(get(l, 1), 12);
    ck_assert_uint_eq(stats_of(l).expired, 1);
    ck_assert_uint_eq(stats_of(l).hits, 3);
    ck_assert_uint_eq(stats_of(l).misses, 1);
    ck_assert_int_eq(alive, 2);
    weir_lru_free(l);
}
END_TEST

START_TEST(the_systems_time_passes_too)
{
    struct weir_lru_options o = {.ttl_ns = 1};
    weir_lru_item *item;
    weir_lru *l;

    ck_assert_int_eq(weir_lru_new(&l, &o), WEIR_OK);
    weir_lru_release(l, weir_lru_put(l, "k", 1, "v", 1));
    do {
        item = weir_lru_get(l, "k", 1);
        weir_lru_release(l, item);
    } while (item != NULL);
    ck_assert_uint_eq(stats_of(l).expired, 1);
    weir_lru_free(l);
}
END_TEST

START_TEST(who_holds_an_item_keeps_its_value)
{
    weir_lru *l = new_lru((struct weir_lru_options){.items = 1});
    uint64_t key = 1;
    weir_lru_item *held;

    put(l, 1, 11, 8);
    held = weir_lru_get(l, &key, sizeof key);
    put(l, 1, 12, 8); /* replaced */
    put(l, 2, 22, 8); /* and pushed out */
    ck_assert_int_eq(alive, 2);
    ck_assert_uint_eq(*(uint64_t *)weir_lru_value(held), 11);
    weir_lru_release(l, held);
    ck_assert_int_eq(alive, 1);
    ck_assert_uint_eq(get(l, 1), 0);
    ck_assert_uint_eq(get(l, 2), 22);
    weir_lru_release(l, NULL);
    weir_lru_free(l);
}
END_TEST

START_TEST(a_full_cache_makes_its_new_items_of_its_oldest)
{
    struct allocs from;
    weir_lru_item *held;
    weir_lru *l;

    allocs_init(&from);
    l = new_lru((struct weir_lru_options){
        .items = 10, .shards = 1, .alloc = &from.alloc});
    for (uint64_t i = 1; i <= 20; i++)
        put(l, i, i, 8);
    from.calls = 0;
    for (uint64_t i = 21; i <= 1000; i++) {
        put(l, i, i, 8);
        ck_assert_uint_eq(get(l, i), i);
        ck_assert_uint_eq(get(l, i - 10), 0);
        ck_assert_int_eq(alive, 10);
    }
    ck_assert_int_eq(from.calls, 0);
    held = weir_lru_get(l, &(uint64_t){991}, sizeof(uint64_t));
    for (uint64_t i = 1; i <= 30; i++)
        put(l, i, i, 8);
    ck_assert_int_eq(from.calls, 1); /* that one was not taken */
    ck_assert_uint_eq(*(uint64_t *)weir_lru_value(held), 991);
    ck_assert_int_eq(alive, 11);
    weir_lru_release(l, held);
    ck_assert_int_eq(alive, 10);
    ck_assert_uint_eq(stats_of(l).items, 10);
    weir_lru_free(l);
    ck_assert_int_eq(alive, 0);
    ck_assert_int_eq(from.held, 0);
}
END_TEST

START_TEST(pressure_takes_the_oldest_of_what_is_wanted)
{
    weir_lru *l = new_lru((struct weir_lru_options){.shards = 1});
    weir_lru *many = new_lru((struct weir_lru_options){.shards = 8});
    uint64_t each, before;

    for (uint64_t i = 1; i <= 1000; i++)
        put(l, i, i, 1000);
    each = stats_of(l).bytes / 1000;
    ck_assert_uint_eq(weir_lru_shrink(l, 100 * each), 100 * each);
    ck_assert_uint_eq(get(l, 100), 0);
    ck_assert_uint_eq(get(l, 101), 101);
    wr_kit_shrink(WEIR_PRESSURE_NONE, 1 << 20); /* a cycle takes nothing */
    ck_assert_uint_eq(stats_of(l).items, 900);
    wr_kit_shrink(WEIR_PRESSURE_HIGH, 99 * each + 1);
    ck_assert_uint_eq(stats_of(l).items, 800);
    ck_assert_uint_eq(stats_of(l).shrunk, 200);
    ck_assert_uint_eq(get(l, 101), 101); /* it was used since */
    ck_assert_uint_eq(get(l, 102), 0);
    for (uint64_t i = 1; i <= 8000; i++)
        put(many, i, i, 1000);
    before = stats_of(many).bytes;
    weir_lru_shrink(many, before / 2);
    ck_assert_uint_le(stats_of(many).bytes, before / 2);
    ck_assert_uint_gt(stats_of(many).bytes, before / 2 - 8 * 2 * each);
    ck_assert_uint_eq(get(many, 8000), 8000); /* the newest are still there */
    weir_lru_shrink(many, UINT64_MAX);
    ck_assert_uint_eq(stats_of(many).items, 0);
    weir_lru_free(many);
    weir_lru_free(l);
    ck_assert_int_eq(alive, 0);
}
END_TEST

START_TEST(keys_are_bytes_of_any_length)
{
    weir_lru *l = new_lru((struct weir_lru_options){.shards = 1});
    char key[200];

    memset(key, 'k', sizeof key);
    for (size_t n = 0; n < sizeof key; n++) {
        uint64_t *value = malloc(sizeof *value);

        *value = n;
        alive++;
        weir_lru_release(l, weir_lru_put(l, key, n, value, 8));
    }
    for (size_t n = 0; n < sizeof key; n++) {
        weir_lru_item *item = weir_lru_get(l, key, n);

        ck_assert_uint_eq(*(uint64_t *)weir_lru_value(item), n);
        weir_lru_release(l, item);
    }
    weir_lru_free(l);
    ck_assert_int_eq(alive, 0);
}
END_TEST

START_TEST(bad_arguments_and_no_memory_are_errors)
{
    struct weir_lru_options o = {.shards = 3};
    struct allocs from;
    weir_lru *l;

    allocs_init(&from);
    ck_assert_int_eq(weir_lru_new(&l, &o), WEIR_EINVAL);
    o.shards = 512;
    ck_assert_int_eq(weir_lru_new(&l, &o), WEIR_EINVAL);
    o = (struct weir_lru_options){.alloc = &from.alloc};
    ck_assert_int_eq(weir_lru_new(NULL, &o), WEIR_EINVAL);
    ck_assert_int_eq(weir_lru_new(&l, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_lru_new(&l, &o), WEIR_OK);
    from.refuse = true;
    ck_assert_ptr_null(weir_lru_put(l, "a", 1, "value", 5));
    from.refuse = false;
    weir_lru_release(l, weir_lru_put(l, "a", 1, "value", 5));
    from.refuse = true;
    ck_assert_ptr_null(weir_lru_put(l, "a", 1, "other", 5));
    weir_lru_item *item = weir_lru_get(l, "a", 1);
    ck_assert_str_eq(weir_lru_value(item), "value");
    weir_lru_release(l, item);
    weir_lru_free(l);
    ck_assert_int_eq(from.held, 0);
}
END_TEST

static weir_lru *shared;

static void *
use(void *seed)
{
    uint64_t chance = (uintptr_t)seed;

    for (int i = 0; i < 30000; i++) {
        uint64_t key = unit_below(&chance, 500), number;

        switch (unit_below(&chance, 8)) {
        case 0:
        case 1:
            put(shared, key, key + 1, unit_below(&chance, 100));
            break;
        case 2:
            weir_lru_delete(shared, &key, sizeof key);
            break;
        case 3:
            if (i % 100 == 0)
                weir_lru_shrink(shared, 2000);
            break;
        default:
            number = get(shared, key);
            if (number != 0 && number != key + 1)
                abort();
        }
    }
    return NULL;
}

START_TEST(threads_find_what_was_put_and_every_value_ends_once)
{
    pthread_t thread[4];
    struct weir_lru_stats s;

    shared = new_lru((struct weir_lru_options){.items = 300, .shards = 4});
    for (int i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, use,
                       (void *)(uintptr_t)(unit_seed("lru threads") + i));
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    s = stats_of(shared);
    ck_assert_uint_eq((uint64_t)alive, s.items);
    ck_assert_uint_le(s.items, 300);
    weir_lru_free(shared);
    ck_assert_int_eq(alive, 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("kit/lru");
    TCase *c = tcase_create("lru");

    tcase_set_timeout(c, 60);
    tcase_add_test(c, what_was_used_longest_ago_goes_first);
    tcase_add_test(c, a_cache_stays_within_its_bytes);
    tcase_add_test(c, what_is_too_old_is_not_found);
    tcase_add_test(c, the_systems_time_passes_too);
    tcase_add_test(c, who_holds_an_item_keeps_its_value);
    tcase_add_test(c, a_full_cache_makes_its_new_items_of_its_oldest);
    tcase_add_test(c, pressure_takes_the_oldest_of_what_is_wanted);
    tcase_add_test(c, keys_are_bytes_of_any_length);
    tcase_add_test(c, bad_arguments_and_no_memory_are_errors);
    tcase_add_test(c, threads_find_what_was_put_and_every_value_ends_once);
    suite_add_tcase(s, c);
    return unit_main(s);
}
