/* A map for many threads: reading takes no lock and waits for nobody.
 *
 *     weir_cmap *sessions;
 *
 *     weir_cmap_new(&sessions, &(struct weir_cmap_options){.gone = end});
 *     weir_cmap_put(sessions, id, id_bytes, session_new());
 *
 *     weir_cmap_enter();
 *     struct session *s = weir_cmap_get(sessions, id, id_bytes);
 *     if (s != NULL)
 *         answer(s);                     s stays, whoever deletes it meanwhile
 *     weir_cmap_leave();
 *
 * Go's sync.Map: for what is read often and changed seldom. Keys are bytes,
 * which are copied; values are pointers, not NULL.
 *
 * Every call is as if it happened at one moment between its begin and its end.
 * A get finds what was put before it, and nothing that was deleted before it.
 *
 * A value that was replaced or deleted goes to `gone`, on the thread of a later
 * put or delete, once every thread has left what it entered before that. So
 * between weir_cmap_enter and weir_cmap_leave, which nest, what was got stays;
 * outside of them use a value only if nobody ends it. Who stays inside for
 * long keeps the memory of what all others delete: do not wait there.
 *
 * Threads: any; not in signal handlers. Ownership: the map's, of a value from
 * put to `gone`. `gone` is called without a lock of the map's. Errors:
 * WEIR_ENOMEM, and nothing has changed. Cost: get is a hash, a table and a
 * chain of one or two, no atomic operation; changing takes one of 16 locks and
 * makes an entry. A table that has become too small is replaced by one of
 * twice the size.
 */
#ifndef WEIR_CMAP_H
#define WEIR_CMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <weir/alloc.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_cmap weir_cmap;

struct weir_cmap_options {
    void (*gone)(void *value, void *arg); /* may be NULL */
    void *arg;
    const weir_alloc *alloc; /* for entries and tables; of any thread */
};

/* WEIR_EINVAL: out or o is NULL. */
weir_err weir_cmap_new(weir_cmap **out, const struct weir_cmap_options *o);
/* No thread uses it any more. Values go to `gone`. NULL is fine. */
void weir_cmap_free(weir_cmap *m);

void weir_cmap_enter(void);
/* Once more than was entered stops the program with a sentence. */
void weir_cmap_leave(void);

/* NULL: not there. */
void *weir_cmap_get(weir_cmap *m, const void *key, size_t key_bytes);
/* In the place of what is there. WEIR_EINVAL: value is NULL. */
weir_err weir_cmap_put(weir_cmap *m, const void *key, size_t key_bytes,
                       void *value);
/* Only where nothing is there (LoadOrStore): *there is what was found, or NULL
 * when value was put. Use *there between enter and leave. */
weir_err weir_cmap_put_new(weir_cmap *m, const void *key, size_t key_bytes,
                           void *value, void **there);
/* Was it there? */
bool weir_cmap_delete(weir_cmap *m, const void *key, size_t key_bytes);

/* Calls each(key, key_bytes, value, arg), inside enter and leave, for every
 * entry that is there all the time, once, and for others perhaps; until it
 * answers false. It may change the map. */
void weir_cmap_each(weir_cmap *m,
                    bool (*each)(const void *key, size_t key_bytes, void *value,
                                 void *arg),
                    void *arg);
/* Entries now. */
size_t weir_cmap_count(weir_cmap *m);

#ifdef __cplusplus
}
#endif
#endif
