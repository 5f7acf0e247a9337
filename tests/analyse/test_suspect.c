/* The judge of growth: the shapes it must not take for a leak and the leaks it
 * must find, simulated (growth.h), with the confusion table printed; and what
 * each rule is for, on series made by hand. */
#include "unit.h"

#include "analyse/growth.h"

/* ---- coins ---- */

START_TEST(coins_are_those_of_the_binomial_distribution)
{
    ck_assert_double_eq_tol(wr_suspect_coins(20, 20), 20 * log10(0.5), 1e-9);
    ck_assert_double_eq_tol(wr_suspect_coins(10, 10), 10 * log10(0.5), 1e-9);
    /* 8 or more of 10: 45 + 10 + 1 of 1024 */
    ck_assert_double_eq_tol(wr_suspect_coins(8, 10), log10(56.0 / 1024), 1e-9);
    ck_assert_double_eq(wr_suspect_coins(5, 10), 0);
    ck_assert_double_eq(wr_suspect_coins(0, 0), 0);
    ck_assert_double_eq(wr_suspect_coins(0, 1000), 0);
    /* Four standard errors above the half of a million: one-sided normal. */
    ck_assert_double_eq_tol(wr_suspect_coins(502000, 1000000), -4.4996, 0.01);
    ck_assert_double_le(wr_suspect_coins(1000000, 1000000), -300000);
}
END_TEST

/* ---- simulated sites ---- */

struct told {
    unsigned runs;
    unsigned ever[WR_GROWTH_LEAK + 1]; /* at fair trust, at some minute */
    unsigned last[WR_GROWTH_LEAK + 1]; /* after half an hour */
};

static void
judge_all_along(const struct growth_kind *kind, uint64_t seed, struct told *t)
{
    bool ever[WR_GROWTH_LEAK + 1] = {false};
    struct wr_suspect s = {0};
    struct growth_site site;
    struct growth_view v;
    growth_play(&site, kind, seed);
    for (double now = 60; now <= GROWTH_SECONDS; now += 60) {
        growth_look(&site, now, &v);
        wr_suspect_judge(&v.s, &s);
        free(v.born);
        ever[s.growth] |= s.growth < WR_GROWTH_ENDLESS || s.sure > WR_SURE_LOW;
    }
    for (unsigned g = 0; g <= WR_GROWTH_LEAK; g++)
        t->ever[g] += ever[g];
    t->last[s.growth]++;
    t->runs++;
    growth_end(&site);
}

static unsigned
flags(const unsigned n[WR_GROWTH_LEAK + 1])
{
    return n[WR_GROWTH_ENDLESS] + n[WR_GROWTH_LEAK];
}

static void
check_table(const struct growth_kind *k, const struct told *t)
{
    bool leaks = k->leaks;
    printf("%-22s", k->name);
    for (unsigned g = 0; g <= WR_GROWTH_LEAK; g++)
        printf(" %s %u", wr_growth_name(g), t->last[g]);
    printf(" | ever endless %u, leak %u\n", t->ever[WR_GROWTH_ENDLESS],
           t->ever[WR_GROWTH_LEAK]);
    if (!leaks) {
        ck_assert_uint_eq(flags(t->last), 0);
        /* A warm-up may look endless for some minutes, a first batch too. */
        ck_assert_uint_le(t->ever[WR_GROWTH_LEAK], t->runs / 20);
        ck_assert_uint_le(t->ever[WR_GROWTH_ENDLESS],
                          k->endless ? t->runs : t->runs / 10);
    } else if (strcmp(k->name, "leak, slow") != 0) {
        ck_assert_uint_ge(flags(t->ever), t->runs * 17 / 20);
        ck_assert_uint_ge(flags(t->last), t->runs / 2);
        ck_assert_uint_eq(k->endless, t->ever[WR_GROWTH_LEAK] == 0);
    }
}

START_TEST(leaks_are_told_from_what_only_looks_like_them)
{
    const struct growth_kind *k = &growth_kinds[_i];
    uint64_t seed = unit_seed(k->name);
    struct told t = {0};
    for (unsigned i = 0; i < 20; i++)
        judge_all_along(k, seed + 1000 * (unsigned)_i + i, &t);
    check_table(k, &t);
}
END_TEST

/* ---- made by hand ---- */

/* So many born each second of [from, to), each with that life. */
static void
add(struct growth_site *g, double from, double to, double each, double life)
{
    for (double t = from + each / 2; t < to; t += each)
        growth_add(g, t, life);
}

static struct wr_suspect
judge(struct growth_site *g, double now)
{
    struct growth_view v;
    struct wr_suspect s;
    growth_look(g, now, &v);
    wr_suspect_judge(&v.s, &s);
    free(v.born);
    return s;
}

START_TEST(the_numbers_are_those_of_the_growth)
{
    struct growth_site g = {0};
    struct wr_suspect s;
    add(&g, 0, 1800, 0.5, 2);              /* two a second that soon go, */
    add(&g, 600, 1800, 5, GROWTH_FOREVER); /* twelve a minute that stay */
    s = judge(&g, 1300);
    ck_assert_int_eq(s.growth, WR_GROWTH_LEAK);
    ck_assert_int_eq(s.sure, WR_SURE_FAIR);
    ck_assert_double_eq_tol(s.per_minute, 12, 0.5);
    ck_assert_double_eq_tol(s.bytes_per_minute, 12 * 524288.0, 3e5);
    ck_assert_double_eq_tol(s.window, 480, 10);
    ck_assert_uint_eq(s.matured, 96);
    ck_assert_uint_eq(s.gone, 0);
    ck_assert_double_eq_tol(s.log10_chance, 96 * log10(0.5), 1e-6);
    ck_assert_double_eq_tol(s.oldest, 700, 5);
    ck_assert_double_eq_tol(s.since, 1300 - 480 - s.old_age, 1);
    ck_assert_double_eq_tol(s.live_bytes, (140 + 4) * 524288.0, 1e6);
    ck_assert_str_ne(s.doubt, "");
    growth_end(&g);
}
END_TEST

START_TEST(the_verdict_goes_when_the_old_ones_go)
{
    struct growth_site g = {0};
    add(&g, 0, 1800, 0.5, 2);
    for (double t = 2; t < 1000; t += 5) /* all freed at 1000 */
        growth_add(&g, t, 1000 - t);
    ck_assert_int_eq(judge(&g, 900).growth, WR_GROWTH_LEAK);
    ck_assert_int_lt(judge(&g, 1060).growth, WR_GROWTH_ENDLESS);
    growth_end(&g);
}
END_TEST

START_TEST(a_site_that_never_frees_is_endless_and_no_leak)
{
    struct growth_site g = {0};
    struct wr_suspect s;
    add(&g, 0, 1800, 2, GROWTH_FOREVER);
    s = judge(&g, 180);
    ck_assert_int_eq(s.growth, WR_GROWTH_ENDLESS);
    ck_assert_int_eq(s.sure, WR_SURE_LOW);
    s = judge(&g, 1800);
    ck_assert_int_eq(s.growth, WR_GROWTH_ENDLESS);
    ck_assert_int_eq(s.sure, WR_SURE_HIGH);
    ck_assert_double_eq_tol(s.window, 960, 10);
    growth_end(&g);
}
END_TEST

START_TEST(more_load_is_no_leak)
{
    struct growth_site g = {0};
    add(&g, 0, 600, 2, 500);
    add(&g, 600, 1800, 0.5, 500);
    for (double now = 660; now <= 1800; now += 60)
        ck_assert_int_lt(judge(&g, now).growth, WR_GROWTH_ENDLESS);
    growth_end(&g);
}
END_TEST

START_TEST(few_samples_are_no_evidence)
{
    struct growth_site g = {0};
    struct wr_suspect s;
    add(&g, 0, 1800, 100, GROWTH_FOREVER);
    s = judge(&g, 1800);
    ck_assert_int_eq(s.growth, WR_GROWTH_UNKNOWN);
    ck_assert_str_ne(s.reason, "");
    growth_end(&g);
}
END_TEST

START_TEST(a_series_of_nothing_is_unknown)
{
    struct wr_suspect_series none = {0};
    struct wr_suspect_point p = {.at = 5000};
    struct wr_suspect s;
    wr_suspect_judge(&none, &s);
    ck_assert_int_eq(s.growth, WR_GROWTH_UNKNOWN);
    none.point = &p;
    none.points = 1;
    wr_suspect_judge(&none, &s);
    ck_assert_int_eq(s.growth, WR_GROWTH_UNKNOWN);
    ck_assert_double_eq(s.live_bytes, 0);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("analyse/suspect");
    TCase *t = tcase_create("suspect");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, coins_are_those_of_the_binomial_distribution);
    tcase_add_loop_test(t, leaks_are_told_from_what_only_looks_like_them, 0,
                        sizeof growth_kinds / sizeof *growth_kinds);
    tcase_add_test(t, the_numbers_are_those_of_the_growth);
    tcase_add_test(t, the_verdict_goes_when_the_old_ones_go);
    tcase_add_test(t, a_site_that_never_frees_is_endless_and_no_leak);
    tcase_add_test(t, more_load_is_no_leak);
    tcase_add_test(t, few_samples_are_no_evidence);
    tcase_add_test(t, a_series_of_nothing_is_unknown);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
