/* mheap: all pages of the heap.
 *
 * Hands out runs of pages as spans, takes them back, joins free neighbours,
 * grows by committing more of the address space it reserved, and gives idle
 * pages back to the system. One lock guards it (place 2 in os/lock.h).
 * Best fit; among long runs of one length the lowest address first.
 */
#ifndef WR_HEAP_MHEAP_H
#define WR_HEAP_MHEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/span.h"
#include "os/lock.h"

extern struct wr_lock wr_mheap_lock;

/* Bytes that are the heap's and were not given back. Above the alarm
 * wr_events.memory_near is told each time that they grow. Takes the lock. */
uint64_t wr_mheap_held(void);
extern _Atomic uint64_t wr_mheap_alarm; /* UINT64_MAX: no alarm */
/* No large block is made, but where wr_events.memory_over allows it, that
 * would bring the bytes in spans with blocks above this. */
extern _Atomic uint64_t wr_mheap_ceiling; /* UINT64_MAX: none */

/* A span of that many pages whose base is a multiple of align_pages (a power
 * of two), LARGE, with room for the states of so many blocks, all FREE
 * or, when their memory is zero, FRESH. NULL: the system has no more. Takes
 * the lock. */
struct wr_span *wr_mheap_alloc(size_t pages, size_t align_pages,
                               unsigned blocks);
/* Give a span back; its record is gone. emptied: its pages are not resident
 * any more (they were moved away). Takes the lock. */
void wr_mheap_free(struct wr_span *s, bool emptied);
/* Make a large span that long where it stands: shrinking always works,
 * growing when the pages behind it are free. Takes the lock. */
bool wr_mheap_resize(struct wr_span *s, size_t pages);
/* Give up to so many bytes of idle pages back; the bytes given. Takes the
 * lock, but not while the system works. */
size_t wr_mheap_scavenge(size_t bytes);

/* The least idle and resident memory there was since the last call: what
 * nobody needed in all that time. Takes the lock. */
size_t wr_mheap_idle_low(void);
/* In a forked child, lock held: runs that lost threads were giving back. */
void wr_mheap_fork_child(void);

/* Give a small span its tags. false: no memory. Takes the lock. */
bool wr_mheap_add_tags(struct wr_span *s);

/* Memory for the heap's own records, zeroed, never returned. NULL: none.
 * Takes the lock. */
void *wr_mheap_meta(size_t bytes, _Atomic uint64_t *account);

/* The first span or free run that begins at *from or behind; *from becomes its
 * end. NULL: there is none. Lock held by the caller. */
struct wr_span *wr_mheap_next(uintptr_t *from);
/* Call visit for every span that holds blocks. Lock held by the caller. */
void wr_mheap_each_span(void (*visit)(struct wr_span *, void *), void *arg);
/* Walk everything and assert the invariants. Lock held by the caller. */
void wr_mheap_check(void);

/* For who looks at spans without the lock: from now on the record of a span
 * that had blocks stays as it was when they were gone, and belongs to no other
 * span, until this is switched off; and wr_events.span_gone is told. Lock held
 * by the caller. */
void wr_mheap_keep_records(bool on);
/* From now on wr_events.span_gone is told, whether records are kept or not.
 * Guard: the lock. */
void wr_mheap_tell_gone(bool on);

#endif
