/* A program file or shared library, opened to give names to addresses: its
 * DWARF (inside, or in a separate debug file) and its symbol table.
 *
 *     struct wr_binary *b = wr_binary_open("/usr/bin/redis-server", "");
 *     size_t n = wr_binary_frames(b, wr_binary_address(b, offset), f);
 *     wr_binary_close(b);
 *
 * Addresses are the file's own, as nm prints them. Threads: one at a time.
 * Ownership: names live until the binary is closed.
 */
#ifndef WR_ANALYSE_BINARY_H
#define WR_ANALYSE_BINARY_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include "analyse/dwarf.h"
#include "analyse/symbol_cache.h"

#define WR_BINARY_SEGMENTS 8 /* of code; files have one or two */

struct wr_binary;

/* NULL: no such file, not ELF, or its build id is another than the one asked
 * for ("" asks for none). "[vdso]" is that of this machine's kernel. */
struct wr_binary *wr_binary_open(const char *path, const char *build_id);
/* The same, with the debug file that goes with it and the file that this one
 * shares with others, where none is found on this machine. One with another
 * build id is not used; NULL: there is none. */
struct wr_binary *wr_binary_open_with(const char *path, const char *build_id,
                                      const char *debug_file,
                                      const char *shared_file);
void wr_binary_close(struct wr_binary *b);

/* The file as libdwfl has it, whose addresses are by *bias higher. */
Dwfl_Module *wr_binary_module(const struct wr_binary *b, uint64_t *bias);

bool wr_binary_has_lines(const struct wr_binary *b);
/* The build id of a shared debug file that is not here: without it names are
 * missing; "": none. */
const char *wr_binary_lacks(const struct wr_binary *b);
/* The address where an offset of the file is loaded, or 0. */
uint64_t wr_binary_address(const struct wr_binary *b, uint64_t offset);
/* Its code; how many segments there are. */
uint32_t wr_binary_segments(const struct wr_binary *b,
                            struct wr_code_segment s[WR_BINARY_SEGMENTS]);
/* Frames at an address, innermost first; without DWARF one frame that has no
 * file and line. A function without a name is called by its place,
 * "redis-server@0x4a3f0". 0: nothing is known. */
size_t wr_binary_frames(struct wr_binary *b, uint64_t address,
                        struct wr_dwarf_frame f[WR_DWARF_FRAMES]);

#endif
