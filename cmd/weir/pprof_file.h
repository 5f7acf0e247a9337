/* A profile as a file that every reader of pprof's format takes.
 *
 *     if (wr_pprof_write(p, "leaks.pb.gz", why, sizeof why) != 0)
 *         wr_say("%s", why);
 */
#ifndef WR_CMD_PPROF_FILE_H
#define WR_CMD_PPROF_FILE_H

#include <stddef.h>

struct wr_profile;

/* 0, or -1 with a sentence. */
int wr_pprof_write(const struct wr_profile *p, const char *path, char *why,
                   size_t n);

#endif
