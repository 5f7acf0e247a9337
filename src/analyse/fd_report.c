/* The list of descriptors. */
#include "analyse/fd_report.h"

#include "analyse/frame.h"
#include "analyse/profile.h"
#include "analyse/quote.h"
#include "analyse/units.h"

#define SECOND 1e9

/* --- Findings ------------------------------------------------------------ */

/* Until there are so many as are allowed, at the pace of all the time that is
 * known; 0: never. */
static uint64_t
left_ns(const struct wr_fd_list *l, const struct wr_fd_growth *g)
{
    if (g->whole <= 0 || l->limit <= l->count)
        return 0;
    double each = (double)g->whole_ns / (double)g->whole;
    return (uint64_t)(each * (double)(l->limit - l->count));
}

static void
print_growth(const struct wr_fd_report *r, size_t group, FILE *out)
{
    const struct wr_fd_growth *g = &r->list->groups[group].growth;
    char recent[WR_AGE_ROOM], whole[WR_AGE_ROOM], left[WR_AGE_ROOM];
    char place[200];
    if (!g->growing)
        return;
    wr_frames_place(r->profile, (uint32_t)group, place, sizeof place);
    wr_age_text(recent, g->recent_ns);
    wr_age_text(whole, g->whole_ns);
    wr_age_text(left, left_ns(r->list, g));
    fprintf(out, "  growing: %+lld in the last %s, %+lld in %s, from %s",
            (long long)g->recent, recent, (long long)g->whole, whole, place);
    if (left_ns(r->list, g))
        fprintf(out, "; the limit in %s at that pace", left);
    fputc('\n', out);
}

/* --- Text ---------------------------------------------------------------- */

static void
print_one(const struct wr_fd_open *o, FILE *out)
{
    char age[WR_AGE_ROOM] = "";
    if (o->age_ns)
        wr_age_text(age, o->age_ns);
    fprintf(out, "    %5u  %8s  %s\n", o->number, age,
            *o->peer ? o->peer : o->target);
}

static void
print_ages(const struct wr_fd_group *g, FILE *out)
{
    char oldest[WR_AGE_ROOM], newest[WR_AGE_ROOM];
    wr_age_text(oldest, g->oldest_ns);
    wr_age_text(newest, g->newest_ns);
    if (g->count == 1)
        fprintf(out, ", opened %s ago by %s\n", oldest,
                wr_fd_call_name(g->call));
    else
        fprintf(out, ", opened %s to %s ago by %s\n", oldest, newest,
                wr_fd_call_name(g->call));
}

static const char *
kind_noun(enum wr_fd_kind kind, bool several)
{
    static const char *const nouns[WR_FD_KINDS][2] = {
        {"of another kind", "of other kinds"},
        {"file", "files"},
        {"directory", "directories"},
        {"device", "devices"},
        {"socket", "sockets"},
        {"end of a pipe", "ends of pipes"},
        {"epoll set", "epoll sets"},
        {"event counter", "event counters"},
        {"timer", "timers"},
        {"signal descriptor", "signal descriptors"},
        {"inotify queue", "inotify queues"},
        {"memory file", "memory files"},
    };
    return nouns[(unsigned)kind < WR_FD_KINDS ? kind : 0][several];
}

static void
print_group(const struct wr_fd_report *r, size_t group, size_t first, FILE *out)
{
    const struct wr_fd_group *g = &r->list->groups[group];
    size_t shown = g->count < r->each ? g->count : r->each;
    fprintf(out, "\n  %zu %s", g->count, kind_noun(g->kind, g->count != 1));
    if (g->site != WR_SITE_UNSEEN) {
        print_ages(g, out);
        wr_frames_print(r->profile, (uint32_t)group, 6, out);
    } else {
        fputs(", not seen opened\n", out);
    }
    for (size_t i = 0; i < shown; i++)
        print_one(&r->list->open[first + i], out);
    if (shown < g->count)
        fprintf(out, "    and %zu more\n", g->count - shown);
}

static void
print_heading(const struct wr_fd_report *r, FILE *out)
{
    const struct wr_fd_list *l = r->list;
    size_t unseen = 0;
    for (size_t i = 0; i < l->count; i++)
        unseen += l->open[i].site == WR_SITE_UNSEEN;
    fprintf(out, "%s (pid %u): %zu descriptor%s open", r->program, r->pid,
            l->count, wr_plural(l->count));
    if (l->limit)
        fprintf(out, ", %llu allowed", (unsigned long long)l->limit);
    fputc('\n', out);
    if (!l->told)
        fputs("  as its region says: the system tells nothing of it (any "
              "more)\n",
              out);
    if (!l->watched)
        fputs("  no opening was seen: none happened through libc, or it runs "
              "with WEIR=fds=off\n",
              out);
    else if (unseen)
        fprintf(out,
                "  %zu not seen opened: inherited, or by a call that Weir does "
                "not see\n",
                unseen);
}

void
wr_fd_report_print(const struct wr_fd_report *r, FILE *out)
{
    const struct wr_fd_list *l = r->list;
    size_t first = 0;
    print_heading(r, out);
    for (size_t i = 0; i < l->group_count; i++)
        print_growth(r, i, out);
    for (size_t i = 0; i < l->group_count && i < r->sites; i++) {
        print_group(r, i, first, out);
        first += l->groups[i].count;
    }
    if (l->group_count > r->sites)
        fprintf(out, "\n  and %zu sites more\n", l->group_count - r->sites);
}

void
wr_fd_hint_print(const struct wr_fd_list *l, uint32_t pid, FILE *out)
{
    char age[WR_AGE_ROOM];
    int64_t more = 0;
    uint64_t over = 0;
    for (size_t i = 0; i < l->group_count; i++) {
        const struct wr_fd_growth *g = &l->groups[i].growth;
        more += g->growing ? g->whole : 0;
        over = g->growing && g->whole_ns > over ? g->whole_ns : over;
    }
    wr_age_text(age, over);
    if (more > 0)
        fprintf(out,
                "\n%lld descriptors more are open than %s ago: weir fds %u\n",
                (long long)more, age, pid);
}

/* --- JSON ---------------------------------------------------------------- */

static void
json_group(const struct wr_fd_report *r, size_t group, FILE *out)
{
    const struct wr_fd_group *g = &r->list->groups[group];
    bool seen = g->site != WR_SITE_UNSEEN;
    fprintf(out,
            "%s{\"count\":%zu,\"kind\":\"%s\",\"seen\":%s,\"call\":\"%s\","
            "\"oldest_s\":%.3f,\"newest_s\":%.3f,\"opened\":%llu,"
            "\"closed\":%llu,",
            group ? ",\n" : "", g->count, wr_fd_kind_name(g->kind),
            seen ? "true" : "false", wr_fd_call_name(g->call),
            (double)g->oldest_ns / SECOND, (double)g->newest_ns / SECOND,
            (unsigned long long)g->opened, (unsigned long long)g->closed);
    fprintf(out,
            "\"growth\":{\"growing\":%s,\"recent\":%lld,\"recent_s\":%.1f,"
            "\"whole\":%lld,\"whole_s\":%.1f},\"stack\":",
            g->growth.growing ? "true" : "false", (long long)g->growth.recent,
            (double)g->growth.recent_ns / SECOND, (long long)g->growth.whole,
            (double)g->growth.whole_ns / SECOND);
    if (seen)
        wr_frames_json(r->profile, (uint32_t)group, out);
    else
        fputs("[]", out);
    fputc('}', out);
}

static void
json_open(const struct wr_fd_open *o, bool first, FILE *out)
{
    fprintf(out, "%s{\"fd\":%u,\"kind\":\"%s\",\"age_s\":", first ? "" : ",\n",
            o->number, wr_fd_kind_name(o->kind));
    if (o->age_ns)
        fprintf(out, "%.3f", (double)o->age_ns / SECOND);
    else
        fputs("null", out);
    fputs(",\"target\":", out);
    wr_json_string(out, o->target);
    fputs(",\"peer\":", out);
    wr_json_string(out, o->peer);
    fprintf(out, ",\"site\":%zu}", o->group);
}

void
wr_fd_report_json(const struct wr_fd_report *r, FILE *out)
{
    const struct wr_fd_list *l = r->list;
    fputs("{\"v\":1,\"program\":", out);
    wr_json_string(out, r->program);
    fprintf(out,
            ",\"pid\":%u,\"open\":%zu,\"limit\":%llu,\"watched\":%s,"
            "\"told\":%s,\n\"sites\":[",
            r->pid, l->count, (unsigned long long)l->limit,
            l->watched ? "true" : "false", l->told ? "true" : "false");
    for (size_t i = 0; i < l->group_count; i++)
        json_group(r, i, out);
    fputs("],\n\"descriptors\":[", out);
    for (size_t i = 0; i < l->count; i++)
        json_open(&l->open[i], i == 0, out);
    fputs("]}\n", out);
}
