/* Profiles in memory: equal things are one, and profiles add up. */
#include "analyse/maker.h"

static struct wr_profile *p;
static char why[WR_WHY];

static void
setup(void)
{
    p = maker_heap();
    why[0] = '\0';
}

static void
teardown(void)
{
    ck_assert(wr_profile_check(p));
    wr_profile_free(p);
}

/* --- Tables ------------------------------------------------------------- */

START_TEST(string_zero_is_empty)
{
    ck_assert_str_eq(p->strings[0], "");
    ck_assert_uint_eq(wr_profile_string(p, ""), 0);
}
END_TEST

START_TEST(equal_strings_are_one)
{
    uint32_t a = wr_profile_string(p, "malloc");
    ck_assert_uint_eq(wr_profile_string(p, "malloc"), a);
    ck_assert_uint_ne(wr_profile_string(p, "mallo"), a);
    ck_assert_uint_eq(wr_profile_string_n(p, "malloc and more", 6), a);
}
END_TEST

START_TEST(strings_stay_where_they_are_while_others_come)
{
    uint32_t first = wr_profile_string(p, "the first");
    const char *text = p->strings[first];
    char name[32];
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "name %d", i);
        wr_profile_string(p, name);
    }
    ck_assert_ptr_eq(p->strings[first], text);
    ck_assert_str_eq(text, "the first");
    ck_assert_uint_eq(wr_profile_string(p, "name 12345"),
                      wr_profile_string(p, "name 0") + 12345);
}
END_TEST

START_TEST(a_string_longer_than_a_chunk_is_kept)
{
    size_t n = 200000;
    char *text = malloc(n + 1);
    memset(text, 'x', n);
    text[n] = '\0';
    uint32_t s = wr_profile_string(p, text);
    ck_assert_uint_eq(strlen(p->strings[s]), n);
    ck_assert_uint_eq(wr_profile_string(p, text), s);
    free(text);
}
END_TEST

START_TEST(equal_functions_mappings_and_locations_are_one)
{
    uint32_t f = maker_function(p, "grow");
    ck_assert_uint_eq(maker_function(p, "grow"), f);
    ck_assert_uint_ne(maker_function(p, "shrink"), f);
    uint32_t m = maker_mapping_at(p, 0x1000, "/lib/a.so", "01");
    ck_assert_uint_eq(maker_mapping_at(p, 0x1000, "/lib/a.so", "01"), m);
    ck_assert_uint_ne(maker_mapping_at(p, 0x1000, "/lib/a.so", "02"), m);
    uint32_t l = wr_profile_location(p, m, 0x1234, NULL, 0);
    ck_assert_uint_eq(wr_profile_location(p, m, 0x1234, NULL, 0), l);
    ck_assert_uint_ne(wr_profile_location(p, WR_NONE, 0x1234, NULL, 0), l);
    ck_assert_uint_ne(wr_profile_location(p, m, 0x1235, NULL, 0), l);
}
END_TEST

START_TEST(locations_with_other_lines_are_others)
{
    struct wr_line a = {maker_function(p, "a"), 1, 0};
    struct wr_line b = {maker_function(p, "a"), 2, 0};
    uint32_t l = wr_profile_location(p, WR_NONE, 0x10, &a, 1);
    ck_assert_uint_ne(wr_profile_location(p, WR_NONE, 0x10, &b, 1), l);
    ck_assert_uint_eq(wr_profile_location(p, WR_NONE, 0x10, &a, 1), l);
}
END_TEST

START_TEST(what_refers_to_nothing_is_not_added)
{
    struct wr_line line = {999, 1, 0};
    uint32_t frame = 999;
    int64_t values[4] = {1, 1, 1, 1};
    ck_assert_uint_eq(wr_profile_location(p, WR_NONE, 1, &line, 1), WR_NONE);
    ck_assert_uint_eq(wr_profile_location(p, 999, 1, NULL, 0), WR_NONE);
    wr_profile_sample(p, &frame, 1, values, NULL, 0);
    ck_assert_uint_eq(p->sample_count, 0);
    struct wr_label label = {.key = 999};
    wr_profile_sample(p, NULL, 0, values, &label, 1);
    ck_assert_uint_eq(p->sample_count, 0);
}
END_TEST

START_TEST(samples_with_one_stack_add_up)
{
    maker_sample(p, STACK("leaf", "main"), 1, 64);
    maker_sample(p, STACK("leaf", "main"), 2, 128);
    maker_sample(p, STACK("main"), 5, 80);
    ck_assert_uint_eq(p->sample_count, 2);
    ck_assert_int_eq(maker_value(p, 0, 3), 192);
    ck_assert_int_eq(wr_profile_total(p, 3), 272);
    ck_assert_int_eq(wr_profile_total(p, 0), 8);
}
END_TEST

START_TEST(samples_with_other_labels_stay_apart)
{
    uint32_t frame = maker_location(p, STACK("leaf"));
    struct wr_label label = {.key = wr_profile_string(p, "bytes"), .num = 64};
    int64_t values[4] = {1, 64, 1, 64};
    wr_profile_sample(p, &frame, 1, values, &label, 1);
    label.num = 128;
    wr_profile_sample(p, &frame, 1, values, &label, 1);
    wr_profile_sample(p, &frame, 1, values, NULL, 0);
    wr_profile_sample(p, &frame, 1, values, &label, 1);
    ck_assert_uint_eq(p->sample_count, 3);
    ck_assert_int_eq(maker_value(p, 1, 1), 128);
}
END_TEST

START_TEST(values_that_overflow_wrap_and_do_not_stop_us)
{
    maker_sample(p, STACK("leaf"), INT64_MAX, INT64_MAX);
    maker_sample(p, STACK("leaf"), 1, 1);
    ck_assert_int_eq(maker_value(p, 0, 3), INT64_MIN);
}
END_TEST

START_TEST(many_samples_are_all_found_again)
{
    char name[32];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 5000; i++) {
            snprintf(name, sizeof name, "f%d", i);
            maker_sample(p, STACK(name, "main"), 1, i);
        }
    ck_assert_uint_eq(p->sample_count, 5000);
    ck_assert_int_eq(maker_value(p, 4999, 1), 2 * 4999);
    ck_assert_uint_eq(p->function_count, 5001);
}
END_TEST

START_TEST(lines_given_later_make_the_location_findable_by_them)
{
    uint32_t l = wr_profile_location(p, WR_NONE, 0x99, NULL, 0);
    struct wr_line lines[2] = {{maker_function(p, "inner"), 3, 0},
                               {maker_function(p, "outer"), 7, 4}};
    wr_profile_set_lines(p, l, lines, 2);
    ck_assert_uint_eq(p->locations[l].line_count, 2);
    ck_assert_uint_eq(wr_profile_location(p, WR_NONE, 0x99, lines, 2), l);
    ck_assert_uint_ne(wr_profile_location(p, WR_NONE, 0x99, NULL, 0), l);
}
END_TEST

START_TEST(comments_are_not_repeated)
{
    wr_profile_comment(p, "pid: 1");
    wr_profile_comment(p, "host: a");
    wr_profile_comment(p, "pid: 1");
    ck_assert_uint_eq(p->comment_count, 2);
}
END_TEST

/* --- Types -------------------------------------------------------------- */

START_TEST(the_last_type_is_shown_first_unless_another_is_named)
{
    ck_assert_uint_eq(wr_profile_default_type(p), 3);
    p->default_type = wr_profile_string(p, "alloc_space");
    ck_assert_uint_eq(wr_profile_default_type(p), 1);
    p->default_type = wr_profile_string(p, "no such type");
    ck_assert_uint_eq(wr_profile_default_type(p), 3);
}
END_TEST

START_TEST(types_are_found_by_name)
{
    ck_assert_uint_eq(wr_profile_find_type(p, "inuse_objects"), 2);
    ck_assert_uint_eq(wr_profile_find_type(p, "cpu"), WR_NONE);
}
END_TEST

START_TEST(a_profile_without_types_has_no_default)
{
    struct wr_profile *empty = wr_profile_new();
    ck_assert_uint_eq(wr_profile_default_type(empty), WR_NONE);
    ck_assert_int_eq(wr_profile_total(empty, 0), 0);
    wr_profile_free(empty);
}
END_TEST

/* --- Joining ------------------------------------------------------------ */

/* Adds q to p and frees it. */
static void
merge(struct wr_profile *q)
{
    ck_assert_int_eq(wr_profile_merge(p, q, why, sizeof why), 0);
    wr_profile_free(q);
}

START_TEST(merging_adds_equal_stacks_and_keeps_the_others)
{
    struct wr_profile *q = maker_heap();
    maker_sample(p, STACK("a", "main"), 1, 10);
    maker_sample(q, STACK("b", "main"), 2, 20);
    maker_sample(q, STACK("a", "main"), 3, 30);
    wr_profile_comment(q, "pid: 2");
    merge(q);
    ck_assert_uint_eq(p->sample_count, 2);
    ck_assert_str_eq(maker_frame(p, 0, 0), "a");
    ck_assert_int_eq(maker_value(p, 0, 3), 40);
    ck_assert_str_eq(maker_frame(p, 1, 0), "b");
    ck_assert_int_eq(maker_value(p, 1, 3), 20);
    ck_assert_str_eq(maker_string(p, p->comments[0]), "pid: 2");
}
END_TEST

/* A sample without names, 0x123 bytes into a file that is loaded there. */
static void
sample_in(struct wr_profile *profile, uint64_t start, const char *file,
          const char *build_id)
{
    int64_t values[4] = {1, 8, 1, 8};
    uint32_t m = maker_mapping_at(profile, start, file, build_id);
    uint32_t l = wr_profile_location(profile, m, start + 0x123, NULL, 0);
    wr_profile_sample(profile, &l, 1, values, NULL, 0);
}

/* The same place of the same file, loaded at two addresses. */
START_TEST(merging_does_not_care_where_a_file_was_loaded)
{
    struct wr_profile *q = maker_heap();
    sample_in(p, 0x7f0000000000, "/lib/x.so", "77");
    sample_in(q, 0x7e0000000000, "/lib/x.so", "77");
    merge(q);
    ck_assert_uint_eq(p->sample_count, 1);
    ck_assert_uint_eq(p->mapping_count, 1);
    ck_assert_int_eq(maker_value(p, 0, 3), 16);
}
END_TEST

START_TEST(merging_keeps_other_builds_of_a_file_apart)
{
    struct wr_profile *q = maker_heap();
    sample_in(p, 0x1000, "/lib/x.so", "77");
    sample_in(q, 0x1000, "/lib/x.so", "78");
    merge(q);
    ck_assert_uint_eq(p->mapping_count, 2);
    ck_assert_uint_eq(p->sample_count, 2);
}
END_TEST

START_TEST(files_without_build_id_are_told_apart_by_name)
{
    struct wr_profile *q = maker_heap();
    sample_in(p, 0x1000, "/lib/x.so", "");
    sample_in(q, 0x2000, "/lib/x.so", "");
    sample_in(q, 0x1000, "/lib/y.so", "");
    merge(q);
    ck_assert_uint_eq(p->mapping_count, 2);
    ck_assert_uint_eq(p->sample_count, 2);
    ck_assert_int_eq(maker_value(p, 0, 3), 16);
}
END_TEST

START_TEST(what_has_neither_is_told_apart_by_where_it_is)
{
    struct wr_profile *q = maker_heap();
    sample_in(p, 0x1000, "", "");
    sample_in(q, 0x1000, "", "");
    sample_in(q, 0x2000, "", "");
    merge(q);
    ck_assert_uint_eq(p->mapping_count, 2);
    ck_assert_uint_eq(p->sample_count, 2);
}
END_TEST

START_TEST(merging_keeps_the_first_moment_and_the_longest_time)
{
    struct wr_profile *q = maker_heap();
    p->time_ns = 2000;
    q->time_ns = 1000;
    p->duration_ns = 5;
    q->duration_ns = 7;
    p->period = 1;
    q->period = 9;
    q->drop_frames = wr_profile_string(q, "malloc");
    merge(q);
    ck_assert_int_eq(p->time_ns, 1000);
    ck_assert_int_eq(p->duration_ns, 7);
    ck_assert_int_eq(p->period, 9);
    ck_assert_str_eq(maker_string(p, p->drop_frames), "malloc");
    q = maker_heap(); /* which knows no time */
    q->period = 2;
    merge(q);
    ck_assert_int_eq(p->time_ns, 1000);
    ck_assert_int_eq(p->duration_ns, 7);
    ck_assert_int_eq(p->period, 9);
}
END_TEST

START_TEST(a_label_tells_merged_processes_apart)
{
    struct wr_profile *q = maker_heap();
    maker_sample(p, STACK("a"), 1, 10);
    maker_sample(q, STACK("a"), 2, 20);
    wr_profile_add_label(p, "pid", NULL, 100);
    wr_profile_add_label(q, "pid", NULL, 200);
    wr_profile_add_label(q, "program", "worker", 0);
    merge(q);
    ck_assert_uint_eq(p->sample_count, 2);
    const struct wr_label *l = p->labels + p->samples[1].first_label;
    ck_assert_uint_eq(p->samples[1].label_count, 2);
    ck_assert_str_eq(maker_string(p, l[0].key), "pid");
    ck_assert_int_eq(l[0].num, 200);
    ck_assert_str_eq(maker_string(p, l[1].str), "worker");
}
END_TEST

START_TEST(a_labelled_sample_is_found_again)
{
    maker_sample(p, STACK("a"), 1, 10);
    wr_profile_add_label(p, "pid", NULL, 100);
    struct wr_label label = {.key = wr_profile_string(p, "pid"), .num = 100};
    uint32_t frame = p->frames[p->samples[0].first_frame];
    int64_t values[4] = {1, 1, 1, 1};
    wr_profile_sample(p, &frame, 1, values, &label, 1);
    ck_assert_uint_eq(p->sample_count, 1);
    ck_assert_int_eq(maker_value(p, 0, 1), 11);
}
END_TEST

START_TEST(subtracting_leaves_what_changed)
{
    struct wr_profile *before = maker_heap();
    maker_sample(before, STACK("same", "main"), 1, 10);
    maker_sample(before, STACK("grew", "main"), 1, 10);
    maker_sample(before, STACK("shrank", "main"), 5, 50);
    before->time_ns = 1000;
    maker_sample(p, STACK("same", "main"), 1, 10);
    maker_sample(p, STACK("new", "main"), 7, 70);
    maker_sample(p, STACK("grew", "main"), 4, 40);
    maker_sample(p, STACK("shrank", "main"), 2, 20);
    p->time_ns = 6000;
    ck_assert_int_eq(wr_profile_subtract(p, before, why, sizeof why), 0);
    wr_profile_free(before);
    ck_assert_uint_eq(p->sample_count, 3);
    ck_assert_str_eq(maker_frame(p, 0, 0), "new");
    ck_assert_int_eq(maker_value(p, 0, 1), 70);
    ck_assert_int_eq(maker_value(p, 1, 1), 30);
    ck_assert_str_eq(maker_frame(p, 2, 0), "shrank");
    ck_assert_int_eq(maker_value(p, 2, 3), -30);
    ck_assert_int_eq(p->time_ns, 6000);
    ck_assert_int_eq(p->duration_ns, 5000);
}
END_TEST

START_TEST(subtracting_a_profile_from_itself_leaves_nothing)
{
    struct wr_profile *q = maker_heap();
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "f%d", i);
        maker_sample(p, STACK(name, "main"), i + 1, 8 * i);
        maker_sample(q, STACK(name, "main"), i + 1, 8 * i);
    }
    ck_assert_int_eq(wr_profile_subtract(p, q, why, sizeof why), 0);
    wr_profile_free(q);
    ck_assert_uint_eq(p->sample_count, 0);
}
END_TEST

START_TEST(a_difference_can_be_added_to)
{
    struct wr_profile *q = maker_heap();
    maker_sample(p, STACK("same"), 1, 10);
    maker_sample(p, STACK("grew"), 2, 20);
    maker_sample(q, STACK("same"), 1, 10);
    ck_assert_int_eq(wr_profile_subtract(p, q, why, sizeof why), 0);
    wr_profile_free(q);
    maker_sample(p, STACK("same"), 5, 50);
    maker_sample(p, STACK("grew"), 1, 10);
    ck_assert_uint_eq(p->sample_count, 2);
    ck_assert_int_eq(maker_value(p, 0, 3), 30);
    ck_assert_int_eq(maker_value(p, 1, 3), 50);
}
END_TEST

START_TEST(what_vanished_is_negative)
{
    struct wr_profile *q = maker_heap();
    maker_sample(q, STACK("gone"), 1, 10);
    ck_assert_int_eq(wr_profile_subtract(p, q, why, sizeof why), 0);
    wr_profile_free(q);
    ck_assert_uint_eq(p->sample_count, 1);
    ck_assert_int_eq(maker_value(p, 0, 3), -10);
}
END_TEST

START_TEST(profiles_of_two_kinds_do_not_join)
{
    struct wr_profile *cpu = wr_profile_new();
    wr_profile_add_type(cpu, "samples", "count");
    ck_assert_int_eq(wr_profile_merge(p, cpu, why, sizeof why), -1);
    ck_assert_ptr_nonnull(strstr(why, "sample types"));
    wr_profile_add_type(cpu, "cpu", "nanoseconds");
    wr_profile_add_type(cpu, "x", "count");
    wr_profile_add_type(cpu, "y", "count");
    ck_assert_int_eq(wr_profile_subtract(p, cpu, why, sizeof why), -1);
    ck_assert_ptr_nonnull(strstr(why, "alloc_objects and samples"));
    wr_profile_free(cpu);
}
END_TEST

START_TEST(profiles_with_other_periods_do_not_join)
{
    struct wr_profile *q = maker_heap();
    q->period_type.type = wr_profile_string(q, "wall");
    ck_assert_int_eq(wr_profile_merge(p, q, why, sizeof why), -1);
    ck_assert_ptr_nonnull(strstr(why, "space and wall"));
    wr_profile_free(q);
}
END_TEST

START_TEST(merging_is_the_same_in_either_order)
{
    struct wr_profile *all[2] = {maker_heap(), maker_heap()};
    int64_t totals[2];
    for (int order = 0; order < 2; order++) {
        struct wr_profile *q[2] = {maker_heap(), maker_heap()};
        uint64_t seed = 42;
        for (int i = 0; i < 400; i++) {
            char name[16];
            snprintf(name, sizeof name, "f%u", maker_random(&seed) % 50);
            maker_sample(q[i % 2], STACK(name, "main"), 1,
                         maker_random(&seed) % 1000);
        }
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(
                wr_profile_merge(all[order], q[i ^ order], why, sizeof why), 0);
        totals[order] = wr_profile_total(all[order], 3);
        wr_profile_free(q[0]);
        wr_profile_free(q[1]);
    }
    ck_assert_int_eq(totals[0], totals[1]);
    ck_assert_uint_eq(all[0]->sample_count, all[1]->sample_count);
    ck_assert_int_eq(wr_profile_subtract(all[0], all[1], why, sizeof why), 0);
    ck_assert_uint_eq(all[0]->sample_count, 0);
    wr_profile_free(all[0]);
    wr_profile_free(all[1]);
}
END_TEST

/* --- Text ---------------------------------------------------------------- */

START_TEST(threads_are_printed_with_their_names)
{
    struct wr_profile *q = wr_profile_new();
    char *text = NULL;
    size_t n = 0;
    int64_t one = 1;
    uint32_t frame = maker_location(q, STACK("wait_here"));
    struct wr_label labels[2] = {
        {.key = wr_profile_string(q, "thread"),
         .str = wr_profile_string(q, "worker")},
        {.key = wr_profile_string(q, "tid"), .num = 4711}};
    wr_profile_add_type(q, "goroutine", "count");
    wr_profile_sample(q, &frame, 1, &one, labels, 2);
    FILE *f = open_memstream(&text, &n);
    ck_assert_int_eq(wr_profile_text_stacks(q, f), 0);
    ck_assert_int_eq(wr_profile_text(q, f, NULL), 0);
    fclose(f);
    ck_assert_ptr_nonnull(strstr(text, "goroutine 4711 [thread worker]:"));
    ck_assert_ptr_nonnull(strstr(text, "wait_here"));
    ck_assert_ptr_nonnull(
        strstr(text, "# labels: {\"thread\":\"worker\", \"tid\":\"4711\"}"));
    free(text);
    wr_profile_free(q);
}
END_TEST

/* --- The end ------------------------------------------------------------- */

START_TEST(freeing_nothing_is_fine)
{
    wr_profile_free(NULL);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/profile");
    TCase *tables = tcase_create("tables");
    tcase_add_checked_fixture(tables, setup, teardown);
    tcase_add_test(tables, string_zero_is_empty);
    tcase_add_test(tables, equal_strings_are_one);
    tcase_add_test(tables, strings_stay_where_they_are_while_others_come);
    tcase_add_test(tables, a_string_longer_than_a_chunk_is_kept);
    tcase_add_test(tables, equal_functions_mappings_and_locations_are_one);
    tcase_add_test(tables, locations_with_other_lines_are_others);
    tcase_add_test(tables, what_refers_to_nothing_is_not_added);
    tcase_add_test(tables, samples_with_one_stack_add_up);
    tcase_add_test(tables, samples_with_other_labels_stay_apart);
    tcase_add_test(tables, values_that_overflow_wrap_and_do_not_stop_us);
    tcase_add_test(tables, many_samples_are_all_found_again);
    tcase_add_test(tables,
                   lines_given_later_make_the_location_findable_by_them);
    tcase_add_test(tables, comments_are_not_repeated);
    tcase_add_test(tables,
                   the_last_type_is_shown_first_unless_another_is_named);
    tcase_add_test(tables, types_are_found_by_name);
    tcase_add_test(tables, a_profile_without_types_has_no_default);
    tcase_add_test(tables, freeing_nothing_is_fine);
    suite_add_tcase(suite, tables);
    TCase *joining = tcase_create("joining");
    tcase_add_checked_fixture(joining, setup, teardown);
    tcase_add_test(joining, merging_adds_equal_stacks_and_keeps_the_others);
    tcase_add_test(joining, merging_does_not_care_where_a_file_was_loaded);
    tcase_add_test(joining, merging_keeps_other_builds_of_a_file_apart);
    tcase_add_test(joining, files_without_build_id_are_told_apart_by_name);
    tcase_add_test(joining, what_has_neither_is_told_apart_by_where_it_is);
    tcase_add_test(joining,
                   merging_keeps_the_first_moment_and_the_longest_time);
    tcase_add_test(joining, threads_are_printed_with_their_names);
    tcase_add_test(joining, a_label_tells_merged_processes_apart);
    tcase_add_test(joining, a_labelled_sample_is_found_again);
    tcase_add_test(joining, subtracting_leaves_what_changed);
    tcase_add_test(joining, subtracting_a_profile_from_itself_leaves_nothing);
    tcase_add_test(joining, a_difference_can_be_added_to);
    tcase_add_test(joining, what_vanished_is_negative);
    tcase_add_test(joining, profiles_of_two_kinds_do_not_join);
    tcase_add_test(joining, profiles_with_other_periods_do_not_join);
    tcase_add_test(joining, merging_is_the_same_in_either_order);
    suite_add_tcase(suite, joining);
    return unit_main(suite);
}
