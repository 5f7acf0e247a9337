/* weir pools: what a program's pools and caches do, and whether they are worth
 * it.
 */
#include <inttypes.h>
#include <stdio.h>
#include "analyse/meters.h"
#include "analyse/units.h"
#include "weir/cmd.h"
#include "weir/listing.h"

static void
print_count(uint64_t n)
{
    char text[WR_VALUE_ROOM];
    wr_value_format(text, sizeof text, (int64_t)n, "count");
    printf(" %9s", text);
}

/* A pool does not know how large its objects are. */
static void
print_bytes(const struct wr_meter_line *m)
{
    char text[WR_VALUE_ROOM] = "-";
    if (m->kind == WEIR_METER_CACHE)
        wr_value_format(text, sizeof text, (int64_t)m->sum[WEIR_METER_BYTES],
                        "bytes");
    printf(" %9s\n", text);
}

static void
print_rate(const struct wr_meter_line *m)
{
    uint64_t hits = m->sum[WEIR_METER_HITS];
    uint64_t asked = hits + m->sum[WEIR_METER_MISSES];
    if (asked > 0)
        printf(" %6.1f%%", 100.0 * (double)hits / (double)asked);
    else
        printf(" %7s", "-");
}

static void
print_table(const struct wr_meter_line *line, size_t n)
{
    const char *bold = wr_colour(stdout) ? "\033[1m" : "";
    char name[sizeof line->name];
    if (n == 0) {
        wr_say("the program has no pools and no caches; weir-kit(3) tells of "
               "them");
        return;
    }
    printf("%s%-6s%-24s %7s %9s %9s %9s %9s %9s %9s %9s%s\n", bold, "KIND",
           "NAME", "HIT", "HITS", "MISSES", "DROPPED", "EXPIRED", "SHRUNK",
           "ITEMS", "BYTES", *bold ? "\033[0m" : "");
    for (const struct wr_meter_line *m = line; m < line + n; m++) {
        wr_listing_name(m->name, name, sizeof name);
        printf("%-6s%-24s", wr_meter_kind_name(m->kind), name);
        print_rate(m);
        for (unsigned i = WEIR_METER_HITS; i <= WEIR_METER_ITEMS; i++)
            print_count(m->sum[i]);
        print_bytes(m);
    }
}

static void
print(const struct wr_region_view *view, bool json)
{
    static struct wr_meter_line line[WR_METERS];
    size_t n = wr_meters_read(view, line);
    if (json) {
        wr_meters_json(line, n, stdout);
        putchar('\n');
    } else {
        print_table(line, n);
    }
}

int
wr_cmd_pools(int argc, char **argv)
{
    return wr_listing(argc, argv, print);
}
