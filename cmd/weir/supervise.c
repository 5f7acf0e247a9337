/* Supervise.
 *
 * 1. Every signal is blocked and read from a descriptor, so nothing
 *    interrupts and nothing is lost.
 * 2. A signal goes on to the program unless it came to the whole process
 *    group, from the terminal or by kill: then the program has it already.
 * 3. The program's state changes are learnt from waitpid alone.
 */
#include "weir/supervise.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "weir/scout.h"

/* The third word of the stat file, counted from the end of the name, which
 * may hold anything. */
char
wr_process_state(pid_t pid)
{
    char path[40], line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *in = fopen(path, "re");
    if (!in)
        return 0;
    size_t n = fread(line, 1, sizeof line - 1, in);
    fclose(in);
    line[n] = 0;
    const char *end = strrchr(line, ')');
    return end && end[1] == ' ' ? end[2] : 0;
}

#define BATCH 32

/* Signals that came at about the same time. */
struct batch {
    struct signalfd_siginfo info[BATCH];
    size_t count;
    bool child; /* SIGCHLD was among them */
};

static void
read_batch(int fd, struct batch *b)
{
    while (b->count < BATCH) {
        struct signalfd_siginfo *info = &b->info[b->count];
        if (read(fd, info, sizeof *info) != (ssize_t)sizeof *info)
            return;
        if (info->ssi_signo == SIGCHLD)
            b->child = true;
        else if (info->ssi_pid != (uint32_t)getpid())
            b->count++;
    }
}

static void
forward(pid_t pid, const struct signalfd_siginfo *info)
{
    int number = (int)info->ssi_signo;
    /* `fg` has continued the program, if perhaps by another way. */
    if (number == SIGCONT && wr_process_state(pid) != 'T')
        return;
    union sigval value = {.sival_int = info->ssi_int};
    if (info->ssi_code == SI_QUEUE)
        sigqueue(pid, number, value);
    else
        kill(pid, number);
}

/* One sender often sends twice, to weir and to its group: what came so
 * close together is one signal, as it would have been for the program. */
static bool
came_before(const struct batch *b, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (b->info[k].ssi_signo == b->info[i].ssi_signo)
            return (int)b->info[i].ssi_signo < SIGRTMIN;
    return false;
}

static void
forward_batch(int fd, pid_t pid, struct batch *b, struct wr_scout *scout)
{
    if (b->count == 0)
        return;
    uint64_t group = wr_scout_take(scout);
    read_batch(fd, b);
    for (size_t i = 0; i < b->count; i++) {
        const struct signalfd_siginfo *info = &b->info[i];
        if (info->ssi_code != SI_KERNEL && !came_before(b, i) &&
            !(group & wr_scout_bit((int)info->ssi_signo)))
            forward(pid, info);
    }
}

/* Stop the way the program did. SIGSTOP stands in for what cannot be caught
 * anyway; the others do nothing in a group without a shell, as they did
 * nothing to the program then. */
static void
stop_too(int number)
{
    struct sigaction plain = {.sa_handler = SIG_DFL}, old;
    sigset_t one;
    if (number == SIGSTOP) {
        raise(SIGSTOP);
        return;
    }
    sigaction(number, &plain, &old);
    raise(number);
    sigemptyset(&one);
    sigaddset(&one, number);
    sigprocmask(SIG_UNBLOCK, &one, NULL); /* stops here */
    sigprocmask(SIG_BLOCK, &one, NULL);
    sigaction(number, &old, NULL);
}

/* Take all state changes. True when the program ended. */
static bool
reap(pid_t pid, int *status)
{
    for (;;) {
        pid_t got = waitpid(pid, status, WNOHANG | WUNTRACED);
        if (got == 0)
            return false;
        if (got < 0) {
            *status = -1;
            return errno != EINTR;
        }
        if (!WIFSTOPPED(*status))
            return true;
        stop_too(WSTOPSIG(*status));
    }
}

/* Handle what the signal descriptor has. True when the program ended. */
static bool
handle_signals(int fd, pid_t pid, struct wr_scout *scout, int *status)
{
    struct batch b = {.count = 0};
    read_batch(fd, &b);
    forward_batch(fd, pid, &b, scout);
    return b.child && reap(pid, status);
}

int
wr_supervise(struct wr_supervision *s)
{
    struct pollfd fd[1 + WR_WATCH_MAX];
    nfds_t count = 1 + s->sockets;
    struct wr_scout scout;
    sigset_t all;
    int status = -1;
    sigfillset(&all);
    fd[0].fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    fd[0].events = POLLIN;
    for (size_t i = 0; i < s->sockets; i++)
        fd[1 + i] = (struct pollfd){.fd = s->socket[i], .events = POLLIN};
    if (fd[0].fd < 0)
        return waitpid(s->pid, &status, 0) == s->pid ? status : -1;
    wr_scout_start(&scout);
    for (;;) {
        int ready = poll(fd, count, s->tick_ms > 0 ? s->tick_ms : -1);
        if (ready < 0 && errno != EINTR)
            break;
        if (ready == 0)
            s->tick(s->cls);
        if (fd[0].revents && handle_signals(fd[0].fd, s->pid, &scout, &status))
            break;
        bool knocked = false;
        for (nfds_t i = 1; i < count; i++)
            knocked |= fd[i].revents != 0;
        if (knocked) {
            count = 1;
            s->knock(s->cls);
        }
    }
    wr_scout_stop(&scout);
    close(fd[0].fd);
    return status;
}

_Noreturn void
wr_exit_like(int status, const struct wr_inherited *was)
{
    fflush(NULL);
    if (status == -1)
        _exit(125);
    if (!WIFSIGNALED(status))
        _exit(WEXITSTATUS(status));
    struct rlimit none = {0, 0};
    struct sigaction plain = {.sa_handler = SIG_DFL};
    int number = WTERMSIG(status);
    sigset_t one;
    /* The program left a core if one was wanted; ours would hide it. */
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    wr_inherited_restore(was);
    sigaction(number, &plain, NULL);
    sigemptyset(&one);
    sigaddset(&one, number);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    _exit(128 + number);
}
