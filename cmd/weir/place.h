/* Places: where Weir's own files are, and where a run keeps its files.
 *
 *     char lib[WR_PATH_MAX];
 *     if (wr_place_library(lib, sizeof lib, "libweir.so.0") != 0)
 *         wr_say("libweir.so.0 is not where weir expects it");
 *
 * Libraries are found relative to the weir program itself, so that a build
 * tree, a prefix and a system installation all work without settings.
 *
 * A run's directory is <runtime directory>/run-<pid>-<seconds>, 0700. It
 * holds the regions of the run's processes, http.sock, and the file `address`,
 * which says where HTTP is answered. Later the profiles.
 */
#ifndef WR_CMD_PLACE_H
#define WR_CMD_PLACE_H

#include <stddef.h>

#define WR_RUNS_KEPT 50 /* ended runs whose files stay */

/* 0 and a path, or -1. */
int wr_place_library(char *path, size_t bytes, const char *name);

/* Make a new run's directory, in `in` or, NULL, in the runtime directory: 0,
 * or -1 with a sentence in why. */
int wr_place_run(char *path, size_t bytes, const char *in, char *why,
                 size_t why_bytes);

/* Write or read the file `address` of a directory: one line, the pid of who
 * answers there and the address. Reading gives "" when nobody does. */
void wr_place_set_address(const char *dir, const char *address);
void wr_place_address(const char *dir, char *address, size_t bytes);

/* Join to path: 0, or -1 when it does not fit. */
int wr_place_join(char *path, size_t bytes, const char *dir, const char *name);

/* Make a directory with its parents, as mkdir -p: 0, or -1 and errno. */
int wr_place_make(const char *path);

#endif
