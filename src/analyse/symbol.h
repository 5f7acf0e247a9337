/* Symboliser: from an address in a file to functions, files and lines.
 *
 *     struct wr_symboliser *s = wr_symboliser_new();
 *     wr_profile_symbolise(p, s, pid, true);
 *     wr_symboliser_free(s);
 *
 * Names come from DWARF in the file or in its separate debug file (by build
 * id under /usr/lib/debug, by .gnu_debuglink, or from the servers that
 * DEBUGINFOD_URLS names), with inlined frames; where there is none, from the
 * symbol table, without file and line; a function that has no name at all is
 * called by its place, "redis-server@0x4a3f0". Code that a program makes at run
 * time has the names of its perf map.
 *
 * Files are opened when first needed and kept, and every address looked up is
 * remembered: keep one symboliser for the life of a server. What debug
 * information said is also kept on disk (analyse/symbol_cache.h), for other
 * processes.
 *
 * Addresses are those of the call instruction (return address - 1), as
 * profiles hold them. Threads: one at a time per symboliser. Ownership: what
 * is returned lives until the symboliser is freed or asked again.
 */
#ifndef WR_ANALYSE_SYMBOL_H
#define WR_ANALYSE_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_profile;
struct wr_region_view;
struct wr_symboliser;

struct wr_frame {
    const char *name;        /* readable: C++ names demangled */
    const char *system_name; /* as the linker knows it */
    const char *file;        /* "" when not known */
    int64_t line;            /* 0 when not known */
    uint64_t entry;          /* bytes from the function's start */
};

struct wr_symboliser *wr_symboliser_new(void); /* NULL: no memory */
void wr_symboliser_free(struct wr_symboliser *s);

/* A profile waits two seconds for debug files that were not asked for before.
 * What comes later is there for the next profile, which does not wait for it
 * again. This makes it wait so much longer; tell is called when it begins to.
 */
void wr_symboliser_be_patient(struct wr_symboliser *s, unsigned ms,
                              void (*tell)(void));

/* Give every location of p that has none its lines, and set the mappings'
 * has_ flags. pid: the process the profile was taken from, 0: not known. While
 * it runs its files are found also when they were moved or deleted. */
void wr_profile_symbolise(struct wr_profile *p, struct wr_symboliser *s,
                          int pid, bool runs);

/* The name of the function at pc (a call address) in the program of a view,
 * or NULL. For /debug/pprof/symbol. */
const char *wr_symboliser_name(struct wr_symboliser *s,
                               const struct wr_region_view *view, uint64_t pc);

/* Frames at an address of a file, innermost first: how many there are, 0 when
 * nothing is known. The address is the file's own (as nm prints it). */
size_t wr_symboliser_frames(struct wr_symboliser *s, const char *path,
                            uint64_t address, const struct wr_frame **frames);

#endif
