/* Where a container takes its memory from.
 *
 *     struct ints squares = {0};            malloc: an allocator of NULL
 *
 *     weir_alloc counted;
 *     weir_alloc_budget(&counted, requests);
 *     struct ints others = {.alloc = &counted};
 *
 * An allocator is one function with an argument. Containers of Weir take a
 * pointer to one and keep it: NULL is malloc's, weir_arena_alloc gives an
 * arena's (arena.h), weir_alloc_gc the collector's, weir_alloc_budget one that
 * reserves each byte in a budget and is refused beyond its limit. Any other is
 * a function away:
 *
 *     static void *
 *     resize(void *heap, void *p, size_t old_bytes, size_t bytes)
 *
 * makes a block of bytes where p is NULL; gives p back where bytes is 0, and
 * answers NULL; and else makes p's block, of which old_bytes were asked, that
 * long, moving it if need be. NULL for bytes above 0: there is no memory, and
 * p is as it was. Blocks begin at multiples of 16.
 *
 * Units: bytes. Threads: those of the function; malloc's and a budget's take
 * any. Ownership: the allocator must outlive what was made with it. Memory of
 * the NULL allocator is the program's own malloc's, whichever that is, so
 * what a container gives away may be given to free().
 */
#ifndef WEIR_ALLOC_H
#define WEIR_ALLOC_H

#include <stddef.h>
#include <weir/budget.h>
#include <weir/error.h>

/* Before functions that a macro declares: not all of them are used. */
#define WEIR_INLINE __attribute__((unused)) static inline

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_alloc {
    void *(*resize)(void *arg, void *p, size_t old_bytes, size_t bytes);
    void *arg;
} weir_alloc;

/* Ask an allocator, as above; a may be NULL. */
void *weir_alloc_resize(const weir_alloc *a, void *p, size_t old_bytes,
                        size_t bytes);

/* malloc's memory, reserved in b as long as it is held. WEIR_EINVAL: out or b
 * is NULL. */
weir_err weir_alloc_budget(weir_alloc *out, weir_budget *b);

/* Collected memory (gc.h): what a container made with it and was forgotten with
 * the container is found by the next cycle; what is given back is free at
 * once. */
const weir_alloc *weir_alloc_gc(void);

#ifdef __cplusplus
}
#endif
#endif
