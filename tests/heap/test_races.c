/* Threads at their ends, frees that come later still, and what a fork finds in
 * the middle of being given back. */
#include "unit.h"

#include <pthread.h>

#include "heap/actors.h"
#include "heap/caches.h"
#include "heap/forked.h"
#include "heap/mcentral.h"
#include "heap/mheap.h"
#include "os/lock.h"

enum { THREADS = 200, SIZE = 1024 };

static uint64_t
caches(void)
{
    uint64_t n = 0;

    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next)
        n++;
    return n;
}

/* Of a class, over all caches: blocks allocated and not freed. */
static uint64_t
live(size_t bytes)
{
    unsigned class_id = wr_class_of(bytes);
    uint64_t n = 0;

    uint64_t frees[WR_CLASSES] = {0};

    wr_mcache_add_unsettled(frees);
    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next)
        n += wr_mcache_allocs(mc, class_id) -
             wr_word_load(&mc->slot[class_id].frees);
    return n - frees[class_id];
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

START_TEST(a_cache_without_a_thread_takes_no_spans)
{
    struct wr_mcache *mc = wr_mcache_get();

    ck_assert_uint_eq(atomic_load(&mc->inbox), 0);
    wr_mcache_detach();
    ck_assert_uint_eq(atomic_load(&mc->inbox), 1);
    ck_assert_ptr_eq(wr_mcache_get(), mc);
    ck_assert_uint_eq(atomic_load(&mc->inbox), 0);
}
END_TEST

/* ---- fork ---- */

enum { IDLE = 16 << 20 };

static _Atomic bool enough;

/* A run is out of sight nearly all the time. */
static void *
give_back(void *arg)
{
    (void)arg;
    while (!enough) {
        void *p = wr_malloc(IDLE);

        memset(p, 1, IDLE);
        wr_free(p);
        (void)wr_mheap_scavenge(SIZE_MAX);
    }
    wr_mcache_detach();
    return NULL;
}

/* With the locks held: is the run of the other thread out of sight? */
static bool
some_run_is_hidden(void)
{
    return wr_count_get(heap_idle) >= IDLE &&
           wr_count_get(heap_released) < wr_count_get(heap_idle);
}

/* The runs are in the page map again, and can be had. */
static int
idle_is_whole(void)
{
    uint64_t mapped = wr_count_get(heap_mapped);
    uint64_t idle = wr_count_get(heap_idle);
    char *p;

    wr_heap_check();
    if (idle < IDLE)
        return 0;
    p = wr_malloc(IDLE);
    return p == NULL || wr_count_get(heap_mapped) != mapped;
}

START_TEST(a_child_has_the_pages_that_were_being_given_back)
{
    pthread_t t;

    enough = false;
    wr_free(wr_malloc(SIZE));
    pthread_create(&t, NULL, give_back, NULL);
    for (int found = 0; found < 20;) {
        pid_t pid;

        wr_heap_fork_before();
        if (!some_run_is_hidden()) {
            wr_heap_fork_after(false);
            continue;
        }
        found++;
        wr_lock_fork_begin();
        pid = fork();
        wr_lock_fork_end();
        wr_heap_fork_after(pid == 0);
        if (pid == 0)
            _exit(idle_is_whole());
        expect_success(pid);
    }
    enough = true;
    pthread_join(t, NULL);
}
END_TEST

/* A free was lost between its count and the inbox, and its block's bit had
 * been taken in before: the span is FULL all the same, and must say so. */
START_TEST(in_a_child_a_full_span_still_asks_to_be_queued)
{
    struct wr_span *s;
    pid_t pid;

    (void)become(0);
    (void)become(1); /* so that there is somebody to lose */
    (void)become(0);
    s = wr_span_of(wr_malloc(SIZE));
    for (unsigned i = 1; i < s->blocks; i++)
        (void)wr_malloc(SIZE);
    (void)wr_malloc(SIZE); /* s is used up: on to the next */
    ck_assert_uint_eq(atomic_load(&s->shared), WR_SHARED_FULL);
    atomic_store(&s->shared, WR_SHARED_QUEUED);
    pid = fork_heap();
    if (pid == 0) {
        for (unsigned i = 0; i < wr_few(s->blocks); i++)
            wr_remote_free(s, i);
        _exit((atomic_load(&s->shared) & WR_SHARED_QUEUED) != 0 ? 0 : 1);
    }
    expect_success(pid);
    atomic_store(&s->shared, WR_SHARED_FULL);
}
END_TEST

/* ---- giving back ---- */

START_TEST(of_runs_alike_one_that_is_resident_is_used_first)
{
    enum { BYTES = 40960 };
    void *a = wr_malloc(BYTES), *apart = wr_malloc(BYTES);
    void *b = wr_malloc(BYTES), *end = wr_malloc(BYTES), *again;
    uint64_t released;

    memset(a, 1, BYTES);
    memset(b, 1, BYTES);
    wr_free(a);
    wr_free(b);
    released = wr_count_get(heap_released);
    ck_assert_uint_eq(wr_mheap_scavenge(BYTES), BYTES);
    ck_assert_uint_eq(wr_count_get(heap_released), released + BYTES);
    again = wr_malloc(BYTES);
    ck_assert_uint_eq(wr_count_get(heap_released), released + BYTES);
    wr_heap_check();
    wr_free(again);
    wr_free(apart);
    wr_free(end);
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
    tcase_add_test(t, a_cache_without_a_thread_takes_no_spans);
    tcase_add_test(t, a_child_has_the_pages_that_were_being_given_back);
    tcase_add_test(t, in_a_child_a_full_span_still_asks_to_be_queued);
    tcase_add_test(t, of_runs_alike_one_that_is_resident_is_used_first);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
