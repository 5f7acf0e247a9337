/* Suppressions: leaks that are known and wanted.
 *
 *     struct wr_suppressions s;
 *     if (wr_suppress_read(&s, "lsan.supp", why, sizeof why) == 0 &&
 *         wr_suppress_apply(&s, p, why, sizeof why) == 0)
 *         ... p is without them, and each has its counts ...
 *     wr_suppress_fini(&s);
 *
 * The files are LeakSanitizer's: a line "leak:TEXT" each, which suppresses
 * leaks whose stack has a function, source file or module with that text in
 * its name; '*' stands for anything, '^' and '$' for the name's ends; '#'
 * begins a comment. Of several that match the first has the leak.
 * Threads: one at a time. Ownership: the struct's, all zero or read.
 */
#ifndef WR_ANALYSE_SUPPRESS_H
#define WR_ANALYSE_SUPPRESS_H

#include <stddef.h>
#include <stdint.h>

struct wr_pattern;
struct wr_profile;

struct wr_suppression {
    char *text; /* behind "leak:" */
    struct wr_pattern *pattern;
    uint64_t blocks, bytes; /* taken out of all profiles so far */
};

struct wr_suppressions {
    struct wr_suppression *list;
    size_t count;
};

/* 0, or -1 with a sentence. */
int wr_suppress_read(struct wr_suppressions *s, const char *path, char *why,
                     size_t n);
void wr_suppress_fini(struct wr_suppressions *s);

/* p: of leaks, with names. 0, or -1: no memory. */
int wr_suppress_apply(struct wr_suppressions *s, struct wr_profile *p,
                      char *why, size_t n);

#endif
