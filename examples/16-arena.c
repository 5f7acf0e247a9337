/* 16: what dies together.
 *
 *     $ cc 16-arena.c $(pkg-config --cflags --libs weir weir-bench)
 *
 * A request makes a tree of a thousand small nodes and throws it away. Node by
 * node that is a thousand allocations and as many frees, each of which can be
 * forgotten; cut from an arena it is none, once the arena has its memory.
 */
#include "compare.h"

enum { NODES = 1000 };

struct node {
    struct node *next;
    int value;
};

static void
wrong(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b)) {
        struct node *list = NULL, *n;
        for (int i = 0; i < NODES && (n = malloc(sizeof *n)) != NULL; i++) {
            *n = (struct node){list, i};
            list = n;
        }
        weir_bench_keep(list);
        while ((n = list) != NULL) {
            list = n->next;
            free(n);
        }
    }
}

static void
right(weir_bench *b, void *arg)
{
    struct weir_arena *a = arg;

    while (weir_bench_loop(b)) {
        struct node *list = NULL, *n;
        for (int i = 0;
             i < NODES && (n = weir_arena_take(a, sizeof *n)) != NULL; i++) {
            *n = (struct node){list, i};
            list = n;
        }
        weir_bench_keep(list);
        weir_arena_reset(a);
    }
}

int
main(void)
{
    struct weir_arena arena;
    struct weir_bench_result w, r;

    weir_arena_init(&arena, NULL, 0);
    w = compare("wrong: one by one", wrong, NULL);
    r = compare("right: an arena", right, &arena);
    weir_arena_fini(&arena);
    return lesson(w.allocs_per_op == NODES && r.allocs_per_op == 0);
}
