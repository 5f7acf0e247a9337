/* What the workloads of bench_alloc share.
 *
 *     static void
 *     run_mine(struct load *l)
 *     {
 *         for (uint64_t i = 0; i < l->wanted; i++)
 *             l->sum += block_give(block_take(64, i), 64);
 *         l->ops += l->wanted;
 *     }
 *
 * A workload does the same work whatever the allocator: its numbers come from
 * rnd_next() with fixed seeds, and l->sum, which is computed from what it wrote
 * into its blocks and read back, is the same on every run. Tables of its own
 * come from own_map(), not from malloc, and are taken off the peak.
 * One operation is one block allocated and, sooner or later, freed; or one
 * realloc. Units: bytes, nanoseconds, KiB where the name says so.
 * Threads: a workload's threads each have a struct part of their own.
 */
#ifndef BENCH_ALLOC_LOAD_H
#define BENCH_ALLOC_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct load {
    uint64_t wanted;  /* operations, about */
    size_t bytes;     /* of a block; 0: a mix of sizes */
    int threads;      /* 1: the calling one only */
    const char *file; /* of a replay */
    uint64_t ops;     /* done */
    uint64_t sum;     /* of what was read back */
};

struct workload {
    const char *name, *group;
    void (*run)(struct load *l);
    uint64_t wanted; /* at scale 1: about half a second on libc's malloc */
    size_t bytes;
    int threads;
    const char *says;
};

/* Each ends with an entry without a name. */
extern const struct workload single_workloads[];
extern const struct workload thread_workloads[];
extern const struct workload memory_workloads[];
void run_loop(struct load *l);
void run_replay(struct load *l);

/* Say what went wrong and end with status 1. */
_Noreturn __attribute__((format(printf, 1, 2))) void load_die(const char *how,
                                                              ...);
/* Say why it cannot be measured here and end with status 77. */
_Noreturn void load_skip(const char *why);

/* What went before is not to be measured, neither time nor peak. */
void load_begin(void);
/* The figures since load_begin. */
struct figures {
    double cpu_ns, wall_ns;
    long peak_kib; /* largest resident set, less own tables */
};
void load_end(struct figures *f);

/* Zeroed, resident, never given back. */
void *own_map(size_t bytes);
/* So many bytes of own tables were got in another way. */
void own_note(size_t bytes);
/* Resident set now, less own tables. Calls no malloc. */
long rss_kib(void);
/* A line of /proc/self/FILE that starts with NAME, in KiB; -1: none. */
long proc_kib(const char *file, const char *name);
/* A fixed loop of integers: the microseconds it took. */
double gate_us(void);
void sleep_ms(long ms);

/* Start n threads on parts of `bytes` each and wait for them all. */
void threads_run(int n, void *(*fn)(void *), void *parts, size_t bytes);

/* --- Numbers ----------------------------------------------------------- */

static inline uint64_t
rnd_next(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* From 0 to n - 1. */
static inline uint64_t
rnd_below(uint64_t *state, uint64_t n)
{
    return (rnd_next(state) >> 32) * n >> 32;
}

/* Sizes as programs have them: most are small, a few are pages long. */
static inline size_t
rnd_mix(uint64_t *state)
{
    uint64_t r = rnd_next(state), kind = r & 127;
    size_t more = (size_t)(r >> 40);

    if (kind < 64)
        return 16 + more % 48;
    if (kind < 104)
        return 64 + more % 192;
    if (kind < 122)
        return 256 + more % 768;
    return kind < 127 ? 1024 + more % 7168 : 8192 + more % 24576;
}

/* --- Blocks ------------------------------------------------------------ */

/* At least 8 bytes; the first eight and the last hold the tag. */
static inline void *
block_tag(void *p, size_t bytes, uint64_t tag)
{
    if (p == NULL)
        load_die("no memory for %zu bytes", bytes);
    *(uint64_t *)p = tag;
    if (bytes > 8)
        ((unsigned char *)p)[bytes - 1] = (unsigned char)tag;
    return p;
}

static inline uint64_t
block_check(const void *p, size_t bytes)
{
    uint64_t tag = *(const uint64_t *)p;

    if (bytes > 8 &&
        ((const unsigned char *)p)[bytes - 1] != (unsigned char)tag)
        load_die("a block of %zu bytes was written by somebody else", bytes);
    return tag;
}

static inline void *
block_take(size_t bytes, uint64_t tag)
{
    return block_tag(malloc(bytes), bytes, tag);
}

/* Free it: its tag. */
static inline uint64_t
block_give(void *p, size_t bytes)
{
    uint64_t tag = block_check(p, bytes);

    free(p);
    return tag;
}

/* Write to every page of the part from..to, as a user of it would. */
static inline void
block_touch(void *p, size_t from, size_t to)
{
    for (size_t at = from; at < to; at += 4096)
        ((volatile unsigned char *)p)[at] = (unsigned char)at;
}

struct slot {
    void *p;
    size_t bytes;
};

/* Put a new block into the slot, and free the one that was there: its tag. */
static inline uint64_t
slot_renew(struct slot *s, size_t bytes, uint64_t tag)
{
    uint64_t old = s->p != NULL ? block_give(s->p, s->bytes) : 0;

    s->p = block_take(bytes, tag);
    s->bytes = bytes;
    return old;
}

/* Free what is left in n slots: the sum of the tags. */
uint64_t slots_empty(struct slot *s, size_t n);

#endif
