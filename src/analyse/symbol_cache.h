/* Names found before, on disk: what a symboliser looked up in a file is kept
 * under the file's build id, so that the next one, also of another process,
 * opens neither the program nor its debug information for it.
 *
 *     struct wr_cache *n = wr_cache_load(build_id);       // NULL: none kept
 *     uint64_t address = wr_cache_address(n, file_offset);
 *     int frames = wr_cache_frames(n, address, f);         // -1: not kept
 *     wr_cache_free(n);
 *
 * The files lie in $XDG_CACHE_HOME/weir (else ~/.cache/weir), mode 0600 in a
 * directory 0700 that must be ours. They are written whole and then renamed,
 * so two writers do no harm: one of them wins. One that is damaged, or of
 * another version, counts as none. All of them together stay below
 * WR_CACHE_MAX; those that were not used for longest go first.
 * Build ids: hexadecimal. Addresses: the file's own.
 * Threads: one at a time per wr_cache. Ownership: texts live until the names
 * are freed.
 */
#ifndef WR_ANALYSE_SYMBOL_CACHE_H
#define WR_ANALYSE_SYMBOL_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "analyse/dwarf.h"
#include "analyse/symbol.h"

#define WR_CACHE_MAX     (64u << 20) /* bytes of all files */
#define WR_CACHE_PLACES  65536u      /* addresses kept of one file */
#define WR_CACHE_VERSION 1u          /* raise it when names change their look */

struct wr_cache;

/* Code of a file: where offsets of the file are loaded. */
struct wr_code_segment {
    uint64_t offset, bytes, address;
};

/* What is known of an address: frames, innermost first, or none. */
struct wr_place {
    uint64_t address;
    const struct wr_frame *frames;
    uint32_t count;
};

/* What was looked up in a file. */
struct wr_found {
    const struct wr_code_segment *segments;
    struct wr_place *places; /* will be sorted */
    uint32_t segment_count, count;
};

struct wr_cache *wr_cache_load(const char *build_id);
void wr_cache_free(struct wr_cache *n);

/* Where an offset of a file is loaded, or 0. */
uint64_t wr_code_address(const struct wr_code_segment *s, uint32_t count,
                         uint64_t offset);
uint64_t wr_cache_address(const struct wr_cache *n, uint64_t offset);
/* How many frames there are at an address; -1: it is not kept. */
int wr_cache_frames(const struct wr_cache *n, uint64_t address,
                    struct wr_frame f[WR_DWARF_FRAMES]);
/* Keep what was found, and what `old` (it may be NULL) has besides. What cannot
 * be written is not kept: nobody needs to know. */
void wr_cache_save(const char *build_id, const struct wr_cache *old,
                   const struct wr_found *found);

#endif
