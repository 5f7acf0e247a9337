/* Weir: what Go gives a Go program against memory trouble, for C.
 *
 * This header includes all the others. See each for its story:
 *   bench.h     benchmarks as in Go, with what they allocate (libweir-bench)
 *   budget.h    admit work only while there is memory for it
 *   gc.h        memory that nobody has to free
 *   limit.h     how much it should hold, and who is told when that is near
 *   leak.h      what the program cannot reach any more
 *   memstats.h  what the heap holds and has done, as numbers
 *   meter.h     what the program's own pools and caches do, seen from outside
 *   monitor.h   be called at thresholds of it, with pace and forecast
 *   profile.h   who holds it: heap profiles, sample rate
 *   store.h     stores that let it stand still for less than a millisecond
 *   stack.h     how large the stacks of new threads are
 *   serve.h     the same over HTTP, from inside the program (libweir-serve)
 *
 * The kit, parts for programs:
 *   adapt.h     other libraries' memory under a name, and within a budget
 *   alloc.h     where a container takes its memory from
 *   arena.h     many small blocks that are given back together
 *   buffer.h    text and bytes put together piece by piece
 *   cmap.h      a map that many threads read without a lock
 *   counter.h   counters that many threads add to
 *   defer.h     release at the end of a scope
 *   lru.h       caches that drop what was not used for longest
 *   map.h       hash tables (their typed half is map_typed.h)
 *   pipeline.h  stages in threads, with bounded memory between
 *   pool.h      objects that are used again instead of made anew
 *   ref.h       reference counts, with weak references
 *   slice.h     arrays that grow
 *   stream.h    lines and comma-separated values of any length
 *
 * A program need not include any of them to be profiled: run it with
 * `weir run -- program`, or with libweir.so in LD_PRELOAD.
 */
#ifndef WEIR_H
#define WEIR_H

#include <weir/adapt.h>
#include <weir/alloc.h>
#include <weir/arena.h>
#include <weir/bench.h>
#include <weir/budget.h>
#include <weir/buffer.h>
#include <weir/cmap.h>
#include <weir/counter.h>
#include <weir/defer.h>
#include <weir/error.h>
#include <weir/gc.h>
#include <weir/leak.h>
#include <weir/limit.h>
#include <weir/lru.h>
#include <weir/map.h>
#include <weir/map_typed.h>
#include <weir/memstats.h>
#include <weir/meter.h>
#include <weir/monitor.h>
#include <weir/pipeline.h>
#include <weir/pool.h>
#include <weir/profile.h>
#include <weir/ref.h>
#include <weir/serve.h>
#include <weir/slice.h>
#include <weir/stack.h>
#include <weir/store.h>
#include <weir/stream.h>
#include <weir/type.h>

#endif
