/* The site: from a path to an answer.
 *
 * 1. Error texts, their statuses and their order are those of Go's
 *    net/http/pprof, so that what people and tools know stays true.
 * 2. An answer that waits holds open regions and nothing else.
 */
#include "serve/site.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/symbol.h"
#include "base/clock.h"
#include "serve/page.h"
#include "serve/scope.h"
#include <weir/memstats.h>

struct wr_site {
    char *dir; /* NULL: the program itself */
    enum wr_scan how;
    struct wr_names names;
};

struct wr_site *
wr_site_new(const char *dir, enum wr_scan how)
{
    struct wr_site *site = calloc(1, sizeof *site);
    if (!site)
        return NULL;
    site->how = how;
    site->dir = dir ? strdup(dir) : NULL;
    site->names.symboliser = wr_symboliser_new();
    pthread_mutex_init(&site->names.lock, NULL);
    if ((dir && !site->dir) || !site->names.symboliser) {
        wr_site_free(site);
        return NULL;
    }
    return site;
}

void
wr_site_free(struct wr_site *site)
{
    if (!site)
        return;
    if (site->names.symboliser)
        wr_symboliser_free(site->names.symboliser);
    pthread_mutex_destroy(&site->names.lock);
    free(site->dir);
    free(site);
}

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
answer_text(struct wr_answer *a, const struct wr_scope *s,
            struct wr_names *names, enum wr_profile_kind kind, long debug)
{
    char why[WR_WHY], *text = NULL;
    size_t bytes = 0;
    struct wr_profile *p;
    if (wr_scope_profile(s, names, kind, WR_VALUES_RAW, &p, why, sizeof why)) {
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

static void
answer_profile(struct wr_site *site, const struct wr_request *q,
               struct wr_answer *a, const struct wr_scope *s,
               enum wr_profile_kind kind)
{
    char why[WR_WHY];
    struct wr_profile *p;
    long debug = wr_request_number(q, "debug");
    bool heap = kind == WR_PROFILE_HEAP;
    if (kind == WR_PROFILE_GOROUTINE ||
        (heap && wr_request_number(q, "gc") > 0))
        wr_scope_capture(s);
    if (debug != 0) {
        answer_text(a, s, &site->names, kind, debug);
        return;
    }
    if (wr_scope_profile(s, &site->names, kind, WR_VALUES_ESTIMATED, &p, why,
                         sizeof why) != 0) {
        wr_answer_error(a, 404, "%s\n", why);
        return;
    }
    answer_encoded(a, p, wr_profile_kind_name(kind), "");
    wr_profile_free(p);
}

/* --- Deltas ------------------------------------------------------------ */

static int64_t
now_ms(void)
{
    return (int64_t)(wr_clock_ns(CLOCK_MONOTONIC) / 1000000);
}

/* Wait; false when the client hung up or the server ends before that. */
static bool
wait_seconds(const struct wr_request *q, long seconds)
{
    int64_t until = now_ms() + seconds * 1000;
    struct pollfd fd[2] = {
        {.fd = q->socket, .events = POLLRDHUP},
        {.fd = q->stop, .events = POLLIN},
    };
    for (int64_t left; (left = until - now_ms()) > 0;) {
        int n = poll(fd, 2, left > INT_MAX ? INT_MAX : (int)left);
        if (n > 0 || (n < 0 && errno != EINTR))
            return false;
    }
    return true;
}

static int
delta(struct wr_site *site, const struct wr_request *q, struct wr_scope *s,
      enum wr_profile_kind kind, long seconds, struct wr_profile **out,
      char *why, size_t why_bytes)
{
    struct wr_profile *first, *last = NULL;
    struct wr_scope then;
    bool capture = kind == WR_PROFILE_GOROUTINE;
    if (capture)
        wr_scope_capture(s);
    if (wr_scope_profile(s, &site->names, kind, WR_VALUES_ESTIMATED, &first,
                         why, why_bytes) != 0)
        return 404;
    int status = 0;
    if (!wait_seconds(q, seconds)) {
        snprintf(why, why_bytes, "the request was cancelled");
        status = 408;
    } else if (wr_scope_reopen(&then, site->dir, site->how, s) != 0) {
        snprintf(why, why_bytes, "out of memory");
        status = 500;
    } else {
        if (capture)
            wr_scope_capture(&then);
        if (wr_scope_profile(&then, &site->names, kind, WR_VALUES_ESTIMATED,
                             &last, why, why_bytes) != 0 ||
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
answer_delta(struct wr_site *site, const struct wr_request *q,
             struct wr_answer *a, struct wr_scope *s, enum wr_profile_kind kind,
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
    if (wr_request_number(q, "debug") != 0) {
        wr_answer_error(a, 400, "seconds and debug params are incompatible\n");
        return;
    }
    int status = delta(site, q, s, kind, seconds, &p, why, sizeof why);
    if (status != 0) {
        wr_answer_error(a, status, "%s\n", why);
        return;
    }
    answer_encoded(a, p, wr_profile_kind_name(kind), "-delta");
    wr_profile_free(p);
}

/* --- cmdline and symbol ------------------------------------------------ */

/* The arguments of the process that has been there longest: in a run it is
 * the program that was asked for. */
static void
answer_cmdline(struct wr_answer *a, const struct wr_scope *s)
{
    const struct wr_region_header *h = NULL;
    for (size_t i = 0; i < s->count; i++) {
        const struct wr_region_header *one = s->list[i]->view.header;
        if (!h || one->start_mono_ns < h->start_mono_ns)
            h = one;
    }
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
name_at(struct wr_site *site, const struct wr_scope *s, uint64_t pc)
{
    const char *name = NULL;
    for (size_t i = 0; i < s->count && !name; i++)
        name =
            wr_symboliser_name(site->names.symboliser, &s->list[i]->view, pc);
    return name;
}

static void
print_names(FILE *out, struct wr_site *site, const struct wr_scope *s,
            const char *list)
{
    pthread_mutex_lock(&site->names.lock);
    while (*list) {
        char *end;
        unsigned long long pc = strtoull(list, &end, 16);
        const char *name = end != list ? name_at(site, s, pc) : NULL;
        if (name)
            fprintf(out, "0x%llx %s\n", pc, name);
        list += strcspn(list, "+ \n");
        list += *list != 0;
    }
    pthread_mutex_unlock(&site->names.lock);
}

static void
answer_symbol(struct wr_site *site, const struct wr_request *q,
              struct wr_answer *a, const struct wr_scope *s)
{
    char *text = NULL;
    size_t bytes = 0;
    char *list = strcmp(q->method, "POST") == 0
                     ? strndup(q->body ? q->body : "", q->body_bytes)
                     : strdup(q->query);
    FILE *out = open_memstream(&text, &bytes);
    if (out) {
        fputs("num_symbols: 1\n", out);
        if (list)
            print_names(out, site, s, list);
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

/* --- Routes ------------------------------------------------------------ */

/* Profiles that Go has and a C program cannot have yet: an honest sentence
 * instead of an empty profile. */
static const struct {
    const char *name, *says;
} absent[] = {
    {"profile", "Weir has no CPU profile yet: use perf record for this pid, "
                "or gperftools"},
    {"trace", "Weir has no execution trace yet: use perf trace or strace for "
              "this pid"},
    {"block", "Weir does not measure waiting yet: a C program's locks are "
              "libc's own"},
    {"mutex", "Weir does not measure lock contention yet: a C program's locks "
              "are libc's own"},
    {"goroutineleak", "Weir has no leak verdict for threads: see goroutine "
                      "for their stacks"},
};

static void
answer_other(struct wr_answer *a, const char *name)
{
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (strcmp(name, absent[i].name) == 0) {
            wr_answer_error(a, 501, "%s\n", absent[i].says);
            return;
        }
    wr_answer_error(a, 404, "Unknown profile\n");
}

static void
answer_name(struct wr_site *site, const struct wr_request *q,
            struct wr_answer *a, struct wr_scope *s, const char *name)
{
    char seconds[32];
    enum wr_profile_kind kind = wr_profile_kind_of(name);
    if (*name == 0)
        wr_page_index(a, s);
    else if (strcmp(name, "cmdline") == 0)
        answer_cmdline(a, s);
    else if (strcmp(name, "symbol") == 0)
        answer_symbol(site, q, a, s);
    else if (kind == WR_PROFILE_KINDS)
        answer_other(a, name);
    else if (wr_request_param(q, "seconds", seconds, sizeof seconds) &&
             *seconds)
        answer_delta(site, q, a, s, kind, seconds);
    else
        answer_profile(site, q, a, s, kind);
}

static void
answer_pprof(struct wr_site *site, const struct wr_request *q,
             struct wr_answer *a, uint32_t pid, const char *name)
{
    struct wr_scope s;
    if (wr_scope_open(&s, site->dir, site->how, pid) != 0) {
        wr_answer_error(a, 500, "out of memory\n");
        return;
    }
    if (pid && s.count == 0)
        wr_answer_error(a, 404, "no process %u is known here; see /pid/\n",
                        pid);
    else
        answer_name(site, q, a, &s, name);
    wr_scope_close(&s);
}

static void
answer_processes(struct wr_site *site, const struct wr_request *q,
                 struct wr_answer *a)
{
    struct wr_scope s;
    char format[8] = "";
    if (wr_scope_open(&s, site->dir, site->how, 0) != 0) {
        wr_answer_error(a, 500, "out of memory\n");
        return;
    }
    wr_request_param(q, "format", format, sizeof format);
    if (strcmp(format, "json") == 0 || (q->json && !*format))
        wr_page_processes_json(a, &s.sources);
    else
        wr_page_processes(a, &s.sources);
    wr_scope_close(&s);
}

static bool
method_allowed(const struct wr_request *q, const char *name,
               struct wr_answer *a)
{
    bool symbol = name && strcmp(name, "symbol") == 0;
    if (strcmp(q->method, "GET") == 0 || strcmp(q->method, "HEAD") == 0 ||
        (symbol && strcmp(q->method, "POST") == 0))
        return true;
    wr_answer_error(a, 405, "Method Not Allowed\n");
    a->allow = symbol ? "GET, HEAD, POST" : "GET, HEAD";
    return false;
}

/* What follows prefix in path, or NULL. */
static const char *
after(const char *path, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(path, prefix, n) == 0 ? path + n : NULL;
}

/* "/pid/12/rest": the number, and rest. 0: not of that form. */
static uint32_t
split_pid(const char *path, const char **rest)
{
    char *end;
    const char *number = after(path, "/pid/");
    if (!number || *number < '1' || *number > '9')
        return 0;
    unsigned long pid = strtoul(number, &end, 10);
    if (pid > INT32_MAX || (*end && *end != '/'))
        return 0;
    *rest = end;
    return (uint32_t)pid;
}

void
wr_site_answer(struct wr_site *site, const struct wr_request *q,
               struct wr_answer *a)
{
    char index[64];
    const char *rest = q->path;
    uint32_t pid = split_pid(q->path, &rest);
    const char *name = after(rest, "/debug/pprof/");
    wr_answer_init(a);
    if (!method_allowed(q, name, a))
        return;
    if (name) {
        answer_pprof(site, q, a, pid, name);
    } else if (strcmp(q->path, "/pid/") == 0 || strcmp(q->path, "/pid") == 0) {
        answer_processes(site, q, a);
    } else if (*rest == 0 || strcmp(rest, "/") == 0 ||
               strcmp(rest, "/debug/pprof") == 0) {
        snprintf(index, sizeof index,
                 pid ? "/pid/%u/debug/pprof/" : "/debug/pprof/", pid);
        wr_answer_redirect(a, index);
    } else {
        wr_answer_text(a, WR_TYPE_TEXT, "404 page not found\n");
        a->status = 404;
    }
}
