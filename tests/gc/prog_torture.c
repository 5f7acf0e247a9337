/* Collected memory under torture: nothing that can be reached is freed, what
 * cannot be reached goes, and the books balance, whatever else happens.
 *
 *     prog_torture graph|threads|fork|signals|finalizers|limit
 *                  [SEED [PART [barrier]]]
 *
 * With PART a PARTth of it: what suffices where each block costs a cycle.
 * Ends with status 0 after a line that says what was done, or stops at the
 * first thing that is wrong. Linked with libweir as a user's program is.
 *
 * It tells of its stores; with a word behind PART it promises so.
 *
 * The shadow graph knows each node by its number alone, never by its address,
 * so that it keeps nothing alive. Addresses of nodes that may be dead are kept
 * inverted.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/gc.h>
#include <weir/memstats.h>
#include <weir/store.h>

#define MUST(x)                                                                \
    do {                                                                       \
        if (!(x)) {                                                            \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #x);            \
            abort();                                                           \
        }                                                                      \
    } while (0)

static uint64_t seed;
static unsigned part = 1;

/* A part of n, but not none. */
static unsigned
some_of(unsigned n)
{
    return n > part ? n / part : 1;
}

static uint64_t
chance(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

static uint64_t
below(uint64_t *state, uint64_t n)
{
    return chance(state) % n;
}

/* ---- the books ---- */

static void
must_balance(void)
{
    struct weir_memstats m;

    MUST(weir_memstats(&m) == WEIR_OK);
    MUST(m.heap_objects == m.mallocs - m.frees);
    MUST(m.heap_sys == m.heap_inuse + m.heap_idle);
    MUST(m.heap_released <= m.heap_idle);
    MUST(m.heap_alloc <= m.heap_inuse);
    MUST(m.sys == m.heap_sys + m.stack_sys + m.mspan_sys + m.mcache_sys +
                      m.buck_hash_sys + m.gc_sys + m.other_sys);
    MUST(m.num_gc >= m.num_forced_gc);
}

/* Where much else runs, a thread may not get its turn to stand still in time;
 * but not always. */
static void
collect(void)
{
    int tries = 0;

    while (weir_gc_collect() != WEIR_OK)
        MUST(++tries < 100);
}

/* ---- a graph and its shadow ---- */

enum { EDGES = 4, ROOTS = 32, NODES = 20000 };

#define MAGIC UINT64_C(0x6e6f64652d6c6976)

struct node {
    uint64_t magic, number;
    struct node *edge[EDGES];
    char *text;      /* of the node's number; no pointers in it */
    uint64_t last[]; /* words that say the node's number, too */
};

static struct node *root[ROOTS];

static struct {
    uint32_t words;
    uint32_t edge[EDGES]; /* number and 1; 0: none */
    uintptr_t hidden;     /* its address, inverted; 0: never made, or gone */
    uint32_t seen;
} shadow[NODES];
static uint32_t shadow_root[ROOTS], nodes, round_now;

/* From 1 to 23 letters: shorter ones share their blocks. */
static int
text_of(char text[24], uint32_t number)
{
    return snprintf(text, 24, "%s%u", &"node of the graph, "[number % 19],
                    number);
}

static char *
new_text(uint32_t number)
{
    char text[24];
    int n = text_of(text, number);
    char *copy = weir_new_noscan(char, (size_t)n + 1);

    MUST(copy != NULL);
    for (int i = 0; i <= n; i++)
        MUST(copy[i] == 0);
    return memcpy(copy, text, (size_t)n + 1);
}

static struct node *
new_node(uint64_t *state)
{
    static const uint32_t sizes[] = {0, 0, 0, 1, 2, 5, 20, 100, 600, 5000};
    uint32_t words = sizes[below(state, sizeof sizes / sizeof *sizes)];
    size_t bytes = sizeof(struct node) + words * sizeof(uint64_t);
    struct node *n = weir_gc_alloc(bytes);

    MUST(n != NULL);
    for (size_t i = 0; i < bytes / 8; i++)
        MUST(((uint64_t *)n)[i] == 0);
    n->magic = MAGIC;
    n->number = nodes;
    n->text = new_text(nodes);
    for (uint32_t i = 0; i < words; i++)
        n->last[i] = nodes ^ MAGIC;
    memset(&shadow[nodes], 0, sizeof shadow[nodes]);
    shadow[nodes].words = words;
    shadow[nodes].hidden = ~(uintptr_t)n;
    nodes++;
    return n;
}

/* A node by a walk from a root, or none. */
static struct node *
any_node(uint64_t *state)
{
    struct node *n = root[below(state, ROOTS)];

    for (uint64_t i = below(state, 30); i > 0 && n != NULL; i--) {
        struct node *next = n->edge[below(state, EDGES)];

        if (next == NULL)
            break;
        n = next;
    }
    return n;
}

static void
mutate(uint64_t *state)
{
    struct node *from = any_node(state), *to = any_node(state);
    unsigned e = (unsigned)below(state, EDGES);
    unsigned r = (unsigned)below(state, ROOTS);
    uint64_t what = below(state, 100);

    if (what < 60 || from == NULL) {
        to = new_node(state);
        what = from == NULL ? 95 : what;
    }
    if (what < 90) { /* an edge changes, to a new node or another */
        weir_store(&from->edge[e], what < 75 ? to : NULL);
        shadow[from->number].edge[e] =
            from->edge[e] != NULL ? (uint32_t)to->number + 1 : 0;
    } else {
        root[r] = what < 97 ? to : NULL;
        shadow_root[r] = root[r] != NULL ? (uint32_t)root[r]->number + 1 : 0;
    }
}

static void
must_be_whole(const struct node *n, uint32_t number)
{
    char text[24];

    MUST(n->magic == MAGIC);
    MUST(n->number == number);
    MUST(weir_gc_base(n) == n);
    text_of(text, number);
    MUST(strcmp(n->text, text) == 0);
    for (uint32_t i = 0; i < shadow[number].words; i++)
        MUST(n->last[i] == (number ^ MAGIC));
}

/* Side by side; a stack of our own, since lists are long. */
static uint32_t
must_agree(void)
{
    static struct {
        const struct node *node;
        uint32_t number;
    } todo[NODES * EDGES + ROOTS];
    uint32_t n = 0, seen = 0;

    round_now++;
    for (unsigned i = 0; i < ROOTS; i++) {
        MUST((root[i] != NULL) == (shadow_root[i] != 0));
        if (root[i] != NULL) {
            todo[n].node = root[i];
            todo[n++].number = shadow_root[i] - 1;
        }
    }
    while (n > 0) {
        const struct node *at = todo[--n].node;
        uint32_t number = todo[n].number;

        must_be_whole(at, number);
        if (shadow[number].seen == round_now)
            continue;
        shadow[number].seen = round_now;
        seen++;
        for (unsigned e = 0; e < EDGES; e++) {
            MUST((at->edge[e] != NULL) == (shadow[number].edge[e] != 0));
            if (at->edge[e] != NULL) {
                todo[n].node = at->edge[e];
                todo[n++].number = shadow[number].edge[e] - 1;
            }
        }
    }
    memset(todo, 0, sizeof todo); /* they are roots themselves */
    return seen;
}

/* Of the nodes that no root leads to: how many are still there. A collector
 * that takes every word for an address keeps some by chance. */
static uint32_t
not_collected(void)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < nodes; i++) {
        const struct node *p = (const struct node *)~shadow[i].hidden;

        if (shadow[i].seen == round_now || shadow[i].hidden == 0)
            continue;
        if (weir_gc_base(p) == p && p->magic == MAGIC && p->number == i)
            n++;
        else
            shadow[i].hidden = 0;
    }
    return n;
}

/* Nothing of what was called before stays on the stack. */
__attribute__((noinline)) static void
clear_stack(void)
{
    volatile char dirt[65536];

    memset((char *)dirt, 0, sizeof dirt);
}

static void
collect_twice(void)
{
    for (int i = 0; i < 2; i++) {
        clear_stack();
        collect();
    }
}

__attribute__((noinline)) static void
mutate_much(uint64_t *state)
{
    for (unsigned i = 0; i < 400; i++)
        mutate(state);
}

static void
forget_graph(void)
{
    memset(root, 0, sizeof root);
    memset(shadow_root, 0, sizeof shadow_root);
    nodes = 0;
}

static void
torture_graph(void)
{
    static const int percent[] = {0, 5, 50, 100, 400, -1};
    uint32_t seen = 0, dead = 0, left = 0;

    for (unsigned k = 0; k < some_of(sizeof percent / sizeof *percent); k++) {
        uint64_t state = seed + k;

        weir_gc_set_percent(percent[k]);
        for (unsigned round = 0; round < some_of(40); round++) {
            mutate_much(&state);
            if (round % 4 == 0) {
                collect_twice();
                seen += must_agree();
                left += not_collected();
                must_balance();
            }
        }
        dead += nodes - must_agree();
        forget_graph();
    }
    MUST(part > 1 || (seen > 1000 && dead > 1000));
    MUST(left <= 20 + dead / 20);
    printf("graph: %u seen, %u dead, %u kept by chance\n", seen, dead, left);
}

/* ---- threads ---- */

struct chain {
    struct chain *next;
    uint64_t number;
    uint32_t *tiny; /* the number again, in a block that is shared */
};

static struct chain *
chain_of(unsigned n, uint64_t number)
{
    struct chain *first = NULL;

    for (unsigned i = 0; i < n; i++) {
        struct chain *c = weir_new(struct chain);

        MUST(c != NULL && c->next == NULL && c->number == 0);
        c->next = first;
        c->number = number;
        c->tiny = weir_new_noscan(uint32_t, 1 + i % 3);
        MUST(c->tiny != NULL && *c->tiny == 0);
        *c->tiny = (uint32_t)number;
        first = c;
    }
    return first;
}

static void
must_be_chain(const struct chain *c, unsigned n, uint64_t number)
{
    for (; c != NULL; c = c->next, n--)
        MUST(n > 0 && c->number == number && *c->tiny == (uint32_t)number);
    MUST(n == 0);
}

static struct chain *_Atomic handed_over;
static _Thread_local struct chain *own;

/* Keeps one chain on its stack, one in its storage, one in a block of malloc,
 * and hands one over to whoever comes. */
static void *
short_life(void *argument)
{
    uint64_t number = (uintptr_t)argument;
    struct chain *here = chain_of(50, number), *theirs;
    struct chain **block = malloc(sizeof *block);

    own = chain_of(50, number + 1);
    *block = chain_of(50, number + 2);
    theirs = atomic_exchange(&handed_over, chain_of(50, number + 3));
    for (unsigned i = 0; i < some_of(200); i++)
        (void)chain_of(20, number);
    must_be_chain(here, 50, number);
    must_be_chain(own, 50, number + 1);
    must_be_chain(*block, 50, number + 2);
    if (theirs != NULL)
        must_be_chain(theirs, 50, theirs->number);
    free(block);
    return NULL;
}

static void
torture_threads(void)
{
    enum { AT_ONCE = 4 };
    unsigned all = some_of(120) + AT_ONCE;
    pthread_t t[AT_ONCE];

    weir_gc_set_percent(5);
    for (uintptr_t i = 0; i < all; i++) {
        if (i >= AT_ONCE)
            pthread_join(t[i % AT_ONCE], NULL);
        MUST(pthread_create(&t[i % AT_ONCE], NULL, short_life,
                            (void *)(i * 10)) == 0);
        if (i % 8 == 0)
            collect();
    }
    for (int i = 0; i < AT_ONCE; i++)
        pthread_join(t[i], NULL);
    collect_twice();
    must_balance();
    printf("threads: %u lived\n", all);
}

/* ---- fork ---- */

static _Atomic bool over;

static void *
collect_always(void *unused)
{
    (void)unused;
    while (!atomic_load(&over)) {
        struct chain *c = chain_of(some_of(1000), 7);

        (void)weir_gc_collect();
        must_be_chain(c, some_of(1000), 7);
    }
    return NULL;
}

static void
live_on(struct chain *c)
{
    must_be_chain(c, some_of(3000), 5);
    for (int i = 0; i < 5; i++) {
        struct chain *more = chain_of(some_of(500), 9);

        collect();
        must_be_chain(more, some_of(500), 9);
    }
    must_be_chain(c, some_of(3000), 5);
    must_balance();
    _exit(0);
}

static void
torture_fork(void)
{
    struct chain *c = chain_of(some_of(3000), 5);
    unsigned children = some_of(20) + 1;
    pthread_t t;

    MUST(pthread_create(&t, NULL, collect_always, NULL) == 0);
    for (unsigned i = 0; i < children; i++) {
        int status;
        pid_t pid = fork();

        MUST(pid >= 0);
        if (pid == 0)
            live_on(c);
        must_be_chain(chain_of(some_of(100), 3), some_of(100), 3);
        MUST(waitpid(pid, &status, 0) == pid);
        MUST(status == 0);
    }
    atomic_store(&over, true);
    pthread_join(t, NULL);
    must_be_chain(c, some_of(3000), 5);
    must_balance();
    printf("fork: %u children\n", children);
}

/* ---- signals ---- */

static struct chain *volatile watched;
static _Atomic unsigned signals;

static void
look(int number)
{
    (void)number;
    must_be_chain(watched, some_of(200), 4);
    atomic_fetch_add(&signals, 1);
}

/* On a stack of its own, while other chains come and go. */
static void
torture_signals(void)
{
    stack_t s = {.ss_sp = malloc(65536), .ss_size = 65536};
    struct sigaction a = {.sa_handler = look, .sa_flags = SA_ONSTACK};
    struct itimerval every = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};

    watched = chain_of(some_of(200), 4);
    MUST(sigaltstack(&s, NULL) == 0);
    MUST(sigaction(SIGALRM, &a, NULL) == 0);
    weir_gc_set_percent(0);
    MUST(setitimer(ITIMER_REAL, &every, NULL) == 0);
    while (atomic_load(&signals) < some_of(300)) {
        struct chain *c = chain_of(some_of(300), 6);

        if (below(&seed, 8) == 0)
            collect();
        must_be_chain(c, some_of(300), 6);
    }
    MUST(setitimer(ITIMER_REAL, &never, NULL) == 0);
    must_balance();
    printf("signals: %u\n", atomic_load(&signals));
}

/* ---- finalizers ---- */

static _Atomic unsigned finalized, cleaned;
static struct chain *_Atomic resurrected;

/* What it makes may be collected while it runs, and it may let the block live:
 * then it comes again with the next finalizer, here none. */
static void
finalize(void *object, void *number)
{
    struct chain *c = object, *more = chain_of(20, 11);

    MUST(c->number == (uintptr_t)number);
    must_be_chain(c->next, 1, c->number + 1);
    if (c->number % 3 == 0)
        collect();
    must_be_chain(more, 20, 11);
    if (c->number % 5 == 0)
        atomic_store(&resurrected, c);
    atomic_fetch_add(&finalized, 1);
}

static void
clean(void *number)
{
    (void)number;
    must_be_chain(chain_of(20, 12), 20, 12);
    atomic_fetch_add(&cleaned, 1);
}

__attribute__((noinline)) static void
lose_tied(unsigned n)
{
    for (uintptr_t i = 0; i < n; i++) {
        struct chain *c = chain_of(1, i * 10);

        weir_store(&c->next, chain_of(1, i * 10 + 1));
        MUST(weir_gc_finalizer(c, finalize, (void *)(i * 10)) == WEIR_OK);
        MUST(weir_gc_cleanup(c->next, clean, NULL) == WEIR_OK);
    }
}

/* Chance keeps a few; the functions of all others run, each once. */
static void
torture_finalizers(void)
{
    unsigned n = some_of(400) + 20;
    struct chain *c;

    weir_gc_set_percent(10);
    lose_tied(n);
    for (int i = 0; atomic_load(&cleaned) < n - n / 5; i++) {
        MUST(i < 3000);
        collect_twice();
        usleep(1000);
    }
    MUST(atomic_load(&finalized) <= n && atomic_load(&cleaned) <= n);
    c = atomic_load(&resurrected);
    MUST(c != NULL && c->number % 5 == 0);
    must_be_chain(c->next, 1, c->number + 1);
    must_balance();
    printf("finalizers: %u ran\n", atomic_load(&finalized));
}

/* ---- a limit ---- */

/* To be run with gogc=off and a limit: it alone makes it collect. */
static void
torture_limit(void)
{
    struct chain *stays = chain_of(10000, 8);
    struct rusage u;
    struct weir_gc g;

    for (int i = 0; i < 2000; i++)
        MUST(weir_gc_alloc(300000) != NULL); /* 600 MB in all */
    must_be_chain(stays, 10000, 8);
    MUST(weir_gc_read(&g) == WEIR_OK);
    MUST(g.cycles > 3 && g.forced == 0);
    MUST(getrusage(RUSAGE_SELF, &u) == 0);
    MUST(u.ru_maxrss < 200 * 1024);
    must_balance();
    printf("limit: %ld MiB at most, %llu cycles\n", u.ru_maxrss / 1024,
           (unsigned long long)g.cycles);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } all[] = {{"graph", torture_graph},
               {"threads", torture_threads},
               {"fork", torture_fork},
               {"signals", torture_signals},
               {"finalizers", torture_finalizers},
               {"limit", torture_limit}};

    seed = (argc > 2 ? strtoull(argv[2], NULL, 0) : 1) * 1000003;
    part = argc > 3 ? (unsigned)atoi(argv[3]) : 1;
    MUST(argc <= 4 || weir_gc_use_barrier() == WEIR_OK);
    for (size_t i = 0; argc > 1 && i < sizeof all / sizeof *all; i++)
        if (strcmp(argv[1], all[i].name) == 0) {
            all[i].run();
            return 0;
        }
    fprintf(stderr, "usage: prog_torture graph|threads|fork|signals|"
                    "finalizers|limit [SEED [PART [barrier]]]\n");
    return 2;
}
