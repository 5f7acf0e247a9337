/* Workloads of one kind of call: single sizes, orders of freeing, growing. */
#include "load.h"

#include <string.h>

enum { BATCH = 1000, LIVE = 20000 };

/* The block is freed at once. */
static void
run_pair(struct load *l)
{
    uint64_t state = 1;

    for (uint64_t i = 0; i < l->wanted; i++) {
        size_t bytes = l->bytes != 0 ? l->bytes : rnd_mix(&state);

        l->sum += block_give(block_take(bytes, i), bytes);
    }
    l->ops += l->wanted;
}

static void
fill(struct load *l, struct slot *s, uint64_t *state)
{
    for (int k = 0; k < BATCH; k++) {
        s[k].bytes = l->bytes != 0 ? l->bytes : rnd_mix(state);
        s[k].p = block_take(s[k].bytes, *state + (uint64_t)k);
    }
    l->ops += BATCH;
}

static void
run_lifo(struct load *l)
{
    struct slot *s = own_map(BATCH * sizeof *s);
    uint64_t state = 2;

    while (l->ops < l->wanted) {
        fill(l, s, &state);
        for (int k = BATCH; k-- > 0;)
            l->sum += block_give(s[k].p, s[k].bytes);
    }
}

static void
run_fifo(struct load *l)
{
    struct slot *s = own_map(BATCH * sizeof *s);
    uint64_t state = 3;

    while (l->ops < l->wanted) {
        fill(l, s, &state);
        for (int k = 0; k < BATCH; k++)
            l->sum += block_give(s[k].p, s[k].bytes);
    }
}

/* --- Random lifetimes, also in threads that share nothing -------------- */

struct part {
    struct load load;
    uint64_t n, state;
};

static void *
replace_at_random(void *arg)
{
    struct part *part = arg;
    struct load *l = &part->load;
    struct slot *s = own_map(LIVE * sizeof *s);

    for (uint64_t i = 0; i < part->n; i++) {
        struct slot *one = &s[rnd_below(&part->state, LIVE)];
        size_t bytes = l->bytes != 0 ? l->bytes : rnd_mix(&part->state);

        l->sum += slot_renew(one, bytes, i);
    }
    l->sum += slots_empty(s, LIVE);
    l->ops = part->n;
    return NULL;
}

static void
run_random(struct load *l)
{
    struct part *part = own_map((size_t)l->threads * sizeof *part);

    for (int i = 0; i < l->threads; i++) {
        part[i].load = *l;
        part[i].n = l->wanted / (uint64_t)l->threads + 1;
        part[i].state = (uint64_t)i;
    }
    if (l->threads == 1)
        replace_at_random(part);
    else
        threads_run(l->threads, replace_at_random, part, sizeof *part);
    for (int i = 0; i < l->threads; i++) {
        l->sum += part[i].load.sum;
        l->ops += part[i].load.ops;
    }
}

/* --- Growing ------------------------------------------------------------ */

/* Text is put together by appending: many reallocs, most of them in place. */
static void
run_string_grow(struct load *l)
{
    static const char word[] = "a dozen bytes";
    uint64_t state = 4;

    while (l->ops < l->wanted) {
        size_t end = 64 + rnd_below(&state, 4096), used = 0;
        char *text = NULL;

        while (used < end) {
            text = realloc(text, used + sizeof word);
            if (text == NULL)
                load_die("no memory for a text");
            memcpy(text + used, word, sizeof word);
            used += sizeof word - 1;
            l->ops++;
        }
        l->sum += strlen(text) + (unsigned char)text[used / 2];
        free(text);
    }
}

enum { ARRAYS = 64 };

struct array {
    uint64_t *v;
    size_t used, room;
};

static void
array_append(struct load *l, struct array *a, uint64_t value)
{
    if (a->used == a->room) {
        a->room = a->room != 0 ? 2 * a->room : 4;
        a->v = realloc(a->v, a->room * sizeof *a->v);
        if (a->v == NULL)
            load_die("no memory for an array");
        l->ops++;
    }
    a->v[a->used++] = value;
}

/* Arrays that double, in turns, so that none can grow where it is. */
static void
run_array_grow(struct load *l)
{
    static struct array array[ARRAYS];
    uint64_t state = 5;

    while (l->ops < l->wanted) {
        size_t end = (size_t)ARRAYS << (4 + rnd_below(&state, 6));

        memset(array, 0, sizeof array);
        for (size_t i = 0; i < end; i++)
            array_append(l, &array[i % ARRAYS], rnd_next(&state));
        for (int k = 0; k < ARRAYS; k++) {
            l->sum += array[k].v[array[k].used / 2];
            free(array[k].v);
        }
    }
}

/* --- A tree of small nodes, built and pulled down ----------------------- */

struct node {
    struct node *left, *right;
    uint64_t key;
};

static struct node *
tree_insert(struct node *root, uint64_t key)
{
    struct node **at = &root, *new = calloc(1, sizeof *new);

    if (new == NULL)
        load_die("no memory for a node");
    while (*at != NULL)
        at = key < (*at)->key ? &(*at)->left : &(*at)->right;
    new->key = key;
    *at = new;
    return root;
}

static uint64_t
tree_free(struct node *n)
{
    uint64_t sum;

    if (n == NULL)
        return 0;
    sum = tree_free(n->left) + tree_free(n->right) + n->key;
    free(n);
    return sum;
}

static void
run_tree(struct load *l)
{
    uint64_t state = 6;

    while (l->ops < l->wanted) {
        struct node *root = NULL;

        for (int i = 0; i < BATCH; i++)
            root = tree_insert(root, rnd_next(&state));
        l->sum += tree_free(root);
        l->ops += BATCH;
    }
}

static void
run_calloc(struct load *l)
{
    uint64_t state = 7;

    for (uint64_t i = 0; i < l->wanted; i++) {
        size_t bytes = 16 + (rnd_next(&state) & 511);
        unsigned char *p = calloc(1, bytes);

        if (p == NULL)
            load_die("no memory for %zu bytes", bytes);
        l->sum += p[bytes / 2];
        block_tag(p, bytes, ~i);
        l->sum += block_give(p, bytes);
    }
    l->ops += l->wanted;
}

/* --- To be counted ------------------------------------------------------ */

#define EIGHT_TIMES(x)                                                         \
    do {                                                                       \
        x;                                                                     \
        x;                                                                     \
        x;                                                                     \
        x;                                                                     \
        x;                                                                     \
        x;                                                                     \
        x;                                                                     \
        x;                                                                     \
    } while (0)

/* Pairs and nothing else, for those who count instructions. Without a size
 * the pair is empty: what is left is the loop itself. */
void
run_loop(struct load *l)
{
    uint64_t n = l->wanted / 8;
    size_t bytes = l->bytes;

    if (bytes == 0)
        for (uint64_t i = 0; i < n; i++)
            EIGHT_TIMES(__asm__ volatile(""));
    else
        for (uint64_t i = 0; i < n; i++)
            EIGHT_TIMES(free(malloc(bytes)));
    l->ops += 8 * n;
}

const struct workload single_workloads[] = {
    {"pair-16", "single", run_pair, 20000000, 16, 1, "16 bytes, freed at once"},
    {"pair-64", "single", run_pair, 20000000, 64, 1, "64 bytes, freed at once"},
    {"pair-512", "single", run_pair, 20000000, 512, 1, "512 bytes, at once"},
    {"pair-4k", "single", run_pair, 15000000, 4096, 1, "4 KiB, freed at once"},
    {"pair-32k", "single", run_pair, 15000000, 32768, 1, "32 KiB, at once"},
    {"pair-mix", "single", run_pair, 15000000, 0, 1, "a mix of sizes, at once"},
    {"lifo-64", "single", run_lifo, 20000000, 64, 1, "1000, last freed first"},
    {"fifo-64", "single", run_fifo, 20000000, 64, 1, "1000, first freed first"},
    {"lifo-1k", "single", run_lifo, 6000000, 1024, 1, "the same of 1 KiB"},
    {"fifo-1k", "single", run_fifo, 2000000, 1024, 1, "the same of 1 KiB"},
    {"fifo-mix", "single", run_fifo, 6000000, 0, 1, "of a mix of sizes"},
    {"random-64", "single", run_random, 8000000, 64, 1,
     "20000 live, at random"},
    {"random-mix", "single", run_random, 4000000, 0, 1, "of a mix of sizes"},
    {"string-grow", "single", run_string_grow, 20000000, 0, 1, "by realloc"},
    {"array-grow", "single", run_array_grow, 1500000, 0, 1,
     "doubling in turns"},
    {"tree", "single", run_tree, 3000000, 0, 1, "trees, built and pulled down"},
    {"calloc", "single", run_calloc, 10000000, 0, 1, "16 to 527 zero bytes"},
    {"random-mix2", "threads", run_random, 4000000, 0, 2, "in 2 threads"},
    {"random-mix16", "threads", run_random, 2000000, 0, 16, "in 16 threads"},
    {NULL, NULL, NULL, 0, 0, 0, NULL},
};
