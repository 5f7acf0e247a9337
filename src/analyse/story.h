/* The story of a program's memory, up to its end: what the black box holds.
 *
 *     struct wr_story s;
 *     struct wr_story_of of = {&view, &end, "redis-server", 4711};
 *     if (wr_story_make(&s, &of, symboliser, why, sizeof why) == 0) {
 *         wr_story_print(&s, stdout, true);
 *         wr_story_fini(&s);
 *     }
 *
 * Everything comes from the region, which is whole however the program ended,
 * and from what is known of that end. The last counts of threads lag by some
 * blocks, and history by a second; samples do not.
 *
 * Units: bytes, nanoseconds since the region was made. Threads: one a story.
 * Ownership: names are of the story's own profiles; what it is about is the
 * caller's and must stay.
 */
#ifndef WR_ANALYSE_STORY_H
#define WR_ANALYSE_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <weir/memstats.h>

#include "analyse/end.h"
#include "analyse/verdict.h"
#include "region/history.h"

struct wr_overflow_fold;
struct wr_profile;
struct wr_region_view;
struct wr_symboliser;

#define WR_STORY_SITES    5
#define WR_STORY_REQUESTS 3
#define WR_STORY_EVENTS   10
#define WR_STORY_THREADS  8

/* A function that allocates, and the one it does so for most of the time. */
struct wr_story_site {
    const char *name;
    int64_t bytes;
    const char *caller; /* NULL: not known */
    int64_t for_caller; /* part of bytes */
};

/* Blocks of one size, from one stack. */
struct wr_story_request {
    uint64_t bytes;    /* of each */
    int64_t blocks;    /* ever */
    const char *by[3]; /* functions, innermost first; NULL: no more */
};

struct wr_story_thread {
    uint32_t tid;
    bool runs;          /* or did at the end */
    uint64_t allocated; /* bytes ever; those of earlier threads of its slot
                           too */
};

/* What it is about. */
struct wr_story_of {
    const struct wr_region_view *view;
    const struct wr_end *end;
    const char *program;
    uint32_t pid;
};

struct wr_story {
    struct wr_story_of of;
    uint64_t uptime_ns; /* to the end, as far as it is known */

    struct weir_memstats memory;
    uint64_t heap_peak;
    struct wr_point *points; /* of the last minutes, oldest first */
    size_t point_count;

    struct wr_story_site biggest[WR_STORY_SITES];
    size_t biggest_count;
    bool ever; /* biggest is of all ever allocated: nothing was in use */
    int64_t biggest_total;
    struct wr_story_site growing[WR_STORY_SITES];
    size_t growing_count;
    uint64_t growing_ns; /* since so long before the end; 0: no earlier moment
                            is known */
    /* What came since then and stayed (analyse/survivors.h), the two biggest;
     * and do their samples tell them apart? */
    struct wr_story_site kept[2];
    size_t kept_count;
    bool kept_apart;
    struct wr_story_request largest[WR_STORY_REQUESTS];
    size_t largest_count;
    struct wr_mark events[WR_STORY_EVENTS]; /* the last, but for peaks */
    size_t event_count;
    struct wr_story_thread threads[WR_STORY_THREADS]; /* by allocated */
    size_t thread_count;
    uint64_t threads_running;

    const struct wr_verdict *verdict;        /* for whoever has one to set */
    enum wr_language language;               /* of the verdict */
    const struct wr_overflow_fold *overflow; /* of a stack; NULL: none */
    const struct wr_profile *overflow_names;

    struct wr_profile *now; /* the heap profile, with names */
    struct wr_profile *growth;
    struct wr_profile *survivors; /* of the names in kept */
};

/* symboliser NULL: without names. 0, or -1 with a sentence. */
int wr_story_make(struct wr_story *s, const struct wr_story_of *of,
                  struct wr_symboliser *symboliser, char *why, size_t n);
void wr_story_fini(struct wr_story *s);

/* As people read it; utf8: with a small chart. */
void wr_story_print(const struct wr_story *s, FILE *out, bool utf8);
/* One object; docs/GUIDE.md tells its keys. */
void wr_story_json(const struct wr_story *s, FILE *out);

/* One line of a site: value, share of total, name, caller. */
void wr_story_print_site(const struct wr_story_site *site, int64_t total,
                         const char *sign, FILE *out);
/* The biggest sites of one sample type; how many. */
size_t wr_story_sites(struct wr_story_site *out, size_t room,
                      struct wr_profile *p, const char *type, int64_t *total);

#endif
