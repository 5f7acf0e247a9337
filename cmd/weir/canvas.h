/* Text on a screen, cut at its edges and made of what it can show.
 *
 *     struct wr_canvas c;
 *     wr_canvas_begin(&c, screen, utf8);
 *     col = wr_canvas_put(&c, 0, 0, WR_STYLE_BOLD, "pid %u", pid);
 *     screen->flush();
 *
 * Names come from programs: control characters and what is no UTF-8, or no
 * ASCII where the terminal has no more, become '?'. Threads: one.
 */
#ifndef WR_CMD_CANVAS_H
#define WR_CMD_CANVAS_H

#include "weir/screen.h"

struct wr_canvas {
    const struct wr_screen *screen;
    unsigned rows, cols;
    bool utf8;
};

/* An empty one, as large as the screen is now. */
void wr_canvas_begin(struct wr_canvas *c, const struct wr_screen *screen,
                     bool utf8);
/* Text at a place: the column behind it. Beyond the edges nothing happens. */
__attribute__((format(printf, 5, 6))) unsigned
wr_canvas_put(const struct wr_canvas *c, unsigned row, unsigned col,
              enum wr_style style, const char *format, ...);

#endif
