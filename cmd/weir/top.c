/* weir top: the biggest sites of a process, a URL or a file. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "analyse/profile.h"
#include "analyse/symbol.h"
#include "analyse/top.h"
#include "serve/source.h"
#include "weir/cmd.h"
#include "weir/fetch.h"
#include "weir/number.h"

struct top {
    uint64_t rows;
    const char *index; /* sample type; NULL: the profile's own */
    bool cum;
    const char *target; /* NULL: the only live process */
};

static int
parse_options(struct top *t, int argc, char **argv)
{
    static const struct option known[] = {
        {"number", required_argument, NULL, 'n'},
        {"sample-index", required_argument, NULL, 'i'},
        {"cum", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "n:i:ch", known, NULL)) != -1) {
        if (c == 'n' && wr_number_plain(optarg, 1000000, &t->rows) != 0) {
            wr_say("top: -n %s is not a number", optarg);
            return WR_EXIT_USAGE + 1;
        }
        if (c == 'i')
            t->index = optarg;
        else if (c == 'c')
            t->cum = true;
        else if (c == 'h')
            return wr_help_print(stdout, wr_command_find("top")), 1;
        else if (c == '?')
            return wr_usage_error("top") + 1;
    }
    if (argc - optind > 1) {
        wr_say("top: one process, address or file at a time");
        return wr_usage_error("top") + 1;
    }
    t->target = argv[optind];
    return 0;
}

/* --- From a process ---------------------------------------------------- */

static int
profile_of(struct wr_profile **out, const struct wr_source *one, char *why,
           size_t why_bytes)
{
    if (wr_profile_from_region(out, &one->view, WR_PROFILE_HEAP,
                               WR_VALUES_ESTIMATED, why, why_bytes) != 0)
        return -1;
    struct wr_symboliser *s = wr_symboliser_new();
    if (s)
        wr_profile_symbolise(*out, s, one->live ? (int)one->pid : 0);
    wr_symboliser_free(s);
    return 0;
}

/* The one live process; NULL and a sentence when it is not the only one. */
static struct wr_source *
only_live(const struct wr_sources *s, char *why, size_t why_bytes)
{
    size_t n = wr_sources_live(s);
    if (n == 1)
        return &s->list[0];
    if (n == 0)
        snprintf(why, why_bytes,
                 "no program is running under Weir; start one with: weir run "
                 "-- program");
    else
        snprintf(why, why_bytes,
                 "%zu programs are running under Weir: say which pid (weir ps "
                 "lists them)",
                 n);
    return NULL;
}

static int
load_process(struct wr_profile **out, uint32_t pid, char *why, size_t why_bytes)
{
    struct wr_sources s;
    int rc = -1;
    if (wr_sources_scan(&s, NULL, WR_SCAN_ALL) != 0) {
        snprintf(why, why_bytes, "out of memory");
        return -1;
    }
    struct wr_source *one =
        pid ? wr_sources_find(&s, pid) : only_live(&s, why, why_bytes);
    if (one)
        rc = profile_of(out, one, why, why_bytes);
    else if (pid)
        snprintf(why, why_bytes,
                 "process %u is not running under Weir (weir ps lists those "
                 "that are)",
                 pid);
    wr_sources_free(&s);
    return rc;
}

/* --- From elsewhere ---------------------------------------------------- */

static int
load_url(struct wr_profile **out, const char *url, char *why, size_t why_bytes)
{
    unsigned char *bytes;
    size_t count;
    if (wr_fetch(url, &bytes, &count, why, why_bytes) != 0)
        return -1;
    int rc = wr_profile_decode(out, bytes, count, why, why_bytes);
    free(bytes);
    return rc;
}

/* Profiles that a program wrote by itself have no names yet. */
static void
find_names(struct wr_profile *p)
{
    struct wr_symboliser *s = wr_symboliser_new();
    if (s)
        wr_profile_symbolise(p, s, 0);
    wr_symboliser_free(s);
}

static int
load_other(struct wr_profile **out, const char *target, char *why,
           size_t why_bytes)
{
    int rc = wr_fetch_is_url(target)
                 ? load_url(out, target, why, why_bytes)
                 : wr_profile_read(out, target, why, why_bytes);
    if (rc == 0)
        find_names(*out);
    return rc;
}

static int
load(struct wr_profile **out, const char *target, char *why, size_t why_bytes)
{
    struct stat st;
    uint64_t pid;
    if (!target)
        return load_process(out, 0, why, why_bytes);
    if (!wr_fetch_is_url(target) && stat(target, &st) != 0 &&
        wr_number_plain(target, INT32_MAX, &pid) == 0 && pid > 0)
        return load_process(out, (uint32_t)pid, why, why_bytes);
    return load_other(out, target, why, why_bytes);
}

/* --- Showing ----------------------------------------------------------- */

static void
list_types(const struct wr_profile *p)
{
    fputs("weir: this profile has", stderr);
    for (uint32_t i = 0; i < p->type_count; i++)
        fprintf(stderr, " %s", p->strings[p->types[i].type]);
    fputc('\n', stderr);
}

static int
show(const struct wr_profile *p, const struct top *t)
{
    struct wr_top top;
    uint32_t type = t->index ? wr_profile_find_type(p, t->index)
                             : wr_profile_default_type(p);
    if (type == WR_NONE) {
        wr_say("top: no sample type \"%s\"", t->index ? t->index : "");
        list_types(p);
        return 1;
    }
    if (wr_top_make(&top, p, type) != 0) {
        wr_say("out of memory");
        return 1;
    }
    if (t->cum)
        wr_top_sort_cum(&top);
    wr_top_print(&top, t->rows, stdout);
    wr_top_fini(&top);
    return 0;
}

int
wr_cmd_top(int argc, char **argv)
{
    struct top t = {.rows = 10};
    struct wr_profile *p;
    char why[400];
    int rc = parse_options(&t, argc, argv);
    if (rc != 0)
        return rc - 1;
    if (load(&p, t.target, why, sizeof why) != 0) {
        wr_say("%s%s%s", t.target ? t.target : "", t.target ? ": " : "", why);
        return 1;
    }
    rc = show(p, &t);
    wr_profile_free(p);
    return rc;
}
