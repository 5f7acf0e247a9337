/* The guide: where in a program's memory the heap's tables are, for who finds
 * that memory in a core.
 *
 * A variable of the library, which lies in its writable data and so is in every
 * core. It begins with a text by which it is found; the rest are addresses in
 * the program, and offsets and lengths in bytes. So a reader needs neither the
 * library's symbols nor its debug information.
 *
 * An entry of a window's table, for one page, is 0 or leads to the record of
 * the span that covers the page: to `entries + entry - span_bytes`, as a signed
 * number.
 */
#ifndef WR_REGION_GUIDE_H
#define WR_REGION_GUIDE_H

#include <stdint.h>

#define WR_GUIDE_TEXT    "Weir's guide\n\0\1" /* 16 bytes with the last 0 */
#define WR_GUIDE_VERSION 1u

struct wr_guide {
    char text[16];
    uint32_t version, bytes;
    uint64_t windows;     /* the table of windows, one each window_span bytes */
    uint64_t first, last; /* where the numbers of the first and last are, 8 */
    uint64_t entries;     /* what entries count from */
    uint64_t own;    /* Weir's own memory: pairs of addresses, end 0: none */
    uint64_t region; /* the path of the region's file, a text */
    uint32_t own_count;
    uint32_t page_shift, window_shift;
    /* A window: its table's address (8), first page and end that count (4). */
    uint32_t window_bytes, window_table, window_from, window_end;
    /* A span: its fields, and behind them the states of its blocks (1). */
    uint32_t span_bytes, span_base /* 8 */, span_blocks /* 8 */,
        span_block_bytes /* 4 */, span_state /* 1 */, span_pages /* 4 */,
        span_states;
    uint32_t small, large; /* states of spans that hold blocks */
    uint32_t live;         /* states of allocated blocks are not below that */
};

#endif
