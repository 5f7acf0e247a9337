/* The stacks of the threads in a core, by libdwfl.
 *
 * Invariants:
 * 1. Files are looked for on this machine under the name that the core has for
 *    them, and nobody is asked for others.
 */
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "analyse/core_inside.h"

/* Where a frame's lowest byte is, as DWARF numbers the register. */
static const unsigned sp_register[] = {7, 31}; /* by core.c's machines */

static int
find_file(Dwfl_Module *module, void **userdata, const char *name,
          Dwarf_Addr base, char **file, Elf **elf)
{
    struct stat st;
    (void)module, (void)userdata, (void)base, (void)elf;
    if (name[0] != '/' || stat(name, &st) != 0 || !S_ISREG(st.st_mode))
        return -1;
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    *file = fd >= 0 ? strdup(name) : NULL;
    return fd;
}

static int
find_no_debug(Dwfl_Module *module, void **userdata, const char *name,
              Dwarf_Addr base, const char *file, const char *link,
              GElf_Word checksum, char **found)
{
    (void)module, (void)userdata, (void)name, (void)base, (void)file;
    (void)link, (void)checksum, (void)found;
    return -1;
}

struct walk {
    struct wr_core *c;
    struct wr_core_thread *thread;
};

static int
take_frame(Dwfl_Frame *frame, void *walk)
{
    struct walk *w = walk;
    struct wr_core_thread *t = w->thread;
    Dwarf_Addr pc;
    Dwarf_Word sp;
    bool exact;
    if (t->frames == WR_SNAPSHOT_FRAMES || !dwfl_frame_pc(frame, &pc, &exact) ||
        dwfl_frame_reg(frame, sp_register[w->c->machine], &sp) != 0)
        return DWARF_CB_ABORT;
    t->frame[t->frames++] = (struct wr_snapshot_frame){pc + exact, sp};
    return DWARF_CB_OK;
}

static int
take_thread(Dwfl_Thread *thread, void *walk)
{
    struct walk *w = walk;
    for (size_t i = 0; i < w->c->thread_count; i++)
        if (w->c->threads[i].tid == (uint32_t)dwfl_thread_tid(thread)) {
            w->thread = &w->c->threads[i];
            (void)dwfl_thread_getframes(thread, take_frame, walk);
        }
    return DWARF_CB_OK;
}

/* What cannot be unwound has no frames. */
void
wr_core_unwind(struct wr_core *c)
{
    static const Dwfl_Callbacks callbacks = {.find_elf = find_file,
                                             .find_debuginfo = find_no_debug};
    struct walk w = {c, NULL};
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)c->bytes, c->length);
    Dwfl *dwfl = elf ? dwfl_begin(&callbacks) : NULL;
    if (dwfl && dwfl_core_file_report(dwfl, elf, NULL) > 0 &&
        dwfl_report_end(dwfl, NULL, NULL) == 0 &&
        dwfl_core_file_attach(dwfl, elf) > 0)
        (void)dwfl_getthreads(dwfl, take_thread, &w);
    if (dwfl)
        dwfl_end(dwfl);
    elf_end(elf);
}
