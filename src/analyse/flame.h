/* The call tree of a profile, small enough to draw: flame graphs.
 *
 *     struct wr_flame_options o = {.type = wr_profile_default_type(p),
 *                                  .title = "redis-server"};
 *     wr_flame_json(p, NULL, &o, stdout, why, sizeof why);
 *
 * The tree is made from its root by splitting what is biggest first, until it
 * has node_limit nodes; what is smaller than a share of the total, or comes
 * when there is no more room, is gathered in one child, "others". So the sums
 * are exact whatever is left out: a node's value is that of its children and
 * its own (self). With a base (or negative values, see split.h) each node has
 * the value of both.
 *
 * The JSON, for the viewer:
 *     {"v":1,"title":...,"type":"inuse_space","unit":"bytes","total":N,
 *      "base_total":N,                     with a base only
 *      "strings":["",...],
 *      "functions":[[name,file,module,line],...],  the first three: strings
 *      "nodes":[[function,depth,value,self,base],...]}   base: with a base
 * Nodes are in preorder, the children of one by value falling. Node 0 is the
 * root: function -1, depth 0. Function -2 is others.
 *
 * Threads: any, each its own tree. Ownership: names are the profiles', which
 * must outlive the tree.
 */
#ifndef WR_ANALYSE_FLAME_H
#define WR_ANALYSE_FLAME_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "analyse/names.h"

#define WR_FLAME_NODES  20000u /* node_limit when none is given */
#define WR_FLAME_SHARE  5000u  /* the smallest node: total / this */
#define WR_FLAME_ROOT   (-1)
#define WR_FLAME_OTHERS (-2)

struct wr_flame_options {
    uint32_t type;       /* sample type of the profile */
    const char *title;   /* any text; NULL: none */
    uint32_t node_limit; /* 0: WR_FLAME_NODES */
    uint32_t share;      /* 0: WR_FLAME_SHARE */
    bool by_line;        /* a node is a line, not a function */
};

struct wr_flame_node {
    int32_t function; /* of functions, or WR_FLAME_ROOT, WR_FLAME_OTHERS */
    uint32_t depth;
    int64_t value, self, base;
};

struct wr_flame {
    struct wr_flame_node *nodes; /* as in the JSON */
    uint32_t count;
    struct wr_names names;
    const char *title, *type, *unit;
    bool has_base;
};

/* 0, or -1 and a sentence. base may be NULL. */
int wr_flame_make(struct wr_flame *f, const struct wr_profile *p,
                  const struct wr_profile *base,
                  const struct wr_flame_options *o, char *why, size_t n);
void wr_flame_fini(struct wr_flame *f);

/* The tree as JSON: 0, or -1 and a sentence. */
int wr_flame_json(const struct wr_profile *p, const struct wr_profile *base,
                  const struct wr_flame_options *o, FILE *out, char *why,
                  size_t n);
/* One line of text: whether `out` took it is the stream's to tell. 0, or -1:
 * no memory. */
int wr_flame_print_json(const struct wr_flame *f, FILE *out);

#endif
