/* Workloads whose threads hand blocks to each other, or live close by.
 *
 * 1. What a thread does depends on its number and its part only, so sums do
 *    not depend on who ran when.
 * 2. Threads wait for each other asleep, never spinning: CPU time is work.
 */
#include "load.h"

#include <pthread.h>

enum { THREADS_MAX = 64, HELD = 1000, LIVES = 20 };

/* --- A server: threads hand all they hold to their successors ----------- */

struct server {
    struct load load;
    struct slot *held;
    uint64_t n, state;
};

static void *
serve_one_life(void *arg)
{
    struct server *s = arg;

    for (uint64_t i = 0; i < s->n; i++) {
        struct slot *one = &s->held[rnd_below(&s->state, HELD)];

        s->load.sum += slot_renew(one, 16 + rnd_below(&s->state, 1000), i);
    }
    s->load.ops += s->n;
    return NULL;
}

/* The next life's thread of that number gets the neighbour's blocks. */
static void
hand_on(struct server *s, int n)
{
    struct slot *first = s[0].held;

    for (int i = 0; i + 1 < n; i++)
        s[i].held = s[i + 1].held;
    s[n - 1].held = first;
}

static void
run_larson(struct load *l)
{
    struct server *s = own_map((size_t)l->threads * sizeof *s);
    uint64_t each = l->wanted / LIVES / (uint64_t)l->threads;

    for (int i = 0; i < l->threads; i++) {
        s[i] = (struct server){*l, own_map(HELD * sizeof(struct slot)),
                               each + 1, (uint64_t)i};
    }
    for (int life = 0; life < LIVES; life++) {
        threads_run(l->threads, serve_one_life, s, sizeof *s);
        hand_on(s, l->threads);
    }
    for (int i = 0; i < l->threads; i++) {
        l->sum += s[i].load.sum + slots_empty(s[i].held, HELD);
        l->ops += s[i].load.ops;
    }
}

/* --- One allocates, the other frees ------------------------------------- */

enum { CARRIED = 250, WAITING_MAX = 8 };

struct cart {
    struct slot slot[CARRIED];
};

/* Carts go full from the producer to the consumer, and come back empty. */
struct belt {
    pthread_mutex_t lock; /* guards sent and taken */
    pthread_cond_t moved;
    uint64_t sent, taken; /* carts */
    struct cart cart[WAITING_MAX];
};

static void
belt_wait(struct belt *b, uint64_t *mine, const uint64_t *other, uint64_t ahead)
{
    pthread_mutex_lock(&b->lock);
    while (*mine + 1 > *other + ahead)
        pthread_cond_wait(&b->moved, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

static void
belt_move(struct belt *b, uint64_t *mine)
{
    pthread_mutex_lock(&b->lock);
    ++*mine;
    pthread_cond_signal(&b->moved);
    pthread_mutex_unlock(&b->lock);
}

struct worker {
    struct load load;
    struct belt *belt;
    bool produces;
    uint64_t carts, state;
};

static void
load_cart(struct worker *w, struct cart *c)
{
    for (int k = 0; k < CARRIED; k++) {
        struct slot *s = &c->slot[k];

        s->bytes = w->load.bytes != 0 ? w->load.bytes : rnd_mix(&w->state);
        s->p = block_take(s->bytes, w->state + (uint64_t)k);
    }
    w->load.ops += CARRIED;
}

static void *
work(void *arg)
{
    struct worker *w = arg;
    struct belt *b = w->belt;

    for (uint64_t i = 0; i < w->carts; i++) {
        struct cart *c = &b->cart[i % WAITING_MAX];

        if (w->produces) {
            belt_wait(b, &b->sent, &b->taken, WAITING_MAX);
            load_cart(w, c);
            belt_move(b, &b->sent);
        } else {
            belt_wait(b, &b->taken, &b->sent, 0);
            w->load.sum += slots_empty(c->slot, CARRIED);
            belt_move(b, &b->taken);
        }
    }
    return NULL;
}

static struct belt *
belt_new(void)
{
    struct belt *b = own_map(sizeof *b);

    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->moved, NULL);
    return b;
}

static void
run_belts(struct load *l)
{
    struct worker *w = own_map((size_t)l->threads * sizeof *w);
    uint64_t carts = l->wanted / CARRIED / (uint64_t)(l->threads / 2);

    for (int i = 0; i < l->threads; i += 2) {
        struct belt *b = belt_new();

        w[i] = (struct worker){*l, b, true, carts + 1, (uint64_t)i};
        w[i + 1] = (struct worker){*l, b, false, carts + 1, (uint64_t)i};
    }
    threads_run(l->threads, work, w, sizeof *w);
    for (int i = 0; i < l->threads; i++) {
        l->sum += w[i].load.sum;
        l->ops += w[i].load.ops;
    }
}

/* --- Neighbours on a cache line ------------------------------------------ */

enum { WRITES = 100 };

struct neighbour {
    struct load load;
    void *first; /* allocated by the parent, beside the others' */
    uint64_t n;
};

static void *
scratch(void *arg)
{
    struct neighbour *me = arg;

    me->load.sum += block_give(me->first, 8);
    for (uint64_t i = 0; i < me->n; i++) {
        volatile uint64_t *p = block_take(8, i);

        for (int k = 0; k < WRITES; k++)
            *p = *p + 1;
        me->load.sum += block_give((void *)p, 8);
    }
    me->load.ops = me->n;
    return NULL;
}

static void
run_scratch(struct load *l)
{
    struct neighbour *n = own_map((size_t)l->threads * sizeof *n);
    uint64_t each = l->wanted / (uint64_t)l->threads;

    for (int i = 0; i < l->threads; i++)
        n[i] = (struct neighbour){*l, block_take(8, (uint64_t)i), each + 1};
    threads_run(l->threads, scratch, n, sizeof *n);
    for (int i = 0; i < l->threads; i++) {
        l->sum += n[i].load.sum;
        l->ops += n[i].load.ops;
    }
}

/* --- Short lives ---------------------------------------------------------- */

enum { KEPT = 100, MADE = 400 };

struct mayfly {
    struct load load;
    struct slot *heritage; /* of the one before: KEPT blocks */
    uint64_t state;
};

/* Allocate some, leave a few of them to the next one. */
static void *
live_briefly(void *arg)
{
    struct mayfly *m = arg;
    struct slot mine[MADE] = {{NULL, 0}};

    for (int k = 0; k < MADE; k++)
        slot_renew(&mine[k], rnd_mix(&m->state), m->state);
    m->load.sum += slots_empty(m->heritage, KEPT);
    for (int k = 0; k < KEPT; k++)
        m->heritage[k] = mine[k];
    m->load.sum += slots_empty(mine + KEPT, MADE - KEPT);
    m->load.ops += MADE;
    return NULL;
}

static void
run_churn(struct load *l)
{
    struct mayfly *m = own_map((size_t)l->threads * sizeof *m);

    for (int i = 0; i < l->threads; i++)
        m[i] = (struct mayfly){*l, own_map(KEPT * sizeof(struct slot)),
                               (uint64_t)i};
    for (uint64_t done = 0; done < l->wanted; done += 2 * MADE)
        threads_run(l->threads, live_briefly, m, sizeof *m);
    for (int i = 0; i < l->threads; i++) {
        l->sum += m[i].load.sum + slots_empty(m[i].heritage, KEPT);
        l->ops += m[i].load.ops;
    }
}

const struct workload thread_workloads[] = {
    {"larson2", "threads", run_larson, 4000000, 0, 2, "threads hand on"},
    {"larson16", "threads", run_larson, 2000000, 0, 16, "with 16 threads"},
    {"larson64", "threads", run_larson, 1000000, 0, 64, "with 64 threads"},
    {"prodcons2", "threads", run_belts, 4000000, 0, 2, "one frees for another"},
    {"prodcons16", "threads", run_belts, 4000000, 0, 16, "eight such pairs"},
    {"prodcons64", "threads", run_belts, 2000000, 0, 64, "32 such pairs"},
    {"blowup", "threads", run_belts, 1500000, 1000, 2, "of 1000 bytes each"},
    {"scratch2", "threads", run_scratch, 4000000, 0, 2, "close neighbours"},
    {"scratch16", "threads", run_scratch, 4000000, 0, 16, "with 16 threads"},
    {"scratch64", "threads", run_scratch, 4000000, 0, 64, "with 64 threads"},
    {"churn", "threads", run_churn, 2000000, 0, 2, "short-lived threads"},
    {NULL, NULL, NULL, 0, 0, 0, NULL},
};
