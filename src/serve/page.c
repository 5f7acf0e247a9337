/* Pages. They need no script, no picture and nothing from elsewhere. */
#include "serve/page.h"

#include <stdlib.h>
#include <string.h>
#include <weir/memstats.h>
#include "analyse/quote.h"
#include "serve/proc.h"

#define CSS                                                                    \
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em;max-width:60em}"       \
    "td,th{padding:0 1.2em 0 0;text-align:left}td.n{text-align:right}"         \
    "code{background:#eee;padding:0 .3em}"                                     \
    "@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}"       \
    "a{color:#8cf}code{background:#333}}"

static void
head(FILE *out, const char *title)
{
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
            "<title>%s</title><style>%s</style></head><body>\n",
            title, CSS);
}

/* --- Index ------------------------------------------------------------- */

static uint64_t
started_threads(const struct wr_region_view *view)
{
    const struct wr_thread_slot *slot;
    uint64_t n = 0;
    for (uint64_t i = 0; (slot = wr_view_thread(view, i)) != NULL; i++)
        n += atomic_load(&slot->threads);
    return n;
}

static uint64_t
open_fds(const struct wr_source *one)
{
    struct wr_proc p;
    wr_proc_read(&p, "", one->pid, 0);
    return one->live && p.open_fds > 0 ? (uint64_t)p.open_fds : 0;
}

static uint64_t
live_ones(const struct wr_scope *s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        n += s->list[i]->live;
    return n;
}

static void
index_row(FILE *out, uint64_t count, const char *name, const char *says)
{
    fprintf(out,
            "<tr><td class=\"n\">%llu</td><td><a href=\"%s?debug=1\">%s</a>"
            "</td><td>%s</td></tr>\n",
            (unsigned long long)count, name, name, says);
}

static void
index_table(FILE *out, const struct wr_scope *s)
{
    uint64_t sites = 0, running = 0, started = 0, fds = 0;
    for (size_t i = 0; i < s->count; i++) {
        sites += wr_view_used(&s->list[i]->view, WR_TABLE_BUCKETS);
        running += wr_source_threads(s->list[i]);
        started += started_threads(&s->list[i]->view);
        fds += open_fds(s->list[i]);
    }
    fputs("<p>Profiles:</p>\n<table>\n<tr><th>Count</th><th>Profile</th>"
          "<th></th></tr>\n",
          out);
    index_row(out, sites, "allocs", "everything ever allocated, by site");
    index_row(out, fds, "fds", "open descriptors, by who opened them");
    index_row(out, running, "goroutine", "the threads, with their stacks");
    index_row(out, sites, "heap", "what is in use now, by site");
    index_row(out, live_ones(s), "leak",
              "what nobody can reach any more (a search in each process)");
    index_row(out, started, "threadcreate", "where threads were made");
    fputs("</table>\n<p><a href=\"goroutine?debug=2\">full goroutine stack "
          "dump</a> (all threads)<br><a href=\"cmdline\">command line</a><br>"
          "<a href=\"../../metrics\">metrics</a> (for Prometheus)</p>\n"
          "<p>Parameters: <code>debug=1</code> text, <code>seconds=N</code> "
          "what changes in N seconds, <code>gc=1</code> fresh counters from "
          "every thread. Without them: profile.proto for <code>go tool pprof"
          "</code>.</p>\n",
          out);
}

static void
process_links(FILE *out, const struct wr_scope *s)
{
    if (s->count < 2)
        return;
    fprintf(out, "<p>Merged from %zu processes; one by one:</p><ul>\n",
            s->count);
    for (size_t i = 0; i < s->count; i++) {
        fprintf(out, "<li><a href=\"/pid/%u/debug/pprof/\">%u ",
                s->list[i]->pid, s->list[i]->pid);
        wr_xml_string(out, s->list[i]->program);
        fputs("</a></li>\n", out);
    }
    fputs("</ul>\n", out);
}

void
wr_page_index(struct wr_answer *a, const struct wr_scope *s)
{
    struct wr_body body;
    if (!wr_body_open(&body, a))
        return;
    FILE *out = body.out;
    head(out, "/debug/pprof/");
    fputs("<h1>/debug/pprof/</h1>\n", out);
    if (s->count == 1) {
        fprintf(out, "<p>%u ", s->list[0]->pid);
        wr_xml_string(out, s->list[0]->program);
        fputs(s->list[0]->live ? "</p>\n" : " (ended)</p>\n", out);
    }
    index_table(out, s);
    process_links(out, s);
    fputs("<p><a href=\"/pid/\">all processes</a></p>\n</body></html>\n", out);
    wr_body_close(&body, a, WR_TYPE_HTML);
}

/* --- Process list ------------------------------------------------------ */

static const char *
state_word(const struct wr_source *one)
{
    if (one->live)
        return "running";
    if (one->replaced)
        return "replaced by exec";
    if (atomic_load(&one->view.header->state) == WR_REGION_EXITED)
        return "exited";
    return "killed";
}

static void
process_row(FILE *out, const struct wr_source *one)
{
    struct weir_memstats m;
    wr_memstats_from_view(&m, &one->view);
    fprintf(out,
            "<tr><td class=\"n\"><a href=\"/pid/%u/debug/pprof/\">%u</a></td>"
            "<td>",
            one->pid, one->pid);
    wr_xml_string(out, one->program);
    fprintf(out, "</td><td>%s</td><td class=\"n\">%.1f MiB</td></tr>\n",
            state_word(one), (double)m.heap_alloc / (1 << 20));
}

void
wr_page_processes(struct wr_answer *a, const struct wr_sources *s)
{
    struct wr_body body;
    if (!wr_body_open(&body, a))
        return;
    FILE *out = body.out;
    head(out, "Programs under Weir");
    fputs("<h1>Programs under Weir</h1>\n<p><a href=\"/debug/pprof/\">all "
          "running ones merged</a></p>\n<table><tr><th>pid</th><th>program"
          "</th><th>state</th><th>heap</th></tr>\n",
          out);
    for (size_t i = 0; i < s->count; i++)
        if (!s->list[i].replaced)
            process_row(out, &s->list[i]);
    fputs("</table>\n</body></html>\n", out);
    wr_body_close(&body, a, WR_TYPE_HTML);
}

void
wr_json_process(FILE *out, const struct wr_source *one)
{
    const struct wr_region_header *h = one->view.header;
    struct weir_memstats m;
    wr_memstats_from_view(&m, &one->view);
    fprintf(out, "{\"pid\":%u,\"program\":", one->pid);
    wr_json_string(out, one->program);
    fprintf(out,
            ",\"state\":\"%s\",\"start_ns\":%llu,\"heap_alloc\":%llu,"
            "\"total_alloc\":%llu,\"mallocs\":%llu,\"frees\":%llu,"
            "\"sample_rate\":%llu",
            state_word(one), (unsigned long long)h->start_ns,
            (unsigned long long)m.heap_alloc, (unsigned long long)m.total_alloc,
            (unsigned long long)m.mallocs, (unsigned long long)m.frees,
            (unsigned long long)atomic_load(&h->sample_rate));
    fprintf(out, ",\"profiles\":\"/pid/%u/debug/pprof/\"}", one->pid);
}

void
wr_page_processes_json(struct wr_answer *a, const struct wr_sources *s)
{
    struct wr_body body;
    const char *comma = "";
    if (!wr_body_open(&body, a))
        return;
    FILE *out = body.out;
    fputc('[', out);
    for (size_t i = 0; i < s->count; i++) {
        if (s->list[i].replaced)
            continue;
        fputs(comma, out);
        wr_json_process(out, &s->list[i]);
        comma = ",\n";
    }
    fputs("]\n", out);
    wr_body_close(&body, a, WR_TYPE_JSON);
}
