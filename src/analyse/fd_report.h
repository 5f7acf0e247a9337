/* Open descriptors as people and programs read them.
 *
 *     struct wr_fd_report r = {.list = &l, .profile = p, .program = "nginx",
 *                              .pid = 4711, .sites = 10, .each = 3};
 *     wr_fd_report_print(&r, stdout);
 *
 * profile: from that list (wr_profile_from_fds), with names. Threads: any.
 */
#ifndef WR_ANALYSE_FD_REPORT_H
#define WR_ANALYSE_FD_REPORT_H

#include <stdio.h>
#include "analyse/fds.h"

struct wr_fd_report {
    const struct wr_fd_list *list;
    const struct wr_profile *profile;
    const char *program;
    uint32_t pid;
    size_t sites, each; /* shown at most; descriptors of each site */
};

void wr_fd_report_print(const struct wr_fd_report *r, FILE *out);
void wr_fd_report_json(const struct wr_fd_report *r, FILE *out);

/* One line if more and more are open, for reports about other things. */
void wr_fd_hint_print(const struct wr_fd_list *l, uint32_t pid, FILE *out);

#endif
