/* Keys that are bytes: hashed, compared and copied without a call where they
 * are words, as many are.
 */
#ifndef WR_KIT_KEY_H
#define WR_KIT_KEY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <weir/map.h>

static inline bool
wr_kit_same_key(const void *a, const void *b, size_t bytes)
{
    uint64_t x, y;

    if (bytes != sizeof x)
        return memcmp(a, b, bytes) == 0;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x == y;
}

static inline uint64_t
wr_kit_hash_key(const void *key, size_t bytes, uint64_t seed)
{
    uint64_t word;

    if (bytes != sizeof word)
        return weir_hash_bytes(key, bytes, seed);
    memcpy(&word, key, sizeof word);
    return weir_hash_word(word, seed);
}

static inline void
wr_kit_copy_key(void *to, const void *from, size_t bytes)
{
    if (bytes == sizeof(uint64_t))
        memcpy(to, from, sizeof(uint64_t));
    else
        memcpy(to, from, bytes);
}

#endif
