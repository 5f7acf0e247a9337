/* Debug files from servers (debuginfod), in the background.
 *
 *     struct wr_debuginfod *d = wr_debuginfod_new();  // NULL: not asked for
 *     wr_debuginfod_want(d, build_id);                // any number of these
 *     wr_debuginfod_wait(d, 2000);
 *     if (wr_debuginfod_found(d, build_id, path, sizeof path))
 *         ...                                         // a file of this machine
 *     wr_debuginfod_free(d);
 *
 * Asked are the servers in DEBUGINFOD_URLS, by elfutils' client library, which
 * is loaded when the first file is wanted; where the variable or the library is
 * not there, nothing is ever found. The library keeps files in its own cache
 * ($XDG_CACHE_HOME/debuginfod_client) and reads the other DEBUGINFOD_
 * variables. Nobody waits for a server longer than asked: a thread fetches one
 * file after the other and goes on when nobody waits. What no server had is
 * wanted again after ten minutes at the earliest. Build ids: hexadecimal.
 * Threads: any.
 */
#ifndef WR_ANALYSE_DEBUGINFOD_H
#define WR_ANALYSE_DEBUGINFOD_H

#include <stdbool.h>
#include <stddef.h>

struct wr_debuginfod;

struct wr_debuginfod *wr_debuginfod_new(void);
/* Waits up to a second for a transfer that is under way to be given up. */
void wr_debuginfod_free(struct wr_debuginfod *d);

/* Have it fetched. true: it is asked for now, and was not before. d may be
 * NULL, here and below. */
bool wr_debuginfod_want(struct wr_debuginfod *d, const char *build_id);
/* Until all that is wanted was found or not, but so long at most. false: it
 * was too long. */
bool wr_debuginfod_wait(struct wr_debuginfod *d, unsigned ms);
/* Is it here? Where. */
bool wr_debuginfod_found(struct wr_debuginfod *d, const char *build_id,
                         char *path, size_t path_bytes);

#endif
