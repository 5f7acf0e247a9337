/* Invariants
 * 1. row[] holds every site that passes the filter and holds, held or
 *    allocated anything, in the order of `sort`.
 * 2. chosen is one of them, or WR_NONE when there are none; first is such that
 *    it is visible.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "base/base.h"
#include "weir/watch.h"

#define SECOND 1000000000.0

void
wr_watch_init(struct wr_watch *w, const char *program)
{
    memset(w, 0, sizeof *w);
    snprintf(w->program, sizeof w->program, "%s", program);
    w->chosen = WR_NONE;
    w->visible = 1;
}

void
wr_watch_fini(struct wr_watch *w)
{
    wr_sites_fini(&w->sites);
    wr_profile_free(w->profile);
    free(w->row);
}

void
wr_watch_say(struct wr_watch *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(w->message, sizeof w->message, format, args);
    va_end(args);
}

int64_t
wr_watch_change(const struct wr_site *s)
{
    return s->now.inuse_bytes - s->mark.inuse_bytes;
}

enum wr_watch_sort
wr_watch_sort_of(const char *name)
{
    static const char *const names[WR_SORTS] = {"inuse", "change", "blocks",
                                                "allocs", "name"};
    int i = 0;
    while (i < WR_SORTS && strcmp(name, names[i]) != 0)
        i++;
    return (enum wr_watch_sort)i;
}

/* ---- the order ---- */

static int
compare_numbers(int64_t a, int64_t b)
{
    return a < b ? 1 : a > b ? -1 : 0; /* the most first */
}

static int
compare_key(const struct wr_watch *w, const struct wr_site *a,
            const struct wr_site *b)
{
    switch (w->sort) {
    case WR_SORT_CHANGE:
        return compare_numbers(wr_watch_change(a), wr_watch_change(b));
    case WR_SORT_BLOCKS:
        return compare_numbers(a->now.inuse_blocks, b->now.inuse_blocks);
    case WR_SORT_ALLOCS:
        return compare_numbers(a->now.alloc_bytes, b->now.alloc_bytes);
    case WR_SORT_NAME:
        return strcmp(a->name, b->name);
    default:
        return compare_numbers(a->now.inuse_bytes, b->now.inuse_bytes);
    }
}

static int
compare(const void *left, const void *right, void *arg)
{
    const struct wr_watch *w = arg;
    uint32_t i = *(const uint32_t *)left, k = *(const uint32_t *)right;
    const struct wr_site *a = &w->sites.list[i], *b = &w->sites.list[k];
    int order = compare_key(w, a, b);
    if (w->upward)
        order = -order;
    if (order == 0)
        order = compare_numbers(a->now.inuse_bytes, b->now.inuse_bytes);
    if (order == 0)
        order = compare_numbers(a->now.alloc_bytes, b->now.alloc_bytes);
    return order != 0 ? order : (i > k) - (i < k);
}

static bool
is_shown(const struct wr_watch *w, const struct wr_site *s)
{
    if (s->now.alloc_bytes == 0 && s->mark.alloc_bytes == 0)
        return false;
    return !w->filter[0] || strcasestr(s->name, w->filter) ||
           strcasestr(s->place, w->filter) || strcasestr(s->file, w->filter);
}

static int
make_room(struct wr_watch *w)
{
    if (w->row_room >= w->sites.count)
        return 0;
    uint32_t room = w->sites.capacity;
    void *bigger = realloc(w->row, room * sizeof *w->row);
    if (!bigger)
        return -1;
    w->row = bigger;
    w->row_room = room;
    return 0;
}

/* The row of the chosen site; `rows` when it has none. */
static uint32_t
chosen_row(const struct wr_watch *w)
{
    uint32_t i = 0;
    while (i < w->rows && w->row[i] != w->chosen)
        i++;
    return i;
}

static void
show_row(struct wr_watch *w, uint32_t row)
{
    if (row < w->first)
        w->first = row;
    if (row >= w->first + w->visible)
        w->first = row - w->visible + 1;
    if (w->first + w->visible > w->rows)
        w->first = w->rows > w->visible ? w->rows - w->visible : 0;
}

/* The row that keys are about; beyond the ends it is the end. */
static void
choose(struct wr_watch *w, int64_t row)
{
    if (w->rows == 0) {
        w->chosen = WR_NONE;
        w->first = 0;
        return;
    }
    row = row < 0 ? 0 : row >= w->rows ? w->rows - 1 : row;
    w->chosen = w->row[row];
    show_row(w, (uint32_t)row);
}

/* Who stands at the top stays there, whichever site that is; else the choice
 * follows its site. */
static int
arrange(struct wr_watch *w)
{
    uint32_t was = chosen_row(w);
    if (make_room(w) != 0)
        return -1;
    w->rows = 0;
    for (uint32_t i = 0; i < w->sites.count; i++)
        if (is_shown(w, &w->sites.list[i]))
            w->row[w->rows++] = i;
    if (w->rows > 1)
        qsort_r(w->row, w->rows, sizeof *w->row, compare, w);
    if (was == 0 && w->view == WR_VIEW_SITES) {
        choose(w, 0);
        return 0;
    }
    uint32_t is = chosen_row(w);
    choose(w, is < w->rows ? is : was);
    return 0;
}

/* ---- what is now ---- */

static void
note_rate(struct wr_watch *w, const struct wr_vitals *now)
{
    const struct wr_vitals *was = &w->now;
    uint64_t ns = now->uptime_ns - was->uptime_ns;
    const struct wr_point *p = w->point;
    size_t n = w->points;
    if (was->uptime_ns != 0 && now->uptime_ns > was->uptime_ns)
        w->alloc_rate = (double)(now->alloc_bytes - was->alloc_bytes) /
                        ((double)ns / SECOND);
    else if (was->uptime_ns == 0 && n > 1 &&
             p[n - 1].uptime_ns + 2000000000 > now->uptime_ns)
        w->alloc_rate =
            (double)(p[n - 1].alloc_bytes - p[n - 2].alloc_bytes) /
            ((double)(p[n - 1].uptime_ns - p[n - 2].uptime_ns) / SECOND);
}

int
wr_watch_feed(struct wr_watch *w, const struct wr_vitals *now,
              const struct wr_point *points, size_t n,
              struct wr_profile *profile)
{
    bool first = w->now.pid == 0;
    w->points = wr_min(n, WR_HISTORY_SECOND_SLOTS);
    memcpy(w->point, points, w->points * sizeof *points);
    note_rate(w, now);
    w->now = *now;
    if (profile) {
        wr_profile_free(w->profile);
        w->profile = profile;
        if (wr_sites_update(&w->sites, profile) != 0)
            return -1;
    }
    if (first) {
        wr_sites_mark(&w->sites);
        w->mark_ns = now->uptime_ns;
    }
    return arrange(w);
}

int
wr_watch_mark_past(struct wr_watch *w, const struct wr_profile *then,
                   uint64_t uptime_ns)
{
    w->mark_ns = uptime_ns;
    if (wr_sites_mark_from(&w->sites, then) != 0)
        return -1;
    return arrange(w);
}

/* ---- keys ---- */

static void
sort_by(struct wr_watch *w, enum wr_watch_sort sort)
{
    w->sort = sort;
    w->upward = false;
    (void)arrange(w);
    choose(w, 0);
}

/* The key went into the filter. */
static void
type(struct wr_watch *w, uint32_t key)
{
    size_t len = strlen(w->filter);
    if (key == WR_KEY_ENTER) {
        w->typing = false;
    } else if (key == WR_KEY_ESCAPE) {
        w->typing = false;
        w->filter[0] = '\0';
    } else if (key == WR_KEY_BACKSPACE) {
        if (len > 0)
            w->filter[len - 1] = '\0';
    } else if (key >= ' ' && key < 127 && len + 1 < sizeof w->filter) {
        w->filter[len] = (char)key;
        w->filter[len + 1] = '\0';
    }
    (void)arrange(w);
}

/* Keys that move; false: this is none. */
static bool
move(struct wr_watch *w, uint32_t key)
{
    int64_t row = chosen_row(w), page = w->visible;
    switch (key) {
    case WR_KEY_UP:
    case 'k':
        choose(w, row - 1);
        return true;
    case WR_KEY_DOWN:
    case 'j':
        choose(w, row + 1);
        return true;
    case WR_KEY_PAGE_UP:
        choose(w, row - page);
        return true;
    case WR_KEY_PAGE_DOWN:
    case ' ':
        choose(w, row + page);
        return true;
    case WR_KEY_HOME:
    case 'g':
        choose(w, 0);
        return true;
    case WR_KEY_END:
    case 'G':
        choose(w, w->rows);
        return true;
    default:
        return false;
    }
}

static void
set_mark(struct wr_watch *w)
{
    wr_sites_mark(&w->sites);
    w->mark_ns = w->now.uptime_ns;
    wr_watch_say(w, "marked: changes count from here");
    (void)arrange(w);
}

static enum wr_watch_action
sites_key(struct wr_watch *w, uint32_t key)
{
    static const char sorts[] = "ucban"; /* in the order of wr_watch_sort */
    const char *sort = key > ' ' && key < 127 ? strchr(sorts, (int)key) : NULL;
    if (sort) {
        sort_by(w, (enum wr_watch_sort)(sort - sorts));
        return WR_WATCH_NOTHING;
    }
    switch (key) {
    case 'q':
        return WR_WATCH_QUIT;
    case 'r':
        w->upward = !w->upward;
        (void)arrange(w);
        break;
    case '/':
        w->typing = true;
        break;
    case WR_KEY_ESCAPE:
        w->filter[0] = '\0';
        (void)arrange(w);
        break;
    case WR_KEY_ENTER:
        if (w->chosen != WR_NONE)
            w->view = WR_VIEW_SITE;
        w->scroll = 0;
        break;
    default:
        (void)move(w, key);
    }
    return WR_WATCH_NOTHING;
}

static enum wr_watch_action
site_key(struct wr_watch *w, uint32_t key)
{
    switch (key) {
    case WR_KEY_UP:
    case 'k':
        w->scroll -= w->scroll > 0;
        break;
    case WR_KEY_DOWN:
    case 'j':
        w->scroll++;
        break;
    case WR_KEY_HOME:
        w->scroll = 0;
        break;
    case 'q':
    case WR_KEY_ENTER:
    case WR_KEY_ESCAPE:
    case WR_KEY_LEFT:
    case WR_KEY_BACKSPACE:
        w->view = WR_VIEW_SITES;
        break;
    default:
        break;
    }
    return WR_WATCH_NOTHING;
}

enum wr_watch_action
wr_watch_key(struct wr_watch *w, uint32_t key)
{
    if (key == WR_KEY_NONE || key == WR_KEY_RESIZE)
        return WR_WATCH_NOTHING;
    if (key == WR_KEY_LOST || key == 3) /* ^C, where it is no signal */
        return WR_WATCH_QUIT;
    w->message[0] = '\0';
    if (w->typing) {
        type(w, key);
        return WR_WATCH_NOTHING;
    }
    if (w->view == WR_VIEW_HELP) {
        w->view = WR_VIEW_SITES;
        return WR_WATCH_NOTHING;
    }
    switch (key) {
    case '?':
        w->view = WR_VIEW_HELP;
        return WR_WATCH_NOTHING;
    case 'd':
        set_mark(w);
        return WR_WATCH_NOTHING;
    case 'D':
        return WR_WATCH_MARK_PAST;
    case 's':
        return WR_WATCH_SAVE;
    case 'f':
        return WR_WATCH_FLAME;
    default:
        return w->view == WR_VIEW_SITE ? site_key(w, key) : sites_key(w, key);
    }
}

/* ---- graphs ---- */

static double
value_of(const struct wr_point *p, enum wr_watch_graph graph)
{
    return (double)(graph == WR_GRAPH_LIVE ? p->live_bytes : p->rss);
}

/* The highest between two moments. A point holds until the next; *i is the
 * last one before `from`, and moves. */
static double
highest(const struct wr_watch *w, enum wr_watch_graph graph, double from,
        double to, size_t *i)
{
    const struct wr_point *p = w->point;
    double high;
    while (*i + 1 < w->points && (double)p[*i + 1].uptime_ns <= from)
        ++*i;
    high = value_of(&p[*i], graph);
    for (size_t k = *i; k < w->points && (double)p[k].uptime_ns <= to; k++)
        if (value_of(&p[k], graph) > high)
            high = value_of(&p[k], graph);
    return high;
}

/* Bytes ever allocated at a moment: between two points they grew evenly, but
 * after a gap in its last second. */
static double
allocated(const struct wr_watch *w, double at)
{
    const struct wr_point *p = w->point;
    size_t i = 0;
    while (i + 1 < w->points && (double)p[i + 1].uptime_ns <= at)
        i++;
    double value = (double)p[i].alloc_bytes, from = (double)p[i].uptime_ns;
    if (i + 1 == w->points || at <= from)
        return value;
    double to = (double)p[i + 1].uptime_ns;
    if (to - from > 2 * SECOND)
        from = to - SECOND;
    if (at <= from)
        return value;
    return value +
           ((double)p[i + 1].alloc_bytes - value) * (at - from) / (to - from);
}

double
wr_watch_cells(const struct wr_watch *w, enum wr_watch_graph graph,
               double *cell, unsigned cells)
{
    double now = (double)w->now.uptime_ns, span = now, high = 0;
    size_t i = 0;
    if (span > (double)WR_TREND_SPAN_NS)
        span = (double)WR_TREND_SPAN_NS;
    for (unsigned k = 0; k < cells; k++) {
        double from = now - span + span * k / cells, to = from + span / cells;
        if (w->points == 0 || (double)w->point[0].uptime_ns > to)
            cell[k] = -1;
        else if (graph == WR_GRAPH_RATE)
            cell[k] =
                (allocated(w, to) - allocated(w, from)) * SECOND * cells / span;
        else
            cell[k] = highest(w, graph, from, to, &i);
        if (cell[k] > high)
            high = cell[k];
    }
    return high;
}
