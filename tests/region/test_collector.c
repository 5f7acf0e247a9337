/* The collector's entry in the region: what is told is what is read. */
#include "scene.h"

#include <weir/memstats.h>

#include "region/collector.h"

#define MS UINT64_C(1000000)

static struct wr_collection
cycle(uint64_t pause_ns, bool forced)
{
    return (struct wr_collection){.prepare_ns = 1,
                                  .mark_ns = 2,
                                  .end_ns = 3,
                                  .stopped_ns = pause_ns,
                                  .longest_ns = pause_ns / 2,
                                  .stops = 2,
                                  .assist_ns = 10,
                                  .background_ns = 20,
                                  .idle_ns = 30,
                                  .live = 4096,
                                  .goal = 8192,
                                  .stacks = 100,
                                  .globals = 200,
                                  .processors = 2,
                                  .forced = forced,
                                  .limited = forced};
}

static struct weir_memstats
memstats(void)
{
    struct wr_region_view v = scene_view();
    struct weir_memstats m = {0};

    wr_collector_memstats(wr_view_collector(&v), &m);
    return m;
}

START_TEST(a_program_without_collected_blocks_has_no_entry)
{
    struct wr_region_view v;
    struct weir_memstats m;

    scene_start(_i);
    v = scene_view();
    ck_assert_ptr_null(wr_view_collector(&v));
    ck_assert_ptr_null(wr_collector_self());
    m = memstats();
    ck_assert_uint_eq(m.num_gc, 0);
    ck_assert_int_eq(m.enable_gc, 0);
    scene_end();
}
END_TEST

START_TEST(cycles_are_counted_and_their_pauses_kept)
{
    const struct wr_collector *c;
    struct wr_region_view v;
    struct weir_memstats m;

    scene_start(_i);
    wr_collector_set(percent, 100);
    wr_collector_set(goal, 8192);
    wr_collector_set(sys, 65536);
    for (unsigned i = 1; i <= 300; i++) {
        struct wr_collection done = cycle(i * MS, i % 3 == 0);

        wr_collector_ended(&done);
    }
    v = scene_view();
    c = wr_view_collector(&v);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->limited, 100);
    ck_assert_uint_eq(c->stops, 600);
    ck_assert_uint_eq(c->longest_ns, 150 * MS);
    ck_assert_uint_eq(c->assist_ns, 3000);
    ck_assert_uint_eq(c->background_ns, 6000);
    ck_assert_uint_eq(c->idle_ns, 9000);
    ck_assert_uint_eq(c->live, 4096);
    ck_assert_uint_eq(c->stacks, 100);
    ck_assert_uint_eq(c->globals, 200);
    m = memstats();
    ck_assert_uint_eq(m.num_gc, 300);
    ck_assert_uint_eq(m.num_forced_gc, 100);
    ck_assert_uint_eq(m.pause_total_ns, 300 * 301 / 2 * MS);
    ck_assert_uint_eq(m.next_gc, 8192);
    ck_assert_uint_eq(m.gc_sys, 65536);
    ck_assert_int_eq(m.enable_gc, 1);
    ck_assert_uint_eq(m.pause_ns[(300 + 255) % 256], 300 * MS);
    ck_assert_uint_eq(m.pause_ns[(301 + 255) % 256], 45 * MS);
    ck_assert_uint_eq(m.pause_end[(300 + 255) % 256], m.last_gc);
    ck_assert_uint_gt(m.last_gc, UINT64_C(1700000000000000000));
    scene_end();
}
END_TEST

/* 45 s of two processors that stood still are more than there was. */
START_TEST(the_share_of_time_is_between_none_and_all)
{
    struct wr_collection done = cycle(1000, false);

    scene_start(false);
    wr_collector_ended(&done);
    ck_assert_double_ge(memstats().gc_cpu_fraction, 0);
    ck_assert_double_lt(memstats().gc_cpu_fraction, 1);
    done = cycle(45000 * MS, false);
    wr_collector_ended(&done);
    ck_assert_double_eq(memstats().gc_cpu_fraction, 1);
    scene_end();
}
END_TEST

START_TEST(a_child_goes_on_from_its_parents)
{
    struct wr_collection done = cycle(5 * MS, true);
    pid_t pid;

    scene_start(_i);
    wr_collector_set(percent, 50);
    wr_collector_ended(&done);
    pid = scene_fork();
    if (pid == 0) {
        scene_must(memstats().num_gc == 1);
        wr_collector_ended(&done);
        scene_must(memstats().num_gc == 2);
        scene_must(memstats().pause_total_ns == 10 * MS);
        scene_must(wr_collector_self()->percent == 50);
        scene_end();
        _exit(0);
    }
    scene_expect_success(pid);
    ck_assert_uint_eq(memstats().num_gc, 1);
    scene_end();
}
END_TEST

/* As in a child that was forked before its parent's thread came so far. */
START_TEST(no_more_cycles_are_forced_than_there_are)
{
    scene_start(false);
    wr_collector_add(forced, 1);
    ck_assert_uint_eq(memstats().num_gc, 0);
    ck_assert_uint_eq(memstats().num_forced_gc, 0);
    scene_end();
}
END_TEST

/* Its lines are those of test_gctrace.c. */
static void
three_cycles(void *unused)
{
    struct wr_collection done = cycle(5 * MS, false);

    (void)unused;
    scene_start(false);
    wr_collector_ended(&done);
    wr_collector_trace(true);
    done.forced = true;
    wr_collector_ended(&done);
    wr_collector_tell();
    wr_collector_trace(false);
    wr_collector_ended(&done);
    _exit(0);
}

START_TEST(a_line_is_printed_for_each_cycle_if_asked_for)
{
    struct unit_end end = unit_end_of(three_cycles, NULL);
    unsigned seconds, ms, percent;

    ck_assert_int_eq(end.status, 0);
    ck_assert_msg(
        sscanf(end.said, "gc 2 @%u.%us %u%%: ", &seconds, &ms, &percent) == 3,
        "%s", end.said);
    ck_assert_ptr_nonnull(strstr(end.said,
                                 "0 MB goal, 0 MB stacks, 0 MB globals, 2 P "
                                 "(forced)\n"));
    ck_assert_ptr_null(strstr(end.said, "gc 1"));
    ck_assert_ptr_null(strstr(end.said, "gc 3"));
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("region/collector");
    TCase *t = tcase_create("collector");

    tcase_add_loop_test(t, a_program_without_collected_blocks_has_no_entry, 0,
                        2);
    tcase_add_loop_test(t, cycles_are_counted_and_their_pauses_kept, 0, 2);
    tcase_add_test(t, the_share_of_time_is_between_none_and_all);
    tcase_add_loop_test(t, a_child_goes_on_from_its_parents, 0, 2);
    tcase_add_test(t, no_more_cycles_are_forced_than_there_are);
    tcase_add_test(t, a_line_is_printed_for_each_cycle_if_asked_for);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
