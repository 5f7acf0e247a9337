/* Rows of top: what pprof's -top counts, counted the same way. */
#include "analyse/top.h"
#include "analyse/maker.h"

static struct wr_profile *p;
static struct wr_top top;

static void
setup(void)
{
    p = maker_heap();
    top = (struct wr_top){0};
}

static void
teardown(void)
{
    wr_top_fini(&top);
    wr_profile_free(p);
}

static void
make(void)
{
    wr_top_fini(&top);
    ck_assert_int_eq(wr_top_make(&top, p, 3), 0);
}

static const struct wr_top_row *
row(const char *name)
{
    for (size_t i = 0; i < top.count; i++)
        if (strcmp(top.rows[i].name, name) == 0)
            return &top.rows[i];
    return NULL;
}

static void
assert_row(const char *name, int64_t flat, int64_t cum)
{
    const struct wr_top_row *r = row(name);
    ck_assert_msg(r != NULL, "no row for %s", name);
    ck_assert_msg(r->flat == flat && r->cum == cum, "%s: %lld %lld", name,
                  (long long)r->flat, (long long)r->cum);
}

/* --- Counting ----------------------------------------------------------- */

START_TEST(the_leaf_is_flat_and_its_callers_are_cum)
{
    maker_sample(p, STACK("leaf", "middle", "main"), 1, 100);
    maker_sample(p, STACK("middle", "main"), 1, 20);
    make();
    ck_assert_int_eq(top.total, 120);
    ck_assert_str_eq(top.type, "inuse_space");
    assert_row("leaf", 100, 100);
    assert_row("middle", 20, 120);
    assert_row("main", 0, 120);
    ck_assert_str_eq(top.rows[0].name, "leaf");
}
END_TEST

START_TEST(a_function_twice_in_a_stack_counts_once)
{
    maker_sample(p, STACK("rec", "rec", "rec", "main"), 1, 100);
    make();
    assert_row("rec", 100, 100);
    assert_row("main", 0, 100);
}
END_TEST

START_TEST(inlined_functions_count_like_others)
{
    uint32_t frames[2] = {maker_location(p, STACK("in", "out")),
                          maker_location(p, STACK("main"))};
    int64_t values[4] = {1, 50, 1, 50};
    wr_profile_sample(p, frames, 2, values, NULL, 0);
    make();
    assert_row("in", 50, 50);
    assert_row("out", 0, 50);
    assert_row("main", 0, 50);
}
END_TEST

START_TEST(nameless_frames_are_gathered_by_file)
{
    uint32_t m = maker_mapping_at(p, 0x9000000, "/lib/libx.so", "");
    uint32_t frames[3] = {
        wr_profile_location(p, m, 0x9000010, NULL, 0),
        wr_profile_location(p, m, 0x9000020, NULL, 0),
        wr_profile_location(p, WR_NONE, 0x77, NULL, 0),
    };
    int64_t values[4] = {1, 50, 1, 50};
    wr_profile_sample(p, frames, 3, values, NULL, 0);
    make();
    ck_assert_uint_eq(top.count, 2);
    assert_row("[libx.so]", 50, 50);
    assert_row("<unknown>", 0, 50);
}
END_TEST

START_TEST(negative_values_count_by_their_size)
{
    maker_sample(p, STACK("grew"), 1, 100);
    maker_sample(p, STACK("shrank"), -3, -300);
    make();
    ck_assert_int_eq(top.total, 400);
    ck_assert_str_eq(top.rows[0].name, "shrank");
    assert_row("shrank", -300, -300);
}
END_TEST

START_TEST(what_is_zero_has_no_row)
{
    maker_sample(p, STACK("nothing", "main"), 1, 0);
    maker_sample(p, STACK("some", "main"), 1, 1);
    make();
    ck_assert_ptr_null(row("nothing"));
    ck_assert_uint_eq(top.count, 2);
}
END_TEST

START_TEST(a_difference_is_a_share_of_its_base)
{
    uint32_t frame = maker_location(p, STACK("f"));
    struct wr_label label = {.key = wr_profile_string(p, "pprof::base"),
                             .str = wr_profile_string(p, "true")};
    int64_t base[4] = {-1, -100, -1, -100}, now[4] = {1, 150, 1, 150};
    wr_profile_sample(p, &frame, 1, base, &label, 1);
    wr_profile_sample(p, &frame, 1, now, NULL, 0);
    make();
    ck_assert_int_eq(top.total, 100);
    assert_row("f", 50, 50);
}
END_TEST

/* What is held is held by somebody, once: the flats add up to the total. */
START_TEST(the_balance_of_random_profiles_is_right)
{
    uint64_t seed = (uint64_t)_i;
    int64_t flat = 0;
    for (int i = 0; i < 500; i++) {
        char name[12][8];
        const char *stack[13] = {NULL};
        for (uint32_t n = 0; n <= maker_random(&seed) % 12; n++) {
            snprintf(name[n], sizeof name[n], "f%u", maker_random(&seed) % 40);
            stack[n] = name[n];
        }
        maker_sample(p, stack, 1, maker_random(&seed) % 1000);
    }
    if (_i % 2)
        p->drop_frames = wr_profile_string(p, "f1.?|f2");
    make();
    for (size_t i = 0; i < top.count; i++) {
        ck_assert_int_le(top.rows[i].flat, top.rows[i].cum);
        ck_assert_int_le(top.rows[i].cum, top.total);
        ck_assert(i == 0 || top.rows[i].flat <= top.rows[i - 1].flat);
        flat += top.rows[i].flat;
    }
    ck_assert_int_eq(flat, top.total);
    ck_assert_int_eq(top.total, wr_profile_total(p, 3));
}
END_TEST

START_TEST(a_type_that_is_not_there_is_refused)
{
    ck_assert_int_eq(wr_top_make(&top, p, 4), -1);
    ck_assert_int_eq(wr_top_make(&top, p, WR_NONE), -1);
}
END_TEST

/* --- Frames to leave out ------------------------------------------------ */

static void
drop(const char *pattern)
{
    p->drop_frames = wr_profile_string(p, pattern);
    make();
}

START_TEST(dropped_frames_give_their_bytes_to_the_caller)
{
    maker_sample(p, STACK("arena_get", "malloc", "grow", "main"), 1, 100);
    drop("malloc|calloc");
    assert_row("grow", 100, 100);
    ck_assert_ptr_null(row("malloc"));
    ck_assert_ptr_null(row("arena_get"));
}
END_TEST

START_TEST(dropping_matches_whole_names)
{
    maker_sample(p, STACK("my_malloc", "main"), 1, 100);
    drop("malloc");
    assert_row("my_malloc", 100, 100);
}
END_TEST

START_TEST(arguments_do_not_matter_for_dropping)
{
    maker_sample(p, STACK("operator new(unsigned long)", "main"), 1, 100);
    maker_sample(p, STACK("(anonymous namespace)::get(int)", "main"), 1, 10);
    maker_sample(p, STACK("fn::operator()(int) const", "main"), 1, 1);
    drop("operator new.*|\\(anonymous namespace\\)::get|fn::operator\\(\\)");
    assert_row("main", 111, 111);
    ck_assert_uint_eq(top.count, 1);
}
END_TEST

START_TEST(groups_that_do_not_capture_are_understood)
{
    maker_sample(p, STACK("xmalloc", "main"), 1, 100);
    drop("(?:x|y)malloc");
    assert_row("main", 100, 100);
}
END_TEST

START_TEST(a_pattern_that_is_none_drops_nothing)
{
    maker_sample(p, STACK("malloc", "main"), 1, 100);
    drop("mal(loc");
    assert_row("malloc", 100, 100);
}
END_TEST

/* libc's matcher would take hours, or all of the stack. */
START_TEST(wild_patterns_drop_nothing)
{
    static const char *const wild[] = {"((a{1,255}){1,255}){1,255}",
                                       "(a*)*\\1\\1b", NULL};
    char deep[2001];
    memset(deep, '(', 1000);
    memset(deep + 1000, ')', 1000);
    deep[2000] = '\0';
    maker_sample(p, STACK("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "main"), 1, 100);
    for (int i = 0; i < 3; i++) {
        drop(wild[i] ? wild[i] : deep);
        ck_assert_uint_eq(top.count, 2);
    }
}
END_TEST

START_TEST(kept_frames_are_not_dropped)
{
    maker_sample(p, STACK("malloc_twice", "main"), 1, 100);
    maker_sample(p, STACK("malloc_once", "main"), 1, 10);
    p->keep_frames = wr_profile_string(p, ".*twice");
    drop("malloc.*");
    assert_row("malloc_twice", 100, 100);
    assert_row("main", 10, 110);
}
END_TEST

START_TEST(the_frame_nearest_the_root_cuts)
{
    maker_sample(p, STACK("malloc", "hook", "malloc", "user", "main"), 1, 100);
    drop("malloc");
    assert_row("user", 100, 100);
    ck_assert_ptr_null(row("hook"));
}
END_TEST

START_TEST(a_stack_of_dropped_frames_only_is_left_whole)
{
    maker_sample(p, STACK("malloc", "calloc"), 1, 100);
    drop("malloc|calloc");
    assert_row("malloc", 100, 100);
    assert_row("calloc", 0, 100);
}
END_TEST

START_TEST(an_inlined_dropped_function_leaves_the_one_around_it)
{
    uint32_t frames[2] = {maker_location(p, STACK("arena", "malloc", "user")),
                          maker_location(p, STACK("main"))};
    int64_t values[4] = {1, 50, 1, 50};
    wr_profile_sample(p, frames, 2, values, NULL, 0);
    drop("malloc");
    assert_row("user", 50, 50);
    ck_assert_ptr_null(row("arena"));
    ck_assert_ptr_null(row("malloc"));
}
END_TEST

START_TEST(an_empty_profile_has_no_rows)
{
    make();
    ck_assert_uint_eq(top.count, 0);
    ck_assert_int_eq(top.total, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/top");
    TCase *tests = tcase_create("top");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_leaf_is_flat_and_its_callers_are_cum);
    tcase_add_test(tests, a_function_twice_in_a_stack_counts_once);
    tcase_add_test(tests, inlined_functions_count_like_others);
    tcase_add_test(tests, nameless_frames_are_gathered_by_file);
    tcase_add_test(tests, negative_values_count_by_their_size);
    tcase_add_test(tests, what_is_zero_has_no_row);
    tcase_add_test(tests, a_difference_is_a_share_of_its_base);
    tcase_add_test(tests, a_type_that_is_not_there_is_refused);
    tcase_add_test(tests, dropped_frames_give_their_bytes_to_the_caller);
    tcase_add_test(tests, dropping_matches_whole_names);
    tcase_add_test(tests, arguments_do_not_matter_for_dropping);
    tcase_add_test(tests, groups_that_do_not_capture_are_understood);
    tcase_add_test(tests, a_pattern_that_is_none_drops_nothing);
    tcase_add_test(tests, wild_patterns_drop_nothing);
    tcase_add_test(tests, kept_frames_are_not_dropped);
    tcase_add_loop_test(tests, the_balance_of_random_profiles_is_right, 0, 20);
    tcase_add_test(tests, the_frame_nearest_the_root_cuts);
    tcase_add_test(tests, a_stack_of_dropped_frames_only_is_left_whole);
    tcase_add_test(tests, an_inlined_dropped_function_leaves_the_one_around_it);
    tcase_add_test(tests, an_empty_profile_has_no_rows);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
