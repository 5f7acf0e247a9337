/* Threads as people and programs read them.
 *
 *     struct wr_thread_report r = {.list = &l, .profile = p, .pid = 4711,
 *                                  .program = "nginx", .sites = 10, .each = 3};
 *     wr_thread_report_print(&r, stdout);
 *
 * profile: from that list (wr_profile_from_threads), with names. Threads: any.
 */
#ifndef WR_ANALYSE_THREAD_REPORT_H
#define WR_ANALYSE_THREAD_REPORT_H

#include <stdio.h>
#include "analyse/threads.h"

struct wr_thread_report {
    const struct wr_thread_list *list;
    const struct wr_profile *profile;
    const char *program;
    uint32_t pid;
    size_t sites, each; /* shown at most; threads of each stack */
};

void wr_thread_report_print(const struct wr_thread_report *r, FILE *out);
void wr_thread_report_json(const struct wr_thread_report *r, FILE *out);

/* Is there a thread that never goes on? */
bool wr_thread_report_deadlock(const struct wr_thread_list *l);

#endif
