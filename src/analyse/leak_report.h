/* A list of leaks as people and programs read it.
 *
 *     struct wr_leak_report r = {.leaks = &l, .profile = p, .program = "nginx",
 *                                .sites = 10, .blocks = 5};
 *     wr_leak_report_print(&r, stdout);
 *
 * profile: from those leaks (wr_profile_from_leaks), with names; what was
 * taken out of it (suppressed) is told as such. Threads: any.
 */
#ifndef WR_ANALYSE_LEAK_REPORT_H
#define WR_ANALYSE_LEAK_REPORT_H

#include <stdio.h>
#include "analyse/leaks.h"

struct wr_profile;
struct wr_suppressions;

struct wr_leak_report {
    const struct wr_leaks *leaks;
    const struct wr_profile *profile;
    const char *program;
    size_t sites, blocks; /* shown at most */
    /* CLOCK_REALTIME, of the region: for ages; 0: they are not told. */
    uint64_t start_ns;
    /* All that the program holds, with names: where blocks of a size may come
     * from whose leaked ones were not sampled; NULL: no guess. */
    const struct wr_profile *heap;
};

/* As text, as one JSON object, several as one JUnit file: 0, or -1: no
 * memory. */
int wr_leak_report_print(const struct wr_leak_report *r, FILE *out);
int wr_leak_report_json(const struct wr_leak_report *r, FILE *out);
int wr_leak_reports_junit(const struct wr_leak_report *list, size_t n,
                          FILE *out);

/* Which suppressions had something to suppress, and how much: lines of text;
 * a JSON array. */
void wr_leak_suppressed_print(const struct wr_suppressions *s, FILE *out);
void wr_leak_suppressed_json(const struct wr_suppressions *s, FILE *out);

/* How old a leak was when the program was searched, ns; 0: not known. */
uint64_t wr_leak_age(const struct wr_leak_report *r, const struct wr_leak *l);

/* Blocks leaked that the profile still has. */
uint64_t wr_leak_report_blocks(const struct wr_leak_report *r);

#endif
