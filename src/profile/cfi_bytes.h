/* Reading the encodings of .eh_frame from a bounded run of bytes.
 *
 *     struct wr_cfi_bytes in = {start, end, true};
 *     uint64_t n = wr_cfi_uleb(&in);
 *     if (!in.ok) ...   // ran out, now or at any read before
 *
 * A read past the end yields 0 and clears ok for good, so a parser checks
 * once after several reads.
 * Threads: a cursor belongs to whoever declared it.
 */
#ifndef WR_PROFILE_CFI_BYTES_H
#define WR_PROFILE_CFI_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wr_cfi_bytes {
    const uint8_t *at, *end;
    bool ok;
};

/* How a pointer is written (DW_EH_PE_*): a form in the low four bits, what
 * it is relative to in the next three. */
enum {
    WR_PE_ABSPTR = 0x00,
    WR_PE_ULEB128 = 0x01,
    WR_PE_UDATA2 = 0x02,
    WR_PE_UDATA4 = 0x03,
    WR_PE_UDATA8 = 0x04,
    WR_PE_SLEB128 = 0x09,
    WR_PE_SDATA2 = 0x0a,
    WR_PE_SDATA4 = 0x0b,
    WR_PE_SDATA8 = 0x0c,
    WR_PE_FORM = 0x0f,
    WR_PE_PCREL = 0x10,
    WR_PE_DATAREL = 0x30,
    WR_PE_BASE = 0x70,
    WR_PE_INDIRECT = 0x80,
    WR_PE_OMIT = 0xff,
};

static inline size_t
wr_cfi_left(const struct wr_cfi_bytes *in)
{
    return (size_t)(in->end - in->at);
}

/* Moves past n bytes; NULL (and not ok) when there are fewer. */
static inline const uint8_t *
wr_cfi_take(struct wr_cfi_bytes *in, uint64_t n)
{
    const uint8_t *p = in->at;

    if (!in->ok || n > wr_cfi_left(in)) {
        in->ok = false;
        return NULL;
    }
    in->at += n;
    return p;
}

/* A little-endian number of 1, 2, 4 or 8 bytes. */
static inline uint64_t
wr_cfi_unsigned(struct wr_cfi_bytes *in, unsigned bytes)
{
    uint64_t value = 0;
    const uint8_t *p = wr_cfi_take(in, bytes);

    if (p)
        memcpy(&value, p, bytes);
    return value;
}

static inline int64_t
wr_cfi_signed(struct wr_cfi_bytes *in, unsigned bytes)
{
    unsigned unused = 64 - 8 * bytes;

    return (int64_t)(wr_cfi_unsigned(in, bytes) << unused) >> unused;
}

uint64_t wr_cfi_uleb(struct wr_cfi_bytes *in);
int64_t wr_cfi_sleb(struct wr_cfi_bytes *in);

/* An address in the given encoding; data is what WR_PE_DATAREL counts from.
 * Encodings that need more context than this are refused. */
uintptr_t wr_cfi_pointer(struct wr_cfi_bytes *in, uint8_t encoding,
                         const uint8_t *data);

#endif
