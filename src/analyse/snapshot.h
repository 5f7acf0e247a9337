/* A snapshot, read: which blocks there are, and what points at them.
 *
 *     struct wr_snapshot s;
 *     if (wr_snapshot_read(&s, in, why, sizeof why) == 0) {
 *         uint32_t node = wr_snapshot_node(&s, address);
 *         wr_snapshot_block(&s, node).bytes
 *         wr_snapshot_fini(&s);
 *     }
 *
 * Blocks go by their numbers: node n is the n-th of all places for a block,
 * free ones too, in the order of their addresses. Numbers from s.nodes on are
 * free for others, like roots.
 *
 * The file may be damaged: reading checks all of it.
 * Threads: any may read it. Ownership: all of it is the struct's.
 */
#ifndef WR_ANALYSE_SNAPSHOT_H
#define WR_ANALYSE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "region/snapshot.h"

#define WR_SNAPSHOT_NONE UINT32_MAX

struct wr_net;

/* A word outside the heap that points at a block. */
struct wr_root_word {
    uint64_t address; /* of registers: bytes from the first; of what the
                         kernel keeps 0 */
    uint32_t node, tid;
    enum wr_snapshot_root kind;
};

struct wr_snapshot {
    const unsigned char *bytes; /* the file */
    size_t length;
    const struct wr_snapshot_header *header;
    const struct wr_snapshot_span *spans;
    const uint64_t *live;
    const struct wr_snapshot_sample *samples; /* by address */
    uint64_t sample_count;
    const struct wr_snapshot_range *own;
    uint64_t own_count;
    const struct wr_snapshot_part *parts;
    uint64_t part_count;
    const struct wr_snapshot_thread **threads; /* frames behind each */
    struct wr_root_word *roots;
    uint32_t span_count, nodes, root_count, thread_count;
    uint32_t *first; /* by span: its first node; [span_count]: nodes */
};

/* 0, or -1 with a sentence: the file is damaged. It may be closed after. */
int wr_snapshot_read(struct wr_snapshot *s, FILE *in, char *why, size_t n);
void wr_snapshot_fini(struct wr_snapshot *s);

struct wr_snapshot_block {
    uint64_t address, bytes;
    bool live;
    bool large;                              /* not of a size class */
    const struct wr_snapshot_sample *sample; /* NULL: it was not sampled */
};

/* The place for a block that covers the address; NONE: there is none. */
uint32_t wr_snapshot_node(const struct wr_snapshot *s, uint64_t address);
struct wr_snapshot_block wr_snapshot_block(const struct wr_snapshot *s,
                                           uint32_t node);
/* The same without its sample. */
uint64_t wr_snapshot_bytes(const struct wr_snapshot *s, uint32_t node,
                           bool *live);
const struct wr_snapshot_frame *
wr_snapshot_frames(const struct wr_snapshot_thread *t);

/* All pointers of blocks: a net with room for so many nodes and pointers
 * more, in which the next node is s->nodes. 0, or -1 with a sentence. */
int wr_snapshot_net(const struct wr_snapshot *s, struct wr_net *net,
                    uint32_t more_nodes, uint32_t more_pointers, char *why,
                    size_t n);

/* Where in the block `holder` the first pointer to that node is, in bytes from
 * its start; -1: there is none. */
int64_t wr_snapshot_offset(const struct wr_snapshot *s, uint32_t holder,
                           uint32_t node);

#endif
