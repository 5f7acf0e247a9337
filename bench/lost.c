/* A heap of so many MiB of 64-byte blocks that point at each other at random;
 * one in a thousand is lost:
 *
 *     bench_lost MIB [small | huge] [writing | once]
 *
 * small: in pages of 4 KiB, whatever the heap asks for; huge: in huge pages,
 * as the system makes them in time. Prints "ready", then waits; at SIGUSR1 it
 * says how long a plain fork takes. writing: it writes to its blocks instead,
 * and says every 100 ms how many thousands it has written. once: it ends, after
 * LeakSanitizer's search where it is built in.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 64, BATCH = 1000, HUGE = 2 << 20, COLLAPSE = 25 };

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static void **volatile held;
static volatile sig_atomic_t asked;

static double
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
ask(int number)
{
    (void)number;
    asked = 1;
}

static void
time_fork(void)
{
    double start = now_ms();
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    printf("fork %.2f\n", now_ms() - start);
    fflush(stdout);
    waitpid(child, NULL, 0);
}

static void
join_pages(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long from, end;
    char line[512], mode[8];

    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx %7s", &from, &end, mode) != 3 ||
            strcmp(mode, "rw-p") != 0 || strchr(line, '/') != NULL)
            continue;
        from = (from + HUGE - 1) & -(unsigned long)HUGE;
        end &= -(unsigned long)HUGE;
        if (from < end && madvise((void *)from, end - from, COLLAPSE) != 0)
            continue; /* some of it was never touched */
    }
    if (maps != NULL)
        fclose(maps);
}

static void
write_for_ever(size_t n)
{
    double next = now_ms() + 100;
    size_t at = 1;

    for (unsigned long thousands = 0;; thousands++) {
        for (int i = 0; i < BATCH; i++) {
            at = (at * 2862933555777941757u + 3037000493u) % n;
            if (held[at] != NULL)
                ((char *)held[at])[BLOCK - 1]++;
        }
        if (now_ms() < next)
            continue;
        printf("%lu\n", thousands);
        fflush(stdout);
        next = now_ms() + 100;
        thousands = 0;
    }
}

static void
fill(size_t n)
{
    void **blocks = malloc(n * sizeof *blocks);

    for (size_t i = 0; i < n; i++) {
        blocks[i] = malloc(BLOCK);
        memset(blocks[i], 0, BLOCK);
        if (i % 1000 == 999)
            blocks[i] = NULL;
        else if (i > 0)
            *(void **)blocks[i] = blocks[i * 2654435761u % i];
    }
    held = blocks;
}

static int
is(char **word, const char *wanted)
{
    for (; *word != NULL; word++)
        if (strcmp(*word, wanted) == 0)
            return 1;
    return 0;
}

int
main(int argc, char **argv)
{
    size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    size_t n = (mib << 20) / BLOCK;

    signal(SIGUSR1, ask);
    if (is(argv, "small"))
        prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    fill(n);
    if (is(argv, "huge"))
        join_pages();
    if (is(argv, "once")) {
        double start = now_ms();

        if (__lsan_do_recoverable_leak_check != NULL)
            (void)__lsan_do_recoverable_leak_check();
        printf("check %.0f\n", now_ms() - start);
        fflush(stdout);
        _exit(0);
    }
    puts("ready");
    fflush(stdout);
    if (is(argv, "writing"))
        write_for_ever(n);
    for (;; asked = 0) {
        pause();
        if (asked)
            time_fork();
    }
}
