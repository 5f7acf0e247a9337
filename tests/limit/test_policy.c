/* The arithmetic of the soft limit. */
#include "unit.h"

#include "base/base.h"
#include "limit/policy.h"

#define MIB ((uint64_t)1 << 20)
#define MS  UINT64_C(1000000)

static struct wr_moment
moment(uint64_t held)
{
    return (struct wr_moment){.limit = 1000 * MIB, .held = held, .heap = held};
}

START_TEST(without_a_limit_nothing_is_wanted)
{
    struct wr_moment m = {.limit = WR_LIMIT_NONE,
                          .hard = true,
                          .held = UINT64_MAX / 2,
                          .was = WEIR_PRESSURE_FULL};
    struct wr_plan p = wr_policy_plan(&m);

    ck_assert_int_eq(p.level, WEIR_PRESSURE_NONE);
    ck_assert_uint_eq(p.wanted, 0);
    ck_assert_uint_eq(p.alarm, UINT64_MAX);
    ck_assert_uint_eq(p.ceiling, UINT64_MAX);
    ck_assert_uint_eq(p.again_ns, 1000 * MS);
}
END_TEST

START_TEST(levels_begin_and_end_at_their_lines)
{
    static const struct {
        unsigned held; /* MiB of 1000 */
        enum weir_pressure_level was, is;
    } at[] = {
        {0, 0, 0},   {899, 0, 0},  {900, 0, 1},  {949, 0, 1}, {950, 0, 2},
        {999, 0, 2}, {1000, 0, 3}, {5000, 0, 3}, {999, 3, 3}, {970, 3, 3},
        {969, 3, 2}, {920, 3, 2},  {919, 3, 1},  {870, 3, 1}, {869, 3, 0},
        {0, 3, 0},   {949, 2, 2},  {920, 2, 2},  {919, 2, 1}, {899, 1, 1},
        {870, 1, 1}, {869, 1, 0},  {1000, 1, 3}, {950, 3, 2}, {900, 2, 1},
    };

    for (size_t i = 0; i < wr_countof(at); i++) {
        struct wr_moment m = moment(at[i].held * MIB);

        m.was = at[i].was;
        ck_assert_msg(wr_policy_plan(&m).level == at[i].is,
                      "%u after level %d gives %d", at[i].held, at[i].was,
                      wr_policy_plan(&m).level);
    }
}
END_TEST

START_TEST(what_is_wanted_brings_it_to_85_percent)
{
    struct wr_moment m = moment(899 * MIB);

    ck_assert_uint_eq(wr_policy_plan(&m).wanted, 0);
    m = moment(900 * MIB);
    ck_assert_uint_eq(wr_policy_plan(&m).wanted, 50 * MIB);
    m = moment(1200 * MIB);
    ck_assert_uint_eq(wr_policy_plan(&m).wanted, 350 * MIB);
}
END_TEST

START_TEST(lines_of_the_heap_leave_room_for_what_is_not_the_heaps)
{
    struct wr_moment m = moment(500 * MIB);

    m.hard = true;
    ck_assert_uint_eq(wr_policy_plan(&m).alarm, 900 * MIB);
    ck_assert_uint_eq(wr_policy_plan(&m).ceiling, 1000 * MIB);
    m.heap = 400 * MIB; /* 100 are others' */
    ck_assert_uint_eq(wr_policy_plan(&m).alarm, 800 * MIB);
    ck_assert_uint_eq(wr_policy_plan(&m).ceiling, 900 * MIB);
    m.heap = 700 * MIB; /* 200 of it are not there */
    ck_assert_uint_eq(wr_policy_plan(&m).alarm, 1100 * MIB);
    m.held = 3000 * MIB;
    m.heap = 0; /* others have it all */
    ck_assert_uint_eq(wr_policy_plan(&m).alarm, 0);
    ck_assert_uint_eq(wr_policy_plan(&m).ceiling, 0);
    m.hard = false;
    ck_assert_uint_eq(wr_policy_plan(&m).ceiling, UINT64_MAX);
}
END_TEST

START_TEST(the_nearer_and_the_faster_the_sooner_it_looks_again)
{
    static const struct {
        unsigned held, rate; /* MiB, MiB/s */
        uint64_t ms;
    } at[] = {
        {100, 0, 1000},  {699, 0, 1000}, {700, 0, 250},    {849, 0, 250},
        {850, 0, 100},   {900, 0, 20},   {2000, 0, 5},     {100, 900, 250},
        {100, 9000, 25}, {500, 1, 1000}, {990, 100000, 5}, {900, 1, 20},
    };

    for (size_t i = 0; i < wr_countof(at); i++) {
        struct wr_moment m = moment(at[i].held * MIB);

        m.rate = at[i].rate * MIB;
        ck_assert_msg(wr_policy_plan(&m).again_ns == at[i].ms * MS,
                      "%u MiB, %u MiB/s: %" PRIu64 " ms", at[i].held,
                      at[i].rate, wr_policy_plan(&m).again_ns / MS);
    }
}
END_TEST

START_TEST(what_may_be_touched_again_unseen_is_looked_at_often)
{
    struct wr_moment m = moment(300 * MIB);

    m.heap = 600 * MIB;
    ck_assert_uint_eq(wr_policy_plan(&m).again_ns, 1000 * MS);
    m.heap = 950 * MIB;
    ck_assert_uint_eq(wr_policy_plan(&m).again_ns, 20 * MS);
}
END_TEST

START_TEST(a_share_is_exact_and_never_overflows)
{
    ck_assert_uint_eq(wr_policy_share(1000, 900), 900);
    ck_assert_uint_eq(wr_policy_share(1, 999), 0);
    ck_assert_uint_eq(wr_policy_share(UINT64_MAX, 1000), UINT64_MAX);
    ck_assert_uint_eq(wr_policy_share(UINT64_MAX, 500), UINT64_MAX / 2);
}
END_TEST

START_TEST(headroom_is_a_tenth_and_at_most_256_mib)
{
    ck_assert_uint_eq(wr_policy_headroom(0), 0);
    ck_assert_uint_eq(wr_policy_headroom(100 * MIB), 90 * MIB);
    ck_assert_uint_eq(wr_policy_headroom(2560 * MIB), 2304 * MIB);
    ck_assert_uint_eq(wr_policy_headroom(65536 * MIB), 65280 * MIB);
}
END_TEST

START_TEST(a_deadline_can_be_kept)
{
    ck_assert_uint_eq(wr_policy_deadline(0, 0), 10 * MS);
    ck_assert_uint_eq(wr_policy_deadline(300 * MS, 0), 300 * MS);
    ck_assert_uint_eq(wr_policy_deadline(UINT64_MAX, 0), 1000 * MS);
    ck_assert_uint_eq(wr_policy_deadline(0, 10 * MS), 20 * MS);
    ck_assert_uint_eq(wr_policy_deadline(30 * MS, 10 * MS), 30 * MS);
    ck_assert_uint_eq(wr_policy_deadline(0, 900 * MS), 1000 * MS);
}
END_TEST

START_TEST(a_rate_follows_what_happens_whatever_the_steps)
{
    int64_t one = 0, many = 0;

    for (int i = 0; i < 60; i++)
        one = wr_policy_rate(one, 1000, 1000 * MS);
    for (int i = 0; i < 6000; i++)
        many = wr_policy_rate(many, 10, 10 * MS);
    ck_assert_int_ge(one, 990);
    ck_assert_int_le(one, 1000);
    ck_assert_int_ge(many, 900); /* whole bytes */
    ck_assert_int_le(many, 1000);
    for (int i = 0; i < 60; i++)
        one = wr_policy_rate(one, -5000, 1000 * MS);
    ck_assert_int_le(one, -4990);
    ck_assert_int_eq(wr_policy_rate(800, 0, 1000 * MS), 400);
}
END_TEST

START_TEST(the_time_to_a_limit_is_the_way_by_the_speed)
{
    ck_assert_uint_eq(wr_policy_until(10, 20, 5), 2000 * MS);
    ck_assert_uint_eq(wr_policy_until(20, 20, 5), 0);
    ck_assert_uint_eq(wr_policy_until(30, 20, -5), 0);
    ck_assert_uint_eq(wr_policy_until(10, 20, 0), UINT64_MAX);
    ck_assert_uint_eq(wr_policy_until(10, 20, -1), UINT64_MAX);
    ck_assert_uint_eq(wr_policy_until(0, UINT64_MAX, 1), UINT64_MAX);
}
END_TEST

START_TEST(thresholds_are_reached_at_their_line_and_left_below_it)
{
    static const unsigned at[] = {50, 70, 90};
    static const struct {
        unsigned was, held, is;
    } is[] = {{0, 499, 0}, {0, 500, 1}, {0, 700, 2}, {0, 5000, 3}, {1, 451, 1},
              {1, 450, 1}, {1, 449, 0}, {3, 850, 3}, {3, 849, 2},  {3, 650, 2},
              {3, 649, 1}, {3, 0, 0},   {2, 899, 2}, {2, 900, 3},  {9, 900, 3}};

    for (size_t i = 0; i < wr_countof(is); i++)
        ck_assert_msg(wr_policy_passed(at, 3, 5, is[i].was, is[i].held, 1000) ==
                          is[i].is,
                      "%u after %u", is[i].held, is[i].was);
    ck_assert_uint_eq(wr_policy_passed(at, 3, 5, 3, 5000, WR_LIMIT_NONE), 0);
    ck_assert_uint_eq(wr_policy_passed(at, 0, 5, 0, 5000, 1000), 0);
}
END_TEST

/* However plans follow each other: what holds of each. */
START_TEST(every_plan_is_sane)
{
    uint64_t chance = unit_seed("every_plan_is_sane");
    enum weir_pressure_level was = WEIR_PRESSURE_NONE;

    for (int i = 0; i < 200000; i++) {
        struct wr_moment m = {.limit = MIB + unit_below(&chance, 4096 * MIB),
                              .hard = unit_below(&chance, 2),
                              .was = was};
        struct wr_plan p;

        m.held = unit_below(&chance, m.limit + m.limit / 4);
        m.heap = unit_below(&chance, 2 * m.limit);
        m.rate = unit_below(&chance, 2) ? 0 : unit_below(&chance, m.limit);
        p = wr_policy_plan(&m);
        if ((p.level == WEIR_PRESSURE_FULL) !=
            (m.held >= m.limit || (was == WEIR_PRESSURE_FULL &&
                                   m.held >= wr_policy_share(m.limit, 970))))
            ck_abort_msg("level %d", p.level);
        if ((p.wanted != 0) != (p.level != WEIR_PRESSURE_NONE))
            ck_abort_msg("wanted %" PRIu64 " at level %d", p.wanted, p.level);
        if (p.wanted > m.held || p.alarm > p.ceiling)
            ck_abort_msg("more than there is");
        if (p.again_ns < 5 * MS || p.again_ns > 1000 * MS)
            ck_abort_msg("again after %" PRIu64, p.again_ns);
        was = p.level;
    }
}
END_TEST

START_TEST(work_takes_half_of_all_time_at_most)
{
    uint64_t chance = unit_seed("work_takes_half_of_all_time_at_most");

    for (int round = 0; round < 50; round++) {
        struct wr_toll t = {0};
        uint64_t now = 1000 * MS, begin = now, work = 0;
        uint64_t longest = 1 + unit_below(&chance, 10 * MS);

        for (int i = 0; i < 5000; i++) {
            if (wr_toll_enter(&t, now)) {
                uint64_t spent = unit_below(&chance, longest);

                now += spent;
                work += wr_toll_leave(&t, now);
            }
            now += unit_below(&chance, longest / 4 + 1);
        }
        if (work > (now - begin) / 2 + WR_TOLL_FULL_NS + longest)
            ck_abort_msg("%" PRIu64 " of %" PRIu64, work, now - begin);
        /* It is a limit, not a brake: wanted more, half is had. */
        if (work < (now - begin) / 2 - WR_TOLL_FULL_NS - longest)
            ck_abort_msg("only %" PRIu64 " of %" PRIu64, work, now - begin);
        ck_assert_uint_gt(t.skipped, 0);
    }
}
END_TEST

START_TEST(one_at_a_time_is_inside_and_the_clock_may_be_read_late)
{
    struct wr_toll t = {0};

    ck_assert(wr_toll_enter(&t, 100 * MS));
    ck_assert(!wr_toll_enter(&t, 100 * MS));
    ck_assert(wr_toll_allows(&t, 120 * MS));
    ck_assert(!wr_toll_allows(&t, 140 * MS));
    ck_assert_uint_eq(wr_toll_leave(&t, 120 * MS), 20 * MS);
    ck_assert(wr_toll_enter(&t, 110 * MS)); /* read before the other left */
    ck_assert_uint_eq(wr_toll_leave(&t, 115 * MS), 0);
    ck_assert_uint_eq(t.filled_ns, 10 * MS);
    ck_assert_uint_eq(t.skipped, 0);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("limit/policy");
    TCase *t = tcase_create("policy");

    tcase_add_test(t, without_a_limit_nothing_is_wanted);
    tcase_add_test(t, levels_begin_and_end_at_their_lines);
    tcase_add_test(t, what_is_wanted_brings_it_to_85_percent);
    tcase_add_test(t, lines_of_the_heap_leave_room_for_what_is_not_the_heaps);
    tcase_add_test(t, the_nearer_and_the_faster_the_sooner_it_looks_again);
    tcase_add_test(t, what_may_be_touched_again_unseen_is_looked_at_often);
    tcase_add_test(t, a_share_is_exact_and_never_overflows);
    tcase_add_test(t, headroom_is_a_tenth_and_at_most_256_mib);
    tcase_add_test(t, a_deadline_can_be_kept);
    tcase_add_test(t, a_rate_follows_what_happens_whatever_the_steps);
    tcase_add_test(t, the_time_to_a_limit_is_the_way_by_the_speed);
    tcase_add_test(t, thresholds_are_reached_at_their_line_and_left_below_it);
    tcase_add_test(t, every_plan_is_sane);
    tcase_add_test(t, work_takes_half_of_all_time_at_most);
    tcase_add_test(t, one_at_a_time_is_inside_and_the_clock_may_be_read_late);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
