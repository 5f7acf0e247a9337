/* Threads. */
#include "analyse/threads.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"

#define MINUTE_NS UINT64_C(60000000000)
#define MINUTES   15 /* looked at for growth */
#define LEAST     10 /* threads at one stack that may be a finding */
#define RISES     3  /* minutes in which some of them were made */

/* --- The region ---------------------------------------------------------- */

static struct wr_thread_info *
find(const struct wr_thread_list *l, uint32_t tid)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->threads[i].tid == tid)
            return &l->threads[i];
    return NULL;
}

static void
join_one(struct wr_thread_info *t, const struct wr_thread_slot *s,
         uint64_t since_ns, uint64_t now, uint64_t wall)
{
    struct wr_capture c;
    uint64_t start = atomic_load(&s->start_ns);
    t->known = true;
    t->create_stack = atomic_load(&s->create_stack);
    t->age_ns = wall > start ? wall - start : 1;
    for (int tries = 0; tries < 100; tries++) {
        if (!wr_slot_capture(s, &c))
            continue;
        if (c.ns < since_ns)
            return;
        t->stack = c;
        uint64_t still = __atomic_load_n(&s->still_ns, __ATOMIC_RELAXED);
        if (t->state != 'R' && still && now > still)
            t->still_ns = now - still;
        return;
    }
}

/* Those that have ended but can be joined, by who made them. */
static void
count_unjoined(struct wr_thread_list *l, const struct wr_region_view *view,
               uint64_t now)
{
    uint64_t used = wr_view_used(view, WR_TABLE_JOINABLE);
    const struct wr_table *table = &view->table[WR_TABLE_JOINABLE];
    l->unjoined = calloc(used + 1, sizeof *l->unjoined);
    for (uint64_t i = 0; l->unjoined && i < used; i++) {
        const struct wr_joinable *j =
            (const void *)(view->base + table->offset + i * table->stride);
        uint64_t ended = atomic_load(&j->ended_ns);
        uint32_t stack = atomic_load(&j->create_stack);
        size_t k = 0;
        if (atomic_load(&j->thread) == 0 || ended == 0)
            continue;
        while (k < l->unjoined_count && l->unjoined[k].create_stack != stack)
            k++;
        l->unjoined_count += k == l->unjoined_count;
        l->unjoined[k].create_stack = stack;
        l->unjoined[k].count++;
        if (now > ended && now - ended > l->unjoined[k].oldest_ns)
            l->unjoined[k].oldest_ns = now - ended;
    }
}

void
wr_threads_join(struct wr_thread_list *l, const struct wr_region_view *view,
                uint64_t since_ns)
{
    uint64_t now = wr_clock_ns(CLOCK_MONOTONIC);
    uint64_t wall = wr_clock_ns(CLOCK_REALTIME);
    const struct wr_thread_slot *s;
    for (uint64_t i = 0; (s = wr_view_thread(view, i)) != NULL; i++) {
        if (atomic_load(&s->state) != WR_THREAD_RUNNING)
            continue;
        struct wr_thread_info *t = find(l, atomic_load(&s->tid));
        if (t)
            join_one(t, s, since_ns, now, wall);
    }
    /* Weir's own has no slot. */
    for (size_t i = 0; i < l->count; i++)
        if (!l->threads[i].known && strcmp(l->threads[i].name, "weir") == 0)
            l->threads[i--] = l->threads[--l->count];
    uint64_t start = view->header->start_mono_ns;
    l->uptime_ns = now > start ? now - start : 0;
    count_unjoined(l, view, now);
}

/* --- Groups -------------------------------------------------------------- */

static int
by_stack(const void *one, const void *other)
{
    const struct wr_thread_info *a = one, *b = other;
    if (a->stack.frames != b->stack.frames)
        return a->stack.frames < b->stack.frames ? 1 : -1;
    int c =
        memcmp(a->stack.pc, b->stack.pc, a->stack.frames * sizeof *a->stack.pc);
    if (c != 0)
        return c;
    if (a->still_ns != b->still_ns)
        return a->still_ns < b->still_ns ? 1 : -1;
    return a->tid < b->tid ? -1 : a->tid > b->tid;
}

static bool
same_stack(const struct wr_thread_info *a, const struct wr_thread_info *b)
{
    return a->stack.frames == b->stack.frames &&
           memcmp(a->stack.pc, b->stack.pc,
                  a->stack.frames * sizeof *a->stack.pc) == 0;
}

static int
by_size(const void *one, const void *other)
{
    const struct wr_thread_group *a = one, *b = other;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    if (a->longest_ns != b->longest_ns)
        return a->longest_ns < b->longest_ns ? 1 : -1;
    return a->first < b->first ? -1 : 1;
}

/* Those of the group that were made since the program's first minute, in how
 * many minutes. A pool that is filled at once, or at the start, is none that
 * grows. */
static void
judge_growth(struct wr_thread_group *g, const struct wr_thread_list *l)
{
    bool made[MINUTES] = {false};
    unsigned minutes = 0;
    g->over_ns = MINUTES * MINUTE_NS;
    if (l->uptime_ns < g->over_ns + MINUTE_NS)
        g->over_ns = l->uptime_ns > MINUTE_NS ? l->uptime_ns - MINUTE_NS : 0;
    for (size_t i = g->first; i < g->first + g->count; i++) {
        uint64_t age = l->threads[i].age_ns;
        if (age == 0 || age >= g->over_ns)
            continue;
        g->recent++;
        minutes += !made[age / MINUTE_NS];
        made[age / MINUTE_NS] = true;
    }
    g->growing = l->threads[g->first].stack.frames && g->recent >= LEAST &&
                 minutes >= RISES;
}

int
wr_threads_group(struct wr_thread_list *l)
{
    l->groups = calloc(l->count + 1, sizeof *l->groups);
    if (!l->groups)
        return -1;
    if (l->count)
        qsort(l->threads, l->count, sizeof *l->threads, by_stack);
    for (size_t i = 0; i < l->count; i++) {
        struct wr_thread_info *t = &l->threads[i];
        if (i == 0 || !same_stack(t, t - 1))
            l->groups[l->group_count++] =
                (struct wr_thread_group){.first = i, .longest_ns = t->still_ns};
        struct wr_thread_group *g = &l->groups[l->group_count - 1];
        g->count++;
        g->shortest_ns = t->still_ns;
    }
    qsort(l->groups, l->group_count, sizeof *l->groups, by_size);
    for (size_t i = 0; i < l->group_count; i++) {
        judge_growth(&l->groups[i], l);
        for (size_t k = 0; k < l->groups[i].count; k++)
            l->threads[l->groups[i].first + k].group = i;
    }
    return 0;
}

void
wr_threads_fini(struct wr_thread_list *l)
{
    free(l->threads);
    free(l->groups);
    free(l->unjoined);
    *l = (struct wr_thread_list){.threads = NULL};
}

/* --- Proofs -------------------------------------------------------------- */

/* Follow who waits for whom until that is known or comes back. */
static void
follow(struct wr_thread_list *l, struct wr_thread_info *start)
{
    struct wr_thread_info *t = start;
    for (size_t steps = 0; steps <= l->count; steps++) {
        if (t->owner == 0)
            return;
        if (t->owner == t->tid)
            break;
        struct wr_thread_info *next = find(l, t->owner);
        if (!next)
            break;
        t = next;
        if (t == start) {
            start->proof = WR_THREAD_CYCLE;
            return;
        }
    }
    if (t == start)
        start->proof = t->owner == t->tid ? WR_THREAD_SELF : WR_THREAD_GONE;
    else
        start->proof = WR_THREAD_BEHIND;
}

void
wr_threads_prove(struct wr_thread_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        l->threads[i].proof = WR_THREAD_FREE;
    for (size_t i = 0; i < l->count; i++)
        follow(l, &l->threads[i]);
}
