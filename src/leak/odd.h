/* Odd pointers: addresses that no word of memory is as it stands, and yet a
 * program may keep nothing else of a block.
 *
 *     wr_odd_scan(&heap, from, end, leaked, keep, arg);
 *
 * Found are those that do not begin where words do, as in packed structures,
 * and those with other bits above the address, as interpreters have that keep
 * a type there. Pointers to the end of a block, and bits in its lowest, the
 * marker finds itself.
 * A search looks for them only when it would call blocks leaked, in all memory
 * once more: bytes that are none make it keep some, never call too many leaked.
 */
#ifndef WR_LEAK_ODD_H
#define WR_LEAK_ODD_H

#include <stdint.h>

struct wr_marks;
struct wr_span;

/* The bits of an address of the heap. */
#define WR_ODD_BITS ((UINT64_C(1) << 48) - 1)

/* Call it for each block of the set to which an odd pointer in [from, end)
 * points; more than once, if there are more. */
void wr_odd_scan(uintptr_t from, uintptr_t end, const struct wr_marks *set,
                 void (*call)(struct wr_span *s, unsigned block, void *arg),
                 void *arg);

#endif
