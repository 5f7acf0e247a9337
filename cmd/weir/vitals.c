#include "weir/vitals.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "analyse/profile.h"
#include "base/clock.h"
#include <weir/memstats.h>

/* Bytes of memory the process has resident; 0: it is gone. */
static uint64_t
resident(uint32_t pid)
{
    char path[40];
    unsigned long long pages = 0;
    snprintf(path, sizeof path, "/proc/%u/statm", pid);
    FILE *in = fopen(path, "re");
    if (!in)
        return 0;
    if (fscanf(in, "%*u %llu", &pages) != 1)
        pages = 0;
    fclose(in);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* An ended process has the age it ended at. */
static uint64_t
uptime_ns(const struct wr_source *one, const struct wr_point *p, size_t n)
{
    const struct wr_region_header *h = one->view.header;
    uint64_t end = atomic_load(&h->end_ns);
    uint64_t now = wr_clock_ns(CLOCK_REALTIME);
    if (!one->live && end > h->start_ns)
        now = end;
    else if (!one->live && n > 0)
        return p[n - 1].uptime_ns;
    return now > h->start_ns ? now - h->start_ns : 0;
}

static void
take_heap(struct wr_vitals *v, const struct wr_region_view *view)
{
    struct weir_memstats m;
    wr_memstats_from_view(&m, view);
    v->live = m.heap_alloc;
    v->inuse = m.heap_inuse;
    v->mapped = m.heap_sys;
    v->allocs = m.mallocs;
    v->alloc_bytes = m.total_alloc;
    v->sample_rate = atomic_load(&view->header->sample_rate);
    v->map_failures = atomic_load(&view->header->counters.map_failures);
}

static uint64_t
running_threads(const struct wr_region_view *view)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < wr_view_used(view, WR_TABLE_THREADS); i++)
        if (atomic_load(&wr_view_thread(view, i)->state) == WR_THREAD_RUNNING)
            n++;
    return n;
}

static unsigned
signs_of(const struct wr_vitals *v)
{
    unsigned signs = v->trend.growing ? WR_SIGN_GROWING : 0;
    if (v->map_failures > 0)
        signs |= WR_SIGN_REFUSED;
    if (v->limit > 0 && v->rss >= v->limit / 10 * 9)
        signs |= WR_SIGN_LIMIT;
    return signs;
}

void
wr_vitals_take(struct wr_vitals *v, const struct wr_source *one)
{
    static struct wr_point p[WR_HISTORY_SECOND_SLOTS];
    size_t n = wr_history_read(&one->view, WR_HISTORY_SECONDS, p,
                               WR_HISTORY_SECOND_SLOTS);
    *v = (struct wr_vitals){.pid = one->pid, .live_process = one->live};
    v->uptime_ns = uptime_ns(one, p, n);
    v->uptime_s = v->uptime_ns / 1000000000;
    take_heap(v, &one->view);
    v->rss = one->live ? resident(one->pid) : n > 0 ? p[n - 1].rss : 0;
    v->limit = n > 0 ? p[n - 1].limit : 0;
    v->threads = running_threads(&one->view);
    v->collects = wr_collected_read(&v->collected, &one->view);
    wr_trend_make(&v->trend, p, n, v->uptime_ns, v->live);
    v->signs = signs_of(v);
}

/* ---- words ---- */

static const struct {
    const char *word, *key;
} words[] = {{"growing", "growing"},
             {"refused", "map_failures"},
             {"limit", "near_limit"}};

const char *
wr_sign_word(unsigned n)
{
    return n < sizeof words / sizeof *words ? words[n].word : NULL;
}

const char *
wr_sign_key(unsigned n)
{
    return n < sizeof words / sizeof *words ? words[n].key : NULL;
}

void
wr_signs_format(char *text, size_t bytes, unsigned signs)
{
    size_t len = 0;
    snprintf(text, bytes, "-");
    for (unsigned i = 0; wr_sign_word(i); i++)
        if (signs & 1u << i && len < bytes)
            len += (size_t)snprintf(text + len, bytes - len, "%s%s",
                                    len > 0 ? "," : "", wr_sign_word(i));
}

void
wr_time_format(char *text, size_t bytes, uint64_t s)
{
    unsigned long long n = s;
    if (n < 60)
        snprintf(text, bytes, "%llus", n);
    else if (n < 3600)
        snprintf(text, bytes, "%llum%02llus", n / 60, n % 60);
    else if (n < 48 * 3600)
        snprintf(text, bytes, "%lluh%02llum", n / 3600, n / 60 % 60);
    else
        snprintf(text, bytes, "%llud%02lluh", n / 86400, n / 3600 % 24);
}
