/* What a program that tells of its stores may do while a cycle marks.
 *
 *     prog_barrier CASE...
 *
 * Each case has treasures that only one block leads to, its victim, at the end
 * of a chain that takes long to mark. As soon as a cycle has begun, the case
 * puts the treasures into a block that is just made, which nobody looks into,
 * and does away with the way to them. After the cycle they must be as they
 * were: what a cycle frees is overwritten (WEIR=clobberfree=1). Meanwhile
 * nothing but that block has their addresses as they are.
 *
 * broken: without telling; a cycle is to find that out (gccheckmark=1).
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/gc.h>
#include <weir/store.h>

#define MUST(x)                                                                \
    do {                                                                       \
        if (!(x)) {                                                            \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #x);            \
            abort();                                                           \
        }                                                                      \
    } while (0)

enum {
    LINKS = 2000000,
    WORDS = 5,
    TRIES = 100,
    LARGE = 1 << 18, /* words of a large block */
    MIDDLE = 240,    /* words of a block of a size that nobody else has */
    MANY = 600,      /* of those: more than a thread keeps spans for */
    PLACES = 4096
};

struct link {
    struct link *next;
    void **victim; /* of the last */
};

struct treasure {
    uint64_t word[WORDS];
};

struct chest { /* made after the cycle began */
    struct treasure *treasure[MANY];
};

static struct link *chain;
static struct chest *chest;
static struct weir_gc_weak *weak;
static uintptr_t hidden_last; /* the last link, inverted */
static _Atomic bool over;

static struct treasure *
new_treasure(uint64_t number)
{
    struct treasure *t = weir_new(struct treasure);

    MUST(t != NULL);
    for (uint64_t i = 0; i < WORDS; i++)
        t->word[i] = number + i;
    return t;
}

static void
must_be_whole(void)
{
    MUST(chest != NULL && chest->treasure[0] != NULL);
    for (uint64_t n = 0; n < MANY && chest->treasure[n] != NULL; n++)
        for (uint64_t i = 0; i < WORDS; i++)
            MUST(chest->treasure[n]->word[i] == n + i);
}

static struct link *
last_link(void)
{
    return (struct link *)~hidden_last;
}

static void **
victim(void)
{
    return last_link()->victim;
}

/* A marker has to go through all of it to the victim. */
__attribute__((noinline)) static void
hang(void **victim)
{
    struct link *last = weir_new(struct link), *l;

    last->victim = victim;
    hidden_last = ~(uintptr_t)last;
    chain = last;
    for (int i = 0; i < LINKS; i++) {
        l = weir_new(struct link);
        MUST(l != NULL);
        l->next = chain;
        chain = l;
    }
}

/* ---- cycles ---- */

__attribute__((noinline)) static void
clear_stack(void)
{
    volatile char dirt[1 << 14];

    memset((char *)dirt, 0, sizeof dirt);
}

/* Where much else runs, a thread may not get its turn to stand still. */
static void
must_collect(void)
{
    int tries = 0;

    while (weir_gc_collect() != WEIR_OK)
        MUST(++tries < TRIES);
}

static void *
collect(void *arg)
{
    must_collect();
    atomic_store(&over, true);
    return arg;
}

static bool
marks(void)
{
    return __atomic_load_n(&weir_store_tells, __ATOMIC_ACQUIRE) != 0;
}

/* A cycle that marks just now; false: it was over too soon. */
static bool
begin_cycle(pthread_t *id)
{
    atomic_store(&over, false);
    MUST(pthread_create(id, NULL, collect, NULL) == 0);
    while (!marks() && !atomic_load(&over))
        ;
    return marks();
}

static void
during_cycle(void (*act)(void))
{
    pthread_t id;

    for (int i = 1; !begin_cycle(&id) && i < TRIES; i++)
        MUST(pthread_join(id, NULL) == 0);
    act();
    clear_stack();
    MUST(pthread_join(id, NULL) == 0);
}

/* ---- what is done ---- */

static void
take_out(uint64_t n, void *treasure)
{
    if (n == 0)
        chest = weir_new(struct chest);
    chest->treasure[n] = treasure;
}

static void
take_out_middle(void)
{
    for (uint64_t i = 0; i < MIDDLE; i++)
        take_out(i, victim()[i]);
}

static void
hang_middle(void)
{
    void **v = weir_new_array(void *, MIDDLE);

    for (uint64_t i = 0; i < MIDDLE; i++)
        weir_store(&v[i], (void *)new_treasure(i));
    hang(v);
}

static void
store(void)
{
    for (uint64_t i = 0; i < MIDDLE; i++) {
        take_out(i, victim()[i]);
        weir_store(&victim()[i], NULL);
    }
}

static void
swap(void)
{
    for (uint64_t i = 0; i < MIDDLE; i++)
        take_out(i, weir_swap(&victim()[i], NULL));
}

static void
store_if(void)
{
    take_out_middle();
    MUST(!weir_store_if(&victim()[0], (void *)chest, NULL));
    for (uint64_t i = 0; i < MIDDLE; i++)
        MUST(weir_store_if(&victim()[i], (void *)chest->treasure[i], NULL));
}

static void
clear(void)
{
    take_out_middle();
    weir_clear(victim(), MIDDLE * sizeof(void *));
    MUST(victim()[0] == NULL && victim()[MIDDLE - 1] == NULL);
}

/* Over what stands there, in both directions; the rest cannot be reached by
 * what was moved. */
static void
move(void)
{
    void **v = victim(), **other = weir_new_array(void *, MIDDLE);

    take_out_middle();
    weir_move(&v[1], &v[0], (MIDDLE - 1) * sizeof *v);
    for (int i = 1; i < MIDDLE; i++)
        MUST(v[i] == chest->treasure[i - 1]);
    weir_move(&v[0], &v[1], (MIDDLE - 1) * sizeof *v);
    for (int i = 0; i < MIDDLE - 1; i++)
        MUST(v[i] == chest->treasure[i]);
    weir_move(v, other, MIDDLE * sizeof *v);
}

static void
break_it(void)
{
    take_out_middle();
    for (uint64_t i = 0; i < MIDDLE; i++)
        victim()[i] = NULL;
}

/* ---- with large blocks ---- */

static void **
new_large(void)
{
    return weir_new_array(void *, LARGE);
}

static void
hang_large(void)
{
    void **v = new_large();

    weir_store(&v[LARGE / 2], (void *)new_treasure(0));
    hang(v);
}

static void
hang_mallocs(void)
{
    void **v = calloc(LARGE, sizeof *v);

    MUST(v != NULL);
    weir_store(&v[LARGE / 2], (void *)new_treasure(0));
    hang(v);
}

static void
free_large(void)
{
    take_out(0, victim()[LARGE / 2]);
    free(victim());
    weir_store(&last_link()->victim, (void **)NULL);
    MUST(weir_new_noscan(char, LARGE * sizeof(void *)) != NULL);
}

/* What it becomes is not looked into. */
static void
grow(void)
{
    void **more;

    take_out(0, victim()[LARGE / 2]);
    more = realloc(victim(), 64 * LARGE * sizeof *more);
    MUST(more != NULL && more[LARGE / 2] == chest->treasure[0]);
    more[LARGE / 2] = NULL; /* nothing new: is told as it was moved */
    weir_store(&last_link()->victim, more);
}

static void
shrink(void)
{
    void **less;

    take_out(0, victim()[LARGE / 2]);
    less = realloc(victim(), LARGE / 4 * sizeof *less);
    MUST(less != NULL);
    weir_store(&last_link()->victim, less);
}

/* ---- with many of one size ---- */

static _Atomic int turn; /* of the thread that makes them */

static void
make_many(void **v)
{
    void **block;

    for (uint64_t i = 0; i < MANY; i++) {
        block = weir_new_array(void *, MIDDLE);
        weir_store(&block[MIDDLE - 1], (void *)new_treasure(i));
        weir_store(&v[i], (void *)block);
    }
}

static void
hang_many(void)
{
    void **v = weir_new_array(void *, MANY);

    make_many(v);
    hang(v);
}

static void
free_many(void)
{
    for (uint64_t i = 0; i < MANY; i++) {
        void **block = victim()[i];

        take_out(i, block[MIDDLE - 1]);
        weir_gc_free(block);
    }
    weir_clear(victim(), MANY * sizeof(void *));
}

static void
take_again(void)
{
    free_many();
    for (int i = 0; i < MANY; i++)
        MUST(weir_new_array(void *, MIDDLE) != NULL);
}

static void
wait_for_turn(int n)
{
    while (atomic_load(&turn) != n)
        sched_yield();
}

/* Makes them, and takes them again when they were freed. */
static void *
maker(void *v)
{
    make_many(v);
    v = NULL;
    clear_stack();
    atomic_store(&turn, 1);
    wait_for_turn(2);
    for (int i = 0; i < MANY; i++)
        MUST(weir_new_array(void *, MIDDLE) != NULL);
    atomic_store(&turn, 3);
    return NULL;
}

static void
hang_anothers(void)
{
    void **v = weir_new_array(void *, MANY);
    pthread_t id;

    MUST(pthread_create(&id, NULL, maker, v) == 0);
    pthread_detach(id);
    wait_for_turn(1);
    hang(v);
}

static void
free_anothers(void)
{
    free_many();
    atomic_store(&turn, 2);
    wait_for_turn(3);
}

/* ---- other ways to it ---- */

static void
hang_weakly(void)
{
    weak = weir_gc_weak_new(new_treasure(0));
    hang(NULL);
}

static void
get_weak(void)
{
    take_out(0, weir_gc_weak_get(weak));
}

static void
pin_it(void)
{
    struct treasure *t = new_treasure(0);

    MUST(weir_gc_pin(t) == WEIR_OK);
    hang(weir_new_noscan(void *, 1));
    victim()[0] = (void *)~(uintptr_t)t;
}

static void
unpin(void)
{
    void *t = (void *)~(uintptr_t)victim()[0];

    MUST(weir_gc_unpin(t) == WEIR_OK);
    take_out(0, t);
}

static void
fork_then(void)
{
    pid_t child;
    int status;

    store();
    child = fork();
    MUST(child >= 0);
    if (child == 0) {
        MUST(!marks());
        must_collect();
        must_collect();
        must_be_whole();
        _exit(0);
    }
    MUST(waitpid(child, &status, 0) == child && status == 0);
}

/* ---- signal handlers that store ---- */

static struct treasure **place;
static _Atomic unsigned signals;

/* Whoever is interrupted in it may lose some; none comes to be another. */
static void
shuffle(int number)
{
    static uint64_t state = 1;

    for (int i = 0; i < 64; i++) {
        uint64_t a, b;
        struct treasure *t;

        state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
        a = state >> 33 & (PLACES - 1);
        b = state >> 48 & (PLACES - 1);
        t = place[a];
        weir_store(&place[a], place[b]);
        weir_store(&place[b], t);
    }
    if (number != 0)
        atomic_fetch_add(&signals, 1);
}

static void
hang_places(void)
{
    place = weir_new_array(struct treasure *, PLACES);
    for (uint64_t i = 0; i < PLACES; i++)
        weir_store(&place[i], new_treasure(i));
    hang((void **)place);
}

static void
be_interrupted(void)
{
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    struct sigaction sa = {.sa_handler = shuffle, .sa_flags = SA_RESTART};
    unsigned before = atomic_load(&signals);

    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (uint64_t i = 0; !atomic_load(&over) || signals == before; i++) {
        shuffle(0);
        weir_store(&place[i % PLACES], new_treasure(i));
    }
    setitimer(ITIMER_REAL, &never, NULL);
    for (uint64_t i = 0; i < PLACES; i++)
        for (uint64_t k = 1; k < WORDS; k++)
            MUST(place[i]->word[k] == place[i]->word[0] + k);
    take_out(0, new_treasure(0));
}

static const struct {
    const char *name;
    void (*hang)(void);
    void (*act)(void);
} cases[] = {{"store", hang_middle, store},
             {"swap", hang_middle, swap},
             {"store_if", hang_middle, store_if},
             {"clear", hang_middle, clear},
             {"move", hang_middle, move},
             {"broken", hang_middle, break_it},
             {"large", hang_large, free_large},
             {"mallocs", hang_mallocs, free_large},
             {"grow", hang_large, grow},
             {"shrink", hang_large, shrink},
             {"many", hang_many, free_many},
             {"again", hang_many, take_again},
             {"anothers", hang_anothers, free_anothers},
             {"weak", hang_weakly, get_weak},
             {"unpin", pin_it, unpin},
             {"fork", hang_middle, fork_then},
             {"signals", hang_places, be_interrupted}};

static void
run(const char *name, int times)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(cases[i].name, name) != 0)
            continue;
        for (int n = 0; n < times; n++) {
            atomic_store(&turn, 0);
            cases[i].hang();
            clear_stack();
            during_cycle(cases[i].act);
            must_be_whole();
        }
        printf("%s: fine\n", name);
        return;
    }
    MUST(!"a case of that name");
}

int
main(int argc, char **argv)
{
    MUST(weir_gc_use_barrier() == WEIR_OK);
    for (int i = 1; i < argc; i++)
        run(argv[i], strcmp(argv[i], "broken") == 0 ? TRIES : 2);
    return 0;
}
