/* The pacer: its formulas by tables, and whole programs by simulation. */
#include "unit.h"

#include "base/base.h"
#include "limit/pacer.h"
#include "limit/policy.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define MS  UINT64_C(1000000)

static struct wr_pacer_heap
heap_of(uint64_t marked, int percent)
{
    return (struct wr_pacer_heap){.percent = percent,
                                  .marked = marked,
                                  .scanned = marked,
                                  .room.limit = WR_LIMIT_NONE};
}

/* ---- the goal ---- */

START_TEST(the_goal_is_percent_of_what_is_alive_and_of_the_roots_more)
{
    static const struct {
        uint64_t marked, stacks, globals; /* MiB */
        int percent;
        uint64_t goal; /* MiB */
    } at[] = {
        {0, 0, 0, 100, 4},       {1, 0, 0, 100, 4},
        {2, 0, 0, 100, 4},       {3, 0, 0, 100, 6},
        {100, 0, 0, 100, 200},   {100, 10, 20, 100, 230},
        {100, 10, 20, 50, 165},  {100, 0, 0, 200, 300},
        {100, 0, 0, 0, 100},     {0, 0, 0, 200, 8},
        {0, 0, 0, 50, 2},        {1024, 0, 0, 100, 2048},
        {1, 0, 0, 1000, 40},     {10, 0, 0, 1000, 110},
        {0, 100, 100, 100, 200}, {3, 0, 0, 25, 3 /* and 3/4 */},
    };

    for (size_t i = 0; i < wr_countof(at); i++) {
        struct wr_pacer_heap h = heap_of(at[i].marked * MIB, at[i].percent);

        h.stacks = at[i].stacks * MIB;
        h.globals = at[i].globals * MIB;
        ck_assert_msg(wr_pacer_plan(&h).goal / MIB == at[i].goal,
                      "row %zu: %" PRIu64, i, wr_pacer_plan(&h).goal);
        ck_assert(!wr_pacer_plan(&h).limited);
    }
}
END_TEST

START_TEST(off_means_never_unless_there_is_a_limit)
{
    struct wr_pacer_heap h = heap_of(100 * MIB, WR_PACER_OFF);
    struct wr_pacer_plan p = wr_pacer_plan(&h);

    ck_assert_uint_eq(p.goal, WR_PACER_NEVER);
    ck_assert_uint_eq(p.trigger, WR_PACER_NEVER);
    ck_assert(!p.limited);
    h.room = (struct wr_pacer_room){
        .limit = 1000 * MIB, .held = 150 * MIB, .blocks = 100 * MIB};
    p = wr_pacer_plan(&h);
    ck_assert(p.limited);
    ck_assert_uint_lt(p.trigger, p.goal);
    ck_assert_uint_lt(p.goal, 950 * MIB);
}
END_TEST

START_TEST(at_zero_percent_the_next_cycle_begins_at_once)
{
    struct wr_pacer_heap h = heap_of(0, 0);

    ck_assert_uint_eq(wr_pacer_plan(&h).trigger, 0);
    h = heap_of(7 * MIB, 0);
    ck_assert_uint_eq(wr_pacer_plan(&h).trigger, 7 * MIB);
}
END_TEST

/* Of 1000 MiB: what others have is not the heap's; what it is passed by counts
 * twice; three percent stay free; no goal lies below what is alive. */
START_TEST(the_limits_goal_leaves_room_for_the_rest_of_the_process)
{
    static const struct {
        uint64_t held, blocks, idle, marked, goal; /* MiB */
    } at[] = {
        {0, 0, 0, 0, 970},       {300, 100, 0, 0, 776},
        {300, 100, 200, 0, 970}, {300, 100, 900, 0, 970},
        {1100, 1000, 0, 0, 776}, {1100, 900, 200, 0, 873},
        {500, 500, 0, 990, 990}, {1600, 1000, 0, 400, 400},
        {9000, 100, 0, 77, 77},  {999, 0, 0, 1, 1},
        {997, 0, 0, 1, 2},
    };

    for (size_t i = 0; i < wr_countof(at); i++) {
        struct wr_pacer_room r = {.limit = 1000 * MIB,
                                  .held = at[i].held * MIB,
                                  .blocks = at[i].blocks * MIB,
                                  .idle = at[i].idle * MIB};
        uint64_t goal = wr_pacer_limit_goal(&r, at[i].marked * MIB);

        ck_assert_msg((goal + MIB / 2) / MIB == at[i].goal, "row %zu: %" PRIu64,
                      i, goal);
    }
}
END_TEST

START_TEST(the_lower_goal_counts)
{
    struct wr_pacer_heap h = heap_of(100 * MIB, 100);

    h.room = (struct wr_pacer_room){
        .limit = 10 * GIB, .held = 200 * MIB, .blocks = 150 * MIB};
    ck_assert_uint_eq(wr_pacer_plan(&h).goal, 200 * MIB);
    ck_assert(!wr_pacer_plan(&h).limited);
    h.room.limit = 180 * MIB;
    ck_assert(wr_pacer_plan(&h).limited);
    ck_assert_uint_lt(wr_pacer_plan(&h).goal, 130 * MIB);
    ck_assert_uint_ge(wr_pacer_plan(&h).goal, 100 * MIB);
}
END_TEST

START_TEST(a_goal_moves_up_for_a_late_start_but_not_at_the_limit)
{
    struct wr_pacer_heap h = heap_of(100 * MIB, 100);

    h.triggered = 300 * MIB;
    ck_assert_uint_eq(wr_pacer_plan(&h).goal, 300 * MIB + 65536);
    h.triggered = 150 * MIB;
    ck_assert_uint_eq(wr_pacer_plan(&h).goal, 200 * MIB);
    h.triggered = 0;
    h.swept_at = 205 * MIB;
    ck_assert_uint_eq(wr_pacer_plan(&h).goal, 205 * MIB);
    ck_assert_uint_eq(wr_pacer_plan(&h).trigger, 205 * MIB);
    h.room = (struct wr_pacer_room){.limit = 190 * MIB};
    ck_assert_uint_lt(wr_pacer_plan(&h).goal, 190 * MIB);
    ck_assert_uint_lt(wr_pacer_plan(&h).trigger, 190 * MIB);
}
END_TEST

/* ---- the trigger ---- */

START_TEST(a_cycle_begins_a_runway_before_its_goal_within_bounds)
{
    static const struct {
        uint64_t marked; /* MiB; the goal is twice it */
        double cons_mark;
        uint64_t trigger; /* KiB */
    } at[] = {
        /* 64 MiB in parts of 1 MiB: 32 and 61 of them are the bounds, but a
         * goal less 4 MiB may be later. */
        {64, 0, (64 + 61) * 1024},   {64, 0.01, (64 + 61) * 1024},
        {64, 0.02, 127139},          {64, 0.05, 121241},
        {64, 0.09, 113377},          {64, 0.1, 111411},
        {64, 0.2, (64 + 32) * 1024}, {64, 100, (64 + 32) * 1024},
        {1024, 0, 2044 * 1024},      {1024, 1e9, (1024 + 512) * 1024},
    };

    for (size_t i = 0; i < wr_countof(at); i++) {
        struct wr_pacer_heap h = heap_of(at[i].marked * MIB, 100);
        struct wr_pacer_plan p;

        h.cons_mark = at[i].cons_mark;
        p = wr_pacer_plan(&h);
        ck_assert_msg(p.trigger / 1024 == at[i].trigger,
                      "row %zu: %" PRIu64 " KiB", i, p.trigger / 1024);
    }
}
END_TEST

START_TEST(the_runway_is_what_is_allocated_while_a_quarter_marks)
{
    struct wr_pacer_heap h = heap_of(100 * MIB, 100);

    ck_assert_uint_eq(wr_pacer_runway(&h), 0); /* nothing is known yet */
    h.cons_mark = 1; /* three processors allocate while one marks */
    ck_assert_uint_eq(wr_pacer_runway(&h), 300 * MIB);
    h.stacks = 10 * MIB;
    h.globals = 30 * MIB;
    ck_assert_uint_eq(wr_pacer_runway(&h), 420 * MIB);
    h.scanned = 0; /* all of it noscan */
    ck_assert_uint_eq(wr_pacer_runway(&h), 120 * MIB);
    h.cons_mark = 1e30;
    ck_assert_uint_eq(wr_pacer_runway(&h), UINT64_MAX);
}
END_TEST

START_TEST(every_plan_keeps_its_order)
{
    uint64_t chance = unit_seed("every_plan_keeps_its_order");

    for (int i = 0; i < 200000; i++) {
        struct wr_pacer_heap h = heap_of(unit_below(&chance, 4 * GIB),
                                         -1 + (int)unit_below(&chance, 400));
        struct wr_pacer_plan p;

        h.scanned = unit_below(&chance, h.marked + 1);
        h.stacks = unit_below(&chance, 64 * MIB);
        h.cons_mark = (double)unit_below(&chance, 1000) / 500;
        if (unit_below(&chance, 3) == 0)
            h.swept_at = h.marked + unit_below(&chance, 64 * MIB);
        if (unit_below(&chance, 2) == 0) {
            h.room.limit = MIB + unit_below(&chance, 8 * GIB);
            h.room.held = unit_below(&chance, 8 * GIB);
            h.room.blocks = unit_below(&chance, 8 * GIB);
            h.room.idle = unit_below(&chance, 8 * GIB);
        }
        p = wr_pacer_plan(&h);
        if (p.trigger > p.goal)
            ck_abort_msg("a trigger beyond the goal");
        if (p.goal != WR_PACER_NEVER && p.trigger < h.marked)
            ck_abort_msg("a trigger below what is alive");
        if (p.limited && h.room.limit == WR_LIMIT_NONE)
            ck_abort_msg("a limit that is none");
    }
}
END_TEST

/* ---- rates ---- */

START_TEST(the_rate_is_bytes_allocated_over_bytes_marked_for_equal_time)
{
    struct wr_pacer_rates none = {0}, r;
    struct wr_pacer_cycle c = {.triggered = 100,
                               .reached = 400,
                               .work = 1000,
                               .mark_ns = 100,
                               .processors = 4};

    /* 300 bytes in three quarters, 1000 in one: 100 to 1000 in equal time. */
    r = wr_pacer_learn(none, &c);
    ck_assert_double_eq_tol(r.now, 0.1, 1e-9);
    c.assist_ns = 100; /* half of the time marks */
    r = wr_pacer_learn(none, &c);
    ck_assert_double_eq_tol(r.now, 0.3, 1e-9);
    c.idle_ns = 100; /* and what was idle; the program could have had it */
    r = wr_pacer_learn(none, &c);
    ck_assert_double_eq_tol(r.now, 0.45, 1e-9);
}
END_TEST

START_TEST(the_highest_rate_of_five_cycles_counts)
{
    struct wr_pacer_rates r = {0};
    static const unsigned grown[] = {30, 10, 10, 10, 10, 10, 50};
    static const double now[] = {.1, .1, .1, .1, .1, .1 / 3, .5 / 3};

    for (size_t i = 0; i < wr_countof(grown); i++) {
        struct wr_pacer_cycle c = {.triggered = 5,
                                   .reached = 5 + grown[i],
                                   .work = 100,
                                   .mark_ns = 1,
                                   .processors = 1};

        r = wr_pacer_learn(r, &c);
        ck_assert_msg(r.now - now[i] < 1e-9 && now[i] - r.now < 1e-9,
                      "cycle %zu: %g", i, r.now);
    }
}
END_TEST

START_TEST(a_cycle_that_says_nothing_changes_nothing)
{
    struct wr_pacer_rates was = {0.5, {0.1, 0.2, 0.5, 0.3}}, r;
    struct wr_pacer_cycle c = {.triggered = 7, .reached = 7, .work = 1};

    r = wr_pacer_learn(was, &c);
    ck_assert_mem_eq(&r, &was, sizeof r);
    c.reached = 3; /* counted late */
    r = wr_pacer_learn(was, &c);
    ck_assert_mem_eq(&r, &was, sizeof r);
    c = (struct wr_pacer_cycle){.triggered = 1, .reached = 7, .mark_ns = 1};
    r = wr_pacer_learn(was, &c);
    ck_assert_mem_eq(&r, &was, sizeof r);
    c.work = 1; /* no time, no processors, all of it assists */
    c.assist_ns = 1000;
    r = wr_pacer_learn(was, &c);
    ck_assert(r.now > 0 && r.now < 1e12);
}
END_TEST

/* ---- assists ---- */

START_TEST(work_is_spread_over_the_way_to_the_goal)
{
    struct wr_pacer_progress p = {.percent = 100,
                                  .goal = 200 * MIB,
                                  .triggered = 180 * MIB,
                                  .allocated = 180 * MIB,
                                  .expected = 100 * MIB,
                                  .most = 180 * MIB};

    ck_assert_double_eq_tol(wr_pacer_ratio(&p), 5, 1e-6);
    p.done = 50 * MIB; /* faster than the program */
    ck_assert_double_eq_tol(wr_pacer_ratio(&p), 2.5, 1e-6);
    p.allocated = 190 * MIB;
    ck_assert_double_eq_tol(wr_pacer_ratio(&p), 5, 1e-6);
    p.done = 100 * MIB; /* all that was expected: a little is always left */
    ck_assert_double_eq_tol(wr_pacer_ratio(&p), 1000.0 / (10 * MIB), 1e-9);
}
END_TEST

START_TEST(a_heap_that_grew_stretches_its_goal_within_the_percentage)
{
    struct wr_pacer_progress p = {.percent = 100,
                                  .goal = 200 * MIB,
                                  .triggered = 180 * MIB,
                                  .allocated = 190 * MIB,
                                  .expected = 100 * MIB,
                                  .most = 180 * MIB,
                                  .done = 100 * MIB + 1};

    /* The way of 20 for 100 becomes 36 for 180: 80 of work in 26. */
    ck_assert_double_eq_tol(wr_pacer_ratio(&p), 80.0 / 26, 1e-6);
    p.expected = 1; /* the first cycle: as far as twice the goal, not more */
    ck_assert_double_eq_tol(wr_pacer_ratio(&p), 80.0 / 210, 1e-6);
    p.percent = 10;
    ck_assert_double_eq_tol(wr_pacer_ratio(&p), 80.0 / 30, 1e-6);
}
END_TEST

START_TEST(past_the_goal_everything_is_done_in_a_tenth_more)
{
    struct wr_pacer_progress p = {.percent = 100,
                                  .goal = 200 * MIB,
                                  .triggered = 180 * MIB,
                                  .allocated = 210 * MIB,
                                  .expected = 100 * MIB,
                                  .most = 180 * MIB,
                                  .done = 80 * MIB};

    ck_assert_double_eq_tol(wr_pacer_ratio(&p), 100.0 / 10, 1e-6);
    p.allocated = 500 * MIB; /* whatever comes, it is a number */
    ck_assert_double_eq_tol(wr_pacer_ratio(&p), 100.0 * MIB, 1);
}
END_TEST

START_TEST(a_cycle_without_a_goal_asks_next_to_nothing)
{
    struct wr_pacer_progress p = {.percent = WR_PACER_OFF,
                                  .goal = WR_PACER_NEVER,
                                  .triggered = 100 * MIB,
                                  .allocated = 110 * MIB,
                                  .expected = 0,
                                  .most = 100 * MIB,
                                  .done = 50 * MIB};

    ck_assert(wr_pacer_ratio(&p) > 0);
    ck_assert(wr_pacer_ratio(&p) < 1e-9);
}
END_TEST

START_TEST(a_debt_is_paid_from_the_backgrounds_credit_first)
{
    static const struct {
        int64_t credit;
        uint64_t background, taken, to_do, settled;
    } at[] = {
        {0, 100, 0, 0, 0},
        {5, 100, 0, 0, 0},
        {-1, 0, 0, 65536, 65536},
        {-1, 1000, 1000, 64536, 65536},
        {-1, 1 << 20, 65536, 0, 65536},
        {-(1 << 20), 0, 0, 1 << 20, 1 << 20},
        {-(1 << 20), 1 << 19, 1 << 19, 1 << 19, 1 << 20},
        {INT64_MIN, 0, 0, (uint64_t)1 << 63, (uint64_t)1 << 63},
    };

    for (size_t i = 0; i < wr_countof(at); i++) {
        struct wr_pacer_bill b = wr_pacer_bill(at[i].credit, at[i].background);

        ck_assert_uint_eq(b.taken, at[i].taken);
        ck_assert_uint_eq(b.to_do, at[i].to_do);
        ck_assert_uint_eq(b.settled, at[i].settled);
    }
}
END_TEST

START_TEST(a_quarter_of_the_processors_marks)
{
    static const struct {
        unsigned processors, whole;
        double part;
    } at[] = {{0, 0, 0}, {1, 0, .25}, {2, 0, .5}, {3, 1, -.25}, {4, 1, 0},
              {5, 1, 0}, {6, 1, .5},  {8, 2, 0},  {12, 3, 0},   {64, 16, 0}};

    for (size_t i = 0; i < wr_countof(at); i++) {
        struct wr_pacer_markers m = wr_pacer_markers(at[i].processors);

        if (at[i].part < 0) { /* 1 would be a third too many */
            ck_assert_uint_eq(m.whole, 0);
            ck_assert_double_eq_tol(m.part, .75, 1e-9);
            continue;
        }
        ck_assert_uint_eq(m.whole, at[i].whole);
        ck_assert_double_eq_tol(m.part, at[i].part, 1e-9);
    }
}
END_TEST

/* ---- a program and its collector, simulated ----
 *
 * `processors` of which the markers' share marks at `mark` bytes per ns and
 * the rest allocates at `alloc` per ns; of it nothing lives on. Steps of 10
 * us; who owes work does it instead of allocating. */

struct simulated {
    double alloc, mark;
    uint64_t live;
    unsigned processors;
    uint64_t worst_over; /* goals passed by so many bytes */
    double assisted;     /* share of the program's time, of the last cycle */
};

static void
run_cycle(struct simulated *s, struct wr_pacer_rates *rates)
{
    struct wr_pacer_heap h = heap_of(s->live, 100);
    struct wr_pacer_plan plan;
    double step = 10000, time = 0, assist = 0;
    double program = s->processors * (1 - WR_PACER_SHARE);
    struct wr_pacer_progress p = {.percent = 100, .expected = s->live};

    h.cons_mark = rates->now;
    plan = wr_pacer_plan(&h);
    p.goal = plan.goal;
    p.triggered = p.allocated = plan.trigger;
    p.most = plan.trigger;
    while (p.done < s->live) {
        double ratio = wr_pacer_ratio(&p);
        double wanted = s->alloc * step * program;
        double marked = s->mark * step * s->processors * WR_PACER_SHARE;
        double debt = wanted * ratio - marked;
        double owed = debt > 0 ? debt : 0;
        double helped = owed / (s->mark * step * program);
        double share = helped / (1 + helped);

        p.allocated += (uint64_t)(wanted * (1 - share));
        p.done += (uint64_t)(marked + s->mark * step * program * share);
        assist += step * program * share;
        time += step;
    }
    s->worst_over = wr_max(
        s->worst_over, p.allocated > plan.goal ? p.allocated - plan.goal : 0);
    s->assisted = assist / (time * program);
    *rates = wr_pacer_learn(
        *rates, &(struct wr_pacer_cycle){.triggered = p.triggered,
                                         .reached = p.allocated,
                                         .work = p.done,
                                         .mark_ns = (uint64_t)time,
                                         .assist_ns = (uint64_t)assist,
                                         .processors = s->processors});
}

START_TEST(a_steady_program_soon_needs_no_assists)
{
    struct simulated s = {
        .alloc = 0.05, .mark = 1, .live = 512 * MIB, .processors = 4};
    struct wr_pacer_rates rates = {0};

    run_cycle(&s, &rates);
    ck_assert_double_gt(s.assisted, 0.01); /* nothing was known */
    for (int i = 0; i < 5; i++)
        run_cycle(&s, &rates);
    ck_assert_double_eq_tol(rates.now, 0.05, 0.005);
    ck_assert_double_lt(s.assisted, 0.005);
    ck_assert_uint_lt(s.worst_over, 512 * MIB / 100);
}
END_TEST

START_TEST(no_program_is_so_fast_that_it_passes_its_goal_by_much)
{
    struct simulated s = {
        .alloc = 10, .mark = 0.2, .live = 256 * MIB, .processors = 2};
    struct wr_pacer_rates rates = {0};

    for (int i = 0; i < 20; i++)
        run_cycle(&s, &rates);
    ck_assert_double_gt(s.assisted, 0.1); /* it is slowed down for it */
    ck_assert_uint_lt(s.worst_over, 256 * MIB / 20);
}
END_TEST

/* ---- what it may cost ---- */

START_TEST(the_bucket_fills_with_one_time_and_empties_with_the_other)
{
    struct wr_pacer_toll t = wr_pacer_toll(2);

    ck_assert_uint_eq(t.full_ns, 2000 * MS);
    ck_assert(!wr_pacer_is_limiting(t));
    t = wr_pacer_pour(t, 100 * MS, 300 * MS); /* never below nothing */
    ck_assert_uint_eq(t.filled_ns, 0);
    t = wr_pacer_pour(t, 1500 * MS, 0);
    t = wr_pacer_pour(t, 600 * MS, 200 * MS);
    ck_assert_uint_eq(t.filled_ns, 1900 * MS);
    ck_assert(!wr_pacer_is_limiting(t));
    t = wr_pacer_pour(t, 400 * MS, 100 * MS);
    ck_assert(wr_pacer_is_limiting(t)); /* by 200 */
    t = wr_pacer_pour(t, 50 * MS, 50 * MS);
    t = wr_pacer_pour(t, 0, 200 * MS);
    ck_assert(wr_pacer_is_limiting(t));
    t = wr_pacer_pour(t, 0, 1);
    ck_assert(!wr_pacer_is_limiting(t));
    ck_assert_uint_eq(t.over_ns, 0);
    t = wr_pacer_pour(t, 9000 * MS, 0); /* not for ever */
    ck_assert_uint_eq(t.filled_ns, 4000 * MS);
    ck_assert_uint_eq(t.over_ns, 7000 * MS - 1);
}
END_TEST

/* Whatever the collector would like: in the long run it has half. */
START_TEST(half_of_the_time_is_the_programs)
{
    uint64_t chance = unit_seed("half_of_the_time_is_the_programs");

    for (int round = 0; round < 20; round++) {
        struct wr_pacer_toll t = wr_pacer_toll(4);
        uint64_t gc = 0, program = 0;

        for (int i = 0; i < 20000; i++) {
            uint64_t step = 4 * unit_below(&chance, 10 * MS);
            uint64_t wants = step * (5 + unit_below(&chance, 6)) / 10;

            if (wr_pacer_is_limiting(t))
                wants = step / 4;
            gc += wants;
            program += step - wants;
            t = wr_pacer_pour(t, wants, step - wants);
        }
        if (gc > program + t.full_ns + 40 * MS)
            ck_abort_msg("%" PRIu64 " ms against %" PRIu64, gc / MS,
                         program / MS);
    }
}
END_TEST

/* ---- young cycles ---- */

START_TEST(cycles_are_young_while_half_of_the_room_below_the_goal_is_left)
{
    static const struct {
        uint64_t goal, full, live;
        bool young;
    } rows[] = {
        {16, 8, 8, true},
        {16, 8, 12, true},
        {16, 8, 13, false},
        {16, 8, 16, false},
        {16, 8, 20, false}, /* past the goal */
        {16, 8, 2, true},   /* much was freed by hand */
        {16, 20, 15, true}, /* the goal came down */
        {WR_PACER_NEVER, 8, 8, false},
    };

    for (size_t i = 0; i < wr_countof(rows); i++) {
        struct wr_pacer_age a = {
            .goal = rows[i].goal, .full = rows[i].full, .live = rows[i].live};

        ck_assert_msg(wr_pacer_is_young(&a) == rows[i].young, "row %zu", i);
    }
}
END_TEST

START_TEST(
    young_cycles_with_half_the_work_of_a_full_one_are_given_up_for_a_while)
{
    struct wr_pacer_age a = {.goal = 16, .full = 8, .live = 8};

    a = wr_pacer_grow_older(a, false, 1000);
    a = wr_pacer_grow_older(a, true, 500);
    ck_assert(wr_pacer_is_young(&a));
    a = wr_pacer_grow_older(a, true, 501);
    for (int i = 0; i < WR_PACER_PATIENCE; i++) {
        ck_assert(!wr_pacer_is_young(&a));
        a = wr_pacer_grow_older(a, false, 2000);
    }
    ck_assert(wr_pacer_is_young(&a));
    a = wr_pacer_grow_older(a, true, 1000); /* half of the last one's */
    ck_assert(wr_pacer_is_young(&a));
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("limit/pacer");
    TCase *t = tcase_create("pacer");

    tcase_add_test(t,
                   the_goal_is_percent_of_what_is_alive_and_of_the_roots_more);
    tcase_add_test(t, off_means_never_unless_there_is_a_limit);
    tcase_add_test(t, at_zero_percent_the_next_cycle_begins_at_once);
    tcase_add_test(t, the_limits_goal_leaves_room_for_the_rest_of_the_process);
    tcase_add_test(t, the_lower_goal_counts);
    tcase_add_test(t, a_goal_moves_up_for_a_late_start_but_not_at_the_limit);
    tcase_add_test(t, a_cycle_begins_a_runway_before_its_goal_within_bounds);
    tcase_add_test(t, the_runway_is_what_is_allocated_while_a_quarter_marks);
    tcase_add_test(t, every_plan_keeps_its_order);
    tcase_add_test(
        t, the_rate_is_bytes_allocated_over_bytes_marked_for_equal_time);
    tcase_add_test(t, the_highest_rate_of_five_cycles_counts);
    tcase_add_test(t, a_cycle_that_says_nothing_changes_nothing);
    tcase_add_test(t, work_is_spread_over_the_way_to_the_goal);
    tcase_add_test(t,
                   a_heap_that_grew_stretches_its_goal_within_the_percentage);
    tcase_add_test(t, past_the_goal_everything_is_done_in_a_tenth_more);
    tcase_add_test(t, a_cycle_without_a_goal_asks_next_to_nothing);
    tcase_add_test(t, a_debt_is_paid_from_the_backgrounds_credit_first);
    tcase_add_test(t, a_quarter_of_the_processors_marks);
    tcase_add_test(t, a_steady_program_soon_needs_no_assists);
    tcase_add_test(t, no_program_is_so_fast_that_it_passes_its_goal_by_much);
    tcase_add_test(t,
                   the_bucket_fills_with_one_time_and_empties_with_the_other);
    tcase_add_test(t, half_of_the_time_is_the_programs);
    tcase_add_test(
        t, cycles_are_young_while_half_of_the_room_below_the_goal_is_left);
    tcase_add_test(
        t,
        young_cycles_with_half_the_work_of_a_full_one_are_given_up_for_a_while);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
