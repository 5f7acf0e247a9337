/* Meters: what the program's own pools and caches do, seen from outside.
 *
 *     weir_meter *m = weir_meter_of(WEIR_METER_CACHE, "pages");
 *
 *     weir_meter_add(m, page != NULL ? WEIR_METER_HITS : WEIR_METER_MISSES, 1);
 *     ...
 *     weir_meter_add(m, WEIR_METER_BYTES, page->bytes);
 *     ...
 *     weir_meter_add(m, WEIR_METER_BYTES, -page->bytes);
 *
 * A meter has a kind, a name and some sums. `weir pools`, the page, /metrics
 * and, when the program is dead, `weir report` show them. Those of the kit
 * (pool.h, lru.h) have meters by themselves; this is for others.
 *
 * Who asks for the same kind and name again gets the same meter, so what
 * several pools of one name do is added up. There are 128 at most; a meter
 * stays as long as the process. After fork the child's go on from its parent's.
 *
 * Threads: any, not in signal handlers but for weir_meter_add. Cost of adding:
 * two atomic additions, to lines that all threads of the meter share; so what
 * is hot counts for itself and adds now and then. Units: bytes.
 */
#ifndef WEIR_METER_H
#define WEIR_METER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_meter weir_meter;

enum weir_meter_kind {
    WEIR_METER_POOL = 1, /* of objects that are used again */
    WEIR_METER_CACHE = 2 /* of what can be had anew, found by a key */
};

/* The counts only grow; the levels are what is now. */
enum weir_meter_sum {
    WEIR_METER_HITS = 0,    /* count: it was there */
    WEIR_METER_MISSES = 1,  /* count: it was not */
    WEIR_METER_DROPPED = 2, /* count: destroyed while it idled, pushed out */
    WEIR_METER_EXPIRED = 3, /* count: found too old */
    WEIR_METER_SHRUNK = 4,  /* count: given back for want of memory */
    WEIR_METER_ITEMS = 5,   /* level: that idle, that are held */
    WEIR_METER_BYTES = 6    /* level: of these */
};

/* Of a name 39 bytes are kept; NULL and "" are "unnamed". NULL: no such kind,
 * or there are 128. */
weir_meter *weir_meter_of(enum weir_meter_kind kind, const char *name);
/* Add n; below 0 for levels alone. NULL is fine. */
void weir_meter_add(weir_meter *m, enum weir_meter_sum sum, int64_t n);

#ifdef __cplusplus
}
#endif
#endif
