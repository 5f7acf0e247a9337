/* How much memory there is left, as Linux tells.
 *
 * Invariants
 * 1. As in linux.c: only raw system calls.
 * 2. What cannot be read does not limit.
 */
#include <string.h>

#include "base/base.h"
#include "base/text.h"
#include "os/os.h"
#include "os/process.h"
#include "os/syscall.h"

enum { TEXT = 8192, NAME = 512 };

/* Of the two kinds of control groups. */
static const struct kind {
    const char *mark; /* in /proc/self/cgroup, before the group's name */
    const char *root, *limit, *used, *files;
} kinds[] = {
    {"0::", "/sys/fs/cgroup", "/memory.max", "/memory.current",
     "\ninactive_file "},
    {":memory:", "/sys/fs/cgroup/memory", "/memory.limit_in_bytes",
     "/memory.usage_in_bytes", "\ntotal_inactive_file "},
};

static uint64_t
number_at(const char *p)
{
    uint64_t n = 0;

    for (; *p == ' '; p++)
        continue;
    for (; *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (uint64_t)(*p - '0');
    return n;
}

/* The file root + group + name as text; false: there is none. */
static bool
read_text(char *text, size_t room, const char *root, const char *group,
          const char *name)
{
    struct wr_text path;
    long n;

    wr_text_init(&path);
    wr_text_str(&path, root);
    wr_text_str(&path, group);
    wr_text_str(&path, name);
    n = wr_os_read_file(path.buf, text, room - 1);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static uint64_t
behind(const char *text, const char *key)
{
    const char *at = strstr(text, key);

    return at == NULL ? 0 : number_at(at + strlen(key));
}

/* Pages of files that nobody looked at lately will make room; how many there
 * are takes the kernel a while to say. */
static uint64_t
left_in_group(const struct kind *k, const char *group, uint64_t enough)
{
    char text[TEXT];
    uint64_t limit, used, files;

    if (!read_text(text, sizeof text, k->root, group, k->limit) ||
        text[0] < '0' || text[0] > '9')
        return UINT64_MAX;
    limit = number_at(text);
    if (!read_text(text, sizeof text, k->root, group, k->used))
        return UINT64_MAX;
    used = number_at(text);
    if (limit > used && limit - used >= enough)
        return limit - used;
    (void)read_text(text, sizeof text, k->root, group, "/memory.stat");
    files = wr_min(behind(text, k->files), used);
    return limit > used - files ? limit - (used - files) : 0;
}

/* In the group and those it lies in. In a container its name may be the one
 * outside, and the root is all there is. */
static uint64_t
left_of_kind(const struct kind *k, const char *groups, uint64_t enough)
{
    const char *at = strstr(groups, k->mark);
    char group[NAME];
    uint64_t left = UINT64_MAX;
    size_t n;

    if (at == NULL)
        return left;
    at += strlen(k->mark);
    n = wr_min(strcspn(at, "\n"), sizeof group - 1);
    memcpy(group, at, n);
    group[n] = '\0';
    for (char *end = group + n; end != NULL; end = strrchr(group, '/')) {
        *end = '\0';
        left = wr_min(left, left_in_group(k, group, enough));
    }
    return left;
}

uint64_t
wr_os_memory_left(uint64_t enough)
{
    char text[TEXT];
    uint64_t left = UINT64_MAX;

    if (read_text(text, sizeof text, "/proc/meminfo", "", "") &&
        strstr(text, "\nMemAvailable:") != NULL)
        left = behind(text, "\nMemAvailable:") * 1024;
    if (read_text(text, sizeof text, "/proc/self/cgroup", "", ""))
        for (size_t i = 0; i < wr_countof(kinds); i++)
            left = wr_min(left, left_of_kind(&kinds[i], text, enough));
    return left;
}
