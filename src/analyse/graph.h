/* Graphs: who holds what and who called whom, as `go tool pprof` counts.
 *
 *     struct wr_graph g;
 *     struct wr_graph_options o = {.type = type, .node_fraction = 0.005};
 *     if (wr_graph_make(&g, p, &o) == 0) {
 *         for (uint32_t i = 0; i < g.count; i++)
 *             print(g.nodes[i].label, g.nodes[i].flat, g.nodes[i].cum);
 *         wr_graph_fini(&g);
 *     }
 *
 * A node is a function, a line, a file or an address, as the granularity
 * says. flat is what it holds itself (it is the innermost frame), cum what it
 * and everything it called hold; what occurs twice in one stack counts once.
 * An edge's weight is what went through that call. Frames without a name are
 * called by the file they lie in, "[libc.so.6]".
 *
 * Small nodes can be left out, by a fraction of the total or by their
 * number. Edges then go from one node that is left to the next.
 *
 * Threads: one at a time per profile (names of nodes become strings of it).
 * Ownership: labels are the profile's, which must outlive the graph.
 */
#ifndef WR_ANALYSE_GRAPH_H
#define WR_ANALYSE_GRAPH_H

#include "analyse/profile.h"

enum wr_granularity {
    WR_BY_FUNCTIONS,
    WR_BY_FILEFUNCTIONS,
    WR_BY_FILES,
    WR_BY_LINES,
    WR_BY_ADDRESSES
};

/* What makes a node: fields that the granularity leaves out are 0. */
struct wr_place {
    uint64_t address;
    int64_t line, start_line;
    uint32_t name, file, object; /* strings; object: the mapped file */
};

struct wr_node {
    struct wr_place place;
    const char *label;
    int64_t flat, cum;
    uint32_t first_in, in_count;   /* of wr_graph.in: edges to it */
    uint32_t first_out, out_count; /* of wr_graph.out: edges from it */
};

struct wr_edge {
    uint32_t from, to; /* nodes: caller, called */
    int64_t weight;
    bool inlined; /* always by inlining */
};

struct wr_graph_options {
    uint32_t type;
    enum wr_granularity granularity;
    bool no_inlines;     /* inlined functions count as their caller */
    bool by_object;      /* the same name in two files is two nodes */
    bool cum;            /* sorted by cum */
    bool drop_negative;  /* without nodes that shrank */
    bool edges;          /* edges are wanted; else only when inlining shows */
    uint32_t node_count; /* 0: all */
    double node_fraction, edge_fraction; /* of the sum of flat; 0: all */
    const char *source_path, *trim_path; /* for names of files; may be NULL */
};

struct wr_graph {
    struct wr_node *nodes; /* biggest first; behind the last may stand some
                              that came to nothing, for edges to end at */
    struct wr_edge *edges;
    uint32_t *in, *out; /* numbers of edges, by node, biggest first */
    uint32_t count, edge_count;
    uint32_t small;    /* nodes that the fraction left out */
    uint32_t eligible; /* nodes that the number chose from */
};

/* 0, or -1: no memory. */
int wr_graph_make(struct wr_graph *g, struct wr_profile *p,
                  const struct wr_graph_options *o);
void wr_graph_fini(struct wr_graph *g);

/* The place of a line (or, with none, of a location without lines), and how
 * it is printed: for reports that walk the samples themselves. */
struct wr_places {
    struct wr_profile *p;
    const struct wr_graph_options *o;
    uint32_t *files; /* by function: its file, cleaned */
};

int wr_places_init(struct wr_places *s, struct wr_profile *p,
                   const struct wr_graph_options *o);
void wr_places_fini(struct wr_places *s);
struct wr_place wr_place_of(const struct wr_places *s,
                            const struct wr_location *l, uint32_t line);
const char *wr_place_label(struct wr_profile *p, const struct wr_place *at);
/* How many nodes a location has, and the first of its lines that counts. */
uint32_t wr_places_lines(const struct wr_places *s, const struct wr_location *l,
                         uint32_t *first);

#endif
