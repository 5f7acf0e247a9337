/* The biggest sites of a profile, as `go tool pprof -top` counts them.
 *
 *     struct wr_top top;
 *     if (wr_top_make(&top, p, wr_profile_default_type(p)) == 0) {
 *         wr_top_print(&top, 10, stdout);
 *         wr_top_fini(&top);
 *     }
 *
 * flat is what a function holds itself (it is the innermost frame), cum what
 * it and everything it called hold; a function that occurs twice in one stack
 * counts once. Inlined functions count like others. Frames named by the
 * profile's drop_frames, and those they called, are left out, so that the
 * caller of malloc is the innermost frame.
 *
 * Threads: any, each its own wr_top. Ownership: names are the profile's,
 * which must outlive the report.
 */
#ifndef WR_ANALYSE_TOP_H
#define WR_ANALYSE_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct wr_profile;

struct wr_top_row {
    const char *name; /* a function, or "[file]" where it has no name */
    bool is_file;     /* print it in brackets */
    int64_t flat, cum;
};

struct wr_top {
    struct wr_top_row *rows; /* by flat, then by cum, biggest first */
    size_t count;
    int64_t total; /* sum of the samples' absolute values */
    const char *type, *unit;
};

/* 0, or -1: no memory, or the type is not in the profile. */
int wr_top_make(struct wr_top *t, const struct wr_profile *p, uint32_t type);
void wr_top_fini(struct wr_top *t);
/* By cum instead of flat. */
void wr_top_sort_cum(struct wr_top *t);

/* The table; at most `limit` rows, 0: all. */
void wr_top_print(const struct wr_top *t, size_t limit, FILE *out);

/* "1.50MB", "12.30ms", "42": a value in the largest unit that fits. */
void wr_value_format(char *text, size_t n, int64_t value, const char *unit);

#endif
