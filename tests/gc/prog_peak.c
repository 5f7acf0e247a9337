/* Grows, shrinks and grows again, with a cycle at each end, and a child that
 * does it by itself. Prints their process ids. With a FILE it writes its heap
 * there, when it is small. Linked with libweir. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/gc.h>

struct node {
    struct node *next;
    char name[48];
};

struct node *kept_nodes;

__attribute__((noinline)) static void
keep_node(void)
{
    struct node *n = weir_new(struct node);

    n->next = kept_nodes;
    kept_nodes = n;
}

__attribute__((noinline)) static void
lose_nodes(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        (void)weir_new(struct node);
}

/* Nothing of what was lost is left on the stack. */
__attribute__((noinline)) static void
clear_stack(void)
{
    volatile char dirt[16384];

    memset((char *)dirt, 0, sizeof dirt);
}

static void
keep_so_many(unsigned n)
{
    kept_nodes = NULL;
    for (unsigned i = 0; i < n; i++)
        keep_node();
    lose_nodes(5000);
    for (int tries = 0; tries < 100; tries++) {
        clear_stack();
        if (weir_gc_collect() == WEIR_OK)
            return;
    }
    abort();
}

/* Where much else runs, threads may not get their turn to stand still. */
static void
write_heap(const char *path)
{
    for (int tries = 0; tries < 100; tries++)
        if (weir_gc_snapshot(path) == WEIR_OK)
            return;
    abort();
}

int
main(int argc, char **argv)
{
    pid_t child;

    keep_so_many(1000);
    keep_so_many(100);
    if (weir_gc_snapshot(NULL) != WEIR_EINVAL ||
        weir_gc_snapshot("/nowhere/at/all") != WEIR_ENOTSUP)
        return 1;
    if (argc > 1)
        write_heap(argv[1]);
    keep_so_many(1010);
    child = fork();
    if (child == 0) {
        keep_so_many(300);
        return 0;
    }
    if (child < 0 || waitpid(child, NULL, 0) != child)
        return 1;
    printf("%d %d\n", (int)getpid(), (int)child);
    return 0;
}
