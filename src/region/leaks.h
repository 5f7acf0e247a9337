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
#define WR_LEAKS_VERSION 2u
#define WR_LEAKS_SUFFIX  ".leaks"
/* The same, of a program that was told to search when it ends (WEIR=leaks). */
#define WR_LEAKS_LAST_SUFFIX ".lost"
#define WR_LEAKS_MOST        65536u /* records of a file */

struct wr_leaks_count {
    uint64_t blocks, bytes;
};

struct wr_leaks_header {
    struct wr_reply about;
    uint64_t root_bytes, scanned_bytes;
    struct wr_leaks_count live;     /* allocated */
    struct wr_leaks_count direct;   /* leaked, and nothing leads there */
    struct wr_leaks_count indirect; /* leaked, and hang off a leaked one */
    struct wr_leaks_count ends;     /* kept only by odd pointers: leak/odd.h */
    struct wr_leaks_count by_class[WR_CLASS_MAX]; /* leaked; 0: large */
    uint64_t records;
    uint64_t dropped; /* that found no room */
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
