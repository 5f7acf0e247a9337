/* Requests: what a target says. */
#include "serve/request.h"

#include <string.h>
#include "serve/program.h"

static struct wr_request q;

static int
parse(const char *target)
{
    wr_request_fini(&q);
    return wr_request_parse(&q, "GET", target);
}

START_TEST(a_target_is_a_path_and_a_query)
{
    ck_assert_int_eq(parse("/debug/pprof/heap?debug=1&gc=1#x"), 0);
    ck_assert_str_eq(q.path, "/debug/pprof/heap");
    ck_assert_str_eq(q.query, "debug=1&gc=1");
}
END_TEST

START_TEST(a_path_is_decoded_and_a_query_is_not)
{
    ck_assert_int_eq(parse("/a%2fb?x=%31"), 0);
    ck_assert_str_eq(q.path, "/a/b");
    ck_assert_str_eq(q.query, "x=%31");
}
END_TEST

START_TEST(a_broken_escape_or_a_nul_is_refused)
{
    ck_assert_int_eq(parse("/a%2"), 400);
    ck_assert_int_eq(parse("/a%"), 400);
    ck_assert_int_eq(parse("/a%zz"), 400);
    ck_assert_int_eq(parse("/a%00b"), 400);
    ck_assert_int_eq(parse("/a%41"), 0);
}
END_TEST

START_TEST(a_target_without_a_slash_is_refused)
{
    ck_assert_int_eq(parse("heap"), 400);
    ck_assert_int_eq(parse("http://other/"), 400);
    ck_assert_int_eq(parse("*"), 400);
}
END_TEST

START_TEST(a_target_over_the_limit_is_too_long)
{
    static char target[WR_TARGET_MAX + 2];
    memset(target, 'a', WR_TARGET_MAX + 1);
    target[0] = '/';
    ck_assert_int_eq(parse(target), 414);
    target[WR_TARGET_MAX] = 0;
    ck_assert_int_eq(parse(target), 0);
}
END_TEST

START_TEST(a_parameter_is_found_by_its_whole_name)
{
    char value[16];
    parse("/?xdebug=3&debug=2&debug=4&empty=&bare");
    ck_assert(wr_request_param(&q, "debug", value, sizeof value));
    ck_assert_str_eq(value, "2");
    ck_assert(wr_request_param(&q, "empty", value, sizeof value));
    ck_assert_str_eq(value, "");
    ck_assert(wr_request_param(&q, "bare", value, sizeof value));
    ck_assert_str_eq(value, "");
    ck_assert(!wr_request_param(&q, "deb", value, sizeof value));
    ck_assert(!wr_request_param(&q, "gc", value, sizeof value));
}
END_TEST

START_TEST(a_parameter_is_decoded_and_cut_to_fit)
{
    char value[4];
    parse("/?a=%31%32345");
    ck_assert(wr_request_param(&q, "a", value, sizeof value));
    ck_assert_str_eq(value, "123");
}
END_TEST

START_TEST(what_is_no_number_counts_as_zero_like_in_go)
{
    parse("/?a=12&b=x&c=1x&d=&e=-3");
    ck_assert_int_eq(wr_request_number(&q, "a"), 12);
    ck_assert_int_eq(wr_request_number(&q, "b"), 0);
    ck_assert_int_eq(wr_request_number(&q, "c"), 0);
    ck_assert_int_eq(wr_request_number(&q, "d"), 0);
    ck_assert_int_eq(wr_request_number(&q, "e"), -3);
    ck_assert_int_eq(wr_request_number(&q, "none"), 0);
}
END_TEST

START_TEST(an_error_is_marked_for_pprof_and_offers_no_file)
{
    struct wr_answer a;
    wr_answer_init(&a);
    ck_assert_int_eq(a.status, 200);
    strcpy(a.attachment, "heap");
    wr_answer_error(&a, 404, "%s %d\n", "nothing", 7);
    ck_assert_int_eq(a.status, 404);
    ck_assert(a.pprof_error);
    ck_assert_str_eq(a.attachment, "");
    ck_assert_uint_eq(a.count, 10);
    ck_assert_mem_eq(a.bytes, "nothing 7\n", 10);
    wr_answer_fini(&a);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("request");
    tcase_add_test(t, a_target_is_a_path_and_a_query);
    tcase_add_test(t, a_path_is_decoded_and_a_query_is_not);
    tcase_add_test(t, a_broken_escape_or_a_nul_is_refused);
    tcase_add_test(t, a_target_without_a_slash_is_refused);
    tcase_add_test(t, a_target_over_the_limit_is_too_long);
    tcase_add_test(t, a_parameter_is_found_by_its_whole_name);
    tcase_add_test(t, a_parameter_is_decoded_and_cut_to_fit);
    tcase_add_test(t, what_is_no_number_counts_as_zero_like_in_go);
    tcase_add_test(t, an_error_is_marked_for_pprof_and_offers_no_file);
    return run_case(t, "request");
}
