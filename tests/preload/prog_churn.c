/* Goes on allocating until it is killed: from many call paths, in threads
 * that come and go, in forked children, with libraries loaded and unloaded.
 * Writes one byte to stdout when it is under way. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT = 300, THREADS = 3 };

static void *walk(unsigned path, size_t bytes);

/* Four ways to go deeper: a path of 2-bit steps is a call stack of its own. */
#define WAY(name)                                                              \
    __attribute__((noinline)) static void *name(unsigned path, size_t bytes)   \
    {                                                                          \
        void *p = walk(path, bytes);                                           \
        __asm__ volatile("" : "+r"(p)); /* no tail call */                     \
        return p;                                                              \
    }
WAY(north)
WAY(east)
WAY(south)
WAY(west)

static void *
walk(unsigned path, size_t bytes)
{
    switch (path & 7) {
    case 4:
        return north(path >> 3, bytes);
    case 5:
        return east(path >> 3, bytes);
    case 6:
        return south(path >> 3, bytes);
    case 7:
        return west(path >> 3, bytes);
    }
    return malloc(bytes);
}

static void
churn(unsigned seed, int turns)
{
    void *kept[KEPT] = {0};
    for (int i = 0; i < turns; i++) {
        seed = seed * 1664525 + 1013904223;
        unsigned k = seed >> 8;
        size_t bytes = k % 200 == 0 ? k % 400000 : k % 3000;
        free(kept[k % KEPT]);
        kept[k % KEPT] = walk(seed >> 7, bytes);
        if (k % 16 == 0)
            kept[k % KEPT] = realloc(kept[k % KEPT], bytes * 2 + 1);
    }
    for (int i = 0; i < KEPT; i++)
        free(kept[i]);
}

static void *
thread(void *seed)
{
    churn((unsigned)(size_t)seed, 20000);
    return NULL;
}

static void
child(unsigned seed)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    churn(seed, 5000);
    _exit(0);
}

int
main(void)
{
    for (unsigned turn = 1;; turn++) {
        pthread_t t[THREADS];
        for (size_t i = 0; i < THREADS; i++)
            pthread_create(&t[i], NULL, thread, (void *)(turn * 16 + i));
        pid_t pid = fork();
        if (pid == 0)
            child(turn);
        void *library = dlopen("libm.so.6", RTLD_NOW);
        churn(turn * 16 + THREADS, 20000);
        if (library)
            dlclose(library);
        for (int i = 0; i < THREADS; i++)
            pthread_join(t[i], NULL);
        waitpid(pid, NULL, 0);
        if (turn == 1)
            (void)!write(1, "!", 1);
    }
}
