/* Fork, in a program whose other threads are inside malloc all the time. A
 * child that hangs is killed after a while, which fails the case. */
#define _GNU_SOURCE
#include "cases.h"
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HAMMERS = 4, FORKS = 100, SHARED = 512, PATIENCE_S = 20 };

static _Atomic bool stop;
static pthread_t hammer[HAMMERS];
static void *parents[SHARED]; /* blocks of the parent, freed by children */

/* Small ones mostly, and large ones that take the page heap's lock. */
static void *
hammering(void *seed)
{
    unsigned r = (unsigned)(uintptr_t)seed * 2654435761u + 1;
    void *block[64] = {0};
    while (!stop) {
        r = r * 1664525 + 1013904223;
        int i = (int)(r >> 26);
        free(block[i]);
        size_t n = r % 50 == 0 ? 40000 + r % 500000 : 1 + (r >> 8) % 3000;
        block[i] = r & 64 ? malloc(n) : calloc(1, n);
    }
    for (int i = 0; i < 64; i++)
        free(block[i]);
    return NULL;
}

static void
start_hammers(void)
{
    stop = false;
    for (int i = 0; i < HAMMERS; i++)
        pthread_create(&hammer[i], NULL, hammering, (void *)(uintptr_t)i);
}

static void
stop_hammers(void)
{
    stop = true;
    for (int i = 0; i < HAMMERS; i++)
        pthread_join(hammer[i], NULL);
}

static bool
child_is_well(pid_t pid)
{
    int status = -1;
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void *
some_work(void *unused)
{
    for (unsigned i = 0; i < 2000; i++) {
        size_t n = i % 100 == 0 ? 200000 : 1 + i * 7 % 2500;
        void *p = malloc(n);
        if (!p)
            _exit(3);
        memset(p, 1, n);
        free(p);
    }
    return NULL;
}

/* What a child does: the parent's blocks are there, can be freed, and the
 * heap gives new ones; threads can be made. */
static void
child_life(bool with_thread)
{
    alarm(PATIENCE_S);
    for (int i = 0; i < SHARED; i++) {
        if (!painted(parents[i], 24u + (unsigned)i * 13, (unsigned)i))
            _exit(2);
        free(parents[i]);
    }
    some_work(NULL);
    if (with_thread) {
        pthread_t t;
        if (pthread_create(&t, NULL, some_work, NULL) != 0)
            _exit(4);
        pthread_join(t, NULL);
    }
}

static void
fork_under_hammers(void)
{
    start_hammers();
    for (int i = 0; i < FORKS; i++) {
        for (int k = 0; k < SHARED; k++)
            paint(parents[k] = malloc(24u + (unsigned)k * 13),
                  24u + (unsigned)k * 13, (unsigned)k);
        pid_t pid = fork();
        if (pid == 0) {
            child_life(i % 8 == 0);
            _exit(0);
        }
        expect(child_is_well(pid));
        for (int k = 0; k < SHARED; k++) {
            expect(painted(parents[k], 24u + (unsigned)k * 13, (unsigned)k));
            free(parents[k]);
        }
    }
    stop_hammers();
}

static void
exit_in_children(void)
{
    start_hammers();
    for (int i = 0; i < 50; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            alarm(PATIENCE_S);
            free(malloc(777));
            exit(0); /* runs atexit and destructors */
        }
        expect(child_is_well(pid));
    }
    stop_hammers();
}

static void *
forking(void *unused)
{
    for (int i = 0; i < 40; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            alarm(PATIENCE_S);
            for (int k = 0; k < 300; k++)
                free(malloc(1u + (unsigned)k * 111));
            _exit(0);
        }
        expect(child_is_well(pid));
    }
    return NULL;
}

static void
several_threads_fork(void)
{
    pthread_t t[4];
    start_hammers();
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, forking, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    stop_hammers();
}

static void
generations(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        alarm(PATIENCE_S);
        for (int depth = 0; depth < 20; depth++) {
            void *p = malloc(100000);
            pid_t next = fork();
            if (next > 0)
                _exit(child_is_well(next) ? 0 : 5);
            free(p);
            start_hammers();
            stop_hammers();
        }
        _exit(0);
    }
    expect(child_is_well(pid));
}

static _Atomic int prepared, in_parent;

static void
handler_allocates(_Atomic int *count)
{
    (*count)++;
    free(malloc(1000));
    free(malloc(100000));
}

static void
at_prepare(void)
{
    handler_allocates(&prepared);
}

static void
at_parent(void)
{
    handler_allocates(&in_parent);
}

static void
at_child(void)
{
    handler_allocates(&in_parent);
}

static void
handlers_allocate(void)
{
    pthread_atfork(at_prepare, at_parent, at_child);
    fork_under_hammers();
    expect(prepared == FORKS && in_parent == FORKS);
}

static const struct test_case cases[] = {
    {"children of a threaded program allocate and free", fork_under_hammers},
    {"children of a threaded program exit in order", exit_in_children},
    {"children fork and run threads themselves", generations},
    {"several threads fork at once", several_threads_fork},
    {"fork handlers may allocate", handlers_allocate},
};

int
main(void)
{
    return RUN_CASES(cases);
}
