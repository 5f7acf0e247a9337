/* A program with a large heap that loses memory all the time.
 *
 *     bench_loses MIB MILLIONS
 *
 * Lists of nodes of 48 bytes and a word for malloc's sake, MIB of them in all.
 * So many million times one of the lists, chosen at random, gets a new node in
 * front; its last is freed, or, every second time, only forgotten. At the end a
 * line tells the seconds that this took, those of the processors, the
 * most that was resident in MiB, and of the time that one step took the value
 * that 99.99 of a hundred are below and the longest: microseconds,
 * milliseconds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { LENGTH = 4, NODE = 64, UNITS = 1 << 20, UNIT_NS = 100 };

struct node {
    struct node *next;
    uint64_t number, text[4];
};

static struct node **list;
static uint64_t lists;
static uint32_t took[UNITS]; /* steps that took so many UNIT_NS, or more */

static uint64_t
ns_of(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t
any(uint64_t n)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % n;
}

static void
put(struct node **head, uint64_t number)
{
    struct node *n = malloc(sizeof *n);

    if (n == NULL)
        exit(1);
    n->next = *head;
    n->number = number;
    *head = n;
}

static void
step(uint64_t i)
{
    struct node **at = &list[any(lists)];

    put(at, i);
    while ((*at)->next != NULL)
        at = &(*at)->next;
    if (i % 2 == 0)
        free(*at);
    *at = NULL;
}

static double
us_below(uint64_t steps, double part)
{
    uint64_t n = 0, units = 0;

    while (units < UNITS - 1 && (n += took[units]) < (uint64_t)(steps * part))
        units++;
    return (double)units * UNIT_NS / 1e3;
}

static double
seconds_of(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

int
main(int argc, char **argv)
{
    uint64_t steps, begin, before, now, units, longest = 0;
    struct rusage used, copies;

    if (argc < 3)
        return 2;
    lists = strtoull(argv[1], NULL, 10) * ((1 << 20) / NODE / LENGTH);
    steps = strtoull(argv[2], NULL, 10) * 1000000;
    list = calloc(lists, sizeof *list);
    for (uint64_t i = 0; i < lists * LENGTH; i++)
        put(&list[i % lists], i);
    begin = before = ns_of(CLOCK_MONOTONIC);
    for (uint64_t i = 0; i < steps; i++, before = now) {
        step(i);
        now = ns_of(CLOCK_MONOTONIC);
        units = (now - before) / UNIT_NS;
        took[units < UNITS ? units : UNITS - 1]++;
        longest = now - before > longest ? now - before : longest;
    }
    getrusage(RUSAGE_SELF, &used);
    getrusage(RUSAGE_CHILDREN, &copies);
    printf("%8.2f %8.2f %8ld %10.1f %8.1f\n", (double)(before - begin) / 1e9,
           seconds_of(&used) + seconds_of(&copies), used.ru_maxrss / 1024,
           us_below(steps, 0.9999), (double)longest / 1e6);
    return 0;
}
