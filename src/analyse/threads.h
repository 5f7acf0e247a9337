/* The threads of a process: where each is, since when it has not run, who made
 * it, and whether it can ever go on.
 *
 *     struct wr_thread_list l;
 *     if (wr_threads_read(&l, &view, "", why, sizeof why) == 0) {
 *         ... have the stacks captured (serve/threads.h) ...
 *         wr_threads_join(&l, &view);
 *         wr_threads_group(&l);
 *         ... l.groups[i].count threads stand at one stack ...
 *         wr_threads_fini(&l);
 *     }
 *
 * A thread is still from when it went to sleep until it runs again; being
 * asked for its stack does not count. The kernel says when it last ran, and
 * the region since when it was still before Weir asked for the first time.
 *
 * Proof: a thread that waits, without a limit of time, for a mutex of glibc
 * whose owner is itself, has ended, or waits for it in turn, never goes on;
 * nor does one that waits for such a thread.
 *
 * Units: nanoseconds. Threads: any, each its own list.
 */
#ifndef WR_ANALYSE_THREADS_H
#define WR_ANALYSE_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "region/read.h"

struct wr_profile;

enum wr_thread_proof {
    WR_THREAD_FREE,  /* nothing is proved */
    WR_THREAD_SELF,  /* it has the mutex itself */
    WR_THREAD_GONE,  /* the thread that has it ended */
    WR_THREAD_CYCLE, /* they wait for each other */
    WR_THREAD_BEHIND /* it waits for one of the above */
};

struct wr_thread_info {
    uint32_t tid;
    char name[32];
    char state;        /* as in /proc: 'S' sleeps, 'R' runs, ... */
    uint64_t switches; /* how often it went to sleep */
    uint64_t still_ns; /* it has not run for so long; 0: it runs, or unknown */
    uint64_t age_ns;   /* since it was made; 0: not known */
    bool known;        /* it has a slot in the region */
    uint32_t create_stack;
    struct wr_capture stack; /* frames 0: not captured */
    /* What it waits in: a system call's number, -1: not known; where the
     * kernel sleeps, "" unknown. */
    long call;
    uint64_t argument[4];
    char place[48];
    uint32_t owner; /* the thread that has the mutex it waits for; 0: none */
    enum wr_thread_proof proof;
    size_t group;
};

/* Threads at one stack. */
struct wr_thread_group {
    size_t first, count;              /* in threads[] */
    uint64_t longest_ns, shortest_ns; /* still; 0: some run */
    size_t recent;                    /* made in the time that is looked at */
    uint64_t over_ns;                 /* which is so long */
    bool growing;                     /* more and more */
};

/* Threads that have ended, and that nobody joined or detached. */
struct wr_thread_unjoined {
    uint32_t create_stack;
    size_t count;
    uint64_t oldest_ns; /* since it ended */
};

struct wr_thread_list {
    struct wr_thread_info *threads; /* by group, the longest still first */
    size_t count;
    struct wr_thread_group *groups; /* the largest first */
    size_t group_count;
    struct wr_thread_unjoined *unjoined;
    size_t unjoined_count;
    uint64_t uptime_ns; /* of the program */
};

/* What the kernel says of each thread. 0, or -1 with a sentence. */
int wr_threads_read(struct wr_thread_list *l, const struct wr_region_view *view,
                    const char *root, char *why, size_t n);
/* What the kernel says again of where one waits, and how often it slept. */
void wr_thread_refresh(struct wr_thread_info *t, const char *root,
                       uint32_t pid);
/* What the region says: stacks and makers. since_ns: captures older than that
 * (CLOCK_MONOTONIC) do not count. */
void wr_threads_join(struct wr_thread_list *l,
                     const struct wr_region_view *view, uint64_t since_ns);
/* 0, or -1: no memory. */
int wr_threads_group(struct wr_thread_list *l);
void wr_threads_fini(struct wr_thread_list *l);

/* From who waits for whom (owner), what never goes on. */
void wr_threads_prove(struct wr_thread_list *l);

/* The list as a profile, sample i is group i; behind those the unjoined ones'
 * makers, in their order, and then one for each group: who made its first
 * thread. Without names. */
int wr_profile_from_threads(struct wr_profile **out,
                            const struct wr_region_view *view,
                            const struct wr_thread_list *l, char *why,
                            size_t n);

#endif
