/* Maps: hash tables in groups of sixteen ("Swiss tables", as Go's maps are).
 *
 *     WEIR_MAP(ages, const char *, int, weir_hash_text, weir_same_text);
 *
 *     struct ages m = {0};
 *     int *age;
 *     size_t at = 0;
 *
 *     ages_reserve(&m, 1000);                   if that many are to come
 *     if ((age = ages_put(&m, "Ada")) == NULL)
 *         return WEIR_ENOMEM;
 *     *age = 36;
 *     if ((age = ages_get(&m, "Ada")) != NULL)
 *         printf("%d\n", *age);
 *     for (struct ages_slot *s; (s = ages_next(&m, &at)) != NULL;)
 *         if (s->value > 100)
 *             ages_delete(&m, s->key);
 *     ages_free(&m);
 *
 * WEIR_MAP(name, K, V, HASH, SAME) declares struct name, struct name_slot with
 * a key and a value, and static inline functions:
 *
 *     V *name_get(m, key)          its value; NULL: not there
 *     V *name_put(m, key)          the same, of a new entry if need be, whose
 *                                  value is all zero; NULL: no memory
 *     bool name_delete(m, key)     was it there?
 *     struct name_slot *name_next(m, &at)   the next entry; NULL: no more
 *     weir_err name_reserve(m, more)        room for so many entries more
 *     void name_reset(m)           no entries, the room is kept
 *     void name_free(m)            no entries, no room
 *
 * HASH(key, seed) gives 64 bits, SAME(a, b) whether two keys are one; for
 * words, pointers and strings they are below. Keys are kept as they are: the
 * text that a const char * points to must live as long as its entry.
 *
 * All zero is an empty map; `alloc` may be set before the first entry, `len`
 * is how many there are. The order of entries means nothing, and each map has
 * a seed of its own, so that nobody can choose keys that all collide.
 *
 * While iterating any entry may be deleted; one that was not met yet is not
 * met then. Addresses of values are valid until their entry is deleted or
 * another put; deleting moves nothing. What is put while iterating may be met
 * or not as long as there was room for it (name_reserve); if the table had to
 * grow, begin again.
 *
 * Threads: any number may get, or one may change. Ownership: keys and values
 * are the caller's. Cost: constant; a table is at most 7/8 full, grows to
 * twice, and is swept of what deletions left when that is enough.
 */
#ifndef WEIR_MAP_H
#define WEIR_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <weir/alloc.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_MAP_GROUP 16
#define WEIR_MAP_EMPTY 0x80 /* tags; seven bits of the hash where full */
#define WEIR_MAP_GONE  0xfe

struct weir_map_table {
    uint8_t *tags; /* a byte for each slot; the slots come behind them */
    size_t mask;   /* groups - 1 */
    size_t left;   /* empty slots that may be filled */
    uint64_t seed;
};

/* A table without entries, for so many. */
weir_err weir_map_make(struct weir_map_table *t, size_t entries,
                       size_t slot_bytes, const weir_alloc *alloc);
void weir_map_drop(struct weir_map_table *t, size_t slot_bytes,
                   const weir_alloc *alloc);
void weir_map_clear(struct weir_map_table *t);

uint64_t weir_hash_bytes(const void *bytes, size_t n, uint64_t seed);
/* Reads a text by eight characters, so up to seven behind its end; never on
 * another page. */
uint64_t weir_hash_text(const char *text, uint64_t seed);

static inline uint64_t
weir_hash_word(uint64_t word, uint64_t seed)
{
    __extension__ unsigned __int128 product =
        (unsigned __int128)(word ^ seed) * UINT64_C(0xd6e8feb86659fd93);

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t
weir_hash_pointer(const void *p, uint64_t seed)
{
    return weir_hash_word((uintptr_t)p, seed);
}

#define weir_same_word(a, b)    ((a) == (b)) /* pointers, too */
#define weir_same_text(a, b)    ((a) == (b) || strcmp(a, b) == 0)
#define weir_same_pointer(a, b) ((a) == (b))

typedef uint8_t weir_map_tags __attribute__((vector_size(WEIR_MAP_GROUP)));

/* One bit for each slot of a group: has it this tag? */
static inline unsigned
weir_map_with(const uint8_t *group, uint8_t tag)
{
#ifdef __SSE2__
    typedef char bytes __attribute__((vector_size(WEIR_MAP_GROUP)));
    weir_map_tags all = *(const weir_map_tags *)group;

    return (unsigned)__builtin_ia32_pmovmskb128((bytes)(all == tag));
#else
    unsigned bits = 0;

    for (unsigned i = 0; i < WEIR_MAP_GROUP; i++)
        bits |= (unsigned)(group[i] == tag) << i;
    return bits;
#endif
}

/* ... is it empty, or its entry gone? */
static inline unsigned
weir_map_unused(const uint8_t *group)
{
#ifdef __SSE2__
    typedef char bytes __attribute__((vector_size(WEIR_MAP_GROUP)));

    return (unsigned)__builtin_ia32_pmovmskb128(*(const bytes *)group);
#else
    unsigned bits = 0;

    for (unsigned i = 0; i < WEIR_MAP_GROUP; i++)
        bits |= (unsigned)(group[i] >> 7) << i;
    return bits;
#endif
}

/* The number of the slot that a key of this hash gets; there is one. */
static inline size_t
weir_map_claim(struct weir_map_table *t, uint64_t hash)
{
    size_t group = (hash >> 7) & t->mask, step = 0, i;
    unsigned unused;

    while ((unused = weir_map_unused(t->tags + group * WEIR_MAP_GROUP)) == 0)
        group = (group + ++step) & t->mask;
    i = group * WEIR_MAP_GROUP + (unsigned)__builtin_ctz(unused);
    t->left -= t->tags[i] == WEIR_MAP_EMPTY;
    t->tags[i] = hash & 127;
    return i;
}

/* A slot's entry goes. Probes went past its group only if that was full. */
static inline void
weir_map_release(struct weir_map_table *t, size_t i)
{
    const uint8_t *group = t->tags + i / WEIR_MAP_GROUP * WEIR_MAP_GROUP;
    bool passed = weir_map_with(group, WEIR_MAP_EMPTY) == 0;

    t->tags[i] = passed ? WEIR_MAP_GONE : WEIR_MAP_EMPTY;
    t->left += !passed;
}

/* The number of the first full slot from `at` on; SIZE_MAX: none. */
static inline size_t
weir_map_full(const struct weir_map_table *t, size_t at)
{
    size_t group = at / WEIR_MAP_GROUP;
    unsigned from = ~0u << at % WEIR_MAP_GROUP;

    for (; t->tags != NULL && group <= t->mask; group++, from = ~0u) {
        unsigned full =
            ~weir_map_unused(t->tags + group * WEIR_MAP_GROUP) & from & 0xffff;

        if (full != 0)
            return group * WEIR_MAP_GROUP + (unsigned)__builtin_ctz(full);
    }
    return SIZE_MAX;
}

/* The k-th slot in an order in which neighbours are of different groups. Keys
 * of one group go to two groups of a table of twice the size; put there one
 * after the other each would wait for the last one's tag to be written. */
static inline size_t
weir_map_apart(const struct weir_map_table *t, size_t k)
{
    size_t groups = t->mask < 7 ? t->mask + 1 : 8, within;

    within = k & (groups * WEIR_MAP_GROUP - 1);
    return k - within + (within & (groups - 1)) * WEIR_MAP_GROUP +
           (within >> __builtin_ctzll(groups));
}

#ifdef __cplusplus
}
#endif

#include <weir/map_typed.h>

#endif
