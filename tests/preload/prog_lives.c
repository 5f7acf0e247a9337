/* Allocation at the edges of a program's life: in constructors before main,
 * in destructors and atexit after it, in threads that are being born or
 * dying, in the destructors of their keys. */
#define _GNU_SOURCE
#include "cases.h"
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

static void *early[3];

static void
take_early(int which)
{
    early[which] = malloc(1000u + (unsigned)which);
    paint(early[which], 1000u + (unsigned)which, (unsigned)which);
    for (size_t n = 1; n < 100000; n *= 2)
        free(realloc(calloc(1, n), n + 9));
}

static void
before_libraries(int argc, char **argv, char **envp)
{
    take_early(0);
}

/* Runs before the constructors of every library. */
__attribute__((section(".preinit_array"),
               used)) static void (*preinit)(int, char **,
                                             char **) = before_libraries;

__attribute__((constructor(101))) static void
first_constructor(void)
{
    take_early(1);
}

__attribute__((constructor)) static void
last_constructor(void)
{
    take_early(2);
}

/* After main: prints only when something is wrong. */
static void
late(void)
{
    for (size_t n = 1; n < 3000000; n *= 3) {
        void *p = malloc(n);
        paint(p, n, 4);
        p = realloc(p, n * 2);
        if (!painted(p, n, 4))
            abort();
        free(p);
    }
}

__attribute__((destructor(101))) static void
last_destructor(void)
{
    late();
    if (!painted(early[1], 1001, 1))
        abort();
    free(early[1]);
}

static void
constructors(void)
{
    atexit(late);
    for (int i = 0; i < 3; i++)
        expect(painted(early[i], 1000u + (unsigned)i, (unsigned)i));
    free(early[0]);
    free(early[2]);
}

static void *
short_life(void *given)
{
    void *mine[20];
    for (int i = 0; i < 20; i++)
        mine[i] = malloc(16u << (i % 10));
    for (int i = 0; i < 20; i++)
        free(mine[i]);
    free(given);
    return malloc(100); /* freed by who joins */
}

static void
ten_thousand_threads(void)
{
    for (int batch = 0; batch < 400; batch++) {
        pthread_t t[25];
        for (int i = 0; i < 25; i++)
            expect(pthread_create(&t[i], NULL, short_life, malloc(64)) == 0);
        for (int i = 0; i < 25; i++) {
            void *given = NULL;
            pthread_join(t[i], &given);
            expect(given != NULL);
            free(given);
        }
    }
}

static _Atomic int detached_left;

static void *
detached_life(void *given)
{
    free(short_life(given));
    detached_left--;
    return NULL;
}

static void
detached_threads(void)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 64 << 10); /* the smallest in use */
    detached_left = 1000;
    for (int i = 0; i < 1000; i++) {
        pthread_t t;
        while (pthread_create(&t, &attr, detached_life, malloc(9)) != 0)
            sched_yield();
    }
    while (detached_left > 0)
        usleep(1000);
}

static pthread_key_t keys[4];
static _Atomic int key_runs;

/* Sets itself again until the last round, allocating in each: also after
 * the library's own key destructors have run. */
static void
key_destructor(void *value)
{
    int *round = value;
    int left = *round;
    free(round);
    key_runs++;
    free(malloc(5000));
    if (left > 1) {
        round = malloc(sizeof *round);
        *round = left - 1;
        pthread_setspecific(keys[left % 4], round);
    }
}

static void *
life_with_keys(void *unused)
{
    for (int i = 0; i < 4; i++) {
        int *round = malloc(sizeof *round);
        *round = 1 + i;
        pthread_setspecific(keys[i], round);
    }
    return NULL;
}

static void
key_destructors_allocate(void)
{
    for (int i = 0; i < 4; i++)
        pthread_key_create(&keys[i], key_destructor);
    for (int i = 0; i < 500; i++) {
        pthread_t t;
        pthread_create(&t, NULL, life_with_keys, NULL);
        pthread_join(t, NULL);
    }
    expect(key_runs >= 500 * 4);
}

/* A block is allocated by one thread that has ended and freed by another. */
static void *
make_blocks(void *into)
{
    void **block = into;
    for (int i = 0; i < 1000; i++)
        paint(block[i] = malloc(10u + (unsigned)i * 9), 10u + (unsigned)i * 9,
              (unsigned)i);
    return NULL;
}

static void
blocks_outlive_their_thread(void)
{
    static void *block[1000];
    for (int turn = 0; turn < 50; turn++) {
        pthread_t t;
        pthread_create(&t, NULL, make_blocks, block);
        pthread_join(t, NULL);
        for (int i = 0; i < 1000; i++) {
            expect(painted(block[i], 10u + (unsigned)i * 9, (unsigned)i));
            free(block[i]);
        }
    }
}

static void
threads_give_their_memory_back(void)
{
    struct mallinfo2 m = mallinfo2();
    /* All of the above freed what it took: 64 MiB would be thousands of
     * caches kept. */
    expect(m.uordblks + m.hblkhd < 64u << 20);
}

static void *
cancelled_life(void *unused)
{
    for (;;) {
        free(malloc(300));
        pthread_testcancel();
    }
}

static void
cancelled_threads(void)
{
    for (int i = 0; i < 300; i++) {
        pthread_t t;
        pthread_create(&t, NULL, cancelled_life, NULL);
        pthread_cancel(t);
        pthread_join(t, NULL);
    }
}

static void *
outlive_main(void *main_thread)
{
    pthread_join(*(pthread_t *)main_thread, NULL);
    for (unsigned i = 0; i < 20000; i++)
        free(malloc(i));
    exit(6);
}

/* In a child: its only thread is the main one there. */
static void
main_thread_leaves_first(void)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        static pthread_t self, other;
        self = pthread_self();
        pthread_create(&other, NULL, outlive_main, &self);
        pthread_exit(NULL);
    }
    waitpid(pid, &status, 0);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 6);
}

static const struct test_case cases[] = {
    {"constructors of every priority may allocate", constructors},
    {"ten thousand threads are born and die", ten_thousand_threads},
    {"a thousand detached threads end", detached_threads},
    {"destructors of thread keys may allocate", key_destructors_allocate},
    {"blocks outlive the thread that made them", blocks_outlive_their_thread},
    {"cancelled threads leave the heap whole", cancelled_threads},
    {"the main thread may end before the others", main_thread_leaves_first},
    {"ended threads keep no memory", threads_give_their_memory_back},
};

int
main(void)
{
    return RUN_CASES(cases);
}
