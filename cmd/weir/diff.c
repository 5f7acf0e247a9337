/* weir diff: what holds more than before, and conditions for builds that
 * shall fail when it is too much. */
#include <stdio.h>
#include "analyse/condition.h"
#include "analyse/diff.h"
#include "analyse/quote.h"
#include "weir/cmd.h"
#include "weir/profile_args.h"
#include "weir/terminal.h"

#define EXIT_HOLDS 3
#define ROWS       20 /* unless told */

struct diff {
    struct wr_profile_args args;
    const char *texts[WR_ARGS_WORDS]; /* of the conditions */
    struct wr_condition conditions[WR_ARGS_WORDS];
    bool holds[WR_ARGS_WORDS];
    unsigned count;
    bool json;
};

static int
usage(const char *sentence)
{
    wr_say("diff: %s", sentence);
    return wr_usage_error("diff") + 1;
}

/* 0, or the exit status + 1. */
static int
parse(struct diff *d, int argc, char **argv)
{
    const struct wr_own_option own[] = {
        {.name = "fail_if", .text = d->texts, .count = &d->count},
        {.name = "json", .letter = 'j', .flag = &d->json},
        {.name = NULL}};
    char why[WR_ARGS_WHY];
    int status = wr_profile_args_parse(&d->args, "diff", own, argc, argv);
    if (status != 0)
        return status;
    if (d->args.word_count != 2 || d->args.base_count > 0)
        return usage("two profiles: weir diff BEFORE AFTER");
    for (unsigned i = 0; i < d->count; i++)
        if (wr_condition_parse(&d->conditions[i], d->texts[i], why,
                               sizeof why) != 0) {
            wr_say("diff: --fail-if %s", why);
            return wr_usage_error("diff") + 1;
        }
    return 0;
}

/* How many hold, each told on stderr; -1: one cannot be asked. */
static int
test_conditions(struct diff *d, const struct wr_opened *o)
{
    char why[WR_ARGS_WHY];
    int held = 0;
    for (unsigned i = 0; i < d->count; i++) {
        int status = wr_condition_test(&d->conditions[i], o->base, o->profile,
                                       o->analysis.type, why, sizeof why);
        if (status != 0)
            wr_say("diff: --fail-if %s", why);
        if (status < 0)
            return -1;
        d->holds[i] = status > 0;
        held += status;
    }
    return held;
}

static void
print_json(const struct diff *d, const struct wr_diff *table)
{
    fputs("{\"v\":1,", stdout);
    wr_diff_print_json(table, stdout);
    fputs(",\n\"conditions\":[", stdout);
    for (unsigned i = 0; i < d->count; i++) {
        fputs(i ? ",{\"condition\":" : "{\"condition\":", stdout);
        wr_json_string(stdout, d->texts[i]);
        fprintf(stdout, ",\"holds\":%s}", d->holds[i] ? "true" : "false");
    }
    fputs("]}\n", stdout);
}

/* The exit status. */
static int
show(struct diff *d, const struct wr_opened *o)
{
    struct wr_diff table;
    char why[WR_ARGS_WHY];
    const struct wr_analysis_options *options = &d->args.options;
    const struct wr_graph_options how = {.type = o->analysis.type,
                                         .granularity = options->granularity,
                                         .no_inlines = options->no_inlines,
                                         .source_path = options->source_path,
                                         .trim_path = options->trim_path};
    if (wr_diff_make(&table, o->base, o->profile, &how, why, sizeof why) != 0) {
        wr_say("%s", why);
        return 1;
    }
    FILE *out = wr_terminal_open();
    int held = test_conditions(d, o);
    long rows = options->node_count;
    if (options->cum)
        wr_diff_sort_cum(&table);
    if (held >= 0 && d->json)
        print_json(d, &table);
    else if (held >= 0)
        wr_diff_print(&table, rows < 0 ? ROWS : (size_t)rows, options->unit,
                      out);
    wr_terminal_close(out);
    wr_diff_fini(&table);
    return held < 0 ? 1 : held > 0 ? EXIT_HOLDS : 0;
}

int
wr_cmd_diff(int argc, char **argv)
{
    struct diff d = {.count = 0};
    struct wr_opened o;
    char why[WR_ARGS_WHY];
    int status = parse(&d, argc, argv);
    if (status != 0)
        return status - 1;
    d.args.bases[d.args.base_count++] = d.args.words[0];
    d.args.keep_base = true;
    if (wr_profile_args_open(&d.args, d.args.words + 1, 1, &o, why,
                             sizeof why) != 0) {
        wr_say("%s", why);
        return 1;
    }
    status = show(&d, &o);
    wr_opened_close(&o);
    return status;
}
