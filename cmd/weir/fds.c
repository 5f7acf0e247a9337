/* weir fds: the open descriptors of a program, and who opened them. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include "analyse/fd_report.h"
#include "analyse/filter.h"
#include "analyse/profile.h"
#include "serve/source.h"
#include "weir/cmd.h"
#include "weir/number.h"
#include "weir/pick.h"
#include "weir/pprof_file.h"
#include "weir/profile_args.h"

#define SITES 10 /* unless all are asked for */
#define EACH  3

struct fds {
    uint64_t pid; /* 0: the only program */
    bool json, all;
    const char *pprof;
};

/* 0; or an exit status + 1. */
static int
parse(struct fds *f, int argc, char **argv)
{
    static const struct option known[] = {
        {"all", no_argument, NULL, 'a'},
        {"json", no_argument, NULL, 'j'},
        {"pprof", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "ah", known, NULL)) != -1) {
        f->all |= c == 'a';
        f->json |= c == 'j';
        if (c == 'p')
            f->pprof = optarg;
        else if (c == 'h')
            return wr_help_print(stdout, wr_command_find("fds")), 1;
        else if (c == '?')
            return wr_usage_error("fds") + 1;
    }
    if (optind == argc)
        return 0;
    if (optind + 1 == argc &&
        wr_number_plain(argv[optind], INT32_MAX, &f->pid) == 0 && f->pid)
        return 0;
    wr_say("fds: %s is not a process id; weir ps lists them", argv[optind]);
    return wr_usage_error("fds") + 1;
}

static int
show(const struct fds *f, const struct wr_source *one,
     const struct wr_fd_list *l, char *why, size_t n)
{
    struct wr_profile *p;
    if (wr_profile_from_fds(&p, &one->view, l, why, n) != 0)
        return -1;
    wr_profile_find_names(p, (int)one->pid, one->live);
    struct wr_fd_report r = {.list = l,
                             .profile = p,
                             .program = one->program,
                             .pid = one->pid,
                             .sites = f->all ? SIZE_MAX : SITES,
                             .each = f->all ? SIZE_MAX : EACH};
    if (f->json)
        wr_fd_report_json(&r, stdout);
    else
        wr_fd_report_print(&r, stdout);
    int rc = f->pprof ? wr_pprof_write(p, f->pprof, why, n) : 0;
    wr_profile_free(p);
    return rc;
}

int
wr_cmd_fds(int argc, char **argv)
{
    struct fds f = {.pid = 0};
    struct wr_sources s;
    struct wr_fd_list l;
    char why[WR_WHY];
    int status = parse(&f, argc, argv);
    if (status != 0)
        return status - 1;
    if (wr_sources_scan(&s, NULL, WR_SCAN_ALL) != 0)
        return wr_say("out of memory"), 1;
    const struct wr_source *one = wr_pick(&s, (uint32_t)f.pid, why, sizeof why);
    int rc = one ? wr_fds_read(&l, &one->view, "", why, sizeof why) : -1;
    if (rc == 0) {
        rc = show(&f, one, &l, why, sizeof why);
        wr_fds_fini(&l);
    }
    if (rc != 0)
        wr_say("fds: %s", why);
    wr_sources_free(&s);
    return rc != 0;
}
