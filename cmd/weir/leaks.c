/* weir leaks: what of a running program's memory nobody can reach any more. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/filter.h"
#include "analyse/labels.h"
#include "analyse/leak_report.h"
#include "analyse/profile.h"
#include "analyse/suppress.h"
#include "serve/leak.h"
#include "weir/cmd.h"
#include "weir/number.h"
#include "weir/pick.h"
#include "weir/profile_args.h"

#define EXIT_LEAKS 3
#define WAIT_MS    120000
#define SITES      10 /* unless all are asked for */
#define BLOCKS     5

struct leaks {
    uint64_t pid; /* 0: the only program */
    bool json, all, fail;
    const char *suppressions, *pprof;
};

/* 0; or an exit status + 1. */
static int
parse(struct leaks *k, int argc, char **argv)
{
    static const struct option known[] = {
        {"all", no_argument, NULL, 'a'},
        {"fail-on-leak", no_argument, NULL, 'f'},
        {"json", no_argument, NULL, 'j'},
        {"pprof", required_argument, NULL, 'p'},
        {"suppressions", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "ah", known, NULL)) != -1) {
        k->all |= c == 'a';
        k->fail |= c == 'f';
        k->json |= c == 'j';
        if (c == 'p')
            k->pprof = optarg;
        else if (c == 's')
            k->suppressions = optarg;
        else if (c == 'h')
            return wr_help_print(stdout, wr_command_find("leaks")), 1;
        else if (c == '?')
            return wr_usage_error("leaks") + 1;
    }
    if (optind == argc)
        return 0;
    if (optind + 1 == argc &&
        wr_number_plain(argv[optind], INT32_MAX, &k->pid) == 0 && k->pid)
        return 0;
    wr_say("leaks: %s is not a process id; weir ps lists them", argv[optind]);
    return wr_usage_error("leaks") + 1;
}

/* --- The profile --------------------------------------------------------- */

static int
suppress(struct wr_profile *p, const char *path, char *why, size_t n)
{
    struct wr_filter filter = {.ignore = NULL};
    char *pattern = NULL;
    unsigned unmatched;
    if (!path)
        return 0;
    if (wr_suppress_read(&pattern, path, why, n) != 0)
        return -1;
    filter.ignore = pattern;
    uint32_t *units = wr_label_units(p);
    int status = -1;
    if (!units)
        snprintf(why, n, "out of memory");
    else
        status = wr_filter_apply(p, &filter, units, &unmatched, why, n);
    free(units);
    free(pattern);
    return status;
}

static int
make_profile(struct wr_profile **p, const struct leaks *k,
             const struct wr_source *one, const struct wr_leaks *l, char *why,
             size_t n)
{
    if (wr_profile_from_leaks(p, &one->view, l, why, n) != 0)
        return -1;
    wr_profile_find_names(*p, (int)one->pid, one->live);
    wr_filter_prune(*p);
    if (suppress(*p, k->suppressions, why, n) == 0)
        return 0;
    wr_profile_free(*p);
    return -1;
}

static int
write_profile(const struct wr_profile *p, const char *path, char *why, size_t n)
{
    unsigned char *bytes;
    size_t count;
    if (wr_profile_encode(p, true, &bytes, &count, why, n) != 0)
        return -1;
    FILE *out = fopen(path, "we");
    bool ok = out && fwrite(bytes, 1, count, out) == count;
    if (out && fclose(out) != 0)
        ok = false;
    free(bytes);
    if (!ok)
        snprintf(why, n, "cannot write %s", path);
    return ok ? 0 : -1;
}

/* --- Showing ------------------------------------------------------------- */

/* The exit status. */
static int
show(const struct leaks *k, const struct wr_source *one,
     const struct wr_leaks *l)
{
    char why[WR_WHY];
    struct wr_profile *p;
    if (make_profile(&p, k, one, l, why, sizeof why) != 0) {
        wr_say("leaks: %s", why);
        return 1;
    }
    struct wr_leak_report r = {.leaks = l,
                               .profile = p,
                               .program = one->program,
                               .sites = k->all ? SIZE_MAX : SITES,
                               .blocks = k->all ? SIZE_MAX : BLOCKS};
    int status = k->json ? wr_leak_report_json(&r, stdout)
                         : wr_leak_report_print(&r, stdout);
    if (status != 0)
        wr_say("leaks: out of memory");
    else if (k->pprof && write_profile(p, k->pprof, why, sizeof why) != 0)
        wr_say("leaks: %s", why), status = 1;
    else if (l->header.about.trust == WR_TRUST_BLIND)
        status = 1;
    else if (k->fail && wr_leak_report_blocks(&r) > 0)
        status = EXIT_LEAKS;
    wr_profile_free(p);
    return status < 0 ? 1 : status;
}

int
wr_cmd_leaks(int argc, char **argv)
{
    struct leaks k = {.pid = 0};
    struct wr_sources s;
    struct wr_leaks l;
    char why[WR_WHY];
    int status = parse(&k, argc, argv);
    if (status != 0)
        return status - 1;
    if (wr_sources_scan(&s, NULL, WR_SCAN_ALL) != 0)
        return wr_say("out of memory"), 1;
    const struct wr_source *one = wr_pick(&s, (uint32_t)k.pid, why, sizeof why);
    status = 1;
    if (!one || wr_leak_ask_source(one, WAIT_MS, &l, why, sizeof why) != 0) {
        wr_say("leaks: %s", why);
    } else {
        status = show(&k, one, &l);
        wr_leaks_fini(&l);
    }
    wr_sources_free(&s);
    return status;
}
