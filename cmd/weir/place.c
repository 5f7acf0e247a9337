/* Places. */
#include "weir/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "region/read.h"

int
wr_place_join(char *path, size_t bytes, const char *dir, const char *name)
{
    int n = snprintf(path, bytes, "%s/%s", dir, name);
    return n < 0 || (size_t)n >= bytes ? -1 : 0;
}

/* The directory that bin/weir is in, without "/bin". */
static int
own_prefix(char *path, size_t bytes)
{
    ssize_t n = readlink("/proc/self/exe", path, bytes - 1);
    if (n <= 0)
        return -1;
    path[n] = 0;
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (!slash)
            return -1;
        *slash = 0;
    }
    return 0;
}

int
wr_place_library(char *path, size_t bytes, const char *name)
{
    static const char *const folder[] = {"lib", WEIR_LIBDIR, "lib64"};
    char prefix[PATH_MAX];
    if (own_prefix(prefix, sizeof prefix) != 0)
        return -1;
    for (size_t i = 0; i < sizeof folder / sizeof *folder; i++) {
        const char *slash = folder[i][0] == '/' ? "" : "/";
        int n = snprintf(path, bytes, "%s%s%s/%s", *slash ? prefix : "", slash,
                         folder[i], name);
        if (n > 0 && (size_t)n < bytes && access(path, R_OK) == 0)
            return 0;
    }
    return -1;
}

int
wr_place_make(const char *path)
{
    char part[PATH_MAX];
    struct stat st;
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(part, path, n + 1);
    for (char *p = part + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            if (mkdir(part, 0777) != 0 && errno != EEXIST)
                return -1;
            *p = '/';
        }
    if (mkdir(part, 0777) == 0)
        return 0;
    if (errno == EEXIST && stat(part, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return -1;
}

int
wr_place_run(char *path, size_t bytes, const char *in, char *why,
             size_t why_bytes)
{
    char base[WR_PATH_MAX], name[64];
    if (in) {
        char *whole = wr_place_make(in) == 0 ? realpath(in, NULL) : NULL;
        if (!whole || strlen(whole) >= sizeof base) {
            snprintf(why, why_bytes, "cannot make %s: %s", in, strerror(errno));
            free(whole);
            return -1;
        }
        strcpy(base, whole);
        free(whole);
    } else if (wr_region_directory(base, sizeof base, true) != 0) {
        snprintf(why, why_bytes,
                 "there is no directory of ours to keep a run in: set "
                 "XDG_RUNTIME_DIR to one that can be written");
        return -1;
    }
    long now = (long)time(NULL);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "run-%d-%ld", (int)getpid(), now + i);
        if (wr_place_join(path, bytes, base, name) != 0)
            errno = ENAMETOOLONG;
        else if (mkdir(path, 0700) == 0)
            return 0;
        if (errno != EEXIST)
            break;
    }
    snprintf(why, why_bytes, "cannot make a directory in %s: %s", base,
             strerror(errno));
    return -1;
}

void
wr_place_set_address(const char *dir, const char *address)
{
    char path[WR_PATH_MAX], line[320];
    if (wr_place_join(path, sizeof path, dir, "address") != 0)
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int n = snprintf(line, sizeof line, "%d %s\n", (int)getpid(), address);
    if (fd < 0)
        return;
    if (write(fd, line, (size_t)n) != n)
        unlink(path); /* better no address than half of one */
    close(fd);
}

void
wr_place_address(const char *dir, char *address, size_t bytes)
{
    char path[WR_PATH_MAX], line[320], *end;
    address[0] = 0;
    if (wr_place_join(path, sizeof path, dir, "address") != 0)
        return;
    FILE *in = fopen(path, "re");
    if (!in)
        return;
    if (fgets(line, sizeof line, in)) {
        pid_t pid = (pid_t)strtol(line, &end, 10);
        line[strcspn(line, "\n")] = 0;
        /* Who was killed could not remove the file. */
        if (*end == ' ' && pid > 0 && (kill(pid, 0) == 0 || errno == EPERM))
            snprintf(address, bytes, "%s", end + 1);
    }
    fclose(in);
}
