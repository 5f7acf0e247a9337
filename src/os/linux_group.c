/* What the control groups around the process, and the machine, leave it.
 *
 * /proc/self/cgroup names the process's group in each hierarchy;
 * /proc/self/mountinfo says where a hierarchy can be seen, and which part of
 * it: in a container often the process's own group is all there is, while its
 * name is still the one outside. A limit holds for every group below its own.
 *
 * Invariants
 * 1. As in linux.c: only raw system calls.
 * 2. What cannot be read does not limit.
 */
#include <fcntl.h>
#include <string.h>

#include "base/base.h"
#include "base/text.h"
#include "os/os.h"
#include "os/syscall.h"

enum { LINE_BYTES = 2048, PATH_BYTES = 1024, FIELDS = 12, TEXT_BYTES = 8192 };

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
    const char *limit[2], *used, *files;
} kinds[] = {
    {"cgroup2",
     false,
     {"/memory.max", "/memory.high"},
     "/memory.current",
     "\ninactive_file "},
    {"cgroup",
     true,
     {"/memory.limit_in_bytes", NULL},
     "/memory.usage_in_bytes",
     "\ntotal_inactive_file "},
};

static uint64_t
lower(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

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

/* The beginning of a group's file as text, empty if it cannot be read. */
static void
read_text(char *text, size_t room, const char *root, const char *dir,
          const char *name)
{
    struct wr_text path;
    long n;

    join(&path, root, dir, name);
    n = wr_os_read_file(path.buf, text, room - 1);
    text[n > 0 ? n : 0] = '\0';
}

/* 0: none. */
static uint64_t
limit_in(const struct kind *k, const char *root, const char *dir)
{
    char text[32];
    uint64_t low = 0;

    for (int i = 0; i < 2 && k->limit[i] != NULL; i++) {
        uint64_t limit;

        read_text(text, sizeof text, root, dir, k->limit[i]);
        limit = number_at(text);
        low = lower(low, limit >= NO_LIMIT ? 0 : limit);
    }
    return low;
}

static uint64_t
behind(const char *text, const char *key)
{
    const char *at = strstr(text, key);

    return at == NULL ? 0 : number_at(at + strlen(key));
}

/* Pages of files that nobody looked at lately will make room; how many there
 * are takes the kernel a while to say. UINT64_MAX: no limit. */
static uint64_t
left_in(const struct kind *k, const char *root, const char *dir,
        uint64_t enough)
{
    char text[TEXT_BYTES];
    uint64_t limit = limit_in(k, root, dir), used, files;

    if (limit == 0)
        return UINT64_MAX;
    read_text(text, sizeof text, root, dir, k->used);
    if (text[0] == '\0')
        return UINT64_MAX;
    used = number_at(text);
    if (limit > used && limit - used >= enough)
        return limit - used;
    read_text(text, sizeof text, root, dir, "/memory.stat");
    files = wr_min(behind(text, k->files), used);
    return limit > used - files ? limit - (used - files) : 0;
}

/* ---- all of them ---- */

/* What is asked of each group. */
struct question {
    const char *root;
    uint64_t enough;
    uint64_t limit; /* the lowest; 0: none */
    uint64_t left;  /* the least; asked for where enough is not 0 */
};

/* The group in dir and those it lies in, as far up as the first `top` bytes of
 * dir, which is cut up. */
static void
climb(const struct kind *k, char *dir, size_t top, struct question *q)
{
    for (;;) {
        char *end = strrchr(dir, '/');

        if (q->enough > 0)
            q->left = wr_min(q->left, left_in(k, q->root, dir, q->enough));
        else
            q->limit = lower(q->limit, limit_in(k, q->root, dir));
        if (end == NULL || end < dir + top)
            return;
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

static void
ask_around(const struct kind *k, const char *group, struct question *q)
{
    struct lines l;
    struct mount m;
    char *line;

    if (!lines_open(&l, q->root, "/proc/self/mountinfo"))
        return;
    while ((line = lines_next(&l)) != NULL) {
        struct wr_text dir;

        if (!parse_mount(&m, line) || !is_hierarchy(k, &m))
            continue;
        join(&dir, m.point, below(group, m.root), "");
        climb(k, dir.buf, strlen(m.point), q);
    }
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

static void
ask(struct question *q)
{
    char group[PATH_BYTES];

    for (size_t i = 0; i < wr_countof(kinds); i++)
        if (find_group(&kinds[i], q->root, group))
            ask_around(&kinds[i], group, q);
}

uint64_t
wr_os_memory_limit_below(const char *root)
{
    struct question q = {.root = root};

    ask(&q);
    return q.limit;
}

uint64_t
wr_os_memory_limit(void)
{
    return wr_os_memory_limit_below("");
}

uint64_t
wr_os_memory_left_below(const char *root, uint64_t enough)
{
    struct question q = {root, wr_max(enough, 1), 0, UINT64_MAX};
    char text[TEXT_BYTES];

    read_text(text, sizeof text, root, "/proc/meminfo", "");
    if (strstr(text, "\nMemAvailable:") != NULL)
        q.left = behind(text, "\nMemAvailable:") * 1024;
    ask(&q);
    return q.left;
}

uint64_t
wr_os_memory_left(uint64_t enough)
{
    return wr_os_memory_left_below("", enough);
}
