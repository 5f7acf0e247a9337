/* A program that loses 3 blocks with one more hanging off each, and one in its
 * destructor, and then ends:
 *
 *     prog_last exit|quick_exit|_exit|thread|fork|exec|killed [STATUS]
 *     prog_last none [STATUS]       loses nothing
 *     prog_last headless            its main thread ends, another says "ready"
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define APART __attribute__((noinline, noclone))

static void *volatile kept, *volatile freed_late, *volatile lost_late;

static APART void
wipe(void)
{
    volatile char stack[64 << 10];

    memset((char *)stack, 0, sizeof stack);
}

static APART void
lose(int blocks)
{
    for (int i = 0; i < blocks; i++) {
        void **p = malloc(100);

        *p = malloc(24);
    }
}

static APART void
hold(void)
{
    kept = malloc(50);
    freed_late = malloc(60);
    lost_late = malloc(70);
}

static void
free_at_exit(void)
{
    free(freed_late);
    freed_late = malloc(200);
}

__attribute__((destructor)) static void
last_of_all(void)
{
    free(freed_late);
    freed_late = NULL;
    lost_late = NULL;
}

static void *
thread_ends_later(void *unused)
{
    usleep(100000);
    return unused;
}

static APART void
forked(int status)
{
    pid_t child = fork();

    if (child == 0) {
        lose(1);
        wipe();
        exit(0);
    }
    (void)waitpid(child, NULL, 0);
    exit(status);
}

/* The process has no main thread any more, and goes on. */
static void *
thread_stays(void *unused)
{
    usleep(50000);
    (void)!write(STDOUT_FILENO, "ready\n", 6);
    for (;;)
        pause();
    return unused;
}

static void
end(const char *how, int status)
{
    pthread_t t;

    puts("this is written when it ends");
    if (strcmp(how, "quick_exit") == 0)
        quick_exit(status);
    if (strcmp(how, "_exit") == 0)
        _exit(status);
    if (strcmp(how, "thread") == 0) {
        pthread_create(&t, NULL, thread_ends_later, NULL);
        pthread_exit(NULL);
    }
    if (strcmp(how, "headless") == 0) {
        pthread_create(&t, NULL, thread_stays, NULL);
        pthread_exit(NULL);
    }
    if (strcmp(how, "fork") == 0)
        forked(status);
    if (strcmp(how, "exec") == 0)
        execl("/bin/true", "true", NULL);
    if (strcmp(how, "killed") == 0)
        kill(getpid(), SIGKILL);
    exit(status);
}

int
main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    if (strcmp(argv[1], "none") != 0) {
        atexit(free_at_exit);
        hold();
        lose(3);
        wipe();
    }
    end(argv[1], argc > 2 ? atoi(argv[2]) : 0);
}
