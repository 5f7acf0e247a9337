/* Suspects as people and programs read them.
 *
 *     struct wr_suspect_report r = {.suspects = &s, .profile = p,
 *                                   .program = "nginx", .pid = 77,
 *                                   .sites = 10, .searched = true};
 *     wr_suspect_report_print(&r, stdout);
 *
 * profile: from those suspects (wr_profile_from_suspects), with names; the
 * same samples in the same order, though frames may be left out. held: who
 * tells what keeps a site's memory alive, a line or none; NULL: nobody.
 * Threads: any.
 */
#ifndef WR_ANALYSE_SUSPECT_REPORT_H
#define WR_ANALYSE_SUSPECT_REPORT_H

#include <stdbool.h>
#include <stdio.h>
#include "analyse/suspects.h"

struct wr_suspect_report {
    const struct wr_suspects *suspects;
    const struct wr_profile *profile;
    const char *program;
    uint32_t pid;
    size_t sites;  /* shown at most */
    bool all;      /* also those that do not grow */
    bool searched; /* leaks are told apart */
    /* Writes from what a site's blocks are reachable; "": not known. */
    void (*held)(const void *arg, const struct wr_suspect_site *site,
                 char *text, size_t n);
    const void *arg;
};

void wr_suspect_report_print(const struct wr_suspect_report *r, FILE *out);
/* All sites, those that do not grow too. */
void wr_suspect_report_json(const struct wr_suspect_report *r, FILE *out);

#endif
