/* What the subcommands of weir share.
 *
 *     return wr_cmd_top(argc, argv);    argv[0] is "top"
 *
 * Each returns the program's exit status. Data goes to stdout, everything
 * else to stderr through wr_say. Exit statuses of weir's own: 0 done, 1 could
 * not, 2 wrong usage, 3 there are leaks; `weir run` uses 125, 126, 127 as
 * env(1) does.
 */
#ifndef WR_CMD_H
#define WR_CMD_H

#include <stdbool.h>
#include <stdio.h>

#define WR_EXIT_USAGE   2
#define WR_EXIT_LEAKS   3   /* when asked to fail then */
#define WR_EXIT_OURS    125 /* weir run: weir itself failed */
#define WR_EXIT_CANNOT  126 /* weir run: found, but cannot be executed */
#define WR_EXIT_MISSING 127 /* weir run: no such program */

int wr_cmd_run(int argc, char **argv);
int wr_cmd_record(int argc, char **argv);
int wr_cmd_serve(int argc, char **argv);
int wr_cmd_ps(int argc, char **argv);
int wr_cmd_watch(int argc, char **argv);
int wr_cmd_top(int argc, char **argv);
int wr_cmd_flame(int argc, char **argv);
int wr_cmd_diff(int argc, char **argv);
int wr_cmd_benchstat(int argc, char **argv);
int wr_cmd_test(int argc, char **argv);
int wr_cmd_tree(int argc, char **argv);
int wr_cmd_peek(int argc, char **argv);
int wr_cmd_list(int argc, char **argv);
int wr_cmd_traces(int argc, char **argv);
int wr_cmd_tags(int argc, char **argv);
int wr_cmd_raw(int argc, char **argv);
int wr_cmd_diagnose(int argc, char **argv);
int wr_cmd_report(int argc, char **argv);
int wr_cmd_leaks(int argc, char **argv);
int wr_cmd_budgets(int argc, char **argv);
int wr_cmd_pools(int argc, char **argv);
int wr_cmd_fds(int argc, char **argv);
int wr_cmd_why(int argc, char **argv);
int wr_cmd_retained(int argc, char **argv);
int wr_cmd_whois(int argc, char **argv);
int wr_cmd_threads(int argc, char **argv);
int wr_cmd_version(int argc, char **argv);
int wr_cmd_help(int argc, char **argv);

struct wr_command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *says; /* one line */
    const char *help; /* all of --help */
};

/* Ends with an entry without a name. */
extern const struct wr_command wr_commands[];
/* NULL: no such command. */
const struct wr_command *wr_command_find(const char *name);

/* Print a command's help to out. */
void wr_help_print(FILE *out, const struct wr_command *c);
/* For getopt's '?': a hint to stderr, and the exit status for wrong usage. */
int wr_usage_error(const char *command);

/* "weir: " and a sentence on stderr. */
__attribute__((format(printf, 1, 2))) void wr_say(const char *format, ...);

/* May out be coloured? A terminal, and neither NO_COLOR nor TERM=dumb. */
bool wr_colour(FILE *out);
/* May texts have characters beyond ASCII? By the user's locale. */
bool wr_utf8(void);

#endif
