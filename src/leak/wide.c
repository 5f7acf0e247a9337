/* Wide registers. */
#include "leak/wide.h"

#include "os/regs.h"
#include "profile/unwind_full.h"
#include "profile/unwind_module.h"
#include "world/stop.h"

struct look {
    struct wr_unwind_module module; /* that made the system call */
    bool first, left;               /* the first frame; the module is left */
};

static bool
has_no_wide_code(const struct look *look, uintptr_t pc)
{
    struct wr_cfi_code code;

    return wr_cfi_find(&look->module.cfi, pc, &code) && code.start < code.end &&
           code.end <= look->module.cfi.end &&
           !wr_regs_may_be_wide_code((const uint8_t *)code.start,
                                     (const uint8_t *)code.end);
}

/* What a handler returns to finds its registers again. */
static bool
passes(const struct wr_unwind_frame *f, void *arg)
{
    struct look *look = arg;
    const struct wr_cfi_module *m = &look->module.cfi;
    uintptr_t pc = f->pc - !look->first;

    look->first = false;
    if (f->interrupted)
        return false;
    look->left = pc - m->start >= m->end - m->start;
    return !look->left && has_no_wide_code(look, pc);
}

bool
wr_wide_may_be_used(const struct wr_stopped *t, const struct wr_regs *regs)
{
    struct look look = {.first = true};
    struct wr_regs up = *regs;

    if (t->answered != WR_HELD ||
        !wr_regs_held_in_call((const uintptr_t *)t->frame) ||
        !wr_unwind_module_find(regs->pc, &look.module))
        return true;
    wr_unwind_up(&up, passes, &look);
    return !look.left;
}
