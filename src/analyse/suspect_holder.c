/* A path in one line. */
#include "analyse/suspect_holder.h"

#include <stdio.h>
#include "analyse/holders.h"
#include "analyse/inquiry.h"
#include "analyse/snapshot.h"
#include "analyse/why.h"

enum { FIRST = 2 }; /* holders told before "..." */

static size_t
add(char *text, size_t n, size_t at, const char *what)
{
    int wrote = snprintf(text + at, n - at, "%s%s", at ? " -> " : "", what);
    return wrote < 0 || (size_t)wrote >= n - at ? n - 1 : at + (size_t)wrote;
}

static void
write_path(const struct wr_inquiry *q, const struct wr_path *p, char *text,
           size_t n)
{
    char part[400];
    size_t at;
    uint32_t end = p->count - 1; /* the block itself */
    wr_spot_text(&wr_holders_root(q->holders, p->node[0])->spot, part,
                 sizeof part);
    at = add(text, n, 0, part);
    for (uint32_t i = 1; i < end; i++) {
        if (i == FIRST + 1 && end > FIRST + 2) {
            snprintf(part, sizeof part, "... %u more", end - 1 - i);
            i = end - 2;
        } else {
            struct wr_snapshot_block b =
                wr_snapshot_block(q->snapshot, p->node[i]);
            wr_block_text(q, &b, part, sizeof part);
        }
        at = add(text, n, at, part);
    }
}

void
wr_suspect_holder(const struct wr_inquiry *q, uint64_t address, char *text,
                  size_t n)
{
    const struct wr_tree *t = &q->holders->paths;
    uint32_t node = wr_snapshot_node(q->snapshot, address);
    struct wr_path p;
    *text = '\0';
    if (node == WR_SNAPSHOT_NONE || !wr_snapshot_block(q->snapshot, node).live)
        return;
    if (t->parent[node] == WR_NET_NONE) {
        snprintf(text, n, "nothing: the program cannot reach it");
        return;
    }
    if (wr_path_make(&p, t, node) != 0)
        return;
    write_path(q, &p, text, n);
    wr_path_fini(&p);
}
