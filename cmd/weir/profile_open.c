/* Opening profiles: from a process, over HTTP, from a file.
 *
 * A word that names a file is that file, even if it is a number.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "analyse/base.h"
#include "analyse/heap_file.h"
#include "analyse/labels.h"
#include "analyse/symbol.h"
#include "base/clock.h"
#include "serve/moment.h"
#include "serve/source.h"
#include "weir/cmd.h"
#include "weir/fetch.h"
#include "weir/number.h"
#include "weir/pick.h"
#include "weir/profile_args.h"

/* Who asks for one profile would rather wait than ask again. */
#define PATIENCE_MS 30000

static void
tell_waiting(void)
{
    wr_say("waiting for debug files from the servers in DEBUGINFOD_URLS");
}

struct wr_symboliser *
wr_symboliser_patient(void)
{
    struct wr_symboliser *s = wr_symboliser_new();
    if (s)
        wr_symboliser_be_patient(s, PATIENCE_MS, tell_waiting);
    return s;
}

void
wr_profile_find_names(struct wr_profile *p, int pid, bool runs)
{
    struct wr_symboliser *s = wr_symboliser_patient();
    if (s)
        wr_profile_symbolise(p, s, pid, runs);
    wr_symboliser_free(s);
}

/* --- Processes ----------------------------------------------------------- */

/* What the process holds, or held at a moment of its past. */
static int
read_process(struct wr_profile **out, const struct wr_source *one,
             const char *past, bool ages, char *why, size_t n)
{
    uint64_t when = WR_MOMENT_NOW, now = wr_clock_ns(CLOCK_REALTIME);
    uint64_t start = one->view.header->start_ns;
    if (past && wr_moment_parse(&when, past, now) != 0) {
        snprintf(why, n, "%s is no moment: a time ago is like @-10m or @-90s",
                 past);
        return -1;
    }
    if (when == WR_MOMENT_NOW)
        return wr_profile_from_region(
            out, &one->view, WR_PROFILE_HEAP,
            ages ? WR_VALUES_BY_AGE : WR_VALUES_ESTIMATED, why, n);
    if (when <= start) {
        snprintf(why, n, "process %u started %.0f s ago, after that moment",
                 one->pid, (double)(now - start) / 1e9);
        return -1;
    }
    return wr_profile_from_region_at(out, &one->view, WR_PROFILE_HEAP,
                                     WR_VALUES_ESTIMATED, when - start, why, n);
}

/* What it allocated and freed in the seconds to come. */
static int
read_change(struct wr_profile **out, const struct wr_source *one,
            unsigned seconds, char *why, size_t n)
{
    struct wr_profile *before;
    if (read_process(&before, one, NULL, false, why, n) != 0)
        return -1;
    for (unsigned left = seconds; left > 0;)
        left = sleep(left);
    int status = read_process(out, one, NULL, false, why, n);
    if (status == 0 && wr_profile_subtract(*out, before, why, n) != 0) {
        wr_profile_free(*out);
        status = -1;
    }
    wr_profile_free(before);
    return status;
}

/* pid 0: the only one. */
static int
open_process(const struct wr_profile_args *a, struct wr_profile **out,
             uint32_t pid, const char *past, char *why, size_t n)
{
    struct wr_sources s;
    if (wr_sources_scan(&s, NULL, WR_SCAN_ALL) != 0) {
        snprintf(why, n, "out of memory");
        return -1;
    }
    struct wr_source *one = wr_pick(&s, pid, why, n);
    int status = -1;
    if (one && a->seconds && !past)
        status = read_change(out, one, (unsigned)a->seconds, why, n);
    else if (one)
        status = read_process(out, one, past, a->ages, why, n);
    if (status == 0 && a->symbolise)
        wr_profile_find_names(*out, (int)one->pid, one->live);
    wr_sources_free(&s);
    return status;
}

/* "1234", "1234@-10m", or "@-10m" of the only process (0). False: it is
 * none. */
static bool
is_process(const char *place, uint64_t *pid, const char **past)
{
    char digits[16];
    size_t length = strspn(place, "0123456789");
    struct stat st;
    if (length >= sizeof digits || stat(place, &st) == 0 ||
        (place[length] ? place[length] != '@' : length == 0))
        return false;
    memcpy(digits, place, length);
    digits[length] = '\0';
    *past = place[length] ? place + length + 1 : NULL;
    *pid = 0;
    return length == 0 ||
           (wr_number_plain(digits, INT32_MAX, pid) == 0 && *pid > 0);
}

/* --- Elsewhere ----------------------------------------------------------- */

/* Servers take seconds=N and labels=age in the query: ask for them behind what
 * is there. */
static int
ask_more(char *text, size_t room, const char *url,
         const struct wr_profile_args *a, char *why, size_t n)
{
    const char *host = strstr(url, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;
    char seconds[32] = "";
    if (!path) {
        snprintf(why, n,
                 "%s needs an address with a path, like "
                 "http://127.0.0.1:6060/debug/pprof/heap",
                 a->seconds ? "-seconds" : "-ages");
        return -1;
    }
    if (a->seconds)
        snprintf(seconds, sizeof seconds, "seconds=%ld", a->seconds);
    snprintf(text, room, "%s%c%s%s%s", url, strchr(path, '?') ? '&' : '?',
             seconds, a->seconds && a->ages ? "&" : "",
             a->ages ? "labels=age" : "");
    return 0;
}

static int
open_url(struct wr_profile **out, const char *url,
         const struct wr_profile_args *a, char *why, size_t n)
{
    unsigned char *bytes;
    size_t count;
    char asked[2048];
    bool more = a->seconds || a->ages;
    if (more && ask_more(asked, sizeof asked, url, a, why, n) != 0)
        return -1;
    if (wr_fetch(more ? asked : url, &bytes, &count, why, n) != 0)
        return -1;
    int status = wr_profile_decode(out, bytes, count, why, n);
    free(bytes);
    return status;
}

/* A profile, or a heap that was written down. */
static int
open_file(struct wr_profile **out, const char *path, char *why, size_t n)
{
    struct wr_heap_file h;
    if (strcmp(path, "-") == 0)
        return wr_profile_read(out, "/dev/stdin", why, n);
    if (!wr_heap_file_is(path))
        return wr_profile_read(out, path, why, n);
    if (wr_heap_file_open(&h, path, why, n) != 0)
        return -1;
    int status = wr_profile_from_heap_file(out, &h, why, n);
    wr_heap_file_close(&h);
    return status;
}

static int
open_place(const struct wr_profile_args *a, const char *place,
           struct wr_profile **out, char *why, size_t n)
{
    uint64_t pid;
    const char *past;
    if (!place)
        return open_process(a, out, 0, NULL, why, n);
    if (is_process(place, &pid, &past))
        return open_process(a, out, (uint32_t)pid, past, why, n);
    int status = wr_fetch_is_url(place) ? open_url(out, place, a, why, n)
                                        : open_file(out, place, why, n);
    /* Profiles that a program wrote by itself have no names yet. */
    if (status == 0 && a->symbolise)
        wr_profile_find_names(*out, 0, false);
    return status;
}

int
wr_profile_open(const struct wr_profile_args *a, const char *place,
                struct wr_profile **out, char *why, size_t n)
{
    char said[WR_ARGS_WHY - 100];
    if (open_place(a, place, out, said, sizeof said) == 0) {
        wr_filter_prune(*out);
        return 0;
    }
    bool names = place && !strstr(said, place);
    snprintf(why, n, "%s%s%s", names ? place : "", names ? ": " : "", said);
    return -1;
}

/* --- Several, bases, filters --------------------------------------------- */

static int
open_sum(const struct wr_profile_args *a, const char *const *places,
         unsigned count, struct wr_profile **out, char *why, size_t n)
{
    if (wr_profile_open(a, count ? places[0] : NULL, out, why, n) != 0)
        return -1;
    for (unsigned i = 1; i < count; i++) {
        struct wr_profile *more;
        char said[WR_WHY];
        int status = wr_profile_open(a, places[i], &more, why, n);
        if (status == 0) {
            status = wr_base_add(*out, more, said, sizeof said);
            if (status != 0)
                snprintf(why, n, "%s: %s", places[i], said);
            wr_profile_free(more);
        }
        if (status != 0) {
            wr_profile_free(*out);
            return -1;
        }
    }
    return 0;
}

static int
open_base(const struct wr_profile_args *a, struct wr_opened *o, char *why,
          size_t n)
{
    const struct wr_base_options how = {a->diff_base, a->normalise};
    char said[WR_WHY];
    if (a->base_count == 0)
        return 0;
    if (open_sum(a, a->bases, a->base_count, &o->base, why, n) != 0)
        return -1;
    int status =
        a->keep_base
            ? wr_base_align(o->profile, o->base, said, sizeof said)
            : wr_base_take(o->profile, o->base, &how, said, sizeof said);
    if (status != 0)
        snprintf(why, n, "%s: %s", a->bases[0], said);
    if (!a->keep_base) {
        wr_profile_free(o->base);
        o->base = NULL;
    }
    return status;
}

static void
tell_unmatched(const struct wr_profile_args *a, unsigned unmatched)
{
    static const char *const names[] = {"focus",     "ignore",    "hide",
                                        "show",      "show_from", "tagfocus",
                                        "tagignore", "tagshow",   "taghide"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (unmatched & 1u << i)
            wr_say("%s: -%s matches nothing in this profile", a->command,
                   names[i]);
}

static int
filter_base(const struct wr_profile_args *a, struct wr_opened *o, char *why,
            size_t n)
{
    unsigned unmatched;
    uint32_t *units = o->base ? wr_label_units(o->base) : NULL;
    int status = 0;
    if (units)
        status =
            wr_filter_apply(o->base, &a->filter, units, &unmatched, why, n);
    free(units);
    return status;
}

int
wr_profile_args_open(const struct wr_profile_args *a, const char *const *places,
                     unsigned count, struct wr_opened *o, char *why, size_t n)
{
    uint32_t type;
    *o = (struct wr_opened){.profile = NULL};
    if (open_sum(a, places, count, &o->profile, why, n) != 0) {
        o->profile = NULL;
        return -1;
    }
    if (open_base(a, o, why, n) == 0 &&
        wr_analysis_type(o->profile, a->type, &type, why, n) == 0 &&
        filter_base(a, o, why, n) == 0 &&
        wr_analysis_begin(&o->analysis, o->profile, type, &a->filter,
                          &a->options, why, n) == 0) {
        tell_unmatched(a, o->analysis.unmatched);
        return 0;
    }
    wr_opened_close(o);
    return -1;
}

void
wr_opened_close(struct wr_opened *o)
{
    if (o->analysis.units)
        wr_analysis_end(&o->analysis);
    wr_profile_free(o->profile);
    wr_profile_free(o->base);
    *o = (struct wr_opened){.profile = NULL};
}
