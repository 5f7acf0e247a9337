/* Heaps that were written down at the end of a cycle (WEIR=gcsnapshot=DIR): a
 * snapshot that has with it what gives it names (region/snapshot.h).
 *
 *     if (wr_heap_file_is(path))
 *         wr_heap_file_open(&h, path, why, sizeof why);
 *     ... h.snapshot, h.region, wr_heap_file_maps(&h) ...
 *     wr_heap_file_close(&h);
 *
 * The file may be damaged or cut off. Threads: any may read. Ownership: all of
 * it is the struct's; 0, or -1 with a sentence.
 */
#ifndef WR_ANALYSE_HEAP_FILE_H
#define WR_ANALYSE_HEAP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "analyse/snapshot.h"
#include "region/read.h"

struct wr_profile;

struct wr_heap_file {
    struct wr_snapshot snapshot;
    struct wr_region_view region;
};

/* Does it begin as one? */
bool wr_heap_file_is(const char *path);
int wr_heap_file_open(struct wr_heap_file *h, const char *path, char *why,
                      size_t n);
void wr_heap_file_close(struct wr_heap_file *h);

/* The list of mappings, to be closed before h is; NULL: out of memory. */
FILE *wr_heap_file_maps(const struct wr_heap_file *h);

/* The heap profile of what was alive, without names of functions. */
int wr_profile_from_heap_file(struct wr_profile **out,
                              const struct wr_heap_file *h, char *why,
                              size_t n);

#endif
