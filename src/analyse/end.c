/* How a program ended.
 *
 * 1. The log beats the counts: it names the process, they only say that some
 *    process was killed.
 */
#include "analyse/end.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "analyse/units.h"

void
wr_end_init(struct wr_end *e)
{
    *e = (struct wr_end){.status = -1,
                         .group_limit = NAN,
                         .group_kills = NAN,
                         .system_kills = NAN,
                         .memory_total = NAN,
                         .memory_available = NAN,
                         .swap_total = NAN,
                         .swap_free = NAN,
                         .pressure_some = NAN,
                         .pressure_full = NAN};
}

void
wr_end_from_wait(struct wr_end *e, int status)
{
    if (status == -1)
        return;
    e->how = WIFSIGNALED(status) ? WR_END_SIGNAL : WR_END_EXIT;
    e->status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- The kernel's log ---------------------------------------------------- */

/* The value of "key=value," in a message; "" when it has none. */
static void
field(const char *message, const char *key, char *value, size_t bytes)
{
    const char *at = strstr(message, key);
    value[0] = 0;
    if (at) {
        at += strlen(key);
        snprintf(value, bytes, "%.*s", (int)strcspn(at, ",\n"), at);
    }
}

/* "oom-kill:constraint=CONSTRAINT_MEMCG,...,oom_memcg=/a,task_memcg=/a/b,
 * task=NAME,pid=N,uid=N". */
static void
take_choice(struct wr_end *e, const char *message, uint32_t pid)
{
    char number[16], constraint[32];
    /* The name of the task may hold anything, but stands before these. */
    const char *last = strstr(message, ",pid=");
    for (const char *at = last; at; at = strstr(at + 1, ",pid="))
        last = at;
    if (!last)
        return;
    field(last, ",pid=", number, sizeof number);
    if (strtoul(number, NULL, 10) != pid)
        return;
    field(message, "constraint=", constraint, sizeof constraint);
    e->log_names = true;
    e->log_group = strcmp(constraint, "CONSTRAINT_MEMCG") == 0;
    if (e->log_group)
        field(message, "oom_memcg=", e->group, sizeof e->group);
    if (strcmp(e->group, "/") == 0)
        e->group[0] = 0;
}

/* "Memory cgroup out of memory: Killed process N (NAME) total-vm:NkB,
 * anon-rss:NkB, file-rss:NkB, shmem-rss:NkB, ..."; "Out of memory: Killed". */
static void
take_kill(struct wr_end *e, const char *killed, uint32_t pid)
{
    static const char *const parts[] = {"anon-rss:", "file-rss:", "shmem-rss:"};
    if (strtoul(killed, NULL, 10) != pid)
        return;
    e->log_names = true;
    e->log_resident = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *at = strstr(killed, parts[i]);
        if (at)
            e->log_resident += strtoull(at + strlen(parts[i]), NULL, 10) << 10;
    }
}

void
wr_end_log_line(struct wr_end *e, const char *message, uint32_t pid)
{
    static const char killed[] = "Killed process ";
    const char *at = strstr(message, killed);
    if (strncmp(message, "oom-kill:", 9) == 0)
        take_choice(e, message, pid);
    else if (at && strstr(message, "ut of memory"))
        take_kill(e, at + sizeof killed - 1, pid);
}

/* --- Who ----------------------------------------------------------------- */

static enum wr_end_killer
killer_of(const struct wr_end *e)
{
    if (e->how == WR_END_RUNS || e->how == WR_END_EXIT)
        return WR_KILLER_NONE;
    if (e->how == WR_END_SIGNAL && e->status != SIGKILL)
        return WR_KILLER_NONE;
    if (e->log_names)
        return e->log_group ? WR_KILLER_GROUP : WR_KILLER_SYSTEM;
    if (e->how == WR_END_LOST && !e->counted)
        return WR_KILLER_UNKNOWN;
    if (e->counted && e->group_kills > 0)
        return WR_KILLER_GROUP;
    if (e->counted && !e->log_readable && e->system_kills > 0)
        return WR_KILLER_SYSTEM;
    return e->how == WR_END_SIGNAL && (e->counted || e->log_readable)
               ? WR_KILLER_SOMEONE
               : WR_KILLER_UNKNOWN;
}

void
wr_end_conclude(struct wr_end *e)
{
    e->killer = killer_of(e);
    e->proved = e->log_names;
}

bool
wr_end_is_oom(const struct wr_end *e)
{
    return e->killer == WR_KILLER_GROUP || e->killer == WR_KILLER_SYSTEM;
}

bool
wr_end_is_death(const struct wr_end *e)
{
    static const int deaths[] = {SIGKILL, SIGSEGV, SIGABRT, SIGBUS,  SIGFPE,
                                 SIGILL,  SIGSYS,  SIGTRAP, SIGXCPU, SIGXFSZ};
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++)
        if (e->how == WR_END_SIGNAL && e->status == deaths[i])
            return true;
    return false;
}

/* --- Telling ------------------------------------------------------------- */

static const char *
group_name(const struct wr_end *e)
{
    return e->group[0] ? e->group : "/";
}

static void
tell_signal(const struct wr_end *e, char *text, size_t bytes)
{
    const char *name = strsignal(e->status);
    if (e->killer == WR_KILLER_GROUP)
        snprintf(text, bytes,
                 "was killed by the kernel because control group %s was at its "
                 "memory limit: signal 9, exit status 137",
                 group_name(e));
    else if (e->killer == WR_KILLER_SYSTEM)
        snprintf(text, bytes,
                 "was killed by the kernel because the machine had no memory "
                 "left: signal 9, exit status 137");
    else if (e->killer == WR_KILLER_SOMEONE)
        snprintf(text, bytes,
                 "was killed by somebody, not for want of memory: signal 9, "
                 "exit status 137");
    else
        snprintf(text, bytes, "was killed by signal %d (%s), exit status %d",
                 e->status, name ? name : "unknown", 128 + e->status);
}

/* Without a parent that waited for it. */
static void
tell_lost(const struct wr_end *e, char *text, size_t bytes)
{
    if (e->killer == WR_KILLER_GROUP)
        snprintf(text, bytes,
                 "was%s killed by the kernel because control group %s was at "
                 "its memory limit",
                 e->proved ? "" : " probably", group_name(e));
    else if (e->killer == WR_KILLER_SYSTEM)
        snprintf(text, bytes,
                 "was%s killed by the kernel because the machine had no memory "
                 "left",
                 e->proved ? "" : " probably");
    else
        snprintf(text, bytes,
                 "is gone without having passed exit(): it was killed, "
                 "crashed or called _exit()");
}

void
wr_end_tell(const struct wr_end *e, char *text, size_t bytes)
{
    if (e->how == WR_END_RUNS)
        snprintf(text, bytes, "is running");
    else if (e->how == WR_END_EXIT && e->status < 0)
        snprintf(text, bytes, "ended through exit()");
    else if (e->how == WR_END_EXIT)
        snprintf(text, bytes, "ended with status %d", e->status);
    else if (e->how == WR_END_SIGNAL)
        tell_signal(e, text, bytes);
    else
        tell_lost(e, text, bytes);
}

static void
reason_of_oom(const struct wr_end *e, char *text, size_t bytes)
{
    char had[WR_VALUE_ROOM], limit[WR_VALUE_ROOM];
    int n = 0;
    wr_value_format(had, sizeof had, (int64_t)e->log_resident, "bytes");
    if (e->proved)
        n = snprintf(text, bytes, "the kernel's log names it, with %s resident",
                     had);
    else if (e->killer == WR_KILLER_GROUP)
        n = snprintf(text, bytes,
                     "the group counts %.0f kill%s for want of memory "
                     "meanwhile; the kernel's log does not tell",
                     e->group_kills, e->group_kills > 1 ? "s" : "");
    else
        n = snprintf(text, bytes,
                     "the system counts %.0f kill%s for want of memory "
                     "meanwhile, none in its own groups",
                     e->system_kills, e->system_kills > 1 ? "s" : "");
    if (isfinite(e->group_limit) && n > 0 && (size_t)n < bytes) {
        wr_value_format(limit, sizeof limit, (int64_t)e->group_limit, "bytes");
        snprintf(text + n, bytes - (size_t)n, "; the group's limit is %s",
                 limit);
    }
}

void
wr_end_reason(const struct wr_end *e, char *text, size_t bytes)
{
    text[0] = 0;
    if (wr_end_is_oom(e))
        reason_of_oom(e, text, bytes);
    else if (e->killer == WR_KILLER_SOMEONE)
        snprintf(text, bytes, "%s",
                 e->log_readable
                     ? "the kernel's log does not name it, and its groups "
                       "count no kill: a supervisor, docker kill, kill -9 or "
                       "a handler of low memory in user space"
                     : "its groups count no kill: a supervisor, docker kill, "
                       "kill -9 or a handler of low memory in user space");
    else if (e->killer == WR_KILLER_UNKNOWN)
        snprintf(text, bytes, "%s. Started by weir run it would be known",
                 e->log_readable ? "the kernel's log does not name it"
                                 : "the kernel's log cannot be read here");
}

const char *
wr_end_killer_key(enum wr_end_killer k)
{
    static const char *const keys[] = {"none", "group", "system", "someone",
                                       "unknown"};
    return keys[k];
}

const char *
wr_end_how_key(enum wr_end_how how)
{
    static const char *const keys[] = {"lost", "runs", "exit", "signal"};
    return keys[how];
}
