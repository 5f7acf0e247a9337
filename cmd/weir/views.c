/* weir top, tree, peek, list, traces, tags, raw: a profile, as text.
 *
 * Each opens what its words say and prints one report of it. Two of them are
 * about some functions: their first word is a pattern.
 */
#include <stdio.h>
#include <string.h>
#include "weir/cmd.h"
#include "weir/profile_args.h"
#include "weir/terminal.h"

#define TOP_ROWS 10 /* unless asked */

typedef int (*printer)(const struct wr_analysis *a, const char *pattern,
                       FILE *out, char *why, size_t n);

struct view {
    bool pattern; /* its first word is one */
    long rows;    /* unless asked; -1: as the report likes it */
    const struct wr_own_option *own;
    printer print;
};

static bool json; /* of weir top */

static const struct wr_own_option top_options[] = {
    {.name = "json", .letter = 'j', .flag = &json}, {.name = NULL}};

static int
view(int argc, char **argv, const struct view *v)
{
    struct wr_profile_args a;
    struct wr_opened o;
    char why[WR_ARGS_WHY];
    const char *command = argv[0];
    int status = wr_profile_args_parse(&a, command, v->own, argc, argv);
    if (status != 0)
        return status - 1;
    if (v->pattern && a.word_count == 0) {
        wr_say("%s: say which functions, as a regular expression", command);
        return wr_usage_error(command);
    }
    if (a.options.node_count < 0)
        a.options.node_count = v->rows;
    if (wr_profile_args_open(&a, a.words + v->pattern,
                             a.word_count - v->pattern, &o, why,
                             sizeof why) != 0) {
        wr_say("%s", why);
        return 1;
    }
    FILE *out = wr_terminal_open();
    status = v->print(&o.analysis, v->pattern ? a.words[0] : NULL, out, why,
                      sizeof why);
    wr_terminal_close(out);
    if (status != 0)
        wr_say("%s", why);
    wr_opened_close(&o);
    return status ? 1 : 0;
}

static int
print_top(const struct wr_analysis *a, const char *pattern, FILE *out,
          char *why, size_t n)
{
    (void)pattern;
    return json ? wr_analysis_top_json(a, out, why, n)
                : wr_analysis_top(a, out, why, n);
}

static int
print_traces(const struct wr_analysis *a, const char *pattern, FILE *out,
             char *why, size_t n)
{
    (void)pattern;
    return wr_analysis_traces(a, out, why, n);
}

static int
print_tags(const struct wr_analysis *a, const char *pattern, FILE *out,
           char *why, size_t n)
{
    (void)pattern;
    return wr_analysis_tags(a, out, why, n);
}

static int
print_raw(const struct wr_analysis *a, const char *pattern, FILE *out,
          char *why, size_t n)
{
    (void)pattern;
    return wr_analysis_raw(a, out, why, n);
}

int
wr_cmd_top(int argc, char **argv)
{
    static const struct view v = {
        .rows = TOP_ROWS, .own = top_options, .print = print_top};
    json = false;
    return view(argc, argv, &v);
}

int
wr_cmd_tree(int argc, char **argv)
{
    static const struct view v = {.rows = -1, .print = wr_analysis_tree};
    return view(argc, argv, &v);
}

int
wr_cmd_peek(int argc, char **argv)
{
    static const struct view v = {
        .pattern = true, .rows = -1, .print = wr_analysis_tree};
    return view(argc, argv, &v);
}

int
wr_cmd_list(int argc, char **argv)
{
    static const struct view v = {
        .pattern = true, .rows = -1, .print = wr_analysis_list};
    return view(argc, argv, &v);
}

int
wr_cmd_traces(int argc, char **argv)
{
    static const struct view v = {.rows = -1, .print = print_traces};
    return view(argc, argv, &v);
}

int
wr_cmd_tags(int argc, char **argv)
{
    static const struct view v = {.rows = -1, .print = print_tags};
    return view(argc, argv, &v);
}

int
wr_cmd_raw(int argc, char **argv)
{
    static const struct view v = {.rows = -1, .print = print_raw};
    return view(argc, argv, &v);
}
