/* Supervise.
 *
 * 1. Every signal is blocked and read from a descriptor, so nothing
 *    interrupts and nothing is lost.
 * 2. A signal the kernel made (si_code SI_KERNEL) came from the terminal to
 *    the whole process group: the program has it already.
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

static void
forward(pid_t pid, const struct signalfd_siginfo *info)
{
    int number = (int)info->ssi_signo;
    if (info->ssi_code == SI_KERNEL || info->ssi_pid == (uint32_t)getpid() ||
        info->ssi_pid == (uint32_t)pid)
        return;
    /* `fg` continues the whole group: do not do it again. */
    if (number == SIGCONT && wr_process_state(pid) != 'T')
        return;
    union sigval value = {.sival_int = info->ssi_int};
    if (info->ssi_code == SI_QUEUE)
        sigqueue(pid, number, value);
    else
        kill(pid, number);
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
read_signals(int fd, pid_t pid, int *status)
{
    struct signalfd_siginfo info;
    bool child = false;
    while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            child = true;
        else
            forward(pid, &info);
    }
    return child && reap(pid, status);
}

int
wr_supervise(struct wr_supervision *s)
{
    struct pollfd fd[1 + WR_WATCH_MAX];
    nfds_t count = 1 + s->sockets;
    sigset_t all;
    int status = -1;
    sigfillset(&all);
    fd[0].fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    fd[0].events = POLLIN;
    for (size_t i = 0; i < s->sockets; i++)
        fd[1 + i] = (struct pollfd){.fd = s->socket[i], .events = POLLIN};
    if (fd[0].fd < 0)
        return waitpid(s->pid, &status, 0) == s->pid ? status : -1;
    while (poll(fd, count, -1) >= 0 || errno == EINTR) {
        if (fd[0].revents && read_signals(fd[0].fd, s->pid, &status))
            break;
        bool knocked = false;
        for (nfds_t i = 1; i < count; i++)
            knocked |= fd[i].revents != 0;
        if (knocked) {
            count = 1;
            s->knock(s->cls);
        }
    }
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
