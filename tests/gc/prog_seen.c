/* Managed blocks that are kept, and some that are not: tests/gc/seen.sh looks
 * from outside. Prints "ready"; on "c" it collects, on "l" it loses some more,
 * and says so. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
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

static void *
work(void *unused)
{
    for (int i = 0; i < KEPT; i++)
        kept_nodes = keep_node(kept_nodes);
    lose_nodes();
    return unused;
}

static void *
lose(void *unused)
{
    lose_nodes();
    return unused;
}

/* On a stack of its own, which ends with it. */
static void
run(void *(*fn)(void *))
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, fn, NULL) != 0)
        exit(1);
    pthread_join(thread, NULL);
}

int
main(void)
{
    int c;

    weir_gc_disable();
    run(work);
    puts("ready");
    fflush(stdout);
    while ((c = getchar()) != EOF) {
        if (c == 'l')
            run(lose);
        else if (c == 'c' && weir_gc_collect() != WEIR_OK)
            return 1;
        if (c == '\n')
            continue;
        printf("did %c\n", c);
        fflush(stdout);
    }
    return 0;
}
