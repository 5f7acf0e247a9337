/* Asking a program something that it answers from a copy of itself.
 *
 * 1. Who may read the region may ask. It takes the lock flock(2) of the
 *    region's file, so that one asks at a time; writes a struct wr_ask under
 *    another name, renames that to "<region>.ask", and wakes Weir's thread by
 *    the region's bell; where it has none, queues capture_signal with the value
 *    capture_cookie + WR_ASK_FILE to any thread of the program.
 * 2. Weir's thread in the program reads the file and takes it away. A file it
 *    does not understand is taken away as well, and not answered.
 * 3. The program stands still while a copy of it is made. (Where no copy can be
 *    had, or it would be dangerous, it stands still till the answer is there.)
 *    The copy writes the
 *    answer beside the region under the name of its kind: "<region>.leaks" and
 *    so on, with "~" behind it until it is whole. It begins with a struct
 *    wr_answer, which repeats the ticket.
 * 4. Who asked takes it away. What nobody took is swept with the regions of
 *    processes that ended.
 *
 * Each kind's answer has its layout in a header of its own. Units: bytes,
 * nanoseconds. Byte order and word size are the machine's.
 */
#ifndef WR_REGION_ASK_H
#define WR_REGION_ASK_H

#include <stdint.h>

#define WR_ASK_MAGIC   UINT64_C(0x31304b5341524957) /* "WIRASK01" */
#define WR_ASK_VERSION 1u
#define WR_ASK_SUFFIX  ".ask"
#define WR_ASK_FILE    1u /* what is added to the cookie */

/* Asked of one thread: its stack, as for the bare cookie, and to note that it
 * had not run for so many seconds before. */
#define WR_ASK_STILL(seconds) (2u + (uint64_t)(seconds)*256)
#define WR_ASK_STILL_MOST     UINT64_C(0x7fffffff) /* seconds */

enum wr_ask_kind {
    WR_ASK_LEAKS = 1, /* what nobody can reach: region/leaks.h */
    WR_ASK_SNAPSHOT,  /* what points at what: region/snapshot.h */
    WR_ASK_GARBAGE,   /* what a collector's cycle would find dead now: as leaks
                         are told, but only sampled blocks have a record */
    WR_ASK_KINDS
};

struct wr_ask {
    uint64_t magic;
    uint32_t version;
    uint32_t kind;   /* enum wr_ask_kind */
    uint64_t ticket; /* any number, to know the answer by */
    uint64_t flags;  /* these two: each kind's own */
    uint64_t argument[4];
};

enum wr_trust {
    WR_TRUST_PROVED = 1,  /* every thread stood still, every root was read */
    WR_TRUST_SILENT = 2,  /* some threads did not answer: what only their
                             registers hold is not known */
    WR_TRUST_BLIND = 3,   /* no memory to search with, or the system does not
                             show the mappings: there is nothing in it */
    WR_TRUST_REFUSED = 4, /* see where for why; or there was no room for the
                             answer: a struct wr_reply is all there is */
    WR_TRUST_UNSEEN = 5,  /* addresses may be where nobody can read them: in
                              requests to the kernel, in more shared memory than
                              can be read while the program stands still */
    WR_TRUST_CORE = 6 /* of a core, by who reads it: it lacks what the kernel
                         keeps */
};

/* Flags of every kind, beside its own. */
#define WR_ASK_IN_PLACE  (UINT64_C(1) << 63) /* make no copy */
#define WR_ASK_ONLY_COPY (UINT64_C(1) << 62) /* in a copy, or not at all */

/* Where a program was searched, and why there. */
enum wr_where {
    WR_WHERE_COPY,      /* in a copy of it */
    WR_WHERE_WANTED,    /* in place, it stood still all the time: as asked */
    WR_WHERE_FORBIDDEN, /* so, since it may not make a copy of itself */
    WR_WHERE_MEMORY     /* so, since a copy could have used up the memory that
                           was left, or had begun to */
};

/* How each answer begins. */
struct wr_reply {
    uint64_t magic; /* these four: each kind's own */
    uint32_t version;
    uint32_t header_bytes, record_bytes;
    uint32_t pid;
    uint32_t trust; /* enum wr_trust */
    uint32_t threads, silent;
    uint32_t where; /* enum wr_where */
    uint64_t ticket;
    uint64_t taken_ns;  /* CLOCK_REALTIME when the program stood still */
    uint64_t stop_ns;   /* for how long */
    uint64_t search_ns; /* how long the search took */
    /* Of mapped files that were not in memory, and too much to be read in: an
     * address there was not seen. */
    uint64_t unread_bytes;
};

#endif
