/* What points at what in a program: a file beside the region,
 * "<region>.snapshot"; or one to be kept, which nothing else is needed to read.
 *
 *     struct wr_snapshot_header, then the sections that it places:
 *       words     of each live block, in the order of the spans and in them of
 *                 the blocks, the words that point at another live block
 *       roots     parts of memory outside the heap, and their words that do
 *       threads   a struct wr_snapshot_thread, then its frames; and so on
 *       samples   struct wr_snapshot_sample
 *       spans     struct wr_snapshot_span
 *       own       struct wr_snapshot_range: Weir's own memory, the heap's too
 *       live      a bit for each block of all spans, in their order, in words
 *                 of 64: it is allocated
 *       parts     struct wr_snapshot_part
 *       region    of a file to be kept what was used of the region, but its
 *                 history: a struct wr_snapshot_range of its places there, and
 *                 the bytes; and so on
 *       maps      likewise: the kernel's list of the process's mappings, as
 * text
 *
 * words and roots are numbers of seven bits a byte, the lowest first, the
 * eighth bit set in all bytes but a number's last. A pointer is two of them:
 * by how many words it lies behind the one before it (the first: behind the
 * word before the block or the part), never 0; and its target's start less the
 * start of its block (in roots: less 0) by 16, zigzag: 2n, or -2n - 1 below 0.
 * A block's pointers end with a 0. In roots each part begins with its kind
 * (enum wr_snapshot_root), its thread and its address; after the last part
 * comes a 0.
 *
 * Every aligned word that has an address inside a live block is a pointer: in
 * C nobody knows better. A block's pointers into itself are left out.
 * What is in the blocks is not in the file. Units: bytes.
 */
#ifndef WR_REGION_SNAPSHOT_H
#define WR_REGION_SNAPSHOT_H

#include <stdint.h>
#include "region/ask.h"

#define WR_SNAPSHOT_MAGIC       UINT64_C(0x3150414e53524957) /* "WIRSNAP1" */
#define WR_SNAPSHOT_VERSION     3u
#define WR_SNAPSHOT_SUFFIX      ".snapshot"
#define WR_SNAPSHOT_FILE_SUFFIX ".heap"

/* A flag of the request: the sections words and roots are left empty. That
 * takes no longer than to look at each block's state. */
#define WR_SNAPSHOT_BRIEF 1u
/* The file is to be kept: with the sections region and maps. */
#define WR_SNAPSHOT_WHOLE 2u

enum wr_snapshot_root {
    WR_SNAPSHOT_MEMORY = 1,    /* anything it can write, stacks too */
    WR_SNAPSHOT_REGISTERS = 2, /* of a thread that stood still; address 0 */
    WR_SNAPSHOT_KEPT = 3       /* by the kernel; address 0 */
};

enum wr_snapshot_section_id {
    WR_SNAPSHOT_WORDS,
    WR_SNAPSHOT_ROOTS,
    WR_SNAPSHOT_THREADS,
    WR_SNAPSHOT_SAMPLES,
    WR_SNAPSHOT_SPANS,
    WR_SNAPSHOT_OWN,
    WR_SNAPSHOT_LIVE,
    WR_SNAPSHOT_PARTS,
    WR_SNAPSHOT_REGION,
    WR_SNAPSHOT_MAPS,
    WR_SNAPSHOT_SECTIONS
};

struct wr_snapshot_section {
    uint64_t offset, bytes; /* in the file; the offset is a multiple of 8 */
};

struct wr_snapshot_header {
    struct wr_reply reply;  /* record_bytes: of a span */
    uint64_t blocks, bytes; /* allocated */
    uint64_t pointers;      /* in blocks */
    uint64_t root_pointers;
    struct wr_snapshot_section section[WR_SNAPSHOT_SECTIONS];
};

struct wr_snapshot_span {
    uint64_t base;
    uint64_t block_bytes; /* the size class; a large block's pages */
    uint32_t blocks;      /* there is room for */
    uint32_t large;       /* 1: it is one large block */
    uint64_t words;       /* where in that section its pointers begin */
};

struct wr_snapshot_sample {
    uint64_t address;
    uint64_t born_ns; /* on the region's clock of uptime; 0: not known */
    uint32_t bucket, tid;
};

struct wr_snapshot_range {
    uint64_t from, end;
};

/* Addresses; 0: not known. */
struct wr_snapshot_thread {
    uint32_t tid, frames;
    uint64_t sp;                 /* below it nothing is in use */
    uint64_t stack_lo, stack_hi; /* not of the main thread */
    uint64_t storage;            /* its control block; thread-local variables
                                    lie below it */
};

struct wr_snapshot_frame {
    uint64_t pc; /* a return address, as in stacks */
    uint64_t sp; /* its lowest byte; the next frame's is its end */
};

#define WR_SNAPSHOT_FRAMES 128 /* of a thread, at most */

/* A pointer that is a small part of a large array (weir/slice.h): behind it
 * stand how many items it has, and less how many the array has. Large is a
 * block of so many bytes, small at most a 16th of the items. */
struct wr_snapshot_part {
    uint64_t target; /* the array's block */
    uint64_t first;  /* where in it the part begins */
    uint64_t items, of;
};

#define WR_SNAPSHOT_PART_LEAST (64u << 10) /* bytes of the array */
#define WR_SNAPSHOT_PART_SMALL 16          /* times as many items in all */
#define WR_SNAPSHOT_PARTS_MOST (64u << 10) /* more are not written down */

#endif
