/* Locks. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>

#include "base/base.h"
#include "os/lock.h"
#include "os/os.h"

enum { THREADS = 8, TURNS = 20000 };

static struct wr_lock lock = WR_LOCK_INIT;
static unsigned long guarded;
static unsigned inside;
static _Atomic unsigned stage;

static void
wait_for(unsigned s)
{
    while (atomic_load(&stage) < s)
        sched_yield();
}

static void *
add_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < TURNS; i++) {
        wr_lock_take(&lock);
        if (inside++ != 0)
            ck_abort_msg("two threads hold the lock");
        guarded++;
        inside--;
        wr_lock_give(&lock);
    }
    return NULL;
}

static void
run_threads(void *(*fn)(void *))
{
    pthread_t t[THREADS];

    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, fn, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
}

START_TEST(one_thread_at_a_time_holds_a_lock)
{
    run_threads(add_many);
    ck_assert_uint_eq(guarded, (unsigned long)THREADS * TURNS);
    ck_assert(!wr_lock_held(&lock));
}
END_TEST

/* Held so long that the others go to sleep in the kernel. */
static void *
hold_and_yield(void *arg)
{
    struct timespec nap = {0, 20000};

    (void)arg;
    for (int i = 0; i < 300; i++) {
        wr_lock_take(&lock);
        guarded++;
        nanosleep(&nap, NULL);
        wr_lock_give(&lock);
    }
    return NULL;
}

START_TEST(no_sleeper_is_forgotten)
{
    run_threads(hold_and_yield);
    ck_assert_uint_eq(guarded, THREADS * 300);
    ck_assert_uint_eq(atomic_load(&lock.word), 0);
}
END_TEST

START_TEST(a_try_takes_a_free_lock_only)
{
    ck_assert(!wr_lock_held(&lock));
    ck_assert(wr_lock_try(&lock));
    ck_assert(wr_lock_held(&lock));
    ck_assert(!wr_lock_try(&lock));
    wr_lock_give(&lock);
    ck_assert(!wr_lock_held(&lock));
    ck_assert(wr_lock_try(&lock));
}
END_TEST

static void *
take_once(void *arg)
{
    (void)arg;
    wr_lock_take(&lock);
    atomic_store(&stage, 1);
    wr_lock_give(&lock);
    return NULL;
}

/* The other thread is seen to sleep, for the word says so. */
static void
wait_for_sleeper(void)
{
    while (atomic_load(&lock.word) != 2)
        sched_yield();
}

START_TEST(a_held_lock_keeps_others_waiting_until_given)
{
    pthread_t t;

    wr_lock_take(&lock);
    pthread_create(&t, NULL, take_once, NULL);
    wait_for_sleeper();
    ck_assert_uint_eq(atomic_load(&stage), 0);
    wr_lock_give(&lock);
    pthread_join(t, NULL);
    ck_assert_uint_eq(atomic_load(&stage), 1);
}
END_TEST

/* ---- fork ---- */

START_TEST(the_forking_thread_passes_through_what_it_holds)
{
    struct wr_lock second = WR_LOCK_INIT;

    wr_lock_take(&lock);
    wr_lock_take(&second);
    wr_lock_fork_begin();
    for (int i = 0; i < 3; i++)
        wr_lock_take(&lock);
    wr_lock_take(&second);
    for (int i = 0; i < 3; i++)
        wr_lock_give(&lock);
    wr_lock_give(&second);
    ck_assert(wr_lock_held(&lock) && wr_lock_held(&second));
    wr_lock_fork_end();
    wr_lock_give(&lock);
    wr_lock_give(&second);
    ck_assert(!wr_lock_held(&lock) && !wr_lock_held(&second));
}
END_TEST

START_TEST(other_threads_wait_while_one_forks)
{
    pthread_t t;

    wr_lock_take(&lock);
    wr_lock_fork_begin();
    pthread_create(&t, NULL, take_once, NULL);
    wait_for_sleeper();
    wr_lock_take(&lock);
    wr_lock_give(&lock);
    ck_assert_uint_eq(atomic_load(&stage), 0);
    wr_lock_fork_end();
    wr_lock_give(&lock);
    pthread_join(t, NULL);
    ck_assert_uint_eq(atomic_load(&stage), 1);
}
END_TEST

/* The child's only thread is the forking one. */
static void
child_of_fork(void)
{
    wr_lock_take(&lock);
    wr_lock_give(&lock);
    if (!wr_lock_held(&lock))
        _exit(1);
    wr_lock_fork_end();
    wr_lock_give(&lock);
    _exit(wr_lock_try(&lock) ? 0 : 2);
}

START_TEST(the_child_passes_through_and_gives_back_too)
{
    pthread_t t;
    pid_t pid;
    int status;

    wr_lock_take(&lock);
    pthread_create(&t, NULL, take_once, NULL);
    wait_for_sleeper(); /* it is lost in the child */
    wr_lock_fork_begin();
    pid = fork();
    if (pid == 0)
        child_of_fork();
    wr_lock_fork_end();
    wr_lock_give(&lock);
    pthread_join(t, NULL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* ---- sleeping ---- */

static _Atomic uint32_t word;

START_TEST(who_waits_for_another_value_does_not_sleep)
{
    word = 1;
    wr_os_wait(&word, 0, 0); /* would be for ever */
}
END_TEST

START_TEST(a_limited_wait_ends_by_itself)
{
    uint64_t before = wr_os_monotonic();

    word = 1;
    wr_os_wait(&word, 1, 20000000);
    ck_assert_uint_ge(wr_os_monotonic() - before, 19000000);
}
END_TEST

static void *
wait_for_word(void *arg)
{
    (void)arg;
    while (atomic_load(&word) == 0)
        wr_os_wait(&word, 0, 0);
    atomic_fetch_add(&stage, 1);
    return NULL;
}

START_TEST(all_sleepers_are_woken)
{
    pthread_t t[THREADS];

    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, wait_for_word, NULL);
    wr_os_wait(&stage, 0, 1000000);
    atomic_store(&word, 1);
    wr_os_wake(&word, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    wait_for(THREADS);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("os/lock");
    TCase *t = tcase_create("lock");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, one_thread_at_a_time_holds_a_lock);
    tcase_add_test(t, no_sleeper_is_forgotten);
    tcase_add_test(t, a_try_takes_a_free_lock_only);
    tcase_add_test(t, a_held_lock_keeps_others_waiting_until_given);
    tcase_add_test(t, the_forking_thread_passes_through_what_it_holds);
    tcase_add_test(t, other_threads_wait_while_one_forks);
    tcase_add_test(t, the_child_passes_through_and_gives_back_too);
    tcase_add_test(t, who_waits_for_another_value_does_not_sleep);
    tcase_add_test(t, a_limited_wait_ends_by_itself);
    tcase_add_test(t, all_sleepers_are_woken);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
