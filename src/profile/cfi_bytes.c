/* Variable-length numbers and encoded pointers.
 *
 * Invariants
 * 1. No byte at or past the cursor's end is read.
 * 2. Bits of a number past the 64th are dropped, not shifted out of range.
 */
#include "profile/cfi_bytes.h"

/* The groups of seven bits of a LEB128 number; *bits is how many it had. */
static uint64_t
groups(struct wr_cfi_bytes *in, unsigned *bits, bool *negative)
{
    uint64_t value = 0;
    const uint8_t *p;

    *bits = 0;
    *negative = false;
    do {
        p = wr_cfi_take(in, 1);
        if (!p)
            return 0;
        if (*bits < 64)
            value |= (uint64_t)(*p & 0x7f) << *bits;
        *bits += 7;
        *negative = *p & 0x40;
    } while (*p & 0x80);
    return value;
}

uint64_t
wr_cfi_uleb(struct wr_cfi_bytes *in)
{
    unsigned bits;
    bool negative;

    return groups(in, &bits, &negative);
}

int64_t
wr_cfi_sleb(struct wr_cfi_bytes *in)
{
    unsigned bits;
    bool negative;
    uint64_t value = groups(in, &bits, &negative);

    if (negative && bits < 64)
        value |= UINT64_MAX << bits;
    return (int64_t)value;
}

static uint64_t
form(struct wr_cfi_bytes *in, uint8_t encoding)
{
    switch (encoding & WR_PE_FORM) {
    case WR_PE_ABSPTR:
    case WR_PE_UDATA8:
    case WR_PE_SDATA8:
        return wr_cfi_unsigned(in, 8);
    case WR_PE_ULEB128:
        return wr_cfi_uleb(in);
    case WR_PE_UDATA2:
        return wr_cfi_unsigned(in, 2);
    case WR_PE_UDATA4:
        return wr_cfi_unsigned(in, 4);
    case WR_PE_SLEB128:
        return (uint64_t)wr_cfi_sleb(in);
    case WR_PE_SDATA2:
        return (uint64_t)wr_cfi_signed(in, 2);
    case WR_PE_SDATA4:
        return (uint64_t)wr_cfi_signed(in, 4);
    default:
        in->ok = false;
        return 0;
    }
}

uintptr_t
wr_cfi_pointer(struct wr_cfi_bytes *in, uint8_t encoding, const uint8_t *data)
{
    uintptr_t here = (uintptr_t)in->at;
    uint64_t value;

    if (encoding & WR_PE_INDIRECT) {
        in->ok = false;
        return 0;
    }
    value = form(in, encoding);
    switch (encoding & WR_PE_BASE) {
    case 0:
        return value;
    case WR_PE_PCREL:
        return here + value;
    case WR_PE_DATAREL:
        return (uintptr_t)data + value;
    default:
        in->ok = false;
        return 0;
    }
}
