/* The time of a clock in nanoseconds, for who is not inside malloc (there it
 * is os/os.h).
 *
 *     uint64_t until = wr_clock_ns(CLOCK_MONOTONIC) + 50000000;
 */
#ifndef WR_BASE_CLOCK_H
#define WR_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t
wr_clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

#endif
