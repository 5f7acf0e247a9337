/* Leaks of a core, put as those of a program that has ended.
 *
 *     struct wr_dead d;
 *     if (wr_dead_open(&d, "core.4711", why, sizeof why) == 0) {
 *         ... d.source, d.leaks ...
 *         wr_dead_close(&d);
 *     }
 *
 * Where the region's file is gone, it is not known who allocated what; the
 * source's view has the size classes then, and nothing else.
 * Threads: one. 0, or -1 with a sentence that says what to do.
 */
#ifndef WR_CMD_LEAKS_CORE_H
#define WR_CMD_LEAKS_CORE_H

#include "analyse/leaks.h"
#include "serve/source.h"

struct wr_region_header;

struct wr_dead {
    struct wr_source source;
    struct wr_leaks leaks;
    struct wr_region_header *classes; /* NULL: the region is there */
};

int wr_dead_open(struct wr_dead *d, const char *path, char *why, size_t n);
void wr_dead_close(struct wr_dead *d);

#endif
