/* Threads that stand still of their own accord. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "os/os.h"
#include "os/process.h"
#include "world/stand.h"
#include "world/stop.h"

enum { MOST = 100 };
#define PATIENCE UINT64_C(2000000000)
#define SECRET   UINT64_C(0x5ec2e70000000000)

static _Atomic uint32_t waiting, standing, returned, handled;
static _Atomic bool over;

static void
begin(void)
{
    atomic_store(&waiting, 0);
    atomic_store(&standing, 0);
    atomic_store(&returned, 0);
    atomic_store(&handled, 0);
    atomic_store(&over, false);
    wr_stop_signal(SIGURG); /* without a handler: nobody may be sent it */
}

static void
wait_until_over(bool stands)
{
    atomic_fetch_add(&standing, stands);
    atomic_fetch_add(&waiting, 1);
    while (!atomic_load(&over))
        sched_yield();
}

static void *
stand(void *unused)
{
    (void)unused;
    wr_stand(wait_until_over);
    atomic_fetch_add(&returned, 1);
    return NULL;
}

static void
start(pthread_t *thread, int n, void *(*function)(void *))
{
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, function, NULL), 0);
    while (atomic_load(&waiting) < (uint32_t)n)
        sched_yield();
}

static void
join(const pthread_t *thread, int n)
{
    atomic_store(&over, true);
    for (int i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
    ck_assert_uint_eq(atomic_load(&returned), (uint32_t)n);
}

START_TEST(who_stands_is_not_held_and_stays_until_the_stop_ends)
{
    pthread_t thread[3];
    struct wr_stop *s;

    start(thread, 3, stand);
    s = wr_stop_begin(wr_os_tid(), PATIENCE);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->count, 3);
    ck_assert_uint_eq(s->answered, 3);
    for (size_t i = 0; i < s->count; i++)
        ck_assert_uint_eq(s->thread[i].answered, WR_STOOD);
    atomic_store(&over, true);
    usleep(20000);
    ck_assert_uint_eq(atomic_load(&returned), 0);
    wr_stop_end(s);
    join(thread, 3);
}
END_TEST

/* The register has the only copy while it stands. */
static void *
stand_with_a_secret(void *unused)
{
    uintptr_t secret = SECRET - 1;

    (void)unused;
    __asm__ volatile("" : "+r"(secret));
    secret++;
    wr_stand(wait_until_over);
    __asm__ volatile("" : "+r"(secret));
    atomic_fetch_add(&returned, secret == SECRET);
    return NULL;
}

WR_READS_ANY static bool
is_between(uintptr_t from, uintptr_t end, uintptr_t word)
{
    for (; from + sizeof from <= end; from += sizeof from)
        if (*(uintptr_t *)from == word)
            return true;
    return false;
}

START_TEST(the_registers_and_the_stack_of_who_stands_are_known)
{
    pthread_t thread;
    pthread_attr_t attributes;
    struct wr_stop *s;
    void *lo;
    size_t bytes;

    start(&thread, 1, stand_with_a_secret);
    ck_assert_int_eq(pthread_getattr_np(thread, &attributes), 0);
    pthread_attr_getstack(&attributes, &lo, &bytes);
    pthread_attr_destroy(&attributes);
    s = wr_stop_begin(wr_os_tid(), PATIENCE);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->count, 1);
    ck_assert_uint_gt(s->thread[0].sp, (uintptr_t)lo);
    ck_assert_uint_lt(s->thread[0].sp, (uintptr_t)lo + bytes);
    ck_assert_uint_le(s->thread[0].frame_end, (uintptr_t)lo + bytes);
    ck_assert(is_between(s->thread[0].sp, (uintptr_t)lo + bytes, SECRET));
    wr_stop_end(s);
    join(&thread, 1);
}
END_TEST

static void
note(int number)
{
    (void)number;
    atomic_fetch_add(&handled, 1);
}

START_TEST(no_handler_runs_on_who_stands_but_soon_after)
{
    struct sigaction action = {.sa_handler = note};
    pthread_t thread;

    sigaction(SIGUSR1, &action, NULL);
    start(&thread, 1, stand);
    pthread_kill(thread, SIGUSR1);
    usleep(20000);
    ck_assert_uint_eq(atomic_load(&handled), 0);
    join(&thread, 1);
    ck_assert_uint_eq(atomic_load(&handled), 1);
}
END_TEST

START_TEST(where_too_many_stand_the_rest_waits_as_others_do)
{
    static struct wr_stopped list[MOST];
    pthread_t thread[MOST];
    uint32_t tid[MOST + 1];
    size_t n, taken;

    start(thread, MOST, stand);
    n = wr_os_threads(tid, MOST + 1);
    ck_assert_uint_eq(n, MOST + 1);
    for (size_t i = 0, k = 0; i < n; i++)
        if (tid[i] != wr_os_tid())
            list[k++].tid = tid[i];
    taken = wr_stand_take(list, MOST);
    ck_assert_uint_gt(taken, 1);
    ck_assert_uint_lt(taken, MOST);
    ck_assert_uint_eq(taken, atomic_load(&standing));
    ck_assert_uint_eq(wr_stand_take(list, MOST), 0);
    atomic_store(&over, true);
    while (atomic_load(&returned) < MOST - taken)
        sched_yield();
    usleep(10000);
    ck_assert_uint_eq(atomic_load(&returned), MOST - taken);
    wr_stand_let_go();
    join(thread, MOST);
}
END_TEST

START_TEST(who_came_back_is_not_taken_and_may_stand_again)
{
    pthread_t thread;
    struct wr_stopped self = {.tid = wr_os_tid()};

    atomic_store(&over, true);
    wr_stand(wait_until_over);
    ck_assert_uint_eq(wr_stand_take(&self, 1), 0);
    atomic_store(&over, false);
    atomic_store(&waiting, 0);
    start(&thread, 1, stand);
    ck_assert_uint_eq(wr_stand_take(&self, 1), 0);
    join(&thread, 1);
}
END_TEST

/* Its threads' places are free in the child. */
START_TEST(nobody_stands_in_a_child)
{
    pthread_t thread;
    struct wr_stopped list = {.tid = 0};
    uint32_t tid[2];
    int status;
    pid_t child;

    start(&thread, 1, stand);
    ck_assert_uint_eq(wr_os_threads(tid, 2), 2);
    list.tid = tid[0] != wr_os_tid() ? tid[0] : tid[1];
    child = fork();
    if (child == 0) {
        wr_stand_fork_child();
        _exit((int)wr_stand_take(&list, 1));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(wr_stand_take(&list, 1), 1);
    wr_stand_let_go();
    join(&thread, 1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("world/stand");
    TCase *t = tcase_create("stand");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, begin, NULL);
    if (UNIT_TSAN) {
        unit_skip("ThreadSanitizer has threads of its own, and keeps signals");
    } else {
        tcase_add_test(t, who_stands_is_not_held_and_stays_until_the_stop_ends);
        tcase_add_test(t, the_registers_and_the_stack_of_who_stands_are_known);
        tcase_add_test(t, no_handler_runs_on_who_stands_but_soon_after);
        tcase_add_test(t, where_too_many_stand_the_rest_waits_as_others_do);
        tcase_add_test(t, who_came_back_is_not_taken_and_may_stand_again);
        tcase_add_test(t, nobody_stands_in_a_child);
    }
    suite_add_tcase(s, t);
    return unit_main(s);
}
