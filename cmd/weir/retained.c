/* weir retained: how much each root and each site keeps alive. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/export.h"
#include "analyse/profile.h"
#include "weir/cmd.h"
#include "weir/inquire.h"

#define ROWS 15 /* unless all are asked for */

struct retained {
    struct wr_subject of;
    bool json, all;
    const char *html, *svg, *pprof; /* files to write; NULL: none */
};

/* 0; or an exit status + 1. */
static int
parse(struct retained *r, int argc, char **argv)
{
    static const struct option known[] = {
        {"all", no_argument, NULL, 'a'},
        {"html", required_argument, NULL, 'w'},
        {"json", no_argument, NULL, 'j'},
        {"pprof", required_argument, NULL, 'p'},
        {"svg", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "ah", known, NULL)) != -1) {
        r->all |= c == 'a';
        r->json |= c == 'j';
        if (c == 'w')
            r->html = optarg;
        else if (c == 's')
            r->svg = optarg;
        else if (c == 'p')
            r->pprof = optarg;
        else if (c == 'h')
            return wr_help_print(stdout, wr_command_find("retained")), 1;
        else if (c == '?')
            return wr_usage_error("retained") + 1;
    }
    if (optind == argc ||
        (optind + 1 == argc && wr_inquest_subject(argv[optind], &r->of)))
        return 0;
    wr_say("retained: %s is neither a process id (weir ps lists them) nor a "
           "core or heap file",
           argv[optind]);
    return wr_usage_error("retained") + 1;
}

/* --- Files --------------------------------------------------------------- */

typedef int writer(const struct wr_export *, FILE *, char *, size_t);

static int
write_pprof(const struct wr_export *e, FILE *out, char *why, size_t n)
{
    unsigned char *bytes;
    size_t count;
    if (wr_profile_encode(e->p, true, &bytes, &count, why, n) != 0)
        return -1;
    fwrite(bytes, 1, count, out);
    free(bytes);
    return 0;
}

static int
write_file(const struct wr_export *e, const char *path, writer *write,
           char *why, size_t n)
{
    if (!path)
        return 0;
    FILE *out = fopen(path, "we");
    int status = out ? write(e, out, why, n) : -1;
    bool bad = !out || ferror(out);
    if (out && fclose(out) != 0)
        bad = true;
    if (bad)
        snprintf(why, n, "cannot write %s: %s", path, strerror(errno));
    return bad ? -1 : status;
}

static int
write_files(const struct retained *r, struct wr_profile *p,
            const struct wr_inquiry *q, char *why, size_t n)
{
    char title[200];
    snprintf(title, sizeof title, "%s: what keeps its memory alive",
             q->program);
    struct wr_export e = {
        .p = p, .type = wr_profile_default_type(p), .title = title};
    return write_file(&e, r->html, wr_export_html, why, n) == 0 &&
                   write_file(&e, r->svg, wr_export_svg, why, n) == 0 &&
                   write_file(&e, r->pprof, write_pprof, why, n) == 0
               ? 0
               : -1;
}

/* --- The command --------------------------------------------------------- */

static int
tell(const struct retained *r, struct wr_inquest *i, char *why, size_t n)
{
    struct wr_profile *p;
    i->q.json = r->json;
    i->q.most = r->all ? SIZE_MAX : ROWS;
    if (wr_retained(&i->q, stdout, &p, why, n) != 0)
        return -1;
    int status = write_files(r, p, &i->q, why, n);
    wr_profile_free(p);
    return status;
}

int
wr_cmd_retained(int argc, char **argv)
{
    struct retained r = {.json = false};
    struct wr_inquest i;
    char why[WR_WHY];
    int status = parse(&r, argc, argv);
    if (status != 0)
        return status - 1;
    status = wr_inquest_open(&i, &r.of, WR_INQUEST_HOLDERS, why, sizeof why);
    if (status == 0) {
        status = tell(&r, &i, why, sizeof why);
        wr_inquest_close(&i);
    }
    if (status != 0)
        wr_say("retained: %s", why);
    return status == 0 ? 0 : 1;
}
