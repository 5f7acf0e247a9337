/* What the collector shares with the threads of the program, on threads of
 * libc's alone, so that ThreadSanitizer sees all of it: the table of ties, and
 * sweeping. The cycle itself is left out: that the program stands still is a
 * lock here, and who is dead is told. */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <weir/gc.h>

#include "gc/sweep.h"
#include "gc/tie.h"
#include "heap/heap.h"
#include "heap/span.h"
#include "mark/mark.h"
#include "mark/marks.h"

enum { THREADS = 3, ROUNDS = 30 };

static pthread_t thread[THREADS];

static void
start_all(void *(*fn)(void *))
{
    for (uintptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, fn, (void *)i), 0);
}

static void
join_all(void)
{
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

/* ---- ties ---- */

enum { OWN = 64 };

struct own {
    void *object[OWN]; /* without pointers; odd ones are no roots */
    void *word[OWN], *other[OWN];
};

static struct own own[THREADS];
static pthread_rwlock_t runs = PTHREAD_RWLOCK_INITIALIZER;
static _Atomic bool over;
static _Atomic unsigned called, cut;

static void
note(void *object, void *arg)
{
    (void)object;
    (void)arg;
    atomic_fetch_add(&called, 1);
}

/* Of its block i: links that come and go, a finalizer, a pin. */
static void
tie_one(struct own *o, int i)
{
    void (*fn)(void *, void *);
    void *arg;

    o->object[i] = weir_gc_alloc_noscan(48);
    ck_assert_ptr_nonnull(o->object[i]);
    pthread_rwlock_rdlock(&runs);
    o->word[i] = (void *)~(uintptr_t)o->object[i];
    o->other[i] = o->word[i];
    pthread_rwlock_unlock(&runs);
    ck_assert_int_eq(weir_gc_link(&o->word[i], o->object[i]), WEIR_OK);
    ck_assert_int_eq(weir_gc_finalizer(o->object[i], note, o), WEIR_OK);
    ck_assert_int_eq(weir_gc_pin(o->object[i]), WEIR_OK);
    (void)weir_gc_link_move(&o->word[i], &o->other[i]);
    ck_assert_int_eq(weir_gc_unpin(o->object[i]), WEIR_OK);
    (void)weir_gc_finalizer_read(o->object[i], &fn, &arg);
}

static void
untie_one(struct own *o, int i)
{
    pthread_rwlock_rdlock(&runs);
    if (o->other[i] == NULL)
        atomic_fetch_add(&cut, 1);
    pthread_rwlock_unlock(&runs);
    (void)weir_gc_unlink(&o->other[i]);
    (void)weir_gc_finalizer(o->object[i], NULL, NULL);
}

static void *
reveal(void *own_of_thread)
{
    const struct own *o = own_of_thread;
    uintptr_t sum = 0;

    for (int i = 0; i < OWN; i++) /* nobody cuts them now */
        sum += (uintptr_t)o->other[i];
    return (void *)sum;
}

static void *
tie_always(void *number)
{
    struct own *o = &own[(uintptr_t)number];

    while (!atomic_load(&over)) {
        for (int i = 0; i < OWN; i++)
            tie_one(o, i);
        (void)weir_gc_undisturbed(reveal, o);
        (void)weir_gc_call_ready();
        for (int i = 0; i < OWN; i++)
            untie_one(o, i);
    }
    return NULL;
}

/* As a cycle does; the program stands still while `runs` is taken. What they
 * have made since the last round is there, or is not yet. */
static void
look(void)
{
    struct wr_marks *marks = wr_marks_new();
    struct wr_marker *m = wr_marker_new(marks, NULL);

    ck_assert(marks != NULL && m != NULL);
    wr_ties_lock();
    pthread_rwlock_wrlock(&runs);
    ck_assert(wr_ties_mark(m, marks, false));
    pthread_rwlock_unlock(&runs);
    wr_ties_unlock();
    wr_ties_wake();
    wr_marker_free(m);
    wr_marks_free(marks);
}

START_TEST(ties_change_while_cycles_look_at_them)
{
    weir_gc_set_caller(WEIR_GC_CALLER_PROGRAM);
    start_all(tie_always);
    while (atomic_load(&called) < ROUNDS || atomic_load(&cut) < ROUNDS)
        look();
    atomic_store(&over, true);
    join_all();
    while (weir_gc_call_ready() > 0)
        ;
    ck_assert_uint_eq(weir_gc_ready(), 0);
}
END_TEST

/* ---- sweeping ---- */

enum { BLOCKS = 6000 };

struct hand {
    uint64_t *block[BLOCKS];
    uint64_t word[BLOCKS];
    size_t words[BLOCKS];
};

static struct hand hand[THREADS];
static pthread_barrier_t gate;

/* Blocks of many sizes, each full of a number that is its own. */
static void
make_all(struct hand *h, uint64_t *chance)
{
    for (int i = 0; i < BLOCKS; i++) {
        size_t words = 2 + unit_below(chance, i % 100 == 0 ? 8000 : 40);
        uint64_t *p = weir_gc_alloc(words * sizeof *p);
        uint64_t number = (*chance << 16) + (uint64_t)i;
        bool zero = true;

        for (size_t k = 0; k < words; k++) {
            zero &= p[k] == 0;
            p[k] = number;
        }
        ck_assert(zero);
        h->block[i] = p;
        h->word[i] = number;
        h->words[i] = words;
        if (i % 500 == 0)
            wr_sweep_some();
    }
}

static void
must_be_whole(const struct hand *h)
{
    bool whole = true;

    for (int i = 0; i < BLOCKS; i++)
        for (size_t k = 0; k < h->words[i]; k++)
            whole &= h->block[i][k] == h->word[i];
    ck_assert(whole);
}

/* One at a time, as who leads a cycle does. */
static void
finish(void)
{
    static pthread_mutex_t leads = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&leads);
    ck_assert(wr_sweep_finish());
    pthread_mutex_unlock(&leads);
}

static void *
lose_always(void *number)
{
    struct hand *h = &hand[(uintptr_t)number];
    uint64_t chance = 77 + (uintptr_t)number;

    for (int i = 0; i < ROUNDS / 2; i++) {
        make_all(h, &chance);
        must_be_whole(h);
        finish();                    /* with the round before */
        pthread_barrier_wait(&gate); /* all are lost */
        pthread_barrier_wait(&gate); /* and found dead */
    }
    return NULL;
}

static void
bury(struct wr_marks *dead, const struct hand *h)
{
    for (int i = 0; i < BLOCKS; i++) {
        struct wr_span *s = wr_span_of(h->block[i]);
        size_t bytes = wr_span_block_bytes(s);

        ck_assert(wr_marks_add(
            dead, s, (unsigned)(((uintptr_t)h->block[i] - s->base) / bytes)));
        *wr_marks_note(dead, s) = wr_sweep_note(s);
    }
}

START_TEST(whoever_sweeps_a_block_is_free_once)
{
    wr_sweep_start(false);
    ck_assert_int_eq(pthread_barrier_init(&gate, NULL, THREADS + 1), 0);
    start_all(lose_always);
    for (int i = 0; i < ROUNDS / 2; i++) {
        struct wr_marks *dead;

        pthread_barrier_wait(&gate);
        dead = wr_marks_new(); /* of the heap that is there now */
        ck_assert_ptr_nonnull(dead);
        for (int k = 0; k < THREADS; k++)
            bury(dead, &hand[k]);
        wr_sweep_begin(dead);
        pthread_barrier_wait(&gate);
    }
    join_all();
    finish();
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("threads");
    TCase *tc = tcase_create("threads");

    tcase_set_timeout(tc, 100);
    tcase_add_test(tc, ties_change_while_cycles_look_at_them);
    tcase_add_test(tc, whoever_sweeps_a_block_is_free_once);
    suite_add_tcase(s, tc);
    return unit_main(s);
}
