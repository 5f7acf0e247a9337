/* Descriptors and their openers.
 *
 * 1. The kernel is believed before the region: an entry of the region counts
 *    only for a descriptor that is open and of a kind which its call makes. So
 *    a number that was closed and given away again unseen is mostly found out.
 */
#include "analyse/fds.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "analyse/profile.h"
#include "analyse/store.h"
#include "base/clock.h"
#include "region/read.h"

#define MINUTE_NS  UINT64_C(60000000000)
#define LEAST      10 /* more than that must have come to be a finding */
#define LEAST_SOON 50 /* while less than three minutes are known */
#define RISES      3  /* minutes in which it grew */

const char *
wr_fd_kind_name(enum wr_fd_kind kind)
{
    static const char *const names[WR_FD_KINDS] = {
        "other", "file",  "directory", "device", "socket",  "pipe",
        "epoll", "event", "timer",     "signal", "inotify", "memory"};
    return (unsigned)kind < WR_FD_KINDS ? names[kind] : "other";
}

const char *
wr_fd_call_name(enum wr_fd_call call)
{
    static const char *const names[WR_FD_CALLS] = {
        "unknown",  "open",         "fopen",       "opendir",
        "socket",   "accept",       "pipe",        "popen",
        "dup",      "epoll_create", "eventfd",     "timerfd_create",
        "signalfd", "inotify_init", "memfd_create"};
    return (unsigned)call < WR_FD_CALLS ? names[call] : "unknown";
}

/* Can that call have made such a thing? Opening a path may give anything that
 * has a name; a copy is what was copied. */
static bool
can_be(enum wr_fd_call call, enum wr_fd_kind kind)
{
    switch (call) {
    case WR_FD_DIRECTORY:
        return kind == WR_KIND_FILE;
    case WR_FD_SOCKET:
    case WR_FD_ACCEPT:
        return kind == WR_KIND_SOCKET;
    case WR_FD_PIPE:
    case WR_FD_POPEN:
        return kind == WR_KIND_PIPE;
    case WR_FD_EPOLL:
        return kind == WR_KIND_EPOLL;
    case WR_FD_EVENT:
        return kind == WR_KIND_EVENT;
    case WR_FD_TIMER:
        return kind == WR_KIND_TIMER;
    case WR_FD_SIGNAL:
        return kind == WR_KIND_SIGNAL;
    case WR_FD_INOTIFY:
        return kind == WR_KIND_INOTIFY;
    case WR_FD_MEMORY:
        return kind == WR_KIND_MEMORY || kind == WR_KIND_FILE; /* shm_open */
    case WR_FD_OPEN:
    case WR_FD_STREAM:
        return kind != WR_KIND_SOCKET && kind != WR_KIND_EPOLL &&
               kind != WR_KIND_EVENT;
    default:
        return true;
    }
}

/* The kind of what a call makes, where the kernel is not there to say. */
static enum wr_fd_kind
made_by(enum wr_fd_call call)
{
    if (call == WR_FD_MEMORY)
        return WR_KIND_MEMORY;
    for (int k = WR_KIND_FILE; k < WR_FD_KINDS; k++)
        if (call != WR_FD_DUP && can_be(call, (enum wr_fd_kind)k))
            return (enum wr_fd_kind)k;
    return WR_KIND_OTHER;
}

/* --- Joining ------------------------------------------------------------- */

static const struct wr_fds *
table_of(const struct wr_region_view *view)
{
    if (wr_view_used(view, WR_TABLE_FDS) == 0)
        return NULL;
    return (const void *)(view->base + view->table[WR_TABLE_FDS].offset);
}

static uint64_t
load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

/* An entry as it stood still; false: there is none. */
static bool
entry_of(const struct wr_fds *t, uint32_t number, uint64_t now,
         struct wr_fd_open *o)
{
    if (!t || number >= WR_FD_MOST)
        return false;
    const struct wr_fd *f = &t->fd[number];
    uint64_t opened = load(&f->opened_ns);
    uint32_t site = atomic_load(&f->site), call = atomic_load(&f->call);
    if (opened == 0 || load(&f->opened_ns) != opened)
        return false;
    o->site = site < load(&t->sites) && site < WR_FD_SITES ? site : 0;
    o->call = call < WR_FD_CALLS ? (enum wr_fd_call)call : WR_FD_UNKNOWN;
    o->age_ns = now > opened ? now - opened : 1;
    return true;
}

static void
join(struct wr_fd_list *l, const struct wr_fds *t, uint64_t now)
{
    for (size_t i = 0; i < l->count; i++) {
        struct wr_fd_open *o = &l->open[i], seen = *o;
        if (!entry_of(t, o->number, now, &seen) || !can_be(seen.call, o->kind))
            continue;
        *o = seen;
        if (seen.call == WR_FD_DIRECTORY)
            o->kind = WR_KIND_DIRECTORY;
    }
}

/* What the region alone says. */
static int
list_region(struct wr_fd_list *l, const struct wr_fds *t, uint64_t now)
{
    struct wr_fd_open o = {.number = 0};
    size_t n = 0;
    for (uint32_t i = 0; t && i < WR_FD_MOST; i++)
        n += load(&t->fd[i].opened_ns) != 0;
    l->open = calloc(n + 1, sizeof *l->open);
    if (!l->open)
        return -1;
    for (uint32_t i = 0; t && i < WR_FD_MOST && l->count < n; i++) {
        if (!entry_of(t, i, now, &o))
            continue;
        o.number = i;
        o.kind = made_by(o.call);
        o.target = calloc(1, 1);
        o.peer = calloc(1, 1);
        l->open[l->count++] = o;
    }
    return 0;
}

/* --- Growth -------------------------------------------------------------- */

/* How many were open when minute m began. What the first minute brings is the
 * program's start, and no growth. */
static int64_t
level_at(const struct wr_fd_site *s, uint64_t m, int64_t now)
{
    if (m > load(&s->minute))
        return now; /* nothing changed since */
    return atomic_load(&s->level[m % WR_FD_MINUTES]);
}

struct wr_fd_growth
wr_fd_growth_of(const struct wr_fd_site *s, uint64_t uptime_ns)
{
    struct wr_fd_growth g = {.growing = false};
    uint64_t closed = load(&s->closed), opened = load(&s->opened);
    uint64_t minute = uptime_ns / MINUTE_NS;
    uint64_t first = minute >= WR_FD_MINUTES ? minute - WR_FD_MINUTES + 1
                     : minute > 0            ? 1
                                             : 0;
    int64_t now = opened > closed ? (int64_t)(opened - closed) : 0, falls = 0;
    unsigned rises = 0;
    for (uint64_t m = first; minute > 0 && m <= minute; m++) {
        int64_t from = level_at(s, m, now);
        int64_t by = (m < minute ? level_at(s, m + 1, now) : now) - from;
        rises += by > 0;
        falls += by < 0 ? -by : 0;
    }
    uint64_t recent = minute > first ? minute - 1 : first; /* ends now */
    g.recent = now - level_at(s, recent, now);
    g.recent_ns = uptime_ns - recent * MINUTE_NS;
    g.whole = now - level_at(s, first, now);
    g.whole_ns = uptime_ns - first * MINUTE_NS;
    g.growing = g.whole >= LEAST && g.recent > 0 && falls * 4 <= g.whole &&
                (rises >= RISES || (rises > 0 && g.whole >= LEAST_SOON &&
                                    g.whole_ns < RISES * MINUTE_NS));
    return g;
}

/* --- Groups -------------------------------------------------------------- */

static size_t
group_of(struct wr_fd_list *l, const struct wr_fd_open *o)
{
    size_t i = 0;
    while (i < l->group_count &&
           (l->groups[i].site != o->site || l->groups[i].kind != o->kind))
        i++;
    if (i == l->group_count)
        l->groups[l->group_count++] = (struct wr_fd_group){
            .site = o->site, .kind = o->kind, .call = o->call};
    return i;
}

static void
count_one(struct wr_fd_group *g, const struct wr_fd_open *o)
{
    g->count++;
    if (o->age_ns > g->oldest_ns)
        g->oldest_ns = o->age_ns;
    if (g->newest_ns == 0 || o->age_ns < g->newest_ns)
        g->newest_ns = o->age_ns;
}

static int
by_size(const void *one, const void *other)
{
    const struct wr_fd_group *a = one, *b = other;
    if ((a->site == WR_SITE_UNSEEN) != (b->site == WR_SITE_UNSEEN))
        return a->site == WR_SITE_UNSEEN ? 1 : -1;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    if (a->site != b->site)
        return a->site < b->site ? -1 : 1;
    return (int)a->kind - (int)b->kind;
}

static int
by_group(const void *one, const void *other)
{
    const struct wr_fd_open *a = one, *b = other;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->age_ns != b->age_ns)
        return a->age_ns < b->age_ns ? 1 : -1;
    return a->number < b->number ? -1 : a->number > b->number;
}

static void
tell_history(struct wr_fd_group *g, const struct wr_fds *t, uint64_t uptime)
{
    if (!t || g->site == WR_SITE_UNSEEN)
        return;
    const struct wr_fd_site *s = &t->site[g->site];
    g->closed = load(&s->closed);
    g->opened = load(&s->opened);
    g->growth = wr_fd_growth_of(s, uptime);
}

static int
make_groups(struct wr_fd_list *l, const struct wr_fds *t, uint64_t uptime)
{
    l->groups = calloc(l->count + 1, sizeof *l->groups);
    if (!l->groups)
        return -1;
    for (size_t i = 0; i < l->count; i++)
        count_one(&l->groups[group_of(l, &l->open[i])], &l->open[i]);
    qsort(l->groups, l->group_count, sizeof *l->groups, by_size);
    for (size_t i = 0; i < l->count; i++)
        l->open[i].group = group_of(l, &l->open[i]);
    for (size_t i = 0; i < l->group_count; i++)
        tell_history(&l->groups[i], t, uptime);
    if (l->count)
        qsort(l->open, l->count, sizeof *l->open, by_group);
    return 0;
}

/* --- All of it ----------------------------------------------------------- */

/* When the region was last about a running program, CLOCK_MONOTONIC. */
static uint64_t
moment_of(const struct wr_region_view *view)
{
    const struct wr_region_header *h = view->header;
    uint64_t end = load(&h->end_ns);
    if (end > h->start_ns)
        return h->start_mono_ns + (end - h->start_ns);
    return wr_clock_ns(CLOCK_MONOTONIC);
}

static bool
has_texts(const struct wr_fd_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (!l->open[i].target || !l->open[i].peer)
            return false;
    return true;
}

int
wr_fds_read(struct wr_fd_list *l, const struct wr_region_view *view,
            const char *root, char *why, size_t n)
{
    const struct wr_fds *t = table_of(view);
    uint64_t now = moment_of(view), start = view->header->start_mono_ns;
    uint32_t pid = view->header->pid;
    bool alive = *root || wr_view_alive(view);
    int rc = 0;
    *l = (struct wr_fd_list){.watched = t && load(&t->watched) != 0};
    l->told = alive && wr_fd_proc_list(l, root, pid) == 0;
    if (l->told) {
        l->limit = wr_fd_proc_limit(root, pid);
        join(l, t, now);
    } else {
        wr_fds_fini(l);
        l->watched = t && load(&t->watched) != 0;
        rc = list_region(l, t, now);
    }
    if (rc == 0 && has_texts(l) &&
        make_groups(l, t, now > start ? now - start : 0) == 0)
        return 0;
    wr_fds_fini(l);
    return wr_profile_fail(why, n, "out of memory");
}

void
wr_fds_fini(struct wr_fd_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->open[i].target);
        free(l->open[i].peer);
    }
    free(l->open);
    free(l->groups);
    *l = (struct wr_fd_list){.open = NULL};
}

size_t
wr_fds_older(const struct wr_fd_list *l, uint64_t age_ns)
{
    size_t older = 0;
    for (size_t i = 0; i < l->count; i++)
        older += l->open[i].age_ns > age_ns;
    return older;
}
