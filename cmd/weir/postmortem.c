/* weir report: the story of a program, from the region that outlived it. */
#include <getopt.h>
#include <stdio.h>
#include "analyse/profile.h"
#include "analyse/story.h"
#include "analyse/symbol.h"
#include "serve/evidence.h"
#include "serve/source.h"
#include "weir/cmd.h"
#include "weir/ended.h"
#include "weir/judge.h"
#include "weir/keep.h"
#include "weir/place.h"
#include "weir/profile_args.h"

struct asked {
    const char *what; /* NULL: who ended last */
    const char *out;
    bool json;
    size_t told;
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

/* The exit status. */
static int
tell(const struct wr_source *one, void *asked)
{
    struct asked *a = asked;
    struct wr_symboliser *names = wr_symboliser_patient();
    char why[WR_WHY];
    struct wr_story s;
    struct wr_end end;
    wr_evidence_of_source(&end, "", one, NULL);
    struct wr_story_of of = {&one->view, &end, one->program, one->pid};
    struct wr_judgement j;
    int status = wr_story_make(&s, &of, names, why, sizeof why);
    if (status != 0) {
        wr_say("report: %s (pid %u): %s", one->program, one->pid, why);
    } else {
        if (wr_judge(&j, &s, one, names, false, why, sizeof why) != 0)
            wr_say("report: no verdict: %s", why);
        (void)wr_language_of(NULL, &s.language);
        if (a->told++ > 0 && !a->json)
            puts("\n");
        if (a->json)
            wr_story_json(&s, stdout);
        else
            wr_story_print(&s, stdout, wr_utf8());
        if (a->out)
            status = keep(a, one, &s);
        wr_judgement_fini(&j);
        wr_story_fini(&s);
    }
    wr_symboliser_free(names);
    return status ? 1 : 0;
}

int
wr_cmd_report(int argc, char **argv)
{
    struct asked a = {.what = NULL};
    int status = parse(&a, argc, argv);
    if (status != 0)
        return status - 1;
    return wr_ended_each("report", a.what, false, tell, &a);
}
