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

/* Of the same what is the process's own, in memory or swapped out: no shared
 * memory, nothing that is as it is in a file, nothing the kernel keeps. */
bool wr_roots_own(const struct wr_stop *s,
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
