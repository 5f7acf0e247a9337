/* What a program in a core could not reach any more.
 *
 *     struct wr_leaks l;
 *     if (wr_core_leaks(&l, core, &snapshot, view.header, why, sizeof why) ==
 * 0)
 *         ... wr_leaks_fini(&l);
 *
 * The same search that a running program makes (leak/search.h), on what the
 * core has: odd pointers keep a block here too. It proves nothing, for a core
 * lacks what the kernel kept for the program, in pipes and epoll for example;
 * and shared memory, as the system was set up. Its trust is WR_TRUST_CORE;
 * unread_bytes is what of writable memory is not in the core.
 *
 * Threads: one at a time. 0, or -1 with a sentence.
 */
#ifndef WR_ANALYSE_CORE_LEAKS_H
#define WR_ANALYSE_CORE_LEAKS_H

#include "analyse/leaks.h"

struct wr_core;
struct wr_region_header;
struct wr_snapshot;

/* s: of that core. region: for the size classes. */
int wr_core_leaks(struct wr_leaks *out, const struct wr_core *c,
                  const struct wr_snapshot *s,
                  const struct wr_region_header *region, char *why, size_t n);

/* Of a program whose region is gone: the size classes that its heap had. */
void wr_core_classes(struct wr_region_header *region,
                     const struct wr_snapshot *s);

#endif
