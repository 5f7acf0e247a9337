/* The verdict: what is wrong with a program's memory, if anything is.
 *
 *     struct wr_verdict v;
 *     wr_verdict_make(&v, &facts);
 *     v.finding[0].what                  the most serious one
 *     wr_finding_say(&v.finding[0], WR_ENGLISH, text, sizeof text);
 *
 * Two things kill: an overflow, which is sudden (seconds; one huge request, or
 * growth that nobody foresaw), and a leak, which is slow (hours; what survives
 * grows steadily), though it ends the same way. How fast is fast follows from
 * the limit, not from a number of bytes: growth that fills it in less than
 * 100 s is an overflow, in more than 600 s a leak; between them counts how
 * old the grown bytes are, or, when that is not known, how even the growth is.
 *
 * The rules and their thresholds, all of them:
 *   huge       one request of a quarter of the ceiling or more, and the
 *              program died for want of memory or was refused it
 *   sudden     it grew by half of what was left to the ceiling within a
 *              minute, and died, was refused, or will be full within another
 *   leak       the floor (analyse/series.h) rises in both halves of the time,
 *              by a mebibyte and a twentieth at least, the second half at
 *              0.7 of the first one's rate or more; and what rises was proved
 *              to be unreachable, or most of such blocks are freed. With such
 *              evidence also where that is so of the last half minute, minute,
 *              two minutes..., up to half of the time: a leak that began late
 *   cache      the same, but a search reached what rises
 *   warm-up    it rises, but ever more slowly
 *   threads    eight more than before, and the floor of their number rises
 *   descriptors  the same for open files (analyse/fds.h)
 *   fragments  half of the heap, 16 MiB at least, is free inside spans or idle
 *              and not returned, and was for the last quarter of the time
 *   foreign    memory outside the heap rises like a leak, or is half of what
 *              was resident when it died
 *   stack      a stack overflowed
 *   system     the machine was short of memory and this program had less than
 *              half of it
 *   healthy    none of these
 *   unknown    there are less than ten seconds of history, and it runs
 * Nothing is tuned for a program. Source of the method: Matias and others
 * (2016) for looking at the heap instead of the resident set; see also
 * docs/design/0024-verdict.md for how often it errs.
 *
 * Units: bytes, seconds since the start; NaN is "not known". Pure functions.
 */
#ifndef WR_ANALYSE_VERDICT_H
#define WR_ANALYSE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyse/suspect.h"

struct wr_end;

enum wr_verdict_class {
    WR_VERDICT_UNKNOWN,
    WR_VERDICT_HEALTHY,
    WR_VERDICT_WARM_UP,
    WR_VERDICT_HUGE,
    WR_VERDICT_SUDDEN,
    WR_VERDICT_LEAK,
    WR_VERDICT_CACHE,
    WR_VERDICT_THREADS,
    WR_VERDICT_DESCRIPTORS,
    WR_VERDICT_FRAGMENTS,
    WR_VERDICT_FOREIGN,
    WR_VERDICT_STACK,
    WR_VERDICT_SYSTEM,
    WR_VERDICT_CLASSES
};

/* How it was at one moment. */
struct wr_state {
    double at;
    double live; /* allocated and not freed */
    double kept; /* what the heap holds of memory: mapped less returned */
    double rss;  /* 0: not known */
    double threads;
};

/* A place that allocates, and what is known of it. */
struct wr_culprit {
    const char *site;
    double bytes;      /* that it grew by, or holds */
    const char *other; /* which it may be instead: the samples do not tell
                          them apart; NULL */
};

/* All that is known. Ownership: the caller's. */
struct wr_facts {
    const struct wr_state *state; /* ascending */
    size_t states;
    double now; /* the end, or this moment */
    const struct wr_end *end;
    double ceiling; /* the limit, or what the machine could give */
    bool limited;   /* it is a limit */

    struct wr_culprit largest; /* request */
    double refused;            /* the largest that was refused; 0: none */
    struct wr_culprit biggest, growing;
    double old_share; /* of the grown bytes, those older than a minute and
                         than a tenth of the run */
    double proved;    /* bytes that nobody can reach; NaN: not searched */
    const char *proved_site;
    const struct wr_suspect *suspect; /* of the site that grows most; NULL */
    double descriptors, descriptors_grown; /* open, and more than before */
    double descriptor_limit;
    bool descriptors_rise;
    const char *descriptor_site, *thread_site; /* NULL: not known */
    bool stack_overflow;
    const char *stack_site;
};

struct wr_finding {
    enum wr_verdict_class what;
    enum wr_sure sure;
    const char *site;  /* NULL: none is known */
    const char *other; /* or this one, as in struct wr_culprit; NULL */
    double bytes;      /* requested, grown by, wasted, foreign... */
    double per_minute; /* bytes or threads, for what rises */
    double over;       /* seconds in which it did */
    double left;       /* seconds until the ceiling, at that rate */
    double ceiling;    /* 0: no limit */
    double number;     /* of threads or descriptors */
    bool proved;       /* a leak: by a search */
    bool searched;     /* there was one */
};

#define WR_FINDINGS_MOST 8

struct wr_verdict {
    struct wr_finding finding[WR_FINDINGS_MOST]; /* the first is the verdict */
    size_t count;                                /* 1 or more */
};

void wr_verdict_make(struct wr_verdict *v, const struct wr_facts *f);

/* "huge", "leak", ...: for JSON. */
const char *wr_verdict_key(enum wr_verdict_class what);
/* The exit status that tells a class to scripts: 0 healthy, warm-up and
 * unknown; 10 and up for the others. */
int wr_verdict_status(enum wr_verdict_class what);

/* --- In words (verdict_text.c) ----------------------------------------- */

enum wr_language { WR_ENGLISH, WR_CHINESE };

/* What it is, with numbers; why that is said; what would change it; what to
 * try: a sentence or two each. */
void wr_finding_say(const struct wr_finding *f, enum wr_language in, char *text,
                    size_t bytes);
const char *wr_finding_doubt(const struct wr_finding *f, enum wr_language in);
const char *wr_finding_advice(const struct wr_finding *f, enum wr_language in);

#endif
