/* A model of what the heap must do, exercised by seeded random operations.
 *
 * A worker owns a table of blocks. Every block carries a pattern that follows
 * from its own seed; whoever frees, resizes or looks at it checks the
 * pattern, whichever thread made it. Blocks travel between workers through
 * mailboxes, so that many are freed by another thread than the one that made
 * them. When all threads rest, the heap walks itself and the balance sheet
 * must come out: what was allocated less what was freed is what the tables
 * hold.
 *
 * Seeds are printed. STRESS_SEED=n repeats one, STRESS_ROUNDS=n goes on
 * longer. A worker's chances are the same each time; with several workers,
 * what travels when depends on the schedule.
 */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "heap/heap.h"
#include "heap/caches.h"
#include "heap/mcache.h"
#include "os/os.h"
#include "region/counters.h"

enum {
    TABLE = 1500, /* blocks of a worker */
    BURST = 300,  /* blocks of one size in a row */
    MAILBOX = 64, /* blocks on their way to a worker */
    WORKERS_MAX = 8,
    PAGE = 4096,
    LIVE_MAX = 48 << 20 /* bytes of a worker */
};

#ifdef __SANITIZE_THREAD__
enum { ROUNDS = 1, REFUSED_MAX = 15, SLOWER = 4 }; /* all takes longer there */
#else
enum { ROUNDS = 3, REFUSED_MAX = 60, SLOWER = 1 };
#endif

struct block {
    unsigned char *p; /* NULL: an empty place */
    size_t size;
    uint64_t seed;
};

struct mailbox {
    pthread_mutex_t lock;
    struct block block[MAILBOX]; /* guard: lock */
    unsigned count;              /* guard: lock */
};

struct worker {
    struct block table[TABLE];
    uint64_t rng;
    size_t live;         /* bytes in the table */
    uint64_t refusals;   /* allocations that answered NULL */
    bool may_be_refused; /* else NULL is an error */
    unsigned operations, workers;
};

static struct worker worker[WORKERS_MAX];
static struct mailbox mailbox[WORKERS_MAX];

/* ---- chance ---- */

static uint64_t
chance(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t
number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

static uint64_t
seed_for(const char *test, uint64_t otherwise)
{
    uint64_t seed = number_from("STRESS_SEED", otherwise);

    printf("%s: STRESS_SEED=%" PRIu64 "\n", test, seed);
    fflush(stdout);
    return seed;
}

static uint64_t
fresh_seed(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_nsec * 31 + (uint64_t)now.tv_sec;
}

/* Most blocks of real programs are small; a few hold most of the bytes. */
static size_t
any_size(uint64_t r)
{
    unsigned pick = r % 1000;

    r /= 1000;
    if (pick < 550)
        return r % 129;
    if (pick < 800)
        return r % 1025;
    if (pick < 920)
        return r % 8193;
    if (pick < 985)
        return r % 70000;
    return r % (pick < 999 ? 1 << 20 : 12 << 20);
}

/* ---- patterns ---- */

/* Is byte i of a block of that size part of the pattern? Both ends, and a
 * byte here and there between. */
static size_t
next_painted(size_t i, size_t size)
{
    if (i < 512 || i + 256 >= size)
        return i + 1;
    return i + 997 < size - 256 ? i + 997 : size - 256;
}

static unsigned char
colour(uint64_t seed, size_t i)
{
    return (unsigned char)(seed + i * 37 + (i >> 8));
}

static void
paint(const struct block *b)
{
    for (size_t i = 0; i < b->size; i = next_painted(i, b->size))
        b->p[i] = colour(b->seed, i);
}

static void
look(const struct block *b, size_t size)
{
    for (size_t i = 0; i < size; i = next_painted(i, b->size))
        if (b->p[i] != colour(b->seed, i))
            ck_abort_msg("byte %zu of a block of %zu bytes was overwritten", i,
                         b->size);
}

static void
look_zero(const unsigned char *p, size_t size)
{
    for (size_t i = 0; i < size; i += size < 70000 ? 1 : 61)
        if (p[i] != 0)
            ck_abort_msg("byte %zu of %zu from calloc is not zero", i, size);
}

/* ---- operations ---- */

static void
adopt(struct worker *w, struct block *place, unsigned char *p, size_t size)
{
    if (p == NULL) {
        if (!w->may_be_refused)
            ck_abort_msg("%zu bytes were refused", size);
        w->refusals++;
        return;
    }
    *place = (struct block){p, size, chance(&w->rng)};
    w->live += size;
    if (wr_usable_size(p) < size)
        ck_abort_msg("a block of %zu bytes has %zu", size, wr_usable_size(p));
    paint(place);
}

static void
make(struct worker *w, struct block *place)
{
    uint64_t r = chance(&w->rng);
    size_t size = any_size(r), align = (size_t)1 << (4 + r % 97 % 12);
    unsigned char *p;

    if (r % 10 < 6) {
        p = wr_malloc(size);
    } else if (r % 10 < 8) {
        p = wr_calloc(size);
        if (p != NULL)
            look_zero(p, size);
    } else {
        p = wr_memalign(align, size);
        if ((uintptr_t)p % align != 0)
            ck_abort_msg("%p is not aligned to %zu", (void *)p, align);
    }
    if ((uintptr_t)p % 16 != 0)
        ck_abort_msg("%p is not aligned to 16", (void *)p);
    adopt(w, place, p, size);
}

static void
drop(struct worker *w, struct block *place)
{
    if (place->p == NULL)
        return;
    look(place, place->size);
    w->live -= place->size;
    wr_free(place->p);
    place->p = NULL;
}

static void
resize(struct worker *w, struct block *place)
{
    uint64_t r = chance(&w->rng);
    size_t size = r & 1 ? any_size(r >> 1) : place->size + (r >> 1) % 200;
    unsigned char *p;

    if (place->p == NULL)
        return;
    look(place, place->size);
    p = wr_realloc(place->p, size);
    if (p == NULL) {
        if (!w->may_be_refused)
            ck_abort_msg("realloc to %zu bytes was refused", size);
        w->refusals++;
        look(place, place->size);
        return;
    }
    place->p = p;
    look(place, size < place->size ? size : place->size);
    w->live += size - place->size;
    place->size = size;
    paint(place);
}

/* Any address in a block leads to its start. */
static void
inspect(struct worker *w, const struct block *b)
{
    size_t bytes = 0;
    bool live = false;

    if (b->p == NULL)
        return;
    look(b, b->size);
    if (b->size == 0)
        return;
    if (wr_block_of(b->p + chance(&w->rng) % b->size, &bytes, &live) != b->p ||
        bytes < b->size || !live)
        ck_abort_msg("a block of %zu bytes is not found from within", b->size);
}

static void
send(struct worker *w, struct block *place)
{
    struct mailbox *m = &mailbox[chance(&w->rng) % w->workers];

    if (place->p == NULL)
        return;
    pthread_mutex_lock(&m->lock);
    if (m->count < MAILBOX) {
        m->block[m->count++] = *place;
        w->live -= place->size;
        place->p = NULL;
    }
    pthread_mutex_unlock(&m->lock);
}

static void
receive(struct worker *w, struct block *place)
{
    struct mailbox *m = &mailbox[w - worker];

    drop(w, place);
    pthread_mutex_lock(&m->lock);
    if (m->count > 0) {
        *place = m->block[--m->count];
        w->live += place->size;
    }
    pthread_mutex_unlock(&m->lock);
    if (place->p != NULL)
        look(place, place->size);
}

/* Many of one size, freed first-in-first-out, last-in-first-out or mixed:
 * spans fill, become full, empty and go back. */
static void
burst(struct worker *w)
{
    static _Thread_local struct block b[BURST];
    uint64_t r = chance(&w->rng);
    size_t size = any_size(r) % 9000;

    for (unsigned i = 0; i < BURST; i++)
        adopt(w, &b[i], wr_malloc(size), size);
    for (unsigned i = 0; i < BURST; i++) {
        unsigned k = r % 3 == 0   ? i
                     : r % 3 == 1 ? BURST - 1 - i
                                  : i * 77 % BURST;

        drop(w, &b[k]);
    }
}

static void
drop_all(struct worker *w)
{
    for (unsigned i = 0; i < TABLE; i++)
        drop(w, &w->table[i]);
    if (w->live != 0)
        ck_abort_msg("the table is empty, yet %zu bytes live", w->live);
}

static void
operate(struct worker *w)
{
    uint64_t r = chance(&w->rng);
    struct block *place = &w->table[r % TABLE];
    unsigned what = (unsigned)(r >> 32) % 10000;

    if (what < 5000)
        place->p != NULL ? drop(w, place) : make(w, place);
    else if (what < 6500)
        resize(w, place);
    else if (what < 8000)
        send(w, place);
    else if (what < 9500)
        receive(w, place);
    else if (what < 9980)
        inspect(w, place);
    else if (what < 9998)
        burst(w);
    else
        drop_all(w);
    while (w->live > LIVE_MAX)
        drop(w, &w->table[chance(&w->rng) % TABLE]);
}

/* ---- a run ---- */

static void *
work(void *arg)
{
    struct worker *w = arg;

    for (unsigned i = 0; i < w->operations; i++)
        operate(w);
    wr_mcache_detach(); /* the thread ends */
    return NULL;
}

static void
init(unsigned workers, uint64_t seed, bool may_be_refused)
{
    memset(worker, 0, sizeof worker);
    memset(mailbox, 0, sizeof mailbox);
    for (unsigned i = 0; i < workers; i++) {
        pthread_mutex_init(&mailbox[i].lock, NULL);
        worker[i].rng = seed * 1000003 + i;
        worker[i].workers = workers;
        worker[i].may_be_refused = may_be_refused;
    }
}

static void
run(unsigned workers, unsigned operations)
{
    pthread_t thread[WORKERS_MAX];

    for (unsigned i = 0; i < workers; i++) {
        worker[i].operations = operations;
        ck_assert_int_eq(pthread_create(&thread[i], NULL, work, &worker[i]), 0);
    }
    for (unsigned i = 0; i < workers; i++)
        pthread_join(thread[i], NULL);
}

static size_t
live_blocks(void)
{
    size_t live = 0;

    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        live += mailbox[i].count;
        for (unsigned k = 0; k < TABLE; k++)
            live += worker[i].table[k].p != NULL;
    }
    return live;
}

static void
drop_everything(unsigned workers)
{
    for (unsigned i = 0; i < workers; i++) {
        drop_all(&worker[i]);
        while (mailbox[i].count > 0) {
            receive(&worker[i], &worker[i].table[0]);
            drop(&worker[i], &worker[i].table[0]);
        }
    }
}

/* All threads rest: the heap's invariants hold and its counts agree with the
 * tables. */
static void
balance(void)
{
    uint64_t allocs = wr_count_get(large_allocs);
    uint64_t frees = wr_count_get(large_frees);
    uint64_t late[WR_CLASSES] = {0};

    wr_heap_check();
    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next)
        for (unsigned i = 1; i < WR_CLASSES; i++) {
            allocs += wr_mcache_allocs(mc, i);
            frees += wr_word_load(&mc->slot[i].frees);
        }
    wr_mcache_add_unsettled(late);
    for (unsigned i = 1; i < WR_CLASSES; i++)
        frees += late[i];
    ck_assert_uint_eq(allocs - frees, live_blocks());
}

/* Nothing lives: nothing is held. */
static void
nothing_left(void)
{
    wr_mcache_detach();
    (void)wr_heap_trim();
    balance();
    ck_assert_uint_eq(live_blocks(), 0);
    ck_assert_uint_eq(wr_count_get(heap_inuse), 0);
}

static void
rounds(const char *test, unsigned workers, unsigned operations, uint64_t seed)
{
    uint64_t count = number_from("STRESS_ROUNDS", ROUNDS);

    init(workers, seed_for(test, seed), false);
    for (uint64_t i = 0; i < count; i++) {
        run(workers, operations / SLOWER);
        balance();
    }
    drop_everything(workers);
    nothing_left();
}

START_TEST(one_thread_gets_what_it_asks_for)
{
    rounds("one thread", 1, 60000, (uint64_t)_i + 1);
}
END_TEST

START_TEST(blocks_may_be_freed_by_any_thread)
{
    rounds("four threads", 4, 40000, (uint64_t)_i + 1);
}
END_TEST

START_TEST(more_threads_than_processors_get_along)
{
    rounds("eight threads", WORKERS_MAX, 20000, fresh_seed());
}
END_TEST

START_TEST(threads_that_come_and_go_leave_a_whole_heap)
{
    init(4, seed_for("short threads", fresh_seed()), false);
    for (unsigned i = 0; i < 150; i++)
        run(4, 300);
    balance();
    drop_everything(4);
    nothing_left();
}
END_TEST

/* ---- memory that must come back while threads run ---- */

static uint64_t
held(void)
{
    return wr_count_get(heap_inuse);
}

START_TEST(spans_whose_last_block_went_are_given_back)
{
    enum { COUNT = 200000 };
    void **p = malloc(COUNT * sizeof *p);

    for (unsigned i = 0; i < COUNT; i++)
        p[i] = wr_malloc(16 + i % 500);
    ck_assert_uint_gt(held(), COUNT * 200);
    for (unsigned i = 0; i < COUNT; i++)
        wr_free(p[i * 77773ul % COUNT]);
    ck_assert_uint_lt(held(), 8 << 20);
    free(p);
    nothing_left();
}
END_TEST

static _Atomic(void *) handed[4096]; /* a ring from the maker to the freer */
static _Atomic unsigned long made, taken;

static void *
take_and_free(void *count)
{
    while (taken < (unsigned long)(uintptr_t)count) {
        if (taken == made) {
            sched_yield();
            continue;
        }
        wr_free(handed[taken % 4096]);
        taken++;
    }
    wr_mcache_detach();
    return NULL;
}

START_TEST(what_another_thread_frees_comes_back_to_its_maker)
{
    enum { COUNT = 400000 / SLOWER };
    uint64_t most = 0;
    pthread_t t;

    made = taken = 0;
    pthread_create(&t, NULL, take_and_free, (void *)(uintptr_t)COUNT);
    while (made < COUNT) {
        if (made - taken == 4096) {
            sched_yield();
            continue;
        }
        handed[made % 4096] = wr_malloc(100 + made % 400);
        made++;
        if (made % 1000 == 0 && held() > most)
            most = held();
    }
    pthread_join(t, NULL);
    /* At most 4096 blocks of at most 512 bytes lived at a time: 2 MiB. */
    ck_assert_uint_lt(most, 10 << 20);
    nothing_left();
}
END_TEST

/* ---- refusals ---- */

START_TEST(a_single_refusal_of_the_system_harms_nothing)
{
    uint64_t refused = 0;

    for (unsigned n = 1; n < REFUSED_MAX; n++) {
        init(2, n, true);
        wr_os_fail_after(n, false);
        run(2, 3000);
        wr_os_fail_after(0, false);
        balance();
        refused += worker[0].refusals + worker[1].refusals;
        drop_everything(2);
    }
    ck_assert_uint_gt(refused, 0); /* else the switch did nothing */
    nothing_left();
}
END_TEST

START_TEST(a_system_without_memory_harms_nothing)
{
    for (unsigned n = 1; n < REFUSED_MAX; n++) {
        init(2, n, true);
        wr_os_fail_after(n * n, true);
        run(2, 3000);
        wr_os_fail_after(0, false);
        balance();
        worker[0].may_be_refused = worker[1].may_be_refused = false;
        run(2, 500); /* when it has some again, all is well */
        drop_everything(2);
        balance();
    }
    nothing_left();
}
END_TEST

START_TEST(refused_sizes_and_alignments_answer_NULL)
{
    static const size_t sizes[] = {WR_HEAP_MAX, WR_HEAP_MAX + 1,
                                   (size_t)1 << 62, SIZE_MAX / 2, SIZE_MAX};
    void *p = wr_malloc(100);

    memset(p, 7, 100);
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ck_assert_ptr_null(wr_malloc(sizes[i]));
        ck_assert_ptr_null(wr_calloc(sizes[i]));
        ck_assert_ptr_null(wr_realloc(p, sizes[i]));
        for (unsigned a = 4; a < 63; a++)
            ck_assert_ptr_null(wr_memalign((size_t)1 << a, sizes[i]));
    }
    for (unsigned i = 0; i < 100; i++)
        ck_assert_int_eq(((char *)p)[i], 7);
    wr_free(p);
    nothing_left();
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("heap under stress");
    TCase *t = tcase_create("model");

    tcase_set_timeout(t, 110);
    tcase_add_loop_test(t, one_thread_gets_what_it_asks_for, 0, 3);
    tcase_add_loop_test(t, blocks_may_be_freed_by_any_thread, 0, 3);
    tcase_add_test(t, more_threads_than_processors_get_along);
    tcase_add_test(t, threads_that_come_and_go_leave_a_whole_heap);
    tcase_add_test(t, spans_whose_last_block_went_are_given_back);
    tcase_add_test(t, what_another_thread_frees_comes_back_to_its_maker);
    tcase_add_test(t, a_single_refusal_of_the_system_harms_nothing);
    tcase_add_test(t, a_system_without_memory_harms_nothing);
    tcase_add_test(t, refused_sizes_and_alignments_answer_NULL);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
