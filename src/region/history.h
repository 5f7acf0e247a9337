/* The history in a region: how the program was in the last ten minutes, the
 * last day, and what happened to it.
 *
 *     struct wr_point p[WR_HISTORY_MOST];
 *     size_t n = wr_history_read(&view, WR_HISTORY_SECONDS, p,
 *                                wr_countof(p));
 *
 * The program writes it while it runs and something changes: a gap between two
 * points means that nothing did, so the earlier point holds until the later.
 * Where a program is younger than a second, has changed nothing, or its region
 * was written by a Weir that kept none, there is none: 0 points. What an older
 * Weir did not note is 0.
 *
 * Units: bytes, nanoseconds since the region was made (uptime_ns); wall time
 * is header.start_ns + uptime_ns. Counts only grow, from the program's start;
 * they lag as region/read.h says. Threads, ownership, misuse: as in
 * region/read.h; nothing is allocated.
 */
#ifndef WR_REGION_HISTORY_H
#define WR_REGION_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "region/read.h"

enum wr_history_span {
    WR_HISTORY_SECONDS, /* the last 600 points, at least a second apart */
    WR_HISTORY_MINUTES  /* the last 1440, a minute apart, and the newest */
};
/* No reading gives more points than this. */
#define WR_HISTORY_MOST (WR_HISTORY_MINUTE_SLOTS + 1)

/* How it was at one moment. */
struct wr_point {
    uint64_t uptime_ns;
    uint64_t heap_inuse;    /* bytes in spans that hold objects */
    uint64_t heap_mapped;   /* these and idle spans */
    uint64_t heap_released; /* part of the idle ones given back */
    uint64_t live_bytes;    /* alloc_bytes less free_bytes */
    uint64_t allocs;        /* count of blocks */
    uint64_t frees;
    uint64_t alloc_bytes; /* count of bytes */
    uint64_t free_bytes;
    uint64_t rss;          /* resident bytes of the process; 0: not known */
    uint64_t threads;      /* of the program */
    uint64_t minor_faults; /* count */
    uint64_t major_faults;
    uint64_t cpu_ns;    /* count: used by the process, user and system */
    uint64_t limit;     /* bytes the process may have; 0: no limit is known */
    uint64_t live_peak; /* the highest live_bytes seen since the point before,
                           looked at once a second */
    /* The collector's; all 0 of a program without collected blocks. */
    uint64_t gc_cycles;     /* count */
    uint64_t gc_stopped_ns; /* count: the program stood still */
    uint64_t gc_cpu_ns;     /* count: processors' time, with what stood still */
    uint64_t gc_live;       /* bytes that the last cycle found alive */
    uint64_t gc_goal;       /* bytes at which the next ends; 0: none begins */
};

_Static_assert(sizeof(struct wr_point) == WR_POINT_WORDS * 8,
               "a point is all 8-byte words");

enum wr_mark_kind {
    WR_MARK_START = 1,      /* the image was started; text: its file */
    WR_MARK_FORKED = 2,     /* it is a forked child; value: of which process */
    WR_MARK_EXIT = 3,       /* it went through exit() */
    WR_MARK_FORKS = 4,      /* it forked; value: so often in that second */
    WR_MARK_MAP_FAILED = 5, /* the system refused memory; value: bytes wanted */
    WR_MARK_CODE = 6,   /* a call stack first ran through this file (text) */
    WR_MARK_UNLOAD = 7, /* a file that stacks ran through was unloaded (text) */
    WR_MARK_PEAK = 8,   /* more live bytes (value) than ever before */
    WR_MARK_LIMIT = 9,  /* near the soft limit; value: bytes held, text: how */
    WR_MARK_REFUSED = 10 /* the hard limit refused a block of value bytes */
};

#define WR_MARK_TEXT 96

/* Something that happened. */
struct wr_mark {
    uint64_t uptime_ns;
    uint32_t kind; /* enum wr_mark_kind; others may come */
    uint32_t tid;  /* the thread; 0: not one of the program's */
    uint64_t value;
    char text[WR_MARK_TEXT]; /* ends with NUL */
};

_Static_assert(sizeof(struct wr_mark) == WR_MARK_WORDS * 8,
               "a mark is all 8-byte words");

/* The points of that span, the last `room` of them, oldest first, consistent
 * ones only: how many. The newest of WR_HISTORY_MINUTES stands for the minute
 * that is not over. */
size_t wr_history_read(const struct wr_region_view *v,
                       enum wr_history_span span, struct wr_point *out,
                       size_t room);
/* The marks, the last `room` of them, oldest first: how many. The image's
 * start is always known, and its exit once it happened. */
size_t wr_history_marks(const struct wr_region_view *v, struct wr_mark *out,
                        size_t room);
/* "fork", "map failed", ...; "event" for a kind not known here. */
const char *wr_mark_name(uint32_t kind);

#endif
