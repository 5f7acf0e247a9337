/* Bench: a benchmark's own calls, and repeating it until it took long enough.
 *
 * Invariants
 * 1. While a function runs, s->n is how often it shall do its work; when it
 *    has returned, how often it did.
 * 2. b->left is 0 outside of a loop with weir_bench_loop, and after fail and
 *    skip, so that the slow way decides.
 */
#include "bench/bench.h"

#include <string.h>
#include "base/base.h"

WR_EXPORT uint64_t
weir_bench_n(const weir_bench *b)
{
    return b->state->n;
}

WR_EXPORT void
weir_bench_start(weir_bench *b)
{
    wr_bench_clock_start(&b->state->clock, b->state->suite->counted);
}

WR_EXPORT void
weir_bench_stop(weir_bench *b)
{
    wr_bench_clock_stop(&b->state->clock, b->state->suite->counted);
}

WR_EXPORT void
weir_bench_reset(weir_bench *b)
{
    struct weir_bench_state *s = b->state;

    memset(&s->clock.sum, 0, sizeof s->clock.sum);
    s->units = 0;
    if (s->clock.runs)
        s->clock.since = wr_bench_count(s->suite->counted);
}

WR_EXPORT void
weir_bench_bytes(weir_bench *b, uint64_t bytes)
{
    b->state->op_bytes = bytes;
}

WR_EXPORT void
weir_bench_report(weir_bench *b, double value, const char *unit)
{
    struct weir_bench_state *s = b->state;
    unsigned i = 0;

    if (strpbrk(unit, " \t\n") || *unit == '\0' ||
        strlen(unit) >= WR_BENCH_UNIT) {
        weir_bench_fail(b, "a unit is a word of at most 31 characters");
        return;
    }
    while (i < s->units && strcmp(s->unit[i].name, unit) != 0)
        i++;
    if (i == WR_BENCH_UNITS) {
        weir_bench_fail(b, "more than 8 units");
        return;
    }
    if (i == s->units)
        s->units++;
    strcpy(s->unit[i].name, unit);
    s->unit[i].value = value;
}

static void
end_with(weir_bench *b, enum wr_bench_end end, const char *why)
{
    struct weir_bench_state *s = b->state;

    b->left = 0;
    if (s->end == WR_BENCH_FAILED)
        return;
    s->end = end;
    snprintf(s->why, sizeof s->why, "%s", why ? why : "no reason given");
}

WR_EXPORT void
weir_bench_fail(weir_bench *b, const char *why)
{
    end_with(b, WR_BENCH_FAILED, why);
}

WR_EXPORT void
weir_bench_skip(weir_bench *b, const char *why)
{
    end_with(b, WR_BENCH_SKIPPED, why);
}

/* The first call of a loop: what was before it is not measured. */
static int
loop_begin(weir_bench *b)
{
    struct weir_bench_state *s = b->state;
    uint64_t times = s->suite->options.times;

    s->looped = s->in_loop = true;
    s->n = times > 0 ? times : 1;
    b->left = s->n - 1;
    weir_bench_reset(b);
    weir_bench_start(b);
    return 1;
}

static int
loop_end(weir_bench *b)
{
    weir_bench_stop(b);
    b->state->in_loop = false;
    return 0;
}

/* How long the loop took so far. Looking stops the clock for the moment. */
static uint64_t
loop_ns(weir_bench *b)
{
    struct weir_bench_state *s = b->state;

    weir_bench_stop(b);
    weir_bench_start(b);
    return s->clock.sum.ns;
}

WR_EXPORT int
weir_bench_loop_slow(weir_bench *b)
{
    struct weir_bench_state *s = b->state;
    const struct wr_bench_options *o = &s->suite->options;
    uint64_t ns, next;

    if (s->end != WR_BENCH_WELL)
        return s->in_loop ? loop_end(b) : 0;
    if (!s->in_loop && s->looped)
        return 0; /* called after its end */
    if (!s->in_loop)
        return loop_begin(b);
    if (o->times > 0)
        return loop_end(b);
    ns = loop_ns(b);
    if (ns >= o->goal_ns || s->n >= WR_BENCH_MOST)
        return loop_end(b);
    next = wr_bench_plan(o->goal_ns, s->n, ns);
    b->left = next - s->n - 1;
    s->n = next;
    return 1;
}

WR_EXPORT void
weir_bench_run(weir_bench *b, const char *part, weir_bench_fn run, void *arg)
{
    struct weir_bench_state *s = b->state;
    char name[WR_BENCH_NAME];
    char *blank;

    s->has_parts = true;
    if (s->suite->out == NULL) /* weir_bench_measure */
        return;
    weir_bench_stop(b);
    if (snprintf(name, sizeof name, "%s/%s", s->name, part) >= WR_BENCH_NAME) {
        weir_bench_fail(b, "the name of a part is too long");
        return;
    }
    for (blank = name; *blank != '\0'; blank++)
        if (*blank == ' ' || *blank == '\t' || *blank == '\n')
            *blank = '_';
    wr_bench_all_of(s->suite, name, s->level + 1, run, arg);
}

void
wr_bench_call(struct weir_bench_state *s, uint64_t n, weir_bench_fn run,
              void *arg)
{
    weir_bench b = {0, s};

    memset(&s->clock, 0, sizeof s->clock);
    s->units = 0;
    s->n = n;
    weir_bench_start(&b);
    run(&b, arg);
    weir_bench_stop(&b);
    if (s->in_loop)
        weir_bench_fail(&b, "it left its loop before weir_bench_loop said so");
}

/* It has been called once, with n = 1. */
void
wr_bench_repeat(struct weir_bench_state *s, weir_bench_fn run, void *arg)
{
    const struct wr_bench_options *o = &s->suite->options;

    if (s->looped)
        return;
    if (o->times > 0) {
        if (o->times > 1)
            wr_bench_call(s, o->times, run, arg);
        return;
    }
    while (s->end == WR_BENCH_WELL && s->clock.sum.ns < o->goal_ns &&
           s->n < WR_BENCH_MOST)
        wr_bench_call(s, wr_bench_plan(o->goal_ns, s->n, s->clock.sum.ns), run,
                      arg);
}

WR_EXPORT weir_err
weir_bench_measure(weir_bench_fn run, void *arg, uint64_t ns,
                   struct weir_bench_result *out)
{
    struct wr_bench_suite suite = {
        .options = {.goal_ns = ns, .times = ns == 0}};
    struct weir_bench_state s = {.suite = &suite, .procs = 1};

    if (run == NULL || out == NULL)
        return WEIR_EINVAL;
    suite.counted = wr_bench_counts();
    wr_bench_call(&s, 1, run, arg);
    if (!s.has_parts)
        wr_bench_repeat(&s, run, arg);
    if (s.has_parts)
        return WEIR_EINVAL;
    if (s.end != WR_BENCH_WELL)
        return WEIR_EBUSY;
    *out = (struct weir_bench_result){.n = s.n,
                                      .ns = s.clock.sum.ns,
                                      .bytes = s.clock.sum.bytes,
                                      .allocs = s.clock.sum.allocs,
                                      .counted = suite.counted};
    out->ns_per_op = (double)out->ns / (double)out->n;
    out->bytes_per_op = out->bytes / out->n;
    out->allocs_per_op = out->allocs / out->n;
    return WEIR_OK;
}
