/* Pools: objects that are used again instead of made anew.
 *
 *     static void *make(void *arg)           { return parser_new(); }
 *     static void destroy(void *p, void *arg) { parser_free(p); }
 *
 *     weir_pool *parsers;
 *
 *     weir_pool_new(&parsers, &(struct weir_pool_options){
 *                                 .make = make, .destroy = destroy});
 *     struct parser *p = weir_pool_get(parsers);       NULL: make said so
 *     ...
 *     weir_pool_put(parsers, p);
 *     weir_pool_free(parsers);
 *
 * Go's sync.Pool. Each thread has one object at hand and a list behind it; who
 * finds both empty takes from the other threads' lists, then what is about to
 * be dropped, and else makes one. There is no bound to what idles (but `keep`)
 * and no promise that it stays: soon after each cycle of the collector (gc.h)
 * what idles is put aside, and what was put aside the time before and is idle
 * still is destroyed. weir_pools_age does the same. Near the soft limit
 * (limit.h) it happens by itself, beyond it both steps at once.
 *
 * An object comes back as it was put: reset it before, or have `reset` do so.
 *
 * A weir_bounded is for what may exist only so often: connections, large
 * buffers. At most `capacity` objects are made; when all are out, the next
 * one is refused or waited for.
 *
 * weir_buffers_get lends buffers (buffer.h) by size, of any thread's and for
 * any purpose; those above 1 MiB are not kept, so one large answer does not
 * stay in the pool for ever.
 *
 * Threads: any; not in signal handlers. `make`, `reset` and `destroy` are
 * called without a lock of the pool's, the latter on the thread that ages too;
 * there they may not make or free pools. A forked child has what idled in its
 * own thread and no memory pressure until it makes a pool. Ownership: an
 * object out is the caller's; what idles goes with the pool, which no thread
 * may use then. Cost: get and put of a thread's own object take no lock and no
 * atomic operation.
 */
#ifndef WEIR_POOL_H
#define WEIR_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <weir/buffer.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_pool weir_pool;

struct weir_pool_options {
    void *(*make)(void *arg);                 /* NULL: get answers NULL */
    void (*reset)(void *object, void *arg);   /* at put; may be NULL */
    void (*destroy)(void *object, void *arg); /* NULL: nothing to do */
    void *arg;
    size_t keep;      /* idle objects a thread, at most; 0: any number */
    const char *name; /* that its meter has (meter.h); NULL: unnamed */
};

struct weir_pool_stats {
    uint64_t hits;    /* count: gets of an object that idled */
    uint64_t misses;  /* count: gets that called make */
    uint64_t dropped; /* count: idle ones destroyed */
    uint64_t idle;    /* now */
};

/* WEIR_EINVAL: out or o is NULL; WEIR_ENOMEM. */
weir_err weir_pool_new(weir_pool **out, const struct weir_pool_options *o);
void weir_pool_free(weir_pool *p); /* NULL is fine */
void *weir_pool_get(weir_pool *p);
/* NULL is fine. Without memory for the list the object is destroyed. */
void weir_pool_put(weir_pool *p, void *object);
/* One step of this pool, or of all: see above. */
void weir_pool_age(weir_pool *p);
void weir_pools_age(void);
void weir_pool_read(weir_pool *p, struct weir_pool_stats *out);

/* ---- so many and no more ---- */

typedef struct weir_bounded weir_bounded;

/* o->keep is not used. WEIR_EINVAL: capacity is 0, or as above. */
weir_err weir_bounded_new(weir_bounded **out, size_t capacity,
                          const struct weir_pool_options *o);
/* Objects that are out are the caller's for good. */
void weir_bounded_free(weir_bounded *b);
/* WEIR_ELIMIT: all are out; WEIR_ENOMEM: make answered NULL. */
weir_err weir_bounded_try(weir_bounded *b, void **object);
/* The same, but waits so long for one to come back; UINT64_MAX: for ever. */
weir_err weir_bounded_wait(weir_bounded *b, void **object, uint64_t ns);
/* Also takes objects made elsewhere. WEIR_ELIMIT: the pool is full, the object
 * is the caller's as before. */
weir_err weir_bounded_put(weir_bounded *b, void *object);
/* One that was out is broken, and the caller's to destroy: another may be
 * made for it. WEIR_EINVAL: none is out. */
weir_err weir_bounded_forget(weir_bounded *b);
void weir_bounded_read(weir_bounded *b, struct weir_pool_stats *out);

/* ---- buffers by size ---- */

/* An empty one with room for so many bytes; NULL: no memory. */
struct weir_buffer *weir_buffers_get(size_t bytes);
/* NULL is fine. Only what weir_buffers_get gave. */
void weir_buffers_put(struct weir_buffer *b);
void weir_buffers_read(struct weir_pool_stats *out);

#ifdef __cplusplus
}
#endif
#endif
