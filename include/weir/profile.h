/* Profiles: who allocates, and who holds what was allocated.
 *
 *     int fd = open("heap.pb", O_WRONLY | O_CREAT | O_TRUNC, 0600);
 *     weir_err err = weir_profile_write(fd, "heap");
 *     close(fd);
 *
 *     $ weir top heap.pb         or         $ go tool pprof -top heap.pb
 *
 * Blocks are sampled by bytes: one about every weir_profile_rate() bytes is
 * recorded with its call stack, always, also in production. The written
 * values are estimates for all blocks, without bias. Rate 1 records every
 * block, 0 none.
 *
 * The file is pprof's profile.proto, not compressed and without names (the
 * library links libc only); readers find names by the modules' build ids.
 * `weir` and libweir-serve write the same with names and inlined frames.
 *
 * Threads: any. Not in signal handlers. Nothing is allocated on the heap.
 */
#ifndef WEIR_PROFILE_H
#define WEIR_PROFILE_H

#include <stdint.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Write a profile to fd. name: "heap" (in use first), "allocs" (everything
 * ever allocated first) or "threadcreate". WEIR_ENOENT: no such profile;
 * WEIR_ENOTSUP: this process has no region; WEIR_EIO: see errno. */
weir_err weir_profile_write(int fd, const char *name);

/* The mean number of bytes between two samples now. */
uint64_t weir_profile_rate(void);

/* Set it, for allocations from now on; each thread follows at its next
 * sample. What was sampled before keeps its own rate. */
void weir_profile_set_rate(uint64_t bytes);

#ifdef __cplusplus
}
#endif
#endif
