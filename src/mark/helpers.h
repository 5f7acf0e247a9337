/* Threads that help a marker: of the program, while they wait for what it
 * finds, else Weir's own.
 *
 *     wr_helpers_begin(m, 2, wr_helpers_waiting());   on so many processors
 *     wr_marker_scan(m, ...);
 *     wr_marker_finish(m);
 *     wr_helpers_end(m);           and goes on alone
 *
 * A heap of few MiB is marked before a thread has begun to run, so there are
 * none for it; nor where the process has one processor, or the system gives no
 * threads. What is marked is the same.
 *
 * Who waits, in the meantime:
 *
 *     wr_helpers_come();
 *     for (;;) {
 *         uint32_t rung = wr_helpers_rung();
 *         if (it is over)
 *             break;
 *         if (!wr_helpers_take_part())
 *             wr_helpers_listen(rung, 10 * MS);
 *     }
 *     wr_helpers_go();
 *
 * No thread need be made, none ends, and a processor that is awake already does
 * the work. One that does not come is not waited for.
 *
 * Threads: one marker at a time in the process has them; what those that wait
 * call, any thread may. Units: nanoseconds.
 */
#ifndef WR_MARK_HELPERS_H
#define WR_MARK_HELPERS_H

#include <stdbool.h>
#include <stdint.h>

struct wr_marker;

/* Before anything is scanned. At most so many threads, with the caller, `there`
 * of which wait and will come: how many they are. */
unsigned wr_helpers_begin(struct wr_marker *m, unsigned most, unsigned there);
/* After finish, or when it is given up. Fine without begin. */
void wr_helpers_end(struct wr_marker *m);

/* Of threads that wait: from come to go they look at the bell. */
void wr_helpers_come(void);
void wr_helpers_go(void);
unsigned wr_helpers_waiting(void);
/* Until a marker wants help, or somebody has rung, since it was `rung`. */
uint32_t wr_helpers_rung(void);
void wr_helpers_listen(uint32_t rung, uint64_t ns);
void wr_helpers_ring(void);
/* Help, where that is wanted, to the end. false: it was not. */
bool wr_helpers_take_part(void);

/* In a forked child: nobody helps. */
void wr_helpers_fork_child(void);

#endif
