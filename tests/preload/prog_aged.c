/* A program that is older than a second and allocates: under Weir it has a
 * thread more, which must not be noticed. With an argument it only allocates,
 * until its stdin ends. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"

static double
seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
allocate(void)
{
    for (int i = 0; i < 100; i++) {
        char *volatile p = malloc(9000);
        memset(p, 1, 9000);
        free(p);
    }
}

/* Allocate until that much time has passed since the first call. */
static void
age(double age_s)
{
    static double born;
    if (born == 0)
        born = seconds();
    while (seconds() < born + age_s) {
        allocate();
        usleep(1000);
    }
}

static void
descriptors(void)
{
    double end = seconds() + 2.5;
    int lowest = open("/dev/null", O_RDONLY);
    close(lowest);
    while (seconds() < end) {
        int fd = open("/dev/null", O_RDONLY);
        if (fd != lowest)
            expect(fd == lowest);
        close(fd);
        allocate();
    }
}

/* Threads of this process, but those that are not the program's affair. */
static int
threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int n = 0;
    for (struct dirent *e; (e = readdir(tasks)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(tasks);
    return n;
}

static void
children(void)
{
    for (int i = 0; i < 200; i++) {
        int status = -1;
        pid_t pid = fork();
        if (pid == 0) {
            expect(threads() == 1);
            allocate();
            _exit(cases_failed != 0);
        }
        allocate();
        expect(waitpid(pid, &status, 0) == pid && status == 0);
    }
}

static void
spawned(void)
{
    for (int i = 0; i < 20; i++) {
        int status = -1;
        pid_t pid = vfork();
        if (pid == 0) {
            execl("/bin/true", "true", (char *)NULL);
            _exit(1);
        }
        allocate();
        expect(waitpid(pid, &status, 0) == pid && status == 0);
    }
}

/* No thread keeps what was given up. */
static void
credentials(void)
{
    uid_t to = getuid() == 0 ? 65534 : getuid();
    char line[64], path[64 + NAME_MAX], status[4096];
    expect(setuid(to) == 0);
    snprintf(line, sizeof line, "Uid:\t%u\t%u\t%u", to, to, to);
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *e; (e = readdir(tasks)) != NULL;) {
        snprintf(path, sizeof path, "/proc/self/task/%s/status", e->d_name);
        FILE *f = fopen(path, "r");
        if (!f)
            continue; /* "..", or a thread that has ended */
        status[fread(status, 1, sizeof status - 1, f)] = 0;
        expect(strstr(status, line) != NULL);
        fclose(f);
    }
    closedir(tasks);
    allocate();
}

static void
namespaces(void)
{
    errno = 0;
    unshare(CLONE_NEWUSER); /* for programs of a single thread */
    expect(errno != EINVAL);
    allocate();
}

static const struct test_case cases[] = {
    {"descriptors have the numbers they would have", descriptors},
    {"a forked child has one thread, and allocates", children},
    {"a program is started by vfork", spawned},
    {"no thread keeps the rights that were given up", credentials},
    {"a namespace of its own can be had", namespaces},
};

int
main(int argc, char **argv)
{
    struct pollfd in = {.fd = 0, .events = POLLIN};
    (void)argv;
    age(1.3);
    while (argc > 1 && poll(&in, 1, 0) == 0)
        allocate();
    return argc > 1 ? 0 : RUN_CASES(cases);
}
