/* Clocks, memory and threads of the workloads.
 *
 * 1. Nothing here calls malloc between load_begin and load_end, but for what
 *    pthread_create does.
 * 2. own_bytes is what own_map handed out; all of it is resident.
 */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 64, GATE_STEPS = 10000000 };

static _Atomic size_t own_bytes;
static double cpu_before, wall_before;

void
load_die(const char *how, ...)
{
    va_list args;

    va_start(args, how);
    fputs("bench_alloc: ", stderr);
    vfprintf(stderr, how, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void
load_skip(const char *why)
{
    fprintf(stderr, "skip: %s\n", why);
    exit(77);
}

static double
wall_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Of all threads, those that ended too. */
static double
cpu_ns(void)
{
    struct rusage r;

    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e9 +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e3;
}

/* Read /proc/self/FILE; the text is cut where it does not fit. */
static const char *
proc_text(const char *file, char *text, size_t bytes)
{
    char path[64];
    int fd;
    ssize_t n;

    snprintf(path, sizeof path, "/proc/self/%s", file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? 0 : read(fd, text, bytes - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

long
proc_kib(const char *file, const char *name)
{
    char text[4096];
    const char *line = proc_text(file, text, sizeof text);

    while (line != NULL && strncmp(line, name, strlen(name)) != 0) {
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return line == NULL ? -1 : strtol(line + strlen(name) + 1, NULL, 10);
}

/* From then on the kernel's peak is that of what follows. */
static void
forget_peak(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (write(fd, "5", 1) != 1)
        errno = 0; /* an old kernel: the peak is of the whole life then */
    close(fd);
}

void
load_begin(void)
{
    forget_peak();
    wall_before = wall_ns();
    cpu_before = cpu_ns();
}

static long
less_own(long kib)
{
    return kib - (long)(atomic_load(&own_bytes) / 1024);
}

void
load_end(struct figures *f)
{
    f->cpu_ns = cpu_ns() - cpu_before;
    f->wall_ns = wall_ns() - wall_before;
    f->peak_kib = less_own(proc_kib("status", "VmHWM:"));
}

long
rss_kib(void)
{
    return less_own(proc_kib("status", "VmRSS:"));
}

void
own_note(size_t bytes)
{
    atomic_fetch_add(&own_bytes, bytes);
}

void *
own_map(size_t bytes)
{
    size_t whole = (bytes + 4095) & ~(size_t)4095;
    void *p = mmap(NULL, whole, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (p == MAP_FAILED)
        load_die("no memory for a table of %zu bytes", bytes);
    atomic_fetch_add(&own_bytes, whole);
    return p;
}

double
gate_us(void)
{
    uint64_t state = 1;
    double before = wall_ns();

    for (int i = 0; i < GATE_STEPS; i++)
        __asm__ volatile("" : : "r"(rnd_next(&state)));
    return (wall_ns() - before) / 1e3;
}

void
sleep_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

void
threads_run(int n, void *(*fn)(void *), void *parts, size_t bytes)
{
    pthread_t thread[THREADS_MAX];

    for (int i = 0; i < n; i++)
        if (pthread_create(&thread[i], NULL, fn,
                           (char *)parts + (size_t)i * bytes) != 0)
            load_die("cannot start a thread");
    for (int i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
}

uint64_t
slots_empty(struct slot *s, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        if (s[i].p != NULL)
            sum += block_give(s[i].p, s[i].bytes);
        s[i].p = NULL;
    }
    return sum;
}
