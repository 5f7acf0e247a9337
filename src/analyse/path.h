/* Paths of source files: cleaned, trimmed, found.
 *
 *     wr_path_clean("a//b/../c")                          "a/c"
 *     wr_path_trim("/build/x/src/a.c", "/build/x", NULL)  "src/a.c"
 *     wr_path_open("src/a.c", "/home/me/x:/usr/src", NULL)
 *
 * A search path is a list of directories between colons. Without a trim path
 * the last part of each of them is looked for in the file's path, and what
 * stands before it is cut off too, as pprof does.
 * Threads: any.
 */
#ifndef WR_ANALYSE_PATH_H
#define WR_ANALYSE_PATH_H

#include <stdio.h>

/* The shortest path that means the same; to be freed. NULL: no memory. */
char *wr_path_clean(const char *path);
/* The part of path to search for; trim and search may be NULL. */
const char *wr_path_trim(const char *path, const char *trim,
                         const char *search);
/* A source file, searched in the directories and all above them. NULL and
 * errno. search NULL: from the working directory. */
FILE *wr_path_open(const char *path, const char *search, const char *trim);
/* What comes after the last slash, as pprof's reports shorten paths. */
const char *wr_path_base(const char *path);

#endif
