/* 21: a collected heap that never stands still for long.
 *
 *     $ cc 21-store.c $(pkg-config --cflags --libs weir)
 *     $ WEIR=gctrace=1 ./a.out
 *     weir: gc marks beside the program, which tells of its stores
 *
 * Orders wait in queues, and nobody frees them. The program promises to store
 * its pointers by weir_store, so that a cycle stops it for its variables and
 * stacks alone. WEIR=gccheckmark=1 ./a.out says if the promise is broken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weir/weir.h>

enum { QUEUES = 1000, WAITING = 300000, SERVED = 1000000 };

struct order {
    struct order *next;
    long number;
};

struct queue {
    struct order *first, *last;
};

static void
append(struct queue *q, long number)
{
    struct order *o = weir_new(struct order);

    if (o == NULL)
        abort();
    o->number = number;
    if (q->first == NULL)
        weir_store(&q->first, o);
    else
        weir_store(&q->last->next, o);
    weir_store(&q->last, o);
}

static long
take(struct queue *q)
{
    struct order *o = q->first;

    if (o == NULL)
        return 0;
    weir_store(&q->first, o->next);
    return o->number;
}

int
main(void)
{
    struct queue *queue;
    struct weir_gc gc;
    long served = 0;

    if (weir_gc_use_barrier() != WEIR_OK)
        fputs("no memory for the barrier: cycles may stop longer\n", stderr);
    queue = weir_new_array(struct queue, QUEUES);
    if (queue == NULL)
        return 1;
    for (long i = 1; i <= WAITING; i++)
        append(&queue[i % QUEUES], i);
    for (long i = 1; i <= SERVED; i++) {
        served += take(&queue[i % QUEUES]) != 0;
        append(&queue[i * 7 % QUEUES], WAITING + i);
    }
    weir_gc_collect();
    if (weir_gc_read(&gc) != WEIR_OK)
        return 1;
    printf("%ld orders served, %s\n", served,
           gc.cycles > 1 ? "some cycles" : "no cycle");
    return 0;
}
