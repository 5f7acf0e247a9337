/* Buckets: sampled allocations counted by (stack, size, sample rate).
 *
 *     uint32_t b = wr_bucket_find(pc, n, bytes, rate);
 *     wr_bucket_add_alloc(b, bytes);
 *     ...
 *     wr_bucket_add_free(b, bytes);
 *
 * Buckets and stacks live in the region and are never removed; when a table
 * is full, what is new goes to bucket 0, "other". A find of what is known
 * takes no lock. Threads: any. Allocates nothing on the heap.
 */
#ifndef WR_PROFILE_BUCKET_H
#define WR_PROFILE_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/lock.h"

extern struct wr_lock wr_bucket_lock;

/* Make the tables; the region is there. false: no memory, nothing counts. */
bool wr_bucket_start(void);

uint32_t wr_bucket_find(const uintptr_t *pc, size_t n, uint64_t bytes,
                        uint64_t rate);
void wr_bucket_add_alloc(uint32_t bucket, uint64_t bytes);
void wr_bucket_add_free(uint32_t bucket, uint64_t bytes);

/* The number of a stack in the region, 0 when there is no room. */
uint32_t wr_stack_find(const uintptr_t *pc, size_t n);
/* The stack of a bucket: its frames, at most max. */
size_t wr_bucket_stack(uint32_t bucket, uintptr_t *pc, size_t max);

#endif
