/* A program under the runtime with its collector, as the preload starts it,
 * without a file. Its statics are roots, and so are the runtime's here: what is
 * lost may be kept by chance, so tests lose many blocks and look at most. */
#ifndef WEIR_TESTS_GC_START_H
#define WEIR_TESTS_GC_START_H

#include "unit.h"

#include <weir/gc.h>
#include <weir/leak.h>
#include <weir/memstats.h>

#include "gc/gc.h"
#include "heap/heap.h"
#include "heap/mcache.h"
#include "leak/ask.h"
#include "os/os.h"
#include "profile/capture.h"
#include "profile/unwind.h"
#include "region/region.h"
#include "world/background.h"
#include "world/thread.h"

/* How the heap is marked, where that can be. */
static uint32_t start_way = WR_WAY_NONE;

static inline void
start_with(const struct wr_gc_options *options)
{
    uint32_t class_bytes[WR_CLASSES];
    struct wr_region_options o = {.dir = "/nowhere/at/all",
                                  .page_bytes = WR_PAGE_BYTES,
                                  .class_bytes = class_bytes,
                                  .class_count = WR_CLASSES};

    for (unsigned i = 0; i < WR_CLASSES; i++)
        class_bytes[i] = wr_class[i].bytes;
    wr_unwind_init();
    wr_region_start(&o);
    wr_world_start();
    wr_capture_start();
    wr_ask_start();
    wr_gc_start(options);
    wr_background_enable(true, false);
}

static inline void
start(void)
{
    start_with(&(struct wr_gc_options){
        .percent = 100, .way = start_way, .verify = UNIT_CHECKS});
}

/* Leave nothing of what was called before on the stack. */
__attribute__((noinline)) static void
clear_stack(void)
{
    volatile char dirt[16384];

    memset((char *)dirt, 0, sizeof dirt);
}

static inline struct weir_gc
state(void)
{
    struct weir_gc g;

    ck_assert_int_eq(weir_gc_read(&g), WEIR_OK);
    return g;
}

static inline void
collect(void)
{
    /* Where much else runs, a thread may not get its turn to stand still. */
    for (int tries = 0; tries < 100; tries++) {
        clear_stack();
        if (weir_gc_collect() == WEIR_OK)
            return;
    }
    ck_abort_msg("no cycle is to be had");
}

#endif
