/* Uses up a stack:
 *
 *     prog_overflow main | two | thread | sort | own | taken | kill | other
 *
 * in the main thread, by two functions in turn, in a thread, by comparing in
 * qsort, with a signal stack of its own, with a handler of its own; or dies of
 * the same signal in other ways. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile int depth;

__attribute__((noinline)) static int
sinks(int n)
{
    volatile char room[100];

    room[n % 100] = 1;
    depth++;
    return sinks(n + 1) + room[n % 100];
}

static int pong(int n);

__attribute__((noinline)) static int
ping(int n)
{
    volatile char room[60];

    room[n % 60] = 1;
    return pong(n + 1) + room[n % 60];
}

__attribute__((noinline)) static int
pong(int n)
{
    volatile char room[60];

    room[n % 60] = 1;
    return ping(n + 1) + room[n % 60];
}

__attribute__((noinline)) static int
compares(const void *a, const void *b)
{
    int pair[2] = {2, 1};

    (void)a;
    (void)b;
    qsort(pair, 2, sizeof *pair, compares);
    return pair[0] - pair[1];
}

static void *
run_thread(void *arg)
{
    pthread_setname_np(pthread_self(), "sinker");
    return (void *)(long)sinks((int)(long)arg);
}

static void
own_handler(int number)
{
    static const char text[] = "handled\n";

    (void)number;
    (void)!write(1, text, sizeof text - 1);
    _exit(9);
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    static char alternate[131072];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, old;
    struct sigaction act = {.sa_handler = own_handler, .sa_flags = SA_ONSTACK};
    struct sigaction was;
    int pair[2] = {2, 1};
    pthread_t t;

    sigaltstack(NULL, &old);
    sigaction(SIGSEGV, NULL, &was);
    if ((old.ss_flags & SS_DISABLE) == 0 || was.sa_handler != SIG_DFL)
        return 3; /* it shows */
    if (strcmp(what, "main") == 0)
        return sinks(0);
    if (strcmp(what, "two") == 0)
        return ping(0);
    if (strcmp(what, "sort") == 0)
        qsort(pair, 2, sizeof *pair, compares);
    if (strcmp(what, "thread") == 0) {
        pthread_create(&t, NULL, run_thread, NULL);
        pthread_join(t, NULL);
    }
    if (strcmp(what, "own") == 0) {
        sigaltstack(&stack, NULL);
        return sinks(0);
    }
    if (strcmp(what, "taken") == 0) {
        sigaltstack(&stack, NULL);
        sigaction(SIGSEGV, &act, NULL);
        return sinks(0);
    }
    if (strcmp(what, "kill") == 0)
        raise(SIGSEGV);
    if (strcmp(what, "other") == 0)
        *(volatile int *)8 = 1;
    return 0;
}
