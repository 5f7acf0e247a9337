/* What the control groups around the process allow it.
 *
 * /proc/self/cgroup names the process's group in each hierarchy;
 * /proc/self/mountinfo says where a hierarchy can be seen, and which part of
 * it: in a container often the process's own group is all there is, while its
 * name is still the one outside. A limit holds for every group below its own.
 *
 * Invariants
 * 1. As in linux.c: only raw system calls.
 * 2. What cannot be read is no limit.
 */
#include <fcntl.h>
#include <string.h>

#include "base/text.h"
#include "os/os.h"
#include "os/syscall.h"

enum { LINE_BYTES = 2048, PATH_BYTES = 1024, FIELDS = 12 };

/* As much as none: "no limit" of the first kind is a number. */
#define NO_LIMIT ((uint64_t)1 << 62)

/* ---- lines ---- */

struct lines {
    long fd;
    size_t have, at;
    char buf[LINE_BYTES];
};

static void
join(struct wr_text *path, const char *a, const char *b, const char *c)
{
    wr_text_init(path);
    wr_text_str(path, a);
    wr_text_str(path, b);
    wr_text_str(path, c);
}

static bool
lines_open(struct lines *l, const char *root, const char *name)
{
    struct wr_text path;

    join(&path, root, name, "");
    l->have = l->at = 0;
    l->fd =
        wr_syscall4(SYS_openat, AT_FDCWD, path.buf, O_RDONLY | O_CLOEXEC, 0);
    return !wr_syscall_failed(l->fd);
}

static bool
read_more(struct lines *l)
{
    long n;

    memmove(l->buf, l->buf + l->at, l->have - l->at);
    l->have -= l->at;
    l->at = 0;
    if (l->have + 1 == sizeof l->buf)
        l->have = 0; /* longer than any that matters */
    n = wr_syscall3(SYS_read, l->fd, l->buf + l->have,
                    sizeof l->buf - 1 - l->have);
    if (wr_syscall_failed(n) || n == 0)
        return false;
    l->have += (size_t)n;
    return true;
}

/* The next line, ended by NUL, or NULL. Closes the file at its end. */
static char *
lines_next(struct lines *l)
{
    char *line, *end;

    while ((end = memchr(l->buf + l->at, '\n', l->have - l->at)) == NULL)
        if (!read_more(l)) {
            wr_os_close((int)l->fd);
            return NULL;
        }
    *end = '\0';
    line = l->buf + l->at;
    l->at = (size_t)(end - l->buf) + 1;
    return line;
}

/* Is word one of the list, which has commas between? */
static bool
lists(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == '\0'))
            return true;
    }
    return false;
}

/* ---- one group ---- */

static const struct kind {
    const char *filesystem;
    bool first; /* many hierarchies, each with some controllers */
    const char *limit[2];
} kinds[] = {{"cgroup2", false, {"/memory.max", "/memory.high"}},
             {"cgroup", true, {"/memory.limit_in_bytes", NULL}}};

static uint64_t
lower(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static uint64_t
limit_in(const char *root, const char *dir, const char *name)
{
    struct wr_text path;
    char buf[32];
    uint64_t limit = 0;
    long n;

    join(&path, root, dir, name);
    n = wr_os_read_file(path.buf, buf, sizeof buf - 1);
    for (long i = 0; i < n && buf[i] >= '0' && buf[i] <= '9'; i++)
        limit = limit * 10 + (uint64_t)(buf[i] - '0');
    return limit >= NO_LIMIT ? 0 : limit;
}

/* The lowest limit of the group in dir and of those it lies in, as far up as
 * the first `top` bytes of dir. dir is cut up. */
static uint64_t
lowest(const struct kind *k, const char *root, char *dir, size_t top)
{
    uint64_t low = 0;

    for (;;) {
        char *end = strrchr(dir, '/');

        for (int i = 0; i < 2 && k->limit[i] != NULL; i++)
            low = lower(low, limit_in(root, dir, k->limit[i]));
        if (end == NULL || end < dir + top)
            return low;
        *end = '\0';
    }
}

/* ---- where it is seen ---- */

struct mount {
    char *root, *point, *filesystem, *options;
};

/* "id parent device root point options [more...] - filesystem source options"
 */
static bool
parse_mount(struct mount *m, char *line)
{
    char *field[FIELDS], *tail = strstr(line, " - ");
    int n = 0;

    if (tail == NULL)
        return false;
    *tail = '\0';
    for (char *at = line; at != NULL && n < 5; n++) {
        field[n] = at;
        at = strchr(at, ' ');
        if (at != NULL)
            *at++ = '\0';
    }
    m->filesystem = tail + 3;
    m->options = strchr(m->filesystem, ' ');
    if (n < 5 || m->options == NULL)
        return false;
    *m->options = '\0';
    m->options = strchr(m->options + 1, ' ');
    if (m->options == NULL)
        return false;
    m->options++;
    m->root = field[3];
    m->point = field[4];
    return true;
}

static bool
is_hierarchy(const struct kind *k, const struct mount *m)
{
    return strcmp(m->filesystem, k->filesystem) == 0 &&
           (!k->first || lists(m->options, "memory"));
}

/* What is left of the group's name below the mount's root. One that is not
 * below it is that root, as far as can be seen from here. */
static const char *
below(const char *group, const char *mount_root)
{
    size_t n = strlen(mount_root);

    if (strncmp(group, "/..", 3) == 0)
        return "";
    if (strcmp(mount_root, "/") == 0)
        return strcmp(group, "/") == 0 ? "" : group;
    if (strncmp(group, mount_root, n) == 0 &&
        (group[n] == '/' || group[n] == '\0'))
        return group + n;
    return "";
}

static uint64_t
limit_of(const struct kind *k, const char *root, const char *group)
{
    struct lines l;
    struct mount m;
    uint64_t low = 0;
    char *line;

    if (!lines_open(&l, root, "/proc/self/mountinfo"))
        return 0;
    while ((line = lines_next(&l)) != NULL) {
        struct wr_text dir;

        if (!parse_mount(&m, line) || !is_hierarchy(k, &m))
            continue;
        join(&dir, m.point, below(group, m.root), "");
        low = lower(low, lowest(k, root, dir.buf, strlen(m.point)));
    }
    return low;
}

/* ---- which group ---- */

/* The group of a line "id:controllers:name" where it is of that kind. */
static const char *
group_in(const struct kind *k, char *line)
{
    char *controllers = strchr(line, ':'), *name;

    name = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (name == NULL)
        return NULL;
    *controllers++ = '\0';
    *name++ = '\0';
    if (k->first ? lists(controllers, "memory") : *controllers == '\0')
        return name;
    return NULL;
}

static bool
find_group(const struct kind *k, const char *root, char *group)
{
    struct lines l;
    bool found = false;
    char *line;

    if (!lines_open(&l, root, "/proc/self/cgroup"))
        return false;
    while ((line = lines_next(&l)) != NULL) {
        const char *name = group_in(k, line);

        if (name == NULL || strlen(name) >= PATH_BYTES)
            continue;
        memcpy(group, name, strlen(name) + 1);
        found = true;
    }
    return found;
}

uint64_t
wr_os_memory_limit_below(const char *root)
{
    char group[PATH_BYTES];
    uint64_t low = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (find_group(&kinds[i], root, group))
            low = lower(low, limit_of(&kinds[i], root, group));
    return low;
}

uint64_t
wr_os_memory_limit(void)
{
    return wr_os_memory_limit_below("");
}
