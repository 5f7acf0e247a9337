/* Reading a region: from a file, of this or another process, dead or alive.
 *
 *     struct wr_region_view v;
 *     if (wr_region_open(&v, path, why, sizeof why) == 0) {
 *         for (uint64_t i = 0; i < wr_view_used(&v, WR_TABLE_BUCKETS); i++)
 *             use(wr_view_bucket(&v, i));
 *         wr_region_close(&v);
 *     }
 *
 * The view is a read-only mapping and goes on changing while the writer
 * runs. Every accessor checks bounds against the mapping and that texts end
 * and lengths fit, so a damaged or hostile file gives NULL or an error
 * sentence, never a crash. The limit: a file that somebody shrinks, or whose
 * entries somebody changes between the check and the use, is not guarded
 * against; only its owner (0600) could do either.
 *
 * Units: bytes, nanoseconds. Threads: a view is read by any number at once,
 * opened and closed by one; any number of views may be open. Nothing is
 * allocated and no lock taken: fine inside a program's malloc and in signal
 * handlers. Misuse: keeping a pointer into a view past wr_region_close.
 */
#ifndef WR_REGION_READ_H
#define WR_REGION_READ_H

#include <stdbool.h>
#include <stddef.h>
#include "region/layout.h"

struct wr_region_view {
    const unsigned char *base; /* the mapping */
    size_t bytes;
    const struct wr_region_header *header;
    struct wr_table table[WR_TABLE_COUNT]; /* checked copies; used: at open */
    uint64_t file_id;                      /* inode: tells files apart */
    size_t mapped;                         /* to unmap at close; 0: none */
};

/* Open: 0, or -1 with a sentence in why. */
int wr_region_open(struct wr_region_view *v, const char *path, char *why,
                   size_t why_bytes);
/* The region of this very process, or -1 when it has none. */
int wr_region_open_self(struct wr_region_view *v, char *why, size_t why_bytes);
/* A view of a region's bytes that the caller holds (8-byte aligned) until it
 * is done with the view. */
int wr_view_over(struct wr_region_view *v, const void *base, size_t bytes,
                 char *why, size_t why_bytes);
/* Fine for a view whose opening failed, and twice. */
void wr_region_close(struct wr_region_view *v);

/* Entries that exist now, never more than fit the mapping. */
uint64_t wr_view_used(const struct wr_region_view *v, enum wr_table_id t);
const struct wr_thread_slot *wr_view_thread(const struct wr_region_view *v,
                                            uint64_t i);
const struct wr_module *wr_view_module(const struct wr_region_view *v,
                                       uint64_t i);
const struct wr_bucket *wr_view_bucket(const struct wr_region_view *v,
                                       uint64_t i);
/* The stack with that number when it lies whole in the pool and has at most
 * WR_STACK_FRAMES frames; else NULL. */
const struct wr_stack *wr_view_stack(const struct wr_region_view *v,
                                     uint32_t number);
/* The module that held the address when `unloads` had happened, its index
 * through *index when that is not NULL; NULL: none. */
const struct wr_module *wr_view_module_at(const struct wr_region_view *v,
                                          uint64_t address, uint32_t unloads,
                                          uint64_t *index);

/* Is the image that wrote this still running? No for a zombie, for another
 * process with a recycled pid, and after exec. Asks /proc. */
bool wr_view_alive(const struct wr_region_view *v);

/* What a bucket holds now, raw; never more freed than allocated. */
struct wr_bucket_counts {
    uint64_t allocs, frees, alloc_bytes, free_bytes;
};
void wr_bucket_read(const struct wr_bucket *b, struct wr_bucket_counts *c);
/* How many of a bucket's freed blocks were in each class of age (struct
 * wr_bucket); died[0]: younger than a unit, or not known. */
void wr_bucket_died(const struct wr_bucket *b, uint64_t died[WR_AGES]);
/* How many blocks a sampled one of this size stands for: 1 or more. */
double wr_sample_weight(uint64_t size, uint64_t rate);

/* The stack a thread last captured on request, copied whole. */
struct wr_capture {
    uint64_t seq; /* even; rises with each capture */
    uint64_t ns;  /* CLOCK_MONOTONIC when it was taken */
    uint32_t frames;
    uint32_t unloads;
    uint64_t pc[WR_STACK_FRAMES];
};
/* False: never captured, or being written just now. */
bool wr_slot_capture(const struct wr_thread_slot *s, struct wr_capture *c);

/* Sums over the thread slots and the large counters. Slots lag behind, each
 * by its own amount; frees never exceed mallocs here, and no sum falls. */
struct wr_totals {
    uint64_t mallocs, frees, alloc_bytes, free_bytes;
    struct {
        uint64_t mallocs, frees;
    } by_class[WR_CLASS_MAX];
};
void wr_view_totals(const struct wr_region_view *v, struct wr_totals *t);

/* The directory where regions of this user appear when nothing else is said:
 * $XDG_RUNTIME_DIR/weir, else /dev/shm/weir-UID, else /tmp/weir-UID.
 * Writes the first that exists or can be made (0700, ours), 0; or -1. */
int wr_region_directory(char *path, size_t bytes, bool make);
/* The n-th of those places, whether or not it is there; -1: no such n, or
 * XDG_RUNTIME_DIR is not set (n = 0) or too long. A reader that wants every
 * program of a user looks into all WR_REGION_PLACES: a service and a login
 * shell differ in their environment. */
#define WR_REGION_PLACES 3
int wr_region_place(unsigned n, char *path, size_t bytes);

#endif
