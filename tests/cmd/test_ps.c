/* weir ps: which programs run, in a table and as JSON. */
#include "cmd/talk.h"

#include "weir/place.h"

/* The row of a process, without the line's end; NULL: none. */
static const char *
row_of(const struct program *p)
{
    static char row[400];
    char start[16];
    snprintf(start, sizeof start, "%7d  ", (int)p->pid);
    const char *at = strstr(said.out, start);
    if (!at)
        return NULL;
    snprintf(row, sizeof row, "%.*s", (int)strcspn(at, "\n"), at);
    return row;
}

#define assert_row(p, words)                                                   \
    ck_assert_msg(row_of(p) && strstr(row_of(p), words), "%s", said.out)

static void
started(uint64_t seconds_ago)
{
    one.region->header.start_ns =
        wr_clock_ns(CLOCK_REALTIME) - seconds_ago * 1000000000u;
    ck_assert_int_eq(talk(wr_cmd_ps, "ps"), 0);
}

START_TEST(a_running_program_has_a_row)
{
    ck_assert_int_eq(talk(wr_cmd_ps, "ps"), 0);
    assert_out("PID  PROGRAM");
    assert_row(&one, "holder");
    assert_row(&one, "  -"); /* nobody serves it */
}
END_TEST

START_TEST(an_ended_program_has_none)
{
    struct program two;
    program_start(&two, region_dir, "other");
    program_kill(&two);
    ck_assert_int_eq(talk(wr_cmd_ps, "ps"), 0);
    ck_assert_ptr_nonnull(row_of(&one));
    ck_assert_ptr_null(row_of(&two));
    munmap(two.region, sizeof *two.region);
}
END_TEST

START_TEST(the_time_since_the_start_is_in_two_units)
{
    started(7);
    assert_row(&one, " 7s ");
    started(125);
    assert_row(&one, " 2m05s ");
    started(3 * 3600 + 7 * 60);
    assert_row(&one, " 3h07m ");
    started(49 * 3600);
    assert_row(&one, " 2d01h ");
}
END_TEST

START_TEST(a_start_in_the_future_is_no_time_ago)
{
    one.region->header.start_ns = wr_clock_ns(CLOCK_REALTIME) + 1000000000000u;
    ck_assert_int_eq(talk(wr_cmd_ps, "ps"), 0);
    assert_row(&one, " 0s ");
}
END_TEST

START_TEST(sampling_that_is_off_is_a_mean_of_none)
{
    one.region->header.sample_rate = 0;
    ck_assert_int_eq(talk(wr_cmd_ps, "ps", "--json"), 0);
    assert_out("\"sample_bytes\":0,");
}
END_TEST

/* A minute of history with that growth a second, up to now. */
static void
grow(uint64_t bytes, uint64_t limit)
{
    struct fake *f = one.region;
    f->header.start_ns = wr_clock_ns(CLOCK_REALTIME) - 70000000000;
    f->header.counters.large_alloc_bytes = 60 * bytes + 1000000;
    f->header.counters.large_free_bytes = 1000000;
    for (uint64_t i = 0; i < 61; i++) {
        struct wr_point p = {.uptime_ns = (9 + i) * 1000000000,
                             .live_bytes = i * bytes,
                             .limit = limit};
        fake_point(f, i, &p);
    }
}

START_TEST(growth_and_limit_come_from_the_history)
{
    grow(1000000, UINT64_C(1) << 40);
    ck_assert_int_eq(talk(wr_cmd_ps, "ps"), 0);
    assert_row(&one, "0%  growing  ");
    assert_row(&one, " +5");
    ck_assert_int_eq(talk(wr_cmd_ps, "ps", "--json"), 0);
    assert_out("\"growth_bytes_per_min\":5");
    assert_out("\"limit_bytes\":1099511627776,\"signs\":[\"growing\"]}");
}
END_TEST

START_TEST(without_history_growth_and_limit_are_unknown)
{
    ck_assert_int_eq(talk(wr_cmd_ps, "ps", "--json"), 0);
    assert_out("\"growth_bytes_per_min\":null,\"limit_bytes\":null,"
               "\"signs\":[]}");
}
END_TEST

START_TEST(a_program_in_trouble_has_signs)
{
    grow(0, 100000); /* less than the process has */
    one.region->header.counters.map_failures = 1;
    ck_assert_int_eq(talk(wr_cmd_ps, "ps"), 0);
    assert_row(&one, "%  refused,limit ");
    ck_assert_int_eq(talk(wr_cmd_ps, "ps", "--json"), 0);
    assert_out("\"signs\":[\"map_failures\",\"near_limit\"]}");
}
END_TEST

START_TEST(the_address_is_that_of_the_directorys_server)
{
    wr_place_set_address(region_dir, "127.0.0.1:6060");
    ck_assert_int_eq(talk(wr_cmd_ps, "ps"), 0);
    assert_row(&one, "  127.0.0.1:6060");
}
END_TEST

START_TEST(a_runs_own_server_comes_before_the_directorys)
{
    char run[128];
    struct program two;
    snprintf(run, sizeof run, "%s/run-1-2", region_dir);
    ck_assert_int_eq(mkdir(run, 0700), 0);
    program_start(&two, run, "child");
    wr_place_set_address(region_dir, "127.0.0.1:6060");
    ck_assert_int_eq(talk(wr_cmd_ps, "ps"), 0);
    assert_row(&two, "  127.0.0.1:6060");
    wr_place_set_address(run, "127.0.0.1:7070");
    ck_assert_int_eq(talk(wr_cmd_ps, "ps"), 0);
    assert_row(&two, "  127.0.0.1:7070");
    assert_row(&one, "  127.0.0.1:6060");
    program_end(&two);
}
END_TEST

START_TEST(json_has_the_same_in_plain_numbers)
{
    char start[64];
    ck_assert_int_eq(talk(wr_cmd_ps, "ps", "--json"), 0);
    snprintf(start, sizeof start, "{\"pid\":%d,\"program\":\"holder\"",
             (int)one.pid);
    assert_out(start);
    assert_out("\"sample_bytes\":4096,\"address\":\"\"");
    assert_out(one.path);
    ck_assert_int_eq(said.out[0], '[');
}
END_TEST

START_TEST(a_name_that_is_no_json_is_escaped)
{
    snprintf(one.region->header.exe, sizeof one.region->header.exe,
             "/bin/a\"b\n\\c");
    ck_assert_int_eq(talk(wr_cmd_ps, "ps", "-j"), 0);
    assert_out("\"program\":\"a\\\"b\\u000a\\\\c\"");
}
END_TEST

START_TEST(wrong_options_are_wrong_usage)
{
    ck_assert_int_eq(talk(wr_cmd_ps, "ps", "--bogus"), WR_EXIT_USAGE);
    ck_assert_int_eq(talk(wr_cmd_ps, "ps", "more"), WR_EXIT_USAGE);
    assert_err("weir help ps");
    ck_assert_str_eq(said.out, "");
    ck_assert_int_eq(talk(wr_cmd_ps, "ps", "--help"), 0);
    assert_out("usage: weir ps");
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("ps");
    tcase_add_checked_fixture(t, talk_setup_one, talk_teardown_one);
    tcase_add_test(t, a_running_program_has_a_row);
    tcase_add_test(t, an_ended_program_has_none);
    tcase_add_test(t, the_time_since_the_start_is_in_two_units);
    tcase_add_test(t, a_start_in_the_future_is_no_time_ago);
    tcase_add_test(t, sampling_that_is_off_is_a_mean_of_none);
    tcase_add_test(t, growth_and_limit_come_from_the_history);
    tcase_add_test(t, without_history_growth_and_limit_are_unknown);
    tcase_add_test(t, a_program_in_trouble_has_signs);
    tcase_add_test(t, the_address_is_that_of_the_directorys_server);
    tcase_add_test(t, a_runs_own_server_comes_before_the_directorys);
    tcase_add_test(t, json_has_the_same_in_plain_numbers);
    tcase_add_test(t, a_name_that_is_no_json_is_escaped);
    tcase_add_test(t, wrong_options_are_wrong_usage);
    return run_case(t, "ps");
}
