/* The list. A site is a sample: a stack and a block size. */
#include "analyse/leak_report.h"

#include <stdlib.h>
#include "analyse/profile.h"
#include "analyse/quote.h"
#include "analyse/units.h"

enum { BLOCKS, BYTES }; /* the sample types */

/* --- Sites --------------------------------------------------------------- */

struct site {
    uint32_t sample;
    int64_t blocks, bytes;
};

static int
by_bytes(const void *one, const void *other)
{
    const struct site *a = one, *b = other;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return a->sample < b->sample ? -1 : a->sample > b->sample;
}

static struct site *
sorted_sites(const struct wr_profile *p)
{
    struct site *list = calloc((size_t)p->sample_count + 1, sizeof *list);
    for (uint32_t i = 0; list && i < p->sample_count; i++) {
        const int64_t *v = &p->values[(size_t)i * p->type_count];
        list[i] = (struct site){i, v[BLOCKS], v[BYTES]};
    }
    if (list)
        qsort(list, p->sample_count, sizeof *list, by_bytes);
    return list;
}

/* --- Frames -------------------------------------------------------------- */

struct frame {
    const char *function, *file, *module;
    int64_t line;
};

/* Call it for each function of a site's stack, innermost first. */
static void
each_frame(const struct wr_profile *p, const struct site *s,
           void (*call)(const struct frame *, unsigned number, FILE *out),
           FILE *out)
{
    const struct wr_sample *sample = &p->samples[s->sample];
    unsigned number = 0;
    for (uint32_t i = 0; i < sample->depth; i++) {
        const struct wr_location *l =
            &p->locations[p->frames[sample->first_frame + i]];
        struct frame f = {.function = "", .file = "", .module = ""};
        if (l->mapping != WR_NONE)
            f.module = p->strings[p->mappings[l->mapping].file];
        for (uint32_t k = 0; k < l->line_count; k++) {
            const struct wr_line *line = &p->lines[l->first_line + k];
            const struct wr_function *fn = &p->functions[line->function];
            f.function = p->strings[fn->name];
            f.file = p->strings[fn->file];
            f.line = line->line;
            call(&f, number++, out);
        }
        if (l->line_count == 0)
            call(&f, number++, out);
    }
}

static void
print_frame(const struct frame *f, unsigned number, FILE *out)
{
    (void)number;
    fprintf(out, "      %s", *f->function ? f->function : f->module);
    if (*f->file && f->line)
        fprintf(out, "  %s:%lld", f->file, (long long)f->line);
    fputc('\n', out);
}

static void
print_site(const struct wr_profile *p, const struct site *s, FILE *out)
{
    char bytes[WR_VALUE_ROOM];
    wr_value_format(bytes, sizeof bytes, s->bytes, "bytes");
    fprintf(out, "\n  %s in %lld block%s\n", bytes, (long long)s->blocks,
            s->blocks == 1 ? "" : "s");
    each_frame(p, s, print_frame, out);
}

/* --- Blocks -------------------------------------------------------------- */

static void
print_bytes(const struct wr_leak *l, FILE *out)
{
    const unsigned char *b = (const unsigned char *)l->words;
    size_t n = l->bytes < 16 ? (size_t)l->bytes : 16;
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s%02x", i % 8 ? "" : " ", b[i]);
    fputs("  ", out);
    for (size_t i = 0; i < n; i++)
        fputc(b[i] >= ' ' && b[i] < 127 ? b[i] : '.', out);
}

static void
print_block(const struct wr_leak *l, FILE *out)
{
    char bytes[WR_VALUE_ROOM], hangs[WR_VALUE_ROOM];
    wr_value_format(bytes, sizeof bytes, (int64_t)l->bytes, "bytes");
    wr_value_format(hangs, sizeof hangs, (int64_t)l->hangs.bytes, "bytes");
    fprintf(out, "  0x%012llx %10s ", (unsigned long long)l->address, bytes);
    print_bytes(l, out);
    if (l->hangs.blocks)
        fprintf(out, "  and %llu more, %s, hang off it",
                (unsigned long long)l->hangs.blocks, hangs);
    fputc('\n', out);
}

static void
print_blocks(const struct wr_leak_report *r, FILE *out)
{
    const struct wr_leaks *l = r->leaks;
    size_t shown = 0;
    for (uint64_t i = 0; i < l->header.records && shown < r->blocks; i++) {
        if (!l->records[i].direct)
            continue;
        if (shown++ == 0)
            fputs("\nLeaked blocks, where they are and how they begin:\n", out);
        print_block(&l->records[i], out);
    }
}

/* --- The heading --------------------------------------------------------- */

static const char *
trust_text(uint32_t trust)
{
    switch (trust) {
    case WR_TRUST_PROVED:
        return "proved: no thread, no global and no other block has an "
               "address of them";
    case WR_TRUST_SILENT:
        return "not proved: not every thread could be stopped, and what only "
               "its registers hold is listed too";
    default:
        return "the search could not be done: there was no memory for it, or "
               "the system does not show the mappings";
    }
}

static void
print_count(FILE *out, const char *before, const struct wr_leaks_count *c,
            const char *after)
{
    char bytes[WR_VALUE_ROOM];
    wr_value_format(bytes, sizeof bytes, (int64_t)c->bytes, "bytes");
    fprintf(out, "%s%s in %llu block%s%s", before, bytes,
            (unsigned long long)c->blocks, c->blocks == 1 ? "" : "s", after);
}

static void
print_heading(const struct wr_leak_report *r, FILE *out)
{
    const struct wr_leaks_header *h = &r->leaks->header;
    struct wr_leaks_count total = wr_leaks_total(r->leaks);
    fprintf(out, "%s (pid %u): ", r->program, h->about.pid);
    print_count(out, "", &h->live, " allocated, ");
    if (total.blocks == 0)
        fputs(h->about.trust == WR_TRUST_BLIND ? "not searched\n" : "no leak\n",
              out);
    else
        print_count(out, "", &total, " leaked\n");
    if (total.blocks > 0) {
        print_count(out, "  ", &h->direct, " by themselves, ");
        print_count(out, "", &h->indirect, " hang off those\n");
    }
    if (h->ends.blocks > 0)
        print_count(out, "  ", &h->ends,
                    " kept only by pointers to their ends: not counted\n");
    if (total.blocks > 0 || h->about.trust == WR_TRUST_BLIND)
        fprintf(out, "  %s\n", trust_text(h->about.trust));
    fprintf(out, "  it stood still for %.1f ms; the search took %.0f ms\n",
            (double)h->about.stop_ns / 1e6, (double)h->about.search_ns / 1e6);
}

uint64_t
wr_leak_report_blocks(const struct wr_leak_report *r)
{
    return (uint64_t)wr_profile_total(r->profile, BLOCKS);
}

static void
print_suppressed(const struct wr_leak_report *r, FILE *out)
{
    struct wr_leaks_count total = wr_leaks_total(r->leaks);
    uint64_t left = wr_leak_report_blocks(r);
    if (left < total.blocks)
        fprintf(out, "  %llu of the blocks are suppressed\n",
                (unsigned long long)(total.blocks - left));
}

int
wr_leak_report_print(const struct wr_leak_report *r, FILE *out)
{
    const struct wr_profile *p = r->profile;
    struct site *list = sorted_sites(p);
    if (!list)
        return -1;
    print_heading(r, out);
    print_suppressed(r, out);
    for (uint32_t i = 0; i < p->sample_count && i < r->sites; i++)
        print_site(p, &list[i], out);
    if (p->sample_count > r->sites)
        fprintf(out, "\n  and %zu sites more\n", p->sample_count - r->sites);
    if (p->sample_count > 0)
        print_blocks(r, out);
    free(list);
    return 0;
}

/* --- JSON ---------------------------------------------------------------- */

static void
json_count(FILE *out, const char *name, uint64_t blocks, uint64_t bytes)
{
    fprintf(out, "\"%s\":{\"blocks\":%llu,\"bytes\":%llu}", name,
            (unsigned long long)blocks, (unsigned long long)bytes);
}

static void
json_frame(const struct frame *f, unsigned number, FILE *out)
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
json_sites(const struct wr_profile *p, const struct site *list, FILE *out)
{
    fputs(",\n\"sites\":[", out);
    for (uint32_t i = 0; i < p->sample_count; i++) {
        fprintf(out, "%s{\"blocks\":%lld,\"bytes\":%lld,\"stack\":[",
                i ? ",\n" : "", (long long)list[i].blocks,
                (long long)list[i].bytes);
        each_frame(p, &list[i], json_frame, out);
        fputs("]}", out);
    }
    fputc(']', out);
}

static void
json_blocks(const struct wr_leaks *l, FILE *out)
{
    fputs(",\n\"blocks\":[", out);
    for (uint64_t i = 0; i < l->header.records; i++) {
        const struct wr_leak *k = &l->records[i];
        fprintf(out, "%s{\"address\":\"0x%llx\",\"bytes\":%llu,\"direct\":%s,",
                i ? ",\n" : "", (unsigned long long)k->address,
                (unsigned long long)k->bytes, k->direct ? "true" : "false");
        json_count(out, "hangs", k->hangs.blocks, k->hangs.bytes);
        fputc('}', out);
    }
    fputc(']', out);
}

int
wr_leak_report_json(const struct wr_leak_report *r, FILE *out)
{
    const struct wr_leaks_header *h = &r->leaks->header;
    const char *trust[] = {"", "proved", "silent threads", "blind"};
    struct site *list = sorted_sites(r->profile);
    if (!list)
        return -1;
    fputs("{\"v\":1,\"program\":", out);
    wr_json_string(out, r->program);
    fprintf(out, ",\"pid\":%u,\"trust\":\"%s\",\"stop_ms\":%.3f,", h->about.pid,
            trust[h->about.trust & 3], (double)h->about.stop_ns / 1e6);
    fprintf(out, "\"search_ms\":%.3f,\"threads\":%u,\"silent\":%u,\n",
            (double)h->about.search_ns / 1e6, h->about.threads,
            h->about.silent);
    json_count(out, "live", h->live.blocks, h->live.bytes);
    fputc(',', out);
    json_count(out, "direct", h->direct.blocks, h->direct.bytes);
    fputc(',', out);
    json_count(out, "indirect", h->indirect.blocks, h->indirect.bytes);
    fputc(',', out);
    json_count(out, "ends", h->ends.blocks, h->ends.bytes);
    json_sites(r->profile, list, out);
    json_blocks(r->leaks, out);
    fputs("}\n", out);
    free(list);
    return 0;
}
