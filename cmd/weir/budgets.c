/* weir budgets: what a program has set aside, for what, and what was refused.
 */
#include <inttypes.h>
#include <stdio.h>
#include "analyse/profile.h"
#include "analyse/quote.h"
#include "analyse/top.h"
#include "region/budget.h"
#include "weir/cmd.h"
#include "weir/listing.h"

static void
print_bytes(uint64_t bytes)
{
    char text[32] = "-";
    if (bytes != UINT64_MAX)
        wr_value_format(text, sizeof text, (int64_t)bytes, "bytes");
    printf(" %9s", text);
}

static void
print_table(const struct wr_budget_line *line, size_t n)
{
    const char *bold = wr_colour(stdout) ? "\033[1m" : "";
    if (n == 0) {
        wr_say("the program has no budgets; weir(3) tells of weir_budget_new");
        return;
    }
    printf("%s%-24s %9s %9s %9s %9s %9s %8s%s\n", bold, "BUDGET", "USED",
           "LIMIT", "PEAK", "RESERVED", "HELD", "REFUSED",
           *bold ? "\033[0m" : "");
    for (size_t i = 0; i < n; i++) {
        int indent = line[i].depth < 10 ? 2 * (int)line[i].depth : 20;
        char name[sizeof line->name];
        wr_listing_name(line[i].name, name, sizeof name);
        printf("%*s%-*s", indent, "", 24 - indent, name);
        print_bytes(line[i].used);
        print_bytes(line[i].limit);
        print_bytes(line[i].peak);
        print_bytes(line[i].reserved);
        print_bytes(line[i].held);
        printf(" %8" PRIu64 "\n", line[i].refused);
    }
}

static void
print_json(const struct wr_budget_line *line, size_t n)
{
    putchar('[');
    for (size_t i = 0; i < n; i++) {
        fputs(i > 0 ? ",\n{\"name\":" : "{\"name\":", stdout);
        wr_json_string(stdout, line[i].name);
        printf(",\"depth\":%u,\"limit_bytes\":", line[i].depth);
        if (line[i].limit != UINT64_MAX)
            printf("%" PRIu64, line[i].limit);
        else
            fputs("null", stdout);
        printf(",\"used_bytes\":%" PRIu64 ",\"peak_bytes\":%" PRIu64
               ",\"reserved_bytes\":%" PRIu64 ",\"held_bytes\":%" PRIu64
               ",\"allocated_bytes\":%" PRIu64 ",\"refused\":%" PRIu64 "}",
               line[i].used, line[i].peak, line[i].reserved, line[i].held,
               line[i].allocated, line[i].refused);
    }
    puts("]");
}

static void
print(const struct wr_region_view *view, bool json)
{
    static struct wr_budget_line line[WR_BUDGETS];
    size_t n = wr_budgets_read(view, line);
    if (json)
        print_json(line, n);
    else
        print_table(line, n);
}

int
wr_cmd_budgets(int argc, char **argv)
{
    return wr_listing(argc, argv, print);
}
