/* Collected memory: blocks that nobody has to free.
 *
 *     struct node {
 *         struct node *next;
 *         char *name;
 *     };
 *
 *     struct node *n = weir_new(struct node);      all zero
 *     n->name = weir_new_noscan(char, 100);        bytes that hold no pointers
 *     n = NULL;                                    that was all
 *
 *     typedef struct node node;
 *     WEIR_TYPE(node, next, name);                 where it has pointers
 *     n = weir_new_typed(node);                    nothing else counts as one
 *
 * A managed block lives as long as the program can reach it: as long as there
 * is its address, or that of any byte of it, in a variable, on a stack, in a
 * register or in thread-local storage of any thread, in memory that the program
 * has mapped privately, in a block of malloc that can be reached itself, or in
 * another managed block that can. Sometime after the last of these is gone its
 * memory is used again.
 *
 * Promised
 *   - It never moves, and is aligned to 16 bytes; what weir_new_noscan makes of
 *     less than 16, as its elements want, see there.
 *   - Every aligned word of 8 bytes that could be its address counts as such,
 *     wherever it is: nobody has to register threads, stacks or variables. Of
 *     blocks that weir_new_typed makes only the words that were named.
 *   - Of an array, which weir_new_array makes, the address behind its last
 *     element keeps it too.
 *   - Threads of pthread_create, signal handlers on stacks of their own,
 *     longjmp, C++ exceptions and fork need no care: a child collects, too.
 *   - weir_gc_free, and free, may be called: it is then freed at once.
 *
 * Not seen are addresses in other forms (xor-ed, compressed, with bits above
 * the 48th set, not aligned to 8 bytes), in shared mappings, in files and
 * pipes, in memory given to weir_new_noscan, and in members that WEIR_TYPE
 * does not name (weir/type.h). weir_root_add of weir/leak.h
 * tells of memory, and of such forms, besides.
 *
 * Where pthread_create, malloc and the rest are Weir's (linked with -lweir, or
 * run by `weir run`) nothing has to be started. A cycle begins when as much
 * was allocated as was live after the last one (weir_gc_set_percent). The
 * program stands still for it: up to 32 MiB of live blocks, 64 where most
 * cycles mark only what is new, until it has ended; above that for some of them
 * at a time, while marking goes on beside it; who allocates far more meanwhile
 * marks too, or holds still for a millisecond now and then. If
 * the program cannot be made to stand still, because it blocks SIGURG and the
 * system lets nobody hold threads, nothing is freed, and weir_gc_read counts
 * it.
 *
 * Threads: any. In signal handlers these may be called where malloc may.
 * Units: bytes, nanoseconds. Failure to allocate is NULL with errno ENOMEM.
 */
#ifndef WEIR_GC_H
#define WEIR_GC_H

#include <stddef.h>
#include <stdint.h>
#include <weir/error.h>
#include <weir/type.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One T; n of them; n that hold no pointers to managed blocks. All zero. */
#define weir_new(T)           ((T *)weir_gc_alloc(sizeof(T)))
#define weir_new_array(T, n)  ((T *)weir_gc_alloc_array((n), sizeof(T)))
#define weir_new_noscan(T, n) ((T *)weir_gc_alloc_array_noscan((n), sizeof(T)))
/* One T, n of them, of which WEIR_TYPE says where they hold pointers. flex: a T
 * whose last member is an array without a length, and n elements of that. What
 * realloc adds to such a block may hold pointers everywhere. */
#define weir_new_typed(T) ((T *)weir_gc_alloc_typed(&weir_type_##T))
#define weir_new_typed_array(T, n)                                             \
    ((T *)weir_gc_alloc_typed_array(&weir_type_##T, (n)))
#define weir_new_typed_flex(T, member, n)                                      \
    ((T *)weir_gc_alloc_typed_flex(&weir_type_##T, offsetof(T, member),        \
                                   sizeof(((T *)0)->member[0]), (n)))

/* The same without a type. */
void *weir_gc_alloc(size_t bytes);
void *weir_gc_alloc_noscan(size_t bytes);
void *weir_gc_alloc_array(size_t count, size_t bytes);
void *weir_gc_alloc_array_noscan(size_t count, size_t bytes);
void *weir_gc_alloc_typed(const struct weir_type *type);
void *weir_gc_alloc_typed_array(const struct weir_type *type, size_t count);
/* One, of which [offset, offset + bytes) is an element, and stands there so
 * many times. */
void *weir_gc_alloc_typed_flex(const struct weir_type *type, size_t offset,
                               size_t bytes, size_t count);

/* Less than 16 bytes without pointers (but none at all) share a block of 16
 * with others that the thread asks for. What weir_gc_alloc_noscan gives is
 * aligned for all that fits into so many bytes, a weir_new_noscan for its
 * elements. All in a block live as long as any of them, and as anything tied to
 * any: to free one by hand ends its ties and nothing else. Ties know it by its
 * first byte. weir_gc_base gives the block that they share; malloc_usable_size
 * counts up to that one's end, where others' bytes may be. Who wants it apart
 * asks for 16. */

/* Free it now. The program must not use it again. NULL is fine. */
void weir_gc_free(void *p);
/* The first byte of the managed block that p points into; NULL: there is
 * none. */
void *weir_gc_base(const void *p);

/* What is tied to the life of the block that object points into. WEIR_EINVAL:
 * it points into no managed block; WEIR_ENOMEM. All ties end when it is freed
 * by weir_gc_free (not by free, which such a block must not be given to).
 *
 * Functions are called by a thread of their own, one after the other, which has
 * all signals blocked and may do what any thread may, allocate and collect,
 * too; or by the program (weir_gc_set_caller). What arg points to is kept until
 * then. */

/* It lives, whoever has it, until it is unpinned as often as pinned. */
weir_err weir_gc_pin(const void *object);
weir_err weir_gc_unpin(const void *object);

/* Some time after nobody can reach it any more fn(arg) is called; as many as
 * wanted. If arg leads to it, it never is. */
weir_err weir_gc_cleanup(const void *object, void (*fn)(void *arg), void *arg);

/* When nobody can reach it any more fn(object, arg) is called; it is alive
 * then, with all it points to, and is freed after that, unless fn has stored it
 * somewhere. One each: a second takes the place of the first, fn NULL takes it
 * away. Of two such blocks the one that leads to the other comes first; those
 * that lead to each other in a ring stay. While there are finalizers or links,
 * a large heap whose writes the kernel does not track is marked while the
 * program stands still. */
weir_err weir_gc_finalizer(const void *object,
                           void (*fn)(void *object, void *arg), void *arg);

/* The same, but others that lead to it do not hold it back: all of a ring are
 * called, in whatever order. It may find what it leads to finalized. */
weir_err weir_gc_finalizer_unordered(const void *object,
                                     void (*fn)(void *object, void *arg),
                                     void *arg);

/* The one it has. WEIR_ENOENT: none. */
weir_err weir_gc_finalizer_read(const void *object,
                                void (**fn)(void *object, void *arg),
                                void **arg);

/* value lives as long as key does: as if key had a hidden pointer to it. */
weir_err weir_gc_ephemeron(const void *key, const void *value);

/* When nobody can reach the object any more, *word becomes NULL, before its
 * finalizer is called. The word must not be seen as a pointer: it is in memory
 * without pointers, or has another form. Who makes an address of it must look
 * afterwards whether it is not NULL by now. */
weir_err weir_gc_link(void **word, const void *object);
weir_err weir_gc_unlink(void **word);
/* What *from was copied to is the link now, and from is none. WEIR_ENOENT: it
 * was none. */
weir_err weir_gc_link_move(void **from, void **to);

/* fn(arg), and what that returns; until then no link is cut and no block found
 * dead, so that fn may make an address of a link's other form. It is short and
 * may allocate; it must not tie, free, collect or fork, nor wait for who does.
 */
void *weir_gc_undisturbed(void *(*fn)(void *arg), void *arg);

/* A managed block that refers to the object and does not keep it. get: the
 * object; NULL, when it is gone. */
struct weir_gc_weak;
struct weir_gc_weak *weir_gc_weak_new(const void *object);
void *weir_gc_weak_get(const struct weir_gc_weak *w);

/* Who calls what is ready to be called. PROGRAM: weir_gc_call_ready does, on
 * its caller's thread, so that functions which are not made for threads need
 * no locks; of what another thread has begun already it does not wait for the
 * end. ready: how many wait to be called. call_ready: how many it has called.
 */
enum weir_gc_caller { WEIR_GC_CALLER_THREAD = 0, WEIR_GC_CALLER_PROGRAM = 1 };
void weir_gc_set_caller(enum weir_gc_caller who);
unsigned weir_gc_ready(void);
unsigned weir_gc_call_ready(void);

/* Collect now, and give back what was found. WEIR_ENOTSUP: it could not be
 * done, see above. */
weir_err weir_gc_collect(void);
/* The same, and return what is free to the system. */
weir_err weir_gc_release(void);

/* Collect, and write what is alive to a file, in place of what has that name:
 * what points at what and who allocated it, for `weir retained`, `why`, `top`
 * and the others. It waits for the copy of the program that writes it.
 * WEIR_EINVAL: path is NULL or too long; WEIR_EBUSY: another thread is at it;
 * WEIR_ENOTSUP: there was no cycle, no memory for a copy, or no room for the
 * file. */
weir_err weir_gc_snapshot(const char *path);

/* A cycle begins when the managed memory has grown by so many percent of what
 * was live after the last one (and what else has to be scanned), but not below
 * 4 MiB times percent / 100: 100 until it is set, by this, or by WEIR=gogc=N in
 * the environment. Below 0: only on demand. The value before. */
int weir_gc_set_percent(int percent);
/* From the first to the second no cycle begins by itself. They nest. */
void weir_gc_disable(void);
void weir_gc_enable(void);

/* Soon after a cycle fn is called with how many have ended since the call
 * before: by the thread that tells of memory pressure, and under its rules
 * (limit.h); there are 16 subscribers of both. Results as of
 * weir_pressure_subscribe and weir_pressure_unsubscribe. */
typedef void (*weir_gc_fn)(uint64_t cycles, void *arg);
weir_err weir_gc_subscribe(weir_gc_fn fn, void *arg);
weir_err weir_gc_unsubscribe(weir_gc_fn fn, void *arg);

/* Which blocks of malloc are looked into. REACHED, as said above, is right
 * unless the program keeps addresses of some in a form that is not seen. */
enum weir_gc_malloc {
    WEIR_GC_MALLOC_REACHED = 0,
    WEIR_GC_MALLOC_ALL = 1 /* every one that is not freed is a root */
};
void weir_gc_scan_malloc(enum weir_gc_malloc which);

struct weir_gc {
    uint64_t cycles;          /* that were finished */
    uint64_t forced;          /* of those, by weir_gc_collect */
    uint64_t failed;          /* that could not be had */
    uint64_t pause_ns;        /* the program stood still, in all */
    uint64_t longest_ns;      /* the same, at once */
    uint64_t last_ns;         /* the end of the last, CLOCK_REALTIME */
    uint64_t next_bytes;      /* managed bytes that begin the next; 0: never */
    uint64_t live_bytes;      /* managed, as the last one found */
    uint64_t dead_bytes;      /* found dead, in all */
    uint64_t allocated_bytes; /* managed, in all; a little late */
};
/* WEIR_EINVAL: out is NULL. Takes no lock. */
weir_err weir_gc_read(struct weir_gc *out);

#ifdef __cplusplus
}
#endif
#endif
