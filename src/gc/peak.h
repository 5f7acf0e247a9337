/* Snapshots of the heap as cycles find it, when it is larger than ever.
 *
 *     wr_peak_start("/var/tmp/heaps");    WEIR=gcsnapshot=/var/tmp/heaps
 *
 * At the end of a cycle that finds an eighth more alive than the one that was
 * last written down, what is alive, what points at what and who allocated it is
 * written to "<folder>/<pid>.heap" (region/snapshot.h), in place of what was
 * there: one file a process. What the cycle found dead is not in it. It is
 * written by a copy of the program (leak/copy.h), for which that stands still
 * some milliseconds more, and for which nobody waits but the program's end.
 * While one is written no other is begun; where there is no memory or room, no
 * file is left, and nobody is told. weir_gc_snapshot writes the same.
 *
 * Threads: Weir's own, but for start, fork_child and finish.
 */
#ifndef WR_GC_PEAK_H
#define WR_GC_PEAK_H

#include <stdbool.h>

struct wr_cycle;

/* NULL or "": none. A path that is too long is none, too. */
void wr_peak_start(const char *path);
/* A cycle has ended, nothing of what it found is swept. */
void wr_peak_look(const struct wr_cycle *c);
/* Once a second: is one being written? */
bool wr_peak_tick(void);
/* The program ends: the last is written to its end, but not for ever. */
void wr_peak_finish(void);
void wr_peak_fork_child(void);

#endif
