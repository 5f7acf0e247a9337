#include "weir/listing.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "analyse/profile.h"
#include "serve/source.h"
#include "weir/cmd.h"
#include "weir/number.h"
#include "weir/pick.h"

struct listing {
    uint64_t pid; /* 0: the only program */
    bool json;
};

/* 0; or an exit status + 1. */
static int
parse(struct listing *l, int argc, char **argv)
{
    static const struct option known[] = {
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "jh", known, NULL)) != -1) {
        l->json |= c == 'j';
        if (c == 'h')
            return wr_help_print(stdout, wr_command_find(argv[0])), 1;
        if (c == '?')
            return wr_usage_error(argv[0]) + 1;
    }
    if (optind == argc)
        return 0;
    if (optind + 1 == argc &&
        wr_number_plain(argv[optind], INT32_MAX, &l->pid) == 0 && l->pid)
        return 0;
    wr_say("%s: %s is not a process id; weir ps lists them", argv[0],
           argv[optind]);
    return wr_usage_error(argv[0]) + 1;
}

int
wr_listing(int argc, char **argv,
           void (*print)(const struct wr_region_view *view, bool json))
{
    struct listing l = {.pid = 0};
    struct wr_sources s;
    char why[WR_WHY];
    int status = parse(&l, argc, argv);
    if (status != 0)
        return status - 1;
    if (wr_sources_scan(&s, NULL, WR_SCAN_ALL) != 0)
        return wr_say("out of memory"), 1;
    const struct wr_source *one = wr_pick(&s, (uint32_t)l.pid, why, sizeof why);
    if (one)
        print(&one->view, l.json);
    else
        wr_say("%s: %s", argv[0], why);
    wr_sources_free(&s);
    return one ? 0 : 1;
}

void
wr_listing_name(const char *name, char *plain, size_t bytes)
{
    snprintf(plain, bytes, "%s", name);
    for (; *plain; plain++)
        if ((unsigned char)*plain < ' ' || *plain == 127)
            *plain = '?';
}
