/* The look-up that all address tables share: entries sorted by where they
 * begin, and an address that lies in the last of those before it, if in any.
 *
 *     size_t n = wr_search_before(symbols, count, symbol_start, address);
 *     if (n > 0 && address < end_of(&symbols[n - 1]))
 *         ...
 *
 * Threads: any.
 */
#ifndef WR_ANALYSE_SEARCH_H
#define WR_ANALYSE_SEARCH_H

#include <stddef.h>
#include <stdint.h>

/* Where entry i of the table begins. */
typedef uint64_t wr_search_start(const void *table, size_t i);

/* How many of `count` entries begin at or before the address. */
static inline size_t
wr_search_before(const void *table, size_t count, wr_search_start *start,
                 uint64_t address)
{
    size_t lo = 0, hi = count;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (start(table, middle) <= address)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

#endif
