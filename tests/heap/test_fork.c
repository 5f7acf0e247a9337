/* The heap in a forked child: the other threads are gone, perhaps in the
 * middle of something, and what they held is the child's to free and reuse.
 */
#include "unit.h"

#include <pthread.h>

#include "heap/actors.h"
#include "heap/forked.h"
#include "heap/mheap.h"
#include "os/os.h"

enum { THREADS = 4, EACH = 800, SIZE = 2048, BLOCKS = 32 };

static void *made[THREADS][EACH];
static void *block[BLOCKS], *more;
static pthread_barrier_t barrier;

static void
child_ends(void)
{
    wr_mcache_detach();
    (void)wr_heap_trim();
    wr_heap_check();
    must(wr_count_get(heap_inuse) == 0);
    _exit(0);
}

/* ---- threads at rest ---- */

static void *
allocate_and_wait(void *arg)
{
    uintptr_t me = (uintptr_t)arg;

    for (int i = 0; i < EACH; i++) {
        made[me][i] = wr_malloc((size_t)(16 + i * 7 % 5000));
        *(uintptr_t *)made[me][i] = me * EACH + (unsigned)i;
    }
    pthread_barrier_wait(&barrier); /* all have allocated */
    pthread_barrier_wait(&barrier); /* the child is done */
    wr_mcache_detach();
    return NULL;
}

static void
start_threads(pthread_t *t)
{
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, allocate_and_wait, (void *)i);
    pthread_barrier_wait(&barrier);
}

static void
join_threads(pthread_t *t)
{
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
}

static void
free_all_made(void)
{
    for (uintptr_t k = 0; k < THREADS; k++)
        for (uintptr_t i = 0; i < EACH; i++) {
            must(*(uintptr_t *)made[k][i] == k * EACH + i);
            wr_free(made[k][i]);
        }
}

START_TEST(a_child_frees_what_lost_threads_allocated)
{
    pthread_t t[THREADS];
    pid_t pid;

    wr_free(wr_malloc(100));
    start_threads(t);
    pid = fork_heap();
    if (pid == 0) {
        wr_heap_check();
        free_all_made();
        child_ends();
    }
    expect_success(pid);
    free_all_made();
    join_threads(t);
    wr_mcache_detach();
    (void)wr_heap_trim();
    ck_assert_uint_eq(wr_count_get(heap_inuse), 0);
}
END_TEST

/* Each has several blocks of 32 bytes: the second made is one. */
START_TEST(a_child_allocates_from_spans_of_lost_threads)
{
    pthread_t t[THREADS];
    pid_t pid;

    start_threads(t);
    pid = fork_heap();
    if (pid == 0) {
        uint64_t inuse = wr_count_get(heap_inuse);
        void *p[THREADS];

        for (int i = 0; i < THREADS; i++)
            wr_free(made[i][1]);
        for (int i = 0; i < THREADS; i++)
            p[i] = wr_malloc(32);
        must(wr_count_get(heap_inuse) == inuse);
        for (int i = 0; i < THREADS; i++)
            wr_free(p[i]);
        for (int i = 0; i < THREADS; i++)
            made[i][1] = wr_malloc(32);
        for (uintptr_t i = 0; i < THREADS; i++)
            *(uintptr_t *)made[i][1] = i * EACH + 1;
        free_all_made();
        child_ends();
    }
    expect_success(pid);
    join_threads(t);
}
END_TEST

START_TEST(caches_of_lost_threads_are_there_for_new_ones)
{
    pthread_t t[THREADS];
    pid_t pid;

    wr_free(wr_malloc(100));
    start_threads(t);
    pid = fork_heap();
    if (pid == 0) {
        struct wr_mcache *me = wr_self, *last = NULL;
        uint64_t sys = wr_count_get(cache_sys);

        must(wr_count_get(cache_inuse) == sizeof *me);
        for (int i = 0; i < THREADS; i++) {
            wr_self = &wr_mcache_none;
            must(wr_mcache_get() != last);
            last = wr_self;
        }
        must(wr_count_get(cache_sys) == sys);
        wr_self = me;
        _exit(0);
    }
    expect_success(pid);
    join_threads(t);
}
END_TEST

/* ---- threads in the middle of something ---- */

/* Blocks of a span of actor 0, which goes on from another: FULL. */
static struct wr_span *
full_span(void)
{
    (void)become(0);
    for (int i = 0; i < BLOCKS; i++)
        block[i] = wr_malloc(SIZE);
    more = wr_malloc(SIZE);
    return wr_span_of(block[0]);
}

static void
free_everything(int from)
{
    for (int i = from; i < BLOCKS; i++)
        wr_free(block[i]);
    wr_free(more);
}

/* Another thread, with something of its own. */
static void *
second_thread(void)
{
    void *p;

    (void)become(1);
    p = wr_malloc(100);
    (void)become(0);
    return p;
}

/* The other thread frees block 0 and is lost after its first step. */
static void
half_a_foreign_free(struct wr_span *s)
{
    wr_block_set(s, 0, WR_BLOCK_REMOTE);
}

static void
child_of_full_span(void *others, int from)
{
    wr_heap_check();
    free_everything(from);
    wr_free(others);
    child_ends();
}

START_TEST(a_foreign_free_cut_short_is_completed)
{
    struct wr_span *s = full_span();
    void *p = second_thread();
    pid_t pid;

    half_a_foreign_free(s);
    pid = fork_heap();
    if (pid == 0)
        child_of_full_span(p, 1);
    expect_success(pid);
}
END_TEST

START_TEST(a_foreign_free_cut_short_in_the_current_span_is_completed)
{
    struct wr_span *s;
    void *p;
    pid_t pid;

    (void)become(0);
    for (int i = 0; i < BLOCKS; i++)
        block[i] = wr_malloc(SIZE);
    s = wr_span_of(block[0]);
    more = NULL;
    p = second_thread();
    half_a_foreign_free(s);
    pid = fork_heap();
    if (pid == 0)
        child_of_full_span(p, 1);
    expect_success(pid);
}
END_TEST

START_TEST(a_foreign_free_cut_short_before_the_inbox_is_completed)
{
    struct wr_span *s = full_span();
    void *p = second_thread();
    pid_t pid;

    half_a_foreign_free(s); /* counted, and to be queued */
    atomic_store(&s->shared, WR_SHARED_QUEUED | 1);
    pid = fork_heap();
    if (pid == 0)
        child_of_full_span(p, 1);
    expect_success(pid);
}
END_TEST

START_TEST(frees_that_wait_in_inboxes_are_taken_in)
{
    struct wr_span *s = full_span();
    void *p;
    pid_t pid;

    p = second_thread();
    (void)become(1);
    wr_free(block[0]);
    wr_free(block[1]);
    (void)become(0);
    pid = fork_heap();
    if (pid == 0) {
        /* They are there to be allocated, not only to be counted. */
        must(!s->full);
        child_of_full_span(p, 2);
    }
    expect_success(pid);
}
END_TEST

START_TEST(frees_that_wait_in_a_lost_threads_inbox_are_taken_in)
{
    pid_t pid;

    (void)full_span();
    (void)become(1);
    wr_free(block[0]);
    wr_free(block[1]);
    pid = fork_heap(); /* by thread 1: thread 0 is lost */
    if (pid == 0) {
        wr_heap_check();
        must(wr_span_owner(wr_span_of(block[0])) == NULL);
        free_everything(2);
        child_ends();
    }
    expect_success(pid);
}
END_TEST

/* Lost between marking the block and counting it: the block stays allocated,
 * the rest is whole. */
START_TEST(an_allocation_cut_short_leaves_the_rest_whole)
{
    pid_t pid;

    (void)become(0);
    for (int i = 0; i < BLOCKS / 2; i++)
        block[i] = wr_malloc(SIZE);
    wr_block_set(wr_span_of(block[0]), BLOCKS / 2, WR_BLOCK_LIVE);
    more = (char *)block[0] + BLOCKS / 2 * SIZE;
    (void)become(1);
    pid = fork_heap();
    if (pid == 0) {
        size_t bytes;
        bool live = false;

        wr_heap_check();
        must(wr_block_of(more, &bytes, &live) == more && live);
        wr_free(more);
        for (int i = 0; i < BLOCKS / 2; i++)
            wr_free(block[i]);
        child_ends();
    }
    expect_success(pid);
}
END_TEST

START_TEST(a_local_free_cut_short_leaves_the_rest_whole)
{
    struct wr_span *s;
    pid_t pid;

    s = full_span();
    wr_block_set(s, 0, WR_BLOCK_FREE); /* not counted yet */
    (void)become(1);
    pid = fork_heap();
    if (pid == 0) {
        size_t bytes;
        bool live = true;

        wr_heap_check();
        must(wr_block_of(block[0], &bytes, &live) == block[0] && !live);
        free_everything(1);
        child_ends();
    }
    expect_success(pid);
}
END_TEST

/* ---- the parent ---- */

START_TEST(the_parent_goes_on_as_before)
{
    pid_t pid;
    void *p;

    (void)become(1);
    p = wr_malloc(100);
    (void)full_span();
    for (int i = 0; i < 5; i++) {
        pid = fork_heap();
        if (pid == 0)
            _exit(0);
        expect_success(pid);
        wr_heap_check();
    }
    free_everything(0);
    wr_free(p);
    end_of_play();
}
END_TEST

START_TEST(children_of_children_do_as_well)
{
    pid_t pid;
    int status;

    (void)full_span();
    (void)become(1);
    pid = fork_heap();
    if (pid == 0) {
        void *p = wr_malloc(SIZE);

        wr_free(block[0]);
        pid = fork_heap();
        if (pid != 0) {
            must(waitpid(pid, &status, 0) == pid);
            _exit(status == 0 ? 0 : 1);
        }
        wr_heap_check();
        wr_free(p);
        free_everything(1);
        child_ends();
    }
    expect_success(pid);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("heap/fork");
    TCase *t = tcase_create("fork");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_child_frees_what_lost_threads_allocated);
    tcase_add_test(t, a_child_allocates_from_spans_of_lost_threads);
    tcase_add_test(t, caches_of_lost_threads_are_there_for_new_ones);
    tcase_add_test(t, a_foreign_free_cut_short_is_completed);
    tcase_add_test(t,
                   a_foreign_free_cut_short_in_the_current_span_is_completed);
    tcase_add_test(t, a_foreign_free_cut_short_before_the_inbox_is_completed);
    tcase_add_test(t, frees_that_wait_in_inboxes_are_taken_in);
    tcase_add_test(t, frees_that_wait_in_a_lost_threads_inbox_are_taken_in);
    tcase_add_test(t, an_allocation_cut_short_leaves_the_rest_whole);
    tcase_add_test(t, a_local_free_cut_short_leaves_the_rest_whole);
    tcase_add_test(t, the_parent_goes_on_as_before);
    tcase_add_test(t, children_of_children_do_as_well);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
