/* weir leaks: what of a program's memory nobody can reach any more. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/fd_report.h"
#include "analyse/filter.h"
#include "analyse/leak_report.h"
#include "analyse/leak_site.h"
#include "analyse/profile.h"
#include "analyse/suppress.h"
#include "serve/leak.h"
#include "weir/cmd.h"
#include "weir/inquire.h"
#include "weir/leaks_core.h"
#include "weir/pick.h"
#include "weir/pprof_file.h"
#include "weir/profile_args.h"
#include "weir/suspects.h"

#define WAIT_MS 120000
#define SITES   10 /* unless all are asked for */
#define BLOCKS  5

struct leaks {
    struct wr_subject of;
    bool json, all, fail;
    bool suspects, no_search;
    uint64_t flags; /* of the request */
    const char *suppressions, *pprof, *junit;
};

/* 0; or an exit status + 1. */
static int
parse(struct leaks *k, int argc, char **argv)
{
    static const struct option known[] = {
        {"all", no_argument, NULL, 'a'},
        {"fail-on-leak", no_argument, NULL, 'f'},
        {"in-place", no_argument, NULL, 'i'},
        {"json", no_argument, NULL, 'j'},
        {"junit", required_argument, NULL, 'u'},
        {"no-search", no_argument, NULL, 'n'},
        {"mark", no_argument, NULL, 'm'},
        {"only-copy", no_argument, NULL, 'c'},
        {"pprof", required_argument, NULL, 'p'},
        {"since-mark", no_argument, NULL, 'S'},
        {"suppressions", required_argument, NULL, 's'},
        {"suspects", no_argument, NULL, 'g'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "ah", known, NULL)) != -1) {
        k->all |= c == 'a';
        k->fail |= c == 'f';
        k->json |= c == 'j';
        k->suspects |= c == 'g';
        k->no_search |= c == 'n';
        k->flags |= c == 'm'   ? WR_LEAKS_SET_MARK
                    : c == 'S' ? WR_LEAKS_SINCE_MARK
                               : 0;
        k->flags |= c == 'i' ? WR_ASK_IN_PLACE : 0;
        k->flags |= c == 'c' ? WR_ASK_ONLY_COPY : 0;
        if (c == 'p')
            k->pprof = optarg;
        else if (c == 'u')
            k->junit = optarg;
        else if (c == 's')
            k->suppressions = optarg;
        else if (c == 'h')
            return wr_help_print(stdout, wr_command_find("leaks")), 1;
        else if (c == '?')
            return wr_usage_error("leaks") + 1;
    }
    if (optind == argc)
        return 0;
    if (optind + 1 != argc || !wr_inquest_subject(argv[optind], &k->of)) {
        wr_say("leaks: %s is neither a process id (weir ps lists them) nor a "
               "core file",
               argv[optind]);
        return wr_usage_error("leaks") + 1;
    }
    if (!k->of.core || (k->flags == 0 && !k->suspects))
        return 0;
    wr_say("leaks: marks, suspects and where to search are for programs that "
           "run; %s is a core, of which there are only the leaks",
           k->of.core);
    return wr_usage_error("leaks") + 1;
}

/* --- The profile --------------------------------------------------------- */

static int
make_profile(struct wr_profile **p, struct wr_suppressions *suppressed,
             const struct wr_source *one, const struct wr_leaks *l, char *why,
             size_t n)
{
    if (wr_profile_from_leaks(p, &one->view, l, why, n) != 0)
        return -1;
    wr_profile_find_names(*p, (int)one->pid, one->live);
    wr_filter_prune(*p);
    if (wr_suppress_apply(suppressed, *p, why, n) == 0)
        return 0;
    wr_profile_free(*p);
    return -1;
}

static int
write_junit(const struct wr_leak_report *r, const char *path, char *why,
            size_t n)
{
    FILE *out = fopen(path, "we");
    bool ok = out && wr_leak_reports_junit(r, 1, out) == 0 && !ferror(out);
    if (out && fclose(out) != 0)
        ok = false;
    if (!ok)
        snprintf(why, n, "cannot write %s", path);
    return ok ? 0 : -1;
}

/* --- Showing ------------------------------------------------------------- */

static int
print(const struct leaks *k, const struct wr_leak_report *r,
      const struct wr_suppressions *suppressed)
{
    if (k->json) {
        int rc = wr_leak_report_json(r, stdout);
        putchar('\n');
        return rc;
    }
    if (wr_leak_report_print(r, stdout) != 0)
        return -1;
    wr_leak_suppressed_print(suppressed, stdout);
    return 0;
}

/* 0, or -1 and why. */
static int
show_all(const struct leaks *k, const struct wr_leak_report *r,
         const struct wr_suppressions *suppressed, char *why, size_t n)
{
    if (print(k, r, suppressed) != 0) {
        snprintf(why, n, "out of memory");
        return -1;
    }
    if (k->pprof && wr_pprof_write(r->profile, k->pprof, why, n) != 0)
        return -1;
    return k->junit ? write_junit(r, k->junit, why, n) : 0;
}

/* All that the program holds, where there are leaks without a stack; NULL:
 * there are none. */
static struct wr_profile *
heap_to_guess_by(const struct wr_source *one, const struct wr_profile *leaks)
{
    char why[WR_WHY];
    struct wr_profile *heap;
    if (!wr_leak_any_unsampled(leaks) ||
        wr_profile_from_region(&heap, &one->view, WR_PROFILE_HEAP,
                               WR_VALUES_ESTIMATED, why, sizeof why) != 0)
        return NULL;
    wr_profile_find_names(heap, (int)one->pid, one->live);
    wr_filter_prune(heap);
    return heap;
}

/* The exit status. */
static int
show(const struct leaks *k, struct wr_suppressions *suppressed,
     const struct wr_source *one, const struct wr_leaks *l)
{
    char why[WR_WHY];
    struct wr_profile *p;
    if (make_profile(&p, suppressed, one, l, why, sizeof why) != 0) {
        wr_say("leaks: %s", why);
        return 1;
    }
    struct wr_leak_report r = {.leaks = l,
                               .profile = p,
                               .program = one->program,
                               .sites = k->all ? SIZE_MAX : SITES,
                               .blocks = k->all ? SIZE_MAX : BLOCKS,
                               .start_ns = one->view.header->start_ns,
                               .heap = heap_to_guess_by(one, p)};
    int status = 0;
    struct wr_fd_list fds;
    if (show_all(k, &r, suppressed, why, sizeof why) != 0)
        wr_say("leaks: %s", why), status = 1;
    else if (l->header.about.trust == WR_TRUST_BLIND)
        status = 1;
    else if (k->fail && wr_leak_report_blocks(&r) > 0)
        status = WR_EXIT_LEAKS;
    if (!k->json && one->live &&
        wr_fds_read(&fds, &one->view, "", why, sizeof why) == 0) {
        wr_fd_hint_print(&fds, one->pid, stdout);
        wr_fds_fini(&fds);
    }
    wr_profile_free((struct wr_profile *)r.heap);
    wr_profile_free(p);
    return status;
}

/* Of one that runs, or of one that has ended. */
static int
find(const struct leaks *k, const struct wr_source *one, struct wr_leaks *l,
     char *why, size_t n)
{
    if (one->live || (k->flags & (WR_LEAKS_SET_MARK | WR_LEAKS_SINCE_MARK)))
        return wr_leak_ask_source(one, k->flags, WAIT_MS, l, why, n);
    return wr_leak_of_ended(one, l, why, n);
}

static int
show_suspects(const struct leaks *k, const struct wr_source *one)
{
    return wr_suspects_show(one,
                            &(struct wr_suspects_wish){.all = k->all,
                                                       .json = k->json,
                                                       .fail = k->fail,
                                                       .search = !k->no_search,
                                                       .pprof = k->pprof});
}

static int
search(const struct leaks *k, struct wr_suppressions *suppressed,
       const struct wr_sources *s)
{
    char why[WR_WHY];
    struct wr_leaks l;
    const struct wr_source *one = wr_pick(s, k->of.pid, why, sizeof why);
    if (one && k->suspects)
        return show_suspects(k, one);
    if (!one || find(k, one, &l, why, sizeof why) != 0) {
        wr_say("leaks: %s", why);
        return 1;
    }
    int status = show(k, suppressed, one, &l);
    if (k->flags & WR_LEAKS_SET_MARK)
        wr_say("marked: weir leaks --since-mark %u tells what is lost from now "
               "on",
               one->pid);
    wr_leaks_fini(&l);
    return status;
}

static int
search_core(const struct leaks *k, struct wr_suppressions *suppressed)
{
    char why[WR_WHY];
    struct wr_dead d;
    if (wr_dead_open(&d, k->of.core, why, sizeof why) != 0) {
        wr_say("leaks: %s", why);
        return 1;
    }
    int status = show(k, suppressed, &d.source, &d.leaks);
    wr_dead_close(&d);
    return status;
}

static int
search_process(const struct leaks *k, struct wr_suppressions *suppressed)
{
    struct wr_sources s;
    if (wr_sources_scan(&s, NULL, WR_SCAN_ALL) != 0) {
        wr_say("out of memory");
        return 1;
    }
    int status = search(k, suppressed, &s);
    wr_sources_free(&s);
    return status;
}

int
wr_cmd_leaks(int argc, char **argv)
{
    struct leaks k = {.flags = 0};
    struct wr_suppressions suppressed = {.list = NULL};
    char why[WR_WHY];
    int status = parse(&k, argc, argv);
    if (status != 0)
        return status - 1;
    if (k.suppressions &&
        wr_suppress_read(&suppressed, k.suppressions, why, sizeof why) != 0)
        return wr_say("leaks: %s", why), 1;
    status = k.of.core ? search_core(&k, &suppressed)
                       : search_process(&k, &suppressed);
    wr_suppress_fini(&suppressed);
    return status;
}
