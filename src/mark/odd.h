/* Odd pointers: addresses that no word of memory is as it stands, and yet a
 * program may keep nothing else of a block.
 *
 *     struct wr_odd odd = wr_odd_in(low, bytes);      of the heap
 *     if (wr_odd_may(&odd, word, next))               rarely
 *         n = wr_odd_find(&odd, word, next, address);
 *
 * Those are they that do not begin where words do, as in packed structures, and
 * those with other bits above the address, as interpreters have that keep a
 * type there. (Of pointers to the end of a block, and with bits in the lowest
 * of it, mark.h tells.) Bytes that are none make a search keep some block,
 * never call too many lost.
 *
 * And those that libc mangles: setjmp() stores some registers turned and
 * flipped by a secret of the process, so a context that waits to be jumped to
 * may have the only address of a block.
 *
 * Every word of a heap is asked, so the question has to be short: all
 * addresses of the heap have the same topmost byte, as a rule, and where none
 * of the bytes has that value at which an odd address would have it, there is
 * none.
 */
#ifndef WR_MARK_ODD_H
#define WR_MARK_ODD_H

#include <stdbool.h>
#include <stdint.h>

#include "os/cpu.h"

enum {
    WR_ODD_BITS = 48, /* of an address */
    WR_ODD_MOST = 8   /* that begin in a word */
};

/* The bits that addresses up to that one have: where the system gives none
 * above 2^47, programs keep a type in the 48th, too. */
static inline uintptr_t
wr_odd_address_bits(uintptr_t last)
{
    uintptr_t bits = (UINT64_C(1) << WR_ODD_BITS) - 1;

    return last > bits / 2 ? bits : bits / 2;
}

struct wr_odd {
    uint64_t secret;      /* wr_cpu_secret, as of wr_odd_start */
    uintptr_t low, bytes; /* addresses in [low, low + bytes) */
    uintptr_t address;    /* the bits that addresses here have */
    uint64_t top;         /* their topmost byte, eight times */
    bool mixed;           /* they have more than one */
};

/* Once, at start, on a thread of libc's. */
void wr_odd_start(void);

struct wr_odd wr_odd_in(uintptr_t low, uintptr_t bytes);

/* Of an address that begins at byte i, 1 to 7, the topmost one is at i + 5:
 * those seven side by side. */
static inline uint64_t
wr_odd_tops(uintptr_t word, uintptr_t next)
{
    return word >> 48 | next << 16;
}

/* May such an address begin in word, which next follows, and not fill it?
 * false: none does. */
static inline bool
wr_odd_may(const struct wr_odd *o, uintptr_t word, uintptr_t next)
{
    uint64_t differ = wr_odd_tops(word, next) ^ o->top;
    uint64_t zero = (differ - UINT64_C(0x0101010101010101)) & ~differ;

    return (zero & UINT64_C(0x0080808080808080)) != 0 || o->mixed;
}

/* The same of a word that has other bits above an address. */
static inline bool
wr_odd_is_tagged(const struct wr_odd *o, uintptr_t word)
{
    return word > o->address && (word & o->address) - o->low < o->bytes;
}

/* The same of one that libc has mangled. */
static inline bool
wr_odd_is_mangled(const struct wr_odd *o, uintptr_t word)
{
    return wr_cpu_unmangled(word, o->secret) - o->low < o->bytes;
}

/* The addresses that begin in word, at any byte but its first: how many. */
unsigned wr_odd_find(const struct wr_odd *o, uintptr_t word, uintptr_t next,
                     uintptr_t address[WR_ODD_MOST]);

#endif
