/* weir run: a program under Weir, in the foreground.
 *
 * 1. Until the program runs, nothing is loaded, looked up or started that it
 *    does not need: this is the time every run pays.
 * 2. What cannot be recorded is run all the same: weir then replaces itself
 *    by the program, after a sentence.
 * 3. The HTTP library is loaded when somebody knocks, the tools while the
 *    program starts.
 */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/text.h"
#include "region/read.h"
#include "serve/address.h"
#include "serve/serve.h"
#include "weir/cmd.h"
#include "weir/hosts.h"
#include "weir/launch.h"
#include "weir/number.h"
#include "weir/place.h"
#include "weir/program.h"
#include "weir/report.h"
#include "weir/snapshot.h"
#include "weir/supervise.h"
#include "weir/tools.h"

extern char **environ;

struct run {
    bool quiet;
    const char *http;
    struct wr_hosts hosts;
    const char *out, *regions;
    struct wr_snapshots snapshots;
    const struct wr_tools *tools;
    bool no_go_metrics;
    char sample[24];   /* "" when not asked for */
    const char *limit; /* NULL when not asked for */
    bool collect;
    const char *percent; /* NULL when not asked for */
    bool wants_leaks, fail_on_leak;
    struct wr_lost_options leaks;
    char **argv;

    struct wr_inherited was;
    struct wr_program program;
    char library[WR_PATH_MAX];
    char dir[WR_PATH_MAX];
    pid_t pid; /* of the program */

    struct wr_address at[WR_WATCH_MAX];
    int socket[WR_WATCH_MAX];
    size_t sockets;
    struct wr_server *server;
    wr_serve_directory_stop_fn *stop;
};

/* --- Options ----------------------------------------------------------- */

static int
parse_sample(struct run *r, const char *text)
{
    uint64_t bytes;
    if (wr_number_bytes(text, &bytes) != 0) {
        wr_say("--sample %s: not a number of bytes; write 65536, 64K or 1",
               text);
        return -1;
    }
    snprintf(r->sample, sizeof r->sample, "%llu", (unsigned long long)bytes);
    return 0;
}

static void
take_leak_option(struct run *r, int option)
{
    r->wants_leaks = true;
    r->fail_on_leak |= option == 'f';
    if (option == 'l' && optarg)
        r->leaks.file = optarg;
    if (option == 'i')
        r->leaks.suppressions = optarg;
}

static int
parse_limit(struct run *r, const char *text)
{
    uint64_t bytes;
    bool hard;
    if (wr_parse_limit(text, strlen(text), &bytes, &hard) != 0) {
        wr_say("--limit %s: not a memory limit; write 512MiB, auto or off, and "
               "512MiB:hard to have large allocations fail beyond it",
               text);
        return -1;
    }
    r->limit = text;
    return 0;
}

/* text: NULL when none was given. */
static int
parse_collect(struct run *r, const char *text)
{
    size_t digits = text ? strspn(text, "0123456789") : 0;
    r->collect = true;
    r->percent = text;
    if (!text || (digits > 0 && digits < 7 && !text[digits]))
        return 0;
    wr_say("--collect=%s: write by how many percent memory may grow from one "
           "collection to the next: 100, or 50 for less memory and more work",
           text);
    return -1;
}

/* "90%" or "90". */
static int
parse_snapshot(struct run *r, const char *text)
{
    char *end;
    double percent = strtod(text, &end);
    if (end == text || (*end && strcmp(end, "%") != 0) || !(percent >= 1) ||
        percent > 99) {
        wr_say("--snapshot-at %s: write a part of the limit from 1%% to 99%%",
               text);
        return -1;
    }
    r->snapshots.at = percent / 100;
    return 0;
}

static int
explain(void)
{
    char *argv[] = {"weir", "help", "run", NULL};
    const struct wr_tools *tools = wr_tools_load();
    return tools ? tools->main(3, argv) : 1;
}

/* 0; or an exit status + 1. */
static int
parse_options(struct run *r, int argc, char **argv)
{
    static const struct option known[] = {
        {"http", required_argument, NULL, 'a'},
        {"allow-host", required_argument, NULL, 'n'},
        {"out", required_argument, NULL, 'o'},
        {"quiet", no_argument, NULL, 'q'},
        {"regions", required_argument, NULL, 'r'},
        {"snapshot-at", required_argument, NULL, 'p'},
        {"sample", required_argument, NULL, 's'},
        {"limit", required_argument, NULL, 'm'},
        {"no-go-metrics", no_argument, NULL, 'g'},
        {"collect", optional_argument, NULL, 'c'},
        {"leaks", optional_argument, NULL, 'l'},
        {"fail-on-leak", no_argument, NULL, 'f'},
        {"suppressions", required_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    r->http = "127.0.0.1:0";
    optind = 1;
    while ((c = getopt_long(argc, argv, "+qo:s:h", known, NULL)) != -1) {
        if (c == 'a')
            r->http = optarg;
        else if (c == 'n' && wr_hosts_add(&r->hosts, optarg) != 0)
            return WR_EXIT_OURS + 1;
        else if (c == 'o')
            r->out = optarg;
        else if (c == 'r')
            r->regions = optarg;
        else if (c == 'p' && parse_snapshot(r, optarg) != 0)
            return WR_EXIT_OURS + 1;
        else if (c == 'q')
            r->quiet = true;
        else if (c == 'g')
            r->no_go_metrics = true;
        else if (c == 'l' || c == 'f' || c == 'i')
            take_leak_option(r, c);
        else if ((c == 's' && parse_sample(r, optarg) != 0) ||
                 (c == 'm' && parse_limit(r, optarg) != 0) ||
                 (c == 'c' && parse_collect(r, optarg) != 0))
            return WR_EXIT_OURS + 1;
        else if (c == 'h')
            return explain() + 1;
        else if (c == '?')
            return wr_usage_error("run"), WR_EXIT_OURS + 1;
    }
    r->argv = argv + optind;
    if (r->leaks.suppressions && access(r->leaks.suppressions, R_OK) != 0) {
        wr_say("--suppressions %s: %s", r->leaks.suppressions, strerror(errno));
        return WR_EXIT_OURS + 1;
    }
    if (optind < argc)
        return 0;
    wr_say("run: which program? For example: weir run -- redis-server");
    return wr_usage_error("run"), WR_EXIT_OURS + 1;
}

/* --- Without recording ------------------------------------------------- */

/* Become the program. Returns only when that fails. */
static int
run_plainly(const struct run *r)
{
    if (r->program.shell)
        execvp(r->argv[0], r->argv); /* which knows what to do with it */
    else
        execve(r->program.path, r->argv, environ);
    wr_say("%s: %s", r->program.path, strerror(errno));
    return errno == ENOENT ? WR_EXIT_MISSING : WR_EXIT_CANNOT;
}

static int
refuse(const struct run *r, const char *subject, const char *because)
{
    wr_say("nothing is recorded: %s%s%s", subject, *subject ? " " : "",
           because);
    return run_plainly(r);
}

/* --- Listening --------------------------------------------------------- */

static void
add_socket(struct run *r, const struct wr_address *at, bool must)
{
    char why[400];
    struct wr_address a = *at;
    int fd = wr_address_listen(&a, why, sizeof why);
    if (fd < 0) {
        if (must)
            wr_say("%s. The program runs without a TCP address: use the "
                   "socket in %s, or another --http",
                   why, r->dir);
        return;
    }
    r->at[r->sockets] = a;
    r->socket[r->sockets++] = fd;
}

/* The TCP address of the run, or NULL. */
static const struct wr_address *
tcp_address(const struct run *r)
{
    for (size_t i = 0; i < r->sockets; i++)
        if (!r->at[i].is_unix)
            return &r->at[i];
    return NULL;
}

static int
listen_all(struct run *r)
{
    struct wr_address a;
    char why[400];
    if (strcmp(r->http, "none") != 0) {
        if (wr_address_parse(&a, r->http, why, sizeof why) != 0) {
            wr_say("--http: %s", why);
            return -1;
        }
        add_socket(r, &a, true);
    }
    a = (struct wr_address){.is_unix = true};
    /* A socket's path is short; without room for it there is none. */
    if (wr_place_join(a.path, sizeof a.path, r->dir, "http.sock") == 0)
        add_socket(r, &a, false);
    const struct wr_address *tcp = tcp_address(r);
    if (tcp) {
        wr_address_text(tcp, why, sizeof why);
        wr_place_set_address(r->dir, why);
    }
    return 0;
}

static void
announce(const struct run *r)
{
    char text[300];
    const struct wr_address *tcp = tcp_address(r);
    if (r->quiet || r->sockets == 0)
        return;
    wr_address_text(tcp ? tcp : &r->at[0], text, sizeof text);
    if (tcp)
        wr_say("see http://%s/ (for tools: /debug/pprof/)", text);
    else
        wr_say("profiles at %s", text);
}

static int
load_server(struct run *r, wr_serve_directory_fn **start)
{
    char path[WR_PATH_MAX];
    void *lib = NULL;
    if (wr_place_library(path, sizeof path, "libweir-serve.so.0") == 0)
        lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    else
        lib = dlopen("libweir-serve.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
        wr_say("no profiles over HTTP: %s", dlerror());
        return -1;
    }
    *(void **)start = dlsym(lib, "weir_serve_directory");
    *(void **)&r->stop = dlsym(lib, "weir_serve_directory_stop");
    return *start && r->stop ? 0 : -1;
}

/* The first connection came: start the server on all sockets. */
static void
start_server(void *cls)
{
    struct run *r = cls;
    struct wr_listen at[WR_WATCH_MAX];
    wr_serve_directory_fn *start;
    char why[256];
    for (size_t i = 0; i < r->sockets; i++)
        at[i] = (struct wr_listen){r->socket[i],
                                   r->at[i].is_unix ? NULL : r->at[i].host,
                                   r->hosts.name};
    if (load_server(r, &start) != 0) {
        for (size_t i = 0; i < r->sockets; i++)
            close(r->socket[i]);
    } else {
        struct wr_serving what = {.dir = r->dir,
                                  .how = WR_SCAN_HERE,
                                  .subject = (uint32_t)r->pid,
                                  .no_go_metrics = r->no_go_metrics};
        r->server = start(&what, at, r->sockets, why, sizeof why);
        if (!r->server)
            wr_say("no profiles over HTTP: %s", why);
    }
    r->sockets = 0;
}

static void
stop_listening(struct run *r)
{
    char path[WR_PATH_MAX];
    for (size_t i = 0; i < r->sockets; i++)
        close(r->socket[i]);
    if (r->server)
        r->stop(r->server);
    if (wr_place_join(path, sizeof path, r->dir, "http.sock") == 0)
        unlink(path);
    if (wr_place_join(path, sizeof path, r->dir, "address") == 0)
        unlink(path);
}

/* --- The run ----------------------------------------------------------- */

static pid_t
launch(struct run *r)
{
    struct wr_settings set = {
        .library = r->library,
        .dir = r->dir,
        .sample = r->sample[0] ? r->sample : NULL,
        .limit = r->limit,
        .leaks = r->wants_leaks,
        .collect = r->collect,
        .percent = r->percent,
    };
    char **env = wr_environment(environ, &set);
    int error = ENOMEM;
    pid_t pid = -1;
    if (env && r->program.shell) {
        size_t n = 0;
        while (r->argv[n])
            n++;
        char **argv = calloc(n + 2, sizeof *argv);
        if (argv) {
            argv[0] = r->argv[0];
            argv[1] = r->program.path;
            memcpy(argv + 2, r->argv + 1, n * sizeof *argv);
            pid = wr_launch("/bin/sh", argv, env, &r->was, &error);
            free(argv);
        }
    } else if (env) {
        pid = wr_launch(r->program.path, r->argv, env, &r->was, &error);
    }
    free(env);
    errno = error;
    return pid;
}

static double
seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) +
           (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void
look(void *cls)
{
    struct run *r = cls;
    r->tools->snapshot(&r->snapshots);
}

static int
supervise(struct run *r)
{
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    r->pid = launch(r);
    if (r->pid < 0) {
        wr_say("%s: %s", r->program.path, strerror(errno));
        stop_listening(r);
        rmdir(r->dir);
        return errno == ENOENT ? WR_EXIT_MISSING : WR_EXIT_CANNOT;
    }
    struct wr_supervision s = {.pid = r->pid,
                               .inherited = &r->was,
                               .sockets = r->sockets,
                               .knock = start_server,
                               .cls = r};
    memcpy(s.socket, r->socket, sizeof s.socket);
    const struct wr_tools *tools = r->tools = wr_tools_load();
    if (tools)
        tools->begin((uint32_t)r->pid);
    if (tools && r->snapshots.at > 0) {
        r->snapshots.run_dir = r->dir;
        r->snapshots.out_dir = r->out ? r->out : r->dir;
        r->snapshots.pid = (uint32_t)r->pid;
        s.tick_ms = WR_SNAPSHOT_MS;
        s.tick = look;
    }
    int status = wr_supervise(&s);
    stop_listening(r);
    struct wr_report report = {.run_dir = r->dir,
                               .out_dir = r->out ? r->out : r->dir,
                               .pid = (uint32_t)r->pid,
                               .program = r->argv[0],
                               .status = status,
                               .quiet = r->quiet,
                               .seconds = seconds_since(&start),
                               .collect = r->collect,
                               .leaks = r->wants_leaks ? &r->leaks : NULL};
    int64_t leaked = tools ? tools->report(&report) : -1;
    if (r->fail_on_leak && status == 0 && leaked != 0)
        return leaked > 0 ? WR_EXIT_LEAKS : WR_EXIT_OURS;
    wr_exit_like(status, &r->was);
}

static int
record(struct run *r)
{
    char why[400];
    if (wr_place_run(r->dir, sizeof r->dir, r->regions, why, sizeof why) != 0)
        return refuse(r, "", why);
    wr_inherited_take(&r->was);
    if (listen_all(r) != 0) {
        rmdir(r->dir);
        return WR_EXIT_OURS;
    }
    announce(r);
    return supervise(r);
}

int
wr_cmd_run(int argc, char **argv)
{
    static struct run r;
    int rc = parse_options(&r, argc, argv);
    if (rc != 0)
        return rc - 1;
    rc = wr_program_find(&r.program, r.argv[0]);
    if (rc != 0) {
        wr_say("%s: %s", r.argv[0],
               rc == WR_EXIT_MISSING ? "no such program" : strerror(errno));
        return rc;
    }
    if (r.program.obstacle != WR_OBSTACLE_NONE)
        return refuse(&r, r.program.subject,
                      wr_obstacle_text(r.program.obstacle));
    if (wr_place_library(r.library, sizeof r.library, "libweir.so.0") != 0)
        return refuse(&r, r.argv[0],
                      "needs libweir.so.0, which is not in the lib directory "
                      "beside weir's own bin. Install Weir whole.");
    if (strpbrk(r.library, " :"))
        return refuse(&r, r.argv[0],
                      "cannot be given libweir.so.0: its path has a space or "
                      "a colon, which LD_PRELOAD cannot hold. Install Weir "
                      "elsewhere.");
    return record(&r);
}
