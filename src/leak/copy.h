/* A copy of the program, to search in: the program stands still
 * (world/stop.h) while the copy is made, in which memory is shared until one
 * of the two writes; some milliseconds. The search runs in the copy, when
 * nobody else wants to run, and writes a file.
 *
 *     static bool
 *     search(const struct wr_copy *c)
 *     {
 *         struct wr_reply *a = ...;          how every answer begins
 *         wr_copy_reply(a, c);
 *         ...
 *         return wr_copy_write(c, parts, n);
 *     }
 *     wr_copy_run(&ask, ".leaks", search);    to the copy's end
 *
 * In the copy nothing shared may be written: no counter of the region, no word
 * another process could wait for. Locks of heap and mheap are held there, the
 * heap stands still, and only the caller runs.
 * Threads: one copy at a time, from Weir's own thread.
 */
#ifndef WR_LEAK_COPY_H
#define WR_LEAK_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "region/ask.h"

struct wr_stop;

struct wr_copy {
    struct wr_stop *stop; /* NULL: there is only the caller */
    const struct wr_ask *ask;
    const char *path;  /* of the answer */
    uint64_t began_ns; /* wr_os_monotonic: the search */
    bool in_place;     /* it is the program itself that searches */
};

struct wr_copy_part {
    const void *at;
    size_t bytes;
};

/* Search in a copy (suffix: what the answer's file has behind the region's
 * name; NULL: it writes none), and wait for its end or until the thread is told
 * to stop; then the copy is killed. false: there was none, or it failed. */
bool wr_copy_run(const struct wr_ask *ask, const char *suffix,
                 bool (*search)(const struct wr_copy *c));

/* The same in the program itself, which stands still till the search has
 * ended: at its end, where it waits for the answer anyway. */
bool wr_copy_do_without(const struct wr_ask *ask, const char *suffix,
                        bool (*search)(const struct wr_copy *c));
/* Answer that it could not be done. */
void wr_copy_refuse(const struct wr_ask *ask, const char *suffix);

/* Fill in all that is not the kind's own; search_ns as of now. */
void wr_copy_reply(struct wr_reply *a, const struct wr_copy *c);

/* The parts, one behind the other, as a file of that name that is whole from
 * its first moment on. false: there is no room. */
bool wr_copy_write(const struct wr_copy *c, const struct wr_copy_part *part,
                   size_t parts);

#endif
