/* weir flame: a flame graph of a profile, or of what changed between two, in
 * one file; or the profile in a format of others. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/export.h"
#include "analyse/names.h"
#include "analyse/path.h"
#include "analyse/profile.h"
#include "weir/cmd.h"
#include "weir/profile_args.h"

#define FORMATS 6

typedef int exporter(const struct wr_export *, FILE *, char *, size_t);

static exporter export_pprof;

/* The first is written when no option says another. file: where to, unless
 * -o says; NULL: to standard output. */
static const struct format {
    const char *option;
    exporter *write;
    const char *file;
    bool subtracted; /* of two profiles it gets the difference */
} formats[FORMATS] = {
    {"html", wr_export_html, "weir-flame.html", false},
    {"svg", wr_export_svg, "weir-flame.svg", false},
    {"folded", wr_export_folded, NULL, false},
    {"speedscope", wr_export_speedscope, "weir-flame.speedscope.json", false},
    {"pprof", export_pprof, "weir-flame.pb.gz", true},
    {"json", wr_export_json, NULL, true},
};

struct flame {
    struct wr_profile_args args;
    const struct format *format;
    const char *output; /* NULL: the format's own */
};

static int
export_pprof(const struct wr_export *e, FILE *out, char *why, size_t n)
{
    unsigned char *bytes;
    size_t length;
    if (wr_profile_encode(e->p, true, &bytes, &length, why, n) != 0)
        return -1;
    fwrite(bytes, 1, length, out);
    free(bytes);
    return 0;
}

/* --- Arguments ----------------------------------------------------------- */

static int
usage(const char *sentence)
{
    wr_say("flame: %s", sentence);
    return wr_usage_error("flame") + 1;
}

/* 0, or the exit status + 1. */
static int
parse(struct flame *f, int argc, char **argv)
{
    bool wanted[FORMATS] = {false};
    struct wr_own_option own[FORMATS + 2] = {
        {.name = "output", .letter = 'o', .text = &f->output}};
    for (int i = 0; i < FORMATS; i++)
        own[i + 1] = (struct wr_own_option){.name = formats[i].option,
                                            .flag = &wanted[i]};
    int status = wr_profile_args_parse(&f->args, "flame", own, argc, argv);
    if (status != 0)
        return status;
    f->format = NULL;
    for (int i = 0; i < FORMATS; i++) {
        if (wanted[i] && f->format)
            return usage("one format at a time");
        if (wanted[i])
            f->format = &formats[i];
    }
    if (!f->format)
        f->format = &formats[0];
    const struct wr_analysis_options *o = &f->args.options;
    if ((o->granularity != WR_BY_FUNCTIONS && o->granularity != WR_BY_LINES) ||
        o->no_inlines)
        return usage("frames are -functions or -lines, inlined ones too");
    if (f->args.word_count > 2)
        return usage("one profile, or two to compare");
    if (f->args.word_count == 2 && f->args.base_count > 0)
        return usage("-base, or two profiles to compare, not both");
    return 0;
}

/* Two profiles are a base and what is compared with it. */
static int
open_profiles(struct flame *f, struct wr_opened *o, char *why, size_t n)
{
    struct wr_profile_args *a = &f->args;
    unsigned first = a->word_count == 2;
    if (first)
        a->bases[a->base_count++] = a->words[0];
    a->keep_base = !f->format->subtracted;
    return wr_profile_args_open(a, a->words + first, a->word_count - first, o,
                                why, n);
}

/* "redis-server: 4711, compared with 4711@-10m": the program is the one that
 * was mapped first. */
static void
make_title(const struct flame *f, const struct wr_profile *p, char *title,
           size_t n)
{
    const struct wr_profile_args *a = &f->args;
    const char *program =
        p->mapping_count ? wr_path_base(p->strings[p->mappings[0].file]) : "";
    const char *place = a->word_count ? a->words[a->word_count - 1] : "";
    const char *base = a->base_count ? a->bases[0] : "";
    snprintf(title, n, "%s%s%s%s%s", program, *program && *place ? ": " : "",
             place, *base ? ", compared with " : "", base);
}

/* --- Writing ------------------------------------------------------------- */

static int
finish_file(FILE *out, const char *path)
{
    bool bad = ferror(out);
    int error = errno;
    if (fclose(out) != 0 && !bad) {
        bad = true;
        error = errno;
    }
    if (bad)
        wr_say("%s: %s", path, strerror(error));
    return bad;
}

/* Everything that can be wrong with the input is known by now: what is at the
 * path is not lost for nothing. */
static int
write_file(const struct flame *f, const struct wr_export *e, const char *path)
{
    char why[WR_ARGS_WHY];
    FILE *out = fopen(path, "we");
    if (!out) {
        wr_say("%s: %s", path, strerror(errno));
        return 1;
    }
    if (f->format->write(e, out, why, sizeof why) != 0) {
        wr_say("%s", why);
        fclose(out);
        return 1;
    }
    if (finish_file(out, path) != 0)
        return 1;
    if (!f->output)
        wr_say("wrote %s", path);
    return 0;
}

static int
write_out(const struct flame *f, const struct wr_export *e)
{
    char why[WR_ARGS_WHY];
    const char *path = f->output ? f->output : f->format->file;
    if (path && strcmp(path, "-") != 0)
        return write_file(f, e, path);
    if (f->format->write(e, stdout, why, sizeof why) == 0)
        return 0;
    wr_say("%s", why);
    return 1;
}

int
wr_cmd_flame(int argc, char **argv)
{
    struct flame f = {.output = NULL};
    struct wr_opened o;
    char why[WR_ARGS_WHY], title[600];
    int status = parse(&f, argc, argv);
    if (status != 0)
        return status - 1;
    if (open_profiles(&f, &o, why, sizeof why) != 0) {
        wr_say("%s", why);
        return 1;
    }
    make_title(&f, o.profile, title, sizeof title);
    struct wr_export e = {.p = o.profile,
                          .base = o.base,
                          .type = o.analysis.type,
                          .title = title,
                          .by_line = f.args.options.granularity == WR_BY_LINES};
    status = write_out(&f, &e);
    wr_opened_close(&o);
    return status;
}
