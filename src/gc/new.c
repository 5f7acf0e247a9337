/* Managed blocks, from the front door.
 *
 * Invariants
 * 1. A block is zero when it is handed out.
 * 2. A cycle is begun here, before anything of the heap is touched: no lock is
 *    held, and the thread's cache is whole.
 */
#include <errno.h>
#include <weir/gc.h>

#include "gc/gc.h"
#include "gc/sweep.h"
#include "gc/tie.h"
#include "heap/fast.h"
#include "heap/tiny.h"
#include "region/collector.h"

static WR_COLD void *
no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *
wr_gc_alloc_slow(size_t size, enum wr_kind kind)
{
    void *p;

    if (wr_gc_is_due())
        wr_gc_make_room();
    wr_sweep_some();
    wr_collector_tell();
    wr_ties_run();
    p = wr_managed_slow(size, kind);
    if (p == NULL && wr_gc_collect())
        p = wr_managed_slow(size, kind);
    if (p == NULL)
        return no_memory();
    if (wr_unlikely(wr_gc_every != 0))
        wr_mcache_draw_samples(wr_self); /* the next comes this way again */
    return p;
}

static WR_COLD void *
scan_slow(size_t size)
{
    return wr_gc_alloc_slow(size, WR_KIND_SCAN);
}

static WR_COLD void *
noscan_slow(size_t size)
{
    return wr_gc_alloc_slow(size, WR_KIND_NOSCAN);
}

WR_EXPORT void *
weir_gc_alloc(size_t bytes)
{
    return wr_managed_fast(bytes, WR_KIND_SCAN, scan_slow);
}

static void *
begin_tiny(size_t bytes)
{
    void *p = wr_managed_fast(WR_TINY_BYTES, WR_KIND_NOSCAN, noscan_slow);

    if (wr_likely(p != NULL))
        wr_tiny_begin(p, bytes);
    return p;
}

static inline __attribute__((always_inline)) bool
is_tiny(size_t bytes)
{
    return bytes - 1 < WR_TINY_MOST;
}

WR_EXPORT void *
weir_gc_alloc_noscan(size_t bytes)
{
    void *p;

    if (!is_tiny(bytes))
        return wr_managed_fast(bytes, WR_KIND_NOSCAN, noscan_slow);
    p = wr_tiny_fast(bytes, wr_tiny_align(bytes), 0);
    return p != NULL ? p : begin_tiny(bytes);
}

/* One byte more: in C the address behind the last element is one of the
 * array's, too. */
static bool
array_bytes(size_t count, size_t bytes, size_t *all)
{
    return !__builtin_mul_overflow(count, bytes, all) &&
           !__builtin_add_overflow(*all, 1, all);
}

WR_EXPORT void *
weir_gc_alloc_array(size_t count, size_t bytes)
{
    size_t all;

    if (!array_bytes(count, bytes, &all))
        return no_memory();
    return weir_gc_alloc(all);
}

WR_EXPORT void *
weir_gc_alloc_array_noscan(size_t count, size_t bytes)
{
    size_t all;
    void *p;

    if (!array_bytes(count, bytes, &all))
        return no_memory();
    if (!is_tiny(all - 1))
        return wr_managed_fast(all, WR_KIND_NOSCAN, noscan_slow);
    /* No type wants more than what divides its size. */
    p = wr_tiny_fast(all - 1, bytes & -bytes, 1);
    return p != NULL ? p : begin_tiny(all - 1);
}

/* Of a piece of a shared block nothing is freed, but its ties end. */
WR_EXPORT void
weir_gc_free(void *p)
{
    (void)wr_tie_remove(WR_TIE_NONE, (uintptr_t)p);
    wr_free_fast(p);
}

WR_EXPORT void *
weir_gc_base(const void *p)
{
    size_t bytes;
    bool live = false;
    void *base = wr_block_of(p, &bytes, &live);

    return live && wr_span_is_managed(wr_span_of(base)) ? base : NULL;
}
