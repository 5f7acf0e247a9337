/* Maps: making and dropping tables, hashing of bytes.
 *
 * 1. tags[0 .. 16 * groups - 1], then the slots, are one block; groups is a
 *    power of two. Without a table mask and left are 0.
 * 2. left <= 14 * groups - full - gone: a sixteenth is empty at least, which
 *    is what ends every probe.
 */
#include <weir/map.h>

#include <sys/auxv.h>

#include "base/base.h"

enum { FILL = WEIR_MAP_GROUP * 7 / 8, PAGE = 4096 /* at least */ };

/* Not to be guessed from outside: the kernel's 16 random bytes, and where the
 * first table lies. */
static uint64_t
seed_for(const void *table)
{
    uint64_t word[2];
    const void *random = (const void *)getauxval(AT_RANDOM);

    word[0] = word[1] = 0;
    if (random != NULL)
        memcpy(word, random, sizeof word);
    return weir_hash_word((uintptr_t)table ^ word[0], word[1]) | 1;
}

static size_t
block_bytes(size_t groups, size_t slot_bytes)
{
    return groups * WEIR_MAP_GROUP * (1 + slot_bytes);
}

WR_EXPORT weir_err
weir_map_make(struct weir_map_table *t, size_t entries, size_t slot_bytes,
              const weir_alloc *alloc)
{
    size_t groups = 1;
    uint8_t *tags;

    if (entries > PTRDIFF_MAX / 4 / (slot_bytes + 1))
        return WEIR_ENOMEM;
    while (groups * FILL < entries)
        groups *= 2;
    tags = weir_alloc_resize(alloc, NULL, 0, block_bytes(groups, slot_bytes));
    if (tags == NULL)
        return WEIR_ENOMEM;
    t->tags = tags;
    t->mask = groups - 1;
    if (t->seed == 0)
        t->seed = seed_for(tags);
    weir_map_clear(t);
    return WEIR_OK;
}

WR_EXPORT void
weir_map_drop(struct weir_map_table *t, size_t slot_bytes,
              const weir_alloc *alloc)
{
    if (t->tags != NULL)
        weir_alloc_resize(alloc, t->tags, block_bytes(t->mask + 1, slot_bytes),
                          0);
    *t = (struct weir_map_table){.seed = t->seed};
}

WR_EXPORT void
weir_map_clear(struct weir_map_table *t)
{
    if (t->tags == NULL)
        return;
    memset(t->tags, WEIR_MAP_EMPTY, (t->mask + 1) * WEIR_MAP_GROUP);
    t->left = (t->mask + 1) * FILL;
}

/* ---- hashing ---- */

#define MIXER UINT64_C(0xe7037ed1a0b428db)

static uint64_t
word_at(const unsigned char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

/* The last 0 to 8 bytes, of n in all, as a word. */
static uint64_t
tail_of(const unsigned char *p, size_t n)
{
    uint32_t low, high;

    if (n >= 8)
        return word_at(p + n - 8);
    if (n >= 4) {
        memcpy(&low, p, 4);
        memcpy(&high, p + n - 4, 4);
        return (uint64_t)high << 32 | low;
    }
    if (n == 0)
        return 0;
    return (uint64_t)p[0] << 16 | (uint64_t)p[n / 2] << 8 | p[n - 1];
}

/* Word by word, each folded into what came before by a long product. */
WR_EXPORT uint64_t
weir_hash_bytes(const void *bytes, size_t n, uint64_t seed)
{
    const unsigned char *p = bytes;
    uint64_t hash = seed ^ n * UINT64_C(0xa0761d6478bd642f);
    size_t at = 0;

    if (wr_likely(n <= 8))
        return weir_hash_word(tail_of(p, n), hash);
    for (; n - at > 8; at += 8)
        hash = weir_hash_word(word_at(p + at), hash);
    hash = weir_hash_word(word_at(p + n - 8), hash);
    return weir_hash_word(hash, MIXER);
}

/* A text that goes on to the next page, or ends where this one does. */
static WR_COLD uint64_t
hash_across(const char *text, uint64_t seed)
{
    size_t n = 8;

    for (; n == 8; text += n) {
        uint64_t word = 0;

        n = strnlen(text, sizeof word);
        memcpy(&word, text, n);
        seed = weir_hash_word(word, seed);
    }
    return seed;
}

/* Eight characters at a time, and zeros from the text's end on. To know the
 * length first would be another wait for the text: they are read at once,
 * though it may end before them; what lies behind it on its page is there to be
 * read, and is masked off. The lowest 0x80 of `zeros` is that of the first zero
 * byte. */
WR_EXPORT __attribute__((no_sanitize("address", "thread"))) uint64_t
weir_hash_text(const char *text, uint64_t seed)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word, zeros = 0;

    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
                   "the first character is the lowest byte");
    for (; zeros == 0; text += sizeof word) {
        if (wr_unlikely((uintptr_t)text % PAGE > PAGE - sizeof word))
            return hash_across(text, seed);
        memcpy(&word, text, sizeof word);
        zeros = (word - ones) & ~word & ones << 7;
        if (zeros != 0)
            word &= zeros ^ (zeros - 1);
        seed = weir_hash_word(word, seed);
    }
    return seed;
}
