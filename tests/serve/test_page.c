/* What people see, and JSON about processes. */
#include "serve/page.h"

#include "serve/program.h"

static char dir[64], *text;
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
    assert_has("&lt;script&gt;&quot;&amp;&#39;");
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
    tcase_add_test(t, a_process_in_json_has_its_state_and_numbers);
    tcase_add_test(t, processes_in_json_are_separated_by_commas);
    tcase_add_test(t, how_a_process_ended_is_said);
    tcase_add_test(t, a_name_cannot_become_part_of_the_page);
    tcase_add_test(t, the_older_image_of_a_process_has_no_row);
    tcase_add_test(t, the_index_counts_sites_and_threads);
    tcase_add_test(t, the_index_of_several_leads_to_each);
    return run_case(t, "page");
}
