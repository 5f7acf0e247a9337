/* Names by which a server may be asked. */
#include "weir/hosts.h"

#include "cmd/talk.h"

static struct wr_hosts hosts;

static int
add(const char *name)
{
    struct caught c;
    catch_begin(&c);
    int rc = wr_hosts_add(&hosts, name);
    catch_end(&c);
    return rc;
}

START_TEST(names_are_kept_in_their_order_and_the_list_ends)
{
    ck_assert_int_eq(add("profiles"), 0);
    ck_assert_int_eq(add("weir.example"), 0);
    ck_assert_uint_eq(hosts.count, 2);
    ck_assert_str_eq(hosts.name[0], "profiles");
    ck_assert_str_eq(hosts.name[1], "weir.example");
    ck_assert_ptr_null(hosts.name[2]);
    ck_assert_str_eq(said.err, "");
}
END_TEST

START_TEST(what_is_no_name_is_refused_with_an_example)
{
    ck_assert_int_eq(add("weir:6060"), -1);
    assert_err("--allow-host weir:6060: not a name");
    assert_err("profiles.example");
    ck_assert_int_eq(add(""), -1);
    ck_assert_int_eq(add("http://weir/"), -1);
    ck_assert_uint_eq(hosts.count, 0);
    ck_assert_ptr_null(hosts.name[0]);
}
END_TEST

START_TEST(there_is_a_limit)
{
    for (int i = 0; i < WR_HOSTS_MAX; i++)
        ck_assert_int_eq(add("a"), 0);
    ck_assert_int_eq(add("one.more"), -1);
    assert_err("one.more: more than 16 names");
    ck_assert_uint_eq(hosts.count, WR_HOSTS_MAX);
    ck_assert_ptr_null(hosts.name[WR_HOSTS_MAX]);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("hosts");
    tcase_add_test(t, names_are_kept_in_their_order_and_the_list_ends);
    tcase_add_test(t, what_is_no_name_is_refused_with_an_example);
    tcase_add_test(t, there_is_a_limit);
    return run_case(t, "hosts");
}
