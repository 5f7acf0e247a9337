/* A program in one kind of memory trouble, or in none. Each kind has its
 * healthy twin.
 *
 *     trouble KIND SECONDS SIZE      SIZE: mebibytes a minute, or in all
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

struct item {
    struct item *next;
    char body[2000];
};

static struct item *all;       /* the cache */
static void *volatile dropped; /* what was lost last */
static char *slot[4096];       /* work in progress */
static double seconds, size;

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
nap(double s)
{
    nanosleep(&(struct timespec){(time_t)s, (long)((s - (time_t)s) * 1e9)}, 0);
}

/* ---- work that every program does: requests of all sizes, freed again ---- */

__attribute__((noinline)) static void
handle_request(void)
{
    size_t i = (size_t)rand() % 4096, bytes = (size_t)rand() % 3000;
    free(slot[i]);
    slot[i] = malloc(bytes + 1);
    memset(slot[i], 1, bytes + 1);
}

static void
work(void)
{
    for (int i = 0; i < 500; i++)
        handle_request();
}

/* ---- trouble ---- */

__attribute__((noinline)) static void
cache_put(void)
{
    struct item *i = malloc(sizeof *i);
    memset(i->body, 1, sizeof i->body);
    i->next = all;
    all = i;
}

__attribute__((noinline)) static void
lose_session(void)
{
    dropped = malloc(2000);
    memset((char *)dropped, 1, 2000);
    dropped = NULL;
}

static void *
wait_for_ever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

__attribute__((noinline)) static void
start_worker(void)
{
    pthread_attr_t a;
    pthread_t t;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 65536);
    pthread_create(&t, &a, wait_for_ever, NULL);
}

__attribute__((noinline)) static void
open_log(void)
{
    if (open("/dev/null", O_RDONLY) < 0)
        perror("open");
}

/* So often that `size` mebibytes a minute come, each 2 KB. */
static void
grow(double until_now, double *done, void (*put)(void), double minute)
{
    for (; *done < until_now / 60 * minute * 512; ++*done)
        put();
}

static void
run(void (*put)(void), double (*pace)(double))
{
    double start = now(), done = 0;
    for (double t; (t = now() - start) < seconds; nap(0.05)) {
        work();
        if (put)
            grow(pace(t), &done, put, size);
    }
}

static double
even(double t)
{
    return t;
}

/* Ever more slowly: what six seconds of even growth would bring, in all. */
static double
slowing(double t)
{
    return 6 * t / (t + 4);
}

static void
run_counted(void (*one)(void), double every)
{
    double start = now(), next = 0;
    for (double t; (t = now() - start) < seconds; nap(0.05)) {
        work();
        for (; next < t; next += every)
            one();
    }
}

/* Half of it goes at once: the blocks in between stay. */
static void
fragment(bool scattered)
{
    size_t n = (size_t)size * MIB / 512;
    char **block = malloc(n * sizeof *block);
    for (size_t i = 0; i < n; i++)
        memset(block[i] = malloc(512), 1, 512);
    for (size_t i = 0; i < n; i++)
        if (scattered ? i % 8 != 0 : i > n / 8)
            free(block[i]);
    run(NULL, even);
    free(block);
}

static void
map_more(void)
{
    char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p != MAP_FAILED)
        memset(p, 1, MIB);
}

__attribute__((noinline)) static void
load_all_at_once(void)
{
    char *p = malloc((size_t)size * MIB);
    if (!p)
        abort();
    memset(p, 1, (size_t)size * MIB);
    dropped = p;
}

int
main(int argc, char **argv)
{
    const char *kind = argc > 3 ? argv[1] : "";
    seconds = argc > 3 ? atof(argv[2]) : 0;
    size = argc > 3 ? atof(argv[3]) : 0;
    if (strcmp(kind, "steady") == 0)
        run(NULL, even);
    else if (strcmp(kind, "warm-up") == 0)
        run(cache_put, slowing);
    else if (strcmp(kind, "leak") == 0)
        run(lose_session, even);
    else if (strcmp(kind, "cache") == 0)
        run(cache_put, even);
    else if (strcmp(kind, "threads") == 0)
        run_counted(start_worker, 0.4);
    else if (strcmp(kind, "descriptors") == 0)
        run_counted(open_log, 0.1);
    else if (strcmp(kind, "fragments") == 0)
        fragment(true);
    else if (strcmp(kind, "released") == 0)
        fragment(false);
    else if (strcmp(kind, "foreign") == 0)
        run_counted(map_more, 60 / size);
    else if (strcmp(kind, "huge") == 0)
        work(), nap(seconds), load_all_at_once();
    else if (strcmp(kind, "sudden") == 0)
        nap(seconds), seconds = 60, run(cache_put, even);
    else
        return fprintf(stderr, "trouble KIND SECONDS SIZE\n"), 2;
    return 0;
}
