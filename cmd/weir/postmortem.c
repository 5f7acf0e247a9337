/* weir report: the story of a program, from the region that outlived it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "analyse/profile.h"
#include "analyse/story.h"
#include "analyse/symbol.h"
#include "region/history.h"
#include "serve/evidence.h"
#include "serve/source.h"
#include "weir/cmd.h"
#include "weir/keep.h"
#include "weir/number.h"
#include "weir/pick.h"
#include "weir/place.h"

struct asked {
    const char *what; /* NULL: who ended last */
    const char *out;
    bool json;
};

/* 0; or an exit status + 1. */
static int
parse(struct asked *a, int argc, char **argv)
{
    static const struct option known[] = {
        {"json", no_argument, NULL, 'j'},
        {"out", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "jo:h", known, NULL)) != -1) {
        a->json |= c == 'j';
        if (c == 'o')
            a->out = optarg;
        else if (c == 'h')
            return wr_help_print(stdout, wr_command_find("report")), 1;
        else if (c == '?')
            return wr_usage_error("report") + 1;
    }
    if (optind < argc)
        a->what = argv[optind++];
    if (optind == argc)
        return 0;
    wr_say("report: one process, region or directory at a time");
    return wr_usage_error("report") + 1;
}

/* --- Which --------------------------------------------------------------- */

/* Wall time of the last thing that is known of it. */
static uint64_t
last_sign(const struct wr_source *one)
{
    const struct wr_region_header *h = one->view.header;
    struct wr_point p;
    uint64_t end = atomic_load(&h->end_ns);
    if (end)
        return end;
    return h->start_ns + (wr_history_read(&one->view, WR_HISTORY_SECONDS, &p, 1)
                              ? p.uptime_ns
                              : 0);
}

static const struct wr_source *
last_ended(const struct wr_sources *s)
{
    const struct wr_source *last = NULL;
    for (size_t i = 0; i < s->count; i++)
        if (!s->list[i].live && !s->list[i].replaced &&
            (!last || last_sign(&s->list[i]) > last_sign(last)))
            last = &s->list[i];
    return last;
}

static bool
died(const struct wr_source *one)
{
    return !one->live && !one->replaced &&
           atomic_load(&one->view.header->state) != WR_REGION_EXITED;
}

/* --- Telling ------------------------------------------------------------- */

static int
keep(const struct asked *a, const struct wr_source *one, struct wr_story *s)
{
    char heap[WR_PATH_MAX], text[WR_PATH_MAX];
    if (wr_place_make(a->out) != 0)
        return wr_say("report: cannot make %s", a->out), -1;
    if (wr_keep_story(one, s, a->out, text) != 0 ||
        wr_keep_profiles(one, s->now, a->out, heap) != 0)
        return -1;
    wr_say("wrote %s and, for weir top, %s", text, heap);
    return 0;
}

static int
tell(const struct asked *a, const struct wr_source *one)
{
    struct wr_symboliser *names = wr_symboliser_new();
    char why[WR_WHY];
    struct wr_story s;
    struct wr_end end;
    wr_evidence_of_source(&end, "", one, NULL);
    struct wr_story_of of = {&one->view, &end, one->program, one->pid};
    int status = wr_story_make(&s, &of, names, why, sizeof why);
    if (status != 0) {
        wr_say("report: %s (pid %u): %s", one->program, one->pid, why);
    } else {
        if (a->json)
            wr_story_json(&s, stdout);
        else
            wr_story_print(&s, stdout, wr_utf8());
        if (a->out)
            status = keep(a, one, &s);
        wr_story_fini(&s);
    }
    wr_symboliser_free(names);
    return status;
}

/* Those that died, each; when none did, the one that ended last. */
static int
tell_all(const struct asked *a, const struct wr_sources *s)
{
    size_t told = 0;
    int status = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (!died(&s->list[i]))
            continue;
        if (told++ > 0 && !a->json)
            puts("\n");
        status |= tell(a, &s->list[i]);
    }
    const struct wr_source *last = last_ended(s);
    if (told > 0)
        return status;
    if (last)
        return tell(a, last);
    wr_say("report: no process of %s has ended; weir report PID tells of one "
           "that runs",
           a->what);
    return -1;
}

/* --- The places ---------------------------------------------------------- */

static int
tell_directory(const struct asked *a)
{
    struct wr_sources s;
    int status = -1;
    if (wr_sources_scan(&s, a->what, WR_SCAN_RUNS) != 0)
        return wr_say("out of memory"), -1;
    if (s.count == 0)
        wr_say("report: no regions in %s; what a finished weir run left there "
               "are PROGRAM.PID.report.txt and profiles",
               a->what);
    else
        status = tell_all(a, &s);
    wr_sources_free(&s);
    return status;
}

static int
tell_file(const struct asked *a)
{
    char dir[WR_PATH_MAX], why[256];
    const char *slash = strrchr(a->what, '/');
    const char *name = slash ? slash + 1 : a->what;
    struct wr_sources s;
    struct wr_region_view view;
    if (wr_region_open(&view, a->what, why, sizeof why) != 0)
        return wr_say("report: %s: %s", a->what, why), -1;
    wr_region_close(&view);
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - a->what) : 1,
             slash ? a->what : ".");
    if (wr_sources_scan(&s, dir, WR_SCAN_HERE) != 0)
        return wr_say("out of memory"), -1;
    int status = 1;
    for (size_t i = 0; i < s.count && status > 0; i++) {
        const char *end = strrchr(s.list[i].path, '/');
        if (strcmp(end ? end + 1 : s.list[i].path, name) == 0)
            status = tell(a, &s.list[i]);
    }
    if (status > 0)
        wr_say("report: %s is a region, but is not called <pid>%s: rename it",
               a->what, WR_REGION_SUFFIX);
    wr_sources_free(&s);
    return status;
}

/* Of a process, or of who ended last. */
static int
tell_process(const struct asked *a, uint32_t pid)
{
    char why[WR_WHY];
    struct wr_sources s;
    if (wr_sources_scan(&s, NULL, WR_SCAN_ALL) != 0)
        return wr_say("out of memory"), -1;
    snprintf(why, sizeof why,
             "no program has left a region. Those of a finished weir run are "
             "in its directory as reports and profiles");
    const struct wr_source *one =
        pid ? wr_pick(&s, pid, why, sizeof why) : last_ended(&s);
    int status = -1;
    if (one)
        status = tell(a, one);
    else
        wr_say("report: %s", why);
    wr_sources_free(&s);
    return status;
}

int
wr_cmd_report(int argc, char **argv)
{
    struct asked a = {NULL, NULL, false};
    struct stat st;
    uint64_t pid = 0;
    int status = parse(&a, argc, argv);
    if (status != 0)
        return status - 1;
    if (a.what && stat(a.what, &st) == 0)
        status = S_ISDIR(st.st_mode) ? tell_directory(&a) : tell_file(&a);
    else if (!a.what || (wr_number_plain(a.what, INT32_MAX, &pid) == 0 && pid))
        status = tell_process(&a, (uint32_t)pid);
    else
        status =
            (wr_say("report: %s is no process id, region or directory", a.what),
             -1);
    return status ? 1 : 0;
}
