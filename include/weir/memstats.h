/* MemStats: what the heap holds and has done, in Go's words.
 *
 *     struct weir_memstats m;
 *     if (weir_memstats(&m) == WEIR_OK)
 *         printf("%llu bytes in %llu objects\n",
 *                (unsigned long long)m.heap_alloc,
 *                (unsigned long long)m.heap_objects);
 *
 * The fields are those of Go's runtime.MemStats, with the same meaning; those
 * that only a collector has are zero. Sizes are what blocks occupy (their
 * size class), as in Go, not what was asked for. Units: bytes, nanoseconds.
 *
 * Threads: any, at any time, also in a signal handler; no lock is taken and
 * nothing is allocated. The numbers are read while the program goes on: each
 * is right, their sums may be off by what happened meanwhile.
 */
#ifndef WEIR_MEMSTATS_H
#define WEIR_MEMSTATS_H

#include <stdint.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_SIZE_CLASSES 80

struct weir_memstats {
    /* General */
    uint64_t alloc;       /* the same as heap_alloc */
    uint64_t total_alloc; /* bytes ever allocated; never falls */
    uint64_t sys;         /* bytes obtained from the system: all *_sys */
    uint64_t lookups;     /* always 0 */
    /* Blocks ever allocated, and freed. In both, as in Go, those without
     * pointers that came to share another's (gc.h), which is counted itself. */
    uint64_t mallocs;
    uint64_t frees;

    /* Heap. heap_sys = heap_inuse + heap_idle */
    uint64_t heap_alloc;    /* bytes of allocated blocks */
    uint64_t heap_sys;      /* bytes of address space for the heap */
    uint64_t heap_idle;     /* bytes in spans that hold nothing */
    uint64_t heap_inuse;    /* bytes in spans that hold something */
    uint64_t heap_released; /* part of heap_idle given back to the system */
    uint64_t heap_objects;  /* blocks now allocated: mallocs - frees */

    /* Off the heap */
    uint64_t stack_inuse; /* address space of running threads' stacks */
    uint64_t stack_sys;
    uint64_t mspan_inuse; /* bytes of span records */
    uint64_t mspan_sys;
    uint64_t mcache_inuse; /* bytes of thread caches */
    uint64_t mcache_sys;
    uint64_t buck_hash_sys; /* bytes of the profiler's tables */
    uint64_t gc_sys;        /* address space of the collector's sets */
    uint64_t other_sys;

    /* Collector: all zero until one runs */
    uint64_t next_gc;
    uint64_t last_gc; /* nanoseconds since 1970 */
    uint64_t pause_total_ns;
    uint64_t pause_ns[256];
    uint64_t pause_end[256];
    uint32_t num_gc;
    uint32_t num_forced_gc;
    double gc_cpu_fraction;
    int enable_gc;
    int debug_gc;

    /* By size class; by_size[0] is unused, large blocks are in none */
    uint32_t size_classes; /* entries used of by_size */
    struct {
        uint32_t size; /* the largest block of the class */
        uint64_t mallocs;
        uint64_t frees;
    } by_size[WEIR_SIZE_CLASSES];
};

/* Fill *m. WEIR_EINVAL: m is NULL. */
weir_err weir_memstats(struct weir_memstats *m);

#ifdef __cplusplus
}
#endif
#endif
