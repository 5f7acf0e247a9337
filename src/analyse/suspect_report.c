/* The list of suspects. */
#include "analyse/suspect_report.h"

#include <math.h>
#include "analyse/frame.h"
#include "analyse/profile.h"
#include "analyse/quote.h"
#include "analyse/units.h"

#define NS 1e9

static const char *
bytes_text(char text[WR_VALUE_ROOM], double bytes)
{
    wr_value_format(text, WR_VALUE_ROOM, (int64_t)llround(bytes), "bytes");
    return text;
}

static const char *
time_text(char text[WR_AGE_ROOM], double seconds)
{
    wr_age_text(text, (uint64_t)(fmax(seconds, 0) * NS));
    return text;
}

/* ---- text ---- */

static void
print_evidence(const struct wr_suspect *v, double now, FILE *out)
{
    char window[WR_AGE_ROOM], old[WR_AGE_ROOM], since[WR_AGE_ROOM];
    fprintf(out,
            "    in the last %s %llu samples grew older than %s and are there, "
            "%llu such were freed;\n",
            time_text(window, v->window), (unsigned long long)v->matured,
            time_text(old, v->old_age), (unsigned long long)v->gone);
    fprintf(out, "    by chance: 1 in 10^%.0f; it grows for %s or longer\n",
            -v->log10_chance, time_text(since, now - v->since));
}

static void
print_growing(const struct wr_suspect_report *r, size_t i, FILE *out)
{
    const struct wr_suspect_site *s = &r->suspects->list[i];
    const struct wr_suspect *v = &s->verdict;
    char rate[WR_VALUE_ROOM], live[WR_VALUE_ROOM], age[WR_AGE_ROOM];
    char held[512] = "";
    fprintf(out, "\n  +%s a minute, %s: %s in %.0f blocks, the oldest %s\n",
            bytes_text(rate, v->bytes_per_minute),
            v->growth == WR_GROWTH_LEAK ? "a leak" : "without end",
            bytes_text(live, v->live_bytes), s->live_blocks,
            time_text(age, v->oldest));
    wr_frames_print(r->profile, (uint32_t)i, 6, out);
    fprintf(out, "    %s\n", v->reason);
    print_evidence(v, r->suspects->now, out);
    if (r->held)
        r->held(r->arg, s, held, sizeof held);
    if (*held)
        fprintf(out, "    reached from %s\n", held);
    fprintf(out, "    certainty: %s; it would change with %s\n",
            wr_sure_name(v->sure), v->doubt);
}

static void
print_other(const struct wr_suspect_report *r, size_t i, FILE *out)
{
    const struct wr_suspect_site *s = &r->suspects->list[i];
    char live[WR_VALUE_ROOM], age[WR_AGE_ROOM], place[200];
    wr_frames_place(r->profile, (uint32_t)i, place, sizeof place);
    fprintf(out, "  %10s  oldest %8s  %s: %s\n",
            bytes_text(live, s->verdict.live_bytes),
            time_text(age, s->verdict.oldest), place, s->verdict.reason);
}

static void
print_heading(const struct wr_suspect_report *r, FILE *out)
{
    const struct wr_suspects *s = r->suspects;
    char known[WR_AGE_ROOM];
    fprintf(out,
            "%s (pid %u): %zu of %zu sites grow without end, by %s of "
            "history\n",
            r->program, r->pid, s->growing, s->count,
            time_text(known, s->known));
    if (s->known < 150)
        fputs("  too young to judge: ask again when it has run for some "
              "minutes\n",
              out);
    if (!r->searched)
        fputs("  not searched for leaks: what nobody can reach is listed "
              "too\n",
              out);
    if (s->unborn)
        fprintf(out,
                "  the ages of %llu samples are not known: they found no room "
                "(a higher WEIR=sample= makes fewer)\n",
                (unsigned long long)s->unborn);
}

void
wr_suspect_report_print(const struct wr_suspect_report *r, FILE *out)
{
    const struct wr_suspects *s = r->suspects;
    print_heading(r, out);
    for (size_t i = 0; i < s->growing && i < r->sites; i++)
        print_growing(r, i, out);
    if (s->growing > r->sites)
        fprintf(out, "\n  and %zu sites more\n", s->growing - r->sites);
    if (!r->all || s->count == s->growing)
        return;
    fputs("\nThe other sites that hold much:\n", out);
    for (size_t i = s->growing; i < s->count; i++)
        print_other(r, i, out);
}

/* ---- JSON ---- */

static void
json_text(FILE *out, const char *name, const char *value)
{
    fprintf(out, ",\"%s\":", name);
    wr_json_string(out, value);
}

static void
json_site(const struct wr_suspect_report *r, size_t i, FILE *out)
{
    const struct wr_suspect_site *s = &r->suspects->list[i];
    const struct wr_suspect *v = &s->verdict;
    char held[512] = "";
    fprintf(out, "%s{\"growth\":\"%s\",\"certainty\":\"%s\"", i ? ",\n" : "",
            wr_growth_name(v->growth), wr_sure_name(v->sure));
    fprintf(out, ",\"bytes_per_minute\":%.0f,\"live_bytes\":%.0f",
            v->bytes_per_minute, v->live_bytes);
    fprintf(out, ",\"live_blocks\":%.0f,\"samples\":%zu,\"oldest_s\":%.1f",
            s->live_blocks, s->samples, v->oldest);
    fprintf(out, ",\"window_s\":%.0f,\"since_s\":%.0f,\"old_age_s\":%.1f",
            v->window, v->since, v->old_age);
    fprintf(out, ",\"matured\":%llu,\"gone\":%llu,\"log10_chance\":%.2f",
            (unsigned long long)v->matured, (unsigned long long)v->gone,
            v->log10_chance);
    json_text(out, "reason", v->reason);
    json_text(out, "doubt", v->doubt);
    if (r->held && i < r->suspects->growing)
        r->held(r->arg, s, held, sizeof held);
    if (*held)
        json_text(out, "held", held);
    fputs(",\"stack\":", out);
    wr_frames_json(r->profile, (uint32_t)i, out);
    fputc('}', out);
}

void
wr_suspect_report_json(const struct wr_suspect_report *r, FILE *out)
{
    const struct wr_suspects *s = r->suspects;
    fputs("{\"v\":1,\"program\":", out);
    wr_json_string(out, r->program);
    fprintf(out,
            ",\"pid\":%u,\"uptime_s\":%.1f,\"known_s\":%.1f,"
            "\"searched\":%s,\"growing\":%zu,\"unborn\":%llu,\n\"sites\":[",
            r->pid, s->now, s->known, r->searched ? "true" : "false",
            s->growing, (unsigned long long)s->unborn);
    for (size_t i = 0; i < s->count; i++)
        json_site(r, i, out);
    fputs("]}\n", out);
}
