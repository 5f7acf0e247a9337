/* The process that is watched: its region, held open also when it ends.
 *
 *     struct wr_watched p;
 *     if (wr_watched_open(&p, pid, why, sizeof why) == 0) {
 *         while (wr_watched_refresh(&p, &watch) == 0 && !watch.ended[0])
 *             sleep(1);
 *         wr_watched_close(&p);
 *     }
 *
 * Threads: one.
 */
#ifndef WR_CMD_WATCHED_H
#define WR_CMD_WATCHED_H

#include "serve/source.h"
#include "weir/watch.h"

struct wr_symboliser;

struct wr_watched {
    struct wr_sources sources; /* of which one is watched */
    struct wr_source *one;
    struct wr_symboliser *symboliser;
    uint64_t events; /* samples and frees, as of the last profile */
};

/* pid 0: the only one that runs. 0, or -1 with a sentence. */
int wr_watched_open(struct wr_watched *p, uint32_t pid, char *why, size_t n);
void wr_watched_close(struct wr_watched *p);

/* Feed what is now. 0, or -1 with a sentence as the watch's message. */
int wr_watched_refresh(struct wr_watched *p, struct wr_watch *w);
/* Count changes from as long ago as is known, at most ten minutes. */
void wr_watched_mark_past(struct wr_watched *p, struct wr_watch *w);
/* Write a file into the current directory, under a name that is new; what was
 * done, or why not, becomes the watch's message. */
void wr_watched_save(struct wr_watched *p, struct wr_watch *w);
void wr_watched_flame(struct wr_watched *p, struct wr_watch *w);

#endif
