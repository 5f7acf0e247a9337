/* What the programs of this folder share: each loses memory, or does not, in
 * many ways, one a run.
 *
 *     PROGRAM           prints the names of its cases, one a line
 *     PROGRAM CASE      does it, prints "ready", then waits to be killed
 *     PROGRAM CASE ask  asks LeakSanitizer instead of waiting, in the middle
 *     PROGRAM CASE end  ends with exit()
 *     PROGRAM CASE N    does it N times and prints the most memory it had, in
 *                       KiB: if it leaves no threads
 *
 * What is to be found of each is in cases.txt. A case keeps no address on the
 * stack or in a register that it does not mean to: it is left through wipe(),
 * or what else the program defines as LEAVE.
 */
#ifndef TESTS_LEAK_CASE_H
#define TESTS_LEAK_CASE_H

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define APART __attribute__((noinline, noclone))

#ifndef LEAVE
#define LEAVE wipe
#endif

struct test_case {
    const char *name;
    void (*run)(void);
};

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

/* Where a thread is about to wait for good it says so; main waits for all. */
static _Atomic int threads_to_wait_for;

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* What was on the stack is gone. */
static APART void
wipe(void)
{
    volatile char stack[64 << 10];

    memset((char *)stack, 0, sizeof stack);
}

static void
wait_for_ever(void)
{
    threads_to_wait_for--;
    for (;;)
        pause();
}

static APART pthread_t
in_thread(void *(*function)(void *))
{
    pthread_t t;

    threads_to_wait_for++;
    pthread_create(&t, NULL, function, NULL);
    return t;
}

/* As in_thread, of one that says itself when it is where it stays. */
static APART void
settle(void)
{
    for (int i = 0; threads_to_wait_for > 0 && i < 1000; i++)
        usleep(1000);
    usleep(10000); /* from there into the system call */
}

/* What of the stack is left over from the last time may be anywhere in it, so
 * that it is cleared now and then will do. */
static int
run_often(const struct test_case *c, long times)
{
    struct rusage used;

    for (long i = 0; i < times && threads_to_wait_for == 0; i++) {
        c->run();
        if (i % 64 == 0)
            wipe();
    }
    getrusage(RUSAGE_SELF, &used);
    printf("%ld\n", used.ru_maxrss);
    return threads_to_wait_for == 0 ? 0 : 3;
}

static int
run_case(int argc, char **argv, const struct test_case *c)
{
    alarm(100); /* nobody may have to look for it */
    if (argc > 2 && atol(argv[2]) > 0)
        return run_often(c, atol(argv[2]));
    c->run();
    LEAVE();
    settle();
    if (argc > 2 && strcmp(argv[2], "end") == 0)
        exit(0);
    if (argc > 2 && __lsan_do_recoverable_leak_check != NULL) {
        (void)__lsan_do_recoverable_leak_check();
        _exit(0);
    }
    (void)!write(STDOUT_FILENO, "ready\n", 6);
    for (;;)
        pause();
}

static int
run_cases(int argc, char **argv, const struct test_case *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (argc < 2)
            puts(c[i].name);
        else if (strcmp(argv[1], c[i].name) == 0)
            return run_case(argc, argv, &c[i]);
    return argc < 2 ? 0 : 2;
}

#endif
