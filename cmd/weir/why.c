/* weir why, weir whois: who keeps a block alive, and what an address is. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include "analyse/profile.h"
#include "weir/cmd.h"
#include "weir/inquire.h"

#define WAYS 5 /* unless all are asked for */

struct why {
    const char *command;
    struct wr_subject of;
    const char *place;
    bool json, all;
};

/* 0; or an exit status + 1. */
static int
parse(struct why *w, int argc, char **argv)
{
    static const struct option known[] = {
        {"all", no_argument, NULL, 'a'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "ah", known, NULL)) != -1) {
        w->all |= c == 'a';
        w->json |= c == 'j';
        if (c == 'h')
            return wr_help_print(stdout, wr_command_find(w->command)), 1;
        if (c == '?')
            return wr_usage_error(w->command) + 1;
    }
    const char *wrong =
        wr_inquest_words(argc - optind, argv + optind, &w->of, &w->place);
    if (!wrong)
        return 0;
    wr_say("%s: %s", w->command, wrong);
    return wr_usage_error(w->command) + 1;
}

/* The exit status. */
static int
inquire(const struct why *w, enum wr_inquest_kind kind,
        int (*tell)(const struct why *, const struct wr_inquiry *, char *,
                    size_t))
{
    struct wr_inquest i;
    char why[WR_WHY];
    int status = wr_inquest_open(&i, &w->of, kind, why, sizeof why);
    if (status == 0) {
        i.q.json = w->json;
        i.q.most = w->all ? SIZE_MAX : WAYS;
        status = tell(w, &i.q, why, sizeof why);
        wr_inquest_close(&i);
    }
    if (status != 0)
        wr_say("%s: %s", w->command, why);
    return status == 0 ? 0 : 1;
}

static int
tell_why(const struct why *w, const struct wr_inquiry *q, char *why, size_t n)
{
    uint64_t address;
    if (wr_inquest_address(w->place, &address))
        return wr_why_address(q, address, stdout, why, n);
    return wr_why_site(q, w->place, stdout, why, n);
}

int
wr_cmd_why(int argc, char **argv)
{
    struct why w = {.command = "why"};
    int status = parse(&w, argc, argv);
    return status ? status - 1 : inquire(&w, WR_INQUEST_HOLDERS, tell_why);
}

static int
tell_whois(const struct why *w, const struct wr_inquiry *q, char *why, size_t n)
{
    uint64_t address;
    (void)wr_inquest_address(w->place, &address);
    return wr_whois(q, address, stdout, why, n);
}

int
wr_cmd_whois(int argc, char **argv)
{
    struct why w = {.command = "whois"};
    uint64_t address;
    int status = parse(&w, argc, argv);
    if (status)
        return status - 1;
    if (!wr_inquest_address(w.place, &address)) {
        wr_say("whois: %s is no address; one is like 0x7f52e4a01230", w.place);
        return wr_usage_error("whois");
    }
    return inquire(&w, WR_INQUEST_BLOCKS, tell_whois);
}
