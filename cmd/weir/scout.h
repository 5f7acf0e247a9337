/* Scout: tells signals sent to the whole process group from those sent to
 * weir alone.
 *
 *     struct wr_scout scout;
 *     wr_scout_start(&scout);
 *     ... a signal came ...
 *     if (wr_scout_take(&scout) & wr_scout_bit(SIGINT))
 *         the program got it as well
 *     wr_scout_stop(&scout);
 *
 * Nothing in a signal says whom it was sent to. So a second process sits in
 * weir's group with every signal blocked and does nothing at all: what is
 * pending for it went to the group. It shares weir's descriptors, and it
 * dies with weir.
 *
 * Threads: one. All signals must be blocked when it is started.
 */
#ifndef WR_CMD_SCOUT_H
#define WR_CMD_SCOUT_H

#include <stdint.h>
#include <sys/types.h>

struct wr_scout {
    pid_t pid; /* -1: there is none; nothing is known of any signal then */
};

void wr_scout_start(struct wr_scout *s);
void wr_scout_stop(struct wr_scout *s);

/* The signals that came to the group since the last call, as a set of bits.
 * Waits a moment for one that is still on its way. */
uint64_t wr_scout_take(struct wr_scout *s);

static inline uint64_t
wr_scout_bit(int number)
{
    return UINT64_C(1) << (number - 1);
}

#endif
