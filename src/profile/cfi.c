/* From an address to the description of its function.
 *
 * Invariants
 * 1. Bytes are read only inside [module->start, module->end).
 * 2. The search table is sorted by address, as the linker promises; if it is
 *    not, a wrong FDE is found, whose range then does not hold the address,
 *    and the answer is "none".
 */
#include "base/base.h"
#include "profile/cfi.h"
#include "profile/cfi_bytes.h"

/* The table's usual form: pairs of 4-byte offsets from the header. */
enum { TABLE_ENCODING = WR_PE_DATAREL | WR_PE_SDATA4, PAIR_BYTES = 8 };

struct pair {
    int32_t code, fde;
};

static struct pair
pair_at(const uint8_t *table, size_t i)
{
    struct pair pair;

    memcpy(&pair, table + i * PAIR_BYTES, sizeof(pair));
    return pair;
}

/* The last FDE of the table that begins at or before pc. */
static const uint8_t *
search(const uint8_t *header, const uint8_t *table, size_t n, uintptr_t pc)
{
    int64_t wanted = (int64_t)(pc - (uintptr_t)header);
    size_t low = 0;

    while (n > 1) {
        size_t half = n / 2;

        if (pair_at(table, low + half).code <= wanted)
            low += half;
        n -= half;
    }
    if (pair_at(table, low).code > wanted)
        return NULL;
    return header + pair_at(table, low).fde;
}

static bool
inside(const struct wr_cfi_module *module, uintptr_t at)
{
    return at >= module->start && at < module->end;
}

static struct wr_cfi_bytes
bytes_from(const struct wr_cfi_module *module, uintptr_t at)
{
    bool ok = inside(module, at);
    const uint8_t *p = (const uint8_t *)at;

    return (struct wr_cfi_bytes){p, ok ? (const uint8_t *)module->end : p, ok};
}

/* The record (CIE or FDE) at the cursor: its content alone, the cursor past
 * it. Ends with ok false at the terminator or on nonsense. */
static struct wr_cfi_bytes
record(struct wr_cfi_bytes *in)
{
    uint64_t length = wr_cfi_unsigned(in, 4);
    const uint8_t *p;

    if (length == UINT32_MAX)
        length = wr_cfi_unsigned(in, 8);
    p = length ? wr_cfi_take(in, length) : NULL;
    return (struct wr_cfi_bytes){p, p ? p + length : p, p != NULL};
}

/* The augmentation data that the letters announce. Letters not known make
 * the rest unreadable only if they come before ones that matter, so they
 * are refused. */
static bool
augmentation(struct wr_cfi_bytes *in, const uint8_t *letters,
             struct wr_cfi_code *code)
{
    uint64_t length = wr_cfi_uleb(in);
    struct wr_cfi_bytes data = {in->at, in->at, in->ok};
    uint8_t personality;

    if (!wr_cfi_take(in, length))
        return false;
    data.end = in->at;
    for (; *letters; letters++) {
        switch (*letters) {
        case 'R':
            code->pointers = (uint8_t)wr_cfi_unsigned(&data, 1);
            break;
        case 'P': /* an exception's personality routine: step over it */
            personality = (uint8_t)wr_cfi_unsigned(&data, 1);
            wr_cfi_pointer(&data, personality & WR_PE_FORM, NULL);
            break;
        case 'L': /* encoding of exception data, in the FDE behind a length */
            wr_cfi_take(&data, 1);
            break;
        case 'S':
            code->signal = true;
            break;
        case 'B': /* return addresses are signed with the other key */
        case 'G': /* memory tagging frame */
            break;
        default:
            return false;
        }
    }
    return data.ok;
}

/* Fills what the CIE at `at` knows; *augmented when FDEs carry a length of
 * augmentation data too. */
static bool
read_common(const struct wr_cfi_module *module, uintptr_t at,
            struct wr_cfi_code *code, bool *augmented)
{
    struct wr_cfi_bytes in = bytes_from(module, at);
    struct wr_cfi_bytes cie = record(&in);
    const uint8_t *letters;
    uint64_t id = wr_cfi_unsigned(&cie, 4);
    uint64_t version = wr_cfi_unsigned(&cie, 1);
    uint64_t column;

    letters = cie.at;
    while (wr_cfi_unsigned(&cie, 1) != 0)
        continue;
    code->code_unit = wr_cfi_uleb(&cie);
    code->data_unit = wr_cfi_sleb(&cie);
    column = version == 1 ? wr_cfi_unsigned(&cie, 1) : wr_cfi_uleb(&cie);
    if (!cie.ok || id != 0 || (version != 1 && version != 3) ||
        column != WR_REG_RA)
        return false;
    code->pointers = WR_PE_ABSPTR;
    code->signal = false;
    *augmented = *letters == 'z';
    if (*augmented && !augmentation(&cie, letters + 1, code))
        return false;
    if (!*augmented && *letters)
        return false;
    code->common = cie.at;
    code->common_end = cie.end;
    return true;
}

/* The record at *in as an FDE. false: it is a CIE or makes no sense. */
static bool
read_record(const struct wr_cfi_module *module, struct wr_cfi_bytes *in,
            struct wr_cfi_code *code)
{
    struct wr_cfi_bytes fde = record(in);
    uintptr_t here = (uintptr_t)fde.at;
    uint64_t back = wr_cfi_unsigned(&fde, 4);
    bool augmented;

    if (!fde.ok || back == 0 ||
        !read_common(module, here - back, code, &augmented))
        return false;
    code->start = wr_cfi_pointer(&fde, code->pointers, NULL);
    code->end =
        code->start + wr_cfi_pointer(&fde, code->pointers & WR_PE_FORM, NULL);
    if (augmented)
        wr_cfi_take(&fde, wr_cfi_uleb(&fde));
    code->own = fde.at;
    code->own_end = fde.end;
    return fde.ok;
}

/* Without a search table: all of .eh_frame, from its start. */
static bool
scan(const struct wr_cfi_module *module, uintptr_t eh_frame, uintptr_t pc,
     struct wr_cfi_code *code)
{
    struct wr_cfi_bytes in = bytes_from(module, eh_frame);

    while (in.ok && wr_cfi_left(&in) > 4) {
        struct wr_cfi_bytes next = in;

        if (!record(&next).ok)
            return false;
        if (read_record(module, &in, code) && pc >= code->start &&
            pc < code->end)
            return true;
        in = next;
    }
    return false;
}

bool
wr_cfi_find(const struct wr_cfi_module *module, uintptr_t pc,
            struct wr_cfi_code *code)
{
    const uint8_t *header = module->header;
    struct wr_cfi_bytes in = bytes_from(module, (uintptr_t)header);
    uint64_t version = wr_cfi_unsigned(&in, 1);
    uint8_t frame = (uint8_t)wr_cfi_unsigned(&in, 1);
    uint8_t count = (uint8_t)wr_cfi_unsigned(&in, 1);
    uint8_t table = (uint8_t)wr_cfi_unsigned(&in, 1);
    uintptr_t eh_frame = wr_cfi_pointer(&in, frame, header);
    const uint8_t *fde;
    uint64_t n;

    if (!in.ok || version != 1)
        return false;
    if (count == WR_PE_OMIT || table != TABLE_ENCODING)
        return scan(module, eh_frame, pc, code);
    n = wr_cfi_pointer(&in, count, header);
    if (!in.ok || n == 0 || n > wr_cfi_left(&in) / PAIR_BYTES)
        return false;
    fde = search(header, in.at, n, pc);
    in = bytes_from(module, (uintptr_t)fde);
    return read_record(module, &in, code) && pc >= code->start &&
           pc < code->end;
}
