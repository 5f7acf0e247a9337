/* Lists of leaks as JUnit's XML, which build servers read: a suite for each
 * process, a failed test for each site. A test's name has no numbers that
 * change from run to run, so that a server sees the same leak again. */
#include <stdlib.h>
#include "analyse/leak_report.h"
#include "analyse/leak_site.h"
#include "analyse/profile.h"
#include "analyse/quote.h"
#include "analyse/units.h"

enum { NAMED = 3 }; /* so many functions make a test's name */

static void
name_frame(const struct wr_leak_frame *f, unsigned number, FILE *out)
{
    if (number >= NAMED)
        return;
    fputs(number ? " &lt; " : "", out);
    wr_xml_string(out, *f->function ? f->function : f->module);
}

/* One place may lose blocks of several sizes. */
static void
name_size(const struct wr_profile *p, const struct wr_leak_site *s, char *text,
          size_t n)
{
    int64_t bytes = wr_leak_block_bytes(p, s);
    text[0] = '\0';
    if (bytes)
        snprintf(text, n, ": %lld-byte blocks", (long long)bytes);
}

static void
print_frame(const struct wr_leak_frame *f, unsigned number, FILE *out)
{
    (void)number;
    fputs("    ", out);
    wr_xml_string(out, *f->function ? f->function : f->module);
    if (*f->file && f->line) {
        fputs("  ", out);
        wr_xml_string(out, f->file);
        fprintf(out, ":%lld", (long long)f->line);
    }
    fputc('\n', out);
}

static void
begin_case(const struct wr_leak_report *r, FILE *out)
{
    fputs("  <testcase classname=\"weir.leaks.", out);
    wr_xml_string(out, r->program);
    fputs("\" name=\"", out);
}

static void
print_site(const struct wr_leak_report *r, const struct wr_leak_site *s,
           FILE *out)
{
    char bytes[WR_VALUE_ROOM], size[64];
    name_size(r->profile, s, size, sizeof size);
    wr_value_format(bytes, sizeof bytes, s->bytes, "bytes");
    begin_case(r, out);
    wr_leak_frames(r->profile, s, name_frame, out);
    fprintf(out,
            "%s\">\n   <failure type=\"leak\" message=\"%s leaked in %lld "
            "block%s\">\n",
            size, bytes, (long long)s->blocks, wr_plural(s->blocks));
    wr_leak_frames(r->profile, s, print_frame, out);
    fputs("   </failure>\n  </testcase>\n", out);
}

static bool
is_blind(const struct wr_leak_report *r)
{
    return r->leaks->header.about.trust == WR_TRUST_BLIND;
}

static uint32_t
tests_of(const struct wr_leak_report *r)
{
    return r->profile->sample_count ? r->profile->sample_count : 1;
}

static int
print_suite(const struct wr_leak_report *r, FILE *out)
{
    struct wr_leak_site *list = wr_leak_sites(r->profile);
    uint32_t sites = r->profile->sample_count;
    if (!list)
        return -1;
    fputs(" <testsuite name=\"weir.leaks.", out);
    wr_xml_string(out, r->program);
    fprintf(out,
            "\" id=\"%u\" tests=\"%u\" failures=\"%u\" errors=\"%d\" "
            "time=\"%.3f\">\n",
            r->leaks->header.about.pid, tests_of(r), sites, is_blind(r),
            (double)r->leaks->header.about.search_ns / 1e9);
    for (uint32_t i = 0; i < sites; i++)
        print_site(r, &list[i], out);
    if (sites == 0) {
        begin_case(r, out);
        fputs(is_blind(r)
                  ? "search\">\n   <error message=\"there was no memory for "
                    "the search, or the system does not show the "
                    "mappings\"/>\n  </testcase>\n"
                  : "no leak\"/>\n",
              out);
    }
    fputs(" </testsuite>\n", out);
    free(list);
    return 0;
}

int
wr_leak_reports_junit(const struct wr_leak_report *list, size_t n, FILE *out)
{
    uint64_t tests = 0, failures = 0;
    unsigned errors = 0;
    int rc = 0;
    for (size_t i = 0; i < n; i++) {
        tests += tests_of(&list[i]);
        failures += list[i].profile->sample_count;
        errors += is_blind(&list[i]);
    }
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuites tests=\"%llu\" failures=\"%llu\" errors=\"%u\">\n",
            (unsigned long long)tests, (unsigned long long)failures, errors);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = print_suite(&list[i], out);
    fputs("</testsuites>\n", out);
    return rc;
}
