/* Spots: what an address of a process is, where it is no block of the heap.
 *
 *     struct wr_spots *s = wr_spots_open(&options, why, sizeof why);
 *     struct wr_spot spot;
 *     wr_spots_find(s, address, &spot);
 *     wr_spot_text(&spot, text, sizeof text);    "global server, server.c:80"
 *     wr_spots_close(s);
 *
 * Known are variables of the program and its libraries by name, the frames on
 * the stacks of threads that stood still, thread-local storage, mappings.
 * Thread-local variables have names in the program itself only.
 *
 * Threads: one at a time. Ownership: texts live until the spots are closed.
 */
#ifndef WR_ANALYSE_SPOTS_H
#define WR_ANALYSE_SPOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct wr_snapshot;
struct wr_symboliser;
struct wr_root_word;

/* Sorted: what tells most of why a block is kept comes first. */
enum wr_spot_kind {
    WR_SPOT_GLOBAL,    /* a variable with a name */
    WR_SPOT_DATA,      /* of a module, nameless */
    WR_SPOT_THREAD,    /* thread-local storage; perhaps a name */
    WR_SPOT_STACK,     /* a thread's; name: of the function whose frame */
    WR_SPOT_REGISTERS, /* of a thread */
    WR_SPOT_KEPT,      /* by the kernel, to be given back */
    WR_SPOT_MAPPING,   /* name: the file, or "" */
    WR_SPOT_CODE,      /* of a module; name: the function */
    WR_SPOT_OWN,       /* Weir's */
    WR_SPOT_NOTHING    /* not mapped */
};

struct wr_spot {
    enum wr_spot_kind kind;
    uint64_t start, bytes; /* of the thing; of unknown length: 0 */
    uint64_t offset;       /* of the address in it */
    uint32_t tid;
    const char *thread; /* its name; "" not known */
    const char *name;   /* "" not known */
    const char *module; /* the last part of its path; "" in none */
    const char *file;   /* of the source; "" not known */
    int line;
};

struct wr_spots_options {
    FILE *maps; /* in the form of /proc/PID/maps */
    const struct wr_snapshot *snapshot;
    struct wr_symboliser *symboliser;
    int pid; /* to find files and names of threads; 0: none that runs */
};

struct wr_spots;

/* NULL: no memory. */
struct wr_spots *wr_spots_open(const struct wr_spots_options *o);
void wr_spots_close(struct wr_spots *s);

void wr_spots_find(struct wr_spots *s, uint64_t address, struct wr_spot *out);
/* Where a word of the roots is. */
void wr_spots_root(struct wr_spots *s, const struct wr_root_word *word,
                   struct wr_spot *out);

/* "global server (redis-server, server.c:80)", without the offset in it. */
void wr_spot_text(const struct wr_spot *spot, char *text, size_t n);
/* Its kind in one word, for programs. */
const char *wr_spot_word(enum wr_spot_kind kind);

#endif
