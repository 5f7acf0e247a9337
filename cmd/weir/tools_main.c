/* libweir-tools.so: every subcommand, behind one name. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include "weir/cmd.h"
#include "weir/report.h"
#include "weir/snapshot.h"
#include "weir/tools.h"

#define LARGE (1 << 20) /* bytes of a table that is a mapping of its own */

/* A large table grows without being copied and goes back to the system when
 * it is freed, as long as it has a mapping of its own; libc would stop giving
 * it one after the first that was freed. */
static void
keep_large_apart(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE);
}

static int
tools_main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    keep_large_apart();
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        word = "help";
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        word = "version";
    const struct wr_command *c = wr_command_find(word);
    if (c)
        return c->run(argc - 1, argv + 1);
    if (*word)
        wr_say("there is no command \"%s\"", word);
    wr_help_print(stderr, NULL);
    return WR_EXIT_USAGE;
}

__attribute__((visibility("default"))) const struct wr_tools weir_tools = {
    tools_main, wr_report_begin, wr_snapshot_look, wr_report_make};
