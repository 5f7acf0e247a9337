/* What the reports of an inquiry share: blocks, roots and paths as text and as
 * JSON.
 *
 *     struct wr_path p;
 *     if (wr_path_make(&p, q->holders, &tree, node) == 0) {
 *         wr_path_print(q, &p, stdout);
 *         wr_path_fini(&p);
 *     }
 *
 * Threads: one.
 */
#ifndef WR_ANALYSE_WHY_H
#define WR_ANALYSE_WHY_H

#include "analyse/inquiry.h"
#include "analyse/net.h"

struct wr_snapshot_block;
struct wr_spot;

/* From a root to a node. */
struct wr_path {
    uint32_t *node; /* [0] is the root */
    uint32_t count;
};

/* -1: no memory. The node is in the tree. */
int wr_path_make(struct wr_path *p, const struct wr_tree *t, uint32_t node);
void wr_path_fini(struct wr_path *p);
void wr_path_print(const struct wr_inquiry *q, const struct wr_path *p,
                   FILE *out);
void wr_path_json(const struct wr_inquiry *q, const struct wr_path *p,
                  FILE *out);

/* "48 B  dictAddRaw (dict.c:300)" */
void wr_block_text(const struct wr_inquiry *q,
                   const struct wr_snapshot_block *b, char *text, size_t n);
/* {"address":"0x...","bytes":48,...}, without the brace at the end. */
void wr_block_json(const struct wr_inquiry *q,
                   const struct wr_snapshot_block *b, FILE *out);
void wr_spot_json(const struct wr_spot *spot, FILE *out);
/* {"v":1,"program":...,"pid":..., */
void wr_inquiry_json(const struct wr_inquiry *q, FILE *out);

#endif
