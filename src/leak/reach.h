/* Everything that a program can still reach, with the care that is due before
 * a block of malloc's is called lost: nobody but the program knows which of its
 * words are addresses.
 *
 *     struct wr_reach r = {.marker = m, .odd = odd};  the marker was made with
 *                                                     the set odd
 *     if (wr_reach_all(&r, stop) && wr_reach_is_proved())
 *         ... what has no mark is lost ...
 *
 * Its roots are those of leak/roots.h, what the kernel keeps among them, and
 * those the program has told (leak/known.h). A pointer to the end of a block,
 * and other odd ones (mark/odd.h), keep it and all that hangs off.
 *
 * Threads: as the marker, while the program stands still, or in a copy.
 */
#ifndef WR_LEAK_REACH_H
#define WR_LEAK_REACH_H

#include <stdbool.h>
#include <stdint.h>

struct wr_marker;
struct wr_marks;
struct wr_stop;

struct wr_reach {
    struct wr_marker *marker;
    struct wr_marks *odd;
    uint64_t root_bytes;
    uint64_t odd_blocks, odd_bytes; /* that only odd pointers keep */
};

/* false: no memory, or the roots are not to be had. */
bool wr_reach_all(struct wr_reach *r, const struct wr_stop *s);
/* Nothing was left out in which there could be addresses. */
bool wr_reach_is_proved(void);

#endif
