/* How a program ended, and who ended it.
 *
 *     struct wr_end e = {.how = WR_END_LOST};
 *     wr_end_from_wait(&e, status);               by who waited for it
 *     wr_end_log_line(&e, line, pid);             each line of the kernel's log
 *     wr_end_conclude(&e);
 *     wr_end_tell(&e, text, sizeof text);
 *         "was killed by the kernel for want of memory in control group
 *          /shop: exit status 137"
 *
 * A process that is killed for want of memory and one that somebody kills end
 * alike: signal 9, exit status 137. They are told apart by what the kernel
 * counts of each control group and writes in its log; serve/evidence.h gathers
 * that. What is not certain is told as such.
 *
 * Units: bytes; pressures in percent; NaN is "not known". Pure functions.
 */
#ifndef WR_ANALYSE_END_H
#define WR_ANALYSE_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wr_end_how {
    WR_END_LOST,   /* it is gone, and nobody saw how */
    WR_END_RUNS,   /* it has not */
    WR_END_EXIT,   /* with an exit status */
    WR_END_SIGNAL, /* by a signal */
};

enum wr_end_killer {
    WR_KILLER_NONE,    /* nobody: it ended by itself, or by its own fault */
    WR_KILLER_GROUP,   /* the kernel: a control group was at its limit */
    WR_KILLER_SYSTEM,  /* the kernel: the machine had no memory left */
    WR_KILLER_SOMEONE, /* a person or program that may */
    WR_KILLER_UNKNOWN
};

#define WR_END_PATH 256

struct wr_end {
    enum wr_end_how how;
    int status; /* WR_END_EXIT: the status, -1 not known; WR_END_SIGNAL: its
                   number */
    uint64_t uptime_ns; /* from start to end; 0: not known */
    /* What the kernel says of kills for want of memory. */
    bool log_readable;       /* there is a log that would tell */
    bool log_names;          /* and it tells of this process, */
    bool log_group;          /* of its group's limit, not the machine's, */
    uint64_t log_resident;   /* and how much it had */
    char group[WR_END_PATH]; /* of the limit; "" for the topmost */
    double group_limit;      /* of that group */
    bool counted;            /* kills were counted before and after */
    double group_kills;      /* in its groups meanwhile */
    double system_kills;     /* anywhere meanwhile */
    /* Of the machine, soon after the end. */
    double memory_total, memory_available, swap_total, swap_free;
    double pressure_some, pressure_full; /* of the last ten seconds */
    enum wr_end_killer killer;           /* by wr_end_conclude */
    bool proved;                         /* the log names it */
};

/* All not known. */
void wr_end_init(struct wr_end *e);
/* status as waitpid gives it. */
void wr_end_from_wait(struct wr_end *e, int status);
/* One message of the kernel's log: is it about this process? A later line
 * that is takes the place of an earlier one. */
void wr_end_log_line(struct wr_end *e, const char *message, uint32_t pid);
/* Who killed it, from all that is there. */
void wr_end_conclude(struct wr_end *e);

/* A predicate: "ended with status 0", "was killed by ...". */
void wr_end_tell(const struct wr_end *e, char *text, size_t bytes);
/* How that is known, a sentence; "" when there is nothing to add. */
void wr_end_reason(const struct wr_end *e, char *text, size_t bytes);
/* "group", "system", "someone", "unknown", "none" and "lost", "runs", ... */
const char *wr_end_killer_key(enum wr_end_killer k);
const char *wr_end_how_key(enum wr_end_how how);
/* Killed for want of memory? */
bool wr_end_is_oom(const struct wr_end *e);
/* Did it die? Of SIGKILL or of a fault of its own, that is; signals like
 * SIGTERM and SIGINT are how a program is asked to end. */
bool wr_end_is_death(const struct wr_end *e);

#endif
