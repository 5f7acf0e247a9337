/* The heap's front door, for the floors above.
 *
 *     void *p = wr_malloc(100);
 *     p = wr_realloc(p, 200);
 *     wr_free(p);
 *
 * Blocks are aligned to 16 bytes, or as asked. Sizes in bytes. NULL means
 * that the system has no more memory, or that the size is beyond
 * WR_HEAP_MAX; errno is the caller's affair. Misuse (freeing what is no
 * block, or twice) stops the program with a sentence.
 * Threads: any; safe in a signal handler that did not interrupt the heap
 * itself, and between fork handlers.
 */
#ifndef WR_HEAP_HEAP_H
#define WR_HEAP_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/span.h"

#define WR_HEAP_MAX ((size_t)1 << 46)

struct wr_mcache;

void *wr_malloc(size_t size);
void *wr_calloc(size_t size); /* zeroed; the product is the caller's */
void *wr_realloc(void *p, size_t size); /* p may be NULL; p stays on NULL */
void *wr_memalign(size_t align, size_t size); /* align: a power of two */
void wr_free(void *p);                        /* NULL is fine */

/* A block, zeroed, that the collector may free; a typed one to its very end:
 * which of its words count is the caller's to say. The quick way is in fast.h.
 */
void *wr_managed_slow(size_t size, enum wr_kind kind);
/* The bytes of a block for so many. */
static inline size_t
wr_block_bytes_for(size_t size)
{
    return size <= WR_SMALL_MAX ? wr_class[wr_class_of(size)].bytes
                                : wr_align_up(size, WR_PAGE_BYTES);
}

/* Bytes that may be used of a live block. */
size_t wr_usable_size(const void *p);

/* The block that covers an address: its start, or NULL. *bytes: its size;
 * *live: it is allocated. Any address. */
void *wr_block_of(const void *p, size_t *bytes, bool *live);

/* What wr_events.sampled answered for the live sampled block that covers p;
 * false: there is none. Any address. */
bool wr_sample_tag(const void *p, uint32_t *tag);

/* Give what this thread keeps in reserve back to where others can use it,
 * then idle pages to the system: the bytes returned. */
size_t wr_heap_trim(void);

/* Take and give back every lock of the heap, around fork. after_child: the
 * other threads are gone. */
void wr_heap_fork_before(void);
void wr_heap_fork_after(bool in_child);

/* Walk the whole heap and assert its invariants (builds with WR_CHECK).
 * No other thread may use the heap meanwhile. */
void wr_heap_check(void);
/* Of a span whose owner does nothing meanwhile, and into which so many frees of
 * others may be under way: what is wrong with its books, to be said of its
 * first block. Of a slot, at any moment. NULL: nothing. */
struct wr_slot;
const char *wr_heap_span_wrong(struct wr_span *s, uint32_t under_way);
const char *wr_heap_slot_wrong(struct wr_slot *slot);

/* For the inline paths in heap/fast.h: what they can't do. */
void *wr_malloc_slow(size_t size);
void wr_free_slow(void *p);
/* The slot for such blocks, one of the calling thread's, has none ready: maybe
 * its group has, else it is slow's to do. */
void *wr_malloc_again(size_t size, struct wr_slot *slot, void *(*slow)(size_t));
/* The owner frees a block of s whose state is not LIVE: a sample, or one that
 * is not to be freed. */
void wr_free_odd(void *p, struct wr_span *s);
/* The owner has freed a block of s that brought s->left to 0. */
void wr_free_look_up(struct wr_span *s);

#endif
