/* Nanoseconds of opening and closing descriptors in some ways, one a line. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TIMES = 40000 };

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
file(void)
{
    close(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static void
stream(void)
{
    FILE *f = fopen("/dev/null", "re");

    if (f != NULL)
        fclose(f);
}

static void
copy(void)
{
    close(dup(0));
}

static void
tcp(void)
{
    close(socket(AF_INET, SOCK_STREAM, 0));
}

static void
pipes(void)
{
    int pair[2];

    if (pipe(pair) == 0) {
        close(pair[0]);
        close(pair[1]);
    }
}

int
main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } ways[] = {{"open", file},
                {"fopen", stream},
                {"dup", copy},
                {"socket", tcp},
                {"pipe", pipes}};

    for (unsigned w = 0; w < sizeof ways / sizeof *ways; w++) {
        double start = now();

        for (int i = 0; i < TIMES; i++)
            ways[w].run();
        printf("%s %.1f\n", ways[w].name, (now() - start) / TIMES);
    }
    return 0;
}
