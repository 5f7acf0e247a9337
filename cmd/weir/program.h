/* Program: what a command really is, and whether Weir can record it.
 *
 *     struct wr_program p;
 *     if (wr_program_find(&p, "redis-server") == 0 && !p.obstacle)
 *         preload(p.path);
 *
 * A script is followed to its interpreter: that is what will allocate. What
 * cannot be recorded still can be run, so an obstacle is not an error.
 * Threads: any.
 */
#ifndef WR_CMD_PROGRAM_H
#define WR_CMD_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

enum wr_obstacle {
    WR_OBSTACLE_NONE,
    WR_OBSTACLE_STATIC,    /* no dynamic loader, so nothing can be preloaded */
    WR_OBSTACLE_SETID,     /* runs with other rights: the loader refuses */
    WR_OBSTACLE_GO,        /* its memory is not malloc's */
    WR_OBSTACLE_SANITIZER, /* brings its own malloc, which must come first */
    WR_OBSTACLE_MALLOC,    /* has a malloc of its own linked in */
    WR_OBSTACLE_LOADER,    /* another C library (musl) */
    WR_OBSTACLE_MACHINE    /* for another kind of processor */
};

struct wr_program {
    char path[PATH_MAX];    /* what to execute */
    char subject[PATH_MAX]; /* what was looked at: path, or an interpreter */
    bool shell;             /* neither ELF nor "#!": sh has to read it */
    enum wr_obstacle obstacle;
};

/* 0, or an exit status of env(1): 127 not found, 126 not executable. errno
 * says why. */
int wr_program_find(struct wr_program *p, const char *command);

/* Why nothing is recorded, and what to do: two sentences. */
const char *wr_obstacle_text(enum wr_obstacle o);

#endif
