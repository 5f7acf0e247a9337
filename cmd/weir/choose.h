/* Choosing one of several processes on a screen.
 *
 *     if (pid == 0 && wr_choose_must())
 *         pid = wr_choose(screen, utf8);
 *
 * Threads: one.
 */
#ifndef WR_CMD_CHOOSE_H
#define WR_CMD_CHOOSE_H

#include "weir/screen.h"

/* More than one process runs under Weir. */
bool wr_choose_must(void);
/* The process that was chosen; 0: none was. */
uint32_t wr_choose(const struct wr_screen *screen, bool utf8);

#endif
