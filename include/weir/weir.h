/* Weir: what Go gives a Go program against memory trouble, for C.
 *
 * This header includes all the others. See each for its story:
 *   bench.h     benchmarks as in Go, with what they allocate (libweir-bench)
 *   budget.h    admit work only while there is memory for it
 *   limit.h     how much it should hold, and who is told when that is near
 *   leak.h      what the program cannot reach any more
 *   memstats.h  what the heap holds and has done, as numbers
 *   monitor.h   be called at thresholds of it, with pace and forecast
 *   profile.h   who holds it: heap profiles, sample rate
 *   stack.h     how large the stacks of new threads are
 *   serve.h     the same over HTTP, from inside the program (libweir-serve)
 *
 * A program need not include any of them to be profiled: run it with
 * `weir run -- program`, or with libweir.so in LD_PRELOAD.
 */
#ifndef WEIR_H
#define WEIR_H

#include <weir/bench.h>
#include <weir/budget.h>
#include <weir/error.h>
#include <weir/leak.h>
#include <weir/limit.h>
#include <weir/memstats.h>
#include <weir/monitor.h>
#include <weir/profile.h>
#include <weir/serve.h>
#include <weir/stack.h>

#endif
