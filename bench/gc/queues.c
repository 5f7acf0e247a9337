/* Many queues whose nodes lie scattered over the heap: nothing is near what it
 * points at, and each step writes a pointer somewhere else. */
#include "heap.h"
#include "work.h"

enum { QUEUES = 65536, WORDS = 7 };

struct node {
    struct node *next;
    uint64_t word[WORDS];
};
TYPE(node, next)

struct queue {
    struct node *first, *last;
};

static void
push(struct queue *q, uint64_t n)
{
    struct node *fresh = NEW(node);

    for (int i = 0; i < WORDS; i++)
        fresh->word[i] = n;
    if (q->last == NULL)
        STORE(&q->first, fresh);
    else
        STORE(&q->last->next, fresh);
    STORE(&q->last, fresh);
}

static uint64_t
pop(struct queue *q)
{
    struct node *n = q->first;
    uint64_t word;

    if (n == NULL)
        return 0;
    word = n->word[WORDS - 1];
    STORE(&q->first, n->next);
    if (q->first == NULL)
        STORE(&q->last, (struct node *)NULL);
    DROP(n);
    return word;
}

void
work_queues(struct part *p)
{
    struct queue *q = NEW_ARRAY(struct queue, QUEUES);
    uint64_t nodes = p->size / p->parts;

    part_begin(p);
    for (uint64_t i = 0; i < nodes; i++) {
        push(&q[below(p, QUEUES)], i);
        part_step(p);
    }
    for (uint64_t i = 0; i < p->ops; i++) {
        p->sum += pop(&q[below(p, QUEUES)]);
        push(&q[below(p, QUEUES)], i);
        part_step(p);
    }
}

void
work_cycles(struct part *p)
{
    struct queue *q = NEW_ARRAY(struct queue, QUEUES);

    CYCLES_OFF();
    for (uint64_t i = 0; i < p->size; i++)
        push(&q[below(p, QUEUES)], i);
    CYCLES_ON();
    for (uint64_t i = 0; i < p->ops; i++) {
        uint64_t begin = now_ns(), ns;

        CYCLE();
        ns = now_ns() - begin;
        if (i == 0 || ns < p->sum)
            p->sum = ns;
    }
    if (pop(&q[0]) > p->size) /* all that was alive till here */
        p->sum = 0;
}
