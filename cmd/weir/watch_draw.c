/* Drawing. Rows are numbered from the top; what does not fit is left out, the
 * least needed first. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/top.h"
#include "analyse/units.h"
#include "base/base.h"
#include "weir/canvas.h"
#include "weir/watch.h"

enum {
    TEXT = 1024, /* bytes of a line */
    CELLS = 400, /* of a graph, at most */
    TALL = 16,   /* rows from which there are three graphs */
    LABEL = 35   /* columns before a graph */
};

static const char *
bytes_text(char text[32], double bytes)
{
    wr_value_format(text, 32, (int64_t)bytes, "bytes");
    return text;
}

/* ---- the top ---- */

static void
draw_title(const struct wr_canvas *c, const struct wr_watch *w)
{
    char up[32], rate[32];
    unsigned col = wr_canvas_put(c, 0, 0, WR_STYLE_BOLD, "%s", w->program);
    wr_time_format(up, sizeof up, w->now.uptime_s);
    col = wr_canvas_put(c, 0, col, WR_STYLE_PLAIN, "  pid %u  up %s",
                        w->now.pid, up);
    if (w->ended[0])
        col = wr_canvas_put(c, 0, col, WR_STYLE_ALARM, "  %s", w->ended);
    else
        col = wr_canvas_put(c, 0, col, WR_STYLE_PLAIN, "  %" PRIu64 " thread%s",
                            w->now.threads, wr_plural(w->now.threads));
    if (w->now.sample_rate == 0)
        wr_canvas_put(c, 0, col, WR_STYLE_ALARM, "  sampling is off");
    else
        wr_canvas_put(c, 0, col, WR_STYLE_DIM, "  one sample per %s",
                      bytes_text(rate, (double)w->now.sample_rate));
}

static const char *
bar(double share, bool utf8)
{
    static const char *const blocks[] = {"\u2581", "\u2582", "\u2583",
                                         "\u2584", "\u2585", "\u2586",
                                         "\u2587", "\u2588"};
    static const char *const ascii[] = {"_", ".", ",", "-", "=", "+", "*", "#"};
    int i = (int)(share * 8);
    i = i < 0 ? 0 : i > 7 ? 7 : i;
    return utf8 ? blocks[i] : ascii[i];
}

static void
draw_graph(const struct wr_canvas *c, const struct wr_watch *w, unsigned row,
           enum wr_watch_graph graph)
{
    double cell[CELLS];
    char text[TEXT * 2] = "", peak[32];
    size_t len = 0;
    unsigned cells = c->cols > LABEL + 14 ? c->cols - LABEL - 14 : 0;
    cells = (unsigned)wr_min(cells, CELLS);
    double high = wr_watch_cells(w, graph, cell, cells);
    if (cells < 8 || w->points == 0)
        return;
    for (unsigned i = 0; i < cells; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s",
                                cell[i] < 0 ? " "
                                : high == 0 ? bar(0, c->utf8)
                                            : bar(cell[i] / high, c->utf8));
    c->screen->put(row, LABEL, WR_STYLE_GRAPH, text);
    wr_canvas_put(c, row, LABEL + cells, WR_STYLE_DIM, " max %s",
                  bytes_text(peak, high));
}

static void
draw_live(const struct wr_canvas *c, const struct wr_watch *w, unsigned row)
{
    char live[32], growth[32];
    const struct wr_trend *t = &w->now.trend;
    unsigned col = wr_canvas_put(c, row, 0, WR_STYLE_BOLD, "live   %9s",
                                 bytes_text(live, (double)w->now.live));
    if (t->known)
        wr_canvas_put(c, row, col, t->growing ? WR_STYLE_ALARM : WR_STYLE_PLAIN,
                      " %s%s/min", t->per_minute > 0 ? "+" : "",
                      bytes_text(growth, (double)t->per_minute));
}

static void
draw_rss(const struct wr_canvas *c, const struct wr_watch *w, unsigned row)
{
    char rss[32], limit[32];
    const struct wr_vitals *v = &w->now;
    unsigned col = wr_canvas_put(c, row, 0, WR_STYLE_PLAIN, "rss    %9s",
                                 bytes_text(rss, (double)v->rss));
    if (v->limit)
        wr_canvas_put(c, row, col,
                      v->signs & WR_SIGN_LIMIT ? WR_STYLE_ALARM
                                               : WR_STYLE_PLAIN,
                      " %.0f%% of %s", 100 * (double)v->rss / (double)v->limit,
                      bytes_text(limit, (double)v->limit));
}

static void
draw_rate(const struct wr_canvas *c, const struct wr_watch *w, unsigned row)
{
    char rate[32];
    wr_canvas_put(c, row, 0, WR_STYLE_PLAIN, "alloc  %9s/s",
                  bytes_text(rate, w->alloc_rate));
}

static void
draw_collector(const struct wr_canvas *c, const struct wr_watch *w,
               unsigned row)
{
    char text[WR_COLLECTED_ROOM];
    wr_canvas_put(c, row, 0, WR_STYLE_PLAIN, "gc     %s",
                  wr_collected_say(&w->now.collected, text));
}

/* How many rows it took. */
static unsigned
draw_top(const struct wr_canvas *c, const struct wr_watch *w)
{
    draw_title(c, w);
    struct wr_canvas left = *c;
    left.cols = (unsigned)wr_min(c->cols, LABEL - 1);
    draw_live(&left, w, 1);
    draw_graph(c, w, 1, WR_GRAPH_LIVE);
    if (c->rows < TALL)
        return 2;
    draw_rss(&left, w, 2);
    draw_graph(c, w, 2, WR_GRAPH_RSS);
    draw_rate(&left, w, 3);
    draw_graph(c, w, 3, WR_GRAPH_RATE);
    if (w->now.collects)
        draw_collector(c, w, 4);
    return w->now.collects ? 6 : 5;
}

/* ---- the sites ---- */

static const struct column {
    const char *head;
    unsigned width;
    unsigned from; /* columns of the terminal that it needs */
} columns[] = {
    [WR_SORT_INUSE] = {"in Use", 9, 0},
    [WR_SORT_CHANGE] = {"Change", 10, 0},
    [WR_SORT_BLOCKS] = {"Blocks", 9, 60},
    [WR_SORT_ALLOCS] = {"Allocated", 10, 72},
};

static void
format_cell(char *text, size_t bytes, const struct wr_site *s, unsigned column)
{
    int64_t change = wr_watch_change(s);
    char size[32];
    switch (column) {
    case WR_SORT_CHANGE:
        snprintf(text, bytes, "%s%s", change > 0 ? "+" : "",
                 change ? bytes_text(size, (double)change) : "0");
        break;
    case WR_SORT_BLOCKS:
        snprintf(text, bytes, "%" PRId64, s->now.inuse_blocks);
        break;
    case WR_SORT_ALLOCS:
        snprintf(text, bytes, "%s",
                 bytes_text(size, (double)s->now.alloc_bytes));
        break;
    default:
        snprintf(text, bytes, "%s",
                 bytes_text(size, (double)s->now.inuse_bytes));
    }
}

static void
draw_heading(const struct wr_canvas *c, const struct wr_watch *w, unsigned row)
{
    char since[32];
    unsigned col = 0;
    for (unsigned i = 0; i < wr_countof(columns); i++)
        if (c->cols >= columns[i].from)
            col = wr_canvas_put(
                c, row, col, w->sort == i ? WR_STYLE_BOLD : WR_STYLE_DIM, "%*s",
                (int)columns[i].width + (i > 0), columns[i].head);
    col = wr_canvas_put(c, row, col,
                        w->sort == WR_SORT_NAME ? WR_STYLE_BOLD : WR_STYLE_DIM,
                        "  Name");
    wr_time_format(since, sizeof since,
                   (w->now.uptime_ns - wr_min(w->mark_ns, w->now.uptime_ns)) /
                       1000000000);
    wr_canvas_put(c, row, col, WR_STYLE_DIM, "  (%u site%s, change in %s)",
                  w->rows, wr_plural(w->rows), since);
}

static enum wr_style
style_of(const struct wr_site *s, unsigned column)
{
    int64_t change = wr_watch_change(s);
    if (column != WR_SORT_CHANGE || change == 0)
        return WR_STYLE_PLAIN;
    return change > 0 ? WR_STYLE_MORE : WR_STYLE_LESS;
}

/* Who called it, as far as there is room: often it is a wrapper of malloc. What
 * libc does before main tells nothing. */
static void
draw_callers(const struct wr_canvas *c, const struct wr_watch *w,
             const struct wr_site *s, unsigned row, unsigned col,
             enum wr_style style)
{
    char place[TEXT];
    const char *name = s->name, *arrow = "  < ";
    for (uint32_t n = 1;
         col < c->cols && s->sample != WR_NONE && strcmp(name, "main") != 0;
         n++, arrow = " < ") {
        if (!wr_sites_frame(w->profile, s->sample, n, &name, place,
                            sizeof place))
            break;
        col = wr_canvas_put(c, row, col, style, "%s%s", arrow,
                            *name ? name : place);
    }
}

static void
draw_site(const struct wr_canvas *c, const struct wr_watch *w, uint32_t site,
          unsigned row)
{
    const struct wr_site *s = &w->sites.list[site];
    bool chosen = site == w->chosen;
    enum wr_style dim = chosen ? WR_STYLE_CHOSEN : WR_STYLE_DIM;
    char cell[64];
    unsigned col = 0;
    for (unsigned i = 0; i < wr_countof(columns); i++) {
        if (c->cols < columns[i].from)
            continue;
        format_cell(cell, sizeof cell, s, i);
        col = wr_canvas_put(c, row, col,
                            chosen ? WR_STYLE_CHOSEN : style_of(s, i), "%*s",
                            (int)columns[i].width + (i > 0), cell);
    }
    col = wr_canvas_put(c, row, col, chosen ? WR_STYLE_CHOSEN : WR_STYLE_PLAIN,
                        "  %s", s->name);
    if (s->place[0])
        col = wr_canvas_put(c, row, col, dim, "  %s", s->place);
    draw_callers(c, w, s, row, col, dim);
}

static void
draw_nothing(const struct wr_canvas *c, const struct wr_watch *w, unsigned row)
{
    if (w->filter[0])
        wr_canvas_put(c, row, 0, WR_STYLE_DIM, "no site matches \"%s\"",
                      w->filter);
    else if (w->now.sample_rate == 0)
        wr_canvas_put(
            c, row, 0, WR_STYLE_DIM,
            "sampling is off: start the program with WEIR=sample=512K");
    else
        wr_canvas_put(c, row, 0, WR_STYLE_DIM, "nothing was sampled yet");
}

static void
draw_sites(const struct wr_canvas *c, struct wr_watch *w, unsigned top)
{
    unsigned foot = c->rows - 1;
    draw_heading(c, w, top++);
    w->visible = foot > top ? foot - top : 1;
    if (w->first + w->visible > w->rows)
        w->first = w->rows > w->visible ? w->rows - w->visible : 0;
    if (w->rows == 0)
        draw_nothing(c, w, top);
    for (uint32_t i = w->first; i < w->rows && top < foot; i++)
        draw_site(c, w, w->row[i], top++);
}

/* ---- one site ---- */

/* Draws lines from `scroll` on, as many as there is room for. */
struct page {
    const struct wr_canvas *c;
    unsigned row, end;
    uint32_t skip;
};

__attribute__((format(printf, 3, 4))) static void
line(struct page *p, enum wr_style style, const char *format, ...)
{
    char text[TEXT];
    va_list args;
    if (p->skip > 0) {
        p->skip--;
        return;
    }
    if (p->row >= p->end)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    wr_canvas_put(p->c, p->row++, 0, style, "%s", text);
}

static void
draw_source(struct page *p, const struct wr_site *s)
{
    enum { AROUND = 2 };
    char text[400];
    FILE *in = s->line > 0 && s->file[0] == '/' ? fopen(s->file, "re") : NULL;
    if (!in) {
        line(p, WR_STYLE_DIM, "the source is not on this machine");
        return;
    }
    for (int64_t n = 1; n <= s->line + AROUND; n++) {
        if (!fgets(text, sizeof text, in))
            break;
        if (!strchr(text, '\n'))
            for (int ch = 0; ch != '\n' && ch != EOF;)
                ch = fgetc(in);
        text[strcspn(text, "\r\n")] = '\0';
        for (char *tab = text; (tab = strchr(tab, '\t')) != NULL;)
            *tab = ' ';
        if (n >= s->line - AROUND)
            line(p, n == s->line ? WR_STYLE_BOLD : WR_STYLE_DIM,
                 "%s%6" PRId64 "  %s", n == s->line ? ">" : " ", n, text);
    }
    fclose(in);
}

static void
draw_values(struct page *p, const struct wr_site *s)
{
    char text[32], more[32];
    int64_t change = wr_watch_change(s);
    line(p, WR_STYLE_PLAIN, "holds      %s in %" PRId64 " blocks",
         bytes_text(text, (double)s->now.inuse_bytes), s->now.inuse_blocks);
    line(p, WR_STYLE_PLAIN, "changed    %s%s since the mark",
         change > 0 ? "+" : "", bytes_text(text, (double)change));
    line(p, WR_STYLE_PLAIN, "allocated  %s in %" PRId64 " blocks, %s since",
         bytes_text(text, (double)s->now.alloc_bytes), s->now.alloc_blocks,
         bytes_text(more, (double)(s->now.alloc_bytes - s->mark.alloc_bytes)));
}

static void
draw_stack(struct page *p, const struct wr_watch *w, const struct wr_site *s)
{
    char place[TEXT];
    const char *name;
    if (s->sample == WR_NONE) {
        line(p, WR_STYLE_DIM, "no stack is known now");
        return;
    }
    if (s->stacks > 1)
        line(p, WR_STYLE_DIM, "the largest of its %u stacks:", s->stacks);
    for (uint32_t n = 0;
         wr_sites_frame(w->profile, s->sample, n, &name, place, sizeof place);
         n++)
        line(p, n == 0 ? WR_STYLE_BOLD : WR_STYLE_PLAIN, "#%-3u %s%s%s", n,
             name, *name ? "  " : "", place);
}

static void
draw_one(const struct wr_canvas *c, struct wr_watch *w, unsigned top)
{
    const struct wr_site *s = &w->sites.list[w->chosen];
    struct page p = {c, top, c->rows - 1, w->scroll};
    line(&p, WR_STYLE_BOLD, "%s  %s", s->name, s->file[0] ? s->file : s->place);
    draw_values(&p, s);
    line(&p, WR_STYLE_PLAIN, "%s", "");
    draw_source(&p, s);
    line(&p, WR_STYLE_PLAIN, "%s", "");
    draw_stack(&p, w, s);
    if (p.skip > 0) /* scrolled beyond the end */
        w->scroll -= wr_min(p.skip, w->scroll);
}

/* ---- the rest ---- */

static void
draw_help(const struct wr_canvas *c, unsigned top)
{
    static const char *const text[] = {
        "up down j k   move; page up, page down, home, end too",
        "Enter         the chosen site: its source line and stack",
        "u c b a n     sort by bytes in use, change, blocks, bytes",
        "              allocated, name; r turns the order round",
        "/             show sites with this in their name, file or line;",
        "              Escape shows all again",
        "d             mark: changes count from now",
        "D             changes count from as long ago as is known, at most",
        "              ten minutes",
        "s             save the profile, for weir top and go tool pprof",
        "f             write a flame graph, one HTML file",
        "q             back, or leave",
        "",
        "Values are estimates from samples. Graphs show the last ten minutes.",
    };
    for (size_t i = 0; i < wr_countof(text) && top < c->rows - 1; i++)
        wr_canvas_put(c, top++, 0, WR_STYLE_PLAIN, "%s", text[i]);
}

static void
draw_foot(const struct wr_canvas *c, const struct wr_watch *w)
{
    unsigned row = c->rows - 1;
    if (w->typing)
        wr_canvas_put(c, row, 0, WR_STYLE_BOLD, "/%s_", w->filter);
    else if (w->message[0])
        wr_canvas_put(c, row, 0, WR_STYLE_BOLD, "%s", w->message);
    else if (w->view != WR_VIEW_SITES)
        wr_canvas_put(c, row, 0, WR_STYLE_DIM, "q back");
    else
        wr_canvas_put(
            c, row, 0, WR_STYLE_DIM, "%s%s%s%s", w->filter[0] ? "only \"" : "",
            w->filter, w->filter[0] ? "\"  " : "",
            "q quit  Enter stack  / filter  u c b a n sort  d mark  s save  "
            "f flame  ? help");
}

void
wr_watch_draw(struct wr_watch *w, const struct wr_screen *screen, bool utf8)
{
    struct wr_canvas c;
    wr_canvas_begin(&c, screen, utf8);
    if (c.rows >= 4 && c.cols >= 20) {
        unsigned top = draw_top(&c, w);
        if (w->view == WR_VIEW_HELP)
            draw_help(&c, top);
        else if (w->view == WR_VIEW_SITE)
            draw_one(&c, w, top);
        else
            draw_sites(&c, w, top);
        draw_foot(&c, w);
    } else {
        wr_canvas_put(&c, 0, 0, WR_STYLE_PLAIN, "too small");
    }
    screen->flush();
}
