/* Capturing thread stacks from outside.
 *
 * 1. A signal is queued only while the region says its handler is in place
 *    and its process is alive. Should it change in between, the signal is
 *    SIGURG, which does nothing by default.
 * 2. The answer is the slot's sequence number: even, and not the one seen
 *    before the signal was sent.
 */
#include "serve/capture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"

struct asked {
    const struct wr_thread_slot *slot;
    uint64_t seq;
};

bool
wr_capture_ask(const struct wr_region_header *h, uint32_t tid, uint64_t word)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = (int)h->capture_signal;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = (void *)(uintptr_t)word;
    return syscall(SYS_rt_tgsigqueueinfo, h->pid, tid, info.si_signo, &info) ==
           0;
}

static size_t
ask_all(const struct wr_region_view *view, wr_capture_word *word, void *cls,
        struct asked *list, size_t room)
{
    size_t n = 0;
    for (uint64_t i = 0; n < room; i++) {
        const struct wr_thread_slot *slot = wr_view_thread(view, i);
        if (!slot)
            break;
        if (atomic_load(&slot->state) != WR_THREAD_RUNNING)
            continue;
        uint64_t seq = atomic_load(&slot->capture_seq);
        uint32_t tid = atomic_load(&slot->tid);
        uint64_t more = word ? word(tid, cls) : 0;
        if (wr_capture_ask(view->header, tid,
                           view->header->capture_cookie + more))
            list[n++] = (struct asked){slot, seq};
    }
    return n;
}

static size_t
count_answers(const struct asked *list, size_t n)
{
    size_t answered = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t seq = atomic_load(&list[i].slot->capture_seq);
        answered += seq != list[i].seq && seq % 2 == 0;
    }
    return answered;
}

static size_t
wait_answers(const struct asked *list, size_t n, uint64_t until)
{
    struct timespec pause = {.tv_nsec = 20000};
    size_t answered;
    while ((answered = count_answers(list, n)) < n &&
           wr_clock_ns(CLOCK_MONOTONIC) < until) {
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 1000000)
            pause.tv_nsec *= 2;
    }
    return answered;
}

bool
wr_capture_threads(const struct wr_region_view *view, unsigned wait_ms,
                   struct wr_captured *c)
{
    return wr_capture_with(view, wait_ms, NULL, NULL, c);
}

bool
wr_capture_with(const struct wr_region_view *view, unsigned wait_ms,
                wr_capture_word *word, void *cls, struct wr_captured *c)
{
    const struct wr_region_header *h = view->header;
    *c = (struct wr_captured){.since_ns = wr_clock_ns(CLOCK_MONOTONIC)};
    if (h->capture_signal == 0 || h->capture_signal >= (uint32_t)SIGRTMAX ||
        !atomic_load(&h->capture_ready) || !wr_view_alive(view))
        return false;
    size_t room = wr_view_used(view, WR_TABLE_THREADS);
    struct asked *list = calloc(room + 1, sizeof *list);
    if (!list)
        return false;
    size_t n = ask_all(view, word, cls, list, room);
    c->asked = (uint32_t)n;
    c->answered = (uint32_t)wait_answers(
        list, n, c->since_ns + (uint64_t)wait_ms * 1000000);
    free(list);
    return true;
}
