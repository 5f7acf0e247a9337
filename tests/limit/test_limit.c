/* The soft limit in a program: what it holds back, what it refuses, whom it
 * tells. */
#include "unit.h"

#include <pthread.h>
#include <sys/mman.h>
#include <weir/limit.h>

#include "limit/start.h"
#include "region/counters.h"
#include "region/history.h"

static uint64_t
limit_bytes(void)
{
    struct weir_limit l;

    ck_assert_int_eq(weir_limit_read(&l), WEIR_OK);
    return l.limit;
}

/* What the process has beside what the test is about. */
static uint64_t
set_above_present(uint64_t bytes, unsigned flags)
{
    uint64_t limit = wr_os_held() + bytes;

    ck_assert_int_eq(weir_limit_set(limit, flags), WEIR_OK);
    return limit;
}

/* What the process holds was asked of the kernel, since there is a limit. */
static bool
has_looked(void)
{
    struct weir_limit l;

    wr_limit_look_every(1000000);
    weir_limit_read(&l);
    return l.held > 0;
}

static void *
touched(size_t bytes)
{
    void *p = wr_malloc(bytes);

    return p == NULL ? NULL : memset(p, 1, bytes);
}

static void *
mapped(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(p, MAP_FAILED);
    return memset(p, 1, bytes);
}

START_TEST(limits_that_make_no_sense_are_refused)
{
    start();
    ck_assert_int_eq(weir_limit_set(100, 0), WEIR_EINVAL);
    ck_assert_int_eq(weir_limit_set(MIB - 1, 0), WEIR_EINVAL);
    ck_assert_int_eq(weir_limit_set(512 * MIB, 2), WEIR_EINVAL);
    ck_assert_int_eq(weir_limit_read(NULL), WEIR_EINVAL);
    ck_assert_uint_eq(limit_bytes(), WEIR_LIMIT_OFF);
    ck_assert_int_eq(weir_limit_set(512 * MIB, WEIR_LIMIT_HARD), WEIR_OK);
    ck_assert_uint_eq(limit_bytes(), 512 * MIB);
    ck_assert_int_eq(weir_limit_set(WEIR_LIMIT_OFF, 0), WEIR_OK);
    ck_assert_uint_eq(limit_bytes(), WEIR_LIMIT_OFF);
}
END_TEST

/* Live blocks of 16 MiB, ever larger: the holes of one size are too small for
 * the next, so free memory lies idle while more is taken from the system. The
 * highest that the process held above what it had. */
#define FITS (22 * MIB)

static uint64_t
churn(void)
{
    enum { LIVE = 16 << 20, MOST = 512 };
    static void *block[MOST];
    uint64_t before = wr_os_held(), peak = 0;

    for (int round = 0; round < 10; round++)
        for (size_t bytes = 36 << 10; bytes < 600 << 10; bytes += bytes / 3)
            for (size_t k = 0; k < MOST; k++) {
                wr_free(block[k * 7 % MOST]);
                block[k * 7 % MOST] = NULL;
                if (k < LIVE / bytes)
                    block[k * 7 % MOST] = touched(bytes);
                if (k % 16 == 0)
                    peak = wr_max(peak, wr_os_held());
            }
    return peak > before ? peak - before : 0;
}

START_TEST(a_program_whose_live_memory_fits_stays_below)
{
    struct weir_limit l;
    uint64_t limit;

    start();
    limit = set_above_present(FITS, 0); /* it may be some late */
    /* The thread that sees to it may not get a processor in time. */
    for (int try = 0; churn() >= FITS + MIB; try++)
        ck_assert_int_lt(try, 5);
    weir_limit_read(&l);
    ck_assert_uint_eq(l.limit, limit);
    ck_assert_uint_gt(l.given, 0);
    ck_assert_uint_gt(l.work_ns, 0);
    ck_assert_uint_eq(l.refused, 0);
}
END_TEST

/* So the test before can fail. */
START_TEST(without_a_limit_the_same_program_passes)
{
    start();
    ck_assert_uint_gt(churn(), FITS + MIB);
}
END_TEST

START_TEST(a_soft_limit_refuses_nothing)
{
    struct weir_limit l;

    start();
    set_above_present(16 * MIB, 0);
    for (int i = 0; i < 64; i++)
        ck_assert_ptr_nonnull(touched(MIB));
    wait_until(weir_pressure_now() == WEIR_PRESSURE_FULL);
    weir_limit_read(&l);
    ck_assert_uint_eq(l.refused, 0);
    ck_assert_uint_gt(l.held, l.limit);
}
END_TEST

START_TEST(a_hard_limit_refuses_large_blocks_and_no_small_ones)
{
    struct weir_limit l;
    void *block[64];
    int n = 0;

    start();
    set_above_present(32 * MIB, WEIR_LIMIT_HARD);
    wait_until(has_looked());
    ck_assert_ptr_null(wr_malloc(100 * MIB));
    while (n < 64 && (block[n] = touched(MIB)) != NULL)
        n++;
    ck_assert_int_ge(n, 28);
    ck_assert_int_le(n, 34); /* what is not touched yet is not held */
    ck_assert_ptr_null(wr_realloc(block[n - 1], 8 * MIB));
    for (int i = 0; i < 1000; i++)
        ck_assert_ptr_nonnull(touched(1000));
    weir_limit_read(&l);
    ck_assert_uint_ge(l.refused, 3);
    ck_assert_uint_eq(l.flags, WEIR_LIMIT_HARD);
    for (int i = 0; i < 8; i++)
        wr_free(block[i]);
    wait_until(wr_malloc(MIB / 2) != NULL);
}
END_TEST

/* Memory that is not the heap's is seen by the next look. */
START_TEST(a_hard_limit_counts_what_others_hold)
{
    void *theirs;

    start();
    set_above_present(64 * MIB, WEIR_LIMIT_HARD);
    theirs = mapped(60 * MIB);
    wait_until(weir_pressure_now() != WEIR_PRESSURE_NONE);
    ck_assert_ptr_null(wr_malloc(16 * MIB));
    munmap(theirs, 60 * MIB);
    /* It looks before it refuses, and does not wait for ever to look. */
    wait_until(wr_malloc(16 * MIB) != NULL);
}
END_TEST

/* ---- subscribers ---- */

static _Atomic int calls[4];
static _Atomic uint64_t wanted, deadline;

static void
note(const struct weir_pressure *p, void *arg)
{
    (void)arg;
    ck_assert_uint_gt(p->limit, 0);
    wanted = p->wanted;
    deadline = p->deadline_ns;
    calls[p->level]++;
}

START_TEST(subscribers_hear_of_it_again_and_of_its_end)
{
    void *theirs;

    start();
    ck_assert_int_eq(weir_pressure_subscribe(note, NULL), WEIR_OK);
    set_above_present(64 * MIB, 0);
    theirs = mapped(66 * MIB);
    wait_until(calls[WEIR_PRESSURE_FULL] >= 2);
    ck_assert_uint_gt(wanted, 2 * MIB);
    ck_assert_uint_ge(deadline, 10000000);
    ck_assert_int_eq(calls[WEIR_PRESSURE_NONE], 0);
    munmap(theirs, 66 * MIB);
    wait_until(calls[WEIR_PRESSURE_NONE] == 1);
    ck_assert_uint_eq(wanted, 0);
    ck_assert_int_eq(calls[WEIR_PRESSURE_SOME], 0);
}
END_TEST

static void **cache;
static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
enum { ENTRIES = 4096 };

/* Takes a lock that the program holds around malloc. */
static void
shrink(const struct weir_pressure *p, void *arg)
{
    size_t freed = 0;

    (void)arg;
    pthread_mutex_lock(&cache_lock);
    for (size_t i = 0; i < ENTRIES && freed < p->wanted; i++) {
        if (cache[i] != NULL)
            freed += 100000;
        wr_free(cache[i]);
        cache[i] = NULL;
    }
    pthread_mutex_unlock(&cache_lock);
}

/* The highest that the process held. */
static uint64_t
use_cache(void)
{
    uint64_t peak = 0;

    for (unsigned i = 0; i < 20000; i++) {
        pthread_mutex_lock(&cache_lock);
        wr_free(cache[i * 2654435761u % ENTRIES]);
        cache[i * 2654435761u % ENTRIES] = touched(100000);
        pthread_mutex_unlock(&cache_lock);
        if (i % 64 == 0)
            peak = wr_max(peak, wr_os_held());
        usleep(150);
    }
    return peak;
}

START_TEST(a_cache_that_shrinks_when_told_keeps_the_program_below)
{
    uint64_t limit;

    start();
    cache = wr_calloc(ENTRIES * sizeof *cache);
    ck_assert_int_eq(weir_pressure_subscribe(shrink, NULL), WEIR_OK);
    limit = set_above_present(256 * MIB, 0);
    /* The thread that tells may not get a processor in time. */
    for (int try = 0; use_cache() >= limit + limit / 20; try++)
        ck_assert_int_lt(try, 5);
}
END_TEST

START_TEST(who_has_unsubscribed_is_not_called)
{
    void *theirs;

    start();
    ck_assert_int_eq(weir_pressure_unsubscribe(note, NULL), WEIR_ENOENT);
    ck_assert_int_eq(weir_pressure_subscribe(NULL, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_pressure_subscribe(note, NULL), WEIR_OK);
    ck_assert_int_eq(weir_pressure_subscribe(note, &wanted), WEIR_OK);
    ck_assert_int_eq(weir_pressure_unsubscribe(note, NULL), WEIR_OK);
    set_above_present(16 * MIB, 0);
    theirs = mapped(17 * MIB);
    wait_until(calls[WEIR_PRESSURE_FULL] >= 1);
    ck_assert_int_eq(weir_pressure_unsubscribe(note, &wanted), WEIR_OK);
    calls[WEIR_PRESSURE_FULL] = 0;
    usleep(300000);
    ck_assert_int_eq(calls[WEIR_PRESSURE_FULL], 0);
    munmap(theirs, 17 * MIB);
}
END_TEST

START_TEST(there_is_room_for_16_subscribers)
{
    int at[17];

    start();
    for (int i = 0; i < 16; i++)
        ck_assert_int_eq(weir_pressure_subscribe(note, &at[i]), WEIR_OK);
    ck_assert_int_eq(weir_pressure_subscribe(note, &at[16]), WEIR_EBUSY);
    ck_assert_int_eq(weir_pressure_unsubscribe(note, &at[7]), WEIR_OK);
    ck_assert_int_eq(weir_pressure_subscribe(note, &at[16]), WEIR_OK);
}
END_TEST

static _Atomic bool in_call, may_end;

static void
dawdle(const struct weir_pressure *p, void *arg)
{
    (void)p;
    (void)arg;
    in_call = true;
    while (!may_end)
        usleep(1000);
    usleep(20000);
    in_call = false;
}

static void
leave(const struct weir_pressure *p, void *arg)
{
    (void)p;
    ck_assert_int_eq(weir_pressure_unsubscribe(leave, arg), WEIR_OK);
    calls[0]++;
}

START_TEST(who_unsubscribes_waits_for_the_call_that_runs)
{
    start();
    weir_pressure_subscribe(leave, NULL); /* from its own call it need not */
    weir_pressure_subscribe(dawdle, NULL);
    set_above_present(16 * MIB, 0);
    (void)mapped(17 * MIB);
    wait_until(in_call);
    ck_assert_int_eq(calls[0], 1);
    may_end = true;
    ck_assert_int_eq(weir_pressure_unsubscribe(dawdle, NULL), WEIR_OK);
    ck_assert(!in_call);
}
END_TEST

/* ---- threads, fork, region ---- */

static void *
churning(void *arg)
{
    uint64_t chance = (uintptr_t)arg;
    void *block[128] = {NULL};

    for (int i = 0; i < 20000; i++) {
        size_t k = unit_below(&chance, wr_countof(block));
        size_t bytes = (size_t)16 << unit_below(&chance, 14);

        wr_free(block[k]);
        block[k] = touched(bytes + unit_below(&chance, bytes));
    }
    for (size_t k = 0; k < wr_countof(block); k++)
        wr_free(block[k]);
    wr_mcache_detach();
    return NULL;
}

START_TEST(many_threads_at_the_limit_neither_stop_nor_break_the_heap)
{
    pthread_t t[4];
    struct weir_limit l;

    start();
    set_above_present(8 * MIB, 0);
    for (uintptr_t i = 0; i < wr_countof(t); i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, churning, (void *)(i + 1)),
                         0);
    for (size_t i = 0; i < wr_countof(t); i++)
        pthread_join(t[i], NULL);
    wr_background_stop();
    wr_heap_check();
    wr_background_go();
    weir_limit_read(&l);
    ck_assert_uint_gt(l.given, 0);
    wr_free(touched(MIB)); /* brings the background thread back */
    wait_until(weir_pressure_now() == WEIR_PRESSURE_NONE);
}
END_TEST

START_TEST(a_forked_child_keeps_the_limit_and_counts_for_itself)
{
    uint64_t limit;
    int status;
    pid_t pid;

    start();
    weir_pressure_subscribe(note, NULL);
    limit = set_above_present(16 * MIB, 0);
    (void)mapped(17 * MIB);
    wait_until(calls[WEIR_PRESSURE_FULL] > 0);
    wr_background_stop();
    wr_region_fork_before();
    pid = fork();
    if (pid == 0) {
        struct weir_limit l;

        (void)wr_region_fork_child();
        wr_background_fork_child();
        wr_limit_fork_child();
        weir_limit_read(&l);
        if (l.limit != limit || l.work_ns != 0 || l.level != 0 || l.held != 0)
            _exit(1);
        if (weir_pressure_unsubscribe(note, NULL) != WEIR_ENOENT)
            _exit(2);
        calls[WEIR_PRESSURE_FULL] = 0;
        if (weir_pressure_subscribe(note, NULL) != WEIR_OK)
            _exit(3);
        for (int i = 0; i < 20; i++)
            (void)touched(MIB);
        for (int i = 0; i < 5000 && calls[WEIR_PRESSURE_FULL] == 0; i++)
            usleep(1000);
        _exit(calls[WEIR_PRESSURE_FULL] > 0 ? 0 : 4);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    wr_background_go();
}
END_TEST

/* With that many bytes or more. */
static bool
is_marked(const struct wr_region_view *v, unsigned kind, uint64_t bytes)
{
    static struct wr_mark marks[WR_MARK_SLOTS];
    size_t n = wr_history_marks(v, marks, wr_countof(marks));

    for (size_t i = 0; i < n; i++)
        if (marks[i].kind == kind && marks[i].value >= bytes)
            return true;
    return false;
}

START_TEST(the_region_tells_what_happened)
{
    struct wr_region_view v;
    char why[100];
    uint64_t limit;

    start();
    limit = set_above_present(32 * MIB, WEIR_LIMIT_HARD);
    (void)touched(30 * MIB);
    wait_until(weir_pressure_now() != WEIR_PRESSURE_NONE);
    ck_assert_ptr_null(wr_malloc(100 * MIB));
    ck_assert_int_eq(wr_region_open_self(&v, why, sizeof why), 0);
    /* As of when the first level began: not all pages may have been there. */
    wait_until(is_marked(&v, WR_MARK_LIMIT, limit / 10 * 9));
    wait_until(is_marked(&v, WR_MARK_REFUSED, 100 * MIB));
    ck_assert_uint_gt(wr_count_get(limit_raised), 0);
    ck_assert_uint_eq(wr_count_get(limit_refused), 1);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("limit/limit");
    TCase *t = tcase_create("limit");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, limits_that_make_no_sense_are_refused);
    tcase_add_test(t, a_program_whose_live_memory_fits_stays_below);
    tcase_add_test(t, without_a_limit_the_same_program_passes);
    tcase_add_test(t, a_soft_limit_refuses_nothing);
    tcase_add_test(t, a_hard_limit_refuses_large_blocks_and_no_small_ones);
    tcase_add_test(t, a_hard_limit_counts_what_others_hold);
    tcase_add_test(t, subscribers_hear_of_it_again_and_of_its_end);
    tcase_add_test(t, a_cache_that_shrinks_when_told_keeps_the_program_below);
    tcase_add_test(t, who_has_unsubscribed_is_not_called);
    tcase_add_test(t, there_is_room_for_16_subscribers);
    tcase_add_test(t, who_unsubscribes_waits_for_the_call_that_runs);
    tcase_add_test(t,
                   many_threads_at_the_limit_neither_stop_nor_break_the_heap);
    tcase_add_test(t, a_forked_child_keeps_the_limit_and_counts_for_itself);
    tcase_add_test(t, the_region_tells_what_happened);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    if (UNIT_TSAN) {
        unit_skip("Weir's own thread cannot run under TSan");
        return 77;
    }
    return unit_main(suite());
}
