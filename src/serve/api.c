/* Processes, call trees and tops as JSON. The history is in history.c. */
#include "serve/api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/flame.h"
#include "analyse/quote.h"
#include "analyse/top.h"
#include "base/clock.h"
#include "serve/moment.h"
#include "serve/page.h"

void
wr_api_processes(struct wr_visit *v, struct wr_answer *a)
{
    struct wr_body body;
    const struct wr_source *first = wr_scope_first(&v->scope);
    size_t shown = 0;
    if (!wr_body_open(&body, a))
        return;
    fprintf(body.out, "{\"v\":1,\"main\":%u,\"processes\":[",
            first ? first->pid : 0);
    for (size_t i = 0; i < v->scope.sources.count && shown < WR_API_PROCESSES;
         i++) {
        const struct wr_source *one = &v->scope.sources.list[i];
        if (one->replaced)
            continue;
        fputs(shown++ ? ",\n" : "", body.out);
        wr_json_process(body.out, one);
    }
    fputs("]}\n", body.out);
    wr_body_close(&body, a, WR_TYPE_JSON);
}

/* --- Profiles ----------------------------------------------------------- */

/* What a question about a profile means. */
struct question {
    struct wr_profile *p;
    struct wr_profile *base; /* NULL: no difference is asked for */
    uint32_t type;
    char title[160];
};

static void
question_fini(struct question *q)
{
    if (q->p)
        wr_profile_free(q->p);
    if (q->base)
        wr_profile_free(q->base);
}

static void
set_title(struct question *q, const struct wr_scope *s)
{
    if (s->count == 1)
        snprintf(q->title, sizeof q->title, "%s, pid %u", s->list[0]->program,
                 s->list[0]->pid);
    else
        snprintf(q->title, sizeof q->title, "%zu processes", s->count);
}

static bool
read_profile(struct wr_profile **p, struct wr_visit *v, const char *kind,
             uint64_t when_ns, char *why)
{
    return wr_scope_profile_at(&v->scope, v->names, wr_profile_kind_of(kind),
                               WR_VALUES_ESTIMATED, when_ns, p, why,
                               WR_WHY) == 0;
}

/* False: the answer says why not. */
static bool
question_init(struct question *q, struct wr_visit *v, struct wr_answer *a)
{
    char kind[16] = "heap", type[64] = "", why[WR_WHY];
    struct wr_moments m;
    wr_request_param(v->q, "kind", kind, sizeof kind);
    *q = (struct question){0};
    if (strcmp(kind, "heap") != 0 && strcmp(kind, "allocs") != 0) {
        wr_answer_error(a, 400, "kind is heap or allocs\n");
        return false;
    }
    if (wr_moments_of(&m, v->q, wr_clock_ns(CLOCK_REALTIME), why, sizeof why) !=
        0) {
        wr_answer_error(a, 400, "%s\n", why);
        return false;
    }
    if (!read_profile(&q->p, v, kind, m.at, why) ||
        (m.between && !read_profile(&q->base, v, kind, m.from, why))) {
        wr_answer_error(a, 404, "%s\n", why);
        question_fini(q);
        return false;
    }
    set_title(q, &v->scope);
    wr_request_param(v->q, "type", type, sizeof type);
    q->type = *type ? wr_profile_find_type(q->p, type)
                    : wr_profile_default_type(q->p);
    if (q->type != WR_NONE)
        return true;
    question_fini(q);
    wr_answer_error(a, 400,
                    "type is inuse_space, inuse_objects, alloc_space or "
                    "alloc_objects\n");
    return false;
}

void
wr_api_flame(struct wr_visit *v, struct wr_answer *a)
{
    struct question q;
    struct wr_body body;
    char why[WR_WHY];
    if (!question_init(&q, v, a))
        return;
    struct wr_flame_options o = {.type = q.type, .title = q.title};
    if (wr_body_open(&body, a)) {
        int rc = wr_flame_json(q.p, q.base, &o, body.out, why, sizeof why);
        wr_body_close(&body, a, WR_TYPE_JSON);
        if (rc != 0)
            wr_answer_error(a, 500, "%s\n", why);
    }
    question_fini(&q);
}

static void
print_top(FILE *out, const struct question *q, const struct wr_top *t)
{
    size_t shown = t->count < WR_API_ROWS ? t->count : WR_API_ROWS;
    fputs("{\"v\":1,\"type\":", out);
    wr_json_string(out, t->type);
    fputs(",\"unit\":", out);
    wr_json_string(out, t->unit);
    fprintf(out, ",\"at_ms\":%lld", (long long)(q->p->time_ns / 1000000));
    if (q->base)
        fprintf(out, ",\"from_ms\":%lld",
                (long long)(q->base->time_ns / 1000000));
    fprintf(out, ",\"total\":%lld,\"more\":%zu,\"rows\":[", (long long)t->total,
            t->count - shown);
    for (size_t i = 0; i < shown; i++) {
        fputs(i ? ",\n[" : "[", out);
        wr_json_string(out, t->rows[i].name);
        fprintf(out, ",%lld,%lld]", (long long)t->rows[i].flat,
                (long long)t->rows[i].cum);
    }
    fputs("]}\n", out);
}

void
wr_api_top(struct wr_visit *v, struct wr_answer *a)
{
    struct question q;
    struct wr_top top;
    struct wr_body body;
    char why[WR_WHY];
    if (!question_init(&q, v, a))
        return;
    if ((q.base && wr_profile_subtract(q.p, q.base, why, sizeof why) != 0) ||
        wr_top_make(&top, q.p, q.type) != 0) {
        wr_answer_error(a, 500, "this profile cannot be summed up\n");
    } else {
        if (wr_body_open(&body, a)) {
            print_top(body.out, &q, &top);
            wr_body_close(&body, a, WR_TYPE_JSON);
        }
        wr_top_fini(&top);
    }
    question_fini(&q);
}
