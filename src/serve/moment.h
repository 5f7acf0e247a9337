/* Moments as people and links name them: of which moment a profile is asked.
 *
 *     uint64_t when;
 *     if (wr_moment_parse(&when, "-10m", wr_clock_ns(CLOCK_REALTIME)) == 0)
 *         ...
 *
 * Either so long ago, "-90s", "-10m", "-2h", "-1d", or milliseconds since
 * 1970, or "now". Over HTTP, profiles of heap and allocs understand
 *     at=MOMENT               as it was then
 *     from=MOMENT&to=MOMENT   what changed between the two; without to, until
 *                             now
 * A program notes what it holds every tenth second (region/past.h): `at` and
 * `from` mean the note before them, `to` the one after it, or now, so that
 * what changed in between is all there.
 *
 * Units: nanoseconds since 1970; WR_MOMENT_NOW is now. Threads: any.
 */
#ifndef WR_SERVE_MOMENT_H
#define WR_SERVE_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_request;

#define WR_MOMENT_NOW UINT64_MAX

struct wr_moments {
    bool between;  /* a difference: from `from` to `at` */
    uint64_t at;   /* of which moment */
    uint64_t from; /* with between */
};

/* 0, or -1: not a moment, or before 1970. Later than now is now. */
int wr_moment_parse(uint64_t *ns, const char *text, uint64_t now_ns);
/* What a request asks for; 0, or -1 with a sentence in why. */
int wr_moments_of(struct wr_moments *m, const struct wr_request *q,
                  uint64_t now_ns, char *why, size_t why_bytes);

#endif
