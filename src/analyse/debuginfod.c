/* Invariants:
 * 1. d->lock guards all of d, but for `closing`, which the client's progress
 *    call reads while the thread is inside the library without the lock.
 * 2. The thread runs from the first file that is wanted until
 * wr_debuginfod_free; d->open counts files that are WANTED, one being fetched
 * included.
 * 3. A file that was FOUND stays so; one that is MISSING is WANTED again when
 *    RETRY_NS went by.
 */
#include "analyse/debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"

#define RETRY_NS (UINT64_C(600) * 1000000000)

enum state { WANTED, FOUND, MISSING };

struct file {
    struct file *next;
    enum state state;
    uint64_t since; /* CLOCK_MONOTONIC, when it became MISSING */
    char *path;     /* of one FOUND */
    char build_id[];
};

/* elfutils' client, as its header declares it. */
struct client {
    void *(*begin)(void);
    void (*end)(void *client);
    int (*find_debuginfo)(void *client, const unsigned char *build_id,
                          int build_id_len, char **path);
    void (*set_progressfn)(void *client, int (*call)(void *, long, long));
    void (*set_user_data)(void *client, void *value);
    void *(*get_user_data)(void *client);
};

struct wr_debuginfod {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct file *files;
    unsigned open;
    pthread_t thread;
    bool running;
    _Atomic bool closing;
};

/* --- The library -----------------------------------------------------------
 */

static struct client client;
static bool have_client;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
load_client(void)
{
    static const struct {
        const char *name;
        size_t at;
    } calls[] = {
        {"debuginfod_begin", offsetof(struct client, begin)},
        {"debuginfod_end", offsetof(struct client, end)},
        {"debuginfod_find_debuginfo", offsetof(struct client, find_debuginfo)},
        {"debuginfod_set_progressfn", offsetof(struct client, set_progressfn)},
        {"debuginfod_set_user_data", offsetof(struct client, set_user_data)},
        {"debuginfod_get_user_data", offsetof(struct client, get_user_data)},
    };
    void *library = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);
    have_client = library != NULL;
    for (size_t i = 0; library && i < sizeof calls / sizeof *calls; i++) {
        void *call = dlsym(library, calls[i].name);
        memcpy((char *)&client + calls[i].at, &call, sizeof call);
        have_client = have_client && call;
    }
}

/* --- The thread ------------------------------------------------------------
 */

/* The client calls this about once a second; other than 0 ends a transfer. */
static int
is_over(void *session, long so_far, long all)
{
    struct wr_debuginfod *d = client.get_user_data(session);
    (void)so_far, (void)all;
    return atomic_load(&d->closing);
}

static void
fetch(struct wr_debuginfod *d, void *session, struct file *f)
{
    char *path = NULL;
    int fd = -1;
    pthread_mutex_unlock(&d->lock);
    if (session)
        fd = client.find_debuginfo(session, (const unsigned char *)f->build_id,
                                   0, &path);
    if (fd >= 0)
        close(fd);
    pthread_mutex_lock(&d->lock);
    f->path = path;
    f->state = fd >= 0 && path ? FOUND : MISSING;
    f->since = wr_clock_ns(CLOCK_MONOTONIC);
    d->open--;
    pthread_cond_broadcast(&d->changed);
}

static struct file *
next_wanted(struct wr_debuginfod *d)
{
    struct file *f = d->files;
    while (f && f->state != WANTED)
        f = f->next;
    return f;
}

static void *
run(void *debuginfod)
{
    struct wr_debuginfod *d = debuginfod;
    struct file *f;
    pthread_once(&once, load_client);
    void *session = have_client ? client.begin() : NULL;
    if (session) {
        client.set_user_data(session, d);
        client.set_progressfn(session, is_over);
    }
    pthread_mutex_lock(&d->lock);
    while (!atomic_load(&d->closing))
        if ((f = next_wanted(d)))
            fetch(d, session, f);
        else
            pthread_cond_wait(&d->changed, &d->lock);
    pthread_mutex_unlock(&d->lock);
    if (session)
        client.end(session);
    return NULL;
}

/* No signal of the program is for this thread. */
static void
start(struct wr_debuginfod *d)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    d->running = pthread_create(&d->thread, NULL, run, d) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --- Who asks ---------------------------------------------------------------
 */

struct wr_debuginfod *
wr_debuginfod_new(void)
{
    const char *urls = getenv("DEBUGINFOD_URLS");
    pthread_condattr_t attributes;
    if (!urls || !*urls)
        return NULL;
    struct wr_debuginfod *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&d->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return d;
}

void
wr_debuginfod_free(struct wr_debuginfod *d)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->lock);
    atomic_store(&d->closing, true);
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    if (d->running)
        pthread_join(d->thread, NULL);
    for (struct file *f = d->files, *next; f; f = next) {
        next = f->next;
        free(f->path);
        free(f);
    }
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static struct file *
find(struct wr_debuginfod *d, const char *build_id)
{
    struct file *f = d->files;
    while (f && strcmp(f->build_id, build_id) != 0)
        f = f->next;
    return f;
}

static struct file *
add(struct wr_debuginfod *d, const char *build_id)
{
    size_t n = strlen(build_id) + 1;
    struct file *f = calloc(1, sizeof *f + n);
    if (!f)
        return NULL;
    memcpy(f->build_id, build_id, n);
    f->state = MISSING;
    f->next = d->files;
    return d->files = f;
}

static bool
may_be_asked(const struct file *f)
{
    return f->state == MISSING &&
           (f->since == 0 ||
            wr_clock_ns(CLOCK_MONOTONIC) - f->since >= RETRY_NS);
}

bool
wr_debuginfod_want(struct wr_debuginfod *d, const char *build_id)
{
    if (!d || !*build_id)
        return false;
    pthread_mutex_lock(&d->lock);
    struct file *f = find(d, build_id);
    if (!f)
        f = add(d, build_id);
    bool asked = f && may_be_asked(f);
    if (asked) {
        f->state = WANTED;
        d->open++;
        if (!d->running)
            start(d);
        pthread_cond_broadcast(&d->changed);
    }
    pthread_mutex_unlock(&d->lock);
    return asked;
}

bool
wr_debuginfod_wait(struct wr_debuginfod *d, unsigned ms)
{
    struct timespec until;
    if (!d)
        return true;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&d->lock);
    while (d->open && d->running &&
           pthread_cond_timedwait(&d->changed, &d->lock, &until) == 0)
        ;
    bool done = !d->open || !d->running;
    pthread_mutex_unlock(&d->lock);
    return done;
}

bool
wr_debuginfod_found(struct wr_debuginfod *d, const char *build_id, char *path,
                    size_t path_bytes)
{
    if (!d)
        return false;
    pthread_mutex_lock(&d->lock);
    struct file *f = find(d, build_id);
    bool found = f && f->state == FOUND;
    if (found)
        snprintf(path, path_bytes, "%s", f->path);
    pthread_mutex_unlock(&d->lock);
    return found;
}
