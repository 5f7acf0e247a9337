#include "weir/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "analyse/quote.h"

enum { TEXT = 2048 }; /* bytes of a line */

void
wr_canvas_begin(struct wr_canvas *c, const struct wr_screen *screen, bool utf8)
{
    *c = (struct wr_canvas){.screen = screen, .utf8 = utf8};
    screen->size(&c->rows, &c->cols);
    screen->clear();
}

/* Copy what the terminal can show, at most so many columns: how many. */
static unsigned
clip(char *to, size_t bytes, const char *text, unsigned columns, bool utf8)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t len = 0;
    unsigned n = 0;
    while (*s && n < columns && len + 5 < bytes) {
        size_t length = wr_utf8_length(s);
        bool plain = *s >= ' ' && *s < 127;
        if (plain || (utf8 && length > 1)) {
            memcpy(to + len, s, length);
            len += length;
        } else {
            to[len++] = '?';
        }
        s += length > 0 ? length : 1;
        n++;
    }
    to[len] = '\0';
    return n;
}

unsigned
wr_canvas_put(const struct wr_canvas *c, unsigned row, unsigned col,
              enum wr_style style, const char *format, ...)
{
    char text[TEXT], fits[TEXT];
    va_list args;
    if (row >= c->rows || col >= c->cols)
        return col;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    unsigned n = clip(fits, sizeof fits, text, c->cols - col, c->utf8);
    c->screen->put(row, col, style, fits);
    return col + n;
}
