/* Buffers: text and bytes put together piece by piece.
 *
 *     struct weir_buffer b = {0};
 *
 *     weir_buffer_reserve(&b, 4096);              if that much is known to come
 *     weir_buffer_add_text(&b, "{\"names\": [");
 *     for (size_t i = 0; i < n; i++)
 *         weir_buffer_printf(&b, "%s\"%s\"", i > 0 ? ", " : "", name[i]);
 *     weir_buffer_add_text(&b, "]}\n");
 *     if (b.err != WEIR_OK)
 *         return b.err;
 *     write(fd, weir_buffer_text(&b), b.len);
 *     weir_buffer_free(&b);
 *
 * Go's strings.Builder and bytes.Buffer: `len` bytes from `at` on, always with
 * a NUL behind them. All zero is an empty one; `alloc` may be set before the
 * first byte (NULL: malloc). Bytes may have any value.
 *
 * Errors stick: every call answers, but who adds much looks once, at the end.
 * After WEIR_ENOMEM the buffer holds what it held before the call that failed,
 * and takes no more until weir_buffer_reset.
 *
 * Units: bytes. Threads: one at a time. Ownership: the caller's, until
 * weir_buffer_free or weir_buffer_detach. Addresses into it are valid until
 * the next byte is added. Cost: adding is constant a byte over many, at each
 * growth the bytes are copied.
 */
#ifndef WEIR_BUFFER_H
#define WEIR_BUFFER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <weir/alloc.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_buffer {
    char *at; /* NULL: no byte was added yet */
    size_t len;
    size_t cap; /* more than len, once there is one; len: it has failed */
    const weir_alloc *alloc;
    size_t held; /* bytes of the block */
    weir_err err;
};

/* Room for so many bytes more, and a NUL. */
weir_err weir_buffer_reserve(struct weir_buffer *b, size_t more);
/* Empty and without an error; the room is kept. */
void weir_buffer_reset(struct weir_buffer *b);
void weir_buffer_free(struct weir_buffer *b);

/* The block itself, without a copy; the buffer is empty then. Free it as its
 * allocator wants, with *bytes (not asked for with NULL); malloc's by free().
 * NULL: an append has failed, or there is no memory. */
char *weir_buffer_detach(struct weir_buffer *b, size_t *bytes);

/* Forget the first n bytes, or all but the first n; n above len: all, none.
 * Costs a move of what is left. */
void weir_buffer_drop(struct weir_buffer *b, size_t n);
void weir_buffer_cut(struct weir_buffer *b, size_t n);

/* In decimal. */
weir_err weir_buffer_add_int(struct weir_buffer *b, int64_t n);

/* What it holds, as a string; never NULL. */
static inline const char *
weir_buffer_text(const struct weir_buffer *b)
{
    return b->at != NULL ? b->at : "";
}

static inline weir_err
weir_buffer_add(struct weir_buffer *b, const void *bytes, size_t n)
{
    if (__builtin_expect(n >= b->cap - b->len, 0)) {
        weir_err err = weir_buffer_reserve(b, n);

        if (err != WEIR_OK)
            return err;
    }
    if (n != 0)
        memcpy(b->at + b->len, bytes, n);
    b->len += n;
    b->at[b->len] = '\0';
    return WEIR_OK;
}

static inline weir_err
weir_buffer_add_text(struct weir_buffer *b, const char *text)
{
    return weir_buffer_add(b, text, strlen(text));
}

static inline weir_err
weir_buffer_add_byte(struct weir_buffer *b, char byte)
{
    return weir_buffer_add(b, &byte, 1);
}

/* WEIR_EINVAL: a format that vsnprintf refuses; this does not stick. */
__attribute__((format(printf, 2, 0))) static inline weir_err
weir_buffer_vprintf(struct weir_buffer *b, const char *format, va_list args)
{
    va_list again;
    int n;

    va_copy(again, args);
    n = vsnprintf(b->at == NULL ? NULL : b->at + b->len, b->cap - b->len,
                  format, again);
    va_end(again);
    if (n >= 0 && (size_t)n < b->cap - b->len) {
        b->len += (size_t)n;
        return WEIR_OK;
    }
    if (b->at != NULL)
        b->at[b->len] = '\0';
    if (n < 0)
        return WEIR_EINVAL;
    if (weir_buffer_reserve(b, (size_t)n) != WEIR_OK)
        return b->err;
    vsnprintf(b->at + b->len, (size_t)n + 1, format, args);
    b->len += (size_t)n;
    return WEIR_OK;
}

__attribute__((format(printf, 2, 3))) static inline weir_err
weir_buffer_printf(struct weir_buffer *b, const char *format, ...)
{
    va_list args;
    weir_err err;

    va_start(args, format);
    err = weir_buffer_vprintf(b, format, args);
    va_end(args);
    return err;
}

#ifdef __cplusplus
}
#endif
#endif
