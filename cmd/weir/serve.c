/* weir serve: all programs of this user, over HTTP, until told to stop. */
#include <errno.h>
#include <dlfcn.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "region/read.h"
#include "serve/address.h"
#include "serve/serve.h"
#include "serve/sweep.h"
#include "weir/cmd.h"
#include "weir/hosts.h"
#include "weir/number.h"
#include "weir/place.h"

#define DEFAULT_ADDRESS "127.0.0.1:6060"
#define DEFAULT_KEEP    3600 /* seconds */
#define SWEEP_EVERY     60   /* seconds */

struct serving {
    const char *http;
    struct wr_hosts hosts;
    uint64_t keep;
    bool no_go_metrics;
    char dir[WR_PATH_MAX];
    char socket[WR_PATH_MAX];
    struct wr_address at[2];
    struct wr_listen listen[2];
    size_t count;
};

/* 0; or an exit status + 1. */
static int
parse_options(struct serving *s, int argc, char **argv)
{
    static const struct option known[] = {
        {"http", required_argument, NULL, 'a'},
        {"allow-host", required_argument, NULL, 'n'},
        {"keep", required_argument, NULL, 'k'},
        {"no-go-metrics", no_argument, NULL, 'g'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        if (c == 'a')
            s->http = optarg;
        else if (c == 'n' && wr_hosts_add(&s->hosts, optarg) != 0)
            return WR_EXIT_USAGE + 1;
        else if (c == 'g')
            s->no_go_metrics = true;
        else if (c == 'h')
            return wr_help_print(stdout, wr_command_find("serve")), 1;
        else if (c == '?')
            return wr_usage_error("serve") + 1;
        else if (c == 'k' &&
                 wr_number_plain(optarg, UINT32_MAX, &s->keep) != 0) {
            wr_say("serve: --keep %s is not a number of seconds", optarg);
            return WR_EXIT_USAGE + 1;
        }
    }
    return optind < argc ? wr_usage_error("serve") + 1 : 0;
}

static int
add(struct serving *s, const char *text, char *why, size_t why_bytes)
{
    struct wr_address *at = &s->at[s->count];
    if (wr_address_parse(at, text, why, why_bytes) != 0)
        return -1;
    int fd = wr_address_listen(at, why, why_bytes);
    if (fd < 0)
        return -1;
    s->listen[s->count++] =
        (struct wr_listen){fd, at->is_unix ? NULL : at->host, s->hosts.name};
    return 0;
}

static int
listen_all(struct serving *s)
{
    char why[400], text[WR_PATH_MAX + 16];
    if (strcmp(s->http, "none") != 0 && add(s, s->http, why, sizeof why) != 0) {
        wr_say("%s%s", why,
               errno == EADDRINUSE ? " (is weir serve running already?)" : "");
        return -1;
    }
    snprintf(text, sizeof text, "unix:%s/http.sock", s->dir);
    if (add(s, text, why, sizeof why) != 0 && s->count == 0) {
        wr_say("%s", why);
        return -1;
    }
    wr_address_text(&s->at[0], text, sizeof text);
    wr_place_set_address(s->dir, text);
    if (s->at[0].is_unix)
        wr_say("profiles at %s", text);
    else
        wr_say("see http://%s/ (for tools: /debug/pprof/)", text);
    return 0;
}

static void *
load(void)
{
    char path[WR_PATH_MAX];
    void *lib = wr_place_library(path, sizeof path, "libweir-serve.so.0") == 0
                    ? dlopen(path, RTLD_NOW | RTLD_LOCAL)
                    : dlopen("libweir-serve.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!lib)
        wr_say("%s", dlerror());
    return lib;
}

static sigset_t
end_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

static void
sweep(const struct serving *s)
{
    wr_sweep_regions(s->dir, (unsigned)s->keep);
    wr_sweep_runs(s->dir, WR_RUNS_KEPT);
}

/* Sweep now and then, until somebody says stop. */
static void
wait_for_end(const struct serving *s)
{
    struct timespec minute = {.tv_sec = SWEEP_EVERY};
    sigset_t end = end_signals();
    do
        sweep(s);
    while (sigtimedwait(&end, NULL, &minute) < 0);
}

static int
serve(struct serving *s, void *lib)
{
    wr_serve_directory_fn *start;
    wr_serve_directory_stop_fn *stop;
    char why[256], path[WR_PATH_MAX];
    *(void **)&start = dlsym(lib, "weir_serve_directory");
    *(void **)&stop = dlsym(lib, "weir_serve_directory_stop");
    if (!start || !stop) {
        wr_say("%s", dlerror());
        return 1;
    }
    struct wr_serving what = {
        .dir = s->dir, .how = WR_SCAN_ALL, .no_go_metrics = s->no_go_metrics};
    struct wr_server *server =
        start(&what, s->listen, s->count, why, sizeof why);
    if (!server) {
        wr_say("%s", why);
        return 1;
    }
    wait_for_end(s);
    stop(server);
    for (size_t i = 0; i < s->count; i++)
        if (s->at[i].is_unix)
            unlink(s->at[i].path);
    if (wr_place_join(path, sizeof path, s->dir, "address") == 0)
        unlink(path);
    return 0;
}

int
wr_cmd_serve(int argc, char **argv)
{
    static struct serving s = {.http = DEFAULT_ADDRESS, .keep = DEFAULT_KEEP};
    sigset_t end = end_signals();
    int rc = parse_options(&s, argc, argv);
    if (rc != 0)
        return rc - 1;
    if (wr_region_directory(s.dir, sizeof s.dir, true) != 0) {
        wr_say("there is no directory for regions: set XDG_RUNTIME_DIR");
        return 1;
    }
    void *lib = load();
    if (!lib || listen_all(&s) != 0)
        return 1;
    sigprocmask(SIG_BLOCK, &end, NULL); /* for the server's threads too */
    signal(SIGPIPE, SIG_IGN);
    return serve(&s, lib);
}
