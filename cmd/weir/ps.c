/* weir ps: the programs running under Weir. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/quote.h"
#include "analyse/top.h"
#include "serve/source.h"
#include "weir/cmd.h"
#include "weir/place.h"
#include "weir/vitals.h"

/* Who serves a region: its run, or weir serve for the whole directory. */
static void
find_address(char *address, size_t bytes, const char *region)
{
    address[0] = '\0';
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

/* Bytes, with a sign; "-" when not known. */
static void
format_growth(char *text, size_t bytes, const struct wr_trend *t)
{
    char size[32];
    if (!t->known) {
        snprintf(text, bytes, "-");
        return;
    }
    wr_value_format(size, sizeof size, t->per_minute, "bytes");
    snprintf(text, bytes, "%s%s", t->per_minute > 0 ? "+" : "", size);
}

static void
format_share(char *text, size_t bytes, const struct wr_vitals *v)
{
    if (v->limit == 0)
        snprintf(text, bytes, "-");
    else
        snprintf(text, bytes, "%.0f%%",
                 100 * (double)v->rss / (double)v->limit);
}

static void
print_row(const struct wr_source *one)
{
    struct wr_vitals v;
    char heap[32], rss[32], growth[40], share[16], uptime[32], signs[64];
    char address[300];
    wr_vitals_take(&v, one);
    find_address(address, sizeof address, one->path);
    wr_value_format(heap, sizeof heap, (int64_t)v.live, "bytes");
    wr_value_format(rss, sizeof rss, (int64_t)v.rss, "bytes");
    format_growth(growth, sizeof growth, &v.trend);
    format_share(share, sizeof share, &v);
    wr_time_format(uptime, sizeof uptime, v.uptime_s);
    wr_signs_format(signs, sizeof signs, v.signs);
    printf("%7u  %-16.16s %7s %9s %9s %10s %6s  %-8s %s\n", one->pid,
           one->program, uptime, heap, rss, growth, share, signs,
           address[0] ? address : "-");
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
    printf("%s%7s  %-16s %7s %9s %9s %10s %6s  %-8s %s%s\n", bold, "PID",
           "PROGRAM", "UPTIME", "HEAP", "RSS", "GROWTH/MIN", "LIMIT", "SIGNS",
           "ADDRESS", *bold ? "\033[0m" : "");
    for (size_t i = 0; i < n; i++)
        print_row(&s->list[i]);
}

static void
print_signs(unsigned signs)
{
    const char *comma = "";
    fputs(",\"signs\":[", stdout);
    for (unsigned i = 0; wr_sign_key(i); i++)
        if (signs & 1u << i) {
            printf("%s\"%s\"", comma, wr_sign_key(i));
            comma = ",";
        }
    putchar(']');
}

static void
print_object(const struct wr_source *one)
{
    struct wr_vitals v;
    char address[300];
    wr_vitals_take(&v, one);
    find_address(address, sizeof address, one->path);
    printf("{\"pid\":%u,\"program\":", one->pid);
    wr_json_string(stdout, one->program);
    printf(",\"uptime_s\":%" PRIu64 ",\"heap_bytes\":%" PRIu64
           ",\"rss_bytes\":%" PRIu64 ",\"sample_bytes\":%" PRIu64
           ",\"address\":",
           v.uptime_s, v.live, v.rss, v.sample_rate);
    wr_json_string(stdout, address);
    fputs(",\"region\":", stdout);
    wr_json_string(stdout, one->path);
    if (v.trend.known)
        printf(",\"growth_bytes_per_min\":%" PRId64, v.trend.per_minute);
    else
        fputs(",\"growth_bytes_per_min\":null", stdout);
    if (v.limit != 0)
        printf(",\"limit_bytes\":%" PRIu64, v.limit);
    else
        fputs(",\"limit_bytes\":null", stdout);
    print_signs(v.signs);
    putchar('}');
}

static void
print_json(const struct wr_sources *s)
{
    putchar('[');
    for (size_t i = 0; i < wr_sources_live(s); i++) {
        fputs(i > 0 ? ",\n" : "", stdout);
        print_object(&s->list[i]);
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
