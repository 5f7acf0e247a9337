/* What the page asks, in front of made-up programs; and the page itself. */
#include "serve/api.h"

#include "serve/program.h"
#include "serve/site.h"

static char dir[64];
static struct wr_site *site;
static struct program one;
static struct wr_answer last;

static void
setup(void)
{
    scratch_make(dir, sizeof dir);
    program_start(&one, dir, "first");
    site = wr_site_new(dir, WR_SCAN_HERE);
    wr_answer_init(&last);
}

static void
teardown(void)
{
    wr_answer_fini(&last);
    wr_site_free(site);
    program_end(&one);
    scratch_remove(dir);
}

/* Ask, and give the body with a NUL behind it. */
static const char *
body(const char *target)
{
    struct wr_request q;
    ck_assert_int_eq(wr_request_parse(&q, "GET", target), 0);
    wr_answer_fini(&last);
    wr_site_answer(site, &q, &last);
    wr_request_fini(&q);
    last.bytes = realloc(last.bytes, last.count + 1);
    last.bytes[last.count] = 0;
    return (const char *)last.bytes;
}

static const char *
body_of(pid_t pid, const char *rest)
{
    char target[128];
    snprintf(target, sizeof target, "/pid/%d%s", (int)pid, rest);
    return body(target);
}

static void
assert_json(const char *text)
{
    ck_assert_msg(last.status == 200, "%d: %s", last.status, text);
    ck_assert_str_eq(last.type, WR_TYPE_JSON);
    ck_assert_ptr_null(last.etag);
}

static size_t
count_of(const char *text, const char *part)
{
    size_t n = 0;
    while ((text = strstr(text, part)) != NULL) {
        n++;
        text += strlen(part);
    }
    return n;
}

START_TEST(the_list_has_every_process_and_the_one_to_begin_with)
{
    struct program two;
    char main_pid[32];
    program_start(&two, dir, "second");
    snprintf(main_pid, sizeof main_pid, "\"main\":%d,", (int)one.pid);
    const char *text = body("/api/processes");
    assert_json(text);
    ck_assert_ptr_nonnull(strstr(text, main_pid));
    ck_assert_uint_eq(count_of(text, "\"state\":\"running\""), 2);
    program_kill(&two);
    text = body("/api/processes");
    ck_assert_uint_eq(count_of(text, "\"state\":\"running\""), 1);
    ck_assert_uint_eq(count_of(text, "\"state\":\"killed\""), 1);
    munmap(two.region, sizeof *two.region);
}
END_TEST

START_TEST(without_processes_the_list_is_empty_and_main_is_none)
{
    program_kill(&one);
    unlink(one.path);
    ck_assert_str_eq(body("/api/processes"),
                     "{\"v\":1,\"main\":0,\"processes\":[]}\n");
    ck_assert_str_eq(body("/api/history"),
                     "{\"v\":1,\"more\":0,\"processes\":[]}\n");
    body("/api/flame");
    ck_assert_int_eq(last.status, 404);
    program_start(&one, dir, "again");
}
END_TEST

START_TEST(a_call_tree_has_the_types_total_and_a_title)
{
    const char *text = body("/api/flame?type=alloc_objects");
    char title[64];
    assert_json(text);
    snprintf(title, sizeof title, "\"title\":\"first, pid %d\"", (int)one.pid);
    ck_assert_ptr_nonnull(strstr(text, title));
    ck_assert_ptr_nonnull(strstr(text, "\"type\":\"alloc_objects\""));
    ck_assert_ptr_nonnull(strstr(text, "\"unit\":\"count\""));
    ck_assert_ptr_null(strstr(text, "base_total"));
}
END_TEST

START_TEST(the_kind_decides_which_values_are_shown_when_none_are_named)
{
    ck_assert_ptr_nonnull(strstr(body("/api/flame"), "inuse_space"));
    ck_assert_ptr_nonnull(
        strstr(body("/api/flame?kind=allocs"), "alloc_space"));
    ck_assert_ptr_nonnull(strstr(body("/api/top"), "inuse_space"));
}
END_TEST

START_TEST(tree_and_top_have_the_same_total)
{
    long long tree = -1, top = -2;
    const char *text = strstr(body("/api/flame"), "\"total\":");
    ck_assert_int_eq(sscanf(text, "\"total\":%lld", &tree), 1);
    text = strstr(body("/api/top"), "\"total\":");
    ck_assert_int_eq(sscanf(text, "\"total\":%lld", &top), 1);
    ck_assert_int_eq(tree, top);
    ck_assert_int_gt(tree, 0);
}
END_TEST

START_TEST(before_it_began_a_process_held_nothing)
{
    const char *text = body("/api/flame?at=1000");
    assert_json(text);
    ck_assert_ptr_nonnull(strstr(text, "\"total\":0"));
    text = body("/api/flame?from=1000");
    assert_json(text);
    ck_assert_ptr_nonnull(strstr(text, "\"base_total\":0"));
    ck_assert_ptr_null(strstr(text, "\"total\":0,"));
    text = body("/api/top?from=1000");
    assert_json(text);
    ck_assert_ptr_nonnull(strstr(text, "\"from_ms\":1000,"));
}
END_TEST

START_TEST(a_process_without_a_history_cannot_tell_of_the_past)
{
    one.region->header.start_ns -= UINT64_C(3600000000000);
    const char *text = body("/api/flame?at=-10m");
    ck_assert_int_eq(last.status, 404);
    ck_assert_ptr_nonnull(strstr(text, "no history"));
    body("/api/top?from=-10m&to=-5m");
    ck_assert_int_eq(last.status, 404);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_with_a_sentence)
{
    static const char *const bad[] = {
        "/api/flame?kind=goroutine", "/api/top?type=bytes",
        "/api/history?span=fortnight", "/api/flame?at=noon",
        "/api/top?from=-1m&to=-2m"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *text = body(bad[i]);
        ck_assert_msg(last.status == 400, "%s: %d", bad[i], last.status);
        ck_assert_str_eq(last.type, WR_TYPE_TEXT);
        ck_assert_ptr_nonnull(strchr(text, '\n'));
    }
    body("/api/nonsense");
    ck_assert_int_eq(last.status, 404);
}
END_TEST

START_TEST(one_process_is_asked_below_its_pid_also_after_its_death)
{
    struct program two;
    program_start(&two, dir, "second");
    ck_assert_ptr_nonnull(
        strstr(body("/api/flame"), "\"title\":\"2 processes\""));
    ck_assert_ptr_nonnull(
        strstr(body_of(two.pid, "/api/flame"), "\"title\":\"second, pid"));
    program_kill(&two);
    const char *text = body_of(two.pid, "/api/history");
    assert_json(text);
    ck_assert_ptr_nonnull(strstr(text, "\"live\":false"));
    ck_assert_ptr_null(strstr(text, "\"now\":"));
    ck_assert_uint_eq(count_of(text, "\"pid\":"), 1);
    body("/pid/1/api/history");
    ck_assert_int_eq(last.status, 404);
    munmap(two.region, sizeof *two.region);
}
END_TEST

START_TEST(without_a_history_there_is_this_moment)
{
    const char *text = body("/api/history?span=minutes");
    assert_json(text);
    ck_assert_ptr_nonnull(strstr(text, "\"points\":[]"));
    ck_assert_ptr_nonnull(strstr(text, "\"now\":["));
    ck_assert_ptr_nonnull(strstr(text, "\"oldest_ms\":0"));
}
END_TEST

START_TEST(the_page_is_the_same_for_all_and_may_be_kept)
{
    char etag[32];
    const char *text = body("/");
    size_t count = last.count;
    ck_assert_str_eq(last.type, WR_TYPE_HTML);
    ck_assert_ptr_nonnull(strstr(text, "<!DOCTYPE html>"));
    ck_assert_ptr_nonnull(last.etag);
    snprintf(etag, sizeof etag, "%s", last.etag);
    body_of(one.pid, "/");
    ck_assert_uint_eq(last.count, count);
    ck_assert_str_eq(last.etag, etag);
    body("/pid/1/");
    ck_assert_int_eq(last.status, 404);
}
END_TEST

START_TEST(the_policy_lets_the_page_reach_its_own_server_only)
{
    body("/");
    ck_assert_int_eq(strncmp(last.policy, "default-src 'none'; ", 20), 0);
    ck_assert_ptr_nonnull(strstr(last.policy, "script-src 'sha256-"));
    ck_assert_ptr_nonnull(strstr(last.policy, "connect-src 'self'"));
    ck_assert_ptr_nonnull(strstr(last.policy, "frame-ancestors 'none'"));
    ck_assert_ptr_null(strstr(last.policy, "unsafe"));
    ck_assert_ptr_null(strstr(last.policy, "http"));
}
END_TEST

START_TEST(compressed_the_page_is_under_100_kb)
{
    body("/");
    size_t plain = last.count;
    wr_answer_compress(&last);
    ck_assert(last.gzipped);
    ck_assert_mem_eq(last.bytes, "\x1f\x8b", 2);
    ck_assert_uint_lt(last.count, plain);
    ck_assert_uint_lt(last.count, 100000);
}
END_TEST

START_TEST(a_small_answer_is_not_compressed)
{
    wr_answer_text(&last, WR_TYPE_TEXT, "no\n");
    wr_answer_compress(&last);
    ck_assert(!last.gzipped);
    ck_assert_uint_eq(last.count, 3);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("api");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_list_has_every_process_and_the_one_to_begin_with);
    tcase_add_test(t, without_processes_the_list_is_empty_and_main_is_none);
    tcase_add_test(t, a_call_tree_has_the_types_total_and_a_title);
    tcase_add_test(t,
                   the_kind_decides_which_values_are_shown_when_none_are_named);
    tcase_add_test(t, tree_and_top_have_the_same_total);
    tcase_add_test(t, before_it_began_a_process_held_nothing);
    tcase_add_test(t, a_process_without_a_history_cannot_tell_of_the_past);
    tcase_add_test(t, what_makes_no_sense_is_refused_with_a_sentence);
    tcase_add_test(t, one_process_is_asked_below_its_pid_also_after_its_death);
    tcase_add_test(t, without_a_history_there_is_this_moment);
    tcase_add_test(t, the_page_is_the_same_for_all_and_may_be_kept);
    tcase_add_test(t, the_policy_lets_the_page_reach_its_own_server_only);
    tcase_add_test(t, compressed_the_page_is_under_100_kb);
    tcase_add_test(t, a_small_answer_is_not_compressed);
    return run_case(t, "api");
}
