/* The list as people read it. */
#include "analyse/leak_report.h"

#include <stdlib.h>
#include "analyse/leak_site.h"
#include "analyse/profile.h"
#include "analyse/suppress.h"
#include "analyse/units.h"

#define BLOCKS 0 /* of the sample types */

enum { SHORT = 4 };

/* --- Sites --------------------------------------------------------------- */

/* The innermost ones in a line. */
static void
print_short(const struct wr_leak_frame *f, unsigned number, FILE *out)
{
    if (number < SHORT)
        fprintf(out, "%s%s", number ? " < " : "",
                *f->function ? f->function : f->module);
}

static void
print_frame(const struct wr_leak_frame *f, unsigned number, FILE *out)
{
    (void)number;
    fprintf(out, "      %s", *f->function ? f->function : f->module);
    if (*f->file && f->line)
        fprintf(out, "  %s:%lld", f->file, (long long)f->line);
    fputc('\n', out);
}

/* Of a size that no sampled leak has: who else has blocks of it. */
static void
print_guess(const struct wr_leak_report *r, const struct wr_leak_site *s,
            FILE *out)
{
    struct wr_leak_guess g[WR_LEAK_GUESSES];
    int64_t bytes = wr_leak_block_bytes(r->profile, s);
    size_t n = wr_leak_guess(r->heap, bytes, g, WR_LEAK_GUESSES);
    if (n == 0)
        return;
    fputs("      a guess: the sampled blocks of this size that are in use are "
          "from\n",
          out);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "      %5.1f%%  ", 100 * g[i].share);
        wr_leak_frames(r->heap, &g[i].site, print_short, out);
        fputc('\n', out);
    }
}

static void
print_site(const struct wr_leak_report *r, const struct wr_leak_site *s,
           FILE *out)
{
    const struct wr_profile *p = r->profile;
    char bytes[WR_VALUE_ROOM];
    wr_value_format(bytes, sizeof bytes, s->bytes, "bytes");
    fprintf(out, "\n  %s in %lld block%s\n", bytes, (long long)s->blocks,
            wr_plural(s->blocks));
    wr_leak_frames(p, s, print_frame, out);
    if (r->heap && wr_leak_is_unsampled(p, s))
        print_guess(r, s, out);
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

uint64_t
wr_leak_age(const struct wr_leak_report *r, const struct wr_leak *l)
{
    uint64_t taken = r->leaks->header.about.taken_ns;
    if (l->born_ns == 0 || r->start_ns == 0 || taken < r->start_ns + l->born_ns)
        return 0;
    return taken - r->start_ns - l->born_ns;
}

static void
print_birth(const struct wr_leak_report *r, const struct wr_leak *l, FILE *out)
{
    char age[WR_VALUE_ROOM];
    if (l->born_ns == 0)
        return;
    wr_value_format(age, sizeof age, (int64_t)wr_leak_age(r, l), "ns");
    fprintf(out, "  %s old", age);
    if (l->tid)
        fprintf(out, ", thread %u", l->tid);
}

static void
print_block(const struct wr_leak_report *r, const struct wr_leak *l, FILE *out)
{
    char bytes[WR_VALUE_ROOM], hangs[WR_VALUE_ROOM];
    wr_value_format(bytes, sizeof bytes, (int64_t)l->bytes, "bytes");
    wr_value_format(hangs, sizeof hangs, (int64_t)l->hangs.bytes, "bytes");
    fprintf(out, "  0x%012llx %10s ", (unsigned long long)l->address, bytes);
    print_bytes(l, out);
    print_birth(r, l, out);
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
        print_block(r, &l->records[i], out);
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
    case WR_TRUST_UNSEEN:
        return "not proved: the program may keep addresses where nobody can "
               "read them: in io_uring or aio, in too much shared memory, in "
               "pipes or local sockets behind a filter of system calls";
    case WR_TRUST_CORE:
        return "not proved: a core has not what the kernel kept for the "
               "program, in pipes or epoll for example";
    default:
        return "the search could not be done: there was no memory for it, or "
               "the system does not show the mappings";
    }
}

static const char *
where_text(uint32_t where)
{
    switch (where) {
    case WR_WHERE_WANTED:
        return ", in place";
    case WR_WHERE_FORBIDDEN:
        return ", in place: it may not make a copy of itself";
    case WR_WHERE_MEMORY:
        return ", in place: a copy could have used up the memory that is left";
    default:
        return "";
    }
}

static void
print_unread(FILE *out, const struct wr_reply *about)
{
    char bytes[WR_VALUE_ROOM];
    if (about->unread_bytes == 0)
        return;
    wr_value_format(bytes, sizeof bytes, (int64_t)about->unread_bytes, "bytes");
    fprintf(out, "  %s of %s: what only they point at is listed too\n", bytes,
            about->trust == WR_TRUST_CORE
                ? "the program's memory are not in the core"
                : "mapped files were on disk alone and not read");
}

static void
print_count(FILE *out, const char *before, const struct wr_leaks_count *c,
            const char *after)
{
    char bytes[WR_VALUE_ROOM];
    wr_value_format(bytes, sizeof bytes, (int64_t)c->bytes, "bytes");
    fprintf(out, "%s%s in %llu block%s%s", before, bytes,
            (unsigned long long)c->blocks, wr_plural(c->blocks), after);
}

static void
print_since(const struct wr_leaks_header *h, FILE *out)
{
    char age[WR_VALUE_ROOM];
    wr_value_format(age, sizeof age, (int64_t)(h->about.taken_ns - h->since_ns),
                    "ns");
    fprintf(out, "  since the mark, which was set %s before", age);
    if (h->before.blocks > 0)
        print_count(out, "; ", &h->before, " had been lost by then");
    fputc('\n', out);
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
        print_count(
            out, "  ", &h->ends,
            " kept only by odd pointers (to their ends, not aligned, with "
            "other bits): not counted\n");
    if (total.blocks > 0 || h->about.trust == WR_TRUST_BLIND)
        fprintf(out, "  %s\n", trust_text(h->about.trust));
    if (h->since_ns)
        print_since(h, out);
    print_unread(out, &h->about);
    if (h->about.trust == WR_TRUST_CORE)
        return;
    fprintf(out, "  it stood still for %.1f ms; the search took %.0f ms%s\n",
            (double)h->about.stop_ns / 1e6, (double)h->about.search_ns / 1e6,
            where_text(h->about.where));
}

uint64_t
wr_leak_report_blocks(const struct wr_leak_report *r)
{
    return (uint64_t)wr_profile_total(r->profile, BLOCKS);
}

static uint64_t
suppressed(const struct wr_leak_report *r)
{
    struct wr_leaks_count total = wr_leaks_total(r->leaks);
    uint64_t left = wr_leak_report_blocks(r);
    return left < total.blocks ? total.blocks - left : 0;
}

static void
print_suppressed(const struct wr_leak_report *r, FILE *out)
{
    if (suppressed(r) > 0)
        fprintf(out, "  %llu of the blocks are suppressed\n",
                (unsigned long long)suppressed(r));
}

void
wr_leak_suppressed_print(const struct wr_suppressions *s, FILE *out)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct wr_suppression *one = &s->list[i];
        struct wr_leaks_count c = {one->blocks, one->bytes};
        if (one->blocks == 0)
            continue;
        print_count(out, "  suppressed ", &c, "");
        fprintf(out, " by leak:%s\n", one->text);
    }
}

int
wr_leak_report_print(const struct wr_leak_report *r, FILE *out)
{
    const struct wr_profile *p = r->profile;
    struct wr_leak_site *list = wr_leak_sites(p);
    if (!list)
        return -1;
    print_heading(r, out);
    print_suppressed(r, out);
    for (uint32_t i = 0; i < p->sample_count && i < r->sites; i++)
        print_site(r, &list[i], out);
    if (p->sample_count > r->sites)
        fprintf(out, "\n  and %zu sites more\n", p->sample_count - r->sites);
    /* Which of the blocks are suppressed is not known one by one. */
    if (p->sample_count > 0 && suppressed(r) == 0)
        print_blocks(r, out);
    free(list);
    return 0;
}
