/* Core files of programs that had Weir in them.
 *
 *     struct wr_core *c;
 *     if (wr_core_open(&c, "core.4711", why, sizeof why) == 0) {
 *         FILE *snapshot = wr_core_snapshot(c, why, sizeof why);
 *         FILE *maps = wr_core_maps(c);
 *         ...
 *         wr_core_close(c);
 *     }
 *
 * A core has the program's memory; where the heap's tables are in it says the
 * guide (region/guide.h). What comes of it is the same as from a program that
 * runs: a snapshot, and the mappings in the form of /proc/PID/maps.
 *
 * Whatever a core says is data: sizes and addresses are checked, nothing in it
 * is called or executed. Of the files it names, programs and libraries are read
 * for their symbols and for how their stacks are unwound.
 * Threads: one at a time. 0 and streams, or -1, NULL and a sentence.
 */
#ifndef WR_ANALYSE_CORE_H
#define WR_ANALYSE_CORE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct wr_core;
struct wr_region_view;

int wr_core_open(struct wr_core **out, const char *path, char *why, size_t n);
void wr_core_close(struct wr_core *c);

uint32_t wr_core_pid(const struct wr_core *c);
/* The path of the region's file, which may be gone; "": it is not known. */
const char *wr_core_region(const struct wr_core *c);

/* view: of its region, for the samples; NULL: there is none. */
FILE *wr_core_snapshot(struct wr_core *c, const struct wr_region_view *view,
                       char *why, size_t n);
/* NULL: no memory. */
FILE *wr_core_maps(const struct wr_core *c);

#endif
