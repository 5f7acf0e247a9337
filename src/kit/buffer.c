/* Buffers: growing, and what is not done for each byte.
 *
 * 1. Once there is a block: len < cap == held, at[len] is NUL. Only after a
 *    failure cap == len, so that nothing fits and every call comes here.
 */
#include <weir/buffer.h>

#include "base/base.h"
#include "kit/grow.h"

WR_EXPORT weir_err
weir_buffer_reserve(struct weir_buffer *b, size_t more)
{
    size_t need, to;
    char *at;

    if (b->err != WEIR_OK)
        return b->err;
    if (more < b->cap - b->len)
        return WEIR_OK;
    to = __builtin_add_overflow(b->len + 1, more, &need)
             ? 0
             : wr_kit_grow(b->cap, need, 1);
    at = to == 0 ? NULL : weir_alloc_resize(b->alloc, b->at, b->held, to);
    if (at == NULL) {
        b->cap = b->len;
        return b->err = WEIR_ENOMEM;
    }
    at[b->len] = '\0';
    b->at = at;
    b->cap = b->held = to;
    return WEIR_OK;
}

WR_EXPORT void
weir_buffer_reset(struct weir_buffer *b)
{
    b->cap = b->held;
    b->err = WEIR_OK;
    weir_buffer_cut(b, 0);
}

WR_EXPORT void
weir_buffer_free(struct weir_buffer *b)
{
    const weir_alloc *alloc = b->alloc;

    if (b->at != NULL)
        weir_alloc_resize(alloc, b->at, b->held, 0);
    *b = (struct weir_buffer){.alloc = alloc};
}

WR_EXPORT char *
weir_buffer_detach(struct weir_buffer *b, size_t *bytes)
{
    char *at;

    if (b->err != WEIR_OK || weir_buffer_reserve(b, 0) != WEIR_OK)
        return NULL;
    at = b->at;
    if (bytes != NULL)
        *bytes = b->held;
    *b = (struct weir_buffer){.alloc = b->alloc};
    return at;
}

WR_EXPORT void
weir_buffer_drop(struct weir_buffer *b, size_t n)
{
    n = wr_min(n, b->len);
    if (n != 0)
        memmove(b->at, b->at + n, b->len - n);
    weir_buffer_cut(b, b->len - n);
}

WR_EXPORT void
weir_buffer_cut(struct weir_buffer *b, size_t n)
{
    b->len = wr_min(n, b->len);
    if (b->err != WEIR_OK)
        b->cap = b->len;
    if (b->at != NULL)
        b->at[b->len] = '\0';
}

WR_EXPORT weir_err
weir_buffer_add_int(struct weir_buffer *b, int64_t n)
{
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    char digits[20], *at = digits + sizeof digits;

    do
        *--at = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (n < 0)
        *--at = '-';
    return weir_buffer_add(b, at, (size_t)(digits + sizeof digits - at));
}
