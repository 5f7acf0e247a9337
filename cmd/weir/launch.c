/* Launch.
 *
 * 1. Until exec the child shares all memory with its parent, which sleeps
 *    meanwhile: nothing is copied. It touches only its signals, a stack of its
 *    own and struct child.
 * 2. weir installs no signal handlers, so there is none the child could run.
 */
#include "weir/launch.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Who starts a program to look at it wants to see more than one who lets
 * Weir stand by, and 1% of its instructions is not too much to ask. */
enum { SAMPLE = 64 << 10 };

#define CHILD_STACK 16384 /* bytes; exec needs a fraction */

void
wr_inherited_take(struct wr_inherited *was)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &was->mask);
    /* An ignored SIGCHLD would take the exit status away from us. */
    sigaction(SIGCHLD, &plain, &was->child);
}

void
wr_inherited_restore(const struct wr_inherited *was)
{
    sigaction(SIGCHLD, &was->child, NULL);
    sigprocmask(SIG_SETMASK, &was->mask, NULL);
}

struct child {
    const char *path;
    char *const *argv, *const *envp;
    const struct wr_inherited *was;
    int failed; /* the errno of exec */
};

static int
become(void *cls)
{
    struct child *c = cls;
    wr_inherited_restore(c->was);
    execve(c->path, c->argv, c->envp);
    c->failed = errno;
    _exit(127);
}

pid_t
wr_launch(const char *path, char *const argv[], char *const envp[],
          const struct wr_inherited *was, int *error)
{
    _Alignas(16) char stack[CHILD_STACK];
    struct child c = {path, argv, envp, was, 0};
    pid_t pid = clone(become, stack + sizeof stack,
                      CLONE_VM | CLONE_VFORK | SIGCHLD, &c);
    *error = pid < 0 ? errno : c.failed;
    if (c.failed)
        waitpid(pid, NULL, 0);
    return *error ? -1 : pid;
}

/* --- Environment ------------------------------------------------------- */

/* The value of an entry "NAME=value", or NULL. */
static const char *
value_of(const char *entry, const char *name)
{
    size_t n = strlen(name);
    return strncmp(entry, name, n) == 0 && entry[n] == '=' ? entry + n + 1
                                                           : NULL;
}

static const char *
find(char *const env[], const char *name)
{
    for (size_t i = 0; env[i]; i++) {
        const char *v = value_of(env[i], name);
        if (v)
            return v;
    }
    return NULL;
}

/* Is the word at s (n bytes) a path whose last part starts libweir.so? */
static bool
is_ours(const char *s, size_t n)
{
    const char *slash = memrchr(s, '/', n);
    const char *last = slash ? slash + 1 : s;
    size_t rest = n - (size_t)(last - s);
    return rest >= 10 && memcmp(last, "libweir.so", 10) == 0;
}

bool
wr_preload_strip(char *value)
{
    char *out = value;
    bool found = false;
    for (const char *p = value; *p;) {
        size_t n = strcspn(p, " :");
        if (n && is_ours(p, n)) {
            found = true;
        } else if (n) {
            if (out != value)
                *out++ = ':';
            memmove(out, p, n);
            out += n;
        }
        p += n + (p[n] != 0);
    }
    *out = 0;
    return found;
}

/* Copy the comma-separated settings of the user that ours do not replace. */
static void
keep_settings(FILE *out, const char *old, const struct wr_settings *set)
{
    while (old && *old) {
        size_t n = strcspn(old, ",");
        bool replaced = (set->dir && strncmp(old, "dir=", 4) == 0) ||
                        (set->sample && strncmp(old, "sample=", 7) == 0) ||
                        (set->limit && strncmp(old, "limit=", 6) == 0) ||
                        (set->leaks && strncmp(old, "leaks=", 6) == 0) ||
                        (set->collect && strncmp(old, "collect=", 8) == 0) ||
                        (set->percent && strncmp(old, "gogc=", 5) == 0);
        if (n && !replaced)
            fprintf(out, ",%.*s", (int)n, old);
        old += n + (old[n] != 0);
    }
}

static bool
is_set(const char *settings, const char *key)
{
    const char *at = settings ? strstr(settings, key) : NULL;
    while (at && at != settings && at[-1] != ',')
        at = strstr(at + 1, key);
    return at;
}

static void
print_settings(FILE *out, char *const env[], const struct wr_settings *set)
{
    const char *theirs = find(env, "WEIR");
    fprintf(out, "WEIR=dir=%s", set->dir);
    if (set->sample)
        fprintf(out, ",sample=%s", set->sample);
    else if (!is_set(theirs, "sample="))
        fprintf(out, ",sample=%d", set->leaks ? 1 : SAMPLE);
    if (set->limit)
        fprintf(out, ",limit=%s", set->limit);
    if (set->leaks)
        fputs(",leaks=list", out);
    if (set->collect)
        fputs(",collect=on", out);
    if (set->percent)
        fprintf(out, ",gogc=%s", set->percent);
    if (!is_set(theirs, "overflow="))
        fputs(",overflow=on", out);
    keep_settings(out, theirs, set);
    fputc(0, out);
    fprintf(out, "LD_PRELOAD=%s", set->library);
    const char *old = find(env, "LD_PRELOAD");
    char *copy = old ? strdup(old) : NULL;
    if (copy)
        wr_preload_strip(copy);
    if (copy && *copy)
        fprintf(out, ":%s", copy);
    free(copy);
    fputc(0, out);
}

char **
wr_environment(char *const env[], const struct wr_settings *set)
{
    char *ours = NULL;
    size_t bytes = 0, count = 0, n = 0;
    FILE *out = open_memstream(&ours, &bytes);
    if (!out)
        return NULL;
    print_settings(out, env, set);
    if (fclose(out) != 0)
        return NULL;
    while (env[count])
        count++;
    char **all = malloc((count + 3) * sizeof *all + bytes);
    if (!all) {
        free(ours);
        return NULL;
    }
    char *text = memcpy(all + count + 3, ours, bytes);
    free(ours);
    all[n++] = text;
    all[n++] = text + strlen(text) + 1;
    for (size_t i = 0; i < count; i++)
        if (!value_of(env[i], "WEIR") && !value_of(env[i], "LD_PRELOAD"))
            all[n++] = env[i];
    all[n] = NULL;
    return all;
}
