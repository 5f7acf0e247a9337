/* The balance sheet: totals equal the sums of their parts, and what was
 * allocated less what was freed is what lives. */
#include "unit.h"

#include <pthread.h>
#include <weir/memstats.h>

#include "heap/heap.h"
#include "heap/mcache.h"
#include "world/thread.h"

enum { THREADS = 4, TABLE = 400, STEPS = 20000 };

static struct weir_memstats
stats(void)
{
    struct weir_memstats m;

    ck_assert_int_eq(weir_memstats(&m), WEIR_OK);
    return m;
}

static void
assert_adds_up(const struct weir_memstats *m)
{
    uint64_t mallocs = 0, frees = 0, bytes = 0;

    ck_assert_uint_eq(m->size_classes, WR_CLASSES);
    for (unsigned i = 1; i < m->size_classes; i++) {
        ck_assert_uint_eq(m->by_size[i].size, wr_class[i].bytes);
        mallocs += m->by_size[i].mallocs;
        frees += m->by_size[i].frees;
        bytes += m->by_size[i].mallocs * m->by_size[i].size;
    }
    ck_assert_uint_le(mallocs, m->mallocs);
    ck_assert_uint_le(frees, m->frees);
    ck_assert_uint_le(bytes, m->total_alloc);
    ck_assert_uint_eq(m->heap_objects, m->mallocs - m->frees);
    ck_assert_uint_eq(m->alloc, m->heap_alloc);
    ck_assert_uint_eq(m->heap_sys, m->heap_inuse + m->heap_idle);
    ck_assert_uint_le(m->heap_released, m->heap_idle);
    ck_assert_uint_le(m->heap_alloc, m->heap_inuse);
    ck_assert_uint_le(m->mspan_inuse, m->mspan_sys);
    ck_assert_uint_le(m->mcache_inuse, m->mcache_sys);
    ck_assert_uint_eq(m->sys, m->heap_sys + m->stack_sys + m->mspan_sys +
                                  m->mcache_sys + m->buck_hash_sys + m->gc_sys +
                                  m->other_sys);
}

START_TEST(a_heap_not_used_yet_holds_nothing)
{
    struct weir_memstats m = stats();

    ck_assert_int_eq(weir_memstats(NULL), WEIR_EINVAL);
    assert_adds_up(&m);
    ck_assert_uint_eq(m.mallocs, 0);
    ck_assert_uint_eq(m.heap_inuse, 0);
}
END_TEST

START_TEST(each_block_is_counted_in_its_class)
{
    struct weir_memstats m;
    void *p[WR_CLASSES];

    for (unsigned i = 1; i < WR_CLASSES; i++)
        p[i] = wr_malloc(wr_class[i].bytes);
    m = stats();
    assert_adds_up(&m);
    for (unsigned i = 1; i < WR_CLASSES; i++) {
        ck_assert_uint_eq(m.by_size[i].mallocs, 1);
        ck_assert_uint_eq(m.by_size[i].frees, 0);
        wr_free(p[i]);
    }
    m = stats();
    assert_adds_up(&m);
    ck_assert_uint_eq(m.mallocs, WR_CLASSES - 1);
    ck_assert_uint_eq(m.frees, WR_CLASSES - 1);
    ck_assert_uint_eq(m.heap_alloc, 0);
}
END_TEST

/* Frees are counted when a thread looks up, which it does seldom where the
 * same few blocks come and go. */
START_TEST(blocks_that_come_and_go_are_counted_in_every_class)
{
    enum { TIMES = 500 };
    struct weir_memstats m;

    for (unsigned i = 1; i < WR_CLASSES; i++)
        for (int k = 0; k < TIMES; k++)
            wr_free(wr_malloc(wr_class[i].bytes));
    m = stats();
    for (unsigned i = 1; i < WR_CLASSES; i++) {
        ck_assert_uint_eq(m.by_size[i].mallocs, TIMES);
        ck_assert_uint_eq(m.by_size[i].frees, TIMES);
    }
    ck_assert_uint_eq(m.heap_alloc, 0);
}
END_TEST

START_TEST(large_blocks_are_counted_with_whole_pages)
{
    struct weir_memstats m;
    void *p = wr_malloc(100000), *q = wr_malloc(32769);

    m = stats();
    assert_adds_up(&m);
    ck_assert_uint_eq(m.mallocs, 2);
    ck_assert_uint_eq(m.heap_alloc, 106496 + 40960);
    wr_free(p);
    m = stats();
    ck_assert_uint_eq(m.heap_alloc, 40960);
    ck_assert_uint_eq(m.total_alloc, 106496 + 40960);
    ck_assert_uint_eq(m.heap_objects, 1);
    wr_free(q);
}
END_TEST

/* ---- several threads ---- */

static struct {
    void *table[TABLE]; /* of all threads */
    pthread_mutex_t lock;
} held = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Atomic unsigned running;

static void *
swap(unsigned i, void *p)
{
    void *old;

    pthread_mutex_lock(&held.lock);
    old = held.table[i];
    held.table[i] = p;
    pthread_mutex_unlock(&held.lock);
    return old;
}

static size_t
any_size(uint64_t *chance)
{
    return unit_below(chance, unit_below(chance, 20) == 0 ? 200000 : 3000);
}

/* Anybody frees and resizes what anybody made. */
static void *
operate(void *seed)
{
    uint64_t chance = (uintptr_t)seed;

    for (int i = 0; i < STEPS; i++) {
        unsigned at = (unsigned)unit_below(&chance, TABLE);
        void *p;

        switch (unit_below(&chance, 4)) {
        case 0:
            wr_free(swap(at, NULL));
            break;
        case 1:
            p = wr_realloc(swap(at, NULL), any_size(&chance));
            wr_free(swap(at, p));
            break;
        default:
            wr_free(swap(at, wr_malloc(any_size(&chance))));
        }
    }
    running--;
    return NULL;
}

static uint64_t
live_blocks(uint64_t *bytes)
{
    uint64_t n = 0;

    *bytes = 0;
    for (unsigned i = 0; i < TABLE; i++)
        if (held.table[i] != NULL) {
            n++;
            *bytes += wr_usable_size(held.table[i]);
        }
    return n;
}

static void
assert_never_falls(struct weir_memstats *last)
{
    struct weir_memstats now = stats();

    ck_assert_uint_ge(now.mallocs, last->mallocs);
    ck_assert_uint_ge(now.frees, last->frees);
    ck_assert_uint_ge(now.total_alloc, last->total_alloc);
    ck_assert_uint_ge(now.mallocs, now.frees);
    for (unsigned i = 1; i < WR_CLASSES; i++)
        ck_assert_uint_ge(now.by_size[i].mallocs, now.by_size[i].frees);
    *last = now;
}

START_TEST(what_was_allocated_less_what_was_freed_is_what_lives)
{
    uint64_t seed = unit_seed("balance") + (uint64_t)_i * 100, bytes, n;
    struct weir_memstats m = stats();
    pthread_t t[THREADS];

    wr_world_start();
    running = THREADS;
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, operate, (void *)(uintptr_t)(seed + i));
    while (running > 0)
        assert_never_falls(&m);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    n = live_blocks(&bytes);
    m = stats();
    assert_adds_up(&m);
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_eq(m.mallocs - m.frees, n);
    ck_assert_uint_eq(m.heap_objects, n);
    ck_assert_uint_eq(m.heap_alloc, bytes);
    wr_heap_check();
    for (unsigned i = 0; i < TABLE; i++)
        wr_free(held.table[i]);
    (void)wr_heap_trim();
    m = stats();
    assert_adds_up(&m);
    ck_assert_uint_eq(m.heap_objects, 0);
    ck_assert_uint_eq(m.heap_alloc, 0);
    ck_assert_uint_eq(m.heap_inuse, 0);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("world/memstats");
    TCase *t = tcase_create("memstats");

    tcase_set_timeout(t, 100);
    tcase_add_test(t, blocks_that_come_and_go_are_counted_in_every_class);
    tcase_add_test(t, a_heap_not_used_yet_holds_nothing);
    tcase_add_test(t, each_block_is_counted_in_its_class);
    tcase_add_test(t, large_blocks_are_counted_with_whole_pages);
    tcase_add_loop_test(t, what_was_allocated_less_what_was_freed_is_what_lives,
                        0, 4);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
