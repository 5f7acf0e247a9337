/* Fetching: answers of servers, good and bad. */
#include "weir/fetch.h"

#include <pthread.h>
#include <sys/socket.h>
#include "serve/address.h"
#include "serve/program.h"

static int status;
static size_t start, length;

static int
split(const char *text)
{
    return wr_fetch_split((const unsigned char *)text, strlen(text), &status,
                          &start, &length);
}

START_TEST(a_body_ends_with_the_answer_or_where_its_length_says)
{
    ck_assert_int_eq(split("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody"), 0);
    ck_assert_int_eq(status, 200);
    ck_assert_uint_eq(length, 4);
    ck_assert_int_eq(split("HTTP/1.0 404 No\r\ncontent-LENGTH: 2\r\n\r\nbody"),
                     0);
    ck_assert_int_eq(status, 404);
    ck_assert_uint_eq(length, 2);
}
END_TEST

START_TEST(an_answer_that_is_cut_off_is_refused)
{
    ck_assert_int_ne(split("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nb"), 0);
    ck_assert_int_ne(split("HTTP/1.1 200 OK\r\nContent-"), 0);
    ck_assert_int_ne(split(""), 0);
}
END_TEST

START_TEST(what_is_not_http_is_refused)
{
    ck_assert_int_ne(split("SSH-2.0-OpenSSH\r\n\r\n"), 0);
    ck_assert_int_ne(split("HTTP/1.1 xyz\r\n\r\n"), 0);
    ck_assert_int_ne(split("\r\n\r\n"), 0);
}
END_TEST

START_TEST(urls_are_told_from_files_and_pids)
{
    ck_assert(wr_fetch_is_url("http://localhost:1/x"));
    ck_assert(wr_fetch_is_url("https://localhost:1/x"));
    ck_assert(wr_fetch_is_url("unix:/x"));
    ck_assert(!wr_fetch_is_url("1234"));
    ck_assert(!wr_fetch_is_url("heap.pb.gz"));
    ck_assert(!wr_fetch_is_url("http.pb.gz"));
}
END_TEST

/* --- A server that says one thing --------------------------------------- */

static struct wr_address at;
static int door;
static const char *says;
static char asked[1024], why[400];

static void *
answer_once(void *unused)
{
    (void)unused;
    int fd = accept(door, NULL, NULL);
    ssize_t n = recv(fd, asked, sizeof asked - 1, 0);
    asked[n > 0 ? n : 0] = 0;
    send(fd, says, strlen(says), MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static int
fetch(const char *path, const char *answer, char **body)
{
    char url[200], text[300];
    pthread_t thread;
    unsigned char *bytes;
    size_t count;
    wr_address_parse(&at, "127.0.0.1:0", why, sizeof why);
    door = wr_address_listen(&at, why, sizeof why);
    says = answer;
    pthread_create(&thread, NULL, answer_once, NULL);
    wr_address_text(&at, text, sizeof text);
    snprintf(url, sizeof url, "http://%.100s%s", text, path);
    int rc = wr_fetch(url, &bytes, &count, why, sizeof why);
    pthread_join(thread, NULL);
    close(door);
    if (rc == 0) {
        *body = strndup((char *)bytes, count);
        free(bytes);
    }
    return rc;
}

START_TEST(a_body_is_fetched_from_a_path)
{
    char *body;
    ck_assert_int_eq(fetch("/x/y?z=1", "HTTP/1.1 200 OK\r\n\r\nhello", &body),
                     0);
    ck_assert_str_eq(body, "hello");
    free(body);
    ck_assert_int_eq(strncmp(asked, "GET /x/y?z=1 HTTP/1.0\r\n", 23), 0);
    ck_assert_ptr_nonnull(strstr(asked, "\r\nHost: 127.0.0.1:"));
}
END_TEST

START_TEST(without_a_path_it_is_the_heap)
{
    char *body;
    ck_assert_int_eq(fetch("", "HTTP/1.1 200 OK\r\n\r\n", &body), 0);
    free(body);
    ck_assert_int_eq(strncmp(asked, "GET /debug/pprof/heap HTTP", 26), 0);
}
END_TEST

START_TEST(an_error_holds_what_the_server_said)
{
    char *body;
    ck_assert_int_ne(fetch("/x",
                           "HTTP/1.1 404 Not Found\r\n\r\nUnknown "
                           "profile\nmore",
                           &body),
                     0);
    ck_assert_ptr_nonnull(strstr(why, "404: Unknown profile"));
    ck_assert_ptr_null(strstr(why, "more"));
}
END_TEST

START_TEST(an_address_that_makes_no_sense_gets_a_sentence)
{
    unsigned char *bytes;
    size_t count;
    ck_assert_int_ne(wr_fetch("http:///x", &bytes, &count, why, sizeof why), 0);
    ck_assert_int_ne(wr_fetch("https://x/", &bytes, &count, why, sizeof why),
                     0);
    ck_assert_ptr_nonnull(strstr(why, "plain http"));
    ck_assert_int_ne(
        wr_fetch("http://127.0.0.1:1/", &bytes, &count, why, sizeof why), 0);
    ck_assert_ptr_nonnull(strstr(why, "127.0.0.1:1"));
    ck_assert_int_ne(
        wr_fetch("unix:/no/such/socket", &bytes, &count, why, sizeof why), 0);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("fetch");
    tcase_add_test(t, a_body_ends_with_the_answer_or_where_its_length_says);
    tcase_add_test(t, an_answer_that_is_cut_off_is_refused);
    tcase_add_test(t, what_is_not_http_is_refused);
    tcase_add_test(t, urls_are_told_from_files_and_pids);
    tcase_add_test(t, a_body_is_fetched_from_a_path);
    tcase_add_test(t, without_a_path_it_is_the_heap);
    tcase_add_test(t, an_error_holds_what_the_server_said);
    tcase_add_test(t, an_address_that_makes_no_sense_gets_a_sentence);
    return run_case(t, "fetch");
}
