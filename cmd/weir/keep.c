/* Keep. */
#include "weir/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "analyse/story.h"
#include "serve/source.h"
#include "weir/cmd.h"

#define NAMESAKES 1000

/* A new file "PROGRAM.PID.SUFFIX", numbered if that exists: descriptor and
 * path, or -1. */
static int
create(char *path, size_t bytes, const char *dir, const struct wr_source *one,
       const char *suffix)
{
    for (int i = 1; i < NAMESAKES; i++) {
        char number[16] = "";
        if (i > 1)
            snprintf(number, sizeof number, ".%d", i);
        int n = snprintf(path, bytes, "%s/%s.%u%s.%s", dir,
                         one->program[0] ? one->program : "program", one->pid,
                         number, suffix);
        if (n < 0 || (size_t)n >= bytes) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

static int
write_all(int fd, const unsigned char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t n = write(fd, bytes, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        bytes += n;
        count -= (size_t)n;
    }
    return 0;
}

int
wr_keep_profile(const struct wr_source *one, const struct wr_profile *p,
                const char *dir, const char *suffix, char path[WR_PATH_MAX])
{
    char why[WR_WHY];
    unsigned char *bytes;
    size_t count;
    if (wr_profile_encode(p, true, &bytes, &count, why, sizeof why) != 0) {
        wr_say("no profile of %s (pid %u): %s", one->program, one->pid, why);
        return -1;
    }
    int fd = create(path, WR_PATH_MAX, dir, one, suffix);
    int rc = fd < 0 ? -1 : write_all(fd, bytes, count);
    if (fd >= 0 && close(fd) != 0)
        rc = -1;
    if (rc != 0) {
        wr_say("cannot write %s: %s", path, strerror(errno));
        if (fd >= 0)
            unlink(path);
    }
    free(bytes);
    return rc;
}

int
wr_keep_profiles(const struct wr_source *one, struct wr_profile *p,
                 const char *dir, char heap[WR_PATH_MAX])
{
    char allocs[WR_PATH_MAX];
    if (wr_keep_profile(one, p, dir, "heap.pb.gz", heap) != 0)
        return -1;
    uint32_t old = p->default_type;
    p->default_type = wr_profile_string(p, "alloc_space");
    int rc = wr_keep_profile(one, p, dir, "allocs.pb.gz", allocs);
    p->default_type = old;
    return rc;
}

static int
write_story(const struct wr_source *one, const struct wr_story *s,
            const char *dir, bool json, char *path)
{
    int fd = create(path, WR_PATH_MAX, dir, one,
                    json ? "report.json" : "report.txt");
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out && json)
        wr_story_json(s, out);
    else if (out)
        wr_story_print(s, out, true);
    bool bad = !out || ferror(out);
    if (out && fclose(out) != 0)
        bad = true;
    if (!bad)
        return 0;
    wr_say("cannot write %s: %s", path, strerror(errno));
    if (fd >= 0)
        unlink(path);
    return -1;
}

int
wr_keep_story(const struct wr_source *one, const struct wr_story *s,
              const char *dir, char text[WR_PATH_MAX])
{
    char json[WR_PATH_MAX];
    return write_story(one, s, dir, false, text) |
           write_story(one, s, dir, true, json);
}
