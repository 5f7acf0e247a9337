/* 3: a profile when the program wants one.
 *
 *     $ ./3-profile out.pb
 *     $ weir top out.pb          or        $ go tool pprof -top out.pb
 *
 * A server would do this when it is asked to, a batch job at its peak. The
 * file holds addresses and build ids; whoever reads it finds the names.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/weir.h>

static int
write_heap_profile(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    weir_err err;

    if (fd < 0) {
        perror(path);
        return -1;
    }
    err = weir_profile_write(fd, "heap");
    close(fd);
    if (err != WEIR_OK) {
        fprintf(stderr, "no profile: %s\n", weir_strerror(err));
        return -1;
    }
    return 0;
}

/* Not inlined, so that the profile shows it under its name in any build. */
static __attribute__((noinline)) void *
load_picture(size_t bytes)
{
    void *picture = malloc(bytes);

    if (picture == NULL)
        abort();
    return memset(picture, 128, bytes);
}

int
main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "out.pb";
    void *pictures[32];

    for (int i = 0; i < 32; i++)
        pictures[i] = load_picture(1 << 20);
    if (write_heap_profile(path) != 0)
        return 1;
    printf("wrote %s, one sample about every %llu bytes\n", path,
           (unsigned long long)weir_profile_rate());
    for (int i = 0; i < 32; i++)
        free(pictures[i]);
    return 0;
}
