/* Analyses: the reports of `go tool pprof`, with its numbers.
 *
 *     struct wr_analysis a;
 *     struct wr_analysis_options o = WR_ANALYSIS_DEFAULTS;
 *     struct wr_filter filter = {.focus = "parse"};
 *     if (wr_analysis_begin(&a, p, type, &filter, &o, why, sizeof why) == 0) {
 *         wr_analysis_top(&a, stdout);
 *         wr_analysis_end(&a);
 *     }
 *
 * Beginning takes the total of all samples, which percentages are of, and
 * then applies the filter to the profile. Each report may be asked for more
 * than once. Values are in the unit of the sample type, times and sizes are
 * shown in the unit that fits.
 *
 * Threads: one at a time per profile. Ownership: the profile, the filter and
 * the options are the caller's and must outlive the analysis.
 */
#ifndef WR_ANALYSE_ANALYSIS_H
#define WR_ANALYSE_ANALYSIS_H

#include "analyse/filter.h"
#include "analyse/graph.h"

struct wr_analysis_options {
    enum wr_granularity granularity;
    bool cum;           /* sort by cum instead of flat */
    bool no_inlines;    /* inlined functions count as their caller */
    bool drop_negative; /* without nodes that shrank */
    bool relative;      /* percentages of what the filter leaves */
    bool untrimmed;     /* no limits by number or fraction */
    long node_count;    /* at most so many nodes; 0: all; -1: by report */
    double node_fraction, edge_fraction;
    double divide_by; /* of values shown */
    const char *unit; /* "minimum": one for the report, that fits it */
    const char *source_path, *trim_path; /* NULL: none */
};

#define WR_ANALYSIS_DEFAULTS                                                   \
    {                                                                          \
        .node_count = -1, .node_fraction = 0.005, .edge_fraction = 0.001,      \
        .divide_by = 1, .unit = "minimum"                                      \
    }

struct wr_analysis {
    struct wr_profile *profile;
    const struct wr_filter *filter;
    const struct wr_analysis_options *options;
    uint32_t type;
    int64_t total;      /* what percentages are of */
    uint32_t *units;    /* of numeric labels, wr_label_units */
    unsigned unmatched; /* filters that matched nothing: bits of filter.h */
};

/* The sample type called so: a name, "inuse_" and a name, or a number; NULL
 * or "": the profile's own. 0, or -1 and which there are. */
int wr_analysis_type(const struct wr_profile *p, const char *name,
                     uint32_t *type, char *why, size_t n);

/* What percentages are of: the sum of the samples' absolute values, of those
 * of the base if some are marked as such. */
int64_t wr_analysis_total(const struct wr_profile *p, uint32_t type);

/* filter and options may be NULL. 0, or -1 with a sentence. */
int wr_analysis_begin(struct wr_analysis *a, struct wr_profile *p,
                      uint32_t type, const struct wr_filter *filter,
                      const struct wr_analysis_options *options, char *why,
                      size_t n);
void wr_analysis_end(struct wr_analysis *a);

/* The reports. 0, or -1 with a sentence: no memory, or nothing matches the
 * pattern. */
int wr_analysis_top(const struct wr_analysis *a, FILE *out, char *why,
                    size_t n);
/* The same as JSON; weir-top(1) tells the schema. */
int wr_analysis_top_json(const struct wr_analysis *a, FILE *out, char *why,
                         size_t n);
/* Each node with who called it and whom it called; pattern NULL: all. */
int wr_analysis_tree(const struct wr_analysis *a, const char *pattern,
                     FILE *out, char *why, size_t n);
/* Source lines of the functions that match. */
int wr_analysis_list(const struct wr_analysis *a, const char *pattern,
                     FILE *out, char *why, size_t n);
/* Every stack. */
int wr_analysis_traces(const struct wr_analysis *a, FILE *out, char *why,
                       size_t n);
/* The labels, and what has each of them. */
int wr_analysis_tags(const struct wr_analysis *a, FILE *out, char *why,
                     size_t n);
/* The profile as it is. */
int wr_analysis_raw(const struct wr_analysis *a, FILE *out, char *why,
                    size_t n);

/* --- For the files that print ------------------------------------------- */

enum wr_report_kind {
    WR_REPORT_TOP,
    WR_REPORT_TREE,
    WR_REPORT_PEEK,
    WR_REPORT_LIST
};

/* The graph of a report; *unit is the unit to show its values in. */
int wr_analysis_graph(const struct wr_analysis *a, enum wr_report_kind kind,
                      struct wr_graph *g, const char **unit, char *why,
                      size_t n);
/* What places of samples are, for reports without a graph. */
struct wr_graph_options wr_analysis_places(const struct wr_analysis *a);
/* A value of the report's type, divided as asked. */
void wr_analysis_value(const struct wr_analysis *a, char *text, int64_t value,
                       const char *unit);
/* Was a node inlined? " (inline)" by every caller, " (partial-inline)" by
 * some, "" by none. */
const char *wr_analysis_inlining(const struct wr_graph *g,
                                 const struct wr_node *node);
/* What the profile says about itself: "File: ...", "Type: ...", a line each. */
void wr_analysis_heading(const struct wr_analysis *a, const char *unit,
                         FILE *out);

#endif
