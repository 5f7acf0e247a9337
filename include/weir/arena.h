/* Arenas: many small blocks that are given back together.
 *
 *     struct weir_arena a;
 *
 *     weir_arena_init(&a, NULL, 0);
 *     struct node *n = weir_arena_take(&a, sizeof *n);
 *     ...
 *     struct weir_arena_mark before = weir_arena_save(&a);
 *     parse(line, &a);
 *     weir_arena_back(&a, before);         all that was taken since is free
 *     ...
 *     weir_arena_reset(&a);                all of it; the memory is kept
 *     weir_arena_fini(&a);                 and goes back
 *
 * A block costs an addition: the arena cuts it from a chunk, of which each is
 * twice as large as the last one, to 256 KiB. There is no free for one block.
 * Savepoints nest: going back to one ends those made after it.
 *
 * Containers take an arena through weir_arena_alloc. There a block that grows
 * grows in place when it was the last, and is copied else; the old one stays
 * until the arena goes back.
 *
 * Units: bytes. Threads: one at a time. Ownership: the arena's, until back,
 * reset or fini. Misuse: going back to a savepoint that is gone stops the
 * program with a sentence. Cost: constant, but for a chunk's allocation.
 */
#ifndef WEIR_ARENA_H
#define WEIR_ARENA_H

#include <stddef.h>
#include <weir/alloc.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_arena_chunk;

/* To be read only by the functions here. */
struct weir_arena {
    char *at, *end; /* what is free of the newest chunk */
    struct weir_arena_chunk *chunk, *spare;
    size_t next; /* bytes of the next chunk */
    const weir_alloc *from;
    weir_alloc alloc;
};

struct weir_arena_mark {
    struct weir_arena_chunk *chunk;
    char *at;
};

/* Chunks come from `from`, the first with so many bytes (0: 4096), when it is
 * needed. The arena may not be moved once weir_arena_alloc was asked. */
void weir_arena_init(struct weir_arena *a, const weir_alloc *from,
                     size_t first_chunk);
void weir_arena_fini(struct weir_arena *a);
/* Everything taken is free; the chunks are kept for what follows. */
void weir_arena_reset(struct weir_arena *a);

/* Where the newest chunk has not so much left. */
void *weir_arena_more(struct weir_arena *a, size_t bytes);

/* A block, not cleared, at a multiple of 16; NULL: no memory. */
static inline void *
weir_arena_take(struct weir_arena *a, size_t bytes)
{
    size_t n = (bytes + 15) & ~(size_t)15;
    char *p = a->at;

    if (n < bytes || n == 0 || n > (size_t)(a->end - p))
        return weir_arena_more(a, bytes);
    a->at = p + n;
    return p;
}

/* A copy of the n bytes at p with a NUL behind them; NULL: no memory. */
char *weir_arena_text(struct weir_arena *a, const char *p, size_t n);

struct weir_arena_mark weir_arena_save(const struct weir_arena *a);
void weir_arena_back(struct weir_arena *a, struct weir_arena_mark mark);

/* Bytes of its chunks, spare ones too. */
size_t weir_arena_bytes(const struct weir_arena *a);

/* The arena as an allocator; lives as long as it. */
const weir_alloc *weir_arena_alloc(struct weir_arena *a);

#ifdef __cplusplus
}
#endif
#endif
