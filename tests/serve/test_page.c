/* What people see, and JSON: names of programs may hold anything. */
#include "serve/page.h"

#include "serve/program.h"

static char dir[64], *text;
static size_t bytes;
static struct program one;
static struct wr_answer answer;

static void
setup(void)
{
    scratch_make(dir, sizeof dir);
    program_start(&one, dir, "first");
}

static void
teardown(void)
{
    program_end(&one);
    scratch_remove(dir);
    wr_answer_fini(&answer);
}

static const char *
json(const char *string)
{
    free(text);
    FILE *out = open_memstream(&text, &bytes);
    wr_json_string(out, string);
    fclose(out);
    return text;
}

/* The answer's text, made by one of the functions about all sources. */
static const char *
page(void (*make)(struct wr_answer *, const struct wr_sources *))
{
    struct wr_sources s;
    ck_assert_int_eq(wr_sources_scan(&s, dir, WR_SCAN_HERE), 0);
    wr_answer_fini(&answer);
    wr_answer_init(&answer);
    make(&answer, &s);
    wr_sources_free(&s);
    free(text);
    text = strndup((char *)answer.bytes, answer.count);
    return text;
}

static const char *
index_page(uint32_t pid)
{
    struct wr_scope s;
    ck_assert_int_eq(wr_scope_open(&s, dir, WR_SCAN_HERE, pid), 0);
    wr_answer_fini(&answer);
    wr_answer_init(&answer);
    wr_page_index(&answer, &s);
    wr_scope_close(&s);
    free(text);
    text = strndup((char *)answer.bytes, answer.count);
    return text;
}

#define assert_has(words)                                                      \
    ck_assert_msg(strstr(text, words) != NULL, "no %s in %s", words, text)

/* --- JSON --------------------------------------------------------------- */

START_TEST(plain_text_and_utf8_stay_as_they_are)
{
    ck_assert_str_eq(json("redis-server"), "\"redis-server\"");
    ck_assert_str_eq(json(""), "\"\"");
    ck_assert_str_eq(json("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x9f"),
                     "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x9f\"");
}
END_TEST

START_TEST(what_json_needs_is_escaped)
{
    ck_assert_str_eq(json("a\"b\\c"), "\"a\\\"b\\\\c\"");
    ck_assert_str_eq(json("\n\t\x1f\x7f"), "\"\\u000a\\u0009\\u001f\\u007f\"");
}
END_TEST

static const char *const no_characters[] = {
    "\xff",             /* never a byte of UTF-8 */
    "\x80",             /* in the middle of nothing */
    "\xc0\xaf",         /* '/', longer than need be */
    "\xe0\x80\xaf",     /* the same, longer still */
    "\xf0\x80\x80\xaf", /* and longer */
    "\xed\xa0\x80",     /* half of a pair */
    "\xf4\x90\x80\x80", /* above the last character */
    "\xc3",             /* cut short */
    "\xe2\x82",
};

START_TEST(bytes_that_are_no_characters_become_question_marks)
{
    const char *got = json(no_characters[_i]);
    ck_assert_int_eq(got[1], '?');
    ck_assert_uint_eq(strspn(got + 1, "?"), strlen(no_characters[_i]));
    json("x\xffy");
    ck_assert_str_eq(text, "\"x?y\"");
}
END_TEST

START_TEST(a_process_in_json_has_its_state_and_numbers)
{
    page(wr_page_processes_json);
    ck_assert_str_eq(answer.type, WR_TYPE_JSON);
    assert_has("\"program\":\"first\",\"state\":\"running\"");
    assert_has("\"sample_rate\":4096");
    assert_has("\"mallocs\":");
    assert_has("/debug/pprof/\"}]\n");
}
END_TEST

START_TEST(processes_in_json_are_separated_by_commas)
{
    struct program two;
    program_start(&two, dir, "second");
    page(wr_page_processes_json);
    assert_has("},\n{");
    assert_has("\"program\":\"second\"");
    program_end(&two);
}
END_TEST

/* --- HTML --------------------------------------------------------------- */

START_TEST(how_a_process_ended_is_said)
{
    struct program two;
    program_start(&two, dir, "second");
    program_kill(&two);
    page(wr_page_processes);
    assert_has("<td>first</td><td>running</td>");
    assert_has("<td>second</td><td>killed</td>");
    two.region->header.state = WR_REGION_EXITED;
    page(wr_page_processes);
    assert_has("<td>second</td><td>exited</td>");
    munmap(two.region, sizeof *two.region);
}
END_TEST

START_TEST(a_name_cannot_become_part_of_the_page)
{
    snprintf(one.region->header.exe, sizeof one.region->header.exe,
             "/bin/<script>\"&'");
    page(wr_page_processes);
    ck_assert_str_eq(answer.type, WR_TYPE_HTML);
    assert_has("&lt;script&gt;&quot;&amp;'");
    ck_assert_ptr_null(strstr(text, "<script>"));
}
END_TEST

START_TEST(the_older_image_of_a_process_has_no_row)
{
    char path[256];
    struct fake *older =
        program_region(path, sizeof path, dir, "before", one.pid);
    older->header.start_mono_ns = 1;
    page(wr_page_processes);
    ck_assert_ptr_null(strstr(text, "before"));
    page(wr_page_processes_json);
    ck_assert_ptr_null(strstr(text, "before"));
    munmap(older, sizeof *older);
}
END_TEST

START_TEST(the_index_counts_sites_and_threads)
{
    index_page((uint32_t)one.pid);
    assert_has("<td class=\"n\">3</td><td><a href=\"heap?debug=1\">");
    assert_has("<td class=\"n\">2</td><td><a href=\"goroutine?debug=1\">");
    one.region->thread[0].state = WR_THREAD_ENDED;
    one.region->thread[0].threads = 7;
    index_page((uint32_t)one.pid);
    assert_has("<td class=\"n\">1</td><td><a href=\"goroutine?debug=1\">");
    assert_has("<td class=\"n\">8</td><td><a href=\"threadcreate?debug=1\">");
}
END_TEST

START_TEST(the_index_of_several_leads_to_each)
{
    struct program two;
    char link[64];
    ck_assert_ptr_null(strstr(index_page(0), "Merged from"));
    program_start(&two, dir, "second");
    index_page(0);
    assert_has("Merged from 2 processes");
    snprintf(link, sizeof link, "/pid/%d/debug/pprof/", (int)two.pid);
    assert_has(link);
    program_end(&two);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("page");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, plain_text_and_utf8_stay_as_they_are);
    tcase_add_test(t, what_json_needs_is_escaped);
    tcase_add_loop_test(t, bytes_that_are_no_characters_become_question_marks,
                        0, sizeof no_characters / sizeof *no_characters);
    tcase_add_test(t, a_process_in_json_has_its_state_and_numbers);
    tcase_add_test(t, processes_in_json_are_separated_by_commas);
    tcase_add_test(t, how_a_process_ended_is_said);
    tcase_add_test(t, a_name_cannot_become_part_of_the_page);
    tcase_add_test(t, the_older_image_of_a_process_has_no_row);
    tcase_add_test(t, the_index_counts_sites_and_threads);
    tcase_add_test(t, the_index_of_several_leads_to_each);
    return run_case(t, "page");
}
