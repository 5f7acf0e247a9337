/* Threads, their slots in the region, and the statistics over them. */
#include "unit.h"

#include <pthread.h>
#include <weir/memstats.h>

#include "heap/heap.h"
#include "heap/mcache.h"
#include "heap/mheap.h"
#include "os/os.h"
#include "region/counters.h"
#include "region/event.h"
#include "region/region.h"
#include "world/thread.h"

enum { THREADS = 6 };

static pthread_barrier_t barrier;

/* A region in private memory, and the world on it. */
static void
start(void)
{
    uint32_t class_bytes[WR_CLASSES];
    struct wr_region_options o = {.dir = "/nowhere/at/all",
                                  .page_bytes = WR_PAGE_BYTES,
                                  .class_bytes = class_bytes,
                                  .class_count = WR_CLASSES};

    for (unsigned i = 0; i < WR_CLASSES; i++)
        class_bytes[i] = wr_class[i].bytes;
    wr_region_start(&o);
    ck_assert_ptr_nonnull(wr_region);
    wr_world_start();
}

static struct wr_thread_slot *
slot(uint64_t i)
{
    return wr_region_entry(WR_TABLE_THREADS, i);
}

static uint64_t
slots(void)
{
    return wr_region_used(WR_TABLE_THREADS);
}

static void
run(void *(*fn)(void *), void *arg)
{
    pthread_t t;

    ck_assert_int_eq(pthread_create(&t, NULL, fn, arg), 0);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
}

static void *
allocate_once(void *arg)
{
    (void)arg;
    wr_free(wr_malloc(100));
    return (void *)(uintptr_t)wr_os_tid();
}

/* ---- slots ---- */

START_TEST(a_thread_has_a_slot_from_its_first_allocation)
{
    ck_assert_uint_eq(slots(), 0);
    (void)allocate_once(NULL);
    ck_assert_uint_eq(slots(), 1);
    ck_assert_uint_eq(slot(0)->tid, wr_os_tid());
    ck_assert_uint_eq(slot(0)->state, WR_THREAD_RUNNING);
    ck_assert_uint_eq(slot(0)->threads, 1);
    ck_assert_uint_eq(slot(0)->create_stack, 0);
    ck_assert_uint_ge(wr_os_realtime(), slot(0)->start_ns);
    ck_assert_uint_gt(slot(0)->start_ns + 60000000000u, wr_os_realtime());
    (void)allocate_once(NULL);
    ck_assert_uint_eq(slots(), 1);
}
END_TEST

START_TEST(a_thread_can_begin_before_it_allocates)
{
    wr_thread_begin(42);
    ck_assert_uint_eq(slots(), 1);
    ck_assert_uint_eq(slot(0)->create_stack, 42);
    ck_assert_ptr_eq(wr_self->region_slot, slot(0));
    (void)allocate_once(NULL);
    ck_assert_uint_eq(slots(), 1);
    ck_assert_uint_eq(slot(0)->create_stack, 42);
}
END_TEST

START_TEST(an_ended_thread_gives_its_slot_to_a_later_one)
{
    for (unsigned i = 0; i < 50; i++) {
        run(allocate_once, NULL);
        ck_assert_uint_eq(slots(), 1);
        ck_assert_uint_eq(slot(0)->state, WR_THREAD_ENDED);
        ck_assert_uint_eq(slot(0)->threads, i + 1);
    }
    wr_thread_begin(0);
    ck_assert_uint_eq(slots(), 1);
    ck_assert_uint_eq(slot(0)->tid, wr_os_tid());
    ck_assert_uint_eq(slot(0)->state, WR_THREAD_RUNNING);
}
END_TEST

static void *
begin_with_stack(void *stack)
{
    wr_thread_begin((uint32_t)(uintptr_t)stack);
    return NULL;
}

START_TEST(a_later_thread_does_not_inherit_where_the_first_was_made)
{
    run(begin_with_stack, (void *)(uintptr_t)7);
    ck_assert_uint_eq(slot(0)->create_stack, 7);
    run(allocate_once, NULL);
    ck_assert_uint_eq(slot(0)->create_stack, 0);
}
END_TEST

static void *
allocate_and_meet(void *arg)
{
    (void)arg;
    wr_free(wr_malloc(64));
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

START_TEST(threads_that_live_together_have_slots_of_their_own)
{
    pthread_t t[THREADS];

    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, allocate_and_meet, NULL);
    pthread_barrier_wait(&barrier);
    ck_assert_uint_eq(slots(), THREADS);
    for (uint64_t i = 0; i < THREADS; i++) {
        ck_assert_uint_eq(slot(i)->state, WR_THREAD_RUNNING);
        for (uint64_t k = 0; k < i; k++)
            ck_assert_uint_ne(slot(i)->tid, slot(k)->tid);
    }
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    for (uint64_t i = 0; i < THREADS; i++)
        ck_assert_uint_eq(slot(i)->state, WR_THREAD_ENDED);
}
END_TEST

/* A destructor of the program's that runs after ours and allocates. */
static pthread_key_t late_key;

static void
allocate_late(void *rounds)
{
    wr_free(wr_malloc(100));
    if ((uintptr_t)rounds > 1)
        (void)pthread_setspecific(late_key, (void *)((uintptr_t)rounds - 1));
}

static void *
allocate_in_destructors(void *rounds)
{
    wr_free(wr_malloc(100));
    (void)pthread_setspecific(late_key, rounds);
    return NULL;
}

START_TEST(a_thread_that_allocates_in_destructors_still_ends)
{
    ck_assert_int_eq(pthread_key_create(&late_key, allocate_late), 0);
    run(allocate_in_destructors, (void *)(uintptr_t)2);
    ck_assert_uint_eq(slots(), 1);
    ck_assert_uint_eq(slot(0)->state, WR_THREAD_ENDED);
    ck_assert_uint_eq(wr_count_get(cache_inuse), 0);
    ck_assert_uint_eq(wr_count_get(heap_inuse), 0);
}
END_TEST

/* ---- counts ---- */

static void *
allocate_some(void *blocks)
{
    for (uintptr_t i = 0; i < (uintptr_t)blocks; i++)
        wr_free(wr_malloc(100));
    return NULL;
}

static uint64_t
published(uint64_t *frees)
{
    uint64_t allocs = 0;

    *frees = 0;
    for (uint64_t i = 0; i < slots(); i++) {
        allocs += slot(i)->count[wr_class_of(100)].allocs;
        *frees += slot(i)->count[wr_class_of(100)].frees;
    }
    return allocs;
}

START_TEST(counts_are_published_when_a_thread_ends_and_go_on_in_its_slot)
{
    uint64_t allocs, frees, sum = 0;

    for (uintptr_t i = 1; i < 30; i++) {
        run(allocate_some, (void *)i);
        sum += i;
        allocs = published(&frees);
        ck_assert_uint_eq(allocs, sum);
        ck_assert_uint_eq(frees, sum);
    }
    ck_assert_uint_eq(slots(), 1);
}
END_TEST

START_TEST(counts_are_published_while_a_thread_runs)
{
    uint64_t frees;

    (void)allocate_some((void *)(uintptr_t)10000);
    ck_assert_uint_ge(published(&frees), 10000 - (WR_AGAIN + 1) * 64);
    ck_assert_uint_ge(frees, 10000 - (WR_AGAIN + 2) * 64);
    wr_world_publish();
    ck_assert_uint_eq(published(&frees), 10000);
    ck_assert_uint_eq(frees, 10000);
}
END_TEST

/* As in a forked child: its thread's slot is the parent's, its region none. */
START_TEST(who_has_no_region_publishes_nothing_into_anothers)
{
    struct wr_region_header *parents = wr_region;
    uint64_t frees, allocs;

    (void)allocate_some((void *)(uintptr_t)10000);
    wr_world_publish();
    wr_region = NULL;
    (void)allocate_some((void *)(uintptr_t)10000);
    wr_region = parents;
    allocs = published(&frees);
    ck_assert_uint_eq(allocs, 10000);
    ck_assert_uint_eq(frees, 10000);
}
END_TEST

START_TEST(published_counts_never_fall)
{
    uint64_t last = 0, last_frees = 0, frees, allocs;

    for (int i = 0; i < 40; i++) {
        pthread_t t[THREADS];

        for (int k = 0; k < THREADS; k++)
            pthread_create(&t[k], NULL, allocate_some,
                           (void *)(uintptr_t)(i * 40));
        for (int k = 0; k < THREADS; k++) {
            allocs = published(&frees);
            ck_assert_uint_ge(allocs, last);
            ck_assert_uint_ge(frees, last_frees);
            last = allocs;
            last_frees = frees;
            pthread_join(t[k], NULL);
        }
    }
    ck_assert_uint_le(slots(), THREADS);
    ck_assert_uint_eq(published(&frees), THREADS * 40 * (39 * 40 / 2));
}
END_TEST

START_TEST(a_full_table_of_threads_costs_a_thread_its_slot_only)
{
    uint64_t n = 0;

    while (wr_region_new_thread() != NULL)
        n++;
    ck_assert_uint_eq(slots(), n);
    run(allocate_some, (void *)(uintptr_t)5000);
    wr_thread_begin(3);
    ck_assert_ptr_null(wr_self->region_slot);
    wr_world_publish();
    ck_assert_uint_eq(slots(), n);
}
END_TEST

/* ---- fork ---- */

START_TEST(in_a_child_only_its_own_thread_runs)
{
    pthread_t t;
    pid_t pid;
    int status;

    wr_thread_begin(0);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&t, NULL, allocate_and_meet, NULL);
    pthread_barrier_wait(&barrier);
    wr_heap_fork_before();
    wr_region_fork_before();
    wr_lock_fork_begin();
    pid = fork();
    if (pid == 0) {
        wr_region_fork_child();
        wr_lock_fork_end();
        wr_heap_fork_after(true);
        wr_thread_publish(wr_self); /* which needs the region */
        _exit(slot(0)->state == WR_THREAD_RUNNING &&
                      slot(0)->tid == (uint32_t)getpid() &&
                      slot(1)->state == WR_THREAD_ENDED && slots() == 2
                  ? 0
                  : 1);
    }
    wr_lock_fork_end();
    wr_heap_fork_after(false);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(slot(1)->state, WR_THREAD_RUNNING);
    pthread_barrier_wait(&barrier);
    pthread_join(t, NULL);
}
END_TEST

/* ---- stacks ---- */

static void *
stack_holds_a_local(void *arg)
{
    uintptr_t lo = 0, hi = 0, here = (uintptr_t)__builtin_frame_address(0);

    (void)arg;
    return (void *)(uintptr_t)(wr_thread_stack(&lo, &hi) && lo < here &&
                               here < hi);
}

START_TEST(the_bounds_of_a_stack_hold_its_frames)
{
    pthread_t t;
    void *yes;

    ck_assert_ptr_nonnull(stack_holds_a_local(NULL));
    pthread_create(&t, NULL, stack_holds_a_local, NULL);
    pthread_join(t, &yes);
    ck_assert_ptr_nonnull(yes);
}
END_TEST

static void *
stack_is_noted(void *arg)
{
    uintptr_t lo = 0, hi = 0;
    struct weir_memstats before, with;

    (void)arg;
    (void)wr_mcache_get();
    weir_memstats(&before);
    if (!wr_thread_stack(&lo, &hi))
        return NULL;
    weir_memstats(&with);
    return (void *)(uintptr_t)(slot(1)->stack_lo == lo &&
                               slot(1)->stack_hi == hi &&
                               with.stack_sys == before.stack_sys + hi - lo);
}

START_TEST(the_bounds_of_a_stack_are_noted_and_counted_while_it_runs)
{
    struct weir_memstats m;
    pthread_t t;
    void *yes;

    (void)wr_mcache_get();
    pthread_create(&t, NULL, stack_is_noted, NULL);
    pthread_join(t, &yes);
    ck_assert_ptr_nonnull(yes);
    ck_assert_int_eq(weir_memstats(&m), WEIR_OK);
    ck_assert_uint_eq(m.stack_sys, 0);
}
END_TEST

static _Atomic unsigned running;

static void *
note_stack(void *arg)
{
    wr_thread_begin(0);
    (void)stack_holds_a_local(arg);
    running--;
    return NULL;
}

START_TEST(stacks_of_threads_that_come_and_go_are_never_nonsense)
{
    struct weir_memstats m;
    pthread_t t[THREADS];

    for (int i = 0; i < 100; i++) {
        running = THREADS;
        for (int k = 0; k < THREADS; k++)
            pthread_create(&t[k], NULL, note_stack, NULL);
        do {
            ck_assert_int_eq(weir_memstats(&m), WEIR_OK);
            ck_assert_uint_lt(m.stack_sys, UINT64_C(1) << 32);
        } while (running > 0);
        for (int k = 0; k < THREADS; k++)
            pthread_join(t[k], NULL);
    }
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("world/thread");
    TCase *t = tcase_create("thread");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, start, NULL);
    tcase_add_test(t, a_thread_has_a_slot_from_its_first_allocation);
    tcase_add_test(t, a_thread_can_begin_before_it_allocates);
    tcase_add_test(t, an_ended_thread_gives_its_slot_to_a_later_one);
    tcase_add_test(t, a_later_thread_does_not_inherit_where_the_first_was_made);
    tcase_add_test(t, threads_that_live_together_have_slots_of_their_own);
    tcase_add_test(t, a_thread_that_allocates_in_destructors_still_ends);
    tcase_add_test(
        t, counts_are_published_when_a_thread_ends_and_go_on_in_its_slot);
    tcase_add_test(t, counts_are_published_while_a_thread_runs);
    tcase_add_test(t, who_has_no_region_publishes_nothing_into_anothers);
    tcase_add_test(t, published_counts_never_fall);
    tcase_add_test(t, a_full_table_of_threads_costs_a_thread_its_slot_only);
    tcase_add_test(t, in_a_child_only_its_own_thread_runs);
    tcase_add_test(t, the_bounds_of_a_stack_hold_its_frames);
    tcase_add_test(t,
                   the_bounds_of_a_stack_are_noted_and_counted_while_it_runs);
    tcase_add_test(t, stacks_of_threads_that_come_and_go_are_never_nonsense);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
