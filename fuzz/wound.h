/* Damage, for targets whose input is a list of wounds to something honest: 2
 * bytes of offset and the 8 put there, both lowest byte first, as often as
 * wanted. */
#ifndef WEIR_FUZZ_WOUND_H
#define WEIR_FUZZ_WOUND_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WOUND_BYTES 10

static inline uint64_t
little_endian(const uint8_t *p, size_t n)
{
    uint64_t value = 0;

    while (n-- > 0)
        value = value << 8 | p[n];
    return value;
}

static inline void
wound(void *bytes, size_t count, const uint8_t *data, size_t size)
{
    for (; count > 0 && size >= WOUND_BYTES;
         data += WOUND_BYTES, size -= WOUND_BYTES) {
        size_t at = (size_t)little_endian(data, 2) % count;

        memcpy((uint8_t *)bytes + at, data + 2,
               count - at < 8 ? count - at : 8);
    }
}

#endif
