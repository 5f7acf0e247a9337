/* Managed blocks that are kept, and some that are not: tests/gc/seen.sh looks
 * from outside. Prints "ready", collects when told by a line, prints "done". */
#include <pthread.h>
#include <stdio.h>
#include <weir/weir.h>

enum { KEPT = 1000, LOST = 5000 };

struct node {
    struct node *next;
    char text[56];
};

struct node *kept_nodes;

__attribute__((noinline)) static struct node *
keep_node(struct node *next)
{
    struct node *n = weir_new(struct node);

    if (n != NULL)
        n->next = next;
    return n;
}

__attribute__((noinline)) static void
lose_nodes(void)
{
    for (int i = 0; i < LOST; i++)
        (void)weir_new(struct node);
}

/* On a stack of its own, which ends with it. */
static void *
work(void *unused)
{
    for (int i = 0; i < KEPT; i++)
        kept_nodes = keep_node(kept_nodes);
    lose_nodes();
    return unused;
}

int
main(void)
{
    pthread_t thread;

    weir_gc_disable();
    if (pthread_create(&thread, NULL, work, NULL) != 0)
        return 1;
    pthread_join(thread, NULL);
    puts("ready");
    fflush(stdout);
    while (getchar() == '\n') {
        if (weir_gc_collect() != WEIR_OK)
            return 1;
        puts("done");
        fflush(stdout);
    }
    return 0;
}
