/* Judge. */
#include "weir/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/end.h"
#include "analyse/fds.h"
#include "analyse/frame.h"
#include "analyse/leaks.h"
#include "analyse/overflow.h"
#include "analyse/profile.h"
#include "analyse/series.h"
#include "analyse/story.h"
#include "analyse/suspects.h"
#include "analyse/symbol.h"
#include "serve/leak.h"
#include "serve/source.h"
#include "weir/cmd.h"

#define WAIT_MS           60000
#define LEAST_DESCRIPTORS 8 /* more than before */

enum names {
    NAMES_LEAKS,
    NAMES_FDS,
    NAMES_THREADS,
    NAMES_SUSPECTS,
    NAMES_STACK
};

/* --- Names --------------------------------------------------------------- */

static void
find_names(struct wr_judgement *j, struct wr_profile *p,
           const struct wr_source *one)
{
    if (j->symboliser)
        wr_profile_symbolise(p, j->symboliser, (int)one->pid, one->live);
}

/* Of the sample with the largest value of the profile's last type. */
static const char *
name_of_largest(struct wr_judgement *j, enum names which,
                const struct wr_source *one)
{
    struct wr_profile *p = j->names[which];
    uint32_t best = WR_NONE;
    int64_t most = 0;
    find_names(j, p, one);
    for (uint32_t i = 0; i < p->sample_count; i++) {
        int64_t value =
            p->values[(size_t)i * p->type_count + p->type_count - 1];
        if (value > most)
            most = value, best = i;
    }
    return best == WR_NONE ? NULL : wr_frames_function(p, best);
}

/* --- What a search proves ------------------------------------------------ */

static void
search_leaks(struct wr_judgement *j, const struct wr_source *one)
{
    struct wr_facts *f = &j->known.facts;
    struct wr_leaks l;
    if (wr_leak_ask_source(one, 0, WAIT_MS, &l, j->note, sizeof j->note) != 0)
        return;
    if (l.header.about.trust == WR_TRUST_PROVED) {
        f->proved =
            (double)l.header.direct.bytes + (double)l.header.indirect.bytes;
        if (f->proved > 0 &&
            wr_profile_from_leaks(&j->names[NAMES_LEAKS], &one->view, &l,
                                  j->note, sizeof j->note) == 0)
            f->proved_site = name_of_largest(j, NAMES_LEAKS, one);
    } else {
        snprintf(j->note, sizeof j->note,
                 "the search for leaks could not prove anything");
    }
    wr_leaks_fini(&l);
}

/* --- Descriptors and threads --------------------------------------------- */

/* Within its first minute: those of the group that are open, by when they
 * were opened. Where most are closed again, nearly all are young, and that is
 * no steady rise. */
static bool
rises_at_once(const struct wr_fd_list *l, size_t group, double now)
{
    struct wr_moment *m = calloc(l->count + 1, sizeof *m);
    struct wr_rise r;
    size_t n = 0;
    for (size_t i = 0; m && i < l->count; i++)
        if (l->open[i].group == group) { /* the oldest first */
            m[n].at = now - (double)l->open[i].age_ns / 1e9;
            m[n].value = (double)n + 1;
            n++;
        }
    wr_rise_fit(&r, m, n, 0, now);
    free(m);
    return r.rises && r.last - r.first >= LEAST_DESCRIPTORS;
}

static const struct wr_fd_group *
fastest_group(const struct wr_fd_list *l, double now)
{
    const struct wr_fd_group *best = NULL;
    for (size_t i = 0; i < l->group_count; i++) {
        const struct wr_fd_group *g = &l->groups[i];
        if (g->site == WR_SITE_UNSEEN || g->closed * 4 > g->opened)
            continue;
        if ((!best || g->count > best->count) &&
            (g->growth.growing || rises_at_once(l, i, now)))
            best = g;
    }
    return best;
}

static void
look_at_descriptors(struct wr_judgement *j, const struct wr_source *one)
{
    struct wr_facts *f = &j->known.facts;
    struct wr_fd_list l;
    char why[WR_WHY];
    f->descriptor_limit = NAN;
    if (wr_fds_read(&l, &one->view, "", why, sizeof why) != 0)
        return;
    const struct wr_fd_group *group = fastest_group(&l, f->now);
    f->descriptors = (double)l.count;
    f->descriptor_limit = l.limit ? (double)l.limit : NAN;
    if (group) {
        f->descriptors_rise = true;
        f->descriptors_grown = (double)(group->opened - group->closed);
        if (wr_profile_from_fds(&j->names[NAMES_FDS], &one->view, &l, why,
                                sizeof why) == 0) {
            struct wr_profile *p = j->names[NAMES_FDS];
            find_names(j, p, one);
            uint32_t sample = (uint32_t)(group - l.groups);
            if (sample < p->sample_count)
                f->descriptor_site = wr_frames_function(p, sample);
        }
    }
    wr_fds_fini(&l);
}

static void
look_at_threads(struct wr_judgement *j, const struct wr_source *one)
{
    char why[WR_WHY];
    if (wr_profile_from_region(&j->names[NAMES_THREADS], &one->view,
                               WR_PROFILE_THREADCREATE, WR_VALUES_ESTIMATED,
                               why, sizeof why) == 0)
        j->known.facts.thread_site = name_of_largest(j, NAMES_THREADS, one);
}

/* --- A stack ------------------------------------------------------------- */

/* The function that called itself, or the innermost one. */
static void
look_at_stack(struct wr_judgement *j, struct wr_story *s,
              const struct wr_source *one)
{
    struct wr_facts *f = &j->known.facts;
    char why[WR_WHY];
    if (!wr_overflow_fold(&j->overflow, &one->view))
        return;
    f->stack_overflow = true;
    if (wr_profile_from_overflow(&j->names[NAMES_STACK], &one->view,
                                 &j->overflow, why, sizeof why) != 0)
        return;
    struct wr_profile *p = j->names[NAMES_STACK];
    s->overflow = &j->overflow;
    s->overflow_names = p;
    uint32_t sample = j->overflow.period > 0 ? 1 : 0;
    find_names(j, p, one);
    if (sample < p->sample_count)
        f->stack_site = wr_frames_function(p, sample);
}

/* --- Suspects ------------------------------------------------------------ */

/* A suspect has 20 samples that grew old or more: that says who it is where
 * fewer do not. */
static void
name_growing(struct wr_culprit *growing, const char *suspect)
{
    if (suspect && (!growing->site || growing->other))
        *growing = (struct wr_culprit){.site = suspect};
}

/* The site that grows most, if any does without end. */
static void
look_at_suspects(struct wr_judgement *j, const struct wr_source *one)
{
    struct wr_suspects s;
    char why[WR_WHY];
    if (wr_suspects_find(&s, &one->view, NULL, why, sizeof why) != 0)
        return;
    if (s.growing > 0) {
        j->suspect = s.list[0].verdict;
        j->known.facts.suspect = &j->suspect;
        if (wr_profile_from_suspects(&j->names[NAMES_SUSPECTS], &one->view, &s,
                                     why, sizeof why) == 0) {
            struct wr_profile *p = j->names[NAMES_SUSPECTS];
            find_names(j, p, one);
            if (p->sample_count > 0)
                name_growing(&j->known.facts.growing, wr_frames_function(p, 0));
        }
    }
    wr_suspects_fini(&s);
}

/* --- All of it ----------------------------------------------------------- */

int
wr_judge(struct wr_judgement *j, struct wr_story *s,
         const struct wr_source *one, struct wr_symboliser *names, bool search,
         char *why, size_t n)
{
    memset(j, 0, sizeof *j);
    j->symboliser = names;
    if (wr_known_make(&j->known, s, why, n) != 0)
        return -1;
    if (search && s->of.end->how == WR_END_RUNS)
        search_leaks(j, one);
    look_at_descriptors(j, one);
    look_at_threads(j, one);
    look_at_suspects(j, one);
    look_at_stack(j, s, one);
    wr_verdict_make(&j->verdict, &j->known.facts);
    s->verdict = &j->verdict;
    return 0;
}

void
wr_judgement_fini(struct wr_judgement *j)
{
    wr_known_fini(&j->known);
    for (size_t i = 0; i < sizeof j->names / sizeof *j->names; i++)
        wr_profile_free(j->names[i]);
}

bool
wr_language_of(const char *word, enum wr_language *in)
{
    const char *all = getenv("LC_ALL"), *some = getenv("LC_MESSAGES");
    const char *lang = getenv("LANG");
    *in = WR_ENGLISH;
    if (word) {
        *in = strncmp(word, "zh", 2) == 0 ? WR_CHINESE : WR_ENGLISH;
        return *in == WR_CHINESE || strncmp(word, "en", 2) == 0;
    }
    word = all && *all ? all : some && *some ? some : lang;
    if (word && strncmp(word, "zh", 2) == 0 && wr_utf8())
        *in = WR_CHINESE;
    return true;
}
