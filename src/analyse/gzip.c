/* gzip, by libdeflate. */
#include "analyse/gzip.h"

#include <libdeflate.h>
#include <stdint.h>
#include <stdlib.h>
#include "analyse/store.h"

bool
wr_gzip_is(const void *bytes, size_t length)
{
    const unsigned char *b = bytes;
    return length >= 2 && b[0] == 0x1f && b[1] == 0x8b;
}

struct unpacked {
    unsigned char *bytes;
    size_t length;
    bool no_memory;
};

/* Where to begin: a gzip file ends with the length it unpacks to, which may
 * be a lie, and no byte unpacks to more than about a thousand. */
static size_t
first_room(const unsigned char *packed, size_t n)
{
    size_t says = 0, most = n < WR_GZIP_MAX / 1100 ? n * 1100 : WR_GZIP_MAX;
    for (size_t i = 0; i < 4 && n >= 18; i++)
        says |= (size_t)packed[n - 4 + i] << 8 * i;
    return says < most ? says + 1 : most;
}

/* Unpack one member behind what is unpacked already, into memory that is made
 * larger until it is enough. */
static enum libdeflate_result
unpack(struct libdeflate_decompressor *d, const unsigned char *packed, size_t n,
       struct unpacked *u, size_t *used)
{
    enum libdeflate_result result = LIBDEFLATE_INSUFFICIENT_SPACE;
    size_t start = u->length, length, more = first_room(packed, n);
    size_t room = more < WR_GZIP_MAX - start ? start + more : WR_GZIP_MAX;
    while (result == LIBDEFLATE_INSUFFICIENT_SPACE && !u->no_memory) {
        unsigned char *bigger = realloc(u->bytes, room);
        u->no_memory = !bigger;
        if (!bigger)
            break;
        u->bytes = bigger;
        result = libdeflate_gzip_decompress_ex(d, packed, n, u->bytes + start,
                                               room - start, used, &length);
        if (result == LIBDEFLATE_SUCCESS)
            u->length += length;
        if (room == WR_GZIP_MAX)
            break;
        room = room > WR_GZIP_MAX / 2 ? WR_GZIP_MAX : room * 2;
    }
    return result;
}

/* A gzip file may be several, one after the other. */
static enum libdeflate_result
unpack_all(struct libdeflate_decompressor *d, const unsigned char *packed,
           size_t n, struct unpacked *u)
{
    enum libdeflate_result result;
    size_t at = 0, used = 0;
    do {
        result = unpack(d, packed + at, n - at, u, &used);
        at += used;
    } while (result == LIBDEFLATE_SUCCESS && wr_gzip_is(packed + at, n - at));
    return result;
}

int
wr_gzip_unpack(const void *packed, size_t packed_length, unsigned char **bytes,
               size_t *length, char *why, size_t n)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    enum libdeflate_result result = LIBDEFLATE_BAD_DATA;
    struct unpacked u = {.bytes = NULL};
    if (d)
        result = unpack_all(d, packed, packed_length, &u);
    bool no_memory = !d || u.no_memory;
    libdeflate_free_decompressor(d);
    if (!no_memory && result == LIBDEFLATE_SUCCESS) {
        *bytes = u.bytes;
        *length = u.length;
        return 0;
    }
    free(u.bytes);
    if (no_memory)
        return wr_profile_fail(why, n, "out of memory");
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE)
        return wr_profile_fail(why, n, "the file unpacks to more than 256 MB");
    return wr_profile_fail(why, n, "the gzip data is damaged or cut short");
}
