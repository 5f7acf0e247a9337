/* The tools: all of weir that needs a profile in memory, in a library of its
 * own.
 *
 *     const struct wr_tools *tools = wr_tools_load();
 *     return tools ? tools->main(argc, argv) : 1;
 *
 * Names and compression come with libraries of their own. `weir run` must
 * not make a program wait for them: the weir program itself is `run` and
 * little else, and loads libweir-tools.so when its turn comes, which for a
 * run is while the program starts. The library has one exported name, and is
 * built and installed together with the program.
 *
 * Threads: one. Ownership: what is returned stays until the process ends.
 */
#ifndef WR_CMD_TOOLS_H
#define WR_CMD_TOOLS_H

#include <stdint.h>

struct wr_report;
struct wr_snapshots;

struct wr_tools {
    /* Any subcommand: argv[0] is "weir", argv[1] its name. The exit status. */
    int (*main)(int argc, char **argv);
    void (*begin)(uint32_t pid);              /* weir/report.h */
    void (*snapshot)(struct wr_snapshots *s); /* weir/snapshot.h */
    int64_t (*report)(const struct wr_report *r);
};

/* NULL after a sentence on stderr. */
const struct wr_tools *wr_tools_load(void);

/* The exported name, in libweir-tools.so only. */
extern const struct wr_tools weir_tools;

#endif
