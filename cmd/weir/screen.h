/* A terminal that is drawn on, and the keys that are pressed there.
 *
 *     const struct wr_screen *screen = wr_screen_load();
 *     if (screen && screen->begin(true) == 0) {
 *         screen->size(&rows, &cols);
 *         screen->clear();
 *         screen->put(0, 0, WR_STYLE_BOLD, "hello");
 *         screen->flush();
 *         key = screen->key(1000);
 *         screen->end();
 *     }
 *
 * It is ncurses behind a few functions, in a library of its own
 * (libweir-screen.so), so that only `weir watch` loads it. What is drawn beyond
 * the edges is cut. Threads: one.
 */
#ifndef WR_CMD_SCREEN_H
#define WR_CMD_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

enum wr_style {
    WR_STYLE_PLAIN,
    WR_STYLE_BOLD,
    WR_STYLE_DIM,
    WR_STYLE_CHOSEN, /* the row that keys are about */
    WR_STYLE_MORE,   /* what grew */
    WR_STYLE_LESS,   /* what shrank */
    WR_STYLE_ALARM,
    WR_STYLE_GRAPH,
    WR_STYLES
};

/* Keys that are no characters. */
enum {
    WR_KEY_NONE = 0, /* the time is over */
    WR_KEY_UP = 0x110000,
    WR_KEY_DOWN,
    WR_KEY_PAGE_UP,
    WR_KEY_PAGE_DOWN,
    WR_KEY_HOME,
    WR_KEY_END,
    WR_KEY_LEFT,
    WR_KEY_ENTER,
    WR_KEY_ESCAPE,
    WR_KEY_BACKSPACE,
    WR_KEY_RESIZE,
    WR_KEY_LOST /* the terminal is gone */
};

struct wr_screen {
    int (*begin)(bool colour); /* 0, or -1: not such a terminal */
    void (*end)(void);
    void (*size)(unsigned *rows, unsigned *cols);
    void (*clear)(void);
    void (*put)(unsigned row, unsigned col, enum wr_style style,
                const char *text);
    void (*flush)(void);
    /* The next character or key, WR_KEY_NONE after so many milliseconds. */
    uint32_t (*key)(int wait_ms);
};

/* NULL after a sentence on stderr. */
const struct wr_screen *wr_screen_load(void);

/* The exported name, in libweir-screen.so only. */
extern const struct wr_screen weir_screen;

#endif
