/* Small numbers for threads: each living thread that uses the kit has one of
 * its own, and who comes later gets those of threads that ended. So what is
 * kept by number is used by one thread at a time, and outlives it.
 *
 * Threads: any; not in signal handlers.
 */
#ifndef WR_KIT_THREAD_H
#define WR_KIT_THREAD_H

#include "base/base.h"

enum {
    WR_KIT_THREADS = 4096,
    WR_KIT_NOBODY = WR_KIT_THREADS /* the number of all beyond these */
};

extern __thread unsigned wr_kit_number; /* plus 1; 0: none yet */

unsigned wr_kit_thread_new(void);

/* From 0; what the thread that had it before wrote is seen. */
static inline unsigned
wr_kit_thread(void)
{
    unsigned n = wr_kit_number;

    return wr_likely(n != 0) ? n - 1 : wr_kit_thread_new();
}

/* One above the highest number ever given. */
unsigned wr_kit_threads(void);

#endif
