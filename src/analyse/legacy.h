/* Old profiles, most of them text: what /debug/pprof/...?debug=1 of Go programs
 * and of Weir, the dumps of gperftools, and those of jemalloc look like.
 *
 *     heap profile: 1: 64 [3: 192] @ heap/1048576     and so on
 *     heap_v2/524288                                  (jemalloc)
 *     goroutine profile: total 4                      and other counts
 *     --- contention:                                 and mutex
 *
 * Rows give return addresses; comment lines after a row ("#\t0x12\tf+0x2...")
 * give names, which are kept. A section MAPPED_LIBRARIES gives the mappings.
 * Heap rows that were sampled are scaled to estimates, by their mean size.
 * Threads: any. Ownership: *out is the caller's.
 */
#ifndef WR_ANALYSE_LEGACY_H
#define WR_ANALYSE_LEGACY_H

#include "analyse/profile.h"

bool wr_legacy_recognise(const char *bytes, size_t length);
int wr_legacy_decode(struct wr_profile **out, const char *bytes, size_t length,
                     char *why, size_t n);

/* gperftools' CPU profiles, which are binary (legacy_cpu.c). */
bool wr_legacy_cpu_recognise(const void *bytes, size_t length);
int wr_legacy_cpu_decode(struct wr_profile **out, const void *bytes,
                         size_t length, char *why, size_t n);

/* Add the mapping that a line as in /proc/PID/maps tells of, if it is of
 * code; and the one that an address lies in, or WR_NONE. */
void wr_legacy_mapping(struct wr_profile *p, char *line);
uint32_t wr_legacy_mapping_of(const struct wr_profile *p, uint64_t address);

/* 1 / (1 - exp(-size / rate)): how many blocks of that size a sampled one
 * stands for. 1 when every block is recorded. */
double wr_sampling_scale(double size, double rate);
/* Nearest integer; what does not fit becomes the largest that does. */
int64_t wr_round(double value);

/* Allocator entry points, as a regular expression for drop_frames. */
extern const char wr_allocator_frames[];

#endif
