/* Evidence. */
#include "serve/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "serve/kernel.h"

#define RECORD_BYTES 8192              /* of the log, at most */
#define SKEW_US      UINT64_C(1000000) /* the log's clock is nearly ours */

/* --- Counts -------------------------------------------------------------- */

static double
system_kills(const char *root)
{
    char path[WR_GROUP_PATH], text[WR_KERNEL_TEXT];
    snprintf(path, sizeof path, "%s/proc/vmstat", root);
    return wr_kernel_read(text, sizeof text, path)
               ? wr_kernel_number(text, "oom_kill ")
               : NAN;
}

void
wr_counts_take(struct wr_counts *c, const char *root, uint32_t pid)
{
    wr_groups_read(&c->groups, root, pid);
    for (size_t i = 0; i < c->groups.count; i++)
        c->kills[i] = wr_group_kills(&c->groups.list[i]);
    c->system_kills = system_kills(root);
}

/* The innermost group whose count rose is where it happened: that one's
 * process was killed. The limit may be that of a group around it. */
static void
compare_counts(struct wr_end *e, const char *root,
               const struct wr_counts *before)
{
    for (size_t i = 0; i < before->groups.count; i++) {
        const struct wr_group *g = &before->groups.list[i];
        double now = wr_group_kills(g), was = before->kills[i];
        if (isnan(now) || isnan(was))
            continue;
        e->counted = true;
        if (isnan(e->group_kills))
            e->group_kills = 0;
        if (now > was && e->group_kills == 0) {
            e->group_kills = now - was;
            if (!e->log_names)
                snprintf(e->group, sizeof e->group, "%.*s",
                         (int)sizeof e->group - 1, g->dir + g->name);
        }
    }
    e->system_kills = system_kills(root) - before->system_kills;
}

/* The limit of the group that is named, which may be seen under its path. */
static void
find_limit(struct wr_end *e, const struct wr_counts *before)
{
    for (size_t i = 0; before && i < before->groups.count; i++) {
        const struct wr_group *g = &before->groups.list[i];
        double limit = wr_group_limit(g);
        if (strcmp(g->dir + g->name, e->group) == 0 && isfinite(limit)) {
            e->group_limit = limit;
            return;
        }
    }
}

/* --- The kernel's log ---------------------------------------------------- */

/* "PRIORITY,NUMBER,MICROSECONDS,FLAGS;MESSAGE" */
static void
take_record(struct wr_end *e, const char *record, const struct wr_deceased *who)
{
    const char *message = strchr(record, ';');
    unsigned long long us;
    if (!message || sscanf(record, "%*u,%*u,%llu", &us) != 1)
        return;
    if (us + SKEW_US >= who->since_ns / 1000)
        wr_end_log_line(e, message + 1, who->pid);
}

static void
take_lines(struct wr_end *e, char *text, const struct wr_deceased *who)
{
    char *save;
    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        take_record(e, line, who);
}

/* A read gives one record; EPIPE says that older ones were overwritten while
 * we read. */
static void
read_log(struct wr_end *e, const char *root, const struct wr_deceased *who)
{
    char path[WR_GROUP_PATH], record[RECORD_BYTES + 1];
    snprintf(path, sizeof path, "%s/dev/kmsg", root);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    for (;;) {
        ssize_t n = read(fd, record, RECORD_BYTES);
        if (n < 0 && (errno == EPIPE || errno == EINTR))
            continue;
        if (n < 0 && errno == EAGAIN)
            e->log_readable = true;
        if (n <= 0)
            break;
        e->log_readable = true;
        record[n] = 0;
        take_lines(e, record, who);
    }
    close(fd);
}

/* --- The machine --------------------------------------------------------- */

static void
read_memory(struct wr_end *e, const char *root)
{
    char path[WR_GROUP_PATH], text[WR_KERNEL_TEXT];
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    if (!wr_kernel_read(text, sizeof text, path))
        return;
    e->memory_total = wr_kernel_number(text, "MemTotal:") * 1024;
    e->memory_available = wr_kernel_number(text, "MemAvailable:") * 1024;
    e->swap_total = wr_kernel_number(text, "SwapTotal:") * 1024;
    e->swap_free = wr_kernel_number(text, "SwapFree:") * 1024;
}

static void
read_pressure(struct wr_end *e, const char *root)
{
    char path[WR_GROUP_PATH], text[512];
    snprintf(path, sizeof path, "%s/proc/pressure/memory", root);
    if (!wr_kernel_read(text, sizeof text, path))
        return;
    e->pressure_some = wr_kernel_number(text, "some avg10=");
    e->pressure_full = wr_kernel_number(text, "full avg10=");
}

/* --- All of it ----------------------------------------------------------- */

static bool
may_be_killed(const struct wr_end *e)
{
    return e->how == WR_END_LOST ||
           (e->how == WR_END_SIGNAL && e->status == SIGKILL);
}

void
wr_evidence_gather(struct wr_end *e, const char *root,
                   const struct wr_deceased *who,
                   const struct wr_counts *before)
{
    if (may_be_killed(e)) {
        read_log(e, root, who);
        if (before)
            compare_counts(e, root, before);
        find_limit(e, before);
    }
    read_memory(e, root);
    read_pressure(e, root);
    wr_end_conclude(e);
}

void
wr_evidence_of_source(struct wr_end *e, const char *root,
                      const struct wr_source *one,
                      const struct wr_counts *before)
{
    const struct wr_region_header *h = one->view.header;
    struct wr_deceased who = {one->pid, h->start_mono_ns};
    wr_end_init(e);
    if (one->live)
        e->how = WR_END_RUNS;
    else if (atomic_load(&h->state) == WR_REGION_EXITED)
        e->how = WR_END_EXIT;
    wr_evidence_gather(e, root, &who, before);
}
