/* 19: files that nobody closes.
 *
 *     $ cc 19-files.c $(pkg-config --cflags --libs weir weir-bench)
 *     $ weir fds PID                     who opened what is still open
 *
 * A function that looks for a line in a file returns when it has found it, past
 * fclose: each call leaves a descriptor and its buffer, until open fails. What
 * is closed at the end of the scope is closed on all ways out.
 */
#include <fcntl.h>
#include <string.h>
#include "compare.h"

enum { CALLS = 100 };

static const char path[] = "/proc/self/status";

static int
wrong_call(const char *wanted)
{
    FILE *f = fopen(path, "r");
    char line[100];

    if (f == NULL)
        exit(1);
    while (fgets(line, sizeof line, f) != NULL)
        if (strstr(line, wanted) != NULL)
            return 1; /* f stays open */
    fclose(f);
    return 0;
}

static void
close_file(void *f)
{
    fclose(f);
}

static int
right_call(const char *wanted)
{
    FILE *f = fopen(path, "r");
    char line[100];

    if (f == NULL)
        exit(1);
    weir_defer(close_file, f);
    while (fgets(line, sizeof line, f) != NULL)
        if (strstr(line, wanted) != NULL)
            return 1;
    return 0;
}

static void
wrong(void)
{
    for (int i = 0; i < CALLS; i++)
        wrong_call("Name:");
}

static void
right(void)
{
    for (int i = 0; i < CALLS; i++)
        right_call("Name:");
}

static int
open_files(void)
{
    int n = 0;

    for (int fd = 0; fd < 1000; fd++)
        n += fcntl(fd, F_GETFD) != -1;
    return n;
}

int
main(void)
{
    int before = open_files(), w_files, r_files;
    struct weir_bench_use w, r;

    w = held("wrong: past fclose", wrong);
    w_files = open_files() - before;
    r = held("right: at the scope's end", right);
    r_files = open_files() - before - w_files;
    printf("wrong leaves %d files open, right %d\n", w_files, r_files);
    return lesson(w_files == CALLS && w.live_blocks >= CALLS && r_files == 0 &&
                  r.live_blocks == 0);
}
