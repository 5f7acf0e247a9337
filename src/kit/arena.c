/* Arenas.
 *
 * 1. chunk is the newest of a list; at and end lie in it. Without one both are
 *    NULL, so nothing fits.
 * 2. Spare chunks are what going back emptied; they are used before new ones.
 */
#include <weir/arena.h>

#include <stdint.h>
#include <string.h>

#include "base/base.h"
#include "base/die.h"

#define FIRST_CHUNK ((size_t)4096)
#define LAST_CHUNK  ((size_t)256 << 10)

struct weir_arena_chunk {
    struct weir_arena_chunk *older;
    size_t bytes; /* with this head */
};

_Static_assert(sizeof(struct weir_arena_chunk) == 16, "blocks stay aligned");

static char *
first_of(struct weir_arena_chunk *c)
{
    return (char *)(c + 1);
}

static char *
end_of(struct weir_arena_chunk *c)
{
    return (char *)c + c->bytes;
}

static void
use_chunk(struct weir_arena *a, struct weir_arena_chunk *c)
{
    a->chunk = c;
    a->at = c == NULL ? NULL : first_of(c);
    a->end = c == NULL ? NULL : end_of(c);
}

static void
free_list(struct weir_arena *a, struct weir_arena_chunk *c)
{
    while (c != NULL) {
        struct weir_arena_chunk *older = c->older;

        weir_alloc_resize(a->from, c, c->bytes, 0);
        c = older;
    }
}

WR_EXPORT void
weir_arena_init(struct weir_arena *a, const weir_alloc *from,
                size_t first_chunk)
{
    if (first_chunk == 0)
        first_chunk = FIRST_CHUNK;
    *a = (struct weir_arena){.from = from, .next = wr_max(first_chunk, 64)};
}

WR_EXPORT void
weir_arena_fini(struct weir_arena *a)
{
    free_list(a, a->chunk);
    free_list(a, a->spare);
    a->chunk = a->spare = NULL;
    a->at = a->end = NULL;
}

/* The first spare chunk that is large enough, off the list. */
static struct weir_arena_chunk *
take_spare(struct weir_arena *a, size_t bytes)
{
    struct weir_arena_chunk **link = &a->spare, *c;

    while ((c = *link) != NULL && c->bytes < bytes)
        link = &c->older;
    if (c != NULL)
        *link = c->older;
    return c;
}

static struct weir_arena_chunk *
new_chunk(struct weir_arena *a, size_t bytes)
{
    struct weir_arena_chunk *c;

    bytes = wr_max(bytes, a->next);
    c = weir_alloc_resize(a->from, NULL, 0, bytes);
    if (c == NULL)
        return NULL;
    c->bytes = bytes;
    if (a->next < LAST_CHUNK)
        a->next *= 2;
    return c;
}

WR_EXPORT void *
weir_arena_more(struct weir_arena *a, size_t bytes)
{
    size_t n = wr_align_up(wr_max(bytes, 1), 16);
    struct weir_arena_chunk *c;

    if (bytes > SIZE_MAX / 2)
        return NULL;
    if (n > (size_t)(a->end - a->at)) { /* not so for a block of no bytes */
        c = take_spare(a, n + sizeof *c);
        if (c == NULL && (c = new_chunk(a, n + sizeof *c)) == NULL)
            return NULL;
        c->older = a->chunk;
        use_chunk(a, c);
    }
    a->at += n;
    return a->at - n;
}

WR_EXPORT char *
weir_arena_text(struct weir_arena *a, const char *p, size_t n)
{
    char *copy = n == SIZE_MAX ? NULL : weir_arena_take(a, n + 1);

    if (copy == NULL)
        return NULL;
    if (n != 0)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

/* ---- going back ---- */

WR_EXPORT struct weir_arena_mark
weir_arena_save(const struct weir_arena *a)
{
    return (struct weir_arena_mark){.chunk = a->chunk, .at = a->at};
}

static _Noreturn void
die_of_mark(void)
{
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, "weir_arena_back: this savepoint is gone: the arena went "
                    "back behind it already");
    wr_die(&t);
}

WR_EXPORT void
weir_arena_back(struct weir_arena *a, struct weir_arena_mark mark)
{
    struct weir_arena_chunk *c = a->chunk;

    while (c != NULL && c != mark.chunk)
        c = c->older;
    if (c != mark.chunk || (c == a->chunk && mark.at > a->at))
        die_of_mark();
    while ((c = a->chunk) != mark.chunk) {
        a->chunk = c->older;
        c->older = a->spare;
        a->spare = c;
    }
    use_chunk(a, mark.chunk);
    a->at = mark.at;
}

WR_EXPORT void
weir_arena_reset(struct weir_arena *a)
{
    weir_arena_back(a, (struct weir_arena_mark){0});
}

WR_EXPORT size_t
weir_arena_bytes(const struct weir_arena *a)
{
    size_t bytes = 0;

    for (struct weir_arena_chunk *c = a->chunk; c != NULL; c = c->older)
        bytes += c->bytes;
    for (struct weir_arena_chunk *c = a->spare; c != NULL; c = c->older)
        bytes += c->bytes;
    return bytes;
}

/* ---- as an allocator ---- */

static bool
is_last(struct weir_arena *a, const char *p, size_t bytes)
{
    return p + wr_align_up(bytes, 16) == a->at;
}

static void *
resize_in_arena(void *arena, void *p, size_t old_bytes, size_t bytes)
{
    struct weir_arena *a = arena;
    void *block;

    if (p != NULL && is_last(a, p, old_bytes) &&
        bytes <= (size_t)(a->end - (char *)p) - 15) {
        a->at = (char *)p + wr_align_up(bytes, 16);
        return bytes == 0 ? NULL : p;
    }
    if (bytes == 0)
        return NULL;
    if (bytes <= old_bytes && p != NULL)
        return p;
    block = weir_arena_take(a, bytes);
    if (block != NULL && p != NULL)
        memcpy(block, p, old_bytes);
    return block;
}

WR_EXPORT const weir_alloc *
weir_arena_alloc(struct weir_arena *a)
{
    a->alloc = (weir_alloc){.resize = resize_in_arena, .arg = a};
    return &a->alloc;
}
