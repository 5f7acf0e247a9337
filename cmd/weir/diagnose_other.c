/* Diagnosing programs that are not under Weir here: Go's, or Weir's on another
 * machine, by their endpoint; and any by two of its profiles. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "analyse/end.h"
#include "analyse/profile.h"
#include "analyse/quote.h"
#include "analyse/story.h"
#include "analyse/verdict_report.h"
#include "base/clock.h"
#include "weir/cmd.h"
#include "weir/diagnose.h"
#include "weir/fetch.h"

#define LOOKS      24 /* as many as the floor has parts */
#define URL_ROOM   1024
#define LEAST_RISE ((int64_t)1 << 20)

/* What both ways end with. */
struct other {
    const struct wr_diagnose *d;
    struct wr_facts facts;
    struct wr_verdict verdict;
    struct wr_end end;
    struct wr_state state[LOOKS + 1];
    struct wr_profile *grown;
};

static void
init(struct other *o, const struct wr_diagnose *d)
{
    *o = (struct other){.d = d};
    wr_end_init(&o->end);
    o->end.how = WR_END_RUNS;
    o->facts = (struct wr_facts){.state = o->state,
                                 .end = &o->end,
                                 .ceiling = INFINITY,
                                 .old_share = NAN,
                                 .proved = NAN,
                                 .descriptor_limit = NAN};
}

static int
finish(struct other *o)
{
    if (o->d->json) {
        fputs("{\"v\":1,\"program\":", stdout);
        wr_json_string(stdout, o->d->what[0]);
        fputc(',', stdout);
        wr_verdict_json(&o->verdict, o->d->language, stdout);
        puts("}");
    } else {
        wr_verdict_print(&o->verdict, o->d->language, stdout);
    }
    wr_profile_free(o->grown);
    return wr_verdict_status(o->verdict.finding[0].what);
}

static int
fail(struct other *o, const char *why)
{
    wr_say("diagnose: %s", why);
    wr_profile_free(o->grown);
    return 1;
}

/* Do two sites differ by more than the chance that their growth has, if it is
 * all of new blocks? */
static bool
are_apart(const struct wr_story_site *a, const struct wr_story_site *b,
          int64_t period)
{
    double chance = sqrt((double)period * (double)(a->bytes + b->bytes));
    return (double)(a->bytes - b->bytes) > 2 * chance;
}

/* Which site of `grown` grew most. */
static void
find_site(struct other *o)
{
    struct wr_story_site site[2];
    int64_t total;
    size_t n = wr_story_sites(site, 2, o->grown, "inuse_space", &total);
    if (n == 0)
        return;
    o->facts.growing = (struct wr_culprit){.site = site[0].name,
                                           .bytes = (double)site[0].bytes};
    if (n == 2 && !are_apart(&site[0], &site[1], o->grown->period))
        o->facts.growing.other = site[1].name;
}

/* --- An endpoint --------------------------------------------------------- */

/* The URL as given, up to and without "/debug/pprof...". */
static void
ask_for(char url[URL_ROOM], const char *given, const char *what)
{
    const char *path = strstr(given, "/debug/pprof");
    int length = path ? (int)(path - given) : (int)strlen(given);
    while (length > 0 && given[length - 1] == '/')
        length--;
    snprintf(url, URL_ROOM, "%.*s/debug/pprof/%s", length, given, what);
}

/* The text of an answer, ended with NUL; NULL: none, and why says so. */
static char *
fetch_text(const char *given, const char *what, char *why, size_t n)
{
    char url[URL_ROOM];
    unsigned char *bytes;
    size_t count;
    ask_for(url, given, what);
    if (wr_fetch(url, &bytes, &count, why, n) != 0)
        return NULL;
    char *text = realloc(bytes, count + 1);
    if (!text) {
        free(bytes);
        snprintf(why, n, "out of memory");
        return NULL;
    }
    text[count] = 0;
    return text;
}

/* "# HeapAlloc = 123" */
static double
field(const char *text, const char *name)
{
    char word[64];
    snprintf(word, sizeof word, "\n# %s = ", name);
    const char *at = strstr(text, word);
    return at ? strtod(at + strlen(word), NULL) : NAN;
}

static int
look(struct other *o, const char *given, double second, char *why, size_t n)
{
    char *heap = fetch_text(given, "heap?gc=1&debug=1", why, n);
    if (!heap)
        return -1;
    struct wr_state *s = &o->state[o->facts.states];
    *s = (struct wr_state){.at = second,
                           .live = field(heap, "HeapAlloc"),
                           .kept = field(heap, "HeapInuse")};
    free(heap);
    if (isnan(s->live) || isnan(s->kept)) {
        snprintf(why, n,
                 "%s does not tell MemStats: give the address of Go's or "
                 "Weir's /debug/pprof",
                 given);
        return -1;
    }
    char *threads = fetch_text(given, "goroutine?debug=1", why, n);
    if (threads &&
        sscanf(threads, "goroutine profile: total %lf", &s->threads) != 1)
        s->threads = 0;
    free(threads);
    o->facts.states++;
    o->facts.now = second;
    return 0;
}

static struct wr_profile *
fetch_profile(const char *given, char *why, size_t n)
{
    char url[URL_ROOM];
    unsigned char *bytes;
    size_t count;
    struct wr_profile *p;
    ask_for(url, given, "heap");
    if (wr_fetch(url, &bytes, &count, why, n) != 0)
        return NULL;
    if (wr_profile_decode(&p, bytes, count, why, n) != 0)
        p = NULL;
    free(bytes);
    return p;
}

/* Every so often, until the time is over. */
static int
watch(struct other *o, const char *given, char *why, size_t n)
{
    uint64_t start = wr_clock_ns(CLOCK_MONOTONIC);
    uint64_t step = (uint64_t)o->d->seconds * 1000000000 / LOOKS;
    for (unsigned i = 0; i <= LOOKS; i++) {
        uint64_t due = start + i * step, now = wr_clock_ns(CLOCK_MONOTONIC);
        if (now < due)
            nanosleep(&(struct timespec){(time_t)((due - now) / 1000000000),
                                         (long)((due - now) % 1000000000)},
                      NULL);
        now = wr_clock_ns(CLOCK_MONOTONIC);
        if (look(o, given, (double)(now - start) / 1e9, why, n) != 0)
            return -1;
    }
    return 0;
}

int
wr_diagnose_url(const struct wr_diagnose *d)
{
    char why[WR_WHY + URL_ROOM];
    struct other o;
    init(&o, d);
    struct wr_profile *first = fetch_profile(d->what[0], why, sizeof why);
    if (!first)
        return fail(&o, why);
    if (!d->json)
        wr_say("watching %s for %u seconds", d->what[0], d->seconds);
    int status = watch(&o, d->what[0], why, sizeof why);
    if (status == 0)
        o.grown = fetch_profile(d->what[0], why, sizeof why);
    if (o.grown && wr_profile_subtract(o.grown, first, why, sizeof why) != 0)
        status = -1;
    wr_profile_free(first);
    if (status != 0 || !o.grown)
        return fail(&o, why);
    find_site(&o);
    wr_verdict_make(&o.verdict, &o.facts);
    return finish(&o);
}

/* --- Two profiles -------------------------------------------------------- */

/* Two moments tell that it grew, not how: no verdict of theirs is certain. */
static void
judge_growth(struct other *o, int64_t was, int64_t is, double seconds)
{
    bool grew = is - was >= LEAST_RISE && is - was >= was / 20;
    struct wr_finding *f = &o->verdict.finding[0];
    o->verdict.count = 1;
    *f = (struct wr_finding){
        .what = grew ? WR_VERDICT_LEAK : WR_VERDICT_HEALTHY,
        .sure = WR_SURE_LOW,
        .site = grew ? o->facts.growing.site : NULL,
        .other = grew ? o->facts.growing.other : NULL,
        .bytes = (double)(is - was),
        .per_minute = seconds > 0 ? (double)(is - was) * 60 / seconds : 0,
        .over = seconds,
        .left = NAN};
}

static int64_t
inuse(const struct wr_profile *p)
{
    uint32_t type = wr_profile_find_type(p, "inuse_space");
    return type == WR_NONE ? -1 : wr_profile_total(p, type);
}

int
wr_diagnose_profiles(const struct wr_diagnose *d)
{
    char why[WR_WHY + URL_ROOM];
    struct other o;
    struct wr_profile *first = NULL;
    init(&o, d);
    if (wr_profile_read(&first, d->what[0], why, sizeof why) != 0 ||
        wr_profile_read(&o.grown, d->what[1], why, sizeof why) != 0) {
        wr_profile_free(first);
        return fail(&o, why);
    }
    int64_t was = inuse(first), is = inuse(o.grown);
    double seconds = (double)(o.grown->time_ns - first->time_ns) / 1e9;
    if (was < 0 || is < 0)
        snprintf(why, sizeof why, "only heap profiles can be judged");
    else if (wr_profile_subtract(o.grown, first, why, sizeof why) == 0)
        why[0] = 0;
    wr_profile_free(first);
    if (why[0])
        return fail(&o, why);
    find_site(&o);
    judge_growth(&o, was, is, seconds);
    return finish(&o);
}
