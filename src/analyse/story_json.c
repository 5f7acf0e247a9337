/* The story for programs. Numbers that are not known are null. */
#include <math.h>
#include "analyse/collected.h"
#include "analyse/meters.h"
#include "analyse/quote.h"
#include "analyse/story.h"
#include "analyse/verdict_report.h"

/* Keys come with what stands before them: a comma, unless they are the first,
 * and quotes. */
static void
number(FILE *out, const char *key, double value)
{
    if (isfinite(value))
        fprintf(out, "%s:%.17g", key, value);
    else
        fprintf(out, "%s:null", key);
}

static void
whole(FILE *out, const char *key, uint64_t value)
{
    fprintf(out, "%s:%llu", key, (unsigned long long)value);
}

static void
text(FILE *out, const char *key, const char *value)
{
    fprintf(out, "%s:", key);
    if (value)
        wr_json_string(out, value);
    else
        fputs("null", out);
}

static double
seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

static void
print_end(const struct wr_story *s, FILE *out)
{
    const struct wr_end *e = s->of.end;
    char says[512], reason[512];
    wr_end_tell(e, says, sizeof says);
    wr_end_reason(e, reason, sizeof reason);
    fputs(",\"end\":{\"how\":", out);
    wr_json_string(out, wr_end_how_key(e->how));
    number(out, ",\"status\"", e->status < 0 ? NAN : e->status);
    text(out, ",\"killer\"", wr_end_killer_key(e->killer));
    fprintf(out, ",\"proved\":%s", e->proved ? "true" : "false");
    text(out, ",\"group\"",
         e->killer == WR_KILLER_GROUP ? *e->group ? e->group : "/" : NULL);
    number(out, ",\"group_limit_bytes\"", e->group_limit);
    number(out, ",\"resident_bytes\"",
           e->log_resident ? (double)e->log_resident : NAN);
    text(out, ",\"says\"", says);
    text(out, ",\"reason\"", reason);
    fputc('}', out);
}

static void
print_memory(const struct wr_story *s, FILE *out)
{
    const struct weir_memstats *m = &s->memory;
    const struct wr_end *e = s->of.end;
    fputs(",\"memory\":{", out);
    whole(out, "\"allocated_bytes\"", m->heap_alloc);
    whole(out, ",\"blocks\"", m->heap_objects);
    whole(out, ",\"heap_inuse_bytes\"", m->heap_inuse);
    whole(out, ",\"heap_idle_bytes\"", m->heap_idle);
    whole(out, ",\"heap_released_bytes\"", m->heap_released);
    whole(out, ",\"heap_peak_bytes\"", s->heap_peak);
    whole(out, ",\"total_allocated_bytes\"", m->total_alloc);
    fputs("},\"machine\":{", out);
    number(out, "\"memory_bytes\"", e->memory_total);
    number(out, ",\"available_bytes\"", e->memory_available);
    number(out, ",\"swap_bytes\"", e->swap_total);
    number(out, ",\"swap_free_bytes\"", e->swap_free);
    number(out, ",\"pressure_some_percent\"", e->pressure_some);
    number(out, ",\"pressure_full_percent\"", e->pressure_full);
    fputc('}', out);
}

static void
print_collector(const struct wr_story *s, FILE *out)
{
    static struct wr_meter_line line[WR_METERS];
    struct wr_collected c;
    fputs(",\"collector\":", out);
    if (wr_collected_read(&c, s->of.view))
        wr_collected_json(&c, out);
    else
        fputs("null", out);
    fputs(",\"pools\":", out);
    wr_meters_json(line, wr_meters_read(s->of.view, line), out);
}

static void
print_history(const struct wr_story *s, FILE *out)
{
    fputs(",\"history\":[", out);
    for (size_t i = 0; i < s->point_count; i++) {
        const struct wr_point *p = &s->points[i];
        fprintf(out, "%s{\"uptime_s\":%.3f", i ? "," : "",
                seconds(p->uptime_ns));
        whole(out, ",\"live_bytes\"", p->live_bytes);
        whole(out, ",\"live_peak_bytes\"", p->live_peak);
        whole(out, ",\"heap_inuse_bytes\"", p->heap_inuse);
        whole(out, ",\"rss_bytes\"", p->rss);
        whole(out, ",\"limit_bytes\"", p->limit);
        whole(out, ",\"allocs\"", p->allocs);
        whole(out, ",\"frees\"", p->frees);
        whole(out, ",\"threads\"", p->threads);
        fputc('}', out);
    }
    fputc(']', out);
}

static void
print_sites(const char *key, const struct wr_story_site *site, size_t n,
            FILE *out)
{
    fprintf(out, ",\"%s\":[", key);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? ",{\"function\":" : "{\"function\":", out);
        wr_json_string(out, site[i].name);
        fprintf(out, ",\"bytes\":%lld", (long long)site[i].bytes);
        text(out, ",\"caller\"", site[i].caller);
        fprintf(out, ",\"for_caller_bytes\":%lld}",
                (long long)site[i].for_caller);
    }
    fputc(']', out);
}

static void
print_requests(const struct wr_story *s, FILE *out)
{
    fputs(",\"largest\":[", out);
    for (size_t i = 0; i < s->largest_count; i++) {
        const struct wr_story_request *r = &s->largest[i];
        fprintf(out, "%s{\"bytes\":%llu,\"blocks\":%lld,\"stack\":[",
                i ? "," : "", (unsigned long long)r->bytes,
                (long long)r->blocks);
        for (size_t k = 0; k < sizeof r->by / sizeof *r->by && r->by[k]; k++) {
            fputs(k ? "," : "", out);
            wr_json_string(out, r->by[k]);
        }
        fputs("]}", out);
    }
    fputc(']', out);
}

static void
print_events(const struct wr_story *s, FILE *out)
{
    fputs(",\"events\":[", out);
    for (size_t i = 0; i < s->event_count; i++) {
        const struct wr_mark *m = &s->events[i];
        fprintf(out, "%s{\"uptime_s\":%.3f", i ? "," : "",
                seconds(m->uptime_ns));
        text(out, ",\"kind\"", wr_mark_name(m->kind));
        whole(out, ",\"value\"", m->value);
        text(out, ",\"text\"", m->text);
        fputc('}', out);
    }
    fputc(']', out);
}

static void
print_threads(const struct wr_story *s, FILE *out)
{
    fputs(",\"threads\":[", out);
    for (size_t i = 0; i < s->thread_count; i++)
        fprintf(out, "%s{\"tid\":%u,\"running\":%s,\"allocated_bytes\":%llu}",
                i ? "," : "", s->threads[i].tid,
                s->threads[i].runs ? "true" : "false",
                (unsigned long long)s->threads[i].allocated);
    fputc(']', out);
}

void
wr_story_json(const struct wr_story *s, FILE *out)
{
    fputs("{\"v\":1,\"program\":", out);
    wr_json_string(out, s->of.program);
    whole(out, ",\"pid\"", s->of.pid);
    number(out, ",\"uptime_s\"", s->uptime_ns ? seconds(s->uptime_ns) : NAN);
    print_end(s, out);
    if (s->verdict) {
        fputc(',', out);
        wr_verdict_json(s->verdict, s->language, out);
    }
    print_memory(s, out);
    print_collector(s, out);
    print_history(s, out);
    print_sites(s->ever ? "biggest_ever" : "biggest", s->biggest,
                s->biggest_count, out);
    print_sites("growing", s->growing, s->growing_count, out);
    number(out, ",\"growing_s\"", s->growing_ns ? seconds(s->growing_ns) : NAN);
    print_requests(s, out);
    print_events(s, out);
    print_threads(s, out);
    fputs("}\n", out);
}
