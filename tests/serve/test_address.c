/* Addresses: parsing, listening, connecting. */
#include "serve/address.h"

#include <errno.h>
#include <fcntl.h>
#include "serve/program.h"

static struct wr_address at;
static char why[400], text[400];

static const char *
parsed(const char *s)
{
    if (wr_address_parse(&at, s, why, sizeof why) != 0)
        return NULL;
    wr_address_text(&at, text, sizeof text);
    return text;
}

START_TEST(an_address_without_a_host_is_loopback)
{
    ck_assert_str_eq(parsed("6060"), "127.0.0.1:6060");
    ck_assert_str_eq(parsed(":6060"), "127.0.0.1:6060");
    ck_assert_str_eq(parsed("0"), "127.0.0.1:0");
}
END_TEST

START_TEST(hosts_names_and_literals_are_kept)
{
    ck_assert_str_eq(parsed("localhost:80"), "localhost:80");
    ck_assert_str_eq(parsed("0.0.0.0:65535"), "0.0.0.0:65535");
    ck_assert_str_eq(parsed("[::1]:6060"), "[::1]:6060");
    ck_assert_str_eq(at.host, "::1");
    ck_assert_str_eq(parsed("unix:/run/x.sock"), "unix:/run/x.sock");
    ck_assert(at.is_unix);
}
END_TEST

START_TEST(what_is_no_address_gets_a_sentence_with_an_example)
{
    static const char *const bad[] = {
        "",     "localhost", "localhost:", "a:b",       "x:65536",
        "x:-1", "x:1 ",      "unix:",      "1.2.3.4:+5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        why[0] = 0;
        ck_assert_msg(!parsed(bad[i]), "%s was accepted", bad[i]);
        ck_assert_msg(why[0], "%s got no sentence", bad[i]);
    }
    ck_assert(!parsed("localhost"));
    ck_assert_ptr_nonnull(strstr(why, "127.0.0.1:6060"));
}
END_TEST

START_TEST(a_socket_path_over_the_limit_is_refused)
{
    char path[200] = "unix:/";
    memset(path + 6, 'x', 120);
    ck_assert(!parsed(path));
}
END_TEST

START_TEST(port_zero_becomes_the_real_port)
{
    ck_assert_ptr_nonnull(parsed("127.0.0.1:0"));
    int fd = wr_address_listen(&at, why, sizeof why);
    ck_assert_msg(fd >= 0, "%s", why);
    ck_assert_uint_gt(at.port, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    int client = wr_address_connect(&at, why, sizeof why);
    ck_assert_int_ge(client, 0);
    ck_assert_int_eq(fcntl(client, F_GETFD), FD_CLOEXEC);
    close(client);
    close(fd);
}
END_TEST

START_TEST(a_port_in_use_says_so)
{
    parsed("127.0.0.1:0");
    int fd = wr_address_listen(&at, why, sizeof why);
    struct wr_address again = at;
    errno = 0;
    ck_assert_int_eq(wr_address_listen(&again, why, sizeof why), -1);
    ck_assert_int_eq(errno, EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(why, "in use"));
    close(fd);
}
END_TEST

START_TEST(nobody_there_is_told_with_the_address)
{
    parsed("127.0.0.1:1");
    ck_assert_int_eq(wr_address_connect(&at, why, sizeof why), -1);
    ck_assert_ptr_nonnull(strstr(why, "127.0.0.1:1"));
}
END_TEST

START_TEST(a_unix_socket_is_private_and_replaces_a_dead_one)
{
    char dir[64], name[128];
    struct stat st;
    scratch_make(dir, sizeof dir);
    snprintf(name, sizeof name, "unix:%s/s", dir);
    parsed(name);
    int first = wr_address_listen(&at, why, sizeof why);
    ck_assert_int_ge(first, 0);
    ck_assert_int_eq(stat(at.path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    /* somebody listens: it is taken */
    ck_assert_int_eq(wr_address_listen(&at, why, sizeof why), -1);
    close(first);
    int second = wr_address_listen(&at, why, sizeof why);
    ck_assert_int_ge(second, 0);
    close(second);
    scratch_remove(dir);
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_never_replaced)
{
    char dir[64], name[128];
    scratch_make(dir, sizeof dir);
    snprintf(name, sizeof name, "unix:%s/s", dir);
    parsed(name);
    close(open(at.path, O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(wr_address_listen(&at, why, sizeof why), -1);
    ck_assert_int_eq(access(at.path, F_OK), 0);
    scratch_remove(dir);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("address");
    tcase_add_test(t, an_address_without_a_host_is_loopback);
    tcase_add_test(t, hosts_names_and_literals_are_kept);
    tcase_add_test(t, what_is_no_address_gets_a_sentence_with_an_example);
    tcase_add_test(t, a_socket_path_over_the_limit_is_refused);
    tcase_add_test(t, port_zero_becomes_the_real_port);
    tcase_add_test(t, a_port_in_use_says_so);
    tcase_add_test(t, nobody_there_is_told_with_the_address);
    tcase_add_test(t, a_unix_socket_is_private_and_replaces_a_dead_one);
    tcase_add_test(t, a_file_that_is_no_socket_is_never_replaced);
    return run_case(t, "address");
}
