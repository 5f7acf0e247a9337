/* Sweep: removing what ended processes and runs left behind.
 *
 *     wr_sweep_regions(dir, 3600);      dead for an hour
 *     wr_sweep_runs(dir, 50);           all but the newest fifty
 *
 * Nothing is removed but *.weir files whose process is gone, and what a run
 * left in its own run-* directory. Links are not followed, and what somebody
 * still uses stays. Threads: any; two sweepers at a time do no harm.
 */
#ifndef WR_SERVE_SWEEP_H
#define WR_SERVE_SWEEP_H

#include <stddef.h>

/* Regions of images that ended `age` seconds ago; and, whatever their age,
 * files that were never finished. Returns how many regions went. */
size_t wr_sweep_regions(const char *dir, unsigned age);

/* Files that are not (yet) regions, of processes that are gone: they were
 * killed while they made them. */
void wr_sweep_unfinished(const char *dir);

/* The run-* directories that no weir and no process uses any more, but for
 * the newest `keep`. So that most calls find nothing to do, it lets a few
 * more gather before it removes them. */
void wr_sweep_runs(const char *dir, size_t keep);

#endif
