/* A heap of so many MiB of 64-byte blocks that point at each other at random;
 * one in a thousand is lost. Prints "ready" and waits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void **volatile held;

int
main(int argc, char **argv)
{
    size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    size_t n = (mib << 20) / 64;
    void **blocks = malloc(n * sizeof *blocks);

    for (size_t i = 0; i < n; i++) {
        blocks[i] = malloc(64);
        memset(blocks[i], 0, 64);
        if (i % 1000 == 999)
            blocks[i] = NULL;
        else if (i > 0)
            *(void **)blocks[i] = blocks[i * 2654435761u % i];
    }
    held = blocks;
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
