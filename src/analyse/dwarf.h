/* Frames from DWARF: the functions, files and lines of an address, inlined
 * ones too, by an index that is built where it is first needed.
 *
 *     struct wr_dwarf *d = wr_dwarf_new(dw);
 *     struct wr_dwarf_frame f[WR_DWARF_FRAMES];
 *     size_t n = wr_dwarf_frames(d, address, f);
 *     wr_dwarf_free(d);
 *
 * Addresses are those of the debug information. Threads: one at a time per
 * index (libdw's rule). Ownership: the caller keeps dw open; names and files
 * are dw's or the index's and live as long as both do.
 */
#ifndef WR_ANALYSE_DWARF_H
#define WR_ANALYSE_DWARF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <elfutils/libdw.h>

#define WR_DWARF_FRAMES 64 /* inlined functions at one address, at most */

struct wr_dwarf_frame {
    const char *name;    /* as in the source; NULL: not known */
    const char *linkage; /* as the linker knows it, or NULL */
    const char *file;    /* NULL: not known */
    int line;            /* 0: not known */
    uint64_t entry;      /* bytes from the start of the function */
    bool mangles;        /* the language's names are others for the linker */
    const char *whole;   /* the name with the namespaces and classes it is in,
                            where there is no linkage name; or NULL */
};

struct wr_dwarf;

struct wr_dwarf *wr_dwarf_new(Dwarf *dw); /* NULL: no memory */
void wr_dwarf_free(struct wr_dwarf *d);
/* Frames at the address, innermost first: how many, 0 if it is in none. Code
 * that has lines but no functions gives one frame without a name. */
size_t wr_dwarf_frames(struct wr_dwarf *d, uint64_t address,
                       struct wr_dwarf_frame f[WR_DWARF_FRAMES]);

#endif
