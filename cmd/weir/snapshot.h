/* Snapshots: profiles of a program on its way to its limit.
 *
 *     struct wr_snapshots s = {.run_dir = dir, .out_dir = dir, .pid = pid,
 *                              .at = 0.9};
 *     every tenth of a second: wr_snapshot_look(&s);
 *
 * When the tightest limit that the program is under is used to `at`, its heap
 * profile is written, PROGRAM.PID.at90.heap.pb.gz, and again each time half of
 * what was left then is gone; after it has fallen by a tenth, anew. The newest
 * WR_SNAPSHOTS_KEPT stay. Names of functions are not looked up, which takes
 * memory where there is none left: who reads the files finds them.
 *
 * A look costs some 60 microseconds. Threads: one.
 */
#ifndef WR_CMD_SNAPSHOT_H
#define WR_CMD_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>
#include "region/layout.h"

#define WR_SNAPSHOTS_KEPT 8
#define WR_SNAPSHOT_MS    100 /* between looks */

struct wr_snapshots {
    const char *run_dir, *out_dir;
    uint32_t pid;
    double at; /* part of the limit, 0 to 1 */
    /* Its own: */
    double next;    /* part at which the next one is due; 0: at */
    unsigned taken; /* ever */
    bool failed;    /* and it was said */
    char kept[WR_SNAPSHOTS_KEPT][WR_PATH_MAX];
};

void wr_snapshot_look(struct wr_snapshots *s);

#endif
