#include "weir/choose.h"

#include <inttypes.h>
#include "analyse/top.h"
#include "weir/canvas.h"
#include "weir/vitals.h"

enum { LOOK_MS = 1000 };

struct choice {
    struct wr_sources sources;
    size_t count;    /* of live ones, the first of sources */
    uint32_t chosen; /* pid */
};

bool
wr_choose_must(void)
{
    struct wr_sources s;
    if (wr_sources_scan(&s, NULL, WR_SCAN_ALL) != 0)
        return false;
    bool several = wr_sources_live(&s) > 1;
    wr_sources_free(&s);
    return several;
}

/* The row of the chosen process; of one that has ended: the first. */
static size_t
chosen_row(const struct choice *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->sources.list[i].pid == c->chosen)
            return i;
    return 0;
}

static void
choose_row(struct choice *c, size_t row)
{
    if (row < c->count)
        c->chosen = c->sources.list[row].pid;
}

static bool
look(struct choice *c)
{
    if (wr_sources_scan(&c->sources, NULL, WR_SCAN_ALL) != 0)
        return false;
    c->count = wr_sources_live(&c->sources);
    choose_row(c, chosen_row(c));
    return true;
}

static void
draw_process(const struct wr_canvas *c, unsigned row,
             const struct wr_source *one, bool chosen)
{
    struct wr_vitals v;
    char up[32], heap[32], rss[32], signs[64];
    wr_vitals_take(&v, one);
    wr_time_format(up, sizeof up, v.uptime_s);
    wr_value_format(heap, sizeof heap, (int64_t)v.live, "bytes");
    wr_value_format(rss, sizeof rss, (int64_t)v.rss, "bytes");
    wr_signs_format(signs, sizeof signs, v.signs);
    wr_canvas_put(c, row, 0,
                  chosen    ? WR_STYLE_CHOSEN
                  : v.signs ? WR_STYLE_ALARM
                            : WR_STYLE_PLAIN,
                  "%8u  %-20.20s %7s %10s %10s  %s", v.pid, one->program, up,
                  heap, rss, signs);
}

static void
draw(const struct choice *choice, const struct wr_screen *screen, bool utf8)
{
    struct wr_canvas c;
    size_t row = chosen_row(choice), first = 0;
    wr_canvas_begin(&c, screen, utf8);
    size_t room = c.rows > 3 ? c.rows - 3 : 1;
    if (row >= room)
        first = row - room + 1;
    wr_canvas_put(&c, 0, 0, WR_STYLE_BOLD, "Which one? %zu programs run",
                  choice->count);
    wr_canvas_put(&c, 1, 0, WR_STYLE_DIM, "%8s  %-20s %7s %10s %10s  %s", "PID",
                  "PROGRAM", "UPTIME", "HEAP", "RSS", "SIGNS");
    for (size_t i = first; i < choice->count && i < first + room; i++)
        draw_process(&c, (unsigned)(i - first) + 2, &choice->sources.list[i],
                     i == row);
    if (c.rows > 3)
        wr_canvas_put(&c, c.rows - 1, 0, WR_STYLE_DIM,
                      "up down move  Enter watch it  q quit");
    screen->flush();
}

/* What the key does; false: it ends the choice. */
static bool
obey(struct choice *c, uint32_t key)
{
    size_t row = chosen_row(c);
    switch (key) {
    case WR_KEY_UP:
    case 'k':
        choose_row(c, row - (row > 0));
        return true;
    case WR_KEY_DOWN:
    case 'j':
        choose_row(c, row + 1);
        return true;
    case 'q':
    case 3:
    case WR_KEY_ESCAPE:
    case WR_KEY_LOST:
        c->chosen = 0;
        return false;
    case WR_KEY_ENTER:
        return c->count == 0;
    default:
        return true;
    }
}

uint32_t
wr_choose(const struct wr_screen *screen, bool utf8)
{
    struct choice c = {.chosen = 0};
    bool more = true;
    while (more && look(&c)) {
        draw(&c, screen, utf8);
        more = obey(&c, screen->key(LOOK_MS));
        wr_sources_free(&c.sources);
    }
    return c.chosen;
}
