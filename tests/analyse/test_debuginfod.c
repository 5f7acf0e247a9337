/* Debug files from a server: one in a child of this process, which counts the
 * requests it got and answers as it is told. */
#include "analyse/debuginfod.h"
#include "unit.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "base/clock.h"

#define THERE  "1111111111111111111111111111111111111111"
#define ABSENT "2222222222222222222222222222222222222222"
#define SLOW   "3333333333333333333333333333333333333333"

struct shared {
    _Atomic int requests;
    _Atomic bool hurry; /* the slow file comes at once now */
};

static char home[] = "/tmp/weir-test-XXXXXX";
static struct shared *shared;
static pid_t server;
static struct wr_debuginfod *d;
static char path[512];

/* ---- the server ---- */

static void
answer(int client)
{
    char request[4096], wanted[64];
    ssize_t n = read(client, request, sizeof request - 1);
    request[n > 0 ? n : 0] = '\0';
    if (sscanf(request, "GET /buildid/%40[0-9a-f]/debuginfo ", wanted) != 1)
        return;
    shared->requests++;
    if (strcmp(wanted, SLOW) == 0)
        while (!shared->hurry)
            usleep(10000);
    const char *reply = strcmp(wanted, ABSENT) == 0
                            ? "HTTP/1.1 404 Not Found\r\nContent-Length: "
                              "0\r\nConnection: close\r\n\r\n"
                            : "HTTP/1.1 200 OK\r\nContent-Length: "
                              "5\r\nConnection: close\r\n\r\ndebug";
    ck_assert_int_gt(write(client, reply, strlen(reply)), 0);
}

static void
serve(int listener)
{
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client >= 0 && fork() == 0) {
            answer(client);
            _exit(0);
        }
        close(client);
    }
}

static void
start_server(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof at;
    char url[64];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &n), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(at.sin_port));
    setenv("DEBUGINFOD_URLS", url, 1);
    server = fork();
    if (server == 0) {
        setpgid(0, 0);
        serve(listener);
    }
    setpgid(server, server);
    close(listener);
}

static void
setup(void)
{
    strcpy(home + strlen(home) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    setenv("DEBUGINFOD_CACHE_PATH", home, 1);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    start_server();
    d = wr_debuginfod_new();
    ck_assert_ptr_nonnull(d);
}

static void
teardown(void)
{
    char command[160];
    wr_debuginfod_free(d);
    kill(-server, SIGKILL);
    waitpid(server, NULL, 0);
    snprintf(command, sizeof command, "rm -rf '%s'", home);
    ck_assert_int_eq(system(command), 0);
}

static double
seconds_since(uint64_t start)
{
    return (double)(wr_clock_ns(CLOCK_MONOTONIC) - start) / 1e9;
}

/* ---- what is found ---- */

START_TEST(a_file_that_a_server_has_is_fetched)
{
    char text[8] = "";
    wr_debuginfod_want(d, THERE);
    wr_debuginfod_wait(d, 20000);
    ck_assert(wr_debuginfod_found(d, THERE, path, sizeof path));
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
    fclose(f);
    ck_assert_str_eq(text, "debug");
}
END_TEST

START_TEST(several_files_are_fetched_one_after_the_other)
{
    wr_debuginfod_want(d, ABSENT);
    wr_debuginfod_want(d, THERE);
    wr_debuginfod_wait(d, 20000);
    ck_assert(!wr_debuginfod_found(d, ABSENT, path, sizeof path));
    ck_assert(wr_debuginfod_found(d, THERE, path, sizeof path));
    ck_assert_int_eq(shared->requests, 2);
}
END_TEST

START_TEST(what_no_server_has_is_not_asked_for_again_soon)
{
    for (int i = 0; i < 5; i++) {
        wr_debuginfod_want(d, ABSENT);
        wr_debuginfod_wait(d, 20000);
        ck_assert(!wr_debuginfod_found(d, ABSENT, path, sizeof path));
    }
    ck_assert_int_eq(shared->requests, 1);
}
END_TEST

/* ---- who waits, and how long ---- */

START_TEST(nobody_waits_longer_than_said_and_the_file_comes_later)
{
    ck_assert(wr_debuginfod_want(d, SLOW));
    uint64_t start = wr_clock_ns(CLOCK_MONOTONIC);
    ck_assert(!wr_debuginfod_wait(d, 200));
    ck_assert_double_lt(seconds_since(start), 5);
    ck_assert(!wr_debuginfod_found(d, SLOW, path, sizeof path));
    ck_assert(!wr_debuginfod_want(d, SLOW)); /* it is under way */
    shared->hurry = true;
    ck_assert(wr_debuginfod_wait(d, 20000));
    ck_assert(wr_debuginfod_found(d, SLOW, path, sizeof path));
    ck_assert_int_eq(shared->requests, 1);
}
END_TEST

START_TEST(a_transfer_is_given_up_at_the_end)
{
    wr_debuginfod_want(d, SLOW);
    wr_debuginfod_wait(d, 100);
    uint64_t start = wr_clock_ns(CLOCK_MONOTONIC);
    wr_debuginfod_free(d);
    d = NULL;
    ck_assert_double_lt(seconds_since(start), 10);
}
END_TEST

START_TEST(a_server_that_is_not_there_has_nothing)
{
    wr_debuginfod_free(d);
    setenv("DEBUGINFOD_URLS", "http://127.0.0.1:1", 1);
    d = wr_debuginfod_new();
    wr_debuginfod_want(d, THERE);
    wr_debuginfod_wait(d, 20000);
    ck_assert(!wr_debuginfod_found(d, THERE, path, sizeof path));
}
END_TEST

START_TEST(with_nothing_wanted_nobody_waits)
{
    uint64_t start = wr_clock_ns(CLOCK_MONOTONIC);
    wr_debuginfod_wait(d, 20000);
    wr_debuginfod_want(d, "");
    wr_debuginfod_wait(d, 20000);
    ck_assert_double_lt(seconds_since(start), 5);
    ck_assert(!wr_debuginfod_found(d, "", path, sizeof path));
}
END_TEST

START_TEST(without_servers_there_is_nothing_to_ask)
{
    unsetenv("DEBUGINFOD_URLS");
    ck_assert_ptr_null(wr_debuginfod_new());
    setenv("DEBUGINFOD_URLS", "", 1);
    ck_assert_ptr_null(wr_debuginfod_new());
    wr_debuginfod_want(NULL, THERE);
    wr_debuginfod_wait(NULL, 20000);
    ck_assert(!wr_debuginfod_found(NULL, THERE, path, sizeof path));
    wr_debuginfod_free(NULL);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/debuginfod");
    TCase *tests = tcase_create("debuginfod");
    if (!dlopen("libdebuginfod.so.1", RTLD_NOW)) {
        puts("skip: no libdebuginfod.so.1; script/setup installs it");
        return 77;
    }
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_file_that_a_server_has_is_fetched);
    tcase_add_test(tests, several_files_are_fetched_one_after_the_other);
    tcase_add_test(tests, what_no_server_has_is_not_asked_for_again_soon);
    tcase_add_test(tests,
                   nobody_waits_longer_than_said_and_the_file_comes_later);
    tcase_add_test(tests, a_transfer_is_given_up_at_the_end);
    tcase_add_test(tests, a_server_that_is_not_there_has_nothing);
    tcase_add_test(tests, with_nothing_wanted_nobody_waits);
    tcase_add_test(tests, without_servers_there_is_nothing_to_ask);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
