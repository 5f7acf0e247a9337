/* The roots: all memory through which a program could still find a block,
 * but the heap itself.
 *
 * That is everything it may write: data of all loaded files, stacks, storage
 * of threads, what it mapped itself, libc's and the loader's own. Left out is
 * Weir's own memory, and of the stack of a thread that stands still the part
 * that is not in use: what returned functions left there.
 *
 * Pages that were never touched are not read: a program may reserve more than
 * the machine has. Of mapped files the pages that are in memory are read, and
 * WR_ROOTS_FETCH bytes of those that are on disk alone.
 *
 * Registers are memory too: of a stopped thread the kernel saved them on a
 * stack. So is what the kernel keeps to give it back; that, and what is in
 * memory of shared mappings, was read early (leak/early.h), or is when it was
 * not.
 */
#ifndef WR_LEAK_ROOTS_H
#define WR_LEAK_ROOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/watch.h"

#define WR_ROOTS_FETCH ((uint64_t)256 << 20)

struct wr_stop;

/* Call visit with each part, every byte of which can be read. The visit must
 * not map memory. false: the system does not show the mappings, or a part
 * could not be read. s may be NULL. */
bool wr_roots_each(const struct wr_stop *s,
                   void (*visit)(uintptr_t from, uintptr_t end, void *arg),
                   void *arg);
/* Bytes of mapped files that the last walk did not read: an address there was
 * not seen. */
uint64_t wr_roots_unread(void);

/* Tracts: large memory that the program mapped for itself, no file's, no
 * stack. The kernel can watch it (os/watch.h), so that it can be seen before
 * the program stands still. */
enum { WR_ROOTS_TRACTS = 256 }; /* at most; the others are roots like all */
#define WR_ROOTS_TRACT_LEAST ((size_t)1 << 20) /* bytes */
#define WR_ROOTS_TRACT_MOST  ((size_t)1 << 34)

struct wr_roots_seen {
    size_t count;
    struct wr_os_stretch part[WR_ROOTS_TRACTS];
    struct wr_os_stretch mapping[WR_ROOTS_TRACTS]; /* that it is part of */
};

void wr_roots_find_tracts(const struct wr_stop *s, struct wr_roots_seen *out);
/* Bytes of mapped files that it may write, in memory or not. false: the system
 * does not show the mappings. */
bool wr_roots_files(uint64_t *bytes);

/* As wr_roots_each, without the tracts that were seen. */
bool wr_roots_rest(const struct wr_stop *s, const struct wr_roots_seen *seen,
                   void (*visit)(uintptr_t from, uintptr_t end, void *arg),
                   void *arg);

/* Of the same what is the process's own, in memory or swapped out: no shared
 * memory, nothing that is as it is in a file, nothing the kernel keeps. seen
 * may be NULL. */
bool wr_roots_own(const struct wr_stop *s, const struct wr_roots_seen *seen,
                  void (*visit)(uintptr_t from, uintptr_t end, void *arg),
                  void *arg);

/* The same as wr_roots_each, with what each part is. */
enum wr_root_kind {
    WR_ROOT_MEMORY = 1,
    WR_ROOT_REGISTERS, /* of a stopped thread */
    WR_ROOT_KEPT       /* a word that the kernel keeps */
};

struct wr_root {
    uintptr_t from, end; /* where it can be read */
    enum wr_root_kind kind;
    uint32_t tid; /* of registers */
    uintptr_t at; /* of memory: where the program has it */
};

bool wr_roots_walk(const struct wr_stop *s,
                   void (*visit)(const struct wr_root *part, void *arg),
                   void *arg);

/* The part of it that is read early: of shared memory what is there, at most so
 * many bytes. false: that was not all of it. */
bool wr_roots_shared(uint64_t most,
                     void (*visit)(const struct wr_root *part, void *arg),
                     void *arg);

#endif
