/* Scopes: which processes a question is about, and profiles of them. */
#include "serve/scope.h"

#include "analyse/symbol.h"
#include "serve/program.h"

static char dir[64], why[400];
static struct wr_namer names;
static struct program one, two;

static void
setup(void)
{
    scratch_make(dir, sizeof dir);
    pthread_mutex_init(&names.lock, NULL);
    names.symboliser = wr_symboliser_new();
    program_start(&one, dir, "one");
    program_start(&two, dir, "two");
}

static void
teardown(void)
{
    program_end(&one);
    wr_symboliser_free(names.symboliser);
    scratch_remove(dir);
}

static void
open_scope(struct wr_scope *s, uint32_t pid)
{
    ck_assert_int_eq(wr_scope_open(s, dir, WR_SCAN_HERE, pid), 0);
}

static struct wr_profile *
heap_of(const struct wr_scope *s)
{
    struct wr_profile *p;
    ck_assert_msg(wr_scope_profile(s, &names, WR_PROFILE_HEAP,
                                   WR_VALUES_ESTIMATED, &p, why,
                                   sizeof why) == 0,
                  "%s", why);
    return p;
}

/* Bytes allocated, of all samples. */
static int64_t
allocated(const struct wr_scope *s)
{
    struct wr_profile *p = heap_of(s);
    int64_t bytes = wr_profile_total(p, 1);
    wr_profile_free(p);
    return bytes;
}

START_TEST(without_a_pid_all_live_processes_are_meant)
{
    struct wr_scope s;
    open_scope(&s, 0);
    ck_assert_uint_eq(s.count, 2);
    wr_scope_close(&s);
    program_kill(&two);
    open_scope(&s, 0);
    ck_assert_uint_eq(s.count, 1);
    ck_assert_uint_eq(s.list[0]->pid, (uint32_t)one.pid);
    ck_assert_uint_eq(s.sources.count, 2);
    wr_scope_close(&s);
}
END_TEST

START_TEST(with_a_pid_one_process_is_meant_dead_or_alive)
{
    struct wr_scope s;
    open_scope(&s, (uint32_t)two.pid);
    ck_assert_uint_eq(s.count, 1);
    wr_scope_close(&s);
    program_kill(&two);
    open_scope(&s, (uint32_t)two.pid);
    ck_assert_uint_eq(s.count, 1);
    ck_assert(!s.list[0]->live);
    wr_scope_close(&s);
    open_scope(&s, 4000001);
    ck_assert_uint_eq(s.count, 0);
    wr_scope_close(&s);
    program_start(&two, dir, "two");
    program_end(&two);
}
END_TEST

START_TEST(the_sum_of_processes_is_the_sum_of_their_profiles)
{
    struct wr_scope all, a, b;
    two.region->bucket[1].allocs += 7;
    two.region->bucket[1].alloc_bytes += 7 * 48;
    open_scope(&all, 0);
    open_scope(&a, (uint32_t)one.pid);
    open_scope(&b, (uint32_t)two.pid);
    ck_assert_int_eq(allocated(&all), allocated(&a) + allocated(&b));
    ck_assert_int_gt(allocated(&b), allocated(&a));
    wr_scope_close(&all);
    wr_scope_close(&a);
    wr_scope_close(&b);
    program_end(&two);
}
END_TEST

START_TEST(a_scope_opened_again_keeps_who_ended_and_adds_who_came)
{
    struct wr_scope before, after;
    struct program three;
    open_scope(&before, 0);
    int64_t then = allocated(&before);
    program_kill(&two);
    program_start(&three, dir, "three");
    ck_assert_int_eq(wr_scope_reopen(&after, dir, WR_SCAN_HERE, &before), 0);
    ck_assert_uint_eq(after.count, 3);
    ck_assert_int_gt(allocated(&after), then); /* nothing was lost */
    wr_scope_close(&after);
    wr_scope_close(&before);
    program_end(&three);
}
END_TEST

START_TEST(a_difference_while_a_second_process_comes_is_that_process_alone)
{
    struct wr_scope before, after;
    struct program three;
    program_end(&two);
    open_scope(&before, 0);
    struct wr_profile *first = heap_of(&before);
    program_start(&three, dir, "three");
    ck_assert_int_eq(wr_scope_reopen(&after, dir, WR_SCAN_HERE, &before), 0);
    struct wr_profile *last = heap_of(&after);
    ck_assert_int_eq(wr_profile_subtract(last, first, why, sizeof why), 0);
    ck_assert_int_eq(wr_profile_total(last, 1), allocated(&before));
    for (uint32_t i = 0; i < last->sample_count * last->type_count; i++)
        ck_assert_int_ge(last->values[i], 0);
    wr_profile_free(first);
    wr_profile_free(last);
    wr_scope_close(&after);
    wr_scope_close(&before);
    program_end(&three);
}
END_TEST

/* Samples of a heap profile that say whose they are. */
static uint32_t
labelled(const struct wr_scope *s)
{
    uint32_t n = 0;
    struct wr_profile *p = heap_of(s);
    for (uint32_t i = 0; i < p->sample_count; i++)
        for (uint32_t l = 0; l < p->samples[i].label_count; l++)
            n +=
                strcmp(p->strings[p->labels[p->samples[i].first_label + l].key],
                       "program") == 0;
    wr_profile_free(p);
    return n;
}

START_TEST(labels_do_not_depend_on_who_else_is_there)
{
    struct wr_scope s;
    open_scope(&s, 0);
    uint32_t both = labelled(&s);
    s.subject = (uint32_t)one.pid;
    ck_assert_uint_eq(labelled(&s), both / 2);
    wr_scope_close(&s);
    program_end(&two);
    open_scope(&s, 0);
    ck_assert_uint_eq(labelled(&s), both / 2);
    s.subject = (uint32_t)one.pid;
    ck_assert_uint_eq(labelled(&s), 0);
    wr_scope_close(&s);
    open_scope(&s, (uint32_t)one.pid);
    ck_assert_uint_eq(labelled(&s), 0);
    wr_scope_close(&s);
}
END_TEST

START_TEST(one_process_opened_again_stays_the_only_one)
{
    struct wr_scope before, after;
    open_scope(&before, (uint32_t)one.pid);
    ck_assert_int_eq(wr_scope_reopen(&after, dir, WR_SCAN_HERE, &before), 0);
    ck_assert_uint_eq(after.count, 1);
    ck_assert_uint_eq(after.list[0]->pid, (uint32_t)one.pid);
    wr_scope_close(&after);
    wr_scope_close(&before);
    program_end(&two);
}
END_TEST

START_TEST(a_scope_of_nobody_has_no_profile_but_a_sentence)
{
    struct wr_scope s;
    struct wr_profile *p;
    open_scope(&s, 4000001);
    ck_assert_int_ne(wr_scope_profile(&s, &names, WR_PROFILE_HEAP,
                                      WR_VALUES_RAW, &p, why, sizeof why),
                     0);
    ck_assert_ptr_nonnull(strstr(why, "no program"));
    wr_scope_close(&s);
    program_end(&two);
}
END_TEST

START_TEST(raw_values_are_what_was_sampled_and_estimates_are_more)
{
    struct wr_scope s;
    struct wr_profile *raw, *estimated;
    open_scope(&s, (uint32_t)one.pid);
    ck_assert_int_eq(wr_scope_profile(&s, &names, WR_PROFILE_HEAP,
                                      WR_VALUES_RAW, &raw, why, sizeof why),
                     0);
    estimated = heap_of(&s);
    ck_assert_int_eq(wr_profile_total(raw, 1), 10 * 48 + 3 * 8192);
    ck_assert_int_gt(wr_profile_total(estimated, 1), 10 * 48 + 3 * 8192);
    wr_profile_free(raw);
    wr_profile_free(estimated);
    wr_scope_close(&s);
    program_end(&two);
}
END_TEST

START_TEST(a_program_without_weir_has_an_empty_scope_of_itself)
{
    struct wr_scope s;
    munmap(one.region, sizeof *one.region);
    munmap(two.region, sizeof *two.region);
    ck_assert_int_eq(wr_scope_open(&s, NULL, WR_SCAN_HERE, 0), 0);
    ck_assert_uint_eq(s.count, 0);
    wr_scope_capture(&s);
    wr_scope_close(&s);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("scope");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, without_a_pid_all_live_processes_are_meant);
    tcase_add_test(t, with_a_pid_one_process_is_meant_dead_or_alive);
    tcase_add_test(t, the_sum_of_processes_is_the_sum_of_their_profiles);
    tcase_add_test(t, a_scope_opened_again_keeps_who_ended_and_adds_who_came);
    tcase_add_test(
        t, a_difference_while_a_second_process_comes_is_that_process_alone);
    tcase_add_test(t, labels_do_not_depend_on_who_else_is_there);
    tcase_add_test(t, one_process_opened_again_stays_the_only_one);
    tcase_add_test(t, a_scope_of_nobody_has_no_profile_but_a_sentence);
    tcase_add_test(t, raw_values_are_what_was_sampled_and_estimates_are_more);
    tcase_add_test(t, a_program_without_weir_has_an_empty_scope_of_itself);
    return run_case(t, "scope");
}
