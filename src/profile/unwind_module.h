/* Which module an address lies in, and whether it is still the same one.
 *
 *     struct wr_unwind_module m;
 *     if (wr_unwind_module_find(pc, &m))
 *         number = wr_unwind_module_number(&m);
 *     ...
 *     later, for another pc that a note says is in module `number`:
 *     wr_unwind_module_find(pc, &m) && wr_unwind_module_is(&m, number)
 *
 * Modules present at wr_unwind_module_init stay for ever and have number 0:
 * no question to ask. Any other may go, and another may come to its place,
 * without anybody telling us (libc unloads its own plug-ins by itself). So
 * each gets a small number whose entry in a table holds the module's
 * identity, a hash of all that tells modules apart; a note with that number
 * is good as long as the module now found at the address has this identity.
 *
 * Threads and signals: no locks; may be called from anywhere.
 */
#ifndef WR_PROFILE_UNWIND_MODULE_H
#define WR_PROFILE_UNWIND_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/cfi.h"

enum { WR_UNWIND_MODULE_BITS = 8 };

struct wr_unwind_module {
    struct wr_cfi_module cfi;
    uint64_t identity; /* 0: permanent */
};

/* Remembers the modules loaded now as permanent. */
void wr_unwind_module_init(void);

/* false: no module is there, or the system cannot say without a lock. */
bool wr_unwind_module_find(uintptr_t pc, struct wr_unwind_module *module);

/* The number notes about this module carry, below
 * 1 << WR_UNWIND_MODULE_BITS. */
unsigned wr_unwind_module_number(const struct wr_unwind_module *module);

/* Is this the module that notes with this number are about? */
bool wr_unwind_module_is(const struct wr_unwind_module *module,
                         unsigned number);

/* From now on no module has the identity it had. True if a permanent module
 * has gone against expectation: notes with number 0 are worthless too. */
bool wr_unwind_module_flush(void);

#endif
