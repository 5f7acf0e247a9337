/* A core, as those files see it that read it (analyse/core.h).
 *
 * Ownership: all of it is the core's; texts are its bytes.
 */
#ifndef WR_ANALYSE_CORE_INSIDE_H
#define WR_ANALYSE_CORE_INSIDE_H

#include <stddef.h>
#include <stdint.h>
#include "analyse/core.h"
#include "region/guide.h"
#include "region/snapshot.h"

enum { WR_CORE_THREADS = 4096, WR_CORE_FILES = 8192 };
enum { WR_CORE_REGISTERS = 34 }; /* of a thread, at most */

struct wr_core_part {
    uint64_t from, end;      /* addresses */
    const unsigned char *at; /* what is in the core of it: the first bytes */
    uint64_t bytes;
    uint32_t flags; /* PF_R, PF_W, PF_X */
};

struct wr_core_file {
    uint64_t from, end, offset;
    const char *path;
};

struct wr_core_thread {
    uint32_t tid;
    uint64_t sp, storage; /* storage: of its control block; 0: not known */
    uint64_t words[WR_CORE_REGISTERS];
    unsigned count;            /* of words */
    const unsigned char *wide; /* vector registers, as the kernel has them */
    size_t wide_bytes;
    uint32_t frames;
    struct wr_snapshot_frame frame[WR_SNAPSHOT_FRAMES];
};

struct wr_core {
    const unsigned char *bytes; /* the file */
    size_t length;
    size_t machine; /* of core.c's table */
    struct wr_core_part *parts;
    size_t part_count;
    struct wr_core_file files[WR_CORE_FILES];
    size_t file_count;
    struct wr_core_thread threads[WR_CORE_THREADS]; /* [0]: who died */
    size_t thread_count;
    struct wr_guide guide;
};

/* Find the frames of all threads (core_frames.c). */
void wr_core_unwind(struct wr_core *c);

/* So many bytes of the program's memory; NULL: they are not in the core. */
const void *wr_core_at(const struct wr_core *c, uint64_t address,
                       uint64_t bytes);
/* The number there, of at most 8 bytes; 0 where it is not in the core. */
uint64_t wr_core_word(const struct wr_core *c, uint64_t address,
                      unsigned bytes);

#endif
