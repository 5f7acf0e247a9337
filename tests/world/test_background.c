/* Weir's background thread: when it comes, what it does, when it leaves. */
#include "unit.h"

#include <dirent.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

#include "heap/forked.h"
#include "heap/mcache.h"
#include "heap/mheap.h"
#include "heap/scavenge.h"
#include "os/os.h"
#include "region/counters.h"
#include "region/event.h"
#include "region/history.h"
#include "region/region.h"
#include "world/background.h"
#include "world/pulse.h"
#include "world/thread.h"

static void *volatile kept;

/* A region in private memory, of a program of that age. */
static void
start(uint64_t age_ns)
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
    wr_region->start_mono_ns -= age_ns;
    wr_world_start();
    wr_background_enable(true, true);
}

__attribute__((noinline)) static unsigned
tasks(void)
{
    DIR *d = opendir("/proc/self/task");
    unsigned n = 0;

    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

/* To look is to allocate, which sanitizers make resident: seldom, then. */
static bool
become_tasks(unsigned n)
{
    for (int i = 0; i < 6; i++) {
        usleep(5500000);
        if (tasks() == n)
            return true;
    }
    return false;
}

static void *
touched(size_t bytes)
{
    return memset(wr_malloc(bytes), 1, bytes);
}

static size_t
points(struct wr_point *p, size_t room)
{
    struct wr_region_view v;
    char why[100];

    ck_assert_int_eq(wr_region_open_self(&v, why, sizeof why), 0);
    return wr_history_read(&v, WR_HISTORY_SECONDS, p, room);
}

/* Before fork and after it, as the runtime does it where the background is the
 * only other thread. */
static pid_t
fork_alone(void)
{
    pid_t pid;

    ck_assert(wr_background_keep_out());
    wr_lock_fork_alone = true;
    wr_region_fork_before();
    pid = fork();
    if (pid == 0) {
        (void)wr_region_fork_child();
        wr_background_fork_child();
    }
    wr_background_let_in();
    return pid;
}

static _Atomic unsigned answers;

static void
answer(void)
{
    atomic_fetch_add(&answers, 1);
}

/* As another process that has the region's file mapped: was somebody woken? */
static bool
wake(void)
{
    return syscall(SYS_futex, &wr_region->bell, FUTEX_WAKE, 1, NULL, NULL, 0) >
           0;
}

/* ---- coming ---- */

START_TEST(a_young_program_that_allocates_gets_no_thread)
{
    start(0);
    for (int i = 0; i < 100; i++)
        kept = wr_malloc(50000);
    ck_assert_uint_eq(tasks(), 1);
}
END_TEST

START_TEST(a_program_that_is_a_second_old_and_takes_pages_gets_one)
{
    struct wr_point p;

    start(WR_PULSE_AGE_NS);
    ck_assert_uint_eq(tasks(), 1);
    kept = wr_malloc(50000);
    ck_assert_uint_eq(tasks(), 2);
    for (int i = 0; i < 1000 && points(&p, 1) == 0; i++)
        usleep(1000);
    ck_assert_uint_eq(points(&p, 1), 1); /* at once */
    ck_assert_uint_ge(p.uptime_ns, WR_PULSE_AGE_NS);
    ck_assert_uint_gt(p.heap_inuse, 0);
    ck_assert_uint_gt(p.rss, 0);
    ck_assert_uint_eq(p.threads, 1); /* Weir's is not the program's */
}
END_TEST

START_TEST(where_it_is_not_allowed_there_is_none)
{
    start(WR_PULSE_AGE_NS);
    wr_background_enable(false, true);
    kept = wr_malloc(50000);
    wr_background_tell();
    ck_assert_uint_eq(tasks(), 1);
}
END_TEST

START_TEST(without_history_it_comes_for_idle_memory_only_and_writes_none)
{
    struct wr_point p;

    start(WR_PULSE_AGE_NS);
    wr_background_enable(true, false);
    kept = wr_malloc(50000);
    wr_background_tell();
    ck_assert_uint_eq(tasks(), 1);
    wr_free(touched(8 * WR_MIB));
    ck_assert_uint_eq(tasks(), 2);
    usleep(1500000);
    ck_assert_uint_eq(points(&p, 1), 0);
}
END_TEST

START_TEST(a_program_that_has_idle_memory_gets_one_however_young)
{
    start(0);
    wr_free(touched(8 * WR_MIB));
    ck_assert_uint_eq(tasks(), 2);
}
END_TEST

/* ---- staying and leaving ---- */

START_TEST(it_leaves_when_nothing_changes_and_returns_when_told)
{
    struct wr_point p[100];
    size_t n;

    start(WR_PULSE_AGE_NS);
    kept = wr_malloc(50000);
    ck_assert_uint_eq(tasks(), 2);
    ck_assert(become_tasks(1));
    n = points(p, wr_countof(p));
    ck_assert_uint_ge(n, 1);
    kept = wr_malloc(50000);
    ck_assert_uint_eq(tasks(), 2);
    for (int i = 0; i < 3000 && points(p, wr_countof(p)) == n; i++)
        usleep(1000);
    ck_assert_uint_gt(points(p, wr_countof(p)), n);
}
END_TEST

START_TEST(who_wakes_it_by_the_regions_bell_is_answered)
{
    struct timespec some = {0, 1000000};
    bool woken = false;

    wr_events.asked = answer;
    start(WR_PULSE_AGE_NS);
    ck_assert_uint_eq(atomic_load(&wr_region->bell) % 2, 0);
    ck_assert(!wake());
    kept = wr_malloc(50000);
    for (int i = 0; i < 60000 && !woken; i++) {
        woken = wake();
        nanosleep(&some, NULL);
    }
    ck_assert(woken);
    for (int i = 0; i < 60000 && atomic_load(&answers) == 0; i++)
        nanosleep(&some, NULL);
    ck_assert_uint_gt(atomic_load(&answers), 0);
    wr_background_stop();
    ck_assert_uint_eq(atomic_load(&wr_region->bell) % 2, 0);
    wr_background_go();
}
END_TEST

START_TEST(a_program_that_goes_quiet_gives_free_pages_back_by_itself)
{
    enum { MANY = 16384, KEPT = 16, SIZE = 1024 };
    static void *p[MANY];
    uint64_t wanted = (uint64_t)MANY * SIZE / 2;

    start(0);
    for (int i = 0; i < MANY; i++)
        p[i] = touched(SIZE);
    for (int i = 0; i < MANY; i++)
        if (i % KEPT != 0)
            wr_free(p[i]);
    ck_assert_uint_lt(wr_count_get(heap_idle) - wr_count_get(heap_released),
                      WR_SCAVENGE_WORTH);
    for (int i = 0; i < 300 && wr_count_get(scavenged) < wanted; i++)
        usleep(100000);
    ck_assert_uint_ge(wr_count_get(scavenged), wanted);
}
END_TEST

/* ---- holding it back ---- */

START_TEST(a_vfork_child_starts_no_thread_and_the_parent_can)
{
    unsigned before = tasks();
    pid_t pid;

    start(0);
    kept = touched(8 * WR_MIB);
    pid = vfork();
    if (pid == 0) {
        wr_free(kept);
        _exit(0);
    }
    expect_success(pid);
    ck_assert_uint_eq(tasks(), before);
    wr_free(touched(8 * WR_MIB));
    ck_assert_uint_eq(tasks(), before + 1);
    wr_background_stop();
    ck_assert_uint_eq(tasks(), before);
    wr_free(touched(8 * WR_MIB));
    ck_assert_uint_eq(tasks(), before);
    wr_background_go();
    wr_free(touched(8 * WR_MIB));
    ck_assert_uint_eq(tasks(), before + 1);
}
END_TEST

START_TEST(between_two_stops_one_go_is_not_enough)
{
    start(0);
    wr_background_stop();
    wr_background_stop();
    wr_background_go();
    wr_free(touched(8 * WR_MIB));
    ck_assert_uint_eq(tasks(), 1);
    wr_background_go();
    wr_free(touched(8 * WR_MIB));
    ck_assert_uint_eq(tasks(), 2);
}
END_TEST

START_TEST(kept_out_of_the_heap_it_gives_nothing_back_until_let_in)
{
    uint64_t before = wr_count_get(scavenged);

    start(0);
    ck_assert(wr_background_keep_out());
    wr_free(touched(8 * WR_MIB));
    ck_assert_uint_eq(tasks(), 2);
    usleep(2500000);
    ck_assert_uint_eq(wr_count_get(scavenged), before);
    wr_background_let_in();
    for (int i = 0; i < 300 && wr_count_get(scavenged) == before; i++)
        usleep(100000);
    ck_assert_uint_gt(wr_count_get(scavenged), before);
}
END_TEST

/* ---- fork ---- */

START_TEST(a_child_has_a_thread_and_a_history_of_its_own)
{
    struct wr_point p[100];
    pid_t pid;

    start(WR_PULSE_AGE_NS);
    kept = wr_malloc(50000);
    for (int i = 0; i < 1000 && points(p, 1) == 0; i++)
        usleep(1000);
    pid = fork_alone();
    if (pid == 0) {
        must(tasks() == 1);
        must(wr_world_region());
        must(points(p, 1) == 0);
        wr_region->start_mono_ns -= WR_PULSE_AGE_NS;
        kept = wr_malloc(50000);
        must(tasks() == 2);
        for (int i = 0; i < 1000 && points(p, 1) == 0; i++)
            usleep(1000);
        must(points(p, 1) == 1);
        must(p[0].uptime_ns < 20 * WR_PULSE_AGE_NS);
        _exit(0);
    }
    expect_success(pid);
}
END_TEST

START_TEST(a_child_that_has_no_region_yet_writes_no_history)
{
    pid_t pid;

    start(WR_PULSE_AGE_NS);
    pid = fork_alone();
    if (pid == 0) {
        wr_background_tell();
        must(tasks() == 1);
        must(!wr_pulse());
        _exit(0);
    }
    expect_success(pid);
}
END_TEST

START_TEST(forks_of_one_second_are_one_mark)
{
    struct wr_region_view v;
    struct wr_mark m[10];
    char why[100];

    start(WR_PULSE_AGE_NS);
    wr_background_enable(false, true);
    ck_assert(wr_pulse());
    wr_count_add(forks, 3);
    (void)wr_pulse();
    (void)wr_pulse();
    ck_assert_int_eq(wr_region_open_self(&v, why, sizeof why), 0);
    ck_assert_uint_eq(wr_history_marks(&v, m, wr_countof(m)), 2);
    ck_assert_uint_eq(m[1].kind, WR_MARK_FORKS);
    ck_assert_uint_eq(m[1].value, 3);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("world/background");
    TCase *t = tcase_create("background");

    suite_add_tcase(s, t);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, forks_of_one_second_are_one_mark);
    if (UNIT_TSAN) /* whose runtime has threads of its own */
        return s;
    tcase_add_test(t, a_young_program_that_allocates_gets_no_thread);
    tcase_add_test(t, where_it_is_not_allowed_there_is_none);
    tcase_add_test(t, a_child_that_has_no_region_yet_writes_no_history);
    tcase_add_test(t, who_wakes_it_by_the_regions_bell_is_answered);
    tcase_add_test(t,
                   a_program_that_goes_quiet_gives_free_pages_back_by_itself);
    tcase_add_test(t, a_program_that_is_a_second_old_and_takes_pages_gets_one);
    tcase_add_test(
        t, without_history_it_comes_for_idle_memory_only_and_writes_none);
    tcase_add_test(t, a_program_that_has_idle_memory_gets_one_however_young);
    tcase_add_test(t, it_leaves_when_nothing_changes_and_returns_when_told);
    tcase_add_test(t, a_vfork_child_starts_no_thread_and_the_parent_can);
    tcase_add_test(t, between_two_stops_one_go_is_not_enough);
    tcase_add_test(t, kept_out_of_the_heap_it_gives_nothing_back_until_let_in);
    tcase_add_test(t, a_child_has_a_thread_and_a_history_of_its_own);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
