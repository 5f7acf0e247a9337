/* Keep: files about a process image, PROGRAM.PID.SUFFIX in a directory.
 *
 *     char heap[WR_PATH_MAX];
 *     if (wr_keep_profiles(one, p, dir, heap) == 0)
 *         printf("see %s\n", heap);
 *
 * A file that exists is never overwritten: the new one is numbered instead. A
 * file that could not be written whole is taken away, after a sentence on
 * stderr. Threads: one.
 */
#ifndef WR_CMD_KEEP_H
#define WR_CMD_KEEP_H

#include "analyse/profile.h"
#include "region/layout.h"

struct wr_source;
struct wr_story;

/* PROGRAM.PID.heap.pb.gz and .allocs.pb.gz of one profile, of which only the
 * type shown first differs; heap: the first one's path. 0 or -1. */
int wr_keep_profiles(const struct wr_source *one, struct wr_profile *p,
                     const char *dir, char heap[WR_PATH_MAX]);
/* One profile, under any suffix. */
int wr_keep_profile(const struct wr_source *one, const struct wr_profile *p,
                    const char *dir, const char *suffix,
                    char path[WR_PATH_MAX]);
/* PROGRAM.PID.report.txt and .report.json; text: the first one's path. */
int wr_keep_story(const struct wr_source *one, const struct wr_story *s,
                  const char *dir, char text[WR_PATH_MAX]);

#endif
