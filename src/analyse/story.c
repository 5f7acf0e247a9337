/* What a story is made of. */
#include "analyse/story.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/caller.h"
#include "analyse/filter.h"
#include "analyse/legacy.h"
#include "analyse/profile.h"
#include "analyse/store.h"
#include "analyse/survivors.h"
#include "analyse/symbol.h"
#include "analyse/top.h"
#include "region/past.h"
#include "region/read.h"

#define LOOK_BACK_NS  UINT64_C(600000000000) /* for growth */
#define SHORTEST_NS   UINT64_C(1000000000)   /* growth over less is none */
#define SIGMAS        2.0                    /* that tell two sites apart */
#define VARIANCE_UNIT 0x1p20                 /* bytes squared */
#define LARGE_REQUEST ((uint64_t)64 << 10)   /* smaller ones are not told */

/* --- Sites --------------------------------------------------------------- */

size_t
wr_story_sites(struct wr_story_site *out, size_t room, struct wr_profile *p,
               const char *type_name, int64_t *total)
{
    uint32_t type = wr_profile_find_type(p, type_name);
    struct wr_top top;
    size_t n = 0;
    *total = 0;
    if (type == WR_NONE || wr_top_make(&top, p, type) != 0)
        return 0;
    *total = top.total;
    for (; n < room && n < top.count && top.rows[n].flat > 0; n++) {
        out[n].name = top.rows[n].name;
        out[n].bytes = top.rows[n].flat;
        out[n].caller =
            wr_caller_biggest(p, type, out[n].name, &out[n].for_caller);
        if (out[n].for_caller > out[n].bytes)
            out[n].caller = NULL;
    }
    wr_top_fini(&top);
    return n;
}

static void
find_biggest(struct wr_story *s)
{
    s->biggest_count = wr_story_sites(s->biggest, WR_STORY_SITES, s->now,
                                      "inuse_space", &s->biggest_total);
    if (s->biggest_count > 0)
        return;
    s->ever = true;
    s->biggest_count = wr_story_sites(s->biggest, WR_STORY_SITES, s->now,
                                      "alloc_space", &s->biggest_total);
}

/* A name that both profiles share: growth takes them from its own. */
static void
find_growing(struct wr_story *s)
{
    int64_t total;
    if (s->growth)
        s->growing_count = wr_story_sites(s->growing, WR_STORY_SITES, s->growth,
                                          "inuse_space", &total);
}

/* --- Profiles ------------------------------------------------------------ */

static void
give_names(struct wr_story *s, struct wr_profile *p,
           struct wr_symboliser *symboliser)
{
    bool runs = s->of.end->how == WR_END_RUNS;
    if (symboliser)
        wr_profile_symbolise(p, symboliser, (int)s->of.pid, runs);
    wr_filter_prune(p);
}

/* What is there now and was not some minutes before; NULL: too young. */
static struct wr_profile *
make_growth(struct wr_story *s, struct wr_symboliser *symboliser)
{
    const struct wr_region_view *v = s->of.view;
    uint64_t oldest = wr_past_oldest(v), end = s->uptime_ns;
    /* The first half of a short life is how it filled what it needs. */
    uint64_t when = end > 2 * LOOK_BACK_NS ? end - LOOK_BACK_NS : end / 2;
    struct wr_profile *p, *then;
    char why[WR_WHY];
    if (oldest == 0 || end < oldest + SHORTEST_NS)
        return NULL;
    when = wr_past_moment(v, when > oldest ? when : oldest);
    if (wr_profile_from_region_at(&then, v, WR_PROFILE_HEAP,
                                  WR_VALUES_ESTIMATED, when, why,
                                  sizeof why) != 0)
        return NULL;
    if (wr_profile_from_region(&p, v, WR_PROFILE_HEAP, WR_VALUES_ESTIMATED, why,
                               sizeof why) == 0 &&
        wr_profile_subtract(p, then, why, sizeof why) != 0) {
        wr_profile_free(p);
        p = NULL;
    }
    wr_profile_free(then);
    if (p)
        give_names(s, p, symboliser);
    s->growing_ns = end - when;
    return p;
}

/* --- Survivors ----------------------------------------------------------- */

/* p's values, one for each bucket. */
static void
set_values(struct wr_profile *p, const double *value, uint64_t n, double unit)
{
    for (uint32_t i = 0; i < p->sample_count; i++)
        p->values[i] = i < n ? wr_round(value[i] / unit) : 0;
}

/* Do the two biggest differ by more than chance? p's values are variances. */
static bool
are_apart(struct wr_profile *p, const struct wr_story_site site[2])
{
    double variance = 0;
    struct wr_top top;
    if (wr_top_make(&top, p, 0) != 0)
        return false;
    for (size_t i = 0; i < top.count; i++)
        if (strcmp(top.rows[i].name, site[0].name) == 0 ||
            strcmp(top.rows[i].name, site[1].name) == 0)
            variance += (double)top.rows[i].flat * VARIANCE_UNIT;
    wr_top_fini(&top);
    return (double)(site[0].bytes - site[1].bytes) > SIGMAS * sqrt(variance);
}

/* Where it cannot be told there is none. */
static void
find_kept(struct wr_story *s, struct wr_symboliser *symboliser)
{
    double now = (double)s->uptime_ns / 1e9;
    struct wr_survivors kept;
    char why[WR_WHY];
    int64_t total;
    if (s->growing_ns == 0 ||
        wr_survivors_find(&kept, s->of.view, now - (double)s->growing_ns / 1e9,
                          now, why, sizeof why) != 0)
        return;
    struct wr_profile *p = NULL;
    if (wr_profile_from_sites(&p, s->of.view, why, sizeof why) == 0) {
        set_values(p, kept.bytes, kept.buckets, 1);
        give_names(s, p, symboliser);
        s->kept_count = wr_story_sites(s->kept, 2, p, "blocks", &total);
        set_values(p, kept.variance, kept.buckets, VARIANCE_UNIT);
        s->kept_apart = s->kept_count < 2 || are_apart(p, s->kept);
    }
    s->survivors = p;
    wr_survivors_fini(&kept);
}

/* --- Large requests ------------------------------------------------------ */

static uint64_t
block_bytes(const struct wr_profile *p, const struct wr_sample *sample)
{
    for (uint32_t i = 0; i < sample->label_count; i++) {
        const struct wr_label *l = &p->labels[sample->first_label + i];
        if (l->str == 0 && strcmp(p->strings[l->key], "bytes") == 0)
            return (uint64_t)l->num;
    }
    return 0;
}

static void
name_request(struct wr_story_request *r, const struct wr_profile *p,
             const struct wr_sample *sample)
{
    size_t n = 0;
    for (uint32_t i = 0; i < sample->depth; i++) {
        const struct wr_location *l =
            &p->locations[p->frames[sample->first_frame + i]];
        for (uint32_t k = 0; k < l->line_count; k++) {
            if (n == sizeof r->by / sizeof *r->by)
                return;
            uint32_t f = p->lines[l->first_line + k].function;
            r->by[n++] = p->strings[p->functions[f].name];
        }
    }
}

/* Keep the largest few, the largest first. */
static void
add_request(struct wr_story *s, const struct wr_story_request *r)
{
    size_t at = s->largest_count;
    while (at > 0 && s->largest[at - 1].bytes < r->bytes)
        at--;
    if (at == WR_STORY_REQUESTS)
        return;
    if (s->largest_count < WR_STORY_REQUESTS)
        s->largest_count++;
    memmove(&s->largest[at + 1], &s->largest[at],
            (s->largest_count - 1 - at) * sizeof *s->largest);
    s->largest[at] = *r;
}

static void
find_largest(struct wr_story *s)
{
    const struct wr_profile *p = s->now;
    uint32_t type = wr_profile_find_type(p, "alloc_objects");
    for (uint32_t i = 0; type != WR_NONE && i < p->sample_count; i++) {
        struct wr_story_request r = {.bytes = block_bytes(p, &p->samples[i])};
        r.blocks = p->values[(size_t)i * p->type_count + type];
        if (r.bytes < LARGE_REQUEST || r.blocks <= 0)
            continue;
        name_request(&r, p, &p->samples[i]);
        add_request(s, &r);
    }
}

/* --- History ------------------------------------------------------------- */

static int
read_history(struct wr_story *s)
{
    s->points = calloc(WR_HISTORY_SECOND_SLOTS, sizeof *s->points);
    if (!s->points)
        return -1;
    s->point_count = wr_history_read(s->of.view, WR_HISTORY_SECONDS, s->points,
                                     WR_HISTORY_SECOND_SLOTS);
    return 0;
}

/* Peaks are in the history itself. */
static void
read_events(struct wr_story *s)
{
    struct wr_mark all[WR_MARK_SLOTS];
    size_t n = wr_history_marks(s->of.view, all, WR_MARK_SLOTS), kept = 0;
    for (size_t i = n; i-- > 0 && kept < WR_STORY_EVENTS;)
        if (all[i].kind != WR_MARK_PEAK)
            s->events[WR_STORY_EVENTS - ++kept] = all[i];
    memmove(s->events, &s->events[WR_STORY_EVENTS - kept],
            kept * sizeof *s->events);
    s->event_count = kept;
}

/* The last thing that is known to have happened. */
static void
find_uptime(struct wr_story *s)
{
    const struct wr_region_header *h = s->of.view->header;
    uint64_t ended = atomic_load(&h->end_ns);
    if (s->of.end->uptime_ns > 0)
        s->uptime_ns = s->of.end->uptime_ns;
    else if (ended > h->start_ns)
        s->uptime_ns = ended - h->start_ns;
    else if (s->point_count > 0)
        s->uptime_ns = s->points[s->point_count - 1].uptime_ns;
    if (s->event_count > 0 &&
        s->events[s->event_count - 1].uptime_ns > s->uptime_ns)
        s->uptime_ns = s->events[s->event_count - 1].uptime_ns;
}

/* --- Threads ------------------------------------------------------------- */

static uint64_t
allocated_by(const struct wr_region_header *h, const struct wr_thread_slot *t)
{
    uint64_t bytes = 0;
    for (uint32_t c = 1; c < h->class_count && c < WR_CLASS_MAX; c++)
        bytes += atomic_load(&t->count[c].allocs) * h->class_bytes[c];
    return bytes;
}

static int
by_allocated(const void *one, const void *other)
{
    const struct wr_story_thread *a = one, *b = other;
    return (a->allocated < b->allocated) - (a->allocated > b->allocated);
}

static int
read_threads(struct wr_story *s)
{
    const struct wr_region_view *v = s->of.view;
    uint64_t slots = wr_view_used(v, WR_TABLE_THREADS);
    struct wr_story_thread *all = calloc((size_t)slots + 1, sizeof *all);
    if (!all)
        return -1;
    for (uint64_t i = 0; i < slots; i++) {
        const struct wr_thread_slot *t = wr_view_thread(v, i);
        if (!t)
            continue;
        all[i].tid = atomic_load(&t->tid);
        all[i].runs = atomic_load(&t->state) == WR_THREAD_RUNNING;
        all[i].allocated = allocated_by(v->header, t);
        s->threads_running += all[i].runs;
    }
    qsort(all, (size_t)slots, sizeof *all, by_allocated);
    s->thread_count =
        slots < WR_STORY_THREADS ? (size_t)slots : WR_STORY_THREADS;
    memcpy(s->threads, all, s->thread_count * sizeof *all);
    free(all);
    return 0;
}

/* --- All of it ----------------------------------------------------------- */

static int
out_of_memory(struct wr_story *s, char *why, size_t n)
{
    wr_story_fini(s);
    return wr_profile_fail(why, n, "out of memory");
}

int
wr_story_make(struct wr_story *s, const struct wr_story_of *of,
              struct wr_symboliser *symboliser, char *why, size_t n)
{
    *s = (struct wr_story){.of = *of};
    if (wr_profile_from_region(&s->now, of->view, WR_PROFILE_HEAP,
                               WR_VALUES_ESTIMATED, why, n) != 0)
        return -1;
    if (read_history(s) != 0 || read_threads(s) != 0)
        return out_of_memory(s, why, n);
    read_events(s);
    find_uptime(s);
    wr_memstats_from_view(&s->memory, of->view);
    s->heap_peak = atomic_load(&of->view->header->counters.heap_peak);
    give_names(s, s->now, symboliser);
    s->growth = make_growth(s, symboliser);
    find_biggest(s);
    find_growing(s);
    find_kept(s, symboliser);
    find_largest(s);
    if (s->now->failed)
        return out_of_memory(s, why, n);
    return 0;
}

void
wr_story_fini(struct wr_story *s)
{
    free(s->points);
    wr_profile_free(s->now);
    wr_profile_free(s->growth);
    wr_profile_free(s->survivors);
    s->points = NULL;
    s->now = s->growth = s->survivors = NULL;
}
