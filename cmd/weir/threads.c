/* weir threads: where the threads of a program are, and since when. */
#include <getopt.h>
#include <stdio.h>
#include "analyse/profile.h"
#include "analyse/thread_report.h"
#include "serve/source.h"
#include "serve/threads.h"
#include "weir/cmd.h"
#include "weir/number.h"
#include "weir/pick.h"
#include "weir/profile_args.h"

#define EXIT_DEADLOCK 3
#define SITES         20 /* unless all are asked for */
#define EACH          3

struct threads {
    uint64_t pid; /* 0: the only program */
    bool json, all, fail;
};

/* 0; or an exit status + 1. */
static int
parse(struct threads *t, int argc, char **argv)
{
    static const struct option known[] = {
        {"all", no_argument, NULL, 'a'},
        {"fail-on-deadlock", no_argument, NULL, 'f'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "ah", known, NULL)) != -1) {
        t->all |= c == 'a';
        t->fail |= c == 'f';
        t->json |= c == 'j';
        if (c == 'h')
            return wr_help_print(stdout, wr_command_find("threads")), 1;
        if (c == '?')
            return wr_usage_error("threads") + 1;
    }
    if (optind == argc)
        return 0;
    if (optind + 1 == argc &&
        wr_number_plain(argv[optind], INT32_MAX, &t->pid) == 0 && t->pid)
        return 0;
    wr_say("threads: %s is not a process id; weir ps lists them", argv[optind]);
    return wr_usage_error("threads") + 1;
}

/* The exit status, or -1 and why. */
static int
show(const struct threads *t, const struct wr_source *one,
     struct wr_thread_list *l, char *why, size_t n)
{
    struct wr_profile *p;
    if (wr_profile_from_threads(&p, &one->view, l, why, n) != 0)
        return -1;
    wr_profile_find_names(p, (int)one->pid, one->live);
    wr_threads_find_owners(l, p, one->pid);
    struct wr_thread_report r = {.list = l,
                                 .profile = p,
                                 .program = one->program,
                                 .pid = one->pid,
                                 .sites = t->all ? SIZE_MAX : SITES,
                                 .each = t->all ? SIZE_MAX : EACH};
    if (t->json)
        wr_thread_report_json(&r, stdout);
    else
        wr_thread_report_print(&r, stdout);
    wr_profile_free(p);
    return t->fail && wr_thread_report_deadlock(l) ? EXIT_DEADLOCK : 0;
}

int
wr_cmd_threads(int argc, char **argv)
{
    struct threads t = {.pid = 0};
    struct wr_sources s;
    struct wr_thread_list l;
    char why[WR_WHY];
    int status = parse(&t, argc, argv);
    if (status != 0)
        return status - 1;
    if (wr_sources_scan(&s, NULL, WR_SCAN_ALL) != 0)
        return wr_say("out of memory"), 1;
    const struct wr_source *one = wr_pick(&s, (uint32_t)t.pid, why, sizeof why);
    status = -1;
    if (one && wr_threads_look(&l, one, why, sizeof why) == 0) {
        status = show(&t, one, &l, why, sizeof why);
        wr_threads_fini(&l);
    }
    if (status < 0)
        wr_say("threads: %s", why);
    wr_sources_free(&s);
    return status < 0 ? 1 : status;
}
