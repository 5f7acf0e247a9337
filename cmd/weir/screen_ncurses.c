/* libweir-screen.so: the terminal by ncurses. */
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "weir/screen.h"

static SCREEN *terminal;
static chtype styles[WR_STYLES] = {
    [WR_STYLE_BOLD] = A_BOLD,
    [WR_STYLE_DIM] = A_DIM,
    [WR_STYLE_CHOSEN] = A_REVERSE,
    [WR_STYLE_ALARM] = A_BOLD,
};

static void
use_colours(void)
{
    static const short colours[] = {COLOR_RED, COLOR_GREEN, COLOR_CYAN};
    if (!has_colors() || start_color() == ERR)
        return;
    (void)use_default_colors();
    for (short i = 0; i < 3; i++)
        init_pair((short)(i + 1), colours[i], -1);
    styles[WR_STYLE_MORE] = COLOR_PAIR(1);
    styles[WR_STYLE_ALARM] = COLOR_PAIR(1) | A_BOLD;
    styles[WR_STYLE_LESS] = COLOR_PAIR(2);
    styles[WR_STYLE_GRAPH] = COLOR_PAIR(3);
}

static int
begin(bool colour)
{
    setenv("ESCDELAY", "50", 0); /* ms until an escape is one */
    terminal = newterm(NULL, stdout, stdin);
    if (!terminal)
        return -1;
    set_term(terminal);
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    curs_set(0);
    if (colour)
        use_colours();
    return 0;
}

static void
end(void)
{
    endwin();
    delscreen(terminal);
    terminal = NULL;
}

static void
size(unsigned *rows, unsigned *cols)
{
    *rows = (unsigned)LINES;
    *cols = (unsigned)COLS;
}

static void
clear_all(void)
{
    werase(stdscr);
}

static void
put(unsigned row, unsigned col, enum wr_style style, const char *text)
{
    wattrset(stdscr, (int)styles[style]);
    mvwaddstr(stdscr, (int)row, (int)col, text);
    wattrset(stdscr, A_NORMAL);
}

static void
flush(void)
{
    wrefresh(stdscr);
}

static uint32_t
special(wint_t key)
{
    static const struct {
        wint_t curses;
        uint32_t ours;
    } keys[] = {{KEY_UP, WR_KEY_UP},
                {KEY_DOWN, WR_KEY_DOWN},
                {KEY_PPAGE, WR_KEY_PAGE_UP},
                {KEY_NPAGE, WR_KEY_PAGE_DOWN},
                {KEY_HOME, WR_KEY_HOME},
                {KEY_END, WR_KEY_END},
                {KEY_LEFT, WR_KEY_LEFT},
                {KEY_ENTER, WR_KEY_ENTER},
                {KEY_BACKSPACE, WR_KEY_BACKSPACE},
                {KEY_RESIZE, WR_KEY_RESIZE}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].curses == key)
            return keys[i].ours;
    return WR_KEY_NONE;
}

static uint32_t
character(wint_t c)
{
    switch (c) {
    case '\r':
    case '\n':
        return WR_KEY_ENTER;
    case 27:
        return WR_KEY_ESCAPE;
    case 8:
    case 127:
        return WR_KEY_BACKSPACE;
    default:
        return (uint32_t)c;
    }
}

static uint32_t
key(int wait_ms)
{
    wint_t c;
    wtimeout(stdscr, wait_ms);
    errno = 0;
    int kind = wget_wch(stdscr, &c);
    if (kind == KEY_CODE_YES)
        return special(c);
    if (kind == OK)
        return character(c);
    return errno == EIO || errno == ENXIO ? WR_KEY_LOST : WR_KEY_NONE;
}

__attribute__((visibility("default"))) const struct wr_screen weir_screen = {
    begin, end, size, clear_all, put, flush, key};
