/* Report: what is left of a run when its program ended.
 *
 *     struct wr_report r = {.run_dir = dir, .out_dir = dir, .pid = pid, ...};
 *     wr_report_make(&r);
 *
 * For each process image of the run that ended, two files appear in out_dir,
 * PROGRAM.PID.heap.pb.gz and PROGRAM.PID.allocs.pb.gz, with names of
 * functions; a file that exists is never overwritten, the new one is numbered
 * instead. If the program died of a signal that says so, its report
 * (analyse/story.h) goes there too, PROGRAM.PID.report.txt and .report.json;
 * so do those of others that the kernel killed for want of memory, where its
 * log names them. The regions are removed then. Processes that still run keep
 * theirs. Unless quiet, a summary, or the report, goes to stderr. Units:
 * seconds.
 */
#ifndef WR_CMD_REPORT_H
#define WR_CMD_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "weir/lost.h"

struct wr_report {
    const char *run_dir, *out_dir;
    const char *program; /* as the user typed it */
    uint32_t pid;
    int status; /* as waitpid gave it */
    bool quiet;
    double seconds;
    bool collect; /* what malloc gave was collected, too */
    const struct wr_lost_options *leaks; /* NULL: nobody asked for them */
};

/* While the program starts: what is to be compared with its end. Once. */
void wr_report_begin(uint32_t pid);
/* How many blocks the run has leaked; -1: not known, or nobody asked. */
int64_t wr_report_make(const struct wr_report *r);

#endif
