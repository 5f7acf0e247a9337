/* A copy of the program, to search in: the program stands still
 * (world/stop.h) while the copy is made, in which memory is shared until one
 * of the two writes; some milliseconds. The search runs in the copy, at low
 * priority, and writes a file.
 *
 * Every page that the program writes meanwhile is there twice. So while a copy
 * searches, the memory that is left is watched; where there is too little from
 * the beginning, or no copy can be had, the search is done in the program
 * itself, which stands still till it has ended.
 *
 *     static bool
 *     search(const struct wr_copy *c)
 *     {
 *         struct wr_reply *a = ...;          how every answer begins
 *         wr_copy_reply(a, c);
 *         ...
 *         return wr_copy_write(c, parts, n);
 *     }
 *     wr_copy_run(&ask, ".leaks", search);    to the search's end
 *
 * In the search nothing shared may be written: no counter of the region, no
 * word another process could wait for; and what it maps it unmaps, since it may
 * be in the program. Locks of heap and mheap are held there, the heap stands
 * still, and only the caller runs. Threads: one copy at a time, from Weir's own
 * thread.
 */
#ifndef WR_LEAK_COPY_H
#define WR_LEAK_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "region/ask.h"

struct wr_span;
struct wr_stop;

struct wr_copy {
    struct wr_stop *stop; /* NULL: there is only the caller */
    const struct wr_ask *ask;
    const char *path;  /* of the answer */
    uint64_t began_ns; /* wr_os_monotonic: the search */
    enum wr_where where;
    /* Blocks that a snapshot leaves out though they are live; NULL: none. */
    bool (*is_gone)(const struct wr_span *s, unsigned block);
};

struct wr_copy_part {
    const void *at;
    size_t bytes;
};

/* Search (suffix: what the answer's file has behind the region's name; NULL: it
 * writes none), and wait for the end or until the thread is told to stop; then
 * a copy is killed. Where it was done, or could not be; *done says which. */
enum wr_where wr_copy_run(const struct wr_ask *ask, const char *suffix,
                          bool (*search)(const struct wr_copy *c), bool *done);

/* Search, into c->path, and do not wait: the copy's pid; negative: there is no
 * copy. Does it search yet? It is killed where the program needs the memory.
 * *done, of one that does not: it has searched. */
long wr_copy_send(struct wr_copy *c, bool (*search)(const struct wr_copy *c));
bool wr_copy_goes_on(long copy, bool *done);

/* The same as wr_copy_run in the program itself, which stands still till the
 * search has ended: at its end, where it waits for the answer anyway. */
bool wr_copy_do_without(const struct wr_ask *ask, const char *suffix,
                        bool (*search)(const struct wr_copy *c));
/* Answer that it could not be done there. */
void wr_copy_refuse(const struct wr_ask *ask, const char *suffix,
                    enum wr_where where);

/* Fill in all that is not the kind's own; search_ns as of now. */
void wr_copy_reply(struct wr_reply *a, const struct wr_copy *c);

/* The parts, one behind the other, as a file of that name that is whole from
 * its first moment on. false: there is no room. */
bool wr_copy_write(const struct wr_copy *c, const struct wr_copy_part *part,
                   size_t parts);

#endif
