/* A program that has reserved far more than it uses, in all the ways there are,
 * and keeps one block by each. Two blocks are lost, one of them sparse itself.
 * Prints "ready", then waits to be killed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define APART __attribute__((noinline, noclone))
#define GIB   ((size_t)1 << 30)
#define LARGE (4 * GIB) /* of a block: the machine must have as much */

static void **volatile block;

static APART void **
map(size_t bytes, int flags, int fd)
{
    void *p =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, fd, 0);

    if (p == MAP_FAILED)
        exit(2);
    return p;
}

static APART void
fill(void)
{
    size_t words = GIB / sizeof(void *);
    int fd = (int)syscall(SYS_memfd_create, "sparse", 0);

    if (fd < 0 || ftruncate(fd, 64 * (off_t)GIB) != 0)
        exit(2);
    map(100 * GIB, MAP_PRIVATE | MAP_ANONYMOUS, -1)[77 * words] = malloc(100);
    map(64 * GIB, MAP_SHARED, fd)[33 * words] = malloc(200);
    map(64 * GIB, MAP_SHARED | MAP_ANONYMOUS, -1)[11 * words] = malloc(300);
    block = calloc(1, LARGE);
    if (block == NULL)
        exit(2);
    block[LARGE / sizeof(void *) - 1] = malloc(400);
    ((volatile char *)calloc(1, LARGE))[GIB] = 1;
    *(volatile char *)malloc(500) = 1;
}

static APART void
wipe(void)
{
    volatile char stack[64 << 10];

    memset((char *)stack, 0, sizeof stack);
}

int
main(void)
{
    fill();
    wipe();
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
