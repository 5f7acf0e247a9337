/* A program under the runtime, as the preload starts it, without a file. */
#ifndef WEIR_TESTS_LIMIT_START_H
#define WEIR_TESTS_LIMIT_START_H

#include <check.h>
#include <unistd.h>

#include "heap/heap.h"
#include "heap/mcache.h"
#include "limit/limit.h"
#include "os/os.h"
#include "region/region.h"
#include "world/background.h"
#include "world/pulse.h"
#include "world/thread.h"

#define MIB ((uint64_t)1 << 20)

static inline void
start(void)
{
    uint32_t class_bytes[WR_CLASSES];
    struct wr_region_options o = {.dir = "/nowhere/at/all",
                                  .page_bytes = WR_PAGE_BYTES,
                                  .class_bytes = class_bytes,
                                  .class_count = WR_CLASSES};

    for (unsigned i = 0; i < WR_CLASSES; i++)
        class_bytes[i] = wr_class[i].bytes;
    wr_region_start(&o);
    wr_region->start_mono_ns -= WR_PULSE_AGE_NS;
    wr_world_start();
    wr_background_enable(true, false);
    wr_limit_start();
}

/* Until it is so, for ten seconds at most. */
#define wait_until(condition)                                                  \
    do {                                                                       \
        int tries_ = 0;                                                        \
        while (!(condition)) { /* asked once a turn: it may do something */    \
            ck_assert_msg(tries_++ < 10000, "in vain: %s", #condition);        \
            usleep(1000);                                                      \
        }                                                                      \
    } while (0)

#endif
