/* What the kernel tells of a process's threads. */
#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/store.h"
#include "analyse/threads.h"

#define MOST (1 << 16) /* threads listed */

/* A file of the thread, as much as fits: its bytes, or 0. */
static size_t
read_file(char *text, size_t n, const char *root, uint32_t pid, uint32_t tid,
          const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/proc/%u/task/%u/%s", root, pid, tid, name);
    FILE *in = fopen(path, "re");
    size_t got = in ? fread(text, 1, n - 1, in) : 0;
    if (in)
        fclose(in);
    text[got] = '\0';
    return got;
}

static void
read_stat(struct wr_thread_info *t, const char *root, uint32_t pid)
{
    char text[512];
    read_file(text, sizeof text, root, pid, t->tid, "stat");
    char *name = strchr(text, '('), *end = strrchr(text, ')');
    if (!name || !end || end < name)
        return;
    snprintf(t->name, sizeof t->name, "%.*s", (int)(end - name - 1), name + 1);
    t->state = end[1] ? end[2] : '?';
}

static void
read_switches(struct wr_thread_info *t, const char *root, uint32_t pid)
{
    static const char key[] = "\nvoluntary_ctxt_switches:";
    char text[4096];
    read_file(text, sizeof text, root, pid, t->tid, "status");
    const char *at = strstr(text, key);
    t->switches = at ? strtoull(at + sizeof key - 1, NULL, 10) : 0;
}

/* When the thread last began or ended to run, by its processor's clock; 0: not
 * told. */
static uint64_t
last_ran(const char *text)
{
    const char *at = strstr(text, "se.exec_start");
    at = at ? strchr(at, ':') : NULL;
    return at ? (uint64_t)(strtod(at + 1, NULL) * 1e6) : 0;
}

static uint64_t
scheduler_now(void)
{
    char text[512];
    FILE *in = fopen("/proc/self/sched", "re");
    size_t got = in ? fread(text, 1, sizeof text - 1, in) : 0;
    if (in)
        fclose(in);
    text[got] = '\0';
    return last_ran(text);
}

/* The processors' clocks differ by what was stolen from each: so now is asked
 * of the one that the thread was on, by running there for a moment. */
struct clocks {
    cpu_set_t before;
    bool movable;
    uint64_t now[CPU_SETSIZE]; /* 0: not asked yet */
};

static uint64_t
now_at(struct clocks *c, unsigned cpu)
{
    cpu_set_t there;
    if (!c->movable || cpu >= CPU_SETSIZE)
        return scheduler_now();
    CPU_ZERO(&there);
    CPU_SET(cpu, &there);
    if (c->now[cpu] == 0 && sched_setaffinity(0, sizeof there, &there) == 0)
        c->now[cpu] = scheduler_now();
    return c->now[cpu];
}

/* The 39th field of stat. */
static unsigned
processor_of(const char *root, uint32_t pid, uint32_t tid)
{
    char text[1024];
    read_file(text, sizeof text, root, pid, tid, "stat");
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 39; field++)
        at = strchr(at + 1, ' ');
    return at ? (unsigned)strtoul(at + 1, NULL, 10) : CPU_SETSIZE;
}

static void
read_stillness(struct wr_thread_info *t, const char *root, uint32_t pid,
               struct clocks *clocks)
{
    char text[512];
    uint64_t now = now_at(clocks, processor_of(root, pid, t->tid));
    read_file(text, sizeof text, root, pid, t->tid, "sched");
    uint64_t ran = last_ran(text);
    t->still_ns = t->state != 'R' && ran && now > ran ? now - ran : 0;
}

static void
read_wait(struct wr_thread_info *t, const char *root, uint32_t pid)
{
    char text[256], *at = text;
    t->call = -1;
    if (read_file(text, sizeof text, root, pid, t->tid, "syscall") &&
        text[0] >= '0' && text[0] <= '9') {
        t->call = strtol(at, &at, 10);
        for (size_t i = 0; i < 4; i++)
            t->argument[i] = strtoull(at, &at, 16);
    }
    read_file(t->place, sizeof t->place, root, pid, t->tid, "wchan");
    if (strcmp(t->place, "0") == 0)
        t->place[0] = '\0';
}

void
wr_thread_refresh(struct wr_thread_info *t, const char *root, uint32_t pid)
{
    read_stat(t, root, pid);
    read_switches(t, root, pid);
    read_wait(t, root, pid);
}

static int
add_one(struct wr_thread_list *l, size_t *room, uint32_t tid)
{
    if (l->count == *room) {
        *room = *room ? 2 * *room : 16;
        void *list = *room > MOST
                         ? NULL
                         : realloc(l->threads, *room * sizeof *l->threads);
        if (!list)
            return -1;
        l->threads = list;
    }
    l->threads[l->count++] = (struct wr_thread_info){.tid = tid, .state = '?'};
    return 0;
}

int
wr_threads_read(struct wr_thread_list *l, const struct wr_region_view *view,
                const char *root, char *why, size_t n)
{
    char folder[PATH_MAX];
    uint32_t pid = view->header->pid;
    struct clocks clocks = {.movable = false};
    size_t room = 0;
    int rc = 0;
    *l = (struct wr_thread_list){.threads = NULL};
    snprintf(folder, sizeof folder, "%s/proc/%u/task", root, pid);
    DIR *dir = opendir(folder);
    if (!dir)
        return wr_profile_fail(
            why, n, "process %u has ended: its threads are gone", pid);
    for (struct dirent *e; rc == 0 && (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.')
            rc = add_one(l, &room, (uint32_t)strtoul(e->d_name, NULL, 10));
    closedir(dir);
    clocks.movable =
        sched_getaffinity(0, sizeof clocks.before, &clocks.before) == 0;
    for (size_t i = 0; i < l->count; i++) {
        wr_thread_refresh(&l->threads[i], root, pid);
        read_stillness(&l->threads[i], root, pid, &clocks);
    }
    if (clocks.movable)
        sched_setaffinity(0, sizeof clocks.before, &clocks.before);
    if (rc == 0)
        return 0;
    wr_threads_fini(l);
    return wr_profile_fail(why, n, "out of memory");
}
