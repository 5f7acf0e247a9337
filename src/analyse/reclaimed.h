/* Reclaimed: what the collector freed of malloc's blocks in a run, since the
 * program had lost them, and where they came from.
 *
 *     struct wr_reclaimed r = {0};
 *     wr_reclaimed_add(&r, &view, symboliser);    each process image
 *     wr_reclaimed_print(&r, stderr);
 *     wr_reclaimed_fini(&r);
 *
 * The sums are exact; the sites are those of the image that lost most, and
 * estimated from its samples. Of an image that runs no more modules are read
 * from their files.
 *
 * Threads: one. Units: bytes.
 */
#ifndef WR_ANALYSE_RECLAIMED_H
#define WR_ANALYSE_RECLAIMED_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "analyse/story.h"

struct wr_profile;
struct wr_region_view;
struct wr_symboliser;

struct wr_reclaimed {
    uint64_t cycles, blocks, bytes;
    uint64_t most;              /* bytes, that one image had lost: */
    struct wr_profile *profile; /* its; NULL: none */
};

void wr_reclaimed_add(struct wr_reclaimed *r, const struct wr_region_view *view,
                      struct wr_symboliser *symboliser);
/* Some lines, for a person. */
void wr_reclaimed_print(const struct wr_reclaimed *r, FILE *out);
void wr_reclaimed_fini(struct wr_reclaimed *r);

#endif
