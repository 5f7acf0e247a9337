/* The same as text and as JSON, for pipes, logs and scripts. */
#include <inttypes.h>
#include "analyse/quote.h"
#include "analyse/top.h"
#include "analyse/units.h"
#include "weir/watch.h"

static const char *
bytes_text(char text[32], double bytes)
{
    wr_value_format(text, 32, (int64_t)bytes, "bytes");
    return text;
}

/* ---- text ---- */

static void
print_head(const struct wr_watch *w, FILE *out)
{
    char up[32], live[32], rss[32], rate[32], text[64];
    char collector[WR_COLLECTED_ROOM];
    const struct wr_vitals *v = &w->now;
    wr_time_format(up, sizeof up, v->uptime_s);
    fprintf(out, "%s (pid %u), up %s%s%s\n", w->program, v->pid, up,
            w->ended[0] ? ", " : "", w->ended);
    fprintf(out, "live %s", bytes_text(live, (double)v->live));
    if (v->trend.known)
        fprintf(out, " (%s%s/min)", v->trend.per_minute > 0 ? "+" : "",
                bytes_text(text, (double)v->trend.per_minute));
    fprintf(out, ", resident %s", bytes_text(rss, (double)v->rss));
    if (v->limit)
        fprintf(out, " of %s", bytes_text(text, (double)v->limit));
    fprintf(out, ", %s/s allocated, %" PRIu64 " thread%s",
            bytes_text(rate, w->alloc_rate), v->threads, wr_plural(v->threads));
    wr_signs_format(text, sizeof text, v->signs);
    fprintf(out, v->signs ? ", signs: %s\n" : "\n", text);
    if (v->collects)
        fprintf(out, "collector: %s\n",
                wr_collected_say(&v->collected, collector));
}

static void
print_site(const struct wr_site *s, FILE *out)
{
    char inuse[32], change[32], allocs[32];
    int64_t grown = wr_watch_change(s);
    fprintf(out, "%10s %1s%10s %10" PRId64 " %10s  %s  %s\n",
            bytes_text(inuse, (double)s->now.inuse_bytes), grown > 0 ? "+" : "",
            bytes_text(change, (double)grown), s->now.inuse_blocks,
            bytes_text(allocs, (double)s->now.alloc_bytes), s->name, s->place);
}

void
wr_watch_print(const struct wr_watch *w, unsigned sites, FILE *out)
{
    print_head(w, out);
    if (w->rows == 0) {
        fputs("nothing was sampled yet\n", out);
        return;
    }
    fprintf(out, "%10s %11s %10s %10s  %s\n", "IN USE", "CHANGE", "BLOCKS",
            "ALLOCATED", "SITE");
    for (uint32_t i = 0; i < w->rows && i < sites; i++)
        print_site(&w->sites.list[w->row[i]], out);
}

/* ---- JSON ---- */

static void
print_signs(unsigned signs, FILE *out)
{
    const char *comma = "";
    fputs(",\"signs\":[", out);
    for (unsigned i = 0; wr_sign_key(i); i++)
        if (signs & 1u << i) {
            fprintf(out, "%s\"%s\"", comma, wr_sign_key(i));
            comma = ",";
        }
    fputc(']', out);
}

static void
print_vitals(const struct wr_watch *w, FILE *out)
{
    const struct wr_vitals *v = &w->now;
    fprintf(out, "{\"v\":1,\"pid\":%u,\"program\":", v->pid);
    wr_json_string(out, w->program);
    fprintf(out,
            ",\"running\":%s,\"uptime_s\":%" PRIu64 ",\"live_bytes\":%" PRIu64
            ",\"rss_bytes\":%" PRIu64 ",\"threads\":%" PRIu64
            ",\"sample_bytes\":%" PRIu64 ",\"alloc_bytes_per_s\":%.0f",
            w->ended[0] ? "false" : "true", v->uptime_s, v->live, v->rss,
            v->threads, v->sample_rate, w->alloc_rate);
    if (v->trend.known)
        fprintf(out, ",\"growth_bytes_per_min\":%" PRId64, v->trend.per_minute);
    else
        fputs(",\"growth_bytes_per_min\":null", out);
    if (v->limit)
        fprintf(out, ",\"limit_bytes\":%" PRIu64, v->limit);
    else
        fputs(",\"limit_bytes\":null", out);
    print_signs(v->signs, out);
    fputs(",\"collector\":", out);
    if (v->collects)
        wr_collected_json(&v->collected, out);
    else
        fputs("null", out);
}

static void
print_history(const struct wr_watch *w, FILE *out)
{
    fputs(",\"history\":[", out);
    for (size_t i = 0; i < w->points; i++) {
        const struct wr_point *p = &w->point[i];
        fprintf(out,
                "%s{\"uptime_s\":%.3f,\"live_bytes\":%" PRIu64
                ",\"rss_bytes\":%" PRIu64 ",\"alloc_bytes\":%" PRIu64 "}",
                i > 0 ? "," : "", (double)p->uptime_ns / 1e9, p->live_bytes,
                p->rss, p->alloc_bytes);
    }
    fputc(']', out);
}

static void
print_json_site(const struct wr_site *s, FILE *out)
{
    fputs("{\"function\":", out);
    wr_json_string(out, s->name);
    fputs(",\"place\":", out);
    wr_json_string(out, s->place);
    fputs(",\"file\":", out);
    wr_json_string(out, s->file);
    fprintf(out,
            ",\"inuse_bytes\":%" PRId64 ",\"inuse_blocks\":%" PRId64
            ",\"alloc_bytes\":%" PRId64 ",\"alloc_blocks\":%" PRId64
            ",\"change_bytes\":%" PRId64 "}",
            s->now.inuse_bytes, s->now.inuse_blocks, s->now.alloc_bytes,
            s->now.alloc_blocks, wr_watch_change(s));
}

void
wr_watch_print_json(const struct wr_watch *w, bool history, FILE *out)
{
    print_vitals(w, out);
    if (history)
        print_history(w, out);
    fputs(",\"sites\":[", out);
    for (uint32_t i = 0; i < w->rows; i++) {
        fputs(i > 0 ? "," : "", out);
        print_json_site(&w->sites.list[w->row[i]], out);
    }
    fputs("]}\n", out);
}
