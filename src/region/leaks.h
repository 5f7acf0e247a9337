/* What a search for leaks found: the answer to WR_ASK_LEAKS (region/ask.h), a
 * file beside the region, "<region>.leaks".
 *
 *     struct wr_leaks_header, then header.records times struct wr_leak
 *
 * Blocks are counted exactly; a record there is of every block that leaks by
 * itself and of every sampled one that hangs off it, the first `records` of
 * them. Units: bytes.
 */
#ifndef WR_REGION_LEAKS_H
#define WR_REGION_LEAKS_H

#include <stdint.h>
#include "region/ask.h"
#include "region/layout.h"

#define WR_LEAKS_MAGIC   UINT64_C(0x314b41454c524957) /* "WIRLEAK1" */
#define WR_LEAKS_VERSION 3u
#define WR_LEAKS_SUFFIX  ".leaks"
/* The same, of a program that was told to search when it ends (WEIR=leaks). */
#define WR_LEAKS_LAST_SUFFIX ".lost"
#define WR_LEAKS_MOST        65536u /* records of a file */

/* Flags of the request: leave out what was lost already at the mark; set the
 * mark to what is lost now. Both may be given. */
#define WR_LEAKS_SINCE_MARK 1u
#define WR_LEAKS_SET_MARK   2u

struct wr_leaks_count {
    uint64_t blocks, bytes;
};

struct wr_leaks_header {
    struct wr_reply about;
    uint64_t root_bytes, scanned_bytes;
    struct wr_leaks_count live;     /* allocated */
    struct wr_leaks_count direct;   /* leaked, and nothing leads there */
    struct wr_leaks_count indirect; /* leaked, and hang off a leaked one */
    struct wr_leaks_count ends;     /* kept only by odd pointers: mark/odd.h */
    struct wr_leaks_count by_class[WR_CLASS_MAX]; /* leaked; 0: large */
    /* Of a search since the mark: leaked before, and in no other number but
     * live; and when the mark was set, CLOCK_REALTIME. 0: there is none, and
     * nothing is left out. */
    struct wr_leaks_count before;
    uint64_t since_ns;
    uint64_t marked; /* 1: the mark is set */
    uint64_t records;
    uint64_t dropped; /* that found no room */
};

/* The mark, "<region>.mark": this, and the addresses of so many blocks that
 * are leaked. The program writes and reads it; it goes with the region. */
#define WR_LEAKS_MARK_SUFFIX ".mark"
#define WR_LEAKS_MARK_MAGIC  UINT64_C(0x314b52414d524957) /* "WIRMARK1" */

struct wr_leaks_mark {
    uint64_t magic;
    uint32_t pid, reserved;
    uint64_t set_ns; /* CLOCK_REALTIME */
    uint64_t blocks;
};

#define WR_LEAK_NO_BUCKET UINT32_MAX

struct wr_leak {
    uint64_t address;
    uint64_t bytes;  /* of the block */
    uint32_t bucket; /* its place in the region, if it was sampled */
    uint32_t direct; /* 1; 0: it hangs off another leak */
    struct wr_leaks_count hangs; /* off it, as far as no other has them */
    uint64_t words[4];           /* its first */
    uint64_t born_ns; /* on the region's clock, uptime; 0: not known */
    uint32_t tid;     /* the thread that allocated it; 0: not known */
    uint32_t reserved;
};

#endif
