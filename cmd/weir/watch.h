/* weir watch: what it shows, and what keys do to it, apart from any terminal.
 *
 *     struct wr_watch w;
 *     wr_watch_init(&w, "redis-server");
 *     wr_watch_feed(&w, &vitals, points, n, profile);   every second
 *     wr_watch_draw(&w, screen, utf8);
 *     if (wr_watch_key(&w, screen->key(1000)) == WR_WATCH_SAVE)
 *         save();
 *
 * Units: bytes, nanoseconds since the region was made. Threads: one.
 * Ownership: the watch owns the profile it was fed.
 */
#ifndef WR_CMD_WATCH_H
#define WR_CMD_WATCH_H

#include <stdio.h>
#include "analyse/sites.h"
#include "weir/screen.h"
#include "weir/vitals.h"

enum wr_watch_sort {
    WR_SORT_INUSE,
    WR_SORT_CHANGE,
    WR_SORT_BLOCKS,
    WR_SORT_ALLOCS,
    WR_SORT_NAME,
    WR_SORTS
};

enum wr_watch_view { WR_VIEW_SITES, WR_VIEW_SITE, WR_VIEW_HELP };

/* What a key asks of who holds the process. */
enum wr_watch_action {
    WR_WATCH_NOTHING,
    WR_WATCH_QUIT,
    WR_WATCH_SAVE,
    WR_WATCH_FLAME,
    WR_WATCH_MARK_PAST
};

struct wr_watch {
    char program[64];
    char ended[64]; /* how; "": it runs */
    struct wr_vitals now;
    struct wr_point point[WR_HISTORY_SECOND_SLOTS];
    size_t points;
    double alloc_rate; /* bytes a second */
    struct wr_sites sites;
    struct wr_profile *profile; /* of which the sites are; NULL: none yet */
    uint64_t mark_ns;           /* uptime at the mark */

    enum wr_watch_view view;
    enum wr_watch_sort sort;
    bool upward; /* the least first */
    char filter[64];
    bool typing;   /* it is being written */
    uint32_t *row; /* sites shown, in their order */
    uint32_t rows; /* of them */
    uint32_t row_room;
    uint32_t chosen;  /* site; WR_NONE: none */
    uint32_t first;   /* row on top */
    uint32_t scroll;  /* first line of the site's view */
    uint32_t visible; /* rows there was room for */
    char message[300];
};

void wr_watch_init(struct wr_watch *w, const char *program);
void wr_watch_fini(struct wr_watch *w);

/* What is now. profile: pruned and named, or NULL: as before. -1: no memory. */
int wr_watch_feed(struct wr_watch *w, const struct wr_vitals *now,
                  const struct wr_point *points, size_t n,
                  struct wr_profile *profile);
/* Changes count from this earlier profile. */
int wr_watch_mark_past(struct wr_watch *w, const struct wr_profile *then,
                       uint64_t uptime_ns);
enum wr_watch_action wr_watch_key(struct wr_watch *w, uint32_t key);
/* One line for the user, until the next key. */
__attribute__((format(printf, 2, 3))) void
wr_watch_say(struct wr_watch *w, const char *format, ...);

/* The key of a sort, and of a name ("inuse", "change", "blocks", "allocs",
 * "name"); WR_SORTS: no such. */
enum wr_watch_sort wr_watch_sort_of(const char *name);
int64_t wr_watch_change(const struct wr_site *s);

/* Draw all of it. */
void wr_watch_draw(struct wr_watch *w, const struct wr_screen *screen,
                   bool utf8);
/* As text, for who is no terminal: at most so many sites. */
void wr_watch_print(const struct wr_watch *w, unsigned sites, FILE *out);
/* As one line of JSON; history too, if asked. */
void wr_watch_print_json(const struct wr_watch *w, bool history, FILE *out);

/* ---- the graphs ---- */

enum wr_watch_graph { WR_GRAPH_LIVE, WR_GRAPH_RSS, WR_GRAPH_RATE };
/* What a graph of `cells` columns shows of the last ten minutes (or, of a
 * younger program, its life), oldest first; negative: nothing is known of that
 * time. The highest of them. */
double wr_watch_cells(const struct wr_watch *w, enum wr_watch_graph graph,
                      double *cell, unsigned cells);

#endif
