/* One source, five heaps: what the workloads of bench/gc allocate by.
 *
 *     struct node {...};
 *     TYPE(node, next)                       where it has pointers
 *     struct node *n = NEW(node);            all zero
 *     n->name = NEW_BYTES(20);               bytes without pointers
 *     DROP(n->name);                         free; nothing where a collector
 *     DROP(n);                               finds it out
 *
 * BENCH_WEIR: include/weir/gc.h, and BENCH_TYPED: with layouts; BENCH_BARRIER:
 * it is told of stores, as queues makes them. BENCH_BOEHM: libgc. Neither:
 * calloc, malloc and free of whichever library is in force.
 */
#ifndef BENCH_GC_HEAP_H
#define BENCH_GC_HEAP_H

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#if defined BENCH_WEIR
#include <weir/gc.h>
#if defined BENCH_TYPED
#define TYPE(T, ...)                                                           \
    typedef struct T T;                                                        \
    WEIR_TYPE(T, __VA_ARGS__);
#define NEW(T) weir_new_typed(T)
#else
#define NEW(T) weir_new(T)
#endif
#define NEW_ARRAY(T, n) weir_new_array(T, n)
#define NEW_BYTES(n)    weir_new_noscan(char, n)
#if defined BENCH_BARRIER
#include <weir/store.h>
#define HEAP_START() ((void)weir_gc_use_barrier())
#else
#define HEAP_START() ((void)0)
#endif
#elif defined BENCH_BOEHM
#define GC_THREADS
#include <gc.h>
#define NEW(T)          ((T *)GC_MALLOC(sizeof(T)))
#define NEW_ARRAY(T, n) ((T *)GC_MALLOC(sizeof(T) * (n)))
#define NEW_BYTES(n)    ((char *)GC_MALLOC_ATOMIC(n))
#define HEAP_START()    GC_INIT()
#else
#define NEW(T)          ((T *)calloc(1, sizeof(T)))
#define NEW_ARRAY(T, n) ((T *)calloc(n, sizeof(T)))
#define NEW_BYTES(n)    ((char *)malloc(n))
#define HEAP_START()    ((void)0)
#endif

/* *at = p, where the collector is to know. */
#if defined BENCH_BARRIER
#define STORE(at, p) weir_store(at, p)
#else
#define STORE(at, p) ((void)(*(at) = (p)))
#endif

#if !defined TYPE
#define TYPE(T, ...) typedef struct T T;
#endif

/* No cycle but those that are asked for, from off to on. */
#if defined BENCH_WEIR
#define CYCLES_OFF() weir_gc_disable()
#define CYCLES_ON()  weir_gc_enable()
#define CYCLE()      ((void)weir_gc_collect())
#elif defined BENCH_BOEHM
#define CYCLES_OFF() GC_disable()
#define CYCLES_ON()  GC_enable()
#define CYCLE()      GC_gcollect()
#else
#define CYCLES_OFF() ((void)0)
#define CYCLES_ON()  ((void)0)
#define CYCLE()      ((void)0)
#endif

#if defined BENCH_WEIR || defined BENCH_BOEHM
#define COLLECTED 1
#define DROP(p)   ((void)(p))
#else
#define COLLECTED 0
#define DROP(p)   free(p)
#endif

/* Cycles so far; 0 where nobody collects. */
static inline uint64_t
heap_cycles(void)
{
#if defined BENCH_WEIR
    struct weir_gc g;

    return weir_gc_read(&g) == WEIR_OK ? g.cycles : 0;
#elif defined BENCH_BOEHM
    return GC_get_gc_no();
#else
    return 0;
#endif
}

#endif
