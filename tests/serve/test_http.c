/* The server over real sockets, in front of made-up programs. */
#include "serve/server.h"

#include <pthread.h>
#include <stdarg.h>
#include <sys/socket.h>
#include "analyse/profile.h"
#include "serve/address.h"
#include "serve/program.h"
#include "serve/site.h"

static char dir[64], why[400];
static struct wr_address tcp, local;
static struct wr_server *server;
static struct program one;

static void
setup(void)
{
    scratch_make(dir, sizeof dir);
    program_start(&one, dir, "first");
    wr_address_parse(&tcp, "127.0.0.1:0", why, sizeof why);
    local.is_unix = true;
    snprintf(local.path, sizeof local.path, "%s/s", dir);
    static const char *const names[] = {"profiles", NULL};
    struct wr_listen at[] = {
        {wr_address_listen(&tcp, why, sizeof why), tcp.host, names},
        {.fd = wr_address_listen(&local, why, sizeof why)},
    };
    struct wr_site *site = wr_site_new(dir, WR_SCAN_HERE);
    wr_site_set_subject(site, (uint32_t)one.pid);
    ck_assert_int_eq(wr_server_start(&server, site, at, 2, why, sizeof why), 0);
}

static void
teardown(void)
{
    wr_server_stop(server);
    program_end(&one);
    scratch_remove(dir);
}

/* --- A client ---------------------------------------------------------- */

struct reply {
    char *all;  /* head and body */
    char *body; /* in it */
    size_t bytes;
    int status;
};

static struct reply last;

static int
send_text(const struct wr_address *to, const char *text)
{
    int fd = wr_address_connect(to, why, sizeof why);
    ck_assert_msg(fd >= 0, "%s", why);
    size_t n = strlen(text);
    ck_assert_int_eq(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
    return fd;
}

static void
receive(int fd)
{
    size_t have = 0, room = 1 << 20;
    free(last.all);
    last = (struct reply){.all = calloc(1, room + 1)};
    for (ssize_t n; (n = recv(fd, last.all + have, room - have, 0)) > 0;)
        have += (size_t)n;
    close(fd);
    last.body = memmem(last.all, have, "\r\n\r\n", 4);
    ck_assert_msg(last.body, "no head in: %s", last.all);
    last.body += 4;
    last.bytes = have - (size_t)(last.body - last.all);
    last.body[-2] = 0;
    last.status = atoi(last.all + 9);
}

static int
ask(const struct wr_address *to, const char *method, const char *target,
    const char *more)
{
    char text[12000];
    snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nConnection: close\r\n%s\r\n",
             method, target, more);
    receive(send_text(to, text));
    return last.status;
}

static int
get(const char *target)
{
    return ask(&tcp, "GET", target, "Host: localhost\r\n");
}

static bool
has(const char *header)
{
    return strcasestr(last.all, header) != NULL;
}

static struct wr_profile *
profile(const char *target)
{
    struct wr_profile *p;
    ck_assert_msg(get(target) == 200, "%d: %s", last.status, last.body);
    ck_assert_msg(
        wr_profile_decode(&p, last.body, last.bytes, why, sizeof why) == 0,
        "%s", why);
    return p;
}

/* A label of a sample, as text; "" when it has none. */
static const char *
label(const struct wr_profile *p, uint32_t sample, const char *key)
{
    static char text[64];
    const struct wr_sample *s = &p->samples[sample];
    for (uint32_t i = 0; i < s->label_count; i++) {
        const struct wr_label *l = &p->labels[s->first_label + i];
        if (strcmp(p->strings[l->key], key) != 0)
            continue;
        if (l->str)
            return p->strings[l->str];
        snprintf(text, sizeof text, "%lld", (long long)l->num);
        return text;
    }
    return "";
}

/* --- Tests ------------------------------------------------------------- */

START_TEST(a_heap_profile_is_a_gzipped_file_named_heap)
{
    ck_assert_int_eq(get("/debug/pprof/heap"), 200);
    ck_assert(has("Content-Type: application/octet-stream"));
    ck_assert(has("Content-Disposition: attachment; filename=\"heap\""));
    ck_assert(has("X-Content-Type-Options: nosniff"));
    ck_assert(!has("X-Go-Pprof") && !has("Content-Encoding"));
    ck_assert_mem_eq(last.body, "\x1f\x8b", 2);
}
END_TEST

START_TEST(heap_and_allocs_have_four_types_and_differ_in_the_default)
{
    struct wr_profile *heap = profile("/debug/pprof/heap");
    struct wr_profile *allocs = profile("/debug/pprof/allocs");
    static const char *const type[] = {"alloc_objects", "alloc_space",
                                       "inuse_objects", "inuse_space"};
    ck_assert_uint_eq(heap->type_count, 4);
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(heap->strings[heap->types[i].type], type[i]);
    ck_assert_uint_eq(wr_profile_default_type(heap), 3);
    ck_assert_uint_eq(wr_profile_default_type(allocs), 1);
    ck_assert_int_eq(heap->period, FAKE_RATE);
    ck_assert_int_eq(heap->duration_ns, 0);
    ck_assert_int_gt(wr_profile_total(heap, 1), 10 * 48 + 3 * 8192);
    wr_profile_free(heap);
    wr_profile_free(allocs);
}
END_TEST

START_TEST(the_subject_is_shown_without_labels)
{
    struct wr_profile *p = profile("/debug/pprof/heap");
    ck_assert_uint_gt(p->sample_count, 0);
    for (uint32_t i = 0; i < p->sample_count; i++)
        ck_assert_str_eq(label(p, i, "pid"), "");
    wr_profile_free(p);
}
END_TEST

START_TEST(other_processes_are_merged_and_labelled)
{
    struct program two;
    char pid[16];
    unsigned first = 0, second = 0;
    program_start(&two, dir, "second");
    struct wr_profile *p = profile("/debug/pprof/heap");
    snprintf(pid, sizeof pid, "%d", (int)two.pid);
    for (uint32_t i = 0; i < p->sample_count; i++) {
        if (*label(p, i, "pid") == 0) {
            ck_assert_str_eq(label(p, i, "program"), "");
            first++;
            continue;
        }
        ck_assert_str_eq(label(p, i, "pid"), pid);
        ck_assert_str_eq(label(p, i, "program"), "second");
        second++;
    }
    ck_assert_uint_gt(first, 0);
    ck_assert_uint_eq(first, second);
    wr_profile_free(p);
    program_end(&two);
}
END_TEST

START_TEST(a_process_is_found_by_its_pid_also_after_its_death)
{
    struct program two;
    char target[64];
    program_start(&two, dir, "second");
    snprintf(target, sizeof target, "/pid/%d/debug/pprof/heap", (int)two.pid);
    struct wr_profile *p = profile(target);
    ck_assert_str_eq(label(p, 0, "pid"), "");
    wr_profile_free(p);
    program_kill(&two);
    wr_profile_free(profile(target));
    p = profile("/debug/pprof/heap"); /* which shows the living only */
    ck_assert_str_eq(label(p, 0, "pid"), "");
    wr_profile_free(p);
    ck_assert_int_eq(get("/pid/1/debug/pprof/heap"), 404);
    ck_assert_ptr_nonnull(strstr(last.body, "no process 1"));
}
END_TEST

START_TEST(an_unknown_profile_is_refused_as_go_does)
{
    ck_assert_int_eq(get("/debug/pprof/nonsense"), 404);
    ck_assert_str_eq(last.body, "Unknown profile\n");
    ck_assert(has("X-Go-Pprof: 1") && has("Content-Type: text/plain"));
    ck_assert_int_eq(get("/debug/other"), 404);
    ck_assert(!has("X-Go-Pprof"));
}
END_TEST

START_TEST(profiles_that_c_has_not_yet_say_so)
{
    static const char *const target[] = {"trace?seconds=1", "goroutineleak",
                                         "profile?debug=1", "block?debug=1",
                                         "mutex?debug=2"};
    for (size_t i = 0; i < sizeof target / sizeof *target; i++) {
        char path[64];
        snprintf(path, sizeof path, "/debug/pprof/%s", target[i]);
        ck_assert_int_eq(get(path), 501);
        ck_assert(has("X-Go-Pprof: 1"));
        ck_assert_ptr_nonnull(strstr(last.body, "Weir"));
    }
}
END_TEST

START_TEST(what_scrapers_ask_for_and_c_has_not_is_empty)
{
    static const char *const name[] = {"profile", "block", "mutex"};
    static const char *const type[] = {"cpu", "delay", "delay"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        char target[64];
        snprintf(target, sizeof target, "/debug/pprof/%s?seconds=9", name[i]);
        struct wr_profile *p = profile(target);
        ck_assert(has("Content-Type: application/octet-stream"));
        ck_assert_uint_eq(p->sample_count, 0);
        ck_assert_uint_eq(p->type_count, 2);
        ck_assert_str_eq(p->strings[p->types[1].type], type[i]);
        ck_assert_uint_eq(p->comment_count, 1);
        ck_assert_ptr_nonnull(strstr(p->strings[p->comments[0]], "Weir"));
        wr_profile_free(p);
    }
}
END_TEST

START_TEST(wrong_seconds_are_refused_in_gos_words)
{
    static const char *const bad[] = {"x",   "0",  "-1",
                                      "1.5", "1s", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char target[64];
        snprintf(target, sizeof target, "/debug/pprof/heap?seconds=%s", bad[i]);
        ck_assert_int_eq(get(target), 400);
        ck_assert_str_eq(last.body, "invalid value for \"seconds\" - must be "
                                    "a positive integer\n");
        ck_assert(has("X-Go-Pprof: 1"));
    }
    ck_assert_int_eq(get("/debug/pprof/heap?seconds=1&debug=1"), 400);
    ck_assert_str_eq(last.body, "seconds and debug params are incompatible\n");
}
END_TEST

START_TEST(profiles_of_the_past_are_asked_for_by_moments)
{
    struct wr_profile *p = profile("/debug/pprof/heap?at=1000");
    ck_assert_uint_eq(p->sample_count, 0);
    wr_profile_free(p);
    struct wr_profile *now = profile("/debug/pprof/allocs");
    p = profile("/debug/pprof/allocs?from=1000");
    ck_assert(has("filename=\"allocs-delta\""));
    ck_assert_int_eq(wr_profile_total(p, 1), wr_profile_total(now, 1));
    wr_profile_free(now);
    wr_profile_free(p);
    ck_assert_int_eq(get("/debug/pprof/heap?at=noon"), 400);
    ck_assert(has("X-Go-Pprof: 1") && strstr(last.body, "at=noon"));
    ck_assert_int_eq(get("/debug/pprof/heap?at=-1m&debug=1"), 400);
}
END_TEST

static void *
allocate_soon(void *unused)
{
    (void)unused;
    usleep(300000);
    one.region->bucket[1].allocs += 5;
    one.region->bucket[1].alloc_bytes += 5 * 48;
    return NULL;
}

START_TEST(a_delta_holds_what_changed_meanwhile)
{
    pthread_t thread;
    pthread_create(&thread, NULL, allocate_soon, NULL);
    uint64_t before = wr_clock_ns(CLOCK_MONOTONIC);
    struct wr_profile *p = profile("/debug/pprof/heap?seconds=1");
    ck_assert_uint_ge(wr_clock_ns(CLOCK_MONOTONIC) - before, 1000000000u);
    pthread_join(thread, NULL);
    ck_assert(has("filename=\"heap-delta\""));
    ck_assert_int_eq(p->duration_ns, 1000000000);
    ck_assert_uint_eq(p->sample_count, 1);
    int64_t weighted = wr_profile_total(p, 1);
    ck_assert_int_gt(weighted, 5 * 48);
    ck_assert_int_eq(wr_profile_total(p, 3), weighted);
    wr_profile_free(p);
}
END_TEST

START_TEST(a_waiting_delta_keeps_nobody_else_waiting)
{
    int fd = send_text(&tcp, "GET /debug/pprof/heap?seconds=2 HTTP/1.1\r\n"
                             "Host: localhost\r\nConnection: close\r\n\r\n");
    uint64_t before = wr_clock_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(get("/debug/pprof/heap"), 200);
    ck_assert_uint_lt(wr_clock_ns(CLOCK_MONOTONIC) - before, 1500000000u);
    receive(fd);
    ck_assert_int_eq(last.status, 200);
}
END_TEST

START_TEST(a_client_that_hangs_up_ends_its_delta)
{
    /* All connections there are, each asking for an hour. */
    for (int i = 0; i < 2 * WR_CONNECTIONS; i++) {
        int fd =
            send_text(&tcp, "GET /debug/pprof/heap?seconds=3600 HTTP/1.1\r\n"
                            "Host: localhost\r\n\r\n");
        usleep(2000);
        close(fd);
    }
    ck_assert_int_eq(get("/debug/pprof/heap"), 200);
}
END_TEST

START_TEST(stopping_the_server_ends_waiting_answers)
{
    int fd = send_text(&tcp, "GET /debug/pprof/heap?seconds=3600 HTTP/1.1\r\n"
                             "Host: localhost\r\n\r\n");
    usleep(200000);
    uint64_t before = wr_clock_ns(CLOCK_MONOTONIC);
    wr_server_stop(server);
    server = NULL;
    ck_assert_uint_lt(wr_clock_ns(CLOCK_MONOTONIC) - before, 5000000000u);
    close(fd);
}
END_TEST

START_TEST(text_has_the_legacy_header_and_memstats)
{
    ck_assert_int_eq(get("/debug/pprof/heap?debug=1"), 200);
    ck_assert(has("Content-Type: text/plain; charset=utf-8"));
    ck_assert(!has("Content-Disposition"));
    ck_assert_int_eq(strncmp(last.body, "heap profile: ", 14), 0);
    ck_assert_ptr_nonnull(strstr(last.body, "@ heap/8192\n"));
    ck_assert_ptr_nonnull(strstr(last.body, "# runtime.MemStats"));
}
END_TEST

START_TEST(threads_are_shown_in_all_three_forms)
{
    struct wr_profile *p = profile("/debug/pprof/goroutine");
    ck_assert_int_eq(wr_profile_total(p, 0), FAKE_THREADS);
    wr_profile_free(p);
    ck_assert_int_eq(get("/debug/pprof/goroutine?debug=1"), 200);
    ck_assert_int_eq(strncmp(last.body, "goroutine profile: total 2", 26), 0);
    ck_assert_int_eq(get("/debug/pprof/goroutine?debug=2"), 200);
    ck_assert(has("text/plain"));
    p = profile("/debug/pprof/threadcreate");
    ck_assert_int_eq(wr_profile_total(p, 0), FAKE_THREADS);
    wr_profile_free(p);
}
END_TEST

START_TEST(the_command_line_is_joined_by_nul_without_a_last_one)
{
    one.region->header.cmdline_bytes = 8;
    ck_assert_int_eq(get("/debug/pprof/cmdline"), 200);
    ck_assert_uint_eq(last.bytes, 7);
    ck_assert_mem_eq(last.body, "fake\0-x", 7);
}
END_TEST

START_TEST(a_command_line_may_fill_its_field)
{
    one.region->header.cmdline_bytes = sizeof one.region->header.cmdline;
    memset(one.region->header.cmdline, 'x', sizeof one.region->header.cmdline);
    ck_assert_int_eq(get("/debug/pprof/cmdline"), 200);
    ck_assert_uint_eq(last.bytes, sizeof one.region->header.cmdline);
}
END_TEST

START_TEST(symbol_answers_get_and_post)
{
    char head[128];
    ck_assert_int_eq(get("/debug/pprof/symbol"), 200);
    ck_assert_str_eq(last.body, "num_symbols: 1\n");
    ck_assert_int_eq(get("/debug/pprof/symbol?0x1+0x2"), 200);
    ck_assert_str_eq(last.body, "num_symbols: 1\n");
    snprintf(head, sizeof head, "Host: localhost\r\nContent-Length: 7\r\n");
    char text[300];
    snprintf(text, sizeof text,
             "POST /debug/pprof/symbol HTTP/1.1\r\nConnection: close\r\n%s\r\n"
             "0x1+0x2",
             head);
    receive(send_text(&tcp, text));
    ck_assert_int_eq(last.status, 200);
    ck_assert_str_eq(last.body, "num_symbols: 1\n");
}
END_TEST

START_TEST(a_body_over_the_limit_is_refused)
{
    char head[200];
    snprintf(head, sizeof head,
             "POST /debug/pprof/symbol HTTP/1.1\r\nHost: localhost\r\n"
             "Connection: close\r\nContent-Length: %u\r\n\r\n",
             WR_BODY_MAX + 1);
    int fd = send_text(&tcp, head);
    char *body = malloc(WR_BODY_MAX + 1);
    memset(body, '+', WR_BODY_MAX + 1);
    for (size_t sent = 0; sent < WR_BODY_MAX + 1;) {
        ssize_t n = send(fd, body + sent, WR_BODY_MAX + 1 - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    free(body);
    receive(fd);
    ck_assert_int_eq(last.status, 413);
}
END_TEST

START_TEST(other_methods_are_refused)
{
    ck_assert_int_eq(
        ask(&tcp, "DELETE", "/debug/pprof/heap", "Host: localhost\r\n"), 405);
    ck_assert(has("Allow: GET, HEAD\r\n"));
    ck_assert_int_eq(ask(&tcp, "POST", "/debug/pprof/heap",
                         "Host: localhost\r\nContent-Length: 0\r\n"),
                     405);
}
END_TEST

START_TEST(head_has_the_same_head_and_no_body)
{
    ck_assert_int_eq(
        ask(&tcp, "HEAD", "/debug/pprof/heap", "Host: localhost\r\n"), 200);
    ck_assert(has("filename=\"heap\""));
    ck_assert_uint_eq(last.bytes, 0);
}
END_TEST

START_TEST(a_foreign_host_is_refused_on_tcp_and_not_on_the_socket)
{
    const char *evil = "Host: evil.example:6060\r\n";
    ck_assert_int_eq(ask(&tcp, "GET", "/debug/pprof/heap", evil), 403);
    ck_assert_ptr_nonnull(strstr(last.body, "evil.example"));
    ck_assert_int_eq(ask(&local, "GET", "/debug/pprof/heap", evil), 200);
}
END_TEST

START_TEST(a_name_that_was_allowed_is_answered)
{
    ck_assert_int_eq(
        ask(&tcp, "GET", "/debug/pprof/", "Host: profiles:6060\r\n"), 200);
    ck_assert_int_eq(
        ask(&tcp, "GET", "/debug/pprof/", "Host: profile:6060\r\n"), 403);
    ck_assert_ptr_nonnull(strstr(last.body, "\"profile:6060\""));
    ck_assert_ptr_nonnull(strstr(last.body, "--allow-host"));
}
END_TEST

START_TEST(a_head_over_the_limit_is_refused)
{
    static char head[2 * WR_HEADER_BYTES];
    int n =
        snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
    memset(head + n, 'x', sizeof head - (size_t)n - 5);
    memcpy(head + sizeof head - 5, "\r\n\r\n", 5);
    int fd = wr_address_connect(&tcp, why, sizeof why);
    send(fd, head, sizeof head - 1, MSG_NOSIGNAL);
    struct timeval wait = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    char answer[64] = "";
    ssize_t got = recv(fd, answer, sizeof answer - 1, 0);
    close(fd);
    ck_assert_msg(got <= 0 || strstr(answer, " 431 ") ||
                      strstr(answer, " 414 ") || strstr(answer, " 413 "),
                  "answered: %s", answer);
    ck_assert_int_eq(get("/debug/pprof/"), 200);
}
END_TEST

START_TEST(the_index_links_what_there_is)
{
    ck_assert_int_eq(get("/debug/pprof/"), 200);
    ck_assert(has("Content-Type: text/html; charset=utf-8"));
    ck_assert(has("Content-Security-Policy"));
    ck_assert_ptr_nonnull(strstr(last.body, "href=\"heap?debug=1\""));
    ck_assert_ptr_nonnull(strstr(last.body, "href=\"goroutine?debug=2\""));
    ck_assert_ptr_nonnull(strstr(last.body, "href=\"../../metrics\""));
    ck_assert_ptr_nonnull(strstr(last.body, "first"));
}
END_TEST

START_TEST(short_paths_lead_to_the_index_and_to_the_page)
{
    char target[64];
    ck_assert_int_eq(get("/debug/pprof"), 302);
    ck_assert(has("Location: /debug/pprof/\r\n"));
    snprintf(target, sizeof target, "/pid/%d", (int)one.pid);
    ck_assert_int_eq(get(target), 302);
    snprintf(target, sizeof target, "Location: /pid/%d/\r\n", (int)one.pid);
    ck_assert(has(target));
}
END_TEST

START_TEST(the_page_is_sent_compressed_and_not_sent_again)
{
    char known[128];
    ck_assert_int_eq(get("/"), 200);
    ck_assert(has("Content-Security-Policy: default-src 'none'; script-src"));
    ck_assert(has("Cache-Control: no-cache") && !has("Content-Encoding"));
    size_t plain = last.bytes;
    ck_assert_int_eq(ask(&tcp, "GET", "/",
                         "Host: localhost\r\nAccept-Encoding: br, gzip\r\n"),
                     200);
    ck_assert(has("Content-Encoding: gzip") && last.bytes < plain / 2);
    const char *etag = strcasestr(last.all, "ETag: ") + 6;
    snprintf(known, sizeof known, "Host: localhost\r\nIf-None-Match: %.*s\r\n",
             (int)strcspn(etag, "\r"), etag);
    ck_assert_int_eq(ask(&tcp, "GET", "/", known), 304);
    ck_assert_uint_eq(last.bytes, 0);
    ck_assert_int_eq(ask(&tcp, "HEAD", "/", "Host: localhost\r\n"), 200);
    ck_assert_uint_eq(last.bytes, 0);
}
END_TEST

START_TEST(answers_that_change_are_not_stored_and_profiles_not_packed_twice)
{
    const char *gzip = "Host: localhost\r\nAccept-Encoding: gzip\r\n";
    ck_assert_int_eq(ask(&tcp, "GET", "/api/history", gzip), 200);
    ck_assert(has("Cache-Control: no-store") && !has("ETag"));
    ck_assert_int_eq(ask(&tcp, "GET", "/debug/pprof/heap", gzip), 200);
    ck_assert(!has("Content-Encoding"));
    ck_assert_int_eq(ask(&tcp, "GET", "/",
                         "Host: localhost\r\nAccept-Encoding: gzip;q=0\r\n"),
                     200);
    ck_assert(!has("Content-Encoding"));
}
END_TEST

START_TEST(a_name_from_a_program_is_escaped)
{
    strcpy(one.region->header.exe, "/tmp/<script>\"&\xff");
    ck_assert_int_eq(get("/pid/"), 200);
    ck_assert_ptr_null(strstr(last.body, "<script>"));
    ck_assert_ptr_nonnull(strstr(last.body, "&lt;script&gt;&quot;&amp;"));
    ck_assert_int_eq(get("/pid/?format=json"), 200);
    ck_assert_ptr_nonnull(
        strstr(last.body, "\"program\":\"\\u003cscript>\\\"&?\""));
}
END_TEST

START_TEST(the_process_list_is_json_for_those_who_ask)
{
    ck_assert_int_eq(ask(&tcp, "GET", "/pid/",
                         "Host: localhost\r\nAccept: application/json\r\n"),
                     200);
    ck_assert(has("Content-Type: application/json"));
    ck_assert_ptr_nonnull(strstr(last.body, "\"state\":\"running\""));
    ck_assert_int_eq(get("/pid/"), 200);
    ck_assert(has("text/html"));
}
END_TEST

START_TEST(without_any_program_a_profile_is_not_found)
{
    program_kill(&one);
    unlink(one.path);
    ck_assert_int_eq(get("/debug/pprof/heap"), 404);
    ck_assert(has("X-Go-Pprof: 1"));
    ck_assert_int_eq(get("/debug/pprof/cmdline"), 404);
    ck_assert_int_eq(get("/debug/pprof/"), 200);
    program_start(&one, dir, "again");
    ck_assert_int_eq(get("/debug/pprof/heap"), 200);
}
END_TEST

static void *
hammer(void *failures)
{
    static const char *const target[] = {
        "/debug/pprof/heap", "/debug/pprof/goroutine?debug=2",
        "/debug/pprof/allocs?debug=1", "/pid/", "/debug/pprof/symbol?0x400030"};
    char text[200], answer[13];
    for (int i = 0; i < 50; i++) {
        char sink[4096];
        char mine[400];
        snprintf(text, sizeof text,
                 "GET %s HTTP/1.1\r\nHost: localhost\r\n"
                 "Connection: close\r\n\r\n",
                 target[i % 5]);
        int fd = wr_address_connect(&tcp, mine, sizeof mine);
        if (fd < 0 || send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 ||
            recv(fd, answer, 12, MSG_WAITALL) != 12 ||
            memcmp(answer, "HTTP/1.1 200", 12) != 0)
            atomic_fetch_add((atomic_int *)failures, 1);
        while (fd >= 0 && recv(fd, sink, sizeof sink, 0) > 0)
            ;
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

START_TEST(many_clients_at_once_all_get_answers)
{
    atomic_int failures = 0;
    pthread_t thread[8];
    for (int i = 0; i < 8; i++)
        pthread_create(&thread[i], NULL, hammer, &failures);
    for (int i = 0; i < 8; i++)
        pthread_join(thread[i], NULL);
    ck_assert_int_eq(failures, 0);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("http");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_heap_profile_is_a_gzipped_file_named_heap);
    tcase_add_test(t,
                   heap_and_allocs_have_four_types_and_differ_in_the_default);
    tcase_add_test(t, the_subject_is_shown_without_labels);
    tcase_add_test(t, other_processes_are_merged_and_labelled);
    tcase_add_test(t, a_process_is_found_by_its_pid_also_after_its_death);
    tcase_add_test(t, an_unknown_profile_is_refused_as_go_does);
    tcase_add_test(t, profiles_that_c_has_not_yet_say_so);
    tcase_add_test(t, what_scrapers_ask_for_and_c_has_not_is_empty);
    tcase_add_test(t, wrong_seconds_are_refused_in_gos_words);
    tcase_add_test(t, profiles_of_the_past_are_asked_for_by_moments);
    tcase_add_test(t, a_delta_holds_what_changed_meanwhile);
    tcase_add_test(t, a_waiting_delta_keeps_nobody_else_waiting);
    tcase_add_test(t, a_client_that_hangs_up_ends_its_delta);
    tcase_add_test(t, stopping_the_server_ends_waiting_answers);
    tcase_add_test(t, text_has_the_legacy_header_and_memstats);
    tcase_add_test(t, threads_are_shown_in_all_three_forms);
    tcase_add_test(t, the_command_line_is_joined_by_nul_without_a_last_one);
    tcase_add_test(t, a_command_line_may_fill_its_field);
    tcase_add_test(t, symbol_answers_get_and_post);
    tcase_add_test(t, a_body_over_the_limit_is_refused);
    tcase_add_test(t, other_methods_are_refused);
    tcase_add_test(t, head_has_the_same_head_and_no_body);
    tcase_add_test(t, a_foreign_host_is_refused_on_tcp_and_not_on_the_socket);
    tcase_add_test(t, a_name_that_was_allowed_is_answered);
    tcase_add_test(t, a_head_over_the_limit_is_refused);
    tcase_add_test(t, the_index_links_what_there_is);
    tcase_add_test(t, short_paths_lead_to_the_index_and_to_the_page);
    tcase_add_test(t, the_page_is_sent_compressed_and_not_sent_again);
    tcase_add_test(
        t, answers_that_change_are_not_stored_and_profiles_not_packed_twice);
    tcase_add_test(t, a_name_from_a_program_is_escaped);
    tcase_add_test(t, the_process_list_is_json_for_those_who_ask);
    tcase_add_test(t, without_any_program_a_profile_is_not_found);
    tcase_add_test(t, many_clients_at_once_all_get_answers);
    return run_case(t, "http");
}
