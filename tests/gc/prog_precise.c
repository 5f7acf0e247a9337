/* A random graph of typed blocks against its shadow: nothing that can be
 * reached is freed, and nothing that cannot survives two cycles, although
 * every block is full of numbers that are addresses of others.
 *
 *     prog_precise [SEED]
 *
 * Whatever has an address runs on a thread that ends before it is counted, so
 * that no stack and no register keeps anything. The shadow has no addresses;
 * those of blocks that may be dead are kept inverted.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/gc.h>

#define MUST(x)                                                                \
    do {                                                                       \
        if (!(x)) {                                                            \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #x);            \
            abort();                                                           \
        }                                                                      \
    } while (0)

enum { EDGES = 3, ROWS = 6, ROOTS = 16, NODES = 30000, ROUNDS = 60 };
enum { TARGETS = EDGES + 1 + ROWS };

typedef struct node node;

typedef struct row {
    uint64_t decoy;
    node *to;
    uint64_t decoys[2];
} row;
WEIR_TYPE(row, to);

struct node {
    uint64_t number;
    node *edge[EDGES];
    uint64_t decoy;
    union {
        node *to;
        uint64_t plain;
    } either;
    row *rows; /* ROWS of them */
    char *text;
    uint64_t decoys[];
};
WEIR_TYPE(node, edge, either, rows, text);

static node *root[ROOTS];

static struct {
    uint32_t to[TARGETS]; /* number and 1; 0: none */
    uint32_t decoys;
    uint32_t seen;
    uintptr_t hidden; /* inverted; 0: it is gone */
} shadow[NODES];
static uint32_t shadow_root[ROOTS], nodes, round_now;
static uint64_t chance_state;

static uint64_t
below(uint64_t n)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (chance_state >> 11) % n;
}

/* The address of any node there ever was. */
static uint64_t
decoy(void)
{
    return ~shadow[below(nodes + 1)].hidden; /* or none */
}

static node **
place(node *n, unsigned i)
{
    if (i < EDGES)
        return &n->edge[i];
    return i == EDGES ? &n->either.to : &n->rows[i - EDGES - 1].to;
}

static row *
new_rows(void)
{
    unsigned first = 1 + (unsigned)below(ROWS);
    row *r = weir_new_typed_array(row, first);

    for (unsigned i = 0; i < first; i++)
        r[i] = (row){decoy(), NULL, {decoy(), decoy()}};
    return realloc(r, ROWS * sizeof *r);
}

static node *
new_node(void)
{
    static const uint32_t sizes[] = {0, 0, 1, 3, 10, 70, 700, 9000};
    uint32_t many = sizes[below(sizeof sizes / sizeof *sizes)];
    node *n = weir_new_typed_flex(node, decoys, many);

    MUST(n != NULL && n->either.to == NULL && nodes < NODES);
    n->rows = new_rows();
    n->text = weir_new_noscan(char, 24);
    snprintf(n->text, 24, "node %u", nodes);
    n->number = nodes;
    n->decoy = decoy();
    for (uint32_t i = 0; i < many; i++)
        n->decoys[i] = decoy();
    shadow[nodes].decoys = many;
    shadow[nodes].hidden = ~(uintptr_t)n;
    nodes++;
    return n;
}

/* By a walk from a root, or none. */
static node *
any_node(void)
{
    node *n = root[below(ROOTS)];

    for (uint64_t i = below(20); i > 0 && n != NULL; i--) {
        node *next = *place(n, (unsigned)below(TARGETS));

        if (next != NULL)
            n = next;
    }
    return n;
}

static void
mutate(void)
{
    node *from = any_node(), *to = below(2) == 0 ? new_node() : any_node();
    uint32_t number = to != NULL ? (uint32_t)to->number + 1 : 0;

    if (from == NULL || below(10) == 0) {
        uint64_t r = below(ROOTS);

        root[r] = to;
        shadow_root[r] = number;
    } else {
        unsigned i = (unsigned)below(TARGETS);

        *place(from, i) = to;
        shadow[from->number].to[i] = number;
    }
}

static void *
mutate_much(void *unused)
{
    for (int i = 0; i < 700; i++)
        mutate();
    return unused;
}

static void
must_be_whole(const node *n, uint32_t number)
{
    char text[24];

    MUST(n->number == number);
    MUST(weir_gc_base(n) == n && weir_gc_base(n->rows) == n->rows);
    snprintf(text, sizeof text, "node %u", number);
    MUST(strcmp(n->text, text) == 0);
}

/* Walk both, side by side. */
static void *
agree(void *unused)
{
    struct step {
        node *n;
        uint32_t number;
    } *todo = malloc((NODES * TARGETS + ROOTS) * sizeof *todo);
    uint32_t n = 0;

    for (unsigned i = 0; i < ROOTS; i++)
        todo[n++] = (struct step){root[i], shadow_root[i]};
    while (n > 0) {
        struct step at = todo[--n];

        MUST((at.n != NULL) == (at.number != 0));
        if (at.n == NULL || shadow[at.number - 1].seen == round_now)
            continue;
        shadow[at.number - 1].seen = round_now;
        must_be_whole(at.n, at.number - 1);
        for (unsigned i = 0; i < TARGETS; i++)
            todo[n++] =
                (struct step){*place(at.n, i), shadow[at.number - 1].to[i]};
    }
    free(todo);
    return unused;
}

/* A block may be another by now: one that is large enough, or none of ours. */
static bool
is_node(const node *n, uint32_t number)
{
    return n->number == number && n->text != NULL &&
           weir_gc_base(n->text) == n->text;
}

/* Of those that no root leads to. */
static uint32_t still_there, dead;

static void *
count_dead(void *unused)
{
    for (uint32_t i = 0; i < nodes; i++) {
        const node *n = (const node *)~shadow[i].hidden;

        if (shadow[i].seen == round_now || shadow[i].hidden == 0)
            continue;
        if (weir_gc_base(n) == n && is_node(n, i)) {
            still_there++;
        } else {
            dead++;
            shadow[i].hidden = 0;
        }
    }
    return unused;
}

static void
on_a_thread(void *(*fn)(void *))
{
    pthread_t t;

    MUST(pthread_create(&t, NULL, fn, NULL) == 0);
    MUST(pthread_join(t, NULL) == 0);
}

/* A thread may not get its turn to stand still in time, but not always. */
static void
collect(void)
{
    int tries = 0;

    while (weir_gc_collect() != WEIR_OK)
        MUST(++tries < 100);
}

int
main(int argc, char **argv)
{
    chance_state = (argc > 1 ? strtoull(argv[1], NULL, 0) : 1) * 1000003;
    for (round_now = 1; round_now <= ROUNDS; round_now++) {
        on_a_thread(mutate_much);
        collect();
        collect();
        on_a_thread(agree);
        still_there = 0;
        on_a_thread(count_dead);
        MUST(still_there == 0);
    }
    MUST(dead > nodes / 4);
    printf("precise: %u nodes, %u dead\n", nodes, dead);
    return 0;
}
