/* Doubts: may the collector free a block of malloc's that it cannot reach?
 *
 *     wr_doubt_start();                malloc's blocks are collected, too
 *     n = wr_doubt_sift(s, list, n);   which of these are to be freed?
 *
 * A word of C may be an address in a form that nobody can guess. So a block
 * that a cycle does not reach is not dead but a suspect (heap/suspect.h), and
 * lives, whole, until the next cycle does not reach it either. If meanwhile the
 * program frees or resizes it, it had an address where nobody looked. Then so
 * may other blocks of that size be held: no more of its class are freed from
 * then on, and what they lead to is kept. The same when a block is freed that
 * is free: it may be the collector that freed it the first time.
 *
 * Threads: any.
 */
#ifndef WR_GC_DOUBT_H
#define WR_GC_DOUBT_H

#include <stdbool.h>
#include <stdint.h>

struct wr_marks;
struct wr_span;

/* Once, at start, before the program's threads. */
void wr_doubt_start(void);
/* Blocks of that class are not freed. */
bool wr_doubt_has(unsigned class_id);
bool wr_doubt_any(void);

/* Of the n blocks of malloc's in s that the cycle has not reached: those that
 * are to be freed are moved to the front, suspects no more; how many. The
 * others become suspects. */
uint32_t wr_doubt_sift(struct wr_span *s, uint16_t *block, uint32_t n);
/* Suspects in s that are not in that set have been reached. */
void wr_doubt_trust(struct wr_span *s, const struct wr_marks *unreached);

#endif
