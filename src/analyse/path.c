/* Paths of source files. */
#include "analyse/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *
wr_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* --- Cleaning ------------------------------------------------------------ */

/* Remove the last part of the n bytes at text, which is none of the first
 * `fixed` bytes: the root, or leading "..". */
static size_t
up(const char *text, size_t n, size_t fixed)
{
    while (n > fixed && text[n - 1] != '/')
        n--;
    return n > fixed ? n - 1 : n;
}

char *
wr_path_clean(const char *path)
{
    size_t root = *path == '/', n = root, fixed = root;
    char *clean = malloc(strlen(path) + 2);
    if (!clean)
        return NULL;
    clean[0] = '/';
    for (const char *at = path; *at;) {
        size_t part = strcspn(at, "/");
        if (part == 2 && at[0] == '.' && at[1] == '.' && n > fixed) {
            n = up(clean, n, fixed);
        } else if (part == 2 && at[0] == '.' && at[1] == '.' && root) {
            /* above the root is the root */
        } else if (part > 1 || (part == 1 && at[0] != '.')) {
            if (n > root)
                clean[n++] = '/';
            memcpy(clean + n, at, part);
            n += part;
            if (part == 2 && at[0] == '.' && at[1] == '.')
                fixed = n;
        }
        at += part;
        at += strspn(at, "/");
    }
    if (n == 0)
        clean[n++] = '.';
    clean[n] = '\0';
    return clean;
}

/* --- Trimming ------------------------------------------------------------ */

/* The next directory of a list; false: there is none. */
static int
next_directory(const char **list, char *dir, size_t room)
{
    while (**list == ':')
        (*list)++;
    size_t n = strcspn(*list, ":");
    if (n == 0 || n >= room)
        return 0;
    memcpy(dir, *list, n);
    dir[n] = '\0';
    *list += n;
    return 1;
}

/* Behind the last part of a directory of the search path. */
static const char *
trim_like(const char *path, const char *search)
{
    char dir[PATH_MAX], part[PATH_MAX + 2];
    while (search && next_directory(&search, dir, sizeof dir)) {
        size_t n = strlen(dir);
        while (n > 1 && dir[n - 1] == '/')
            dir[--n] = '\0';
        snprintf(part, sizeof part, "/%s/", wr_path_base(dir));
        const char *found = wr_path_base(dir)[0] ? strstr(path, part) : NULL;
        if (found)
            return found + strlen(part);
    }
    return path;
}

static const char *
trim_prefix(const char *path, const char *prefix)
{
    size_t n = strlen(prefix);
    if (n && strncmp(path, prefix, n) == 0) {
        if (prefix[n - 1] == '/')
            return path + n;
        if (path[n] == '/')
            return path + n + 1;
    }
    return path;
}

const char *
wr_path_trim(const char *path, const char *trim, const char *search)
{
    char dir[PATH_MAX];
    const char *rest = path;
    if (!trim || !*trim)
        rest = trim_like(path, search);
    while (rest == path && trim && next_directory(&trim, dir, sizeof dir))
        rest = trim_prefix(path, dir);
    if (rest == path)
        rest = trim_prefix(path, "/proc/self/cwd/./");
    return rest == path ? trim_prefix(path, "/proc/self/cwd/") : rest;
}

/* --- Finding ------------------------------------------------------------- */

/* Names come with files of others: what is not a plain file (a device, a
 * pipe) could be read for ever. */
static FILE *
open_plain(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fdopen(fd, "r");
    close(fd);
    errno = EINVAL;
    return NULL;
}

/* In the directory and all that it lies in. */
static FILE *
open_above(const char *dir, const char *path)
{
    char full[2 * PATH_MAX];
    size_t n = strlen(dir);
    for (;;) {
        snprintf(full, sizeof full, "%.*s/%s", (int)n, dir, path);
        FILE *f = open_plain(full);
        if (f || n == 0)
            return f;
        while (n > 0 && dir[n - 1] != '/')
            n--;
        n -= n > 0;
    }
}

FILE *
wr_path_open(const char *path, const char *search, const char *trim)
{
    char dir[PATH_MAX], here[PATH_MAX];
    FILE *f = NULL;
    if (!search || !*search)
        search = getcwd(here, sizeof here) ? here : "/";
    const char *part = wr_path_trim(path, trim, search);
    while (*part != '/' && !f && next_directory(&search, dir, sizeof dir))
        f = open_above(dir, part);
    if (f)
        return f;
    if (*part == '/' || *path == '/')
        return open_plain(*part == '/' ? part : path);
    errno = ENOENT;
    return NULL;
}
