/* Asking for leaks. */
#include "serve/leak.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "analyse/profile.h"
#include "analyse/store.h"
#include "base/clock.h"
#include "serve/capture.h"

#define LOOK_NS  2000000    /* between looks for the file */
#define AGAIN_NS 1000000000 /* then another thread is asked */

/* The thread of the n-th running slot, wrapping; the main one first: it is
 * there as long as the program, but may block the signal. */
static uint32_t
nth_thread(const struct wr_region_view *view, unsigned n)
{
    uint32_t found = view->header->pid;
    const struct wr_thread_slot *slot;
    for (uint64_t i = 0; n > 0 && (slot = wr_view_thread(view, i)); i++) {
        if (atomic_load(&slot->state) != WR_THREAD_RUNNING)
            continue;
        found = atomic_load(&slot->tid);
        n--;
    }
    return found;
}

static const char *
obstacle(const struct wr_source *one)
{
    const struct wr_region_header *h = one->view.header;
    if (!one->live || !wr_view_alive(&one->view))
        return "has ended: there is nothing left to search";
    if (!h->capture_signal || !atomic_load(&h->capture_ready))
        return "has taken SIGURG for itself, by which Weir would ask it";
    if (!one->path[0])
        return "has no file beside which the answer could be";
    return NULL;
}

static bool
changed(const char *path, const struct stat *before)
{
    struct stat now;
    return stat(path, &now) == 0 &&
           (now.st_ino != before->st_ino ||
            now.st_mtim.tv_nsec != before->st_mtim.tv_nsec);
}

/* Ask one thread after the other until the file is there. */
static bool
wait_for(const struct wr_source *one, const char *path,
         const struct stat *before, unsigned wait_ms)
{
    uint64_t start = wr_clock_ns(CLOCK_MONOTONIC), next = start;
    struct timespec look = {.tv_nsec = LOOK_NS};
    for (unsigned thread = 0;;) {
        uint64_t now = wr_clock_ns(CLOCK_MONOTONIC);
        if (changed(path, before))
            return true;
        if (now - start > (uint64_t)wait_ms * 1000000 ||
            !wr_view_alive(&one->view))
            return false;
        if (now >= next) {
            (void)wr_capture_ask(
                one->view.header, nth_thread(&one->view, thread++),
                one->view.header->capture_cookie + WR_ASK_LEAKS);
            next = now + AGAIN_NS * (thread > 3 ? 10 : 1);
        }
        nanosleep(&look, NULL);
    }
}

int
wr_leak_ask_source(const struct wr_source *one, unsigned wait_ms,
                   struct wr_leaks *l, char *why, size_t n)
{
    char path[WR_PATH_MAX + 16];
    struct stat before = {.st_ino = 0};
    const char *what = obstacle(one);
    if (what)
        return wr_profile_fail(why, n, "process %u %s", one->pid, what);
    snprintf(path, sizeof path, "%s%s", one->path, WR_LEAKS_SUFFIX);
    (void)stat(path, &before);
    if (!wait_for(one, path, &before, wait_ms))
        return wr_profile_fail(why, n,
                               "process %u gave no answer: its threads block "
                               "SIGURG, or it may not make a copy of itself "
                               "(memory, a filter of system calls)",
                               one->pid);
    int rc = wr_leaks_read(l, path, why, n);
    unlink(path);
    return rc;
}
