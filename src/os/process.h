/* The process as a whole: its threads, its mappings, a copy of it.
 *
 * As os.h: one file per system, callable from anywhere, no allocation, no
 * lock, errno is kept.
 */
#ifndef WR_OS_PROCESS_H
#define WR_OS_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The ids of all threads, in any order: how many there are, of which those
 * that fit are stored; 0: the system does not say. */
size_t wr_os_threads(uint32_t *tid, size_t room);
/* Queue a signal with that word to a thread of this process; the receiver sees
 * si_code SI_QUEUE. false: there is no such thread. It may not arrive though,
 * where the system has no room for it. */
bool wr_os_signal(uint32_t tid, int number, uintptr_t word);

/* The processors the calling thread may run on; 1 where that is not known. */
unsigned wr_os_cpus(void);

/* From now on the calling thread takes shorter turns on a processor, and so
 * gets its next one sooner: for who is waited for. A copy does not. Not every
 * system knows it (Linux since 6.12). */
void wr_os_be_quick(void);

/* How often the calling thread has gone to sleep by itself. */
uint64_t wr_os_switches(void);

/* Hold a thread of another process (a helper's parent) where it is: what was
 * stored is words[0 .. all): its registers, first the general ones, then the
 * wide ones, and of the values of signals that wait for it. false: not allowed,
 * or it did not stop until then (wr_os_monotonic). It goes on when told or when
 * the caller ends. */
struct wr_os_held_words {
    uintptr_t sp;
    size_t wide, signals, all; /* where each begins, and the end */
};
bool wr_os_hold(uint32_t tid, uint64_t until, uintptr_t *words, size_t room,
                struct wr_os_held_words *out);
void wr_os_let_go(uint32_t tid);
/* This process lets that one hold its threads. */
void wr_os_be_held_by(uint32_t pid);

/* Does that thread block the signal just now? 1, 0; -1: it is gone. */
int wr_os_blocks(uint32_t tid, int number);

/* A copy of the process, made by one thread, which goes on in it: 0 in the
 * copy, its pid in the original, negative when refused. Memory is copied when
 * either writes. No handler of fork runs, the program's wait() does not see
 * it, it shares the caller's descriptors, is the first to go when memory
 * is short and dies with the caller. It must end by wr_os_end. */
long wr_os_copy(void);
/* From now on the calling thread, and those it makes, run at low priority. */
void wr_os_be_nice(void);
_Noreturn void wr_os_end(int status);
/* Its exit status, -1 when it was killed; -2: it still runs; -3: it did what
 * the system ends processes for. */
int wr_os_copy_ended(long pid);
void wr_os_copy_kill(long pid);

/* The mappings of the process, one after the other; begin with *next 0. It
 * reads a file that the system makes up: what changes meanwhile may or may
 * not be seen. false: there are no more, or it cannot be known. */
struct wr_os_mapping {
    uintptr_t from, end;
    bool readable, writable, shared;
    bool file;   /* of one: bytes behind its end cannot be read */
    bool memory; /* of that file nothing is on disk: it is shared memory */
    bool main_stack, device;
    bool requests; /* the kernel's answers to what it was asked for (aio) */
};
struct wr_os_mappings {
    int file; /* -1: it could not be opened */
    size_t have, at;
    char text[4096];
};
bool wr_os_mappings_open(struct wr_os_mappings *m);
bool wr_os_mappings_next(struct wr_os_mappings *m, struct wr_os_mapping *out);
void wr_os_mappings_close(struct wr_os_mappings *m);

/* Copy memory of this process that may not be readable: so many bytes were
 * read before the first that is not. */
size_t wr_os_peek(uintptr_t from, void *to, size_t bytes);

/* The same of memory that not even the process may read just now. */
size_t wr_os_peek_hidden(uintptr_t from, void *to, size_t bytes);

/* The data of the library that this code is in is Weir's own too; nothing
 * where it is part of a program. */
void wr_os_note_library(void);

/* Where Weir's own memory is written down, for who reads a core. An entry with
 * end 0 is nobody's. */
enum { WR_OS_OWN = 4096 };
struct wr_os_own {
    _Atomic uintptr_t from, end;
};
extern struct wr_os_own wr_os_own[WR_OS_OWN];

/* Words of Weir's own that lead to the program's blocks: what it was given to
 * hand back. Who looks for leaks leaves them out like all that is Weir's; who
 * frees what nobody reaches must not. The i-th; false: there are no more. Of
 * those noted twice one counts; there is room for a few. */
void wr_os_note_lent(const void *from, size_t bytes);
bool wr_os_lent(unsigned i, uintptr_t *from, uintptr_t *end);

/* Weir's own memory: what the calls of os.h have mapped. Cut the first part of
 * [*from, end) that is not: *from and *part_end are its bounds. false: there
 * is none. */
bool wr_os_not_ours(uintptr_t *from, uintptr_t *part_end, uintptr_t end);

#endif
