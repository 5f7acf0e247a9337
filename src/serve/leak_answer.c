/* Leaks over HTTP. */
#include "serve/leak_answer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/filter.h"
#include "analyse/leak_report.h"
#include "analyse/profile.h"
#include "analyse/symbol.h"
#include "serve/leak.h"

#define WAIT_MS 120000
#define SITES   100
#define BLOCKS  20

/* What one process has lost: a profile with names, or NULL and why. */
static struct wr_profile *
profile_of(struct wr_visit *v, const struct wr_source *one,
           const struct wr_leaks *l, char *why, size_t n)
{
    struct wr_profile *p;
    if (wr_profile_from_leaks(&p, &one->view, l, why, n) != 0)
        return NULL;
    pthread_mutex_lock(&v->names->lock);
    wr_profile_symbolise(p, v->names->symboliser, (int)one->pid, one->live);
    pthread_mutex_unlock(&v->names->lock);
    if (wr_scope_labels(&v->scope, one)) {
        wr_profile_add_label(p, "pid", NULL, one->pid);
        wr_profile_add_label(p, "program", one->program, 0);
    }
    return p;
}

struct gathered {
    FILE *text;             /* the reports; NULL: not wanted */
    struct wr_profile *sum; /* of all processes; NULL: none so far */
    size_t searched;
};

static void
report(FILE *out, const struct wr_source *one, const struct wr_leaks *l,
       struct wr_profile *p)
{
    struct wr_leak_report r = {.leaks = l,
                               .profile = p,
                               .program = one->program,
                               .sites = SITES,
                               .blocks = BLOCKS,
                               .start_ns = one->view.header->start_ns};
    wr_filter_prune(p);
    wr_leak_report_print(&r, out);
    fputc('\n', out);
}

/* 0, or -1 and why. */
static int
gather(struct gathered *g, struct wr_visit *v, const struct wr_source *one,
       uint64_t flags, char *why, size_t n)
{
    struct wr_leaks l;
    int status = -1;
    if (wr_leak_ask_source(one, flags, WAIT_MS, &l, why, n) != 0)
        return -1;
    struct wr_profile *p = profile_of(v, one, &l, why, n);
    if (p && g->text)
        report(g->text, one, &l, p);
    wr_leaks_fini(&l);
    if (p && g->sum) {
        status = wr_profile_merge(g->sum, p, why, n);
        wr_profile_free(p);
    } else if (p) {
        g->sum = p;
        status = 0;
    }
    g->searched += status == 0;
    return status;
}

static void
answer(struct wr_answer *a, struct gathered *g, char **text, size_t *bytes,
       char *why, size_t n)
{
    bool ok = !g->text || fclose(g->text) == 0;
    g->text = NULL;
    if (!g->sum) {
        wr_answer_error(a, 404, "%s\n", why);
    } else if (*text && ok) {
        a->type = WR_TYPE_TEXT;
        a->bytes = (unsigned char *)*text;
        a->count = *bytes;
        *text = NULL;
    } else if (*text || wr_profile_encode(g->sum, true, &a->bytes, &a->count,
                                          why, n) != 0) {
        wr_answer_error(a, 500, "%s\n", why);
    } else {
        a->type = WR_TYPE_BINARY;
        snprintf(a->attachment, sizeof a->attachment, "leak");
    }
}

/* --- Requests ------------------------------------------------------------ */

struct wish {
    uint64_t flags;
    long seconds; /* 0: no difference */
    bool text;
};

/* NULL, or what is wrong. */
static const char *
read_wish(struct wish *w, const struct wr_request *q)
{
    char since[32], seconds[32];
    w->text = wr_request_number(q, "debug") != 0;
    if (wr_request_param(q, "since", since, sizeof since) && *since) {
        if (strcmp(since, "mark") != 0)
            return "since is mark: /debug/pprof/leak?mark=1 sets it";
        w->flags |= WR_LEAKS_SINCE_MARK;
    }
    if (wr_request_number(q, "mark") != 0)
        w->flags |= WR_LEAKS_SET_MARK;
    if (!wr_request_param(q, "seconds", seconds, sizeof seconds) || !*seconds)
        return NULL;
    w->seconds = wr_request_number(q, "seconds");
    if (w->seconds <= 0 || w->seconds > INT_MAX)
        return "invalid value for \"seconds\" - must be a positive integer";
    return w->text ? "seconds and debug params are incompatible" : NULL;
}

static void
gather_all(struct gathered *g, struct wr_visit *v, const struct wish *w,
           char *why, size_t n)
{
    for (size_t i = 0; i < v->scope.count; i++)
        if (v->scope.list[i]->live)
            (void)gather(g, v, v->scope.list[i], w->flags, why, n);
}

/* What is lost within so many seconds: two searches. The mark, if it is to be
 * set, is that of the second. 0, or a status and why. */
static int
gather_difference(struct gathered *g, struct wr_visit *v, const struct wish *w,
                  char *why, size_t n)
{
    struct gathered first = {.text = NULL};
    struct wish once = {.flags = w->flags & ~(uint64_t)WR_LEAKS_SET_MARK};
    int status = 0;
    gather_all(&first, v, &once, why, n);
    if (!first.sum)
        return 404;
    if (!wr_request_wait(v->q, w->seconds)) {
        snprintf(why, n, "the request was cancelled");
        status = 408;
    } else {
        gather_all(g, v, w, why, n);
        if (!g->sum)
            status = 404;
        else if (wr_profile_subtract(g->sum, first.sum, why, n) != 0)
            status = 500;
        else
            g->sum->duration_ns = w->seconds * 1000000000;
    }
    wr_profile_free(first.sum);
    return status;
}

/* gc=1, which asks Go's heap profile for the numbers of now, is what this one
 * always is. */
void
wr_leak_answer(struct wr_visit *v, struct wr_answer *a)
{
    char why[WR_WHY] = "no program is running under Weir here", *text = NULL;
    size_t bytes = 0;
    struct gathered g = {.text = NULL};
    struct wish w = {.flags = 0};
    const char *wrong = read_wish(&w, v->q);
    if (wrong) {
        wr_answer_error(a, 400, "%s\n", wrong);
        return;
    }
    if (w.text)
        g.text = open_memstream(&text, &bytes);
    int status = 0;
    if (w.seconds)
        status = gather_difference(&g, v, &w, why, sizeof why);
    else
        gather_all(&g, v, &w, why, sizeof why);
    if (status)
        wr_answer_error(a, status, "%s\n", why);
    else
        answer(a, &g, &text, &bytes, why, sizeof why);
    wr_profile_free(g.sum);
    free(text);
}
