/* Blocks of which a program of Boehm's collector says where they hold pointers:
 * descriptors, and kinds that it makes.
 *
 * Invariants
 * 1. Descriptors of one layout are one: there are as many as the program has
 *    types. They and kinds are never freed.
 * 2. A kind whose marking is a function of the program's own is looked into as
 *    if nothing were known of it: that keeps what the function would mark.
 */
#include <weir/compat/gc_mark.h>
#include <weir/compat/gc_typed.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <weir/gc.h>

#include "compat/notice.h"

#define EXPORT __attribute__((visibility("default")))

enum { KINDS = 64, WORD_BITS = 64, WORD = sizeof(GC_word) };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- descriptors ---- */

struct descriptor {
    struct weir_type type;
    struct descriptor *next;
    size_t words;
    struct weir_type_part part[];
};

static struct descriptor *descriptors; /* guard: lock */

static bool
is_set(const GC_word *bitmap, size_t i)
{
    return (bitmap[i / WORD_BITS] >> i % WORD_BITS & 1) != 0;
}

/* The parts, and how many: a part is a run of words. part may be NULL. */
static size_t
find_parts(const GC_word *bitmap, size_t words, struct weir_type_part *part)
{
    size_t n = 0;

    for (size_t i = 0, end; i < words; i = end + 1) {
        for (end = i; end < words && is_set(bitmap, end); end++)
            ;
        if (end == i)
            continue;
        if (part != NULL)
            part[n] = (struct weir_type_part){i * WORD, (end - i) * WORD};
        n++;
    }
    return n;
}

static struct descriptor *
make(const GC_word *bitmap, size_t words)
{
    size_t n = find_parts(bitmap, words, NULL);
    struct descriptor *d = calloc(1, sizeof *d + n * sizeof d->part[0]);

    if (d == NULL)
        return NULL;
    (void)find_parts(bitmap, words, d->part);
    d->words = words;
    d->type = (struct weir_type){words * WORD, 0, d->part, n};
    for (size_t i = 0; i < words && i < WORD_BITS; i++)
        d->type.bits |= (uint64_t)is_set(bitmap, i) << i;
    return d;
}

static bool
is_same(const struct descriptor *a, const struct descriptor *b)
{
    return a->words == b->words && a->type.parts == b->type.parts &&
           memcmp(a->part, b->part, a->type.parts * sizeof a->part[0]) == 0;
}

/* 0, which describes a block without pointers no more than it does in libgc,
 * is never given out: without memory every word counts. */
EXPORT GC_descr
GC_make_descriptor(const GC_word *bitmap, size_t words)
{
    struct descriptor *d = make(bitmap, words), *old;

    if (d == NULL)
        return 0;
    pthread_mutex_lock(&lock);
    for (old = descriptors; old != NULL && !is_same(old, d); old = old->next)
        ;
    if (old == NULL) {
        d->next = descriptors;
        descriptors = d;
    }
    pthread_mutex_unlock(&lock);
    if (old != NULL)
        free(d);
    return (GC_descr)(old != NULL ? old : d);
}

EXPORT void *
GC_malloc_explicitly_typed(size_t bytes, GC_descr descr)
{
    const struct descriptor *d = (const struct descriptor *)descr;

    wr_compat_look();
    if (d == NULL)
        return GC_malloc(bytes);
    if (bytes <= d->type.bytes)
        return weir_gc_alloc_typed(&d->type);
    return weir_gc_alloc_typed_flex(&d->type, d->type.bytes, 1,
                                    bytes - d->type.bytes);
}

EXPORT void *
GC_malloc_explicitly_typed_ignore_off_page(size_t bytes, GC_descr descr)
{
    return GC_malloc_explicitly_typed(bytes, descr);
}

EXPORT void *
GC_calloc_explicitly_typed(size_t count, size_t bytes, GC_descr descr)
{
    const struct descriptor *d = (const struct descriptor *)descr;

    wr_compat_look();
    if (d == NULL)
        return weir_gc_alloc_array(count, bytes);
    return weir_gc_alloc_typed_flex(&d->type, 0, bytes, count);
}

/* ---- kinds ---- */

/* Of the first four libgc says what they are. */
static void *(*kind[KINDS])(size_t) = {GC_malloc_atomic, GC_malloc,
                                       GC_malloc_uncollectable,
                                       GC_malloc_atomic_uncollectable};
static unsigned kinds = 4, procs; /* guard: lock */

EXPORT void **
GC_new_free_list(void)
{
    return calloc(1, sizeof(void *));
}

/* Of descriptors only that which says that there are no pointers tells what can
 * be left out: length 0, which the block's length is not added to. */
EXPORT unsigned
GC_new_kind(void **free_list, GC_word descr, int adjust, int clear)
{
    unsigned is;

    (void)free_list;
    (void)clear;
    pthread_mutex_lock(&lock);
    if (kinds == KINDS)
        abort(); /* as libgc does */
    is = kinds++;
    kind[is] = descr == 0 && !adjust ? GC_malloc_atomic : GC_malloc;
    pthread_mutex_unlock(&lock);
    return is;
}

EXPORT unsigned
GC_new_proc(GC_mark_proc proc)
{
    unsigned n;

    (void)proc;
    pthread_mutex_lock(&lock);
    n = procs++;
    pthread_mutex_unlock(&lock);
    return n;
}

EXPORT void *
GC_generic_malloc(size_t bytes, int of)
{
    return kind[of](bytes);
}

/* A list, linked through first words; of one, since it may be that nobody looks
 * for links in these blocks. */
EXPORT void
GC_generic_malloc_many(size_t bytes, int of, void **result)
{
    *result = GC_generic_malloc(bytes, of);
}

/* ---- what a function that marks may call; nobody calls it ---- */

EXPORT struct GC_ms_entry *
GC_mark_and_push(void *object, struct GC_ms_entry *top,
                 struct GC_ms_entry *limit, void **from)
{
    (void)object;
    (void)limit;
    (void)from;
    return top;
}

EXPORT void
GC_push_all(void *from, void *end)
{
    (void)from;
    (void)end;
}

EXPORT void
GC_push_all_eager(void *from, void *end)
{
    GC_push_all(from, end);
}

EXPORT void
GC_push_conditional(void *from, void *end, int all)
{
    (void)all;
    GC_push_all(from, end);
}

EXPORT void
GC_set_mark_bit(const void *p)
{
    (void)p;
}
