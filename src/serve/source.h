/* Sources: the programs whose regions somebody wants to read.
 *
 *     struct wr_sources s;
 *     if (wr_sources_scan(&s, NULL, WR_SCAN_ALL) == 0) {
 *         for (size_t i = 0; i < s.count; i++)
 *             if (s.list[i].live)
 *                 use(&s.list[i].view);
 *         wr_sources_free(&s);
 *     }
 *
 * A process is shown by its newest image: a program that called exec has an
 * older region too, which is `replaced`. The list is sorted: live processes
 * first, then by pid, then by start. Forked children that have not made their
 * region are asked to (serve/quiet.h). Files that are not regions (yet) are
 * skipped silently; a directory that does not exist is an empty one.
 *
 * Threads: one at a time per list; a scan is cheap enough to be made anew for
 * each question. Ownership: the list owns its views.
 */
#ifndef WR_SERVE_SOURCE_H
#define WR_SERVE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include "region/read.h"

struct wr_source {
    struct wr_region_view view;
    uint32_t pid;
    bool live;              /* its process runs this image now */
    bool replaced;          /* a newer image of the same process exists */
    char program[64];       /* what it was called, without directories */
    char path[WR_PATH_MAX]; /* of the region's file; "": it has none */
};

struct wr_sources {
    struct wr_source *list;
    size_t count;
};

enum wr_scan {
    WR_SCAN_HERE, /* regions right in the directory */
    WR_SCAN_RUNS, /* and those in its run-* directories */
    WR_SCAN_ALL   /* the same in every place of this user; dir is ignored */
};

/* 0, or -1: no memory. */
int wr_sources_scan(struct wr_sources *s, const char *dir, enum wr_scan how);
/* Only the region of this process; -1 when it has none. */
int wr_sources_self(struct wr_sources *s);
void wr_sources_free(struct wr_sources *s);

size_t wr_sources_live(const struct wr_sources *s);
/* The newest image of a process, or NULL. */
struct wr_source *wr_sources_find(const struct wr_sources *s, uint32_t pid);

/* How many threads run in it, as far as its region lists them. */
uint64_t wr_source_threads(const struct wr_source *one);

/* Is this the name of a region's file ("<pid>.weir")? */
bool wr_source_is_region(const char *name);
/* Is this the name of a run's directory ("run-<pid>-<time>")? */
bool wr_source_is_run(const char *name);

#endif
