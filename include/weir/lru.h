/* Caches that drop what was not used for longest (LRU), for many threads.
 *
 *     weir_lru *pages;
 *     weir_lru_item *item;
 *
 *     weir_lru_new(&pages, &(struct weir_lru_options){
 *                              .bytes = 64 << 20, .ttl_ns = 60e9,
 *                              .evicted = free_page});
 *
 *     if ((item = weir_lru_get(pages, url, strlen(url))) == NULL)
 *         item = weir_lru_put(pages, url, strlen(url), render(url), size);
 *     if (item == NULL)
 *         return WEIR_ENOMEM;
 *     send(fd, weir_lru_value(item));
 *     weir_lru_release(pages, item);
 *
 * A cache maps keys, which are bytes that it copies, to values, which are
 * pointers. It is bounded by items, by bytes, or by both: an entry counts as
 * what the caller said of its value and what the cache needs itself. What is
 * put above the bounds pushes out what was used longest ago, and stays itself
 * until the next one, also when it is too large alone; what is older than the
 * time to live (ttl_ns) is not found any more.
 *
 * Whoever gets or puts holds the item until weir_lru_release: an item that is
 * pushed out, replaced or deleted meanwhile is no longer found, and its value
 * goes to `evicted` when the last holder has released it; exactly once each.
 *
 * Near the soft limit (limit.h) the oldest items go, as many bytes as are
 * wanted back. A cache is split into shards by key, each with a lock, a list
 * and a share of the bounds of its own; so "longest ago" is within a shard. One
 * shard is exact.
 *
 * Threads: any; not in signal handlers. `evicted` is called without the cache's
 * locks, on whichever thread released the last hold, the subscribers' one too;
 * there it may not free caches. Ownership: the cache holds values from put to
 * evicted. Units: bytes, nanoseconds. Cost: constant; one lock taken a call.
 */
#ifndef WEIR_LRU_H
#define WEIR_LRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/alloc.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_lru weir_lru;
typedef struct weir_lru_item weir_lru_item;

struct weir_lru_options {
    size_t items;    /* at most; 0: any number */
    size_t bytes;    /* at most; 0: any number */
    uint64_t ttl_ns; /* time to live; 0: for ever */
    unsigned shards; /* a power of two, to 256; 0: 16, or 1 for few items */
    void (*evicted)(void *value, void *arg); /* may be NULL */
    void *arg;
    const weir_alloc *alloc;    /* for items; of any thread */
    uint64_t (*now)(void *arg); /* NULL: the system's monotonic time, in ns */
    const char *name; /* that its meter has (meter.h); NULL: unnamed */
};

struct weir_lru_stats {
    uint64_t hits, misses; /* count: gets */
    uint64_t evicted;      /* count: pushed out by the bounds */
    uint64_t expired;      /* count: found too old */
    uint64_t shrunk;       /* count: given back under pressure, by shrink */
    uint64_t items, bytes; /* now */
};

/* WEIR_EINVAL: out or o is NULL, shards is no power of two or above 256;
 * WEIR_ENOMEM. */
weir_err weir_lru_new(weir_lru **out, const struct weir_lru_options *o);
/* All items must have been released. NULL is fine. */
void weir_lru_free(weir_lru *l);

/* The item, held; NULL: not there, or too old. */
weir_lru_item *weir_lru_get(weir_lru *l, const void *key, size_t key_bytes);
/* The new item, held, in the place of any with that key; NULL: no memory, and
 * value is the caller's as before. */
weir_lru_item *weir_lru_put(weir_lru *l, const void *key, size_t key_bytes,
                            void *value, size_t value_bytes);
void *weir_lru_value(const weir_lru_item *item);
/* NULL is fine. */
void weir_lru_release(weir_lru *l, weir_lru_item *item);

/* Was it there? */
bool weir_lru_delete(weir_lru *l, const void *key, size_t key_bytes);
/* Drop the oldest items of so many bytes together; how many that were. */
uint64_t weir_lru_shrink(weir_lru *l, uint64_t bytes);
void weir_lru_read(weir_lru *l, struct weir_lru_stats *out);

#ifdef __cplusplus
}
#endif
#endif
