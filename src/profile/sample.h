/* The sampler: which allocations are recorded, and what becomes of them.
 *
 * Each thread counts allocated bytes down to a point drawn from the
 * exponential distribution with mean `rate`: a block of S bytes is sampled
 * with probability 1 - exp(-S / rate), whatever came before. A sampled
 * block's stack is captured, counted in its bucket, and the block remembered
 * until it is freed.
 * Threads: any. Allocates nothing on the heap.
 */
#ifndef WR_PROFILE_SAMPLE_H
#define WR_PROFILE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "region/ledger_write.h"

struct wr_span;

#define WR_SAMPLE_RATE ((uint64_t)512 << 10)

/* Listen to the heap's events. The region is there. */
void wr_sample_start(uint64_t rate);
uint64_t wr_sample_rate(void);
void wr_sample_set_rate(uint64_t rate);

/* A number from the exponential distribution, rounded down. state: the
 * chance of one thread; not 0. */
int64_t wr_sample_draw(uint64_t *state, uint64_t mean);

/* Where a sampled live block comes from: its bucket, and when and by which
 * thread it was allocated (0: not known). false: the block is no sample. The
 * caller sees to it that nobody frees the block meanwhile. */
bool wr_sample_birth(const struct wr_span *s, unsigned block,
                     struct wr_birth *out);

/* A sampled live block is not to be called leaked. false: it is no sample, or
 * the ledger was full when it was. */
bool wr_sample_excuse(const struct wr_span *s, unsigned block);
bool wr_sample_is_excused(const struct wr_span *s, unsigned block);
/* From the first to the second every block that the calling thread allocates
 * is a sample, and excused. They nest. */
void wr_sample_excuse_all(void);
void wr_sample_excuse_no_more(void);

/* The calling thread's stack without Weir's own frames. */
size_t wr_sample_stack(uintptr_t *pc, size_t max);

/* The calling thread samples nothing from the first to the second. */
void wr_sample_pause(void);
void wr_sample_resume(bool in_child);
/* The same, with the profile's locks held in between. */
void wr_sample_fork_before(void);
void wr_sample_fork_after(bool in_child);

#endif
