/* Ended: the process images that a command is about, running or not.
 *
 *     return wr_ended_each("report", word, false, tell, &asked);
 *
 * The word is a pid, a region's file, a directory, or NULL. Of a directory it
 * is each image that died, or if none did the one that ended last. Without a
 * word it is the one that ended last, or with `running` the only one that
 * runs, if there is one. Says on stderr what is wrong.
 *
 * Threads: one. Ownership: a source is there during the call.
 */
#ifndef WR_CMD_ENDED_H
#define WR_CMD_ENDED_H

#include <stdbool.h>

struct wr_source;

/* The largest of what the calls returned, which is an exit status; or 1. */
int wr_ended_each(const char *command, const char *word, bool running,
                  int (*call)(const struct wr_source *one, void *arg),
                  void *arg);

#endif
