/* The contract with the operating system: all of it, for the runtime.
 *
 * One file per system implements it (linux.c). Every call may be made from
 * anywhere: before main, in signal handlers, in a forked child; none
 * allocates, takes a lock of libc or changes errno. Failure is a return
 * value, never a message.
 * Units: bytes (multiples of wr_os_page_bytes where memory is concerned),
 * nanoseconds.
 */
#ifndef WR_OS_OS_H
#define WR_OS_OS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory. Address space is reserved (no access, no cost), then committed
 * (readable, writable, zero), and its pages may be released: they read as
 * zero when next touched. */
void *wr_os_reserve(size_t bytes); /* NULL: refused */
bool wr_os_commit(void *p, size_t bytes);
bool wr_os_release(void *p, size_t bytes);
/* Ask for huge pages there, or for none. false: the system knows none. */
bool wr_os_huge(void *p, size_t bytes, bool on);
/* Move the pages of from (committed, whole) to `to` (committed, as large),
 * without copying; from reads as zero after. false: nothing has changed. */
bool wr_os_move(void *from, void *to, size_t bytes);
/* Reserve and commit in one: for tables. NULL: refused. */
void *wr_os_map(size_t bytes);
/* The same, shared with copies of the process (os/process.h): what one writes
 * all see. */
void *wr_os_map_shared(size_t bytes);
void wr_os_unmap(void *p, size_t bytes);
size_t wr_os_page_bytes(void);

/* A test switch: the n-th following wish for memory is refused, and all
 * after it too when for_ever. 0 switches it off. */
void wr_os_fail_after(unsigned n, bool for_ever);

/* Time, names, chance. */
uint64_t wr_os_realtime(void);
uint64_t wr_os_monotonic(void);
/* The same clock as of the last tick, at most 10 ms ago: no call of the
 * system. */
uint64_t wr_os_monotonic_about(void);
uint32_t wr_os_pid(void);
uint32_t wr_os_tid(void);
uint64_t wr_os_random(void); /* a seed; never 0 */

/* The process whose memory this is, as wr_os_home_set was told; 0: nobody said.
 * A vfork child runs in its parent's memory: it is not at home. */
void wr_os_home_set(void);
uint32_t wr_os_home(void);
bool wr_os_at_home(void);

/* Write all of it to a file descriptor; what fails is dropped. */
void wr_os_write(int fd, const void *p, size_t bytes);
/* Read a small file into buf: bytes read, or -1. */
long wr_os_read_file(const char *path, char *buf, size_t bytes);

/* A new file (0600, must not exist) of that length, all zero: its descriptor,
 * or -1: refused, and no file is left. */
int wr_os_new_file(const char *path, size_t bytes);
/* Write all of it there; the pages are present then. false: no room. */
bool wr_os_write_at(int fd, const void *p, size_t bytes, size_t offset);
/* Map it shared, at `at` in place of what is mapped there, or anywhere when
 * that is NULL. NULL: refused, and nothing has changed. */
void *wr_os_map_file(int fd, size_t bytes, void *at);
void wr_os_close(int fd);
void wr_os_remove(const char *path);
/* In place of what has that name. */
bool wr_os_rename(const char *from, const char *to);
/* Let the mapping at `to` become the one at `from` (which is then gone), of
 * the same length. false: nothing has changed. */
bool wr_os_replace(void *from, void *to, size_t bytes);
/* Make pages of such a mapping present, so that no later touch can fail. */
bool wr_os_populate(void *p, size_t bytes);

/* Sleep until *word differs from value, or somebody wakes it, or the time
 * is over (0: no limit). */
void wr_os_wait(const void *word, uint32_t value, uint64_t ns);
void wr_os_wake(const void *word, int threads);

/* The same of a word that other processes have mapped too: any of them, also
 * one that may only read it, can wake who sleeps. */
void wr_os_wait_shared(const void *word, uint32_t value, uint64_t ns);
void wr_os_wake_shared(const void *word, int threads);

/* A thread of Weir's own: no libc thread, no thread-local storage, all signals
 * blocked; ends with its function or with the process. libc does not know it,
 * so what must hold for all threads (setuid) does not reach it. Starts as all
 * zero; in a forked child, where it does not run, set alive to 0.
 * Its descriptors are its own, of which it has none at first: what it opens
 * takes no number from the program and is not inherited. `apart` says so; the
 * system may not be able to (before Linux 5.9). */
struct wr_os_thread {
    void *memory;           /* its stack, kept for the next start */
    _Atomic uint32_t alive; /* 0: it has ended, or never ran */
    bool apart;             /* known when it runs */
};

/* Run fn(arg) on it; t->alive is 0. fn must only make calls of this header.
 * false: not to be had here. */
bool wr_os_thread_start(struct wr_os_thread *t, void (*fn)(void *), void *arg);
/* The same as a process of its own, which shares the memory: `alive` is its
 * pid, wr_os_copy_ended takes it away. */
bool wr_os_helper_start(struct wr_os_thread *t, void (*fn)(void *), void *arg);
/* Wait until it has ended. */
void wr_os_thread_join(struct wr_os_thread *t);

/* From now on no signal's handler runs on the calling thread, libc's own
 * neither: short times only. What let_go is to be given. */
uint64_t wr_os_signals_hold(void);
void wr_os_signals_let_go(uint64_t held);

/* What the system accounts to this process. */
struct wr_os_usage {
    uint64_t rss;     /* resident bytes; 0: not known */
    uint64_t threads; /* with Weir's own; 0: not known */
    uint64_t minor_faults, major_faults;
    uint64_t cpu_ns; /* user and system, of all threads */
};
/* may_open: a file may be opened for a moment; else less is known. */
void wr_os_usage(struct wr_os_usage *u, bool may_open);
/* Bytes that are resident and could be had back only by ending it: without
 * pages of files. 0: not known. Opens a file for a moment. */
uint64_t wr_os_held(void);
/* The bytes of memory the process may have before the system slows it down or
 * ends it: the lowest limit of its control groups, of either kind, and of those
 * around them. 0: none is known. Opens files for a moment. */
uint64_t wr_os_memory_limit(void);
/* The bytes of memory the process and its copies may still take before the
 * system ends one of them: of its control groups and of the machine, the least.
 * UINT64_MAX: not known. Where it is `enough` or more it need not be exact.
 * Opens files for a moment. */
uint64_t wr_os_memory_left(uint64_t enough);
/* The same read from files below another root (a test's). */
uint64_t wr_os_memory_limit_below(const char *root);
uint64_t wr_os_memory_left_below(const char *root, uint64_t enough);

#endif
