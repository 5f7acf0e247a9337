/* weir budgets: what a program has set aside, for what, and what was refused.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "analyse/profile.h"
#include "analyse/quote.h"
#include "analyse/top.h"
#include "region/budget.h"
#include "serve/source.h"
#include "weir/cmd.h"
#include "weir/number.h"
#include "weir/pick.h"

struct budgets {
    uint64_t pid; /* 0: the only program */
    bool json;
};

/* 0; or an exit status + 1. */
static int
parse(struct budgets *b, int argc, char **argv)
{
    static const struct option known[] = {
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "jh", known, NULL)) != -1) {
        b->json |= c == 'j';
        if (c == 'h')
            return wr_help_print(stdout, wr_command_find("budgets")), 1;
        if (c == '?')
            return wr_usage_error("budgets") + 1;
    }
    if (optind == argc)
        return 0;
    if (optind + 1 == argc &&
        wr_number_plain(argv[optind], INT32_MAX, &b->pid) == 0 && b->pid)
        return 0;
    wr_say("budgets: %s is not a process id; weir ps lists them", argv[optind]);
    return wr_usage_error("budgets") + 1;
}

/* A terminal is not to be told by a name what to do. */
static void
make_plain(char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < ' ' || *name == 127)
            *name = '?';
}

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
        memcpy(name, line[i].name, sizeof name);
        make_plain(name);
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

int
wr_cmd_budgets(int argc, char **argv)
{
    static struct wr_budget_line line[WR_BUDGETS];
    struct budgets b = {.pid = 0};
    struct wr_sources s;
    char why[WR_WHY];
    int status = parse(&b, argc, argv);
    if (status != 0)
        return status - 1;
    if (wr_sources_scan(&s, NULL, WR_SCAN_ALL) != 0)
        return wr_say("out of memory"), 1;
    const struct wr_source *one = wr_pick(&s, (uint32_t)b.pid, why, sizeof why);
    if (one) {
        size_t n = wr_budgets_read(&one->view, line);
        if (b.json)
            print_json(line, n);
        else
            print_table(line, n);
    } else {
        wr_say("budgets: %s", why);
    }
    wr_sources_free(&s);
    return one ? 0 : 1;
}
