/* Threads that mark for a moment, beside a marker. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "heap/heap.h"
#include "mark/assists.h"
#include "mark/mark.h"
#include "mark/marks.h"
#include "os/os.h"

enum { CHAINS = 40000, LENGTH = 4, THREADS = 3, ROUNDS = 6 };
#define SLICE_NS 50000

/* One large block has the heads of all chains. */
static uintptr_t **heads;
static uintptr_t root;
static struct wr_marks *marks;
static struct wr_marker *marker;

static uintptr_t *
block(size_t bytes)
{
    uintptr_t *p = wr_calloc(bytes);

    ck_assert_ptr_nonnull(p);
    return p;
}

static void
setup(void)
{
    uint64_t chance = unit_seed("assists");

    if (heads != NULL)
        return;
    heads = (uintptr_t **)block(CHAINS * sizeof *heads);
    for (unsigned i = 0; i < LENGTH; i++)
        for (unsigned c = 0; c < CHAINS; c++) {
            uintptr_t *b = block((size_t)16 << unit_below(&chance, 4));

            b[0] = (uintptr_t)heads[c];
            heads[c] = b;
        }
    root = (uintptr_t)heads;
}

static void
begin(void)
{
    marks = wr_marks_new();
    ck_assert_ptr_nonnull(marks);
    marker = wr_marker_new(marks, NULL);
    ck_assert_ptr_nonnull(marker);
    ck_assert(wr_assists_begin(marker));
    wr_marker_note(marker, &root, &root + 1);
    wr_assists_open();
}

static void
free_all(void)
{
    wr_marker_free(marker);
    wr_marks_free(marks);
}

/* All chains, the large block, and each of them once. */
static void
end(void)
{
    unsigned without = 0;

    wr_assists_end();
    ck_assert(!wr_marker_lost_some(marker));
    ck_assert_uint_eq(wr_marker_sums(marker)->blocks, CHAINS * LENGTH + 1);
    for (unsigned c = 0; c < CHAINS; c++)
        for (uintptr_t b = (uintptr_t)heads[c]; b != 0; b = *(uintptr_t *)b)
            without += !wr_marks_has_at(marks, b);
    ck_assert_uint_eq(without, 0);
    free_all();
}

/* One slice of the leader's. */
static bool
lead(void)
{
    return wr_marker_go_on(marker, wr_os_monotonic() + SLICE_NS);
}

static void
lead_to_the_end(void)
{
    do {
        wr_assists_open();
        while (!lead())
            ;
        ck_assert(wr_assists_close());
    } while (wr_assists_take_over());
}

static uint64_t
assist(uint64_t bytes)
{
    uint64_t kept, scanned;

    if (!wr_assists_enter(&kept))
        return 0;
    scanned = wr_assist(bytes);
    wr_assists_leave(kept);
    return scanned;
}

/* --- What is left -------------------------------------------------------- */

START_TEST(what_an_assistant_leaves_the_leader_takes_over)
{
    uint64_t scanned;

    begin();
    ck_assert(!wr_marker_go_on(marker, 1)); /* the heads; some are given away */
    scanned = assist(100);
    ck_assert_uint_ge(scanned, 100);
    ck_assert_uint_lt(scanned, 100 << 10);
    while (!lead())
        ;
    ck_assert(wr_assists_close());
    ck_assert(wr_assists_take_over());
    lead_to_the_end();
    end();
}
END_TEST

/* More than the leader looks at between two looks at the clock. */
enum { LONG = 20 << 10 };

static void
begin_with(const uintptr_t *const *roots, unsigned n)
{
    marks = wr_marks_new();
    marker = wr_marker_new(marks, NULL);
    ck_assert(marker != NULL && wr_assists_begin(marker));
    wr_marker_note(marker, roots, roots + n);
    wr_assists_open();
}

static void
end_with(uintptr_t **blocks, unsigned n)
{
    wr_assists_end();
    for (unsigned i = 0; i < n; i++) {
        ck_assert(wr_marks_has_at(marks, (uintptr_t)blocks[i]));
        wr_free(blocks[i]);
    }
    free_all();
}

START_TEST(what_the_leader_gave_away_is_grey_yet)
{
    uintptr_t *b[4] = {block(LONG), block(LONG), block(16), block(16)};

    b[0][0] = (uintptr_t)b[2];
    b[1][0] = (uintptr_t)b[3];
    begin_with((const uintptr_t *const *)b, 2);
    while (!wr_marker_go_on(marker, 1))
        ;
    ck_assert(wr_marks_has_at(marks, (uintptr_t)b[2]));
    ck_assert(wr_marks_has_at(marks, (uintptr_t)b[3]));
    ck_assert(wr_assists_close());
    ck_assert(!wr_assists_take_over());
    end_with(b, 4);
}
END_TEST

/* The first is given away, and leads to two by way of another; the leader is
 * done when they are found, and one of them is given away. */
START_TEST(so_is_what_an_assistant_gave_away)
{
    uintptr_t *b[7] = {block(16), block(16), block(LONG), block(16),
                       block(16), block(16), block(16)};

    b[0][0] = (uintptr_t)b[3];
    b[3][0] = (uintptr_t)b[4];
    b[3][1] = (uintptr_t)b[5];
    b[4][0] = b[5][0] = (uintptr_t)b[6];
    begin_with((const uintptr_t *const *)b, 3);
    ck_assert(!wr_marker_go_on(marker, 1));
    ck_assert_uint_gt(assist(1), 0);
    ck_assert(wr_marker_go_on(marker, UINT64_MAX));
    ck_assert_uint_gt(assist(1), 0);
    ck_assert_uint_gt(assist(1), 0);
    ck_assert(wr_assists_close());
    ck_assert(wr_assists_take_over());
    lead_to_the_end();
    end_with(b, 7);
}
END_TEST

START_TEST(where_nobody_assists_the_leader_takes_back_what_it_gave)
{
    begin();
    lead_to_the_end();
    end();
}
END_TEST

START_TEST(assistants_could_do_nearly_all_of_it)
{
    begin();
    for (int i = 0; i < 3; i++) {
        ck_assert(!wr_marker_go_on(marker, 1)); /* a piece of the large one */
        while (assist(1 << 10) > 0)
            ;
    }
    lead_to_the_end();
    end();
}
END_TEST

static _Atomic bool over;

static void *
assist_much(void *unused)
{
    while (!atomic_load(&over))
        if (assist(1 << 10) == 0)
            sched_yield();
    return unused;
}

START_TEST(several_assistants_mark_what_one_does)
{
    pthread_t thread[THREADS];

    atomic_store(&over, false);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, assist_much, NULL),
                         0);
    for (int i = 0; i < ROUNDS; i++) {
        begin();
        lead_to_the_end();
        end();
    }
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}
END_TEST

/* --- The gate ------------------------------------------------------------ */

START_TEST(nobody_comes_in_while_it_is_closed)
{
    uint64_t kept;

    ck_assert(!wr_assists_enter(&kept));
    begin();
    ck_assert(wr_assists_enter(&kept));
    wr_assists_leave(kept);
    ck_assert(wr_assists_close());
    ck_assert(!wr_assists_enter(&kept));
    lead_to_the_end();
    end();
    ck_assert(!wr_assists_enter(&kept));
}
END_TEST

static _Atomic int step; /* 1: is in; 2: may leave; 3: is about to */

static void
wait_for(int n)
{
    struct timespec some = {0, 100000};

    while (atomic_load(&step) < n)
        nanosleep(&some, NULL);
}

/* Comes in, and goes when told; or, when the gate closes. */
static void *
stay(void *until_closed)
{
    struct timespec some = {0, 100000};
    uint64_t kept;

    ck_assert(wr_assists_enter(&kept));
    atomic_store(&step, 1);
    if (until_closed != NULL)
        while (atomic_load(&wr_assists_are_open))
            nanosleep(&some, NULL);
    else
        wait_for(2);
    nanosleep(&(struct timespec){0, 2000000}, NULL);
    atomic_store(&step, 3);
    wr_assists_leave(kept);
    return NULL;
}

START_TEST(to_close_it_is_to_wait_until_all_are_out)
{
    pthread_t thread;

    atomic_store(&step, 0);
    begin();
    ck_assert_int_eq(pthread_create(&thread, NULL, stay, &step), 0);
    wait_for(1);
    ck_assert(wr_assists_close());
    ck_assert_int_eq(atomic_load(&step), 3);
    pthread_join(thread, NULL);
    lead_to_the_end();
    end();
}
END_TEST

START_TEST(who_does_not_come_out_is_not_waited_for_for_ever)
{
    pthread_t thread;

    atomic_store(&step, 0);
    begin();
    ck_assert_int_eq(pthread_create(&thread, NULL, stay, NULL), 0);
    wait_for(1);
    ck_assert(!wr_assists_close());
    wr_assists_end();
    marker = wr_marker_new(marks, NULL);
    ck_assert(!wr_assists_begin(marker)); /* it has the slots yet */
    wr_assists_open();
    ck_assert(!atomic_load(&wr_assists_are_open));
    wr_marker_free(marker);
    atomic_store(&step, 2);
    pthread_join(thread, NULL);
    begin();
    lead_to_the_end();
    end();
}
END_TEST

static volatile sig_atomic_t handled;

static void
handle(int number)
{
    handled += number != 0;
}

START_TEST(no_handler_runs_while_a_thread_assists)
{
    uint64_t kept;

    signal(SIGUSR1, handle);
    begin();
    ck_assert(wr_assists_enter(&kept));
    pthread_kill(pthread_self(), SIGUSR1);
    (void)wr_assist(1 << 10);
    ck_assert_int_eq(handled, 0);
    wr_assists_leave(kept);
    ck_assert_int_eq(handled, 1);
    lead_to_the_end();
    end();
}
END_TEST

START_TEST(a_forked_child_finds_it_closed_and_nobody_in)
{
    uint64_t kept;
    int status;
    pid_t child;

    begin();
    ck_assert(wr_assists_enter(&kept));
    child = fork();
    if (child == 0) {
        wr_assists_fork_child();
        _exit(wr_assists_enter(&kept) || !wr_assists_close());
    }
    wr_assists_leave(kept);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    lead_to_the_end();
    end();
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("assists");
    TCase *t = tcase_create("marking");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, what_an_assistant_leaves_the_leader_takes_over);
    tcase_add_test(t, what_the_leader_gave_away_is_grey_yet);
    tcase_add_test(t, so_is_what_an_assistant_gave_away);
    tcase_add_test(t, where_nobody_assists_the_leader_takes_back_what_it_gave);
    tcase_add_test(t, assistants_could_do_nearly_all_of_it);
    tcase_add_test(t, several_assistants_mark_what_one_does);
    tcase_add_test(t, nobody_comes_in_while_it_is_closed);
    tcase_add_test(t, to_close_it_is_to_wait_until_all_are_out);
    tcase_add_test(t, who_does_not_come_out_is_not_waited_for_for_ever);
    if (!UNIT_TSAN) /* it hands signals over when it likes */
        tcase_add_test(t, no_handler_runs_while_a_thread_assists);
    tcase_add_test(t, a_forked_child_finds_it_closed_and_nobody_in);
    suite_add_tcase(s, t);
    return unit_main(s);
}
