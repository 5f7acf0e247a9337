/* The loaded code that recorded stacks run through, written in the region.
 *
 * A module is noted when a new stack touches it, by asking the dynamic loader
 * in a way that takes no lock; so nothing needs to be told about dlopen.
 * Threads: any. Allocates nothing.
 */
#ifndef WR_PROFILE_MODULE_H
#define WR_PROFILE_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_text;

/* Note the modules of these return addresses that are not noted yet. */
void wr_module_note(const uintptr_t *pc, size_t n);
/* The same in a signal handler, which may have interrupted the holder of the
 * lock: while that is held, nothing is noted. */
void wr_module_try_note(const uintptr_t *pc, size_t n);
/* Something was unloaded: look which noted modules are gone. */
void wr_module_unloaded(void);
/* No module of this stack has gone since counters.unloads was `unloads`. */
bool wr_module_unchanged(const uintptr_t *pc, size_t n, uint32_t unloads);
/* Weir's own code; its frames are left out of stacks. */
extern uintptr_t wr_module_weir_start, wr_module_weir_end;
/* Remember where that is. */
void wr_module_start(void);

static inline bool
wr_module_is_weir(uintptr_t pc)
{
    return pc - wr_module_weir_start <
           wr_module_weir_end - wr_module_weir_start;
}

/* Add "file+0xoffset" for an address. */
void wr_module_name(struct wr_text *t, uintptr_t pc);

#endif
