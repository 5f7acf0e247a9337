/* Quiet children: forked processes that have not made their own region yet.
 *
 * A forked child still maps the region of the ancestor it came from, until it
 * has something to tell or is asked (region/region.h). Asking is a signal,
 * SIGURG, whose value is the address where it maps that region: only who may
 * look into the process knows it. To anybody else's SIGURG nothing happens.
 *
 *     if (wr_quiet_ask(&dir, 1, pids_i_know, count, forks) > 0)
 *         ... their regions are in the directory now ...
 *
 * Threads: any.
 */
#ifndef WR_SERVE_QUIET_H
#define WR_SERVE_QUIET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A process that maps a region made by another. */
struct wr_quiet {
    uint32_t pid;
    uintptr_t address; /* where */
    char dir[512];     /* that region's directory */
};

/* From a process's maps: true when it is one. */
bool wr_quiet_find(struct wr_quiet *q, uint32_t pid);

/* Ask all of this user's whose directory is one of dirs or lies in one (at most
 * WR_REGION_PLACES), but for the known ones, and wait for them up to 200 ms.
 * Looking through all processes takes some milliseconds, so it is done at most
 * once a second, and only once a minute while nobody can have become quiet:
 * all who were asked have answered, and `forks`, of all programs that have a
 * region, is what it was. Returns how many were asked. */
size_t wr_quiet_ask(const char *const *dirs, size_t dir_count,
                    const uint32_t *known, size_t count, uint64_t forks);

#endif
