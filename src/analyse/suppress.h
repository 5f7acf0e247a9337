/* Suppressions: leaks that are known and wanted.
 *
 *     char *pattern;
 *     if (wr_suppress_read(&pattern, "lsan.supp", why, sizeof why) == 0)
 *         filter.ignore = pattern;
 *
 * The files are LeakSanitizer's: a line "leak:TEXT" each, which suppresses
 * leaks whose stack has a function, source file or module with that text in
 * its name; '*' stands for anything, '^' and '$' for the name's ends; '#'
 * begins a comment. Threads: any. Ownership: the caller frees the pattern,
 * which is NULL for a file without any.
 */
#ifndef WR_ANALYSE_SUPPRESS_H
#define WR_ANALYSE_SUPPRESS_H

#include <stddef.h>

/* 0, or -1 with a sentence. */
int wr_suppress_read(char **pattern, const char *path, char *why, size_t n);

#endif
