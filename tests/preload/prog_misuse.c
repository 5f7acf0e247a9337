/* A program that breaks a promise to the heap, one kind for each argv[1].
 * It writes the address it misuses to stdout, then does it; coming back from
 * that it ends with status 3. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char global[64];

static void *
announce(void *address)
{
    char text[32];
    int n = snprintf(text, sizeof text, "0x%lx\n", (unsigned long)address);
    (void)!write(1, text, (size_t)n);
    return address;
}

static void *
free_in_thread(void *block)
{
    free(block);
    return NULL;
}

static void
in_a_thread(void *block)
{
    pthread_t t;
    pthread_create(&t, NULL, free_in_thread, block);
    pthread_join(t, NULL);
}

static void
free_twice(size_t bytes)
{
    void *p = announce(malloc(bytes));
    free(p);
    free(p);
}

static void
free_twice_with_others_between(void)
{
    void *other[100], *p = announce(malloc(64));
    for (int i = 0; i < 100; i++)
        other[i] = malloc(64);
    free(p);
    for (int i = 0; i < 100; i++)
        free(other[i]);
    free(p);
}

static void
free_then_in_thread(void)
{
    void *p = announce(malloc(64));
    free(p);
    in_a_thread(p);
}

static void
in_thread_then_free(void)
{
    void *p = announce(malloc(64));
    in_a_thread(p);
    free(p);
}

static void
in_two_threads(void)
{
    void *p = announce(malloc(64));
    in_a_thread(p);
    in_a_thread(p);
}

static void
never_allocated(void)
{
    char *pages = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    free(announce(pages + 4096));
}

static void
stack_address(void)
{
    char here[64];
    free(announce(here + 16));
}

static void
realloc_after_free(void)
{
    void *p = announce(malloc(64));
    free(p);
    free(realloc(p, 1000));
}

static void
of_an_unused_page(void)
{
    char *p = malloc(64);
    free(announce(p + (1u << 22))); /* inside the heap's space, unused */
}

#define ONE(name, call)                                                        \
    static void name(void)                                                     \
    {                                                                          \
        call;                                                                  \
    }
ONE(global_address, free(announce(global + 16)))
ONE(interior, free(announce((char *)malloc(64) + 16)))
ONE(misaligned, free(announce((char *)malloc(64) + 1)))
ONE(large_interior, free(announce((char *)malloc(1 << 20) + 8192)))
ONE(garbage, free(announce((void *)0xdeadbeefcafef00d)))
ONE(small_number, free(announce((void *)16)))
ONE(realloc_global, free(realloc(announce(global + 16), 100)))
ONE(usable_global, (void)malloc_usable_size(announce(global + 16)))
ONE(twice, free_twice(64))
ONE(twice_largest_small, free_twice(32768))
ONE(twice_large, free_twice(3 << 20))

static const struct {
    const char *name;
    void (*run)(void);
} misuse[] = {
    {"never-allocated", never_allocated},
    {"stack", stack_address},
    {"global", global_address},
    {"garbage", garbage},
    {"small-number", small_number},
    {"unused-page", of_an_unused_page},
    {"interior", interior},
    {"misaligned", misaligned},
    {"large-interior", large_interior},
    {"twice", twice},
    {"twice-32768", twice_largest_small},
    {"twice-large", twice_large},
    {"twice-others-between", free_twice_with_others_between},
    {"free-then-thread", free_then_in_thread},
    {"thread-then-free", in_thread_then_free},
    {"two-threads", in_two_threads},
    {"realloc-freed", realloc_after_free},
    {"realloc-global", realloc_global},
    {"usable-global", usable_global},
};

int
main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof misuse / sizeof *misuse; i++) {
        if (!strcmp(argv[1], misuse[i].name))
            misuse[i].run();
    }
    return 3;
}
