/* The story as people read it. */
#include <math.h>
#include <string.h>
#include "analyse/collected.h"
#include "analyse/meters.h"
#include "analyse/overflow.h"
#include "analyse/profile.h"
#include "analyse/story.h"
#include "analyse/units.h"
#include "analyse/verdict_report.h"

#define CHART_COLUMNS 60
#define TIME_ROOM     32

static const char *
bytes(char text[WR_VALUE_ROOM], double value)
{
    wr_value_format(text, WR_VALUE_ROOM, (int64_t)value, "bytes");
    return text;
}

/* "3.2 s", "12m05s", "3h07m". */
static const char *
duration(char text[TIME_ROOM], uint64_t ns)
{
    uint64_t s = ns / 1000000000;
    if (s < 100)
        snprintf(text, TIME_ROOM, "%.1f s", (double)ns / 1e9);
    else if (s < 6000)
        snprintf(text, TIME_ROOM, "%llum%02llus", (unsigned long long)s / 60,
                 (unsigned long long)s % 60);
    else
        snprintf(text, TIME_ROOM, "%lluh%02llum", (unsigned long long)s / 3600,
                 (unsigned long long)s / 60 % 60);
    return text;
}

/* --- The end ------------------------------------------------------------- */

static void
print_end(const struct wr_story *s, FILE *out)
{
    char text[512], reason[512], time[TIME_ROOM];
    wr_end_tell(s->of.end, text, sizeof text);
    wr_end_reason(s->of.end, reason, sizeof reason);
    fprintf(out, "%s (pid %u) %s", s->of.program, s->of.pid, text);
    if (s->uptime_ns > 0)
        fprintf(out, ", after %s", duration(time, s->uptime_ns));
    fputc('\n', out);
    if (*reason)
        fprintf(out, "  (%s)\n", reason);
}

/* --- Memory -------------------------------------------------------------- */

static void
print_process(const struct wr_story *s, FILE *out)
{
    char a[WR_VALUE_ROOM], b[WR_VALUE_ROOM], t[TIME_ROOM];
    if (s->point_count == 0)
        return;
    const struct wr_point *last = &s->points[s->point_count - 1];
    fprintf(out, "  resident   %10s", bytes(a, (double)last->rss));
    if (last->limit)
        fprintf(out, "   of a limit of %s", bytes(b, (double)last->limit));
    if (s->uptime_ns > last->uptime_ns + 1500000000)
        fprintf(out, ", %s before the end",
                duration(t, s->uptime_ns - last->uptime_ns));
    fputc('\n', out);
}

static void
print_machine(const struct wr_end *e, FILE *out)
{
    char a[WR_VALUE_ROOM], b[WR_VALUE_ROOM];
    if (isnan(e->memory_total) || isnan(e->memory_available))
        return;
    fprintf(out, "  machine    %10s available of %s",
            bytes(a, e->memory_available), bytes(b, e->memory_total));
    if (e->pressure_some > 0)
        fprintf(out,
                "; work waited for memory %.0f%% of the last ten seconds, all "
                "work %.0f%%",
                e->pressure_some, e->pressure_full);
    fputc('\n', out);
}

static void
print_collector(const struct wr_story *s, FILE *out)
{
    struct wr_collected c;
    char text[WR_COLLECTED_ROOM];
    if (wr_collected_read(&c, s->of.view))
        fprintf(out, "  collector  %s\n", wr_collected_say(&c, text));
}

/* Names are the program's: what tells a terminal to do something is not
 * printed. */
static void
print_meters(const struct wr_story *s, FILE *out)
{
    static struct wr_meter_line line[WR_METERS];
    size_t n = wr_meters_read(s->of.view, line);
    char text[WR_METER_ROOM];
    for (struct wr_meter_line *m = line; m < line + n; m++) {
        for (char *c = m->name; *c; c++)
            if ((unsigned char)*c < ' ' || *c == 127)
                *c = '?';
        fprintf(out, "  %-10s %s: %s\n", wr_meter_kind_name(m->kind), m->name,
                wr_meter_say(m, text));
    }
}

static void
print_memory(const struct wr_story *s, FILE *out)
{
    const struct weir_memstats *m = &s->memory;
    char a[WR_VALUE_ROOM], b[WR_VALUE_ROOM];
    fprintf(out, "\nmemory %s\n",
            s->of.end->how == WR_END_RUNS ? "now" : "at the end");
    fprintf(out, "  allocated  %10s   in %llu block%s, by %llu thread%s\n",
            bytes(a, (double)m->heap_alloc),
            (unsigned long long)m->heap_objects, wr_plural(m->heap_objects),
            (unsigned long long)s->threads_running,
            wr_plural(s->threads_running));
    fprintf(out, "  heap       %10s   and %s kept for reuse; the most was ",
            bytes(a, (double)m->heap_inuse),
            bytes(b, (double)(m->heap_idle - m->heap_released)));
    fprintf(out, "%s\n", bytes(a, (double)s->heap_peak));
    print_process(s, out);
    print_collector(s, out);
    print_meters(s, out);
    print_machine(s->of.end, out);
}

/* --- History ------------------------------------------------------------- */

/* The most that was allocated in each column's time. A gap between points
 * means that nothing changed. */
static void
fill_columns(const struct wr_story *s, uint64_t from, double *column)
{
    const struct wr_point *p = s->points;
    double span = (double)(s->uptime_ns - from), held = 0;
    size_t i = 0;
    for (size_t c = 0; c < CHART_COLUMNS; c++) {
        double end = (double)from + span * (double)(c + 1) / CHART_COLUMNS;
        column[c] = held;
        for (; i < s->point_count && (double)p[i].uptime_ns <= end; i++) {
            held = (double)p[i].live_bytes;
            column[c] = fmax(column[c], fmax(held, (double)p[i].live_peak));
        }
    }
}

static void
print_chart(const struct wr_story *s, uint64_t from, FILE *out)
{
    static const char *const levels[] = {"\u2581", "\u2582", "\u2583",
                                         "\u2584", "\u2585", "\u2586",
                                         "\u2587", "\u2588"};
    double column[CHART_COLUMNS], most = 1;
    fill_columns(s, from, column);
    for (size_t c = 0; c < CHART_COLUMNS; c++)
        most = fmax(most, column[c]);
    fputs("  ", out);
    for (size_t c = 0; c < CHART_COLUMNS; c++)
        fputs(levels[(int)(column[c] / most * 7.999)], out);
    fputc('\n', out);
}

static void
print_history(const struct wr_story *s, FILE *out, bool utf8)
{
    char a[WR_VALUE_ROOM], b[WR_VALUE_ROOM], c[WR_VALUE_ROOM], t[TIME_ROOM];
    const struct wr_point *first = s->points;
    if (s->point_count < 2 || s->uptime_ns <= first->uptime_ns)
        return;
    const struct wr_point *last = &s->points[s->point_count - 1];
    double most = 0;
    for (size_t i = 0; i < s->point_count; i++)
        most = fmax(most, fmax((double)s->points[i].live_peak,
                               (double)s->points[i].live_bytes));
    fprintf(out, "\nthe last %s: allocated from %s to %s, at most %s\n",
            duration(t, s->uptime_ns - first->uptime_ns),
            bytes(a, (double)first->live_bytes),
            bytes(b, (double)last->live_bytes), bytes(c, most));
    if (utf8)
        print_chart(s, first->uptime_ns, out);
}

/* --- Sites --------------------------------------------------------------- */

void
wr_story_print_site(const struct wr_story_site *site, int64_t total,
                    const char *sign, FILE *out)
{
    char value[WR_VALUE_ROOM], signed_value[WR_VALUE_ROOM + 2];
    snprintf(signed_value, sizeof signed_value, "%s%s", sign,
             bytes(value, (double)site->bytes));
    fprintf(out, "  %10s", signed_value);
    if (total > 0)
        fprintf(out, " %5.1f%%", 100.0 * (double)site->bytes / (double)total);
    fprintf(out, "  %s", site->name);
    if (site->caller && site->bytes > 0)
        fprintf(out, ", %.0f%% of it for %s",
                100.0 * (double)site->for_caller / (double)site->bytes,
                site->caller);
    fputc('\n', out);
}

static void
print_sites(const struct wr_story *s, FILE *out)
{
    char t[TIME_ROOM];
    if (s->biggest_count > 0)
        fprintf(out, "\nbiggest sites, %s\n",
                s->ever ? "of all ever allocated" : "of what was in use");
    for (size_t i = 0; i < s->biggest_count; i++)
        wr_story_print_site(&s->biggest[i], s->biggest_total, "", out);
    if (s->growing_count > 0)
        fprintf(out, "\nfastest growing sites, in the last %s\n",
                duration(t, s->growing_ns));
    for (size_t i = 0; i < s->growing_count; i++)
        wr_story_print_site(&s->growing[i], 0, "+", out);
}

static void
print_requests(const struct wr_story *s, FILE *out)
{
    char value[WR_VALUE_ROOM];
    if (s->largest_count > 0)
        fputs("\nlargest requests\n", out);
    for (size_t i = 0; i < s->largest_count; i++) {
        const struct wr_story_request *r = &s->largest[i];
        fprintf(out, "  %10s  x%lld", bytes(value, (double)r->bytes),
                (long long)r->blocks);
        for (size_t k = 0; k < sizeof r->by / sizeof *r->by && r->by[k]; k++)
            fprintf(out, "%s%s", k ? " < " : "  ", r->by[k]);
        fputc('\n', out);
    }
}

/* --- Events and threads -------------------------------------------------- */

static bool
is_bytes(uint32_t kind)
{
    return kind == WR_MARK_MAP_FAILED || kind == WR_MARK_PEAK ||
           kind == WR_MARK_LIMIT || kind == WR_MARK_REFUSED;
}

static void
print_events(const struct wr_story *s, FILE *out)
{
    char value[WR_VALUE_ROOM], t[TIME_ROOM];
    if (s->event_count > 0)
        fputs("\nwhat happened\n", out);
    for (size_t i = 0; i < s->event_count; i++) {
        const struct wr_mark *m = &s->events[i];
        fprintf(out, "  %10s  %s", duration(t, m->uptime_ns),
                wr_mark_name(m->kind));
        if (is_bytes(m->kind))
            fprintf(out, " %s", bytes(value, (double)m->value));
        else if (m->value)
            fprintf(out, " %llu", (unsigned long long)m->value);
        if (m->text[0])
            fprintf(out, " %s", m->text);
        fputc('\n', out);
    }
}

static void
print_threads(const struct wr_story *s, FILE *out)
{
    char value[WR_VALUE_ROOM];
    if (s->thread_count < 2)
        return;
    fputs("\nthreads, by what they ever allocated in small blocks\n", out);
    for (size_t i = 0; i < s->thread_count; i++) {
        const struct wr_story_thread *t = &s->threads[i];
        fprintf(out, "  %10s  thread %u%s\n",
                bytes(value, (double)t->allocated), t->tid,
                t->runs ? "" : ", ended");
    }
}

void
wr_story_print(const struct wr_story *s, FILE *out, bool utf8)
{
    print_end(s, out);
    if (s->verdict) {
        fputs(s->language == WR_ENGLISH ? "\nverdict\n" : "\n结论\n", out);
        wr_verdict_print(s->verdict, s->language, out);
    }
    if (s->overflow && s->overflow_names) {
        fputc('\n', out);
        wr_overflow_print(s->overflow, s->overflow_names, out);
    }
    print_memory(s, out);
    print_history(s, out, utf8);
    print_sites(s, out);
    print_requests(s, out);
    print_events(s, out);
    print_threads(s, out);
}
