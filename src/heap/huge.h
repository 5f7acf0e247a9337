/* Huge pages for heaps that are large and stay so.
 *
 * Where the system leaves the choice to programs, a heap above WR_HUGE_FROM
 * asks for huge pages for what it commits from then on for blocks below
 * WR_HUGE_BLOCK: small blocks fill their pages, a large one may be a table
 * of which little is ever touched.
 *
 * A stretch from which pages are given back goes without from then on: the
 * system would make its huge pages whole again, and the memory be lost.
 * Guard: mheap's lock.
 */
#ifndef WR_HEAP_HUGE_H
#define WR_HEAP_HUGE_H

#include <stddef.h>
#include <stdint.h>

#define WR_HUGE_FROM  ((size_t)256 << 20)
#define WR_HUGE_BLOCK ((size_t)1 << 20)

/* The heap has so many bytes and has committed [base, base + bytes) more,
 * for a block of so many. */
void wr_huge_committed(uintptr_t base, size_t bytes, size_t block, size_t heap);
/* Pages from here on will be given back. */
void wr_huge_released(uintptr_t at, size_t bytes);

#endif
