/* What a search for leaks found: a file beside the region, "<region>.leaks".
 *
 *     struct wr_leaks_header, then header.records times struct wr_leak
 *
 * The program's copy writes it (leak/search.h), under another name first, so
 * that a file of this name is whole. Who asked for it takes it away. Blocks
 * are counted exactly; a record there is of every block that leaks by itself
 * and of every sampled one that hangs off it, the first `records` of them.
 * Units: bytes, nanoseconds. Byte order and word size are the machine's.
 */
#ifndef WR_REGION_LEAKS_H
#define WR_REGION_LEAKS_H

#include <stdint.h>
#include "region/layout.h"

#define WR_LEAKS_MAGIC   UINT64_C(0x314b41454c524957) /* "WIRLEAK1" */
#define WR_LEAKS_VERSION 1u
#define WR_LEAKS_SUFFIX  ".leaks"
#define WR_LEAKS_MOST    65536u /* records of a file */

/* Who may read the region may ask: queue capture_signal with the value
 * capture_cookie + WR_ASK_LEAKS to any thread of the program. */
#define WR_ASK_LEAKS 1u

enum wr_leaks_trust {
    WR_LEAKS_PROVED = 1, /* every thread stood still, every root was read */
    WR_LEAKS_SILENT = 2, /* some threads did not answer: what only their
                            registers hold would be listed too */
    WR_LEAKS_BLIND = 3   /* no memory to search with, or the system does not
                            show the mappings: nothing is listed */
};

struct wr_leaks_count {
    uint64_t blocks, bytes;
};

struct wr_leaks_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes, record_bytes;
    uint32_t pid;
    uint32_t trust; /* enum wr_leaks_trust */
    uint32_t threads, silent;
    uint32_t reserved;
    uint64_t taken_ns;  /* CLOCK_REALTIME when the program stood still */
    uint64_t stop_ns;   /* for how long */
    uint64_t search_ns; /* how long the search took, in the copy */
    uint64_t root_bytes, scanned_bytes;
    struct wr_leaks_count live;     /* allocated */
    struct wr_leaks_count direct;   /* leaked, and nothing leads there */
    struct wr_leaks_count indirect; /* leaked, and hang off a leaked one */
    struct wr_leaks_count ends;     /* kept only by a pointer to their end */
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
};

#endif
