/* Call trees: exact sums however much is left out, and JSON for the viewer. */
#include "analyse/maker.h"

#include "analyse/flame.h"

static struct wr_profile *p, *base;
static struct wr_flame flame;
static char *text;
static size_t length;
static char why[WR_WHY];

static void
setup(void)
{
    p = maker_heap();
    base = maker_heap();
    flame = (struct wr_flame){0};
}

static void
teardown(void)
{
    wr_flame_fini(&flame);
    wr_profile_free(p);
    wr_profile_free(base);
    free(text);
    text = NULL;
}

static void
make(const struct wr_profile *against, uint32_t limit, uint32_t share)
{
    struct wr_flame_options o = {
        .type = 3, .node_limit = limit, .share = share};
    wr_flame_fini(&flame);
    ck_assert_int_eq(wr_flame_make(&flame, p, against, &o, why, sizeof why), 0);
}

static const char *
json(const struct wr_profile *against, const char *title)
{
    struct wr_flame_options o = {.type = 3, .title = title};
    free(text);
    FILE *out = open_memstream(&text, &length);
    ck_assert_int_eq(wr_flame_json(p, against, &o, out, why, sizeof why), 0);
    fclose(out);
    return text;
}

static const char *
name_of(const struct wr_flame_node *x)
{
    return x->function == WR_FLAME_ROOT ? "ROOT"
           : x->function == WR_FLAME_OTHERS
               ? "OTHERS"
               : flame.names.functions[x->function].name;
}

/* "  name value self base", indented by depth. */
static const char *
drawn(void)
{
    free(text);
    FILE *out = open_memstream(&text, &length);
    for (uint32_t i = 0; i < flame.count; i++) {
        const struct wr_flame_node *x = &flame.nodes[i];
        fprintf(out, "%*s%s %lld %lld", (int)x->depth, "", name_of(x),
                (long long)x->value, (long long)x->self);
        if (flame.has_base)
            fprintf(out, " %lld", (long long)x->base);
        fputc('\n', out);
    }
    fclose(out);
    return text;
}

static void
fill_random(struct wr_profile *into, uint64_t seed, int samples)
{
    for (int i = 0; i < samples; i++) {
        char name[12][8];
        const char *stack[13] = {NULL};
        uint32_t depth = maker_random(&seed) % 12;
        for (uint32_t n = 0; n <= depth; n++) {
            snprintf(name[n], sizeof name[n], "f%u", maker_random(&seed) % 9);
            stack[n] = name[n];
        }
        maker_sample(into, stack, 1, maker_random(&seed) % 1000);
    }
}

/* The balance of every node, its children's order, and its depth. */
static void
check_node(uint32_t at)
{
    const struct wr_flame_node *x = &flame.nodes[at];
    int64_t value = x->self, before = INT64_MAX;
    for (uint32_t i = at + 1; i < flame.count; i++) {
        const struct wr_flame_node *y = &flame.nodes[i];
        if (y->depth <= x->depth)
            break;
        ck_assert_uint_le(y->depth, flame.nodes[i - 1].depth + 1);
        if (y->depth > x->depth + 1)
            continue;
        ck_assert_int_le(y->value, before);
        before = y->value;
        value += y->value;
    }
    ck_assert_int_eq(value, x->value);
}

/* --- Trees -------------------------------------------------------------- */

START_TEST(a_tree_is_in_preorder_the_biggest_child_first)
{
    maker_sample(p, STACK("leaf", "middle", "main"), 1, 100);
    maker_sample(p, STACK("middle", "main"), 1, 20);
    maker_sample(p, STACK("other", "main"), 1, 500);
    maker_sample(p, STACK("thread"), 1, 3);
    make(NULL, 0, 0);
    ck_assert_str_eq(drawn(), "ROOT 623 0\n"
                              " main 620 0\n"
                              "  other 500 500\n"
                              "  middle 120 20\n"
                              "   leaf 100 100\n"
                              " thread 3 3\n");
}
END_TEST

START_TEST(recursion_is_drawn_as_it_is)
{
    maker_sample(p, STACK("rec", "rec", "main"), 1, 100);
    maker_sample(p, STACK("rec", "main"), 1, 1);
    make(NULL, 0, 0);
    ck_assert_str_eq(drawn(), "ROOT 101 0\n"
                              " main 101 0\n"
                              "  rec 101 1\n"
                              "   rec 100 100\n");
}
END_TEST

START_TEST(small_nodes_are_gathered)
{
    maker_sample(p, STACK("big", "main"), 1, 900);
    for (int i = 0; i < 8; i++) {
        char name[8];
        snprintf(name, sizeof name, "s%d", i);
        maker_sample(p, STACK("below", name, "main"), 1, 9);
    }
    maker_sample(p, STACK("mid", "main"), 1, 18);
    maker_sample(p, STACK("least", "main"), 1, 10);
    make(NULL, 0, 100);
    ck_assert_str_eq(drawn(), "ROOT 1000 0\n"
                              " main 1000 0\n"
                              "  big 900 900\n"
                              "  OTHERS 72 72\n"
                              "  mid 18 18\n"
                              "  least 10 10\n");
}
END_TEST

START_TEST(a_limit_keeps_what_is_biggest)
{
    maker_sample(p, STACK("a3", "a2", "a1"), 1, 1000);
    maker_sample(p, STACK("b3", "b2", "b1"), 1, 10);
    make(NULL, 5, 0);
    ck_assert_str_eq(drawn(), "ROOT 1010 0\n"
                              " a1 1000 0\n"
                              "  a2 1000 0\n"
                              "   a3 1000 1000\n"
                              " b1 10 0\n"
                              "  OTHERS 10 10\n");
}
END_TEST

START_TEST(a_node_has_the_value_of_both_profiles)
{
    maker_sample(p, STACK("kept", "main"), 1, 50);
    maker_sample(p, STACK("fresh", "main"), 1, 10);
    maker_sample(base, STACK("kept", "main"), 1, 40);
    maker_sample(base, STACK("below", "gone", "main"), 1, 30);
    make(base, 0, 0);
    ck_assert_str_eq(drawn(), "ROOT 60 0 70\n"
                              " main 60 0 70\n"
                              "  kept 50 50 40\n"
                              "  fresh 10 10 0\n"
                              "  gone 0 0 30\n"
                              "   below 0 0 30\n");
}
END_TEST

START_TEST(an_empty_profile_is_a_root)
{
    make(NULL, 0, 0);
    ck_assert_str_eq(drawn(), "ROOT 0 0\n");
}
END_TEST

START_TEST(every_level_adds_up)
{
    static const uint32_t limits[] = {0, 1, 2, 30, 300};
    fill_random(p, (uint64_t)_i, 400);
    if (_i % 2)
        fill_random(base, (uint64_t)_i + 100, 400);
    if (_i % 3 == 0)
        p->drop_frames = wr_profile_string(p, "f1|f2");
    for (size_t n = 0; n < sizeof limits / sizeof *limits; n++) {
        make(_i % 2 ? base : NULL, limits[n], _i % 5 ? 0 : 50);
        ck_assert_int_eq(flame.nodes[0].value, wr_profile_total(p, 3));
        ck_assert_int_eq(flame.nodes[0].base, wr_profile_total(base, 3));
        ck_assert_uint_le(flame.count, limits[n] ? 2 * limits[n] + 1 : 20000);
        for (uint32_t i = 0; i < flame.count; i++)
            check_node(i);
    }
}
END_TEST

/* --- JSON --------------------------------------------------------------- */

START_TEST(the_json_is_the_viewers)
{
    maker_sample(p, STACK("leaf", "main"), 1, 100);
    maker_sample(p, STACK("main"), 1, 20);
    ck_assert_str_eq(
        json(NULL, "prog"),
        "{\"v\":1,\"title\":\"prog\",\"type\":\"inuse_space\","
        "\"unit\":\"bytes\",\"total\":120,\n"
        "\"strings\":[\"\",\"main\",\"prog.c\",\"/bin/prog\",\"leaf\"],\n"
        "\"functions\":[[1,2,3,10],[4,2,3,10]],\n"
        "\"nodes\":[[-1,0,120,0],[0,1,120,20],[1,2,100,100]]}\n");
}
END_TEST

START_TEST(a_function_is_listed_once)
{
    maker_sample(p, STACK("rec", "rec", "main"), 1, 9);
    json(NULL, "");
    ck_assert_ptr_nonnull(
        strstr(text, "\"functions\":[[1,2,3,10],[4,2,3,10]],\n"
                     "\"nodes\":[[-1,0,9,0],[0,1,9,0],[1,2,9,0],[1,3,9,9]]}"));
}
END_TEST

START_TEST(a_difference_has_the_values_of_before)
{
    maker_sample(p, STACK("main"), 1, 20);
    maker_sample(base, STACK("main"), 1, 15);
    json(base, NULL);
    ck_assert_ptr_nonnull(strstr(text, "\"total\":20,\"base_total\":15,"));
    ck_assert_ptr_nonnull(
        strstr(text, "\"nodes\":[[-1,0,20,0,15],[0,1,20,20,15]]"));
}
END_TEST

START_TEST(hostile_names_stay_inside_their_strings)
{
    maker_sample(p, STACK("</script><b>\"\\\n\xff", "main"), 1, 20);
    json(NULL, "<!--\x01");
    ck_assert_ptr_null(strchr(text, '<'));
    ck_assert_ptr_nonnull(strstr(text, "\"\\u003c!--\\u0001\""));
    ck_assert_ptr_nonnull(
        strstr(text, "\"\\u003c/script>\\u003cb>\\\"\\\\\\u000a?\""));
}
END_TEST

START_TEST(functions_that_no_node_has_are_left_out)
{
    maker_sample(p, STACK("big", "main"), 1, 1000000);
    maker_sample(p, STACK("tiny", "main"), 1, 1);
    json(NULL, "");
    ck_assert_ptr_null(strstr(text, "tiny"));
    ck_assert_ptr_nonnull(strstr(text, "[-2,2,1,1]"));
}
END_TEST

START_TEST(a_type_that_is_not_there_is_refused)
{
    struct wr_flame_options o = {.type = 4};
    ck_assert_int_eq(wr_flame_json(p, NULL, &o, stdout, why, sizeof why), -1);
    ck_assert_str_eq(why, "the profile has no such sample type");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/flame");
    TCase *tests = tcase_create("flame");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_tree_is_in_preorder_the_biggest_child_first);
    tcase_add_test(tests, recursion_is_drawn_as_it_is);
    tcase_add_test(tests, small_nodes_are_gathered);
    tcase_add_test(tests, a_limit_keeps_what_is_biggest);
    tcase_add_test(tests, a_node_has_the_value_of_both_profiles);
    tcase_add_test(tests, an_empty_profile_is_a_root);
    tcase_add_loop_test(tests, every_level_adds_up, 0, 30);
    tcase_add_test(tests, the_json_is_the_viewers);
    tcase_add_test(tests, a_function_is_listed_once);
    tcase_add_test(tests, a_difference_has_the_values_of_before);
    tcase_add_test(tests, hostile_names_stay_inside_their_strings);
    tcase_add_test(tests, functions_that_no_node_has_are_left_out);
    tcase_add_test(tests, a_type_that_is_not_there_is_refused);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
