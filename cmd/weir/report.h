/* Report: what is left of a run when its program ended.
 *
 *     struct wr_report r = {.run_dir = dir, .out_dir = dir, .pid = pid, ...};
 *     wr_report_make(&r);
 *
 * For each process image of the run that ended, two files appear in out_dir,
 * PROGRAM.PID.heap.pb.gz and PROGRAM.PID.allocs.pb.gz, with names of
 * functions; a file that exists is never overwritten, the new one is numbered
 * instead. The regions are removed then. Processes that still run keep theirs.
 * Unless quiet, a summary goes to stderr. Units: seconds.
 */
#ifndef WR_CMD_REPORT_H
#define WR_CMD_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_report {
    const char *run_dir, *out_dir;
    const char *program; /* as the user typed it */
    uint32_t pid;
    int status; /* as waitpid gave it */
    bool quiet;
    double seconds;
};

void wr_report_make(const struct wr_report *r);

#endif
