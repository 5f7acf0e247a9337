/* Buckets: sampled allocations counted by (stack, size, sample rate).
 *
 *     uint32_t stack = wr_stack_find(pc, n);
 *     uint32_t b = wr_bucket_find(stack, bytes, rate);
 *     wr_bucket_add_alloc(b, bytes);
 *     ...
 *     wr_bucket_add_free(b, bytes, age_ns);
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

/* The number of a stack in the region, 0 when there is no room. */
uint32_t wr_stack_find(const uintptr_t *pc, size_t n);
/* The same in a signal handler: 0 also while another is at the table. */
uint32_t wr_stack_try_find(const uintptr_t *pc, size_t n);
/* The same for who knows its wr_stack_hash already. */
uint32_t wr_stack_find_hashed(const uintptr_t *pc, size_t n, uint64_t hash);
/* This was a stack's number. Is it still? */
bool wr_stack_stands(uint32_t number, const uintptr_t *pc, size_t n);

/* 0 for stack 0 and when there is no room. */
uint32_t wr_bucket_find(uint32_t stack, uint64_t bytes, uint64_t rate);
/* The bytes that one of its samples, of this size and rate, stands for. */
uint64_t wr_bucket_stands_for(uint32_t bucket, uint64_t bytes, uint64_t rate);
void wr_bucket_add_alloc(uint32_t bucket, uint64_t bytes);
/* age_ns: how old the block got; 0: not known, or young. */
void wr_bucket_add_free(uint32_t bucket, uint64_t bytes, uint64_t age_ns);
/* It will be freed, by the collector: the program has lost it. */
void wr_bucket_add_lost(uint32_t bucket);

/* The stack of a bucket: its frames, at most max. */
size_t wr_bucket_stack(uint32_t bucket, uintptr_t *pc, size_t max);

/* From the outermost frame (hash 0) inwards, so that stacks which end in the
 * same frames share the work. */
static inline uint64_t
wr_stack_hash_add(uint64_t hash, uintptr_t pc)
{
    hash = (hash ^ pc) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static inline uint64_t
wr_stack_hash(const uintptr_t *pc, size_t n)
{
    uint64_t hash = 0;

    while (n > 0)
        hash = wr_stack_hash_add(hash, pc[--n]);
    return hash;
}

#endif
