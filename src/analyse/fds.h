/* The open descriptors of a process, and who opened them.
 *
 *     struct wr_fd_list l;
 *     if (wr_fds_read(&l, &view, "", why, sizeof why) == 0) {
 *         for (size_t i = 0; i < l.group_count; i++)
 *             ... l.groups[i].count, of l.groups[i].kind ...
 *         wr_fds_fini(&l);
 *     }
 *
 * That a descriptor is open, and what it is, says the kernel; who opened it
 * and when, the region. A call that Weir did not see, and what was there when
 * the program began, are groups of their own. Where the kernel does not tell
 * (the process has ended, or is somebody else's), the region alone is taken:
 * what it had open at last.
 *
 * Units: nanoseconds. Threads: any, each its own list. Ownership: texts are
 * the list's.
 */
#ifndef WR_ANALYSE_FDS_H
#define WR_ANALYSE_FDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "region/layout.h"

struct wr_profile;
struct wr_region_view;

enum wr_fd_kind {
    WR_KIND_OTHER,
    WR_KIND_FILE,
    WR_KIND_DIRECTORY,
    WR_KIND_DEVICE,
    WR_KIND_SOCKET,
    WR_KIND_PIPE,
    WR_KIND_EPOLL,
    WR_KIND_EVENT,
    WR_KIND_TIMER,
    WR_KIND_SIGNAL,
    WR_KIND_INOTIFY,
    WR_KIND_MEMORY,
    WR_FD_KINDS
};

#define WR_SITE_UNSEEN UINT32_MAX /* nobody saw it opened */

struct wr_fd_open {
    uint32_t number;
    enum wr_fd_kind kind;
    uint32_t site; /* WR_SITE_UNSEEN; 0: seen, but without its stack */
    enum wr_fd_call call;
    uint64_t age_ns; /* 0: not known */
    char *target;    /* a path, or what the kernel calls it; "" */
    char *peer;      /* of a socket: its addresses; "" */
    size_t group;
};

/* How many more are open than before. */
struct wr_fd_growth {
    int64_t recent, whole;        /* by so many, in the last minute or two */
    uint64_t recent_ns, whole_ns; /* and in all the time that is known */
    bool growing;                 /* steadily */
};

/* Those of one kind from one place. */
struct wr_fd_group {
    uint32_t site;
    enum wr_fd_kind kind;
    enum wr_fd_call call;
    size_t count;
    uint64_t oldest_ns, newest_ns; /* ages; 0: not known */
    uint64_t opened, closed;       /* by that place, ever */
    struct wr_fd_growth growth;
};

struct wr_fd_list {
    struct wr_fd_open *open; /* by group, the oldest first */
    size_t count;
    struct wr_fd_group *groups; /* the largest first, unseen ones last */
    size_t group_count;
    uint64_t limit; /* the process may have so many; 0: not known */
    bool watched;   /* openings are recorded in this process */
    bool told;      /* by the kernel; else by the region alone */
};

/* root: before /proc, "" outside of tests. 0, or -1 with a sentence. */
int wr_fds_read(struct wr_fd_list *l, const struct wr_region_view *view,
                const char *root, char *why, size_t n);
void wr_fds_fini(struct wr_fd_list *l);

/* The list as a profile: sample type fds, sample i is group i, without names
 * of functions. 0, or -1. */
int wr_profile_from_fds(struct wr_profile **out,
                        const struct wr_region_view *view,
                        const struct wr_fd_list *l, char *why, size_t n);

/* How many are older than that. */
size_t wr_fds_older(const struct wr_fd_list *l, uint64_t age_ns);

/* What has come to a site by that uptime. */
struct wr_fd_growth wr_fd_growth_of(const struct wr_fd_site *s,
                                    uint64_t uptime_ns);

/* "file", "socket"; "opened", "accepted". */
const char *wr_fd_kind_name(enum wr_fd_kind kind);
const char *wr_fd_call_name(enum wr_fd_call call);

/* ---- for fds.c: what the kernel tells (fd_proc.c) ---- */

/* The process's descriptors with kind, target and peer. 0; -1: it does not
 * tell. */
int wr_fd_proc_list(struct wr_fd_list *l, const char *root, uint32_t pid);
uint64_t wr_fd_proc_limit(const char *root, uint32_t pid);
/* The kind of a link's text. */
enum wr_fd_kind wr_fd_kind_of(const char *target);

#endif
