/* weir top, tree, peek, list, traces, tags, raw: a profile, as text.
 *
 * Each opens what its words say and prints one report of it. Two of them are
 * about some functions: their first word is a pattern.
 */
#include <stdio.h>
#include <string.h>
#include "weir/cmd.h"
#include "weir/profile_args.h"

#define TOP_ROWS 10 /* unless asked */

typedef int (*printer)(const struct wr_analysis *a, const char *pattern,
                       FILE *out, char *why, size_t n);

static int
view(int argc, char **argv, bool pattern, long rows, printer print)
{
    struct wr_profile_args a;
    struct wr_opened o;
    char why[WR_ARGS_WHY];
    const char *command = argv[0];
    int status = wr_profile_args_parse(&a, command, NULL, argc, argv);
    if (status != 0)
        return status - 1;
    if (pattern && a.word_count == 0) {
        wr_say("%s: say which functions, as a regular expression", command);
        return wr_usage_error(command);
    }
    if (a.options.node_count < 0)
        a.options.node_count = rows;
    if (wr_profile_args_open(&a, a.words + pattern, a.word_count - pattern, &o,
                             why, sizeof why) != 0) {
        wr_say("%s", why);
        return 1;
    }
    status = print(&o.analysis, pattern ? a.words[0] : NULL, stdout, why,
                   sizeof why);
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
    return wr_analysis_top(a, out, why, n);
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
    return view(argc, argv, false, TOP_ROWS, print_top);
}

int
wr_cmd_tree(int argc, char **argv)
{
    return view(argc, argv, false, -1, wr_analysis_tree);
}

int
wr_cmd_peek(int argc, char **argv)
{
    return view(argc, argv, true, -1, wr_analysis_tree);
}

int
wr_cmd_list(int argc, char **argv)
{
    return view(argc, argv, true, -1, wr_analysis_list);
}

int
wr_cmd_traces(int argc, char **argv)
{
    return view(argc, argv, false, -1, print_traces);
}

int
wr_cmd_tags(int argc, char **argv)
{
    return view(argc, argv, false, -1, print_tags);
}

int
wr_cmd_raw(int argc, char **argv)
{
    return view(argc, argv, false, -1, print_raw);
}
