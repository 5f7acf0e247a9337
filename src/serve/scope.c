/* Scopes.
 *
 * 1. With one process its profile is passed on as it is; with more, every
 *    sample says by labels whose it is.
 * 2. A region that cannot be read does not spoil the answer about others, but
 *    of the past: there it would pass for something that was not.
 */
#include "serve/scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/leaks.h"
#include "analyse/symbol.h"
#include "analyse/store.h"
#include "region/collector.h"
#include "region/past.h"
#include "serve/capture.h"
#include "serve/leak.h"
#include "serve/moment.h"

#define CAPTURE_WAIT_MS 50
#define COLLECT_WAIT_MS 60000

static int
scan(struct wr_scope *s, const char *dir, enum wr_scan how)
{
    int rc = dir ? wr_sources_scan(&s->sources, dir, how)
                 : wr_sources_self(&s->sources);
    /* A program without a region has an empty scope, which is no failure. */
    if (rc != 0 && dir)
        return -1;
    s->list = calloc(s->sources.count + 1, sizeof *s->list);
    return s->list ? 0 : -1;
}

int
wr_scope_open(struct wr_scope *s, const char *dir, enum wr_scan how,
              uint32_t pid)
{
    *s = (struct wr_scope){.pid = pid};
    if (scan(s, dir, how) != 0) {
        wr_scope_close(s);
        return -1;
    }
    for (size_t i = 0; i < s->sources.count; i++) {
        struct wr_source *one = &s->sources.list[i];
        if (pid ? one->pid == pid && !one->replaced : one->live)
            s->list[s->count++] = one;
    }
    return 0;
}

static bool
was_in(const struct wr_scope *before, const struct wr_source *one)
{
    for (size_t i = 0; i < before->count; i++)
        if (before->list[i]->view.file_id == one->view.file_id)
            return true;
    return false;
}

int
wr_scope_reopen(struct wr_scope *s, const char *dir, enum wr_scan how,
                const struct wr_scope *before)
{
    *s = (struct wr_scope){.pid = before->pid, .subject = before->subject};
    if (scan(s, dir, how) != 0) {
        wr_scope_close(s);
        return -1;
    }
    for (size_t i = 0; i < s->sources.count; i++) {
        struct wr_source *one = &s->sources.list[i];
        if (was_in(before, one) || (!s->pid && one->live))
            s->list[s->count++] = one;
    }
    return 0;
}

void
wr_scope_close(struct wr_scope *s)
{
    wr_sources_free(&s->sources);
    free(s->list);
    *s = (struct wr_scope){0};
}

bool
wr_scope_labels(const struct wr_scope *s, const struct wr_source *one)
{
    return !s->pid && one->pid != s->subject;
}

const struct wr_source *
wr_scope_first(const struct wr_scope *s)
{
    const struct wr_source *first = NULL;
    for (size_t i = 0; i < s->count; i++)
        if (!first || s->list[i]->view.header->start_mono_ns <
                          first->view.header->start_mono_ns)
            first = s->list[i];
    return first;
}

void
wr_scope_capture(const struct wr_scope *s)
{
    struct wr_captured c;
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i]->live)
            wr_capture_threads(&s->list[i]->view, CAPTURE_WAIT_MS, &c);
}

/* What a process held before it began. */
static void
make_empty(struct wr_profile *p, uint64_t when_ns)
{
    size_t values = (size_t)p->sample_count * p->type_count;
    memset(p->values, 0, values * sizeof *p->values);
    wr_profile_drop_zero_samples(p);
    p->time_ns = (int64_t)when_ns;
}

/* Without garbage; who does not collect has none. */
static int
read_collected(struct wr_profile **p, const struct wr_source *one,
               enum wr_profile_values values, char *why, size_t why_bytes)
{
    struct wr_leaks garbage;
    if (wr_leak_ask_garbage(one, COLLECT_WAIT_MS, &garbage, why, why_bytes) !=
        0)
        return -1;
    int rc = wr_profile_from_region_less(p, &one->view, values, &garbage, why,
                                         why_bytes);
    wr_leaks_fini(&garbage);
    return rc;
}

/* The profile of one region at that moment, without names: 0, or -1. */
static int
read_at(struct wr_profile **p, const struct wr_source *one,
        enum wr_profile_kind kind, enum wr_profile_values values,
        uint64_t when_ns, bool merged, char *why, size_t why_bytes)
{
    const struct wr_region_view *v = &one->view;
    uint64_t start_ns = v->header->start_ns;
    bool began = when_ns > start_ns;
    /* A process too young to have a history, among others. */
    if (began && merged && wr_past_oldest(v) == 0)
        began = false;
    if (when_ns != WR_MOMENT_NOW && began)
        return wr_profile_from_region_at(p, v, kind, values, when_ns - start_ns,
                                         why, why_bytes);
    if (wr_profile_from_region(p, v, kind, values, why, why_bytes) != 0)
        return -1;
    if (when_ns != WR_MOMENT_NOW)
        make_empty(*p, when_ns);
    return 0;
}

static struct wr_profile *
profile_of(const struct wr_scope *s, size_t i, struct wr_namer *names,
           enum wr_profile_kind kind, enum wr_profile_values values,
           uint64_t when_ns, char *why, size_t why_bytes)
{
    const struct wr_source *one = s->list[i];
    struct wr_profile *p;
    bool collected = s->collected && kind == WR_PROFILE_HEAP &&
                     when_ns == WR_MOMENT_NOW && one->live &&
                     wr_view_collector(&one->view);
    if (collected ? read_collected(&p, one, values, why, why_bytes) != 0
                  : read_at(&p, one, kind, values, when_ns, s->count > 1, why,
                            why_bytes) != 0)
        return NULL;
    pthread_mutex_lock(&names->lock);
    wr_profile_symbolise(p, names->symboliser, (int)one->pid, one->live);
    pthread_mutex_unlock(&names->lock);
    if (wr_scope_labels(s, one)) {
        wr_profile_add_label(p, "pid", NULL, one->pid);
        wr_profile_add_label(p, "program", one->program, 0);
    }
    return p;
}

int
wr_scope_profile_at(const struct wr_scope *s, struct wr_namer *names,
                    enum wr_profile_kind kind, enum wr_profile_values values,
                    uint64_t when_ns, struct wr_profile **out, char *why,
                    size_t why_bytes)
{
    struct wr_profile *all = NULL;
    snprintf(why, why_bytes, "no program is running under Weir here");
    for (size_t i = 0; i < s->count; i++) {
        struct wr_profile *p =
            profile_of(s, i, names, kind, values, when_ns, why, why_bytes);
        if (!p && when_ns == WR_MOMENT_NOW)
            continue; /* keeps 2 */
        if (!all && p) {
            all = p;
            continue;
        }
        int rc = p ? wr_profile_merge(all, p, why, why_bytes) : -1;
        if (p)
            wr_profile_free(p);
        if (rc != 0) {
            if (all)
                wr_profile_free(all);
            return -1;
        }
    }
    *out = all;
    return all ? 0 : -1;
}

int
wr_scope_profile(const struct wr_scope *s, struct wr_namer *names,
                 enum wr_profile_kind kind, enum wr_profile_values values,
                 struct wr_profile **out, char *why, size_t why_bytes)
{
    return wr_scope_profile_at(s, names, kind, values, WR_MOMENT_NOW, out, why,
                               why_bytes);
}
