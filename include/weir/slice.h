/* Slices: arrays that grow, after Go's.
 *
 *     WEIR_SLICE(ints, int);
 *
 *     struct ints squares = {0};
 *
 *     for (int i = 0; i < 1000; i++)
 *         if (ints_append(&squares, i * i) != WEIR_OK)
 *             return WEIR_ENOMEM;
 *     struct ints first = ints_slice(&squares, 0, 10);
 *     ints_free(&squares);
 *
 * WEIR_SLICE(name, T) declares struct name with the items `at[0]` to
 * `at[len - 1]`, room for `cap` of them, and where that comes from (`alloc`,
 * NULL: malloc), which may be set before the first item. All zero is an empty
 * slice. Its functions, as static inline ones:
 *
 *     weir_err name_reserve(s, more)    room for so many items more
 *     weir_err name_append(s, item)
 *     weir_err name_append_all(s, items, n)
 *     struct name name_slice(s, from, to)    items from .. to-1: borrowed
 *     weir_err name_copy(s, from, to, &out)  the same as a slice of its own
 *     void name_clip(s)                 give back the room that is not used
 *     void name_reset(s)                no items, the room is kept
 *     void name_free(s)                 no items, no room
 *
 * Growth is Go's: to what is needed if that is more than twice the room; twice
 * below 256 items; above by a quarter and 192; and then up to what a block of
 * malloc holds anyhow. Who knows how many there will be reserves: that is what
 * saves the copies, here as in Go.
 *
 * A borrowed slice has a cap below 0: its items are another slice's, of an
 * array with room for -cap of them, and it is valid as long as that. Appending
 * to it copies them into an array of its own, so unlike in Go it never writes
 * into the other's. Like in Go a small part of a large array keeps all of it
 * from being freed as long as the part is needed: name_copy, then free the
 * large one. Where that was forgotten `weir retained` says which arrays of 64
 * KiB and more only small parts lead to: it knows a borrowed slice by its cap.
 *
 * Units: items. Threads: one at a time. Ownership: the caller's, until
 * name_free. Errors: WEIR_ENOMEM, and nothing has changed. Misuse: a part that
 * is not inside stops the program with a sentence. Cost: append is constant
 * over many.
 */
#ifndef WEIR_SLICE_H
#define WEIR_SLICE_H

#include <stddef.h>
#include <string.h>
#include <weir/alloc.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An array and its room. Given and returned by value, so that a slice whose
 * address nobody takes can live in registers. */
struct weir_slice_array {
    void *at;
    ptrdiff_t cap;
};

/* The array of len items of so many bytes with room for `more` behind them; at
 * is NULL: no memory. A borrowed one is copied into its own. */
struct weir_slice_array weir_slice_grow(struct weir_slice_array a, size_t len,
                                        size_t more, size_t item_bytes,
                                        const weir_alloc *alloc);
/* The array cut to len items. */
struct weir_slice_array weir_slice_shrink(struct weir_slice_array a, size_t len,
                                          size_t item_bytes,
                                          const weir_alloc *alloc);
/* Stops the program unless from <= to <= len. */
void weir_slice_bounds(size_t from, size_t to, size_t len);

#ifdef __cplusplus
}
#endif

#define WEIR_SLICE(name, T)                                                    \
    struct name {                                                              \
        T *at;                                                                 \
        size_t len;                                                            \
        ptrdiff_t cap;                                                         \
        const weir_alloc *alloc;                                               \
    };                                                                         \
    WEIR_INLINE weir_err name##_reserve(struct name *s, size_t more)           \
    {                                                                          \
        struct weir_slice_array a = {s->at, s->cap};                           \
                                                                               \
        if (s->cap >= 0 && s->len <= (size_t)s->cap &&                         \
            more <= (size_t)s->cap - s->len)                                   \
            return WEIR_OK;                                                    \
        a = weir_slice_grow(a, s->len, more, sizeof(T), s->alloc);             \
        if (a.at == NULL)                                                      \
            return WEIR_ENOMEM;                                                \
        s->at = (T *)a.at;                                                     \
        s->cap = a.cap;                                                        \
        return WEIR_OK;                                                        \
    }                                                                          \
    WEIR_INLINE weir_err name##_append(struct name *s, T item)                 \
    {                                                                          \
        if (__builtin_expect((ptrdiff_t)s->len >= s->cap, 0) &&                \
            name##_reserve(s, 1) != WEIR_OK)                                   \
            return WEIR_ENOMEM;                                                \
        s->at[s->len++] = item;                                                \
        return WEIR_OK;                                                        \
    }                                                                          \
    WEIR_INLINE weir_err name##_append_all(struct name *s, const T *items,     \
                                           size_t n)                           \
    {                                                                          \
        if (n == 0)                                                            \
            return WEIR_OK;                                                    \
        if (name##_reserve(s, n) != WEIR_OK)                                   \
            return WEIR_ENOMEM;                                                \
        memcpy((void *)(s->at + s->len), (const void *)items, n * sizeof(T));  \
        s->len += n;                                                           \
        return WEIR_OK;                                                        \
    }                                                                          \
    WEIR_INLINE struct name name##_slice(const struct name *s, size_t from,    \
                                         size_t to)                            \
    {                                                                          \
        struct name part = *s;                                                 \
                                                                               \
        weir_slice_bounds(from, to, s->len);                                   \
        part.at = from == to ? NULL : s->at + from;                            \
        part.len = to - from;                                                  \
        part.cap = from == to ? 0 : s->cap > 0 ? -s->cap : s->cap;             \
        return part;                                                           \
    }                                                                          \
    WEIR_INLINE weir_err name##_copy(const struct name *s, size_t from,        \
                                     size_t to, struct name *out)              \
    {                                                                          \
        struct name part = name##_slice(s, from, to);                          \
                                                                               \
        if (part.len != 0 && name##_reserve(&part, 0) != WEIR_OK)              \
            return WEIR_ENOMEM;                                                \
        *out = part;                                                           \
        return WEIR_OK;                                                        \
    }                                                                          \
    WEIR_INLINE void name##_cut(struct name *s, size_t len)                    \
    {                                                                          \
        struct weir_slice_array a = {s->at, s->cap};                           \
                                                                               \
        a = weir_slice_shrink(a, len, sizeof(T), s->alloc);                    \
        s->at = (T *)a.at;                                                     \
        s->cap = a.cap;                                                        \
    }                                                                          \
    WEIR_INLINE void name##_clip(struct name *s)                               \
    {                                                                          \
        if ((ptrdiff_t)s->len < s->cap)                                        \
            name##_cut(s, s->len);                                             \
    }                                                                          \
    WEIR_INLINE void name##_reset(struct name *s)                              \
    {                                                                          \
        s->len = 0;                                                            \
    }                                                                          \
    WEIR_INLINE void name##_free(struct name *s)                               \
    {                                                                          \
        s->len = 0;                                                            \
        if (s->cap > 0)                                                        \
            name##_cut(s, 0);                                                  \
        s->at = NULL;                                                          \
        s->cap = 0;                                                            \
    }                                                                          \
    struct name

#endif
