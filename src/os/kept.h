/* What the kernel keeps for the process and will give back to it: bytes in
 * pipes and sockets that nobody has read yet, the data of epoll sets, the
 * values of timers and of event counters.
 *
 *     static void
 *     visit(const void *from, size_t bytes, void *arg);
 *     wr_os_kept_prepare();                 while the program still runs
 *     if (!wr_os_kept(visit, NULL))
 *         something is there that may not be read
 *
 * Nothing changes by it: pipes are duplicated, sockets are looked into. While
 * it lasts the program must stand still, or it might read a socket of which
 * the place to look at is being moved.
 * Not to be seen: what waits for an answer of the kernel (io_uring, aio). A
 * process that has such is told of by false.
 * To a process with a filter of system calls these calls might be deadly: they
 * are tried in a copy of it, once for each filter. Where that does not live, or
 * cannot be made, what may be read from pipes and local sockets is not seen; of
 * local sockets nothing is where the filter does not let one duplicate a
 * descriptor (Docker's).
 *
 * As os.h: no allocation, no lock, errno is kept. Threads: one at a time.
 */
#ifndef WR_OS_KEPT_H
#define WR_OS_KEPT_H

#include <stdbool.h>
#include <stddef.h>

/* Costs a copy of the page tables, where there is a new filter. */
void wr_os_kept_prepare(void);

bool wr_os_kept(void (*visit)(const void *from, size_t bytes, void *arg),
                void *arg);

#endif
