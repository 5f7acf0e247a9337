/* weir diagnose: which kind of memory trouble is it, if any? */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "analyse/profile.h"
#include "analyse/quote.h"
#include "analyse/story.h"
#include "analyse/symbol.h"
#include "analyse/verdict_report.h"
#include "serve/evidence.h"
#include "serve/source.h"
#include "weir/cmd.h"
#include "weir/diagnose.h"
#include "weir/ended.h"
#include "weir/fetch.h"
#include "weir/judge.h"
#include "weir/number.h"
#include "weir/profile_args.h"

#define SECONDS 30 /* that another program is watched */

/* 0; or an exit status + 1. */
static int
parse(struct wr_diagnose *d, int argc, char **argv)
{
    static const struct option known[] = {
        {"json", no_argument, NULL, 'j'},
        {"lang", required_argument, NULL, 'l'},
        {"no-search", no_argument, NULL, 'n'},
        {"for", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *lang = NULL;
    uint64_t seconds = SECONDS;
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "jh", known, NULL)) != -1) {
        d->json |= c == 'j';
        d->no_search |= c == 'n';
        if (c == 'l')
            lang = optarg;
        else if (c == 'f' &&
                 (wr_number_plain(optarg, 86400, &seconds) != 0 || seconds < 2))
            return wr_say("diagnose: --for %s: write seconds, 2 or more",
                          optarg),
                   wr_usage_error("diagnose") + 1;
        else if (c == 'h')
            return wr_help_print(stdout, wr_command_find("diagnose")), 1;
        else if (c == '?')
            return wr_usage_error("diagnose") + 1;
    }
    d->seconds = (unsigned)seconds;
    d->what = argv + optind;
    d->count = argc - optind;
    if (!wr_language_of(lang, &d->language))
        return wr_say("diagnose: --lang %s: there are en and zh", lang),
               wr_usage_error("diagnose") + 1;
    if (d->count <= 2)
        return 0;
    return wr_say("diagnose: one program, or two of its profiles"),
           wr_usage_error("diagnose") + 1;
}

/* --- Of one image -------------------------------------------------------- */

static void
print(const struct wr_diagnose *d, const struct wr_story *s,
      const struct wr_judgement *j)
{
    if (d->json) {
        fprintf(stdout, "{\"v\":1,\"pid\":%u,\"program\":", s->of.pid);
        wr_json_string(stdout, s->of.program);
        fputc(',', stdout);
        wr_verdict_json(&j->verdict, d->language, stdout);
        puts("}");
        return;
    }
    char end[512];
    wr_end_tell(s->of.end, end, sizeof end);
    printf("%s (pid %u) %s\n", s->of.program, s->of.pid, end);
    wr_verdict_print(&j->verdict, d->language, stdout);
    if (j->note[0])
        wr_say("%s", j->note);
}

/* The exit status. */
static int
judge(const struct wr_source *one, void *diagnose)
{
    const struct wr_diagnose *d = diagnose;
    struct wr_symboliser *names = wr_symboliser_patient();
    struct wr_judgement j;
    struct wr_story s;
    struct wr_end end;
    char why[WR_WHY];
    int status = 1;
    wr_evidence_of_source(&end, "", one, NULL);
    struct wr_story_of of = {&one->view, &end, one->program, one->pid};
    if (wr_story_make(&s, &of, names, why, sizeof why) != 0) {
        wr_say("diagnose: %s (pid %u): %s", one->program, one->pid, why);
        wr_symboliser_free(names);
        return 1;
    }
    if (wr_judge(&j, &s, one, names, !d->no_search, why, sizeof why) != 0) {
        wr_say("diagnose: %s", why);
    } else {
        print(d, &s, &j);
        status = wr_verdict_status(j.verdict.finding[0].what);
    }
    wr_judgement_fini(&j);
    wr_story_fini(&s);
    wr_symboliser_free(names);
    return status;
}

int
wr_cmd_diagnose(int argc, char **argv)
{
    struct wr_diagnose d = {.json = false};
    int status = parse(&d, argc, argv);
    if (status != 0)
        return status - 1;
    if (d.count == 2)
        return wr_diagnose_profiles(&d);
    if (d.count == 1 && wr_fetch_is_url(d.what[0]))
        return wr_diagnose_url(&d);
    return wr_ended_each("diagnose", d.count ? d.what[0] : NULL, true, judge,
                         &d);
}
