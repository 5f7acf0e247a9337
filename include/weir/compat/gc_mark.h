/* Boehm's gc_mark.h on Weir: see weir/compat/gc.h. Language runtimes use it to
 * say how their blocks are marked. Weir does not call such functions: it looks
 * into every block of a kind that has one as if nothing were known of it, which
 * keeps what the function would mark, and perhaps more: a table that shall not
 * keep its keys does, unless it has links to them in memory without pointers.
 *
 *     int kind = GC_new_kind(GC_new_free_list(),
 *                            GC_MAKE_PROC(GC_new_proc(mark), 0), 0, 1);
 *     void *p = GC_generic_malloc(bytes, kind);
 *
 * Threads: any. Units: bytes.
 */
#ifndef WEIR_COMPAT_GC_MARK_H
#define WEIR_COMPAT_GC_MARK_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GC_LOG_MAX_MARK_PROCS 6
#define GC_MAX_MARK_PROCS     (1 << GC_LOG_MAX_MARK_PROCS)
#define GC_DS_TAG_BITS        2
#define GC_DS_TAGS            ((1 << GC_DS_TAG_BITS) - 1)
#define GC_DS_LENGTH          0
#define GC_DS_BITMAP          1
#define GC_DS_PROC            2
#define GC_DS_PER_OBJECT      3
#define GC_INDIR_PER_OBJ_BIAS 0x10
#define GC_MAKE_PROC(proc, env)                                                \
    ((((((GC_word)(env)) << GC_LOG_MAX_MARK_PROCS) | (unsigned)(proc))         \
      << GC_DS_TAG_BITS) |                                                     \
     (GC_word)GC_DS_PROC)

struct GC_ms_entry;
typedef struct GC_ms_entry *(*GC_mark_proc)(GC_word *object,
                                            struct GC_ms_entry *top,
                                            struct GC_ms_entry *limit,
                                            GC_word env);

void **GC_new_free_list(void);
unsigned GC_new_kind(void **free_list, GC_word descr, int adjust, int clear);
unsigned GC_new_proc(GC_mark_proc proc);
void *GC_generic_malloc(size_t bytes, int kind);
void GC_generic_malloc_many(size_t bytes, int kind, void **result);

struct GC_ms_entry *GC_mark_and_push(void *object, struct GC_ms_entry *top,
                                     struct GC_ms_entry *limit, void **from);
void GC_push_all(void *from, void *end);
void GC_push_all_eager(void *from, void *end);
void GC_push_conditional(void *from, void *end, int all);
void GC_set_mark_bit(const void *p);

/* Kept, not called: what such a function would push is found without it. Of
 * blocks without pointers only those of 1 KiB and more, which were made after
 * it was set. */
typedef void (*GC_push_other_roots_proc)(void);
void GC_set_push_other_roots(GC_push_other_roots_proc fn);
GC_push_other_roots_proc GC_get_push_other_roots(void);
extern GC_push_other_roots_proc GC_push_other_roots;
extern void *GC_least_plausible_heap_addr, *GC_greatest_plausible_heap_addr;

/* Called by a thread that allocates, after a cycle has ended. */
typedef void (*GC_start_callback_proc)(void);
void GC_set_start_callback(GC_start_callback_proc fn);
GC_start_callback_proc GC_get_start_callback(void);

#ifdef __cplusplus
}
#endif
#endif
