/* What the kernel tells of a process.
 *
 *     struct wr_proc p;
 *     wr_proc_read(&p, "", pid, wr_proc_boot_seconds(""));
 *     if (!isnan(p.open_fds))
 *         left = p.max_fds - p.open_fds;
 *
 * Everything is a double, as in Prometheus, and NaN where it cannot be known:
 * the process is gone or belongs to somebody else. Units: bytes, seconds,
 * numbers.
 *
 * root is a prefix for /proc and /sys, "" outside of tests. Threads: any.
 */
#ifndef WR_SERVE_PROC_H
#define WR_SERVE_PROC_H

#include <stdint.h>

struct wr_proc {
    double cpu_seconds;   /* user and system */
    double start_seconds; /* since 1970 */
    double threads;
    double minor_faults, major_faults; /* of pages; major: read from disk */
    double virtual_bytes, virtual_max; /* infinite: 2^64, as Go writes it */
    double resident_bytes;
    double open_fds, max_fds;
    double processors; /* it may run on */
    /* The tightest limit of the control groups it is in and of the machine,
     * and what counts against that: of a group all its processes, and their
     * files in memory but those the kernel can drop at once; of the machine
     * what is not available. */
    double memory_limit, memory_used;
};

void wr_proc_read(struct wr_proc *p, const char *root, uint32_t pid,
                  double boot_seconds);
/* Of these only the memory's limit, and what is used of it. */
void wr_proc_memory(double *limit, double *used, const char *root,
                    uint32_t pid);
/* When the system started, seconds since 1970. */
double wr_proc_boot_seconds(const char *root);

#endif
