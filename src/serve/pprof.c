/* Go's profiles over HTTP.
 *
 * 1. Error texts, their statuses and their order are those of Go's
 *    net/http/pprof, so that what people and tools know stays true.
 * 2. An answer that waits holds open regions and nothing else.
 */
#include "serve/pprof.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/symbol.h"
#include "base/clock.h"
#include "serve/moment.h"
#include "serve/page.h"
#include <weir/memstats.h>

/* --- Profiles ---------------------------------------------------------- */

static void
attach(struct wr_answer *a, const char *name, const char *suffix)
{
    snprintf(a->attachment, sizeof a->attachment, "%s%s", name, suffix);
}

static void
answer_encoded(struct wr_answer *a, const struct wr_profile *p,
               const char *name, const char *suffix)
{
    char why[WR_WHY];
    unsigned char *bytes;
    size_t count;
    if (wr_profile_encode(p, true, &bytes, &count, why, sizeof why) != 0) {
        wr_answer_error(a, 500, "%s\n", why);
        return;
    }
    wr_answer_fini(a);
    a->type = WR_TYPE_BINARY;
    a->bytes = bytes;
    a->count = count;
    attach(a, name, suffix);
}

/* One process's text: profile or stacks, by debug. 0, or -1. */
static int
print_profile(FILE *out, const struct wr_scope *s, const struct wr_profile *p,
              enum wr_profile_kind kind, long debug)
{
    struct weir_memstats m;
    bool heap = kind == WR_PROFILE_HEAP || kind == WR_PROFILE_ALLOCS;
    if (kind == WR_PROFILE_GOROUTINE && debug >= 2)
        return wr_profile_text_stacks(p, out);
    if (heap && s->count == 1) {
        wr_memstats_from_view(&m, &s->list[0]->view);
        return wr_profile_text(p, out, &m);
    }
    return wr_profile_text(p, out, NULL);
}

static void
answer_text(struct wr_visit *v, struct wr_answer *a, enum wr_profile_kind kind,
            long debug)
{
    const struct wr_scope *s = &v->scope;
    char why[WR_WHY], *text = NULL;
    size_t bytes = 0;
    struct wr_profile *p;
    if (wr_scope_profile(s, v->names, kind, WR_VALUES_RAW, &p, why,
                         sizeof why)) {
        wr_answer_error(a, 404, "%s\n", why);
        return;
    }
    FILE *out = open_memstream(&text, &bytes);
    int rc = out ? print_profile(out, s, p, kind, debug) : -1;
    if (out && fclose(out) != 0)
        rc = -1;
    wr_profile_free(p);
    if (rc != 0) {
        free(text);
        wr_answer_error(a, 500, "the profile cannot be printed\n");
        return;
    }
    wr_answer_fini(a);
    a->type = WR_TYPE_TEXT;
    a->bytes = (unsigned char *)text;
    a->count = bytes;
}

/* As it was at a moment, or what changed between two. */
static int
past(struct wr_visit *v, enum wr_profile_kind kind, const struct wr_moments *m,
     struct wr_profile **out, char *why, size_t why_bytes)
{
    struct wr_profile *p, *base;
    if (wr_scope_profile_at(&v->scope, v->names, kind, WR_VALUES_ESTIMATED,
                            m->at, &p, why, why_bytes) != 0)
        return 404;
    *out = p;
    if (!m->between)
        return 0;
    int status = 0;
    if (wr_scope_profile_at(&v->scope, v->names, kind, WR_VALUES_ESTIMATED,
                            m->from, &base, why, why_bytes) != 0) {
        status = 404;
    } else {
        if (wr_profile_subtract(p, base, why, why_bytes) != 0)
            status = 500;
        wr_profile_free(base);
    }
    if (status != 0)
        wr_profile_free(p);
    return status;
}

static void
answer_past(struct wr_visit *v, struct wr_answer *a, enum wr_profile_kind kind,
            const struct wr_moments *m)
{
    char why[WR_WHY];
    struct wr_profile *p;
    if (wr_request_number(v->q, "debug") != 0) {
        wr_answer_error(a, 400,
                        "the past has no debug form: leave out debug=\n");
        return;
    }
    int status = past(v, kind, m, &p, why, sizeof why);
    if (status != 0) {
        wr_answer_error(a, status, "%s\n", why);
        return;
    }
    answer_encoded(a, p, wr_profile_kind_name(kind),
                   m->between ? "-delta" : "");
    wr_profile_free(p);
}

/* labels=age: what is alive says how old it is. */
static enum wr_profile_values
values_of(const struct wr_visit *v)
{
    char labels[16];
    return wr_request_param(v->q, "labels", labels, sizeof labels) &&
                   strcmp(labels, "age") == 0
               ? WR_VALUES_BY_AGE
               : WR_VALUES_ESTIMATED;
}

static void
answer_profile(struct wr_visit *v, struct wr_answer *a,
               enum wr_profile_kind kind)
{
    char why[WR_WHY];
    struct wr_moments m;
    struct wr_profile *p;
    long debug = wr_request_number(v->q, "debug");
    bool heap = kind == WR_PROFILE_HEAP;
    v->scope.collected = heap && wr_request_number(v->q, "gc") > 0;
    if (kind == WR_PROFILE_GOROUTINE || v->scope.collected)
        wr_scope_capture(&v->scope);
    if (wr_moments_of(&m, v->q, wr_clock_ns(CLOCK_REALTIME), why, sizeof why) !=
        0) {
        wr_answer_error(a, 400, "%s\n", why);
        return;
    }
    if (m.between || m.at != WR_MOMENT_NOW) {
        answer_past(v, a, kind, &m);
        return;
    }
    if (debug != 0) {
        answer_text(v, a, kind, debug);
        return;
    }
    if (wr_scope_profile(&v->scope, v->names, kind, values_of(v), &p, why,
                         sizeof why) != 0) {
        wr_answer_error(a, 404, "%s\n", why);
        return;
    }
    answer_encoded(a, p, wr_profile_kind_name(kind), "");
    wr_profile_free(p);
}

/* --- Deltas ------------------------------------------------------------ */

static int
delta(struct wr_visit *v, enum wr_profile_kind kind, long seconds,
      struct wr_profile **out, char *why, size_t why_bytes)
{
    const struct wr_scope *s = &v->scope;
    struct wr_profile *first, *last = NULL;
    struct wr_scope then;
    bool capture = kind == WR_PROFILE_GOROUTINE;
    if (capture)
        wr_scope_capture(s);
    if (wr_scope_profile(s, v->names, kind, WR_VALUES_ESTIMATED, &first, why,
                         why_bytes) != 0)
        return 404;
    int status = 0;
    if (!wr_request_wait(v->q, seconds)) {
        snprintf(why, why_bytes, "the request was cancelled");
        status = 408;
    } else if (wr_scope_reopen(&then, v->dir, v->how, s) != 0) {
        snprintf(why, why_bytes, "out of memory");
        status = 500;
    } else {
        if (capture)
            wr_scope_capture(&then);
        if (wr_scope_profile(&then, v->names, kind, WR_VALUES_ESTIMATED, &last,
                             why, why_bytes) != 0 ||
            wr_profile_subtract(last, first, why, why_bytes) != 0)
            status = 500;
        wr_scope_close(&then);
    }
    wr_profile_free(first);
    if (status == 0)
        last->duration_ns = seconds * 1000000000;
    else if (last)
        wr_profile_free(last);
    *out = last;
    return status;
}

static void
answer_delta(struct wr_visit *v, struct wr_answer *a, enum wr_profile_kind kind,
             const char *text)
{
    char why[WR_WHY], *end;
    struct wr_profile *p;
    long seconds = strtol(text, &end, 10);
    if (*end || end == text || seconds <= 0 || seconds > INT_MAX) {
        wr_answer_error(a, 400,
                        "invalid value for \"seconds\" - must be a positive "
                        "integer\n");
        return;
    }
    if (wr_request_number(v->q, "debug") != 0) {
        wr_answer_error(a, 400, "seconds and debug params are incompatible\n");
        return;
    }
    int status = delta(v, kind, seconds, &p, why, sizeof why);
    if (status != 0) {
        wr_answer_error(a, status, "%s\n", why);
        return;
    }
    answer_encoded(a, p, wr_profile_kind_name(kind), "-delta");
    wr_profile_free(p);
}

/* --- cmdline and symbol ------------------------------------------------ */

/* The arguments of the program that was asked for. */
void
wr_pprof_cmdline(struct wr_visit *v, struct wr_answer *a)
{
    const struct wr_source *first = wr_scope_first(&v->scope);
    const struct wr_region_header *h = first ? first->view.header : NULL;
    if (!h) {
        wr_answer_error(a, 404, "no program is running under Weir here\n");
        return;
    }
    size_t n = h->cmdline_bytes;
    if (n > sizeof h->cmdline)
        n = sizeof h->cmdline;
    while (n > 0 && h->cmdline[n - 1] == 0)
        n--;
    wr_answer_fini(a);
    a->bytes = malloc(n + 1);
    if (!a->bytes) {
        wr_answer_error(a, 500, "out of memory\n");
        return;
    }
    memcpy(a->bytes, h->cmdline, n);
    a->count = n;
}

static const char *
name_at(const struct wr_visit *v, uint64_t pc)
{
    const struct wr_scope *s = &v->scope;
    const char *name = NULL;
    for (size_t i = 0; i < s->count && !name; i++)
        name = wr_symboliser_name(v->names->symboliser, &s->list[i]->view, pc);
    return name;
}

static void
print_names(FILE *out, const struct wr_visit *v, const char *list)
{
    pthread_mutex_lock(&v->names->lock);
    while (*list) {
        char *end;
        unsigned long long pc = strtoull(list, &end, 16);
        const char *name = end != list ? name_at(v, pc) : NULL;
        if (name)
            fprintf(out, "0x%llx %s\n", pc, name);
        list += strcspn(list, "+ \n");
        list += *list != 0;
    }
    pthread_mutex_unlock(&v->names->lock);
}

void
wr_pprof_symbol(struct wr_visit *v, struct wr_answer *a)
{
    const struct wr_request *q = v->q;
    char *text = NULL;
    size_t bytes = 0;
    char *list = strcmp(q->method, "POST") == 0
                     ? strndup(q->body ? q->body : "", q->body_bytes)
                     : strdup(q->query);
    FILE *out = open_memstream(&text, &bytes);
    if (out) {
        fputs("num_symbols: 1\n", out);
        if (list)
            print_names(out, v, list);
    }
    free(list);
    if (!out || fclose(out) != 0) {
        free(text);
        wr_answer_error(a, 500, "out of memory\n");
        return;
    }
    wr_answer_fini(a);
    a->bytes = (unsigned char *)text;
    a->count = bytes;
}

/* --- By name ----------------------------------------------------------- */

/* Profiles that Go has and a C program cannot have yet. Those that continuous
 * profilers ask for unbidden are empty ones, as Go's are while they are off: an
 * error would make each of our programs a failed target. The sentence is a
 * comment inside, which pprof prints, and for people (debug=1) the answer. */
static const struct absent {
    const char *name, *says;
    const char *types[2][2]; /* name and unit; NULL: no empty one */
} absent[] = {
    {"profile",
     "Weir has no CPU profile yet: use perf record for this pid, "
     "or gperftools",
     {{"samples", "count"}, {"cpu", "nanoseconds"}}},
    {"block",
     "Weir does not measure waiting yet: a C program's locks are "
     "libc's own",
     {{"contentions", "count"}, {"delay", "nanoseconds"}}},
    {"mutex",
     "Weir does not measure lock contention yet: a C program's locks "
     "are libc's own",
     {{"contentions", "count"}, {"delay", "nanoseconds"}}},
    {"trace",
     "Weir has no execution trace yet: use perf trace or strace for "
     "this pid",
     {{NULL}}},
    {"goroutineleak",
     "Weir has no leak verdict for threads: see goroutine "
     "for their stacks",
     {{NULL}}},
};

static void
answer_empty(struct wr_answer *a, const struct absent *one)
{
    struct wr_profile *p = wr_profile_new();
    if (!p) {
        wr_answer_error(a, 500, "out of memory\n");
        return;
    }
    for (size_t i = 0; i < 2; i++)
        wr_profile_add_type(p, one->types[i][0], one->types[i][1]);
    p->period_type = p->types[1];
    p->period = 1;
    p->time_ns = (int64_t)wr_clock_ns(CLOCK_REALTIME);
    wr_profile_comment(p, one->says);
    answer_encoded(a, p, one->name, "");
    wr_profile_free(p);
}

static void
answer_absent(struct wr_visit *v, struct wr_answer *a)
{
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        if (strcmp(v->rest, absent[i].name) != 0)
            continue;
        if (absent[i].types[0][0] && wr_request_number(v->q, "debug") == 0)
            answer_empty(a, &absent[i]);
        else
            wr_answer_error(a, 501, "%s\n", absent[i].says);
        return;
    }
    wr_answer_error(a, 404, "Unknown profile\n");
}

void
wr_pprof_profile(struct wr_visit *v, struct wr_answer *a)
{
    char seconds[32];
    enum wr_profile_kind kind = wr_profile_kind_of(v->rest);
    if (kind == WR_PROFILE_KINDS)
        answer_absent(v, a);
    else if (wr_request_param(v->q, "seconds", seconds, sizeof seconds) &&
             *seconds)
        answer_delta(v, a, kind, seconds);
    else
        answer_profile(v, a, kind);
}

void
wr_pprof_index(struct wr_visit *v, struct wr_answer *a)
{
    wr_page_index(a, &v->scope);
}
