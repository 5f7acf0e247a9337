/* Who opened which descriptor: the table in the region (layout.h).
 *
 *     int fd = open(...);
 *     if (fd >= 0)
 *         wr_fds_opened(fd, WR_FD_OPEN, __builtin_return_address(0));
 *     ...
 *     wr_fds_closing(fd);
 *     close(fd);
 *
 * Say so after it is open and before it is closed: in between nobody else can
 * be given the number. A number that is opened again without having been
 * closed was closed by a call that nobody saw.
 *
 * The process keeps the same table in memory of its own, since a forked child
 * has the descriptors long before it has a region. Of a descriptor that it
 * opens meanwhile only the caller is noted.
 *
 * Where the stack cannot be taken (another thread is at the table, the code
 * runs on a signal stack or a coroutine's, which may be small) the descriptor
 * is counted without one.
 * Threads: any; async-signal-safe; errno is kept.
 */
#ifndef WR_PROFILE_FDS_H
#define WR_PROFILE_FDS_H

#include <stdbool.h>

#include "region/layout.h"

/* Record from now on; the region is there. */
void wr_fds_start(void);
/* caller: the return address in the program. */
void wr_fds_opened(int number, enum wr_fd_call call, const void *caller);
void wr_fds_closing(int number);
/* All numbers from the first to the last. */
void wr_fds_closing_range(unsigned first, unsigned last);

/* Not 0: this process has had children in its own memory (vfork), so who opens
 * or closes may be one, and what it does is not this process's business. */
extern unsigned char wr_fds_guests;

#endif
