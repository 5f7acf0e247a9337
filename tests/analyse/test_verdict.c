/* Verdicts on simulated programs: each class and its healthy twin, at many
 * speeds and sizes, with noise. The table of who is taken for what is printed;
 * how often which may be wrong is fixed here, the same for all. */
#include "analyse/verdict.h"

#include <math.h>
#include "analyse/end.h"
#include "base/base.h"
#include "unit.h"

#define MIB   1048576.0
#define MOST  700
#define SEEDS 12

static struct wr_state state[MOST];
static struct wr_facts f;
static struct wr_end end;
static struct wr_verdict v;
static uint64_t chance;

static double
uniform(void)
{
    return (double)unit_below(&chance, 1u << 30) / (1u << 30);
}

/* As likely between 1 and 10 as between 10 and 100. */
static double
between(double from, double to)
{
    return from * pow(to / from, uniform());
}

static void
begin(uint64_t seed)
{
    chance = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    wr_end_init(&end);
    end.how = WR_END_RUNS;
    end.memory_total = 64 * 1024 * MIB;
    end.memory_available = 32 * 1024 * MIB;
    f = (struct wr_facts){.state = state,
                          .end = &end,
                          .ceiling = 1024 * MIB,
                          .limited = true,
                          .old_share = NAN,
                          .proved = NAN,
                          .descriptor_limit = 1024,
                          .descriptors = 20};
}

static void
killed(void)
{
    end.how = WR_END_SIGNAL;
    end.killer = WR_KILLER_GROUP;
}

/* The program as it is at a second, with the noise of its work: requests that
 * come and go in saws of different lengths. */
static void
at(double second, double live)
{
    double base = fmax(live, MIB);
    double saw = fmod(second * 0.37, 1) * 0.08 * base;
    double noise = uniform() * 0.05 * base;
    double all = live + saw + noise;
    state[f.states++] = (struct wr_state){.at = second,
                                          .live = all,
                                          .kept = all * 1.1 + MIB,
                                          .rss = all * 1.1 + 9 * MIB,
                                          .threads = 4};
    f.now = second;
}

/* --- The kinds ----------------------------------------------------------- */

static void
steady(void)
{
    double level = between(5, 800) * MIB;
    for (int s = 1; s <= 600; s++)
        at(s, level);
}

static void
diurnal(void)
{
    double level = between(20, 400) * MIB, phase = uniform() * 6.28;
    for (int s = 1; s <= 600; s++)
        at(s, level * (1 + 0.3 * sin(phase + s / 60.0)));
}

static void
step(void)
{
    double level = between(20, 300) * MIB, when = 100 + 400 * uniform();
    for (int s = 1; s <= 600; s++)
        at(s, s < when ? level : level * 1.8);
}

static void
batches(void)
{
    double level = between(20, 100) * MIB, every = 20 + 60 * uniform();
    for (int s = 1; s <= 600; s++)
        at(s, level * (fmod(s, every) < every / 3 ? 4 : 1));
}

static void
warm_up(void)
{
    double level = between(50, 700) * MIB, pace = 60 + 120 * uniform();
    for (int s = 1; s <= 600; s++)
        at(s, level * (1 - exp(-s / pace)));
}

/* Fills a tenth to all of the ceiling in the ten minutes that are seen. */
static void
leak(void)
{
    double rate = between(0.1, 0.6) * f.ceiling / 600;
    double base = between(5, 100) * MIB;
    for (int s = 1; s <= 600; s++)
        at(s, base + rate * s);
}

/* Well for a long time first; a search knows. */
static void
late_leak(void)
{
    double rate = between(0.2, 0.6) * f.ceiling / 600;
    double base = between(5, 60) * MIB, onset = 300 + 200 * uniform();
    for (int s = 1; s <= 600; s++)
        at(s, base + rate * fmax(s - onset, 0));
    f.proved = rate * (600 - onset);
}

static void
proved_leak(void)
{
    leak();
    f.proved = 0.9 * (state[f.states - 1].live - state[0].live);
}

static void
leak_to_death(void)
{
    double rate = f.ceiling / (700 + 800 * uniform());
    for (int s = 1; s <= 600; s++)
        at(s, f.ceiling - rate * (600 - s));
    killed();
    f.largest.bytes = MIB;
}

static void
cache(void)
{
    leak();
    f.proved = 0;
}

static void
sudden_death(void)
{
    double start = 5 + 100 * uniform(), takes = 2 + 40 * uniform();
    double base = between(5, 200) * MIB;
    for (int s = 1; s <= start; s++)
        at(s, base);
    for (double s = 1; s <= takes; s++)
        at(floor(start) + s, base + (f.ceiling - base) * s / takes);
    killed();
    f.largest.bytes = 10 * MIB;
}

static void
huge_death(void)
{
    double base = between(5, 200) * MIB;
    for (int s = 1; s <= 5 + 300 * uniform(); s++)
        at(s, base);
    at(f.now + 1, base + f.ceiling / 2);
    killed();
    f.largest.bytes = f.ceiling * (0.3 + uniform());
}

static void
many_threads(void)
{
    double rate = between(0.05, 2);
    steady();
    for (size_t i = 0; i < f.states; i++)
        state[i].threads = 4 + floor(rate * state[i].at);
}

/* A pool that grows with the load and shrinks again. */
static void
thread_pool(void)
{
    steady();
    for (size_t i = 0; i < f.states; i++)
        state[i].threads = 4 + floor(12 * (1 + sin(state[i].at / 40)));
}

static void
descriptors(void)
{
    steady();
    f.descriptors = 400, f.descriptors_grown = 380, f.descriptors_rise = true;
}

static void
fragments(void)
{
    double level = between(100, 800) * MIB, left = 0.05 + 0.3 * uniform();
    for (int s = 1; s <= 600; s++) {
        at(s, s < 200 ? level : level * left);
        state[f.states - 1].kept = fmax(level, state[f.states - 1].live);
        state[f.states - 1].rss = state[f.states - 1].kept + 9 * MIB;
    }
}

/* It frees most, and the heap gives it back. */
static void
shrinks(void)
{
    double level = between(100, 800) * MIB, left = 0.05 + 0.3 * uniform();
    for (int s = 1; s <= 600; s++)
        at(s, s < 200 ? level : level * left);
}

static void
foreign(void)
{
    double rate = between(0.2, 1) * MIB;
    steady();
    for (size_t i = 0; i < f.states; i++)
        state[i].rss += rate * state[i].at;
}

/* A large file is mapped, and stays. */
static void
mapped_file(void)
{
    steady();
    for (size_t i = 0; i < f.states; i++)
        state[i].rss += 300 * MIB;
}

static void
system_short(void)
{
    steady();
    end.how = WR_END_SIGNAL, end.killer = WR_KILLER_SYSTEM;
}

static void
stack(void)
{
    steady();
    f.stack_overflow = true;
}

static const struct kind {
    const char *name;
    void (*play)(void);
    enum wr_verdict_class is, also; /* also: as good */
    unsigned wrong;                 /* at most, of SEEDS */
} kinds[] = {
    {"steady", steady, WR_VERDICT_HEALTHY, 0, 0},
    {"day and night", diurnal, WR_VERDICT_HEALTHY, WR_VERDICT_WARM_UP, 1},
    {"step", step, WR_VERDICT_HEALTHY, WR_VERDICT_WARM_UP, 0},
    {"batches", batches, WR_VERDICT_HEALTHY, 0, 0},
    {"warm-up", warm_up, WR_VERDICT_HEALTHY, WR_VERDICT_WARM_UP, 0},
    {"pool of threads", thread_pool, WR_VERDICT_HEALTHY, 0, 0},
    {"shrinks", shrinks, WR_VERDICT_HEALTHY, 0, 0},
    {"mapped file", mapped_file, WR_VERDICT_HEALTHY, 0, 0},
    {"leak", leak, WR_VERDICT_LEAK, 0, 0},
    {"proved leak", proved_leak, WR_VERDICT_LEAK, 0, 0},
    {"late leak", late_leak, WR_VERDICT_LEAK, 0, 0},
    {"leak to death", leak_to_death, WR_VERDICT_LEAK, 0, 0},
    {"cache", cache, WR_VERDICT_CACHE, 0, 0},
    {"sudden", sudden_death, WR_VERDICT_SUDDEN, 0, 0},
    {"huge", huge_death, WR_VERDICT_HUGE, 0, 0},
    {"threads", many_threads, WR_VERDICT_THREADS, 0, 0},
    {"descriptors", descriptors, WR_VERDICT_DESCRIPTORS, 0, 0},
    {"fragments", fragments, WR_VERDICT_FRAGMENTS, 0, 0},
    {"foreign", foreign, WR_VERDICT_FOREIGN, 0, 0},
    {"system", system_short, WR_VERDICT_SYSTEM, 0, 0},
    {"stack", stack, WR_VERDICT_STACK, 0, 0},
};

START_TEST(each_kind_is_told_from_the_others)
{
    const struct kind *k = &kinds[_i];
    unsigned as[WR_VERDICT_CLASSES] = {0}, wrong = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed + 100 * (uint64_t)_i);
        k->play();
        wr_verdict_make(&v, &f);
        as[v.finding[0].what]++;
        wrong += v.finding[0].what != k->is &&
                 (k->also == 0 || v.finding[0].what != k->also);
    }
    printf("%-16s", k->name);
    for (int i = 0; i < WR_VERDICT_CLASSES; i++)
        if (as[i])
            printf(" %s %u", wr_verdict_key((enum wr_verdict_class)i), as[i]);
    printf("\n");
    fflush(stdout);
    ck_assert_uint_le(wrong, k->wrong);
}
END_TEST

/* --- One at a time ------------------------------------------------------- */

START_TEST(without_history_nothing_is_said_of_one_that_runs)
{
    begin(1);
    wr_verdict_make(&v, &f);
    ck_assert_int_eq(v.finding[0].what, WR_VERDICT_UNKNOWN);
    ck_assert_uint_eq(v.count, 1);
}
END_TEST

START_TEST(between_fast_and_slow_the_age_of_what_grew_decides)
{
    for (int old = 0; old < 2; old++) {
        begin(1);
        for (int s = 1; s <= 280; s++)
            at(s, f.ceiling * s / 300);
        killed();
        f.old_share = old ? 0.8 : 0.1;
        wr_verdict_make(&v, &f);
        ck_assert_int_eq(v.finding[0].what,
                         old ? WR_VERDICT_LEAK : WR_VERDICT_SUDDEN);
    }
}
END_TEST

START_TEST(what_a_suspect_site_shows_decides_without_a_search)
{
    static struct wr_suspect s = {.growth = WR_GROWTH_ENDLESS,
                                  .sure = WR_SURE_HIGH};
    begin(3);
    leak();
    wr_verdict_make(&v, &f);
    ck_assert_int_eq(v.finding[0].sure, WR_SURE_LOW);
    f.suspect = &s;
    wr_verdict_make(&v, &f);
    ck_assert_int_eq(v.finding[0].what, WR_VERDICT_LEAK);
    ck_assert_int_eq(v.finding[0].sure, WR_SURE_FAIR);
    f.proved = 0; /* there was a search, which reached it all */
    wr_verdict_make(&v, &f);
    ck_assert_int_eq(v.finding[0].what, WR_VERDICT_CACHE);
    ck_assert_int_eq(v.finding[0].sure, WR_SURE_HIGH);
    f.proved = NAN;
    s.growth = WR_GROWTH_LEAK;
    wr_verdict_make(&v, &f);
    ck_assert_int_eq(v.finding[0].what, WR_VERDICT_LEAK);
    ck_assert_int_eq(v.finding[0].sure, WR_SURE_HIGH);
}
END_TEST

START_TEST(a_leak_says_how_fast_and_when_it_is_full)
{
    begin(4);
    for (int s = 1; s <= 600; s++)
        state[f.states++] = (struct wr_state){.at = s, .live = MIB * s};
    f.now = 600;
    f.growing = (struct wr_culprit){.site = "cache_put", .bytes = MIB};
    wr_verdict_make(&v, &f);
    ck_assert_int_eq(v.finding[0].what, WR_VERDICT_LEAK);
    ck_assert_double_eq_tol(v.finding[0].per_minute, 60 * MIB, MIB);
    ck_assert_double_eq_tol(v.finding[0].left, 424, 5);
    ck_assert_str_eq(v.finding[0].site, "cache_put");
    ck_assert_ptr_null(v.finding[0].other);
    f.growing.other = "handle_request";
    wr_verdict_make(&v, &f);
    ck_assert_str_eq(v.finding[0].other, "handle_request");
}
END_TEST

START_TEST(a_request_that_is_refused_is_huge_only_beside_the_limit)
{
    begin(5);
    steady();
    f.refused = 100 * MIB;
    wr_verdict_make(&v, &f);
    ck_assert_int_eq(v.finding[0].what, WR_VERDICT_HEALTHY);
    f.refused = 300 * MIB;
    wr_verdict_make(&v, &f);
    ck_assert_int_eq(v.finding[0].what, WR_VERDICT_HUGE);
    ck_assert_double_eq(v.finding[0].bytes, 300 * MIB);
}
END_TEST

START_TEST(several_findings_are_all_told)
{
    begin(6);
    leak();
    f.descriptors_rise = true;
    for (size_t i = 0; i < f.states; i++)
        state[i].threads = state[i].at;
    wr_verdict_make(&v, &f);
    ck_assert_uint_eq(v.count, 3);
    ck_assert_int_eq(v.finding[0].what, WR_VERDICT_LEAK);
}
END_TEST

/* --- Words --------------------------------------------------------------- */

START_TEST(each_class_has_its_words_in_both_languages)
{
    struct wr_finding one = {.what = (enum wr_verdict_class)_i,
                             .site = "cache_put",
                             .other = "handle_request",
                             .bytes = 3 * MIB,
                             .over = 90,
                             .left = 7200,
                             .number = 9,
                             .per_minute = MIB};
    char text[2][600], cut[20];
    for (int in = WR_ENGLISH; in <= WR_CHINESE; in++) {
        enum wr_language l = (enum wr_language)in;
        wr_finding_say(&one, l, text[in], sizeof text[in]);
        ck_assert_ptr_nonnull(strstr(text[in], "cache_put"));
        ck_assert_ptr_nonnull(strstr(text[in], "handle_request"));
        ck_assert_uint_gt(strlen(wr_finding_doubt(&one, l)), 3);
        ck_assert_uint_gt(strlen(wr_finding_advice(&one, l)), 3);
        ck_assert_ptr_null(strstr(text[in], "nan"));
        wr_finding_say(&one, l, cut, sizeof cut);
        ck_assert_uint_lt(strlen(cut), sizeof cut);
    }
    ck_assert_str_ne(text[WR_ENGLISH], text[WR_CHINESE]);
}
END_TEST

START_TEST(only_trouble_has_a_status)
{
    ck_assert_int_eq(wr_verdict_status(WR_VERDICT_HEALTHY), 0);
    ck_assert_int_eq(wr_verdict_status(WR_VERDICT_WARM_UP), 0);
    ck_assert_int_eq(wr_verdict_status(WR_VERDICT_HUGE), 10);
    ck_assert_int_eq(wr_verdict_status(WR_VERDICT_SYSTEM), 19);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("verdict");
    TCase *t = tcase_create("verdict");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, each_kind_is_told_from_the_others, 0,
                        (int)wr_countof(kinds));
    tcase_add_test(t, without_history_nothing_is_said_of_one_that_runs);
    tcase_add_test(t, between_fast_and_slow_the_age_of_what_grew_decides);
    tcase_add_test(t, what_a_suspect_site_shows_decides_without_a_search);
    tcase_add_test(t, a_leak_says_how_fast_and_when_it_is_full);
    tcase_add_test(t, a_request_that_is_refused_is_huge_only_beside_the_limit);
    tcase_add_test(t, several_findings_are_all_told);
    tcase_add_loop_test(t, each_class_has_its_words_in_both_languages, 0,
                        WR_VERDICT_CLASSES);
    tcase_add_test(t, only_trouble_has_a_status);
    suite_add_tcase(s, t);
    return unit_main(s);
}
