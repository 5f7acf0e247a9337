/* Lost. */
#include "weir/lost.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "analyse/filter.h"
#include "analyse/leak_report.h"
#include "analyse/profile.h"
#include "analyse/suppress.h"
#include "analyse/symbol.h"
#include "analyse/units.h"
#include "serve/leak.h"
#include "weir/cmd.h"

#define SITES  10
#define BLOCKS 5

struct lost_one {
    struct wr_leaks leaks;
    struct wr_profile *profile;
    char program[64];
    uint32_t pid, parent;
    uint64_t start_ns;
};

struct wr_lost {
    struct wr_lost_options options;
    struct wr_suppressions suppressed;
    struct lost_one *list;
    size_t count, unsearched;
    bool failed;
};

struct wr_lost *
wr_lost_new(const struct wr_lost_options *o)
{
    char why[WR_WHY];
    struct wr_lost *l = calloc(1, sizeof *l);
    if (!l) {
        wr_say("out of memory");
        return NULL;
    }
    l->options = *o;
    if (o->suppressions && wr_suppress_read(&l->suppressed, o->suppressions,
                                            why, sizeof why) != 0) {
        wr_say("leaks: %s", why);
        l->failed = true;
    }
    return l;
}

static void
lost_free(struct wr_lost *l)
{
    for (size_t i = 0; i < l->count; i++) {
        wr_leaks_fini(&l->list[i].leaks);
        wr_profile_free(l->list[i].profile);
    }
    wr_suppress_fini(&l->suppressed);
    free(l->list);
    free(l);
}

/* --- Adding -------------------------------------------------------------- */

static int
make_profile(struct wr_lost *l, struct lost_one *one,
             const struct wr_source *source, struct wr_symboliser *symboliser,
             char *why, size_t n)
{
    if (wr_profile_from_leaks(&one->profile, &source->view, &one->leaks, why,
                              n) != 0)
        return -1;
    wr_profile_symbolise(one->profile, symboliser, (int)source->pid, false);
    wr_filter_prune(one->profile);
    return wr_suppress_apply(&l->suppressed, one->profile, why, n);
}

static struct lost_one *
new_one(struct wr_lost *l, const struct wr_source *source)
{
    struct lost_one *more = realloc(l->list, (l->count + 1) * sizeof *more);
    if (!more)
        return NULL;
    l->list = more;
    more[l->count] =
        (struct lost_one){.pid = source->pid,
                          .start_ns = source->view.header->start_ns,
                          .parent = source->view.header->forked_from};
    snprintf(more[l->count].program, sizeof more->program, "%s",
             source->program);
    return &more[l->count];
}

void
wr_lost_add(struct wr_lost *l, const struct wr_source *source,
            struct wr_symboliser *symboliser)
{
    char why[WR_WHY] = "out of memory", path[WR_PATH_MAX + 16];
    struct lost_one *one = new_one(l, source);
    snprintf(path, sizeof path, "%s%s", source->path, WR_LEAKS_LAST_SUFFIX);
    if (one && access(path, F_OK) != 0) {
        l->unsearched += !source->replaced; /* its next image has the memory */
        return;
    }
    if (one && wr_leak_of_ended(source, &one->leaks, why, sizeof why) == 0) {
        l->count++;
        if (make_profile(l, one, source, symboliser, why, sizeof why) == 0) {
            unlink(path);
            return;
        }
        l->count--;
        wr_leaks_fini(&one->leaks);
        wr_profile_free(one->profile);
    }
    l->failed = true;
    wr_say("leaks of %s (pid %u): %s", source->program, source->pid, why);
    unlink(path);
}

/* --- Children ------------------------------------------------------------ */

static int
by_address(const void *one, const void *other)
{
    const struct wr_leak *a = one, *b = other;
    return a->address < b->address ? -1 : a->address > b->address;
}

static const struct lost_one *
find(const struct wr_lost *l, uint32_t pid)
{
    for (size_t i = 0; pid && i < l->count; i++)
        if (l->list[i].pid == pid)
            return &l->list[i];
    return NULL;
}

/* Are all its leaks such that its parent has, too? */
static bool
is_inherited(const struct wr_lost *l, const struct lost_one *one)
{
    const struct lost_one *parent = find(l, one->parent);
    if (!parent || one->leaks.header.dropped)
        return false;
    for (uint64_t i = 0; i < one->leaks.header.records; i++) {
        const struct wr_leak *leak = &one->leaks.records[i];
        const struct wr_leak *same =
            bsearch(leak, parent->leaks.records, parent->leaks.header.records,
                    sizeof *leak, by_address);
        if (!same || same->bytes != leak->bytes || same->bucket != leak->bucket)
            return false;
    }
    return true;
}

static void
sort_records(const struct wr_lost *l)
{
    for (size_t i = 0; i < l->count; i++)
        qsort(l->list[i].leaks.records, l->list[i].leaks.header.records,
              sizeof(struct wr_leak), by_address);
}

/* --- Showing ------------------------------------------------------------- */

enum form { TEXT, JSON, JUNIT };

static enum form
form_of(const char *file)
{
    const char *dot = file ? strrchr(file, '.') : NULL;
    if (dot && strcmp(dot, ".json") == 0)
        return JSON;
    return dot && strcmp(dot, ".xml") == 0 ? JUNIT : TEXT;
}

/* People are told of processes with leaks; programs of the others, too, but
 * of no child that lost nothing itself. */
static bool
is_worth(const struct wr_lost *l, const struct lost_one *one, enum form form)
{
    bool lost = one->profile->sample_count > 0;
    if (one->parent)
        return lost && !is_inherited(l, one);
    return lost || form != TEXT;
}

static size_t
choose(const struct wr_lost *l, enum form form, struct wr_leak_report *reports)
{
    size_t n = 0;
    for (size_t i = 0; i < l->count; i++)
        if (is_worth(l, &l->list[i], form))
            reports[n++] =
                (struct wr_leak_report){.leaks = &l->list[i].leaks,
                                        .profile = l->list[i].profile,
                                        .program = l->list[i].program,
                                        .sites = SITES,
                                        .blocks = BLOCKS,
                                        .start_ns = l->list[i].start_ns};
    return n;
}

static int
print_text(const struct wr_lost *l, const struct wr_leak_report *reports,
           size_t n, FILE *out)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        fputs(i ? "\n" : "", out);
        rc = wr_leak_report_print(&reports[i], out);
    }
    if (n == 0 && l->count > 0)
        fprintf(out, "no leak in %zu process%s\n", l->count,
                l->count == 1 ? "" : "es");
    wr_leak_suppressed_print(&l->suppressed, out);
    if (l->unsearched > 0)
        fprintf(out,
                "%zu process%s not searched: killed, or ended where Weir could "
                "not\n",
                l->unsearched, l->unsearched == 1 ? " was" : "es were");
    return rc;
}

static int
print_json(const struct wr_lost *l, const struct wr_leak_report *reports,
           size_t n, FILE *out)
{
    int rc = 0;
    fprintf(out, "{\"v\":1,\"searched\":%zu,\"unsearched\":%zu,", l->count,
            l->unsearched);
    fputs("\"suppressed\":", out);
    wr_leak_suppressed_json(&l->suppressed, out);
    fputs(",\n\"processes\":[", out);
    for (size_t i = 0; i < n && rc == 0; i++) {
        fputs(i ? ",\n" : "\n", out);
        rc = wr_leak_report_json(&reports[i], out);
    }
    fputs("]}\n", out);
    return rc;
}

static int
print(const struct wr_lost *l, enum form form,
      const struct wr_leak_report *reports, size_t n, FILE *out)
{
    if (form == JSON)
        return print_json(l, reports, n, out);
    if (form == JUNIT)
        return wr_leak_reports_junit(reports, n, out);
    return print_text(l, reports, n, out);
}

/* 0, or -1 after a sentence. */
static int
write_report(const struct wr_lost *l, const struct wr_leak_report *reports,
             size_t n)
{
    const char *file = l->options.file;
    FILE *out = file ? fopen(file, "we") : stderr;
    int rc = out ? print(l, form_of(file), reports, n, out) : -1;
    if (out && (ferror(out) || (file && fclose(out) != 0)))
        rc = -1;
    if (rc != 0)
        wr_say("leaks: cannot write %s: %s", file ? file : "the report",
               strerror(errno));
    return rc;
}

static void
tell(const struct wr_lost *l, int64_t blocks)
{
    if (blocks == 0)
        fprintf(stderr, "  no leak; said in %s\n", l->options.file);
    else
        fprintf(stderr, "  %lld leaked block%s: see %s\n", (long long)blocks,
                wr_plural(blocks), l->options.file);
}

int64_t
wr_lost_show(struct wr_lost *l, bool quiet)
{
    struct wr_leak_report *reports = calloc(l->count + 1, sizeof *reports);
    int64_t blocks = -1;
    if (reports && !l->failed) {
        sort_records(l);
        enum form form = form_of(l->options.file);
        size_t n = choose(l, form, reports);
        blocks = write_report(l, reports, n) == 0 ? 0 : -1;
        for (size_t i = 0; i < n && blocks >= 0; i++)
            blocks += (int64_t)wr_leak_report_blocks(&reports[i]);
        if (l->options.file && !quiet && blocks >= 0)
            tell(l, blocks);
    }
    if (l->count == 0)
        blocks = -1;
    free(reports);
    lost_free(l);
    return blocks;
}
