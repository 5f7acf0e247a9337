/* The list as programs read it. */
#include <stdlib.h>
#include "analyse/leak_report.h"
#include "analyse/leak_site.h"
#include "analyse/profile.h"
#include "analyse/quote.h"
#include "analyse/suppress.h"

static void
json_count(FILE *out, const char *name, uint64_t blocks, uint64_t bytes)
{
    fprintf(out, "\"%s\":{\"blocks\":%llu,\"bytes\":%llu}", name,
            (unsigned long long)blocks, (unsigned long long)bytes);
}

static void
json_frame(const struct wr_leak_frame *f, unsigned number, FILE *out)
{
    fputs(number ? ",{\"function\":" : "{\"function\":", out);
    wr_json_string(out, f->function);
    fputs(",\"file\":", out);
    wr_json_string(out, f->file);
    fprintf(out, ",\"line\":%lld,\"module\":", (long long)f->line);
    wr_json_string(out, f->module);
    fputc('}', out);
}

static void
json_birth(const struct wr_leak_report *r, const struct wr_leak *l, FILE *out)
{
    if (l->born_ns)
        fprintf(out, ",\"age_s\":%.3f", (double)wr_leak_age(r, l) / 1e9);
    if (l->tid)
        fprintf(out, ",\"thread\":%u", l->tid);
}

static void
json_guesses(const struct wr_leak_report *r, const struct wr_leak_site *s,
             FILE *out)
{
    struct wr_leak_guess g[WR_LEAK_GUESSES];
    if (!r->heap || !wr_leak_is_unsampled(r->profile, s))
        return;
    size_t n = wr_leak_guess(r->heap, wr_leak_block_bytes(r->profile, s), g,
                             WR_LEAK_GUESSES);
    fputs(",\"guesses\":[", out);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%s{\"share\":%.3f,\"stack\":[", i ? "," : "", g[i].share);
        wr_leak_frames(r->heap, &g[i].site, json_frame, out);
        fputs("]}", out);
    }
    fputc(']', out);
}

static void
json_sites(const struct wr_leak_report *r, const struct wr_leak_site *list,
           FILE *out)
{
    const struct wr_profile *p = r->profile;
    fputs(",\n\"sites\":[", out);
    for (uint32_t i = 0; i < p->sample_count; i++) {
        fprintf(out, "%s{\"blocks\":%lld,\"bytes\":%lld,\"stack\":[",
                i ? ",\n" : "", (long long)list[i].blocks,
                (long long)list[i].bytes);
        wr_leak_frames(p, &list[i], json_frame, out);
        fputc(']', out);
        json_guesses(r, &list[i], out);
        fputc('}', out);
    }
    fputc(']', out);
}

static void
json_blocks(const struct wr_leak_report *r, FILE *out)
{
    const struct wr_leaks *l = r->leaks;
    fputs(",\n\"blocks\":[", out);
    for (uint64_t i = 0; i < l->header.records; i++) {
        const struct wr_leak *k = &l->records[i];
        fprintf(out, "%s{\"address\":\"0x%llx\",\"bytes\":%llu,\"direct\":%s,",
                i ? ",\n" : "", (unsigned long long)k->address,
                (unsigned long long)k->bytes, k->direct ? "true" : "false");
        json_count(out, "hangs", k->hangs.blocks, k->hangs.bytes);
        json_birth(r, k, out);
        fputc('}', out);
    }
    fputc(']', out);
}

void
wr_leak_suppressed_json(const struct wr_suppressions *s, FILE *out)
{
    bool first = true;
    fputc('[', out);
    for (size_t i = 0; i < s->count; i++) {
        if (s->list[i].blocks == 0)
            continue;
        fputs(first ? "{\"text\":" : ",{\"text\":", out);
        wr_json_string(out, s->list[i].text);
        fprintf(out, ",\"blocks\":%llu,\"bytes\":%llu}",
                (unsigned long long)s->list[i].blocks,
                (unsigned long long)s->list[i].bytes);
        first = false;
    }
    fputc(']', out);
}

int
wr_leak_report_json(const struct wr_leak_report *r, FILE *out)
{
    const struct wr_leaks_header *h = &r->leaks->header;
    const char *where[] = {"copy", "in place", "in place, forbidden",
                           "in place, memory"};
    const char *trust[] = {"",        "proved", "silent threads", "blind",
                           "refused", "unseen", "core",           ""};
    struct wr_leak_site *list = wr_leak_sites(r->profile);
    if (!list)
        return -1;
    fputs("{\"v\":1,\"program\":", out);
    wr_json_string(out, r->program);
    fprintf(out, ",\"pid\":%u,\"trust\":\"%s\",\"stop_ms\":%.3f,", h->about.pid,
            trust[h->about.trust & 7], (double)h->about.stop_ns / 1e6);
    fprintf(out, "\"search_ms\":%.3f,\"where\":\"%s\",",
            (double)h->about.search_ns / 1e6, where[h->about.where & 3]);
    fprintf(out, "\"unread_bytes\":%llu,\"threads\":%u,\"silent\":%u,\n",
            (unsigned long long)h->about.unread_bytes, h->about.threads,
            h->about.silent);
    json_count(out, "live", h->live.blocks, h->live.bytes);
    fputc(',', out);
    json_count(out, "direct", h->direct.blocks, h->direct.bytes);
    fputc(',', out);
    json_count(out, "indirect", h->indirect.blocks, h->indirect.bytes);
    fputc(',', out);
    json_count(out, "ends", h->ends.blocks, h->ends.bytes);
    if (h->since_ns) {
        fprintf(out, ",\"since_unix_s\":%.3f,", (double)h->since_ns / 1e9);
        json_count(out, "before", h->before.blocks, h->before.bytes);
    }
    fputc(',', out);
    uint64_t left = wr_leak_report_blocks(r);
    json_count(out, "reported", left,
               (uint64_t)wr_profile_total(r->profile, 1));
    json_sites(r, list, out);
    json_blocks(r, out);
    fputc('}', out);
    free(list);
    return 0;
}
