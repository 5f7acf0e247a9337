/* Threads of a running program. */
#include "serve/threads.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include "analyse/frame.h"
#include "analyse/profile.h"
#include "region/ask.h"
#include "serve/capture.h"

#define WAIT_MS   200
#define SETTLE_MS 20 /* for threads to go to sleep again */

static const struct wr_thread_info *
find(const struct wr_thread_list *l, uint32_t tid)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->threads[i].tid == tid)
            return &l->threads[i];
    return NULL;
}

/* Tells each thread since when it was still, which only the kernel knows, and
 * only until the thread is woken to be asked. */
static uint64_t
still_word(uint32_t tid, void *cls)
{
    const struct wr_thread_info *t = find(cls, tid);
    uint64_t seconds = t ? t->still_ns / 1000000000 : 0;
    if (seconds > WR_ASK_STILL_MOST)
        seconds = WR_ASK_STILL_MOST;
    return WR_ASK_STILL(seconds);
}

int
wr_threads_look(struct wr_thread_list *l, const struct wr_source *one,
                char *why, size_t n)
{
    struct wr_captured c = {.since_ns = UINT64_MAX};
    if (wr_threads_read(l, &one->view, "", why, n) != 0)
        return -1;
    (void)wr_capture_with(&one->view, WAIT_MS, still_word, l, &c);
    nanosleep(&(struct timespec){.tv_nsec = SETTLE_MS * 1000000}, NULL);
    for (size_t i = 0; i < l->count; i++)
        wr_thread_refresh(&l->threads[i], "", one->pid);
    wr_threads_join(l, &one->view, c.since_ns);
    if (wr_threads_group(l) == 0)
        return 0;
    wr_threads_fini(l);
    snprintf(why, n, "out of memory");
    return -1;
}

/* --- Mutexes ------------------------------------------------------------- */

/* How glibc's begins, on every 64-bit machine. */
struct mutex {
    uint32_t lock, count, owner, users, kind;
};
#define KIND_ROBUST 16
#define KIND_SHARED 128

static bool
locks(const struct wr_stack_line *f, void *arg)
{
    bool *found = arg;
    *found = strstr(f->function, "pthread_mutex_lock") != NULL;
    return !*found && f->number < 4;
}

/* It waits, without a limit of time, in pthread_mutex_lock. */
static bool
waits_for_mutex(const struct wr_thread_info *t, const struct wr_profile *p)
{
    bool found = false;
    if (t->call != SYS_futex || t->stack.frames == 0 || t->argument[3] != 0)
        return false;
    int operation = (int)t->argument[1] & FUTEX_CMD_MASK;
    if (operation != FUTEX_WAIT && operation != FUTEX_WAIT_BITSET)
        return false;
    wr_frames_each(p, (uint32_t)t->group, locks, &found);
    return found;
}

static uint32_t
owner_of(uint64_t address, uint32_t pid)
{
    struct mutex m;
    struct iovec to = {&m, sizeof m};
    struct iovec from = {(void *)(uintptr_t)address, sizeof m};
    if (process_vm_readv((pid_t)pid, &to, 1, &from, 1, 0) != sizeof m ||
        m.lock == 0 || (m.kind & (KIND_ROBUST | KIND_SHARED)) != 0)
        return 0;
    return m.owner;
}

/* A thread that slept all the time between two looks was there at each moment
 * in between; so what all of them waited for held at one moment. */
static bool
slept_on(const struct wr_thread_info *t, uint32_t pid)
{
    struct wr_thread_info now = *t;
    wr_thread_refresh(&now, "", pid);
    return now.state == 'S' && now.switches == t->switches &&
           now.call == t->call && now.argument[0] == t->argument[0];
}

void
wr_threads_find_owners(struct wr_thread_list *l, const struct wr_profile *p,
                       uint32_t pid)
{
    for (size_t i = 0; i < l->count; i++)
        if (waits_for_mutex(&l->threads[i], p))
            l->threads[i].owner = owner_of(l->threads[i].argument[0], pid);
    for (size_t i = 0; i < l->count; i++)
        if (l->threads[i].owner && !slept_on(&l->threads[i], pid))
            l->threads[i].owner = 0;
    wr_threads_prove(l);
}
