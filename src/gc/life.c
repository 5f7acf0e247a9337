/* The calls by which a program ties something to the life of a managed block.
 */
#include <weir/gc.h>
#include <weir/store.h>

#include "base/base.h"
#include "gc/tie.h"
#include "heap/heap.h"
#include "heap/tiny.h"

/* The function's type is that of the kind of its tie. */
typedef void plain_fn(void);

/* What ties know it by; 0: it is none. In a block that several share, each is
 * known by its own first byte. */
static uintptr_t
key_of(const void *object)
{
    return wr_tiny_end(object) != 0 ? (uintptr_t)object
                                    : (uintptr_t)weir_gc_base(object);
}

static weir_err
add(enum wr_tie kind, const void *object, const void *arg, plain_fn *fn)
{
    uintptr_t key = key_of(object);

    if (key == 0)
        return WEIR_EINVAL;
    if (!wr_tie_add(kind, key, (uintptr_t)arg, fn))
        return WEIR_ENOMEM;
    return WEIR_OK;
}

WR_EXPORT weir_err
weir_gc_pin(const void *object)
{
    return add(WR_TIE_PIN, object, NULL, NULL);
}

WR_EXPORT weir_err
weir_gc_unpin(const void *object)
{
    uintptr_t key = key_of(object);

    return key != 0 && wr_tie_remove(WR_TIE_PIN, key) ? WEIR_OK : WEIR_ENOENT;
}

WR_EXPORT weir_err
weir_gc_cleanup(const void *object, void (*fn)(void *arg), void *arg)
{
    return fn == NULL ? WEIR_EINVAL
                      : add(WR_TIE_CLEANUP, object, arg, (plain_fn *)fn);
}

/* In the place of what it has. */
static weir_err
finalize(enum wr_tie kind, const void *object, plain_fn *fn, void *arg)
{
    uintptr_t key = key_of(object);

    if (key == 0)
        return WEIR_EINVAL;
    (void)wr_tie_remove(WR_TIE_FINALIZER, key);
    (void)wr_tie_remove(WR_TIE_UNORDERED, key);
    return fn == NULL ? WEIR_OK : add(kind, object, arg, fn);
}

WR_EXPORT weir_err
weir_gc_finalizer(const void *object, void (*fn)(void *object, void *arg),
                  void *arg)
{
    return finalize(WR_TIE_FINALIZER, object, (plain_fn *)fn, arg);
}

WR_EXPORT weir_err
weir_gc_finalizer_unordered(const void *object,
                            void (*fn)(void *object, void *arg), void *arg)
{
    return finalize(WR_TIE_UNORDERED, object, (plain_fn *)fn, arg);
}

WR_EXPORT weir_err
weir_gc_finalizer_read(const void *object, void (**fn)(void *object, void *arg),
                       void **arg)
{
    uintptr_t key = key_of(object), with;
    plain_fn *is;

    if (key == 0 || fn == NULL || arg == NULL)
        return WEIR_EINVAL;
    if (!wr_tie_find(WR_TIE_FINALIZER, key, &with, &is) &&
        !wr_tie_find(WR_TIE_UNORDERED, key, &with, &is))
        return WEIR_ENOENT;
    *fn = (void (*)(void *, void *))is;
    *arg = (void *)with;
    return WEIR_OK;
}

WR_EXPORT weir_err
weir_gc_ephemeron(const void *key, const void *value)
{
    return add(WR_TIE_EPHEMERON, key, value, NULL);
}

WR_EXPORT weir_err
weir_gc_link(void **word, const void *object)
{
    uintptr_t key = key_of(object);

    if (key == 0 || word == NULL)
        return WEIR_EINVAL;
    (void)wr_tie_remove(WR_TIE_LINK, (uintptr_t)word);
    return wr_tie_add(WR_TIE_LINK, (uintptr_t)word, key, NULL) ? WEIR_OK
                                                               : WEIR_ENOMEM;
}

WR_EXPORT weir_err
weir_gc_unlink(void **word)
{
    return wr_tie_remove(WR_TIE_LINK, (uintptr_t)word) ? WEIR_OK : WEIR_ENOENT;
}

WR_EXPORT weir_err
weir_gc_link_move(void **from, void **to)
{
    if (to == NULL)
        return WEIR_EINVAL;
    return wr_tie_move(WR_TIE_LINK, (uintptr_t)from, (uintptr_t)to)
               ? WEIR_OK
               : WEIR_ENOENT;
}

/* ---- who calls ---- */

WR_EXPORT void
weir_gc_set_caller(enum weir_gc_caller who)
{
    wr_ties_by_program(who == WEIR_GC_CALLER_PROGRAM);
}

WR_EXPORT unsigned
weir_gc_ready(void)
{
    return wr_ties_ready();
}

WR_EXPORT unsigned
weir_gc_call_ready(void)
{
    return wr_ties_call_ready();
}

/* ---- weak references ---- */

struct weir_gc_weak {
    void *hidden; /* inverted */
};

WR_EXPORT struct weir_gc_weak *
weir_gc_weak_new(const void *object)
{
    struct weir_gc_weak *w = weir_gc_alloc_noscan(sizeof *w);

    if (w == NULL)
        return NULL;
    w->hidden = (void *)~(uintptr_t)object;
    return weir_gc_link(&w->hidden, object) == WEIR_OK ? w : NULL;
}

/* A cycle may cut the link between any two instructions: so the address is
 * held, and it counts only if the link is there yet. */
WR_EXPORT void *
weir_gc_weak_get(const struct weir_gc_weak *w)
{
    void *const *word = &w->hidden;
    void *hidden = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    void *object = wr_cpu_held(~(uintptr_t)hidden);

    if (hidden == NULL || __atomic_load_n(word, __ATOMIC_ACQUIRE) != hidden)
        return NULL;
    weir_reveal(object);
    return wr_cpu_held((uintptr_t)object);
}
