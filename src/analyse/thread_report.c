/* The list of threads. */
#include "analyse/thread_report.h"

#include "analyse/frame.h"
#include "analyse/profile.h"
#include "analyse/quote.h"
#include "analyse/units.h"

#define SECOND  1e9
#define LONG_NS UINT64_C(60000000000) /* worth a word in the heading */

static uint32_t
maker_of_unjoined(const struct wr_thread_report *r, size_t i)
{
    return (uint32_t)(r->list->group_count + i);
}

static uint32_t
maker_of_group(const struct wr_thread_report *r, size_t i)
{
    return (uint32_t)(r->list->group_count + r->list->unjoined_count + i);
}

bool
wr_thread_report_deadlock(const struct wr_thread_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->threads[i].proof != WR_THREAD_FREE)
            return true;
    return false;
}

/* --- Findings ------------------------------------------------------------ */

static const char *
proof_text(enum wr_thread_proof proof)
{
    switch (proof) {
    case WR_THREAD_SELF:
        return "waits for a mutex that it has itself";
    case WR_THREAD_GONE:
        return "waits for a mutex of a thread that has ended";
    case WR_THREAD_CYCLE:
        return "waits for a mutex of a thread that waits for it in turn";
    case WR_THREAD_BEHIND:
        return "waits for a mutex of a thread that never goes on";
    default:
        return "";
    }
}

static void
print_proofs(const struct wr_thread_list *l, FILE *out)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct wr_thread_info *t = &l->threads[i];
        if (t->proof == WR_THREAD_FREE)
            continue;
        fprintf(out, "  deadlock: thread %u (%s) %s", t->tid, t->name,
                proof_text(t->proof));
        if (t->proof != WR_THREAD_SELF)
            fprintf(out, ": %u", t->owner);
        fputc('\n', out);
    }
}

static void
print_growth(const struct wr_thread_report *r, size_t group, FILE *out)
{
    const struct wr_thread_group *g = &r->list->groups[group];
    char over[WR_AGE_ROOM], where[200], maker[200];
    if (!g->growing)
        return;
    wr_age_text(over, g->over_ns);
    wr_frames_place(r->profile, (uint32_t)group, where, sizeof where);
    wr_frames_place(r->profile, maker_of_group(r, group), maker, sizeof maker);
    fprintf(out, "  growing: %zu threads more in %s stand in %s, made by %s\n",
            g->recent, over, where, maker);
}

static void
print_unjoined(const struct wr_thread_report *r, FILE *out)
{
    for (size_t i = 0; i < r->list->unjoined_count; i++) {
        const struct wr_thread_unjoined *u = &r->list->unjoined[i];
        char age[WR_AGE_ROOM], place[200];
        wr_age_text(age, u->oldest_ns);
        wr_frames_place(r->profile, maker_of_unjoined(r, i), place,
                        sizeof place);
        fprintf(out,
                "  %zu thread%s ended, the first %s ago, and nobody joined "
                "%s: each keeps its stack; made by %s\n",
                u->count, wr_plural(u->count), age,
                u->count == 1 ? "it" : "them", place);
    }
}

/* --- Text ---------------------------------------------------------------- */

static const char *
state_text(char state)
{
    switch (state) {
    case 'R':
        return "runs";
    case 'S':
        return "sleeps";
    case 'D':
        return "waits for a device";
    case 'T':
    case 't':
        return "is stopped";
    default:
        return "ended";
    }
}

static void
print_thread(const struct wr_thread_info *t, FILE *out)
{
    char still[WR_AGE_ROOM] = "";
    if (t->still_ns)
        wr_age_text(still, t->still_ns);
    fprintf(out, "    %7u  %-15s %8s  %s%s%s\n", t->tid, t->name, still,
            state_text(t->state), *t->place ? " in " : "", t->place);
}

static void
print_group(const struct wr_thread_report *r, size_t group, FILE *out)
{
    const struct wr_thread_group *g = &r->list->groups[group];
    char longest[WR_AGE_ROOM], shortest[WR_AGE_ROOM];
    size_t shown = g->count < r->each ? g->count : r->each;
    wr_age_text(longest, g->longest_ns);
    wr_age_text(shortest, g->shortest_ns);
    fprintf(out, "\n  %zu thread%s", g->count, wr_plural(g->count));
    if (g->longest_ns && g->count > 1)
        fprintf(out, ", still for %s to %s", longest, shortest);
    else if (g->longest_ns)
        fprintf(out, ", still for %s", longest);
    fputc('\n', out);
    wr_frames_print(r->profile, (uint32_t)group, 6, out);
    for (size_t i = 0; i < shown; i++)
        print_thread(&r->list->threads[g->first + i], out);
    if (shown < g->count)
        fprintf(out, "    and %zu more\n", g->count - shown);
}

void
wr_thread_report_print(const struct wr_thread_report *r, FILE *out)
{
    const struct wr_thread_list *l = r->list;
    size_t still = 0;
    for (size_t i = 0; i < l->count; i++)
        still += l->threads[i].still_ns > LONG_NS;
    fprintf(out, "%s (pid %u): %zu thread%s", r->program, r->pid, l->count,
            wr_plural(l->count));
    if (still)
        fprintf(out, ", %zu still for more than a minute", still);
    fputc('\n', out);
    print_proofs(l, out);
    for (size_t i = 0; i < l->group_count; i++)
        print_growth(r, i, out);
    print_unjoined(r, out);
    for (size_t i = 0; i < l->group_count && i < r->sites; i++)
        print_group(r, i, out);
    if (l->group_count > r->sites)
        fprintf(out, "\n  and %zu stacks more\n", l->group_count - r->sites);
}

/* --- JSON ---------------------------------------------------------------- */

static void
json_group(const struct wr_thread_report *r, size_t group, FILE *out)
{
    const struct wr_thread_group *g = &r->list->groups[group];
    fprintf(out,
            "%s{\"count\":%zu,\"longest_s\":%.3f,\"shortest_s\":%.3f,"
            "\"growing\":%s,\"recent\":%zu,\"over_s\":%.1f,\"stack\":",
            group ? ",\n" : "", g->count, (double)g->longest_ns / SECOND,
            (double)g->shortest_ns / SECOND, g->growing ? "true" : "false",
            g->recent, (double)g->over_ns / SECOND);
    wr_frames_json(r->profile, (uint32_t)group, out);
    fputs(",\"made_by\":", out);
    wr_frames_json(r->profile, maker_of_group(r, group), out);
    fputc('}', out);
}

static void
json_thread(const struct wr_thread_info *t, bool first, FILE *out)
{
    static const char *const proofs[] = {"", "self", "owner ended", "cycle",
                                         "behind"};
    fprintf(out, "%s{\"tid\":%u,\"name\":", first ? "" : ",\n", t->tid);
    wr_json_string(out, t->name);
    fprintf(out,
            ",\"state\":\"%c\",\"still_s\":%.3f,\"age_s\":%.3f,\"stack\":%zu,"
            "\"kernel\":",
            t->state > ' ' && t->state < 127 && t->state != '"' &&
                    t->state != '\\'
                ? t->state
                : '?',
            (double)t->still_ns / SECOND, (double)t->age_ns / SECOND, t->group);
    wr_json_string(out, t->place);
    fprintf(out, ",\"waits_for\":%u,\"deadlock\":\"%s\"}", t->owner,
            proofs[t->proof]);
}

static void
json_unjoined(const struct wr_thread_report *r, size_t i, FILE *out)
{
    const struct wr_thread_unjoined *u = &r->list->unjoined[i];
    fprintf(out,
            "%s{\"count\":%zu,\"oldest_s\":%.3f,\"made_by\":", i ? ",\n" : "",
            u->count, (double)u->oldest_ns / SECOND);
    wr_frames_json(r->profile, maker_of_unjoined(r, i), out);
    fputc('}', out);
}

void
wr_thread_report_json(const struct wr_thread_report *r, FILE *out)
{
    const struct wr_thread_list *l = r->list;
    fputs("{\"v\":1,\"program\":", out);
    wr_json_string(out, r->program);
    fprintf(out, ",\"pid\":%u,\"threads\":[", r->pid);
    for (size_t i = 0; i < l->count; i++)
        json_thread(&l->threads[i], i == 0, out);
    fputs("],\n\"stacks\":[", out);
    for (size_t i = 0; i < l->group_count; i++)
        json_group(r, i, out);
    fputs("],\n\"unjoined\":[", out);
    for (size_t i = 0; i < l->unjoined_count; i++)
        json_unjoined(r, i, out);
    fputs("]}\n", out);
}
