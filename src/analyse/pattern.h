/* Patterns: regular expressions as pprof's options take them.
 *
 *     struct wr_pattern *re;
 *     if (wr_pattern_new(&re, "^std::.*alloc", why, sizeof why) == 0) {
 *         if (wr_pattern_matches(re, name)) ...
 *         wr_pattern_free(re);
 *     }
 *
 * The syntax is that of Go's regular expressions, matched anywhere in the
 * text: \d \w \s \b \A \z \Q...\E \x41, classes, groups with and without
 * names, lazy repetition, (?i) at the start. What libc's matcher cannot do
 * ((?i) in the middle, \pL) is refused with a sentence.
 *
 * Patterns that come out of a file (wr_pattern_tame) may not repeat by count
 * nor nest deeply, which could cost libc's matcher any time and memory.
 * Threads: a pattern may be used by one at a time. Ownership: the caller's.
 */
#ifndef WR_ANALYSE_PATTERN_H
#define WR_ANALYSE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct wr_pattern;

/* 0, or -1 and a sentence in why. */
int wr_pattern_new(struct wr_pattern **out, const char *text, char *why,
                   size_t n);
/* For the whole text, from a file: NULL when it is empty, wrong or wild. */
struct wr_pattern *wr_pattern_tame(const char *text);
void wr_pattern_free(struct wr_pattern *re);

bool wr_pattern_matches(const struct wr_pattern *re, const char *text);

#endif
