/* Formats of others: small profiles to the letter, random ones by their sums.
 */
#include "analyse/maker.h"

#include "analyse/export.h"
#include "analyse/top.h"

typedef int exporter(const struct wr_export *, FILE *, char *, size_t);

static struct wr_profile *p, *base;
static char *text;
static size_t length;
static char why[WR_WHY];

static void
setup(void)
{
    p = maker_heap();
    base = maker_heap();
}

static void
teardown(void)
{
    wr_profile_free(p);
    wr_profile_free(base);
    free(text);
    text = NULL;
}

static const char *
exported(exporter *format, struct wr_profile *against)
{
    struct wr_export e = {.p = p, .base = against, .type = 3, .title = "prog"};
    free(text);
    FILE *out = open_memstream(&text, &length);
    ck_assert_int_eq(format(&e, out, why, sizeof why), 0);
    fclose(out);
    return text;
}

#define assert_has(words)                                                      \
    ck_assert_msg(strstr(text, words) != NULL, "no %s in %s", words, text)

static void
two_sites(void)
{
    maker_sample(p, STACK("leaf", "main"), 1, 100);
    maker_sample(p, STACK("main"), 1, 20);
}

/* --- Folded ------------------------------------------------------------- */

START_TEST(folded_stacks_are_lines_from_the_root)
{
    two_sites();
    maker_sample(p, STACK("leaf", "leaf", "main"), 1, 3);
    wr_profile_sample(p, NULL, 0, (int64_t[]){1, 5, 1, 5}, NULL, 0);
    ck_assert_str_eq(exported(wr_export_folded, NULL), "<unknown> 5\n"
                                                       "main 20\n"
                                                       "main;leaf 100\n"
                                                       "main;leaf;leaf 3\n");
}
END_TEST

START_TEST(folded_stacks_of_two_profiles_have_both_numbers)
{
    two_sites();
    maker_sample(base, STACK("gone", "main"), 1, 7);
    maker_sample(base, STACK("leaf", "main"), 1, 90);
    ck_assert_str_eq(exported(wr_export_folded, base), "main 0 20\n"
                                                       "main;leaf 90 100\n"
                                                       "main;gone 7 0\n");
}
END_TEST

START_TEST(marks_of_the_format_in_names_are_replaced)
{
    maker_sample(p, STACK("a;b\nc d", "main"), 1, 100);
    ck_assert_str_eq(exported(wr_export_folded, NULL), "main;a:b?c d 100\n");
}
END_TEST

/* Read folded stacks as others do, into a new profile. */
static struct wr_profile *
read_folded(char *lines)
{
    struct wr_profile *q = maker_heap();
    for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
        const char *stack[17] = {NULL}, *names[17] = {NULL};
        uint32_t depth = 0;
        char *space = strrchr(line, ' ');
        *space = '\0';
        for (char *at = line; at; depth++) {
            names[depth] = at;
            at = strchr(at, ';');
            if (at)
                *at++ = '\0';
        }
        for (uint32_t i = 0; i < depth; i++)
            stack[i] = names[depth - 1 - i];
        maker_sample(q, stack, 1, strtoll(space + 1, NULL, 10));
    }
    return q;
}

START_TEST(folded_stacks_read_again_give_the_same_table)
{
    uint64_t seed = (uint64_t)_i;
    struct wr_top before, after;
    for (int i = 0; i < 300; i++) {
        char name[12][8];
        const char *stack[13] = {NULL};
        uint32_t depth = maker_random(&seed) % 12;
        for (uint32_t n = 0; n <= depth; n++) {
            snprintf(name[n], sizeof name[n], "f%u", maker_random(&seed) % 20);
            stack[n] = name[n];
        }
        maker_sample(p, stack, 1, 1 + maker_random(&seed) % 1000);
    }
    if (_i % 2)
        p->drop_frames = wr_profile_string(p, "f1.?|f2");
    exported(wr_export_folded, NULL);
    struct wr_profile *q = read_folded(text);
    ck_assert_int_eq(wr_top_make(&before, p, 3), 0);
    ck_assert_int_eq(wr_top_make(&after, q, 3), 0);
    ck_assert_uint_gt(before.count, 0);
    ck_assert_uint_eq(before.count, after.count);
    for (size_t i = 0; i < before.count; i++) {
        ck_assert_str_eq(before.rows[i].name, after.rows[i].name);
        ck_assert_int_eq(before.rows[i].flat, after.rows[i].flat);
        ck_assert_int_eq(before.rows[i].cum, after.rows[i].cum);
    }
    wr_top_fini(&before);
    wr_top_fini(&after);
    wr_profile_free(q);
}
END_TEST

/* --- speedscope --------------------------------------------------------- */

START_TEST(speedscope_has_frames_stacks_and_weights)
{
    two_sites();
    ck_assert_str_eq(
        exported(wr_export_speedscope, NULL),
        "{\"$schema\":"
        "\"https://www.speedscope.app/file-format-schema.json\",\n"
        "\"exporter\":\"weir\",\"name\":\"prog\",\"activeProfileIndex\":0,\n"
        "\"shared\":{\"frames\":["
        "{\"name\":\"leaf\",\"file\":\"prog.c\",\"line\":10},\n"
        "{\"name\":\"main\",\"file\":\"prog.c\",\"line\":10}]},\n"
        "\"profiles\":[{\"type\":\"sampled\",\"name\":\"inuse_space\","
        "\"unit\":\"bytes\",\"startValue\":0,\"endValue\":120,\n"
        "\"samples\":[[1],\n[1,0]],\n\"weights\":[20,100]}]}\n");
}
END_TEST

START_TEST(speedscope_gets_two_profiles_of_a_difference)
{
    two_sites();
    maker_sample(base, STACK("gone", "main"), 1, 7);
    exported(wr_export_speedscope, base);
    assert_has("\"name\":\"inuse_space after\"");
    assert_has("\"endValue\":120,\n\"samples\":[[1],\n[1,0]],\n"
               "\"weights\":[20,100]}");
    assert_has("\"name\":\"inuse_space before\"");
    assert_has("\"endValue\":7,\n\"samples\":[[1,2]],\n\"weights\":[7]}]}\n");
}
END_TEST

START_TEST(units_that_speedscope_does_not_know_are_none)
{
    wr_profile_free(p);
    p = wr_profile_new();
    for (int i = 0; i < 4; i++)
        wr_profile_add_type(p, "samples", "count");
    maker_sample(p, STACK("main"), 1, 1);
    exported(wr_export_speedscope, NULL);
    assert_has("\"unit\":\"none\"");
}
END_TEST

/* --- JSON --------------------------------------------------------------- */

START_TEST(json_has_the_table_and_the_samples)
{
    struct wr_label label = {.key = wr_profile_string(p, "bytes"),
                             .num = 16,
                             .unit = wr_profile_string(p, "bytes")};
    struct wr_label who = {.key = wr_profile_string(p, "program"),
                           .str = wr_profile_string(p, "a\"b")};
    uint32_t frame = maker_location(p, STACK("leaf", "main"));
    p->time_ns = 5;
    wr_profile_sample(p, &frame, 1, (int64_t[]){1, 100, 2, 60},
                      (struct wr_label[]){label, who}, 2);
    wr_profile_comment(p, "made by hand");
    ck_assert_str_eq(
        exported(wr_export_json, NULL),
        "{\"v\":1,\"title\":\"prog\",\"type\":\"inuse_space\","
        "\"unit\":\"bytes\",\"total\":60,\"time_ns\":5,\"duration_ns\":0,"
        "\"period\":524288,\n"
        "\"types\":[{\"type\":\"alloc_objects\",\"unit\":\"count\"},"
        "{\"type\":\"alloc_space\",\"unit\":\"bytes\"},"
        "{\"type\":\"inuse_objects\",\"unit\":\"count\"},"
        "{\"type\":\"inuse_space\",\"unit\":\"bytes\"}],\n"
        "\"comments\":[\"made by hand\"],\n"
        "\"top\":[{\"name\":\"leaf\",\"flat\":60,\"cum\":60},\n"
        "{\"name\":\"main\",\"flat\":0,\"cum\":60}],\n"
        "\"functions\":[{\"name\":\"leaf\",\"file\":\"prog.c\","
        "\"module\":\"/bin/prog\",\"line\":10},\n"
        "{\"name\":\"main\",\"file\":\"prog.c\","
        "\"module\":\"/bin/prog\",\"line\":11}],\n"
        "\"samples\":[{\"stack\":[0,1],\"values\":[1,100,2,60],"
        "\"labels\":[{\"key\":\"bytes\",\"number\":16,\"unit\":\"bytes\"},"
        "{\"key\":\"program\",\"text\":\"a\\\"b\"}]}]}\n");
}
END_TEST

START_TEST(json_leaves_out_what_reports_leave_out)
{
    uint32_t frames[] = {maker_location(p, STACK("arena", "malloc", "grow")),
                         maker_location(p, STACK("main"))};
    wr_profile_sample(p, frames, 2, (int64_t[]){1, 5, 1, 5}, NULL, 0);
    p->drop_frames = wr_profile_string(p, "malloc");
    exported(wr_export_json, NULL);
    assert_has("\"stack\":[0,1]");
    ck_assert_ptr_null(strstr(text, "malloc"));
    assert_has("\"top\":[{\"name\":\"grow\",\"flat\":5,\"cum\":5}");
}
END_TEST

/* --- SVG ---------------------------------------------------------------- */

static unsigned
count_of(const char *words)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, words)); at++)
        n++;
    return n;
}

START_TEST(every_frame_of_the_svg_has_its_name_and_value_as_title)
{
    two_sites();
    exported(wr_export_svg, NULL);
    assert_has("<title>all\n120B (100.00%)</title>");
    assert_has("<title>main\nprog.c\n120B (100.00%)</title>");
    assert_has("<title>leaf\nprog.c\n100B (83.33%)</title>");
    assert_has(">leaf</text>");
    assert_has(">inuse_space: 120B</text>");
    ck_assert_uint_eq(count_of("<g>"), 3);
    ck_assert_uint_eq(count_of("</g>"), 3);
    ck_assert_ptr_null(strstr(text, "script"));
}
END_TEST

START_TEST(frames_stand_below_their_callers_and_side_by_side)
{
    maker_sample(p, STACK("a", "main"), 1, 50);
    maker_sample(p, STACK("b", "main"), 1, 50);
    exported(wr_export_svg, NULL);
    assert_has("<rect x=\"10.00\" y=\"70.0\" width=\"1179.70\"");
    assert_has("<rect x=\"10.00\" y=\"88.0\" width=\"589.70\"");
    assert_has("<rect x=\"600.00\" y=\"88.0\" width=\"589.70\"");
}
END_TEST

START_TEST(what_grew_is_red_and_what_shrank_blue)
{
    maker_sample(p, STACK("fresh"), 1, 50);
    maker_sample(p, STACK("same"), 1, 50);
    maker_sample(base, STACK("gone"), 1, 50);
    maker_sample(base, STACK("same"), 1, 50);
    exported(wr_export_svg, base);
    assert_has("<title>fresh\nprog.c\n0 (0.00%) before, 50B (50.00%) after");
    ck_assert_uint_eq(count_of("fill=\"hsl(5,80%,60%)\""), 1);
    ck_assert_uint_eq(count_of("fill=\"hsl(215,80%,60%)\""), 1);
    ck_assert_uint_eq(count_of("fill=\"hsl(5,0%,92%)\""), 1);
}
END_TEST

/* Half of what was is gone: the frame is as wide as it was. */
START_TEST(a_frame_is_as_wide_as_the_bigger_of_both)
{
    maker_sample(p, STACK("half", "main"), 1, 50);
    maker_sample(p, STACK("same", "main"), 1, 10);
    maker_sample(base, STACK("half", "main"), 1, 100);
    maker_sample(base, STACK("same", "main"), 1, 10);
    maker_sample(base, STACK("gone", "main"), 1, 8);
    exported(wr_export_svg, base);
    assert_has("<rect x=\"10.00\" y=\"88.0\" width=\"999.70\"");
    assert_has("<rect x=\"1010.00\" y=\"88.0\" width=\"99.70\"");
    assert_has("<rect x=\"1110.00\" y=\"88.0\" width=\"79.70\"");
}
END_TEST

/* --- HTML --------------------------------------------------------------- */

START_TEST(the_html_is_the_viewer_with_the_tree_inside)
{
    two_sites();
    exported(wr_export_html, NULL);
    ck_assert_int_eq(strncasecmp(text, "<!doctype html>", 15), 0);
    assert_has("{\"v\":1,\"title\":\"prog\",");
    assert_has("\"nodes\":[[-1,0,120,0],[0,1,120,20],[1,2,100,100]]}\n"
               "</script>");
    assert_has("</html>");
    ck_assert_ptr_null(strstr(text, "WEIR-DATA"));
}
END_TEST

START_TEST(hostile_names_do_not_end_the_script)
{
    exported(wr_export_html, NULL);
    unsigned before = count_of("</script>");
    maker_sample(p, STACK("</script><script>alert(1)</script>", "main"), 1, 9);
    exported(wr_export_html, NULL);
    ck_assert_uint_eq(count_of("</script>"), before);
    ck_assert_ptr_null(strstr(text, "<script>alert"));
}
END_TEST

START_TEST(hostile_names_stay_inside_their_elements)
{
    maker_sample(p, STACK("</title><script>\x01\xff&", "main"), 1, 50);
    exported(wr_export_svg, NULL);
    ck_assert_ptr_null(strstr(text, "<script"));
    assert_has("<title>&lt;/title&gt;&lt;script&gt;??&amp;\n");
}
END_TEST

START_TEST(long_names_are_cut_between_characters)
{
    char name[400];
    for (int i = 0; i < 199; i++)
        memcpy(name + 2 * i, "\xc3\xbc", 3);
    maker_sample(p, STACK(name), 1, 50);
    exported(wr_export_svg, NULL);
    assert_has("\xc3\xbc..</text>");
    ck_assert_ptr_null(strstr(text, "?.."));
}
END_TEST

START_TEST(every_format_has_a_form_for_nothing)
{
    ck_assert_str_eq(exported(wr_export_folded, NULL), "");
    exported(wr_export_speedscope, NULL);
    assert_has("\"samples\":[],\n\"weights\":[]}]}");
    exported(wr_export_json, NULL);
    assert_has("\"samples\":[]}");
    exported(wr_export_svg, NULL);
    assert_has("</svg>");
    ck_assert_ptr_null(strstr(text, "nan"));
}
END_TEST

static exporter *const formats[] = {wr_export_folded, wr_export_speedscope,
                                    wr_export_svg, wr_export_json,
                                    wr_export_html};

START_TEST(a_type_that_is_not_there_is_refused)
{
    struct wr_export e = {.p = p, .type = 4};
    ck_assert_int_eq(formats[_i](&e, stdout, why, sizeof why), -1);
    ck_assert_str_eq(why, "the profile has no such sample type");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/export");
    TCase *t = tcase_create("export");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, folded_stacks_are_lines_from_the_root);
    tcase_add_test(t, folded_stacks_of_two_profiles_have_both_numbers);
    tcase_add_test(t, marks_of_the_format_in_names_are_replaced);
    tcase_add_loop_test(t, folded_stacks_read_again_give_the_same_table, 0, 10);
    tcase_add_test(t, speedscope_has_frames_stacks_and_weights);
    tcase_add_test(t, speedscope_gets_two_profiles_of_a_difference);
    tcase_add_test(t, units_that_speedscope_does_not_know_are_none);
    tcase_add_test(t, json_has_the_table_and_the_samples);
    tcase_add_test(t, json_leaves_out_what_reports_leave_out);
    tcase_add_test(t, every_frame_of_the_svg_has_its_name_and_value_as_title);
    tcase_add_test(t, frames_stand_below_their_callers_and_side_by_side);
    tcase_add_test(t, what_grew_is_red_and_what_shrank_blue);
    tcase_add_test(t, a_frame_is_as_wide_as_the_bigger_of_both);
    tcase_add_test(t, the_html_is_the_viewer_with_the_tree_inside);
    tcase_add_test(t, hostile_names_do_not_end_the_script);
    tcase_add_test(t, hostile_names_stay_inside_their_elements);
    tcase_add_test(t, long_names_are_cut_between_characters);
    tcase_add_test(t, every_format_has_a_form_for_nothing);
    tcase_add_loop_test(t, a_type_that_is_not_there_is_refused, 0,
                        sizeof formats / sizeof *formats);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
