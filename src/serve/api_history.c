/* The history of processes as JSON: what their regions hold of it. */
#include "serve/api.h"

#include <stdlib.h>
#include <string.h>
#include "analyse/collected.h"
#include "analyse/meters.h"
#include "analyse/quote.h"
#include "analyse/profile.h"
#include "base/clock.h"
#include "region/collector.h"
#include "region/history.h"
#include "region/past.h"
#include "serve/proc.h"
#include <weir/memstats.h>

#define MS UINT64_C(1000000) /* ns */

/* Room for one process's history; a thread's stack is too small for it. */
struct room {
    struct wr_point point[WR_HISTORY_MOST];
    struct wr_mark mark[WR_MARK_SLOTS];
    struct wr_meter_line meter[WR_METERS];
};

static uint64_t
ms_of(const struct wr_region_header *h, uint64_t uptime_ns)
{
    return (h->start_ns + uptime_ns) / MS;
}

/* The moment until which the process's history goes; of one that was killed,
 * its last point. */
static uint64_t
now_ms(const struct wr_source *one, const struct wr_point *p, size_t n)
{
    const struct wr_region_header *h = one->view.header;
    uint64_t end = atomic_load(&h->end_ns);
    if (one->live)
        return wr_clock_ns(CLOCK_REALTIME) / MS;
    if (end)
        return end / MS;
    return ms_of(h, n ? p[n - 1].uptime_ns : 0);
}

static void
print_point(FILE *out, const struct wr_region_header *h,
            const struct wr_point *p)
{
    const uint64_t value[] = {
        ms_of(h, p->uptime_ns),
        p->heap_inuse,
        p->heap_mapped,
        p->heap_released,
        p->live_bytes,
        p->allocs,
        p->frees,
        p->alloc_bytes,
        p->free_bytes,
        p->rss,
        p->threads,
        p->minor_faults,
        p->major_faults,
        p->cpu_ns,
        p->limit,
        p->live_peak,
        p->gc_cycles,
        p->gc_stopped_ns,
        p->gc_cpu_ns,
        p->gc_live,
        p->gc_goal,
    };
    for (size_t i = 0; i < sizeof value / sizeof *value; i++)
        fprintf(out, "%s%llu", i ? "," : "[", (unsigned long long)value[i]);
    fputc(']', out);
}

static uint64_t
whole(double d)
{
    return d >= 0 && d < 0x1p63 ? (uint64_t)d : 0; /* NaN: not known */
}

/* How it is this moment: what a program that rests has no point for. */
static void
read_now(struct wr_point *p, const struct wr_source *one, uint64_t limit)
{
    const struct wr_counters *c = &one->view.header->counters;
    struct weir_memstats m;
    struct wr_proc proc;
    wr_memstats_from_view(&m, &one->view);
    wr_proc_read(&proc, "", one->pid, 0);
    *p = (struct wr_point){
        .uptime_ns = wr_clock_ns(CLOCK_REALTIME) - one->view.header->start_ns,
        .heap_inuse = m.heap_inuse,
        .heap_mapped = atomic_load(&c->heap_mapped),
        .heap_released = m.heap_released,
        .live_bytes = m.heap_alloc,
        .allocs = m.mallocs,
        .frees = m.frees,
        .alloc_bytes = m.total_alloc,
        .free_bytes = m.total_alloc - m.heap_alloc,
        .rss = whole(proc.resident_bytes),
        .threads = wr_source_threads(one),
        .minor_faults = whole(proc.minor_faults),
        .major_faults = whole(proc.major_faults),
        .cpu_ns = whole(proc.cpu_seconds * 1e9),
        .limit = limit,
        .live_peak = m.heap_alloc,
    };
    wr_collector_point(wr_view_collector(&one->view), p);
}

static void
print_now(FILE *out, const struct wr_source *one, const struct wr_point *last)
{
    struct wr_point now;
    read_now(&now, one, last ? last->limit : 0);
    fputs(",\"now\":", out);
    print_point(out, one->view.header, &now);
}

static void
print_points(FILE *out, const struct wr_region_header *h,
             const struct wr_point *p, size_t n, uint64_t since_ms)
{
    const char *comma = "";
    fputs(",\"names\":[\"ms\",\"heap_inuse\",\"heap_mapped\","
          "\"heap_released\",\"live_bytes\",\"allocs\",\"frees\","
          "\"alloc_bytes\",\"free_bytes\",\"rss\",\"threads\","
          "\"minor_faults\",\"major_faults\",\"cpu_ns\",\"limit\","
          "\"live_peak\",\"gc_cycles\",\"gc_stopped_ns\",\"gc_cpu_ns\","
          "\"gc_live\",\"gc_goal\"],\"points\":[",
          out);
    for (size_t i = 0; i < n; i++) {
        if (ms_of(h, p[i].uptime_ns) <= since_ms)
            continue;
        fputs(comma, out);
        print_point(out, h, &p[i]);
        comma = ",\n";
    }
    fputc(']', out);
}

static void
print_marks(FILE *out, const struct wr_region_view *v, struct room *room,
            uint64_t since_ms)
{
    const char *comma = "";
    size_t n = wr_history_marks(v, room->mark, WR_MARK_SLOTS);
    fputs(",\"marks\":[", out);
    for (size_t i = 0; i < n; i++) {
        const struct wr_mark *m = &room->mark[i];
        uint64_t ms = ms_of(v->header, m->uptime_ns);
        if (ms <= since_ms)
            continue;
        fprintf(out, "%s{\"ms\":%llu,\"value\":%llu,\"kind\":", comma,
                (unsigned long long)ms, (unsigned long long)m->value);
        comma = ",\n";
        wr_json_string(out, wr_mark_name(m->kind));
        fputs(",\"text\":", out);
        wr_json_string(out, m->text);
        fputc('}', out);
    }
    fputc(']', out);
}

static void
print_collector(FILE *out, const struct wr_region_view *v, struct room *room)
{
    struct wr_collected c;
    fputs(",\"collector\":", out);
    if (wr_collected_read(&c, v))
        wr_collected_json(&c, out);
    else
        fputs("null", out);
    fputs(",\"pools\":", out);
    wr_meters_json(room->meter, wr_meters_read(v, room->meter), out);
}

static void
print_process(FILE *out, const struct wr_source *one, struct room *room,
              enum wr_history_span span, uint64_t since_ms)
{
    const struct wr_region_header *h = one->view.header;
    uint64_t oldest = wr_past_oldest(&one->view);
    size_t n = wr_history_read(&one->view, span, room->point, WR_HISTORY_MOST);
    fprintf(out,
            "{\"pid\":%u,\"start_ms\":%llu,\"now_ms\":%llu,\"live\":%s,"
            "\"oldest_ms\":%llu",
            one->pid, (unsigned long long)(h->start_ns / MS),
            (unsigned long long)now_ms(one, room->point, n),
            one->live ? "true" : "false",
            (unsigned long long)(oldest ? ms_of(h, oldest) : 0));
    print_points(out, h, room->point, n, since_ms);
    if (one->live)
        print_now(out, one, n ? &room->point[n - 1] : NULL);
    print_marks(out, &one->view, room, since_ms);
    print_collector(out, &one->view, room);
    fputc('}', out);
}

static void
print_all(FILE *out, const struct wr_scope *s, struct room *room,
          enum wr_history_span span, uint64_t since_ms)
{
    size_t shown = s->count < WR_API_HISTORIES ? s->count : WR_API_HISTORIES;
    fprintf(out, "{\"v\":1,\"more\":%zu,\"processes\":[", s->count - shown);
    for (size_t i = 0; i < shown; i++) {
        fputs(i ? ",\n" : "", out);
        print_process(out, s->list[i], room, span, since_ms);
    }
    fputs("]}\n", out);
}

void
wr_api_history(struct wr_visit *v, struct wr_answer *a)
{
    char span[16] = "seconds";
    struct wr_body body;
    wr_request_param(v->q, "span", span, sizeof span);
    bool minutes = strcmp(span, "minutes") == 0;
    if (!minutes && strcmp(span, "seconds") != 0) {
        wr_answer_error(a, 400, "span is seconds or minutes\n");
        return;
    }
    long since = wr_request_number(v->q, "since");
    struct room *room = malloc(sizeof *room);
    if (!room) {
        wr_answer_error(a, 500, "out of memory\n");
        return;
    }
    if (wr_body_open(&body, a)) {
        print_all(body.out, &v->scope, room,
                  minutes ? WR_HISTORY_MINUTES : WR_HISTORY_SECONDS,
                  since > 0 ? (uint64_t)since : 0);
        wr_body_close(&body, a, WR_TYPE_JSON);
    }
    free(room);
}
