/* Odd pointers. */
#include "mark/odd.h"

#include "base/base.h"

enum { TOP = WR_ODD_BITS - 8 };

static uint64_t secret;

void
wr_odd_start(void)
{
    secret = wr_cpu_secret();
}

struct wr_odd
wr_odd_in(uintptr_t low, uintptr_t bytes)
{
    uintptr_t last = bytes > 0 ? low + bytes - 1 : low;

    return (struct wr_odd){
        .secret = secret,
        .low = low,
        .bytes = bytes,
        .address = wr_odd_address_bits(last),
        .top = (low >> TOP & 0xff) * UINT64_C(0x0101010101010101),
        .mixed = low >> TOP != last >> TOP,
    };
}

/* What begins at byte i of a word, and ends in the next. */
static uintptr_t
across(uintptr_t word, uintptr_t next, unsigned i)
{
    return word >> 8 * i | next << (64 - 8 * i);
}

unsigned
wr_odd_find(const struct wr_odd *o, uintptr_t word, uintptr_t next,
            uintptr_t address[WR_ODD_MOST])
{
    unsigned n = 0;

    for (unsigned i = 1; i < sizeof word; i++) {
        uintptr_t value = across(word, next, i);

        if (value - o->low < o->bytes)
            address[n++] = value;
    }
    WR_ASSERT(n < WR_ODD_MOST);
    return n;
}
