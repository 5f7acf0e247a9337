/* Several markers mark what one does. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "base/base.h"
#include "heap/heap.h"
#include "heap/mheap.h"
#include "mark/crew.h"
#include "mark/helpers.h"
#include "mark/mark.h"
#include "mark/marks.h"
#include "os/os.h"
#include "os/process.h"

/* --- The chunks ------------------------------------------------------------
 */

static struct wr_grey chunk[WR_CREW_CHUNK], got[WR_CREW_CHUNK];

START_TEST(only_as_much_is_taken_as_there_are_who_want_it)
{
    struct wr_crew *c = wr_crew_new(3);

    ck_assert_ptr_nonnull(c);
    for (size_t i = 0; i < WR_CREW_CHUNK; i++)
        chunk[i] = (struct wr_grey){i, i + 1};
    ck_assert(wr_crew_wants(c) && wr_crew_put(c, chunk, WR_CREW_CHUNK));
    ck_assert(wr_crew_wants(c) && wr_crew_put(c, chunk, WR_CREW_CHUNK));
    ck_assert(!wr_crew_wants(c) && !wr_crew_put(c, chunk, WR_CREW_CHUNK));
    ck_assert_uint_eq(wr_crew_next(c, got), WR_CREW_CHUNK);
    ck_assert_mem_eq(got, chunk, sizeof chunk);
    ck_assert(!wr_crew_wants(c)); /* of two that rested one works */
    wr_crew_rest(c);
    ck_assert(wr_crew_wants(c));
    wr_crew_free(c);
}
END_TEST

START_TEST(the_leader_takes_what_nobody_came_for_and_then_it_is_the_end)
{
    struct wr_crew *c = wr_crew_new(2);

    ck_assert(wr_crew_put(c, chunk, WR_CREW_CHUNK));
    wr_crew_rest(c);
    ck_assert_uint_eq(wr_crew_next_or_end(c, got), WR_CREW_CHUNK);
    wr_crew_rest(c);
    ck_assert_uint_eq(wr_crew_next_or_end(c, got), 0);
    ck_assert(wr_crew_put(c, chunk, WR_CREW_CHUNK)); /* and it may begin anew */
    wr_crew_rest(c);
    ck_assert_uint_eq(wr_crew_next_or_end(c, got), WR_CREW_CHUNK);
    wr_crew_free(c);
}
END_TEST

START_TEST(a_chunk_may_be_small)
{
    struct wr_crew *c = wr_crew_new(3);

    ck_assert(wr_crew_put(c, chunk, 1) && wr_crew_put(c, chunk + 7, 3));
    ck_assert_uint_eq(wr_crew_next(c, got), 3);
    ck_assert_mem_eq(got, chunk + 7, 3 * sizeof *got);
    ck_assert_uint_eq(wr_crew_next(c, got), 1);
    ck_assert_mem_eq(got, chunk, sizeof *got);
    wr_crew_free(c);
}
END_TEST

START_TEST(who_is_dismissed_finishes_what_is_left_and_leaves)
{
    struct wr_crew *c = wr_crew_new(2);

    ck_assert(wr_crew_put(c, chunk, WR_CREW_CHUNK));
    wr_crew_dismiss(c);
    ck_assert_uint_eq(wr_crew_next(c, got), WR_CREW_CHUNK);
    wr_crew_rest(c);
    ck_assert_uint_eq(wr_crew_next(c, got), 0);
    wr_crew_free(c);
}
END_TEST

/* --- A graph ---------------------------------------------------------------
 */

enum { NODES = 60000, FIRST = 4000, EDGES = 3, MOST = 4 };

static uintptr_t *node[NODES];
static uintptr_t root[FIRST];
static struct wr_marks *marks, *odd;
static struct wr_marker *marker;

static uintptr_t *
block(size_t bytes)
{
    uintptr_t *p = wr_calloc(bytes);

    ck_assert_ptr_nonnull(p);
    return p;
}

/* Three quarters of it can be reached, or so. */
static void
make_graph(uint64_t *chance)
{
    for (unsigned i = 0; i < NODES; i++)
        node[i] = block((size_t)32 << unit_below(chance, 4));
    for (unsigned i = 0; i < FIRST; i++)
        root[i] = (uintptr_t)node[unit_below(chance, NODES / 2)];
    for (unsigned i = 0; i < NODES; i++)
        for (unsigned k = 0; k < EDGES; k++) {
            uint64_t to = unit_below(chance, NODES * 2);

            if (to < NODES)
                node[i][k] = (uintptr_t)node[to] + to % 32;
            if (to >= NODES && to < NODES + NODES / 8) /* an odd one */
                memcpy((char *)(node[i] + 2) + 5, &node[to - NODES],
                       sizeof(uintptr_t));
        }
}

static void
free_graph(void)
{
    for (unsigned i = 0; i < NODES; i++)
        wr_free(node[i]);
}

static void
new_marker(void)
{
    marks = wr_marks_new();
    odd = wr_marks_new();
    ck_assert(marks != NULL && odd != NULL);
    marker = wr_marker_new(marks, odd);
    ck_assert_ptr_nonnull(marker);
}

static void
free_marker(void)
{
    wr_marker_free(marker);
    wr_marks_free(marks);
    wr_marks_free(odd);
    marker = NULL;
    marks = odd = NULL;
}

/* --- And threads -----------------------------------------------------------
 */

static pthread_t thread[MOST];

static void *
help(void *number)
{
    wr_marker_help(marker, (unsigned)(uintptr_t)number);
    return NULL;
}

static void
begin_help(unsigned n)
{
    ck_assert(wr_marker_share(marker, n));
    for (uintptr_t i = 1; i < n; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, help, (void *)i), 0);
}

static void
end_help(unsigned n)
{
    wr_marker_dismiss(marker);
    for (unsigned i = 1; i < n; i++)
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
    wr_marker_go_alone(marker);
}

static void
mark_from_roots(void)
{
    wr_lock_take(&wr_mheap_lock);
    wr_marker_scan(marker, root, root + FIRST);
    ck_assert(wr_marker_finish(marker));
    wr_lock_give(&wr_mheap_lock);
}

/* --- Together --------------------------------------------------------------
 */

static struct result {
    bool marked[NODES], odd[NODES];
    struct wr_marked sums;
} alone, together;

static void
note(struct result *r)
{
    for (unsigned i = 0; i < NODES; i++) {
        r->marked[i] = wr_marks_has_at(marks, (uintptr_t)node[i]);
        r->odd[i] = wr_marks_has_at(odd, (uintptr_t)node[i]);
    }
    r->sums = *wr_marker_sums(marker);
}

static void
compare(bool scanned)
{
    ck_assert_mem_eq(alone.marked, together.marked, sizeof alone.marked);
    ck_assert_mem_eq(alone.odd, together.odd, sizeof alone.odd);
    ck_assert_uint_eq(alone.sums.blocks, together.sums.blocks);
    ck_assert_uint_eq(alone.sums.bytes, together.sums.bytes);
    if (scanned)
        ck_assert_uint_eq(alone.sums.scanned, together.sums.scanned);
}

/* grey: how many may wait; 0: as usual. */
static void
mark_with(unsigned n, size_t grey)
{
    new_marker();
    begin_help(n);
    if (grey != 0)
        wr_marker_limit_grey(marker, grey);
    mark_from_roots();
    end_help(n);
    note(&together);
    compare(grey == 0);
    free_marker();
}

static void
mark_with_each(size_t grey)
{
    uint64_t chance = unit_seed("together");

    wr_free(wr_malloc(16)); /* there is a heap */
    for (int rounds = 0; rounds < 4; rounds++) {
        make_graph(&chance);
        new_marker();
        mark_from_roots();
        note(&alone);
        ck_assert_uint_gt(alone.sums.blocks, NODES / 4);
        free_marker();
        mark_with(2, grey);
        mark_with(3, grey);
        mark_with(4, grey);
        free_graph();
    }
}

START_TEST(several_markers_mark_what_one_does)
{
    mark_with_each(0);
}
END_TEST

START_TEST(so_they_do_without_room_for_grey_blocks)
{
    mark_with_each(2 * WR_CREW_CHUNK + 10);
    mark_with_each(100);
}
END_TEST

START_TEST(a_helper_that_never_runs_is_not_waited_for)
{
    uint64_t chance = unit_seed("together");

    make_graph(&chance);
    new_marker();
    mark_from_roots();
    note(&alone);
    free_marker();
    new_marker();
    ck_assert(wr_marker_share(marker, MOST));
    mark_from_roots();
    note(&together);
    compare(true);
    ck_assert_uint_eq(wr_marker_helped(marker), 0);
    free_marker();
    free_graph();
}
END_TEST

/* --- Who marks what --------------------------------------------------------
 */

/* Each root has a child. */
static void
make_pairs(void)
{
    for (unsigned i = 0; i < FIRST; i++) {
        node[i] = block(16);
        node[FIRST + i] = block(16);
        node[i][0] = (uintptr_t)node[FIRST + i];
        root[i] = (uintptr_t)node[i];
    }
}

static bool
child_marked(unsigned i)
{
    return wr_marks_has_at(marks, (uintptr_t)node[FIRST + i]);
}

START_TEST(a_helper_marks_what_the_leader_gave_away)
{
    struct timespec some = {0, 1000000};

    make_pairs();
    new_marker();
    ck_assert(wr_marker_share(marker, 2));
    wr_lock_take(&wr_mheap_lock);
    wr_marker_scan(marker, root, root + FIRST);
    ck_assert(!child_marked(0) && !child_marked(WR_CREW_CHUNK - 1));
    ck_assert(child_marked(2 * WR_CREW_CHUNK));
    ck_assert_int_eq(pthread_create(&thread[1], NULL, help, (void *)1), 0);
    for (int i = 0;
         i < 60000 && !(child_marked(0) && child_marked(WR_CREW_CHUNK - 1));
         i++) /* in whatever order */
        nanosleep(&some, NULL);
    ck_assert(child_marked(0) && child_marked(WR_CREW_CHUNK - 1));
    ck_assert(wr_marker_finish(marker));
    ck_assert_uint_eq(wr_marker_sums(marker)->blocks, 2 * FIRST);
    ck_assert_uint_eq(wr_marker_helped(marker), WR_CREW_CHUNK);
    wr_lock_give(&wr_mheap_lock);
    end_help(2);
    free_marker();
    for (unsigned i = 0; i < 2 * FIRST; i++)
        wr_free(node[i]);
}
END_TEST

START_TEST(a_marker_that_goes_on_alone_marks_what_is_new)
{
    uintptr_t *late = block(16);

    make_pairs();
    new_marker();
    begin_help(MOST);
    mark_from_roots();
    end_help(MOST);
    node[0][1] = (uintptr_t)late;
    root[0] = (uintptr_t)late;
    mark_from_roots();
    ck_assert(wr_marks_has_at(marks, (uintptr_t)late));
    ck_assert_uint_eq(wr_marker_sums(marker)->blocks, 2 * FIRST + 1);
    free_marker();
    wr_free(late);
    for (unsigned i = 0; i < 2 * FIRST; i++)
        wr_free(node[i]);
}
END_TEST

START_TEST(without_memory_for_helpers_it_stays_alone)
{
    bool shared = false;

    make_pairs();
    for (unsigned n = 1; !shared; n++) {
        new_marker();
        wr_os_fail_after(n, true);
        shared = wr_marker_share(marker, MOST);
        wr_os_fail_after(0, false);
        mark_from_roots();
        ck_assert_uint_eq(wr_marker_sums(marker)->blocks, 2 * FIRST);
        ck_assert(shared || n < 100);
        ck_assert(!shared || n > MOST);
        free_marker();
    }
    for (unsigned i = 0; i < 2 * FIRST; i++)
        wr_free(node[i]);
}
END_TEST

/* --- Weir's own threads ----------------------------------------------------
 */

START_TEST(threads_of_weirs_own_mark_the_same)
{
    uint64_t chance = unit_seed("together");
    void *large = block((size_t)64 << 20);
    unsigned cpus = wr_os_cpus(), n;

    if (UNIT_TSAN) {
        unit_skip("TSan knows no thread that libc did not make");
        return;
    }
    make_graph(&chance);
    new_marker();
    mark_from_roots();
    note(&alone);
    free_marker();
    new_marker();
    n = wr_helpers_begin(marker, 3, 0);
    ck_assert_uint_eq(n, wr_min(cpus, 3u));
    mark_from_roots();
    wr_helpers_end(marker);
    note(&together);
    compare(true);
    free_marker();
    free_graph();
    wr_free(large);
}
END_TEST

static _Atomic bool found;
static _Atomic unsigned helped;

static void *
wait_and_help(void *unused)
{
    (void)unused;
    wr_helpers_come();
    for (;;) {
        uint32_t rung = wr_helpers_rung();

        if (atomic_load(&found))
            break;
        if (wr_helpers_take_part())
            atomic_fetch_add(&helped, 1);
        else
            wr_helpers_listen(rung, 0);
    }
    wr_helpers_go();
    return NULL;
}

static void
mark_with_who_waits(void)
{
    unsigned n = wr_min(wr_os_cpus(), (unsigned)MOST);

    new_marker();
    ck_assert_uint_eq(wr_helpers_begin(marker, MOST, wr_helpers_waiting()), n);
    mark_from_roots();
    wr_helpers_end(marker);
    note(&together);
    compare(true);
    free_marker();
    ck_assert(!wr_helpers_take_part());
}

/* Some come too late, but not always. */
START_TEST(who_waits_helps_and_marks_the_same)
{
    uint64_t chance = unit_seed("together");
    void *large = block((size_t)64 << 20);

    make_graph(&chance);
    new_marker();
    mark_from_roots();
    note(&alone);
    free_marker();
    atomic_store(&found, false);
    atomic_store(&helped, 0);
    for (unsigned i = 0; i < MOST; i++)
        pthread_create(&thread[i], NULL, wait_and_help, NULL);
    while (wr_helpers_waiting() < MOST)
        sched_yield();
    do
        mark_with_who_waits();
    while (wr_os_cpus() > 1 && atomic_load(&helped) == 0);
    atomic_store(&found, true);
    wr_helpers_ring();
    for (unsigned i = 0; i < MOST; i++)
        pthread_join(thread[i], NULL);
    ck_assert_uint_eq(wr_helpers_waiting(), 0);
    free_graph();
    wr_free(large);
}
END_TEST

START_TEST(nobody_is_asked_to_help_where_nobody_leads)
{
    ck_assert(!wr_helpers_take_part());
    wr_helpers_come();
    ck_assert_uint_eq(wr_helpers_waiting(), 1);
    wr_helpers_fork_child();
    ck_assert_uint_eq(wr_helpers_waiting(), 0);
}
END_TEST

START_TEST(a_small_heap_is_marked_by_one)
{
    new_marker();
    ck_assert_uint_eq(wr_helpers_begin(marker, 4, 0), 1);
    wr_helpers_end(marker);
    free_marker();
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("together");
    TCase *t = tcase_create("together");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, only_as_much_is_taken_as_there_are_who_want_it);
    tcase_add_test(
        t, the_leader_takes_what_nobody_came_for_and_then_it_is_the_end);
    tcase_add_test(t, a_chunk_may_be_small);
    tcase_add_test(t, who_is_dismissed_finishes_what_is_left_and_leaves);
    tcase_add_test(t, several_markers_mark_what_one_does);
    tcase_add_test(t, so_they_do_without_room_for_grey_blocks);
    tcase_add_test(t, a_helper_that_never_runs_is_not_waited_for);
    tcase_add_test(t, a_helper_marks_what_the_leader_gave_away);
    tcase_add_test(t, a_marker_that_goes_on_alone_marks_what_is_new);
    tcase_add_test(t, without_memory_for_helpers_it_stays_alone);
    tcase_add_test(t, threads_of_weirs_own_mark_the_same);
    tcase_add_test(t, who_waits_helps_and_marks_the_same);
    tcase_add_test(t, nobody_is_asked_to_help_where_nobody_leads);
    tcase_add_test(t, a_small_heap_is_marked_by_one);
    suite_add_tcase(s, t);
    return unit_main(s);
}
