/* weir ps: the programs running under Weir. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "analyse/profile.h"
#include "analyse/quote.h"
#include "analyse/top.h"
#include "base/clock.h"
#include "serve/page.h"
#include "weir/cmd.h"
#include "weir/place.h"
#include <weir/memstats.h>

struct row {
    const struct wr_source *one;
    uint64_t uptime_s, heap, rss, rate;
    char address[300]; /* "" when nobody serves it */
};

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

/* Who serves a region: its run, or weir serve for the whole directory. */
static void
find_address(char *address, size_t bytes, const char *region)
{
    char dir[WR_PATH_MAX];
    snprintf(dir, sizeof dir, "%s", region);
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(dir, '/');
        if (!slash)
            return;
        *slash = 0;
        wr_place_address(dir, address, bytes);
        const char *name = strrchr(dir, '/');
        if (address[0] || !name || !wr_source_is_run(name + 1))
            return;
    }
}

static void
measure(struct row *row, const struct wr_source *one)
{
    const struct wr_region_header *h = one->view.header;
    struct weir_memstats m;
    uint64_t now = wr_clock_ns(CLOCK_REALTIME), start = h->start_ns;
    wr_memstats_from_view(&m, &one->view);
    *row = (struct row){
        .one = one,
        .uptime_s = now > start ? (now - start) / 1000000000 : 0,
        .heap = m.heap_alloc,
        .rss = resident(one->pid),
        .rate = atomic_load(&h->sample_rate),
    };
    find_address(row->address, sizeof row->address, one->path);
}

static void
format_time(char *text, size_t bytes, uint64_t s)
{
    if (s < 60)
        snprintf(text, bytes, "%llus", (unsigned long long)s);
    else if (s < 3600)
        snprintf(text, bytes, "%llum%02llus", (unsigned long long)s / 60,
                 (unsigned long long)s % 60);
    else if (s < 48 * 3600)
        snprintf(text, bytes, "%lluh%02llum", (unsigned long long)s / 3600,
                 (unsigned long long)s / 60 % 60);
    else
        snprintf(text, bytes, "%llud%02lluh", (unsigned long long)s / 86400,
                 (unsigned long long)s / 3600 % 24);
}

static void
print_row(const struct row *row)
{
    char heap[32], rss[32], rate[32], uptime[32];
    wr_value_format(heap, sizeof heap, (int64_t)row->heap, "bytes");
    wr_value_format(rss, sizeof rss, (int64_t)row->rss, "bytes");
    wr_value_format(rate, sizeof rate, (int64_t)row->rate, "bytes");
    format_time(uptime, sizeof uptime, row->uptime_s);
    printf("%7u  %-20.20s %8s %10s %10s %9s  %s\n", row->one->pid,
           row->one->program, uptime, heap, rss, row->rate ? rate : "off",
           row->address[0] ? row->address : "-");
}

static void
print_table(const struct wr_sources *s)
{
    size_t n = wr_sources_live(s);
    const char *bold = wr_colour(stdout) ? "\033[1m" : "";
    if (n == 0) {
        wr_say("no program is running under Weir; start one with: weir run -- "
               "program");
        return;
    }
    printf("%s%7s  %-20s %8s %10s %10s %9s  %s%s\n", bold, "PID", "PROGRAM",
           "UPTIME", "HEAP", "RSS", "SAMPLE", "ADDRESS",
           *bold ? "\033[0m" : "");
    for (size_t i = 0; i < n; i++) {
        struct row row;
        measure(&row, &s->list[i]);
        print_row(&row);
    }
}

static void
print_json(const struct wr_sources *s)
{
    const char *comma = "";
    putchar('[');
    for (size_t i = 0; i < wr_sources_live(s); i++) {
        struct row row;
        measure(&row, &s->list[i]);
        printf("%s{\"pid\":%u,\"program\":", comma, row.one->pid);
        wr_json_string(stdout, row.one->program);
        printf(",\"uptime_s\":%llu,\"heap_bytes\":%llu,\"rss_bytes\":%llu,"
               "\"sample_bytes\":%llu,\"address\":",
               (unsigned long long)row.uptime_s, (unsigned long long)row.heap,
               (unsigned long long)row.rss, (unsigned long long)row.rate);
        wr_json_string(stdout, row.address);
        fputs(",\"region\":", stdout);
        wr_json_string(stdout, row.one->path);
        putchar('}');
        comma = ",\n";
    }
    puts("]");
}

int
wr_cmd_ps(int argc, char **argv)
{
    static const struct option known[] = {
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct wr_sources s;
    bool json = false;
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "jh", known, NULL)) != -1) {
        if (c == 'h')
            return wr_help_print(stdout, wr_command_find("ps")), 0;
        if (c != 'j')
            return wr_usage_error("ps");
        json = true;
    }
    if (optind < argc)
        return wr_usage_error("ps");
    if (wr_sources_scan(&s, NULL, WR_SCAN_ALL) != 0) {
        wr_say("out of memory");
        return 1;
    }
    if (json)
        print_json(&s);
    else
        print_table(&s);
    wr_sources_free(&s);
    return 0;
}
