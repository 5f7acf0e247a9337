/* The region's writer: this process's own region.
 *
 * There is always one after wr_region_start: a file when one can be had,
 * else private memory of the same layout, which nobody outside can read but
 * which serves weir_memstats and weir_profile_write just as well.
 *
 * A forked child gets one when it first has something to tell or is asked:
 * most children exec or end before. Until then wr_region is NULL and nothing
 * is recorded; who is about to record calls wr_world_region (world/thread.h).
 *
 * Threads: tables grow under one lock (the last in os/lock.h); entries are
 * written before the count that covers them. Whoever gets an entry owns its
 * fields as layout.h says.
 */
#ifndef WR_REGION_REGION_H
#define WR_REGION_REGION_H

#include <stdbool.h>
#include <stddef.h>

#include "os/lock.h"
#include "region/layout.h"

/* The mapping; NULL before wr_region_start. Never moves, also not in a
 * forked child. */
extern struct wr_region_header *wr_region;
extern struct wr_lock wr_region_lock;

struct wr_region_options {
    const char *dir;      /* NULL: the user's; see wr_region_directory */
    bool keep;            /* the file stays when the program ends properly */
    uint64_t sample_rate; /* the heap, for the header */
    uint64_t page_bytes;
    const uint32_t *class_bytes;
    uint32_t class_count;
};

/* Make it. */
void wr_region_start(const struct wr_region_options *o);
/* argv, once it is known. */
void wr_region_set_cmdline(int argc, char **argv);
/* Before fork, while nothing moves: every lock of the heap and the profile is
 * held, or there is no other thread. */
void wr_region_fork_before(void);
/* In a forked child: wr_region is NULL from here on, until wr_region_own.
 * false: that should be at once, for nobody could ask for it later. */
bool wr_region_fork_child(void);
/* A forked child's own region, which goes on from the parent's, exists after
 * this. true: there is one. Call before there is a second thread. */
bool wr_region_own(void);
/* Where the parent's is mapped while the child has none of its own; NULL: it
 * has, or will never. */
const void *wr_region_lent(void);
/* The end of a child that never made its own: it leaves a file that says so.
 * fill: write what is known of the thread whose slot is `at` in what was lent.
 * false: nothing is left. */
typedef void (*wr_region_fill)(struct wr_thread_slot *to,
                               const struct wr_thread_slot *at);
bool wr_region_leave(wr_region_fill fill);
/* The program goes through exit(). */
void wr_region_exit(void);
/* The file's path; "" when there is none. */
const char *wr_region_path(void);
/* Does the file stay when the program ends? */
bool wr_region_is_kept(void);
void wr_region_keep(bool keep);

/* New entries. NULL (0 for a stack): the table is full. */
struct wr_thread_slot *wr_region_new_thread(void);
struct wr_module *wr_region_new_module(void);
struct wr_bucket *wr_region_new_bucket(void);
/* Its pcs are filled by the caller between this and the publishing call. */
struct wr_stack *wr_region_new_stack(uint32_t frames, uint32_t *number);

/* So many slots of the ledger can be written, and exist: the first; NULL: no
 * room. Lock held. */
struct wr_ledger_slot *wr_region_grow_ledger(uint64_t used);

/* Count a block in a bucket; there is a region. */
void wr_region_add_alloc(uint32_t bucket, uint64_t bytes);
void wr_region_add_free(uint32_t bucket, uint64_t bytes);
/* And how old it got. */
void wr_region_add_died(uint32_t bucket, uint64_t age_ns);
/* And that it was the collector that freed it. */
void wr_region_add_lost(uint32_t bucket);

/* Make sure that these bytes, of a table behind the stacks, can be written.
 * Any thread. false: there is no room. */
bool wr_region_touch(void *p, size_t bytes);

/* The entries made by wr_region_new_* since are whole: count them. */
void wr_region_publish(enum wr_table_id t, uint64_t used);
uint64_t wr_region_used(enum wr_table_id t);
void *wr_region_entry(enum wr_table_id t, uint64_t i);

#endif
