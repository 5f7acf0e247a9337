/* A program that loses blocks of malloc's all the time, to be run with
 * WEIR=collect=on and a small goal; what it has must stay whole meanwhile.
 *
 *     prog_malloc lent      what it lent to Weir: an argument, a pool
 *     prog_malloc threads   tables of threads that change, resize and exchange
 *                           blocks, and take signals
 *     prog_malloc forks     children by fork, which go on with all that
 *     prog_malloc hides     a list that it frees by addresses that it hid
 *
 * Prints "whole" at the end.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/gc.h>
#include <weir/pool.h>

#define APART __attribute__((noinline))

static void *volatile sink;

/* So that whoever still has a block that was freed sees it. */
static APART void
lose(size_t bytes)
{
    sink = memset(malloc(bytes), 0xff, bytes);
    sink = NULL;
}

static APART void
lose_much(void)
{
    for (int i = 0; i < 40000; i++)
        lose(16 + (size_t)i % 600);
}

_Noreturn static void
fail(const char *what)
{
    fprintf(stderr, "not whole: %s\n", what);
    _exit(1);
}

static void
need_cycles(uint64_t n)
{
    struct weir_gc g;

    if (weir_gc_read(&g) != WEIR_OK || g.cycles < n)
        fail("too few cycles");
    if (g.failed > 0)
        fail("cycles that failed");
}

/* ---- lent ---- */

static _Atomic int told;

static void
on_cycle(uint64_t cycles, void *arg)
{
    (void)cycles;
    if (strcmp(arg, "lent to Weir") != 0)
        fail("the argument");
    told = 1;
}

static APART void
lend(void)
{
    static const struct weir_pool_options o = {.name = "lost"};
    weir_pool *pool;

    (void)weir_gc_subscribe(on_cycle, strdup("lent to Weir"));
    (void)weir_pool_new(&pool, &o);
}

static void
test_lent(void)
{
    lend();
    for (int i = 0; i < 5; i++) {
        lose_much();
        (void)weir_gc_collect();
    }
    while (!told)
        usleep(1000);
}

/* ---- threads ---- */

enum { SLOTS = 500, ROUNDS = 30, THREADS = 4 };

struct item {
    struct item *next;
    uint32_t bytes, mark;
    unsigned char text[];
};

static struct item *exchanged[64];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t signals;

static uint32_t
sum(const struct item *i)
{
    uint32_t s = i->bytes;

    for (uint32_t k = 0; k < i->bytes; k++)
        s = s * 31 + i->text[k];
    return s;
}

static APART struct item *
make(unsigned *chance, struct item *next)
{
    uint32_t bytes = (uint32_t)rand_r(chance) % 800;
    struct item *i = malloc(sizeof *i + bytes);

    i->next = next;
    i->bytes = bytes;
    for (uint32_t k = 0; k < bytes; k++)
        i->text[k] = (unsigned char)rand_r(chance);
    i->mark = sum(i);
    return i;
}

static void
check(const struct item *i)
{
    for (; i != NULL; i = i->next)
        if (i->mark != sum(i))
            fail("a block of a table");
}

/* Half of what is replaced is freed, the other half lost. */
static void
drop(struct item *i, unsigned chance)
{
    while (i != NULL && chance % 2 == 0) {
        struct item *next = i->next;

        free(i);
        i = next;
    }
}

static APART void
change(struct item **slot, unsigned *chance)
{
    unsigned place = (unsigned)rand_r(chance) % 64;
    struct item *other;

    check(*slot);
    drop(*slot, (unsigned)rand_r(chance));
    *slot = make(chance, make(chance, NULL));
    *slot = realloc(*slot, sizeof **slot + (*slot)->bytes + 2000);
    pthread_mutex_lock(&lock);
    other = exchanged[place];
    exchanged[place] = *slot;
    *slot = other;
    pthread_mutex_unlock(&lock);
}

static void *
work(void *arg)
{
    unsigned chance = (unsigned)(uintptr_t)arg;
    struct item **table = calloc(SLOTS, sizeof *table);

    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < SLOTS; i++)
            change(&table[i], &chance);
    for (int i = 0; i < SLOTS; i++)
        check(table[i]);
    return NULL; /* all is lost */
}

static void
on_signal(int number)
{
    (void)number;
    signals++;
}

static void
test_threads(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    pthread_t t[THREADS];

    sigaction(SIGUSR1, &action, NULL);
    for (int generation = 0; generation < 2; generation++) {
        for (uintptr_t i = 0; i < THREADS; i++)
            pthread_create(&t[i], NULL, work, (void *)(i + 1));
        for (int i = 0; i < 200; i++) {
            kill(getpid(), SIGUSR1);
            lose(100000);
        }
        for (int i = 0; i < THREADS; i++)
            pthread_join(t[i], NULL);
    }
    for (int i = 0; i < 64; i++)
        check(exchanged[i]);
    if (signals == 0)
        fail("no signal came");
}

/* ---- forks ---- */

static void
test_forks(void)
{
    unsigned chance = 7;
    struct item *list = NULL;
    int status;

    for (int i = 0; i < 3000; i++)
        list = make(&chance, list);
    for (int i = 0; i < 6; i++) {
        pid_t child = fork();

        if (child == 0) {
            lose_much();
            check(list);
            need_cycles(1);
            _exit(0);
        }
        lose_much();
        check(list);
        if (waitpid(child, &status, 0) != child || status != 0)
            fail("a child");
    }
}

/* ---- hidden ---- */

enum { HIDDEN = 2000 };

static uintptr_t hidden[HIDDEN];

static APART void
hide(size_t bytes)
{
    for (int i = 0; i < HIDDEN; i++)
        hidden[i] = ~(uintptr_t)memset(malloc(bytes), 5, bytes);
}

/* One that is freed in time saves the others. */
static void
test_hides(void)
{
    weir_gc_disable();
    hide(1500);
    (void)weir_gc_collect();
    free((void *)~hidden[0]);
    weir_gc_enable();
    for (int i = 0; i < 4; i++) {
        lose_much();
        (void)weir_gc_collect();
    }
    for (int i = 1; i < HIDDEN; i++) {
        unsigned char *p = (unsigned char *)~hidden[i];

        if (p[0] != 5 || p[1499] != 5)
            fail("a hidden block");
        free(p);
    }
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    alarm(100); /* nobody may have to look for it */
    if (strcmp(what, "lent") == 0)
        test_lent();
    else if (strcmp(what, "threads") == 0)
        test_threads();
    else if (strcmp(what, "forks") == 0)
        test_forks();
    else if (strcmp(what, "hides") == 0)
        test_hides();
    else
        return 2;
    need_cycles(5);
    puts("whole");
    return 0;
}
