/* Threads at their ends, and frees that come later still. */
#include "unit.h"

#include <pthread.h>

#include "heap/actors.h"
#include "heap/mcentral.h"
#include "heap/mheap.h"

enum { THREADS = 200, SIZE = 1024 };

static uint64_t
caches(void)
{
    uint64_t n = 0;

    for (struct wr_mcache *mc = wr_mcache_first(); mc != NULL; mc = mc->next)
        n++;
    return n;
}

/* Of a class, over all caches: blocks allocated and not freed. */
static uint64_t
live(size_t bytes)
{
    unsigned class_id = wr_class_of(bytes);
    uint64_t n = 0;

    for (struct wr_mcache *mc = wr_mcache_first(); mc != NULL; mc = mc->next)
        n += wr_word_load(&mc->slot[class_id].allocs) -
             wr_word_load(&mc->slot[class_id].frees);
    return n;
}

/* As a thread whose libc keeps something of its own until after the last
 * destructor of a key. */
static void *
free_after_leaving(void *large)
{
    void *late[4];

    for (int i = 0; i < 4; i++)
        late[i] = wr_malloc(SIZE);
    wr_mcache_detach();
    for (int i = 0; i < 4; i++)
        wr_free(late[i]);
    wr_free(large);
    return wr_self;
}

START_TEST(a_thread_that_has_left_frees_without_a_cache)
{
    for (int i = 0; i < THREADS; i++) {
        pthread_t t;
        void *self;

        ck_assert_int_eq(
            pthread_create(&t, NULL, free_after_leaving, wr_malloc(100000)), 0);
        pthread_join(t, &self);
        ck_assert_ptr_eq(self, &wr_mcache_none);
    }
    ck_assert_uint_eq(caches(), 2); /* this thread's, and theirs in turn */
    ck_assert_uint_eq(live(SIZE), 0);
    wr_mcache_detach();
    ck_assert_uint_eq(wr_count_get(cache_inuse), 0);
    (void)wr_heap_trim();
    wr_heap_check();
    ck_assert_uint_eq(wr_count_get(heap_inuse), 0);
}
END_TEST

START_TEST(a_thread_that_has_left_and_allocates_comes_back)
{
    void *p = wr_malloc(SIZE), *q;

    wr_mcache_detach();
    q = wr_malloc(SIZE);
    ck_assert_ptr_ne(wr_self, &wr_mcache_none);
    wr_free(p);
    wr_free(q);
    ck_assert_uint_eq(live(SIZE), 0);
    wr_mcache_detach();
    ck_assert_uint_eq(caches(), 1);
    ck_assert_uint_eq(wr_count_get(cache_inuse), 0);
}
END_TEST

/* A thread's first free makes it known: it may free for long. */
static void *
only_free(void *p)
{
    wr_free(p);
    return wr_self;
}

START_TEST(a_thread_that_only_frees_has_a_cache)
{
    pthread_t t;
    void *self;

    pthread_create(&t, NULL, only_free, wr_malloc(SIZE));
    pthread_join(t, &self);
    ck_assert_ptr_ne(self, &wr_mcache_none);
    ck_assert_uint_eq(live(SIZE), 0);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("heap/races");
    TCase *t = tcase_create("races");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_thread_that_has_left_frees_without_a_cache);
    tcase_add_test(t, a_thread_that_has_left_and_allocates_comes_back);
    tcase_add_test(t, a_thread_that_only_frees_has_a_cache);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
