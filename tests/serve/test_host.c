/* Host headers: who is answered. */
#include "serve/host.h"

#include "serve/program.h"

static bool
allowed(const char *bound, const char *header)
{
    struct wr_host_rule rule;
    wr_host_rule_init(&rule, bound, NULL);
    return wr_host_allowed(&rule, header);
}

START_TEST(loopback_answers_to_all_names_of_loopback)
{
    const char *bound = "127.0.0.1";
    ck_assert(allowed(bound, "127.0.0.1:6060"));
    ck_assert(allowed(bound, "127.0.0.1"));
    ck_assert(allowed(bound, "localhost:6060"));
    ck_assert(allowed(bound, "LocalHost"));
    ck_assert(allowed(bound, "localhost.:80"));
    ck_assert(allowed(bound, "[::1]:6060"));
    ck_assert(allowed(bound, "127.1.2.3:1"));
}
END_TEST

START_TEST(a_rebound_name_is_refused)
{
    const char *bound = "127.0.0.1";
    ck_assert(!allowed(bound, "evil.example:6060"));
    ck_assert(!allowed(bound, "localhost.evil.example"));
    ck_assert(!allowed(bound, "127.0.0.1.evil.example"));
    ck_assert(!allowed(bound, "evil-localhost"));
    ck_assert(!allowed(bound, "192.168.1.7:6060"));
    ck_assert(!allowed(bound, "0.0.0.0:6060"));
}
END_TEST

START_TEST(a_header_that_is_no_host_is_refused)
{
    const char *bound = "127.0.0.1";
    ck_assert(!allowed(bound, ""));
    ck_assert(!allowed(bound, ":6060"));
    ck_assert(!allowed(bound, "[::1"));
    ck_assert(!allowed(bound, "[::1]x"));
    ck_assert(!allowed(bound, "[]:1"));
}
END_TEST

START_TEST(the_address_that_was_asked_for_is_answered)
{
    ck_assert(allowed("build.example", "build.example:6060"));
    ck_assert(allowed("build.example", "BUILD.example"));
    ck_assert(!allowed("build.example", "other.example"));
    ck_assert(allowed("192.168.1.7", "192.168.1.7:6060"));
    ck_assert(!allowed("192.168.1.7", "192.168.1.8:6060"));
}
END_TEST

START_TEST(a_server_on_every_address_answers_to_any_literal_address)
{
    ck_assert(allowed("0.0.0.0", "192.168.1.8:6060"));
    ck_assert(allowed("::", "[fe80::1]:6060"));
    ck_assert(allowed("0.0.0.0", "localhost"));
    ck_assert(!allowed("0.0.0.0", "evil.example"));
}
END_TEST

START_TEST(a_name_that_was_allowed_is_answered)
{
    const char *const names[] = {"profiles", "weir.example", NULL};
    struct wr_host_rule rule;
    wr_host_rule_init(&rule, "0.0.0.0", names);
    ck_assert(wr_host_allowed(&rule, "profiles:6060"));
    ck_assert(wr_host_allowed(&rule, "Weir.Example"));
    ck_assert(wr_host_allowed(&rule, "weir.example.:80"));
    ck_assert(wr_host_allowed(&rule, "localhost:6060"));
    ck_assert(!wr_host_allowed(&rule, "profiles.evil.example"));
    ck_assert(!wr_host_allowed(&rule, "profile"));
    ck_assert(!wr_host_allowed(&rule, "example"));
    ck_assert(!wr_host_allowed(&rule, ""));
}
END_TEST

START_TEST(an_empty_list_allows_nothing_more)
{
    const char *const names[] = {NULL};
    struct wr_host_rule rule;
    wr_host_rule_init(&rule, "127.0.0.1", names);
    ck_assert(wr_host_allowed(&rule, "127.0.0.1"));
    ck_assert(!wr_host_allowed(&rule, "profiles"));
}
END_TEST

START_TEST(a_name_is_a_host_without_port_or_path)
{
    static const char *const good[] = {"profiles", "weir.example", "10.0.0.7",
                                       "under_score", "::1"};
    static const char *const bad[] = {"",        "weir:6060", "http://weir",
                                      "weir/",   "[::1]",     "weir.",
                                      "me@weir", "a b",       "weir?x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(wr_host_is_name(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!wr_host_is_name(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(a_name_longer_than_any_host_is_none)
{
    char name[300] = "";
    memset(name, 'a', 255);
    ck_assert(wr_host_is_name(name));
    name[255] = 'a';
    ck_assert(!wr_host_is_name(name));
}
END_TEST

START_TEST(a_unix_socket_answers_to_every_name)
{
    ck_assert(allowed(NULL, "whatever"));
    ck_assert(allowed(NULL, NULL));
}
END_TEST

START_TEST(a_request_without_a_host_is_no_browsers)
{
    ck_assert(allowed("127.0.0.1", NULL));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("host");
    tcase_add_test(t, loopback_answers_to_all_names_of_loopback);
    tcase_add_test(t, a_rebound_name_is_refused);
    tcase_add_test(t, a_header_that_is_no_host_is_refused);
    tcase_add_test(t, the_address_that_was_asked_for_is_answered);
    tcase_add_test(t, a_server_on_every_address_answers_to_any_literal_address);
    tcase_add_test(t, a_name_that_was_allowed_is_answered);
    tcase_add_test(t, an_empty_list_allows_nothing_more);
    tcase_add_test(t, a_name_is_a_host_without_port_or_path);
    tcase_add_test(t, a_name_longer_than_any_host_is_none);
    tcase_add_test(t, a_unix_socket_answers_to_every_name);
    tcase_add_test(t, a_request_without_a_host_is_no_browsers);
    return run_case(t, "host");
}
