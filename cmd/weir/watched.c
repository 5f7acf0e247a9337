#include "weir/watched.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "analyse/export.h"
#include "analyse/filter.h"
#include "analyse/symbol.h"
#include "region/past.h"
#include "weir/pick.h"

int
wr_watched_open(struct wr_watched *p, uint32_t pid, char *why, size_t n)
{
    *p = (struct wr_watched){.events = UINT64_MAX};
    if (wr_sources_scan(&p->sources, NULL, WR_SCAN_ALL) != 0) {
        snprintf(why, n, "out of memory");
        return -1;
    }
    p->one = wr_pick(&p->sources, pid, why, n);
    if (p->one)
        p->symboliser = wr_symboliser_new();
    if (p->one && p->symboliser)
        return 0;
    if (p->one)
        snprintf(why, n, "out of memory");
    wr_watched_close(p);
    return -1;
}

void
wr_watched_close(struct wr_watched *p)
{
    wr_symboliser_free(p->symboliser);
    wr_sources_free(&p->sources);
    *p = (struct wr_watched){0};
}

/* ---- what is now ---- */

/* As profiles are shown: named, without the allocator's own frames. */
static void
finish(struct wr_watched *p, struct wr_profile *profile)
{
    wr_profile_symbolise(profile, p->symboliser, (int)p->one->pid,
                         p->one->live);
    wr_filter_prune(profile);
}

/* *out: NULL when nothing was sampled or freed since the last one. */
static int
take_profile(struct wr_watched *p, struct wr_profile **out, char *why, size_t n)
{
    const struct wr_counters *c = &p->one->view.header->counters;
    uint64_t events = atomic_load(&c->samples) + atomic_load(&c->sample_frees);
    *out = NULL;
    if (events == p->events)
        return 0;
    if (wr_profile_from_region(out, &p->one->view, WR_PROFILE_HEAP,
                               WR_VALUES_ESTIMATED, why, n) != 0)
        return -1;
    p->events = events;
    finish(p, *out);
    return 0;
}

static void
note_end(struct wr_watched *p, struct wr_watch *w)
{
    if (w->ended[0] || (p->one->live && wr_view_alive(&p->one->view)))
        return;
    p->one->live = false;
    snprintf(w->ended, sizeof w->ended, "%s",
             atomic_load(&p->one->view.header->state) == WR_REGION_EXITED
                 ? "it has ended"
                 : "it was killed, or became another program");
}

int
wr_watched_refresh(struct wr_watched *p, struct wr_watch *w)
{
    static struct wr_point point[WR_HISTORY_SECOND_SLOTS];
    struct wr_profile *profile;
    struct wr_vitals now;
    char why[WR_WHY];
    size_t n;
    note_end(p, w);
    wr_vitals_take(&now, p->one);
    n = wr_history_read(&p->one->view, WR_HISTORY_SECONDS, point,
                        WR_HISTORY_SECOND_SLOTS);
    if (take_profile(p, &profile, why, sizeof why) != 0) {
        wr_watch_say(w, "%s", why);
        return -1;
    }
    if (wr_watch_feed(w, &now, point, n, profile) == 0)
        return 0;
    wr_watch_say(w, "out of memory");
    return -1;
}

void
wr_watched_mark_past(struct wr_watched *p, struct wr_watch *w)
{
    const struct wr_region_view *v = &p->one->view;
    uint64_t oldest = wr_past_oldest(v), now = w->now.uptime_ns;
    uint64_t when = now > WR_TREND_SPAN_NS ? now - WR_TREND_SPAN_NS : 0;
    struct wr_profile *then;
    char why[WR_WHY], ago[32];
    if (when < oldest)
        when = oldest;
    if (wr_profile_from_region_at(&then, v, WR_PROFILE_HEAP,
                                  WR_VALUES_ESTIMATED, when, why,
                                  sizeof why) != 0) {
        wr_watch_say(w, "%s", why);
        return;
    }
    finish(p, then);
    when = wr_past_moment(v, when);
    if (wr_watch_mark_past(w, then, when) != 0)
        wr_watch_say(w, "out of memory");
    wr_time_format(ago, sizeof ago, (now - when) / 1000000000);
    wr_watch_say(w, "changes count from %s ago", ago);
    wr_profile_free(then);
}

/* ---- files ---- */

/* A new file PROGRAM.PID.suffix, or with a number before the suffix. */
static FILE *
new_file(const struct wr_watch *w, const char *suffix, char *name, size_t n)
{
    for (unsigned i = 1; i < 1000; i++) {
        if (i == 1)
            snprintf(name, n, "%s.%u.%s", w->program, w->now.pid, suffix);
        else
            snprintf(name, n, "%s.%u.%u.%s", w->program, w->now.pid, i, suffix);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0)
            return fdopen(fd, "w");
        if (errno != EEXIST)
            break;
    }
    return NULL;
}

typedef int writer(const struct wr_watch *w, FILE *out, char *why, size_t n);

static void
write_file(const struct wr_watch *from, struct wr_watch *w, const char *suffix,
           writer *write)
{
    char name[200], why[WR_WHY];
    if (!from->profile) {
        wr_watch_say(w, "nothing was sampled yet");
        return;
    }
    FILE *out = new_file(w, suffix, name, sizeof name);
    if (!out) {
        wr_watch_say(w, "%s: %s", name, strerror(errno));
        return;
    }
    bool bad = write(from, out, why, sizeof why) != 0;
    if (!bad)
        snprintf(why, sizeof why, "%s", strerror(errno));
    if (ferror(out) | (fclose(out) != 0))
        bad = true;
    if (bad)
        unlink(name);
    wr_watch_say(w, bad ? "%s: %s" : "wrote %s", name, why);
}

static int
write_profile(const struct wr_watch *w, FILE *out, char *why, size_t n)
{
    unsigned char *bytes;
    size_t length;
    if (wr_profile_encode(w->profile, true, &bytes, &length, why, n) != 0)
        return -1;
    fwrite(bytes, 1, length, out);
    free(bytes);
    return 0;
}

static int
write_flame(const struct wr_watch *w, FILE *out, char *why, size_t n)
{
    const struct wr_export e = {
        .p = w->profile,
        .type = wr_profile_find_type(w->profile, "inuse_space"),
        .title = w->program};
    return wr_export_html(&e, out, why, n);
}

void
wr_watched_save(struct wr_watched *p, struct wr_watch *w)
{
    (void)p;
    write_file(w, w, "heap.pb.gz", write_profile);
}

void
wr_watched_flame(struct wr_watched *p, struct wr_watch *w)
{
    (void)p;
    write_file(w, w, "flame.html", write_flame);
}
