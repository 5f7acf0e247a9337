/* Threads of Weir's own that help a marker.
 *
 *     wr_helpers_begin(m, 2);      it may use so many processors
 *     wr_marker_scan(m, ...);
 *     wr_marker_finish(m);
 *     wr_helpers_end(m);           and goes on alone
 *
 * A heap of few MiB is marked before a thread has begun to run, so there are
 * none for it; nor where the process has one processor, or the system gives no
 * threads. What is marked is the same.
 *
 * Threads: one marker at a time in the process has them.
 */
#ifndef WR_MARK_HELPERS_H
#define WR_MARK_HELPERS_H

struct wr_marker;

/* Before anything is scanned. At most so many threads, with the caller: how
 * many they are. */
unsigned wr_helpers_begin(struct wr_marker *m, unsigned most);
/* After finish, or when it is given up. Fine without begin. */
void wr_helpers_end(struct wr_marker *m);

#endif
