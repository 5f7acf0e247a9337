/* A program that loses blocks when it is told to, with SIGUSR1, and says how
 * often it did:
 *
 *     prog_grows      "ready", then "1", "2", ...
 *
 * It starts with 3 lost ones; each time 2 follow, with one hanging off each.
 * It holds 1000 blocks of the lost ones' size.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APART __attribute__((noinline, noclone))

static void *volatile kept[1000];

static APART void
wipe(void)
{
    volatile char stack[64 << 10];

    memset((char *)stack, 0, sizeof stack);
}

static APART void
hold_blocks(void)
{
    for (int i = 0; i < 1000; i++)
        kept[i] = malloc(4000);
}

static APART void
lose_early(void)
{
    for (int i = 0; i < 3; i++)
        strcpy(malloc(4000), "lost early");
}

static APART void
lose_late(void)
{
    for (int i = 0; i < 2; i++) {
        void *volatile *p = malloc(300);

        *p = malloc(40);
    }
}

int
main(void)
{
    sigset_t set;
    int number;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    hold_blocks();
    lose_early();
    wipe();
    puts("ready");
    for (int i = 1;; i++) {
        fflush(stdout);
        sigwait(&set, &number);
        lose_late();
        wipe();
        printf("told %d\n", i);
    }
}
