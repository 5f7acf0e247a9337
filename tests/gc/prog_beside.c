/* Cycles while threads move pointers about: nothing that can be reached is
 * freed, wherever the only pointer to it was when a marker came by.
 *
 *     prog_beside THREADS STEPS [SEED [shows|hides|barrier|due]]
 *
 * Each thread has shelves, some of managed memory, some of malloc's and some in
 * a large mapping of its own, full of the only pointers to books: it swaps them
 * between shelves, puts a new one in the place of one, lets it grow (realloc),
 * frees it by hand, makes a shelf anew, lets the kernel write one, gives some
 * to blocks of malloc that live for a moment; it moves the mapping, and takes
 * the right to read it from itself for a moment. A thread that hides has the
 * addresses of malloc's shelves where nobody finds them, after it has said that
 * all blocks of malloc are roots. A book whose words are not its
 * own was freed. Another thread asks for one cycle after the other until all
 * are done, and prints how many there were; due: it asks for none, those are
 * counted that the heap's growth brings.
 *
 * barrier: the program promises that it tells of its stores, and so does not
 * let the kernel write pointers.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

enum { SHELVES = 1024, MAPPED = 12000, PLACES = 24, THREADS = 8, SLIPS = 600 };

struct book {
    uint64_t words, number;
    struct book *pair; /* of the number and 1; has no pair */
    uint64_t word[];
};

struct shelf {
    struct book *book[PLACES];
};

struct library {
    uintptr_t *shelf; /* their addresses, in managed memory */
    struct shelf *mapped;
    uint64_t state, number;
    int pipe[2];
};

static struct library library[THREADS];
static unsigned threads;
static bool barrier;
static uint64_t steps;
static _Atomic unsigned done;
static bool hides;

static uint64_t
below(struct library *l, uint64_t n)
{
    l->state ^= l->state << 13;
    l->state ^= l->state >> 7;
    l->state ^= l->state << 17;
    return (l->state >> 11) % n;
}

/* Every second shelf is malloc's. */
static struct shelf *
shelf(const struct library *l, unsigned i)
{
    return (struct shelf *)(hides && i % 2 != 0 ? ~l->shelf[i] : l->shelf[i]);
}

static void
put_shelf(struct library *l, unsigned i, struct shelf *s)
{
    uintptr_t word = hides && i % 2 != 0 ? ~(uintptr_t)s : (uintptr_t)s;

    weir_store_word(&l->shelf[i], (void *)word);
}

static struct shelf *
any_shelf(struct library *l)
{
    return shelf(l, (unsigned)below(l, SHELVES));
}

static struct book *
bare_book(struct library *l, uint64_t words)
{
    struct book *b = weir_gc_alloc(sizeof *b + words * sizeof *b->word);

    MUST(b != NULL && b->words == 0 && b->pair == NULL);
    b->words = words;
    b->number = l->number++;
    for (uint64_t i = 0; i < words; i++) {
        MUST(b->word[i] == 0);
        b->word[i] = b->number + i;
    }
    return b;
}

static struct book *
new_book(struct library *l)
{
    static const uint16_t sizes[] = {0, 1, 2, 4, 9, 20, 60, 150, 700};
    struct book *b = bare_book(
        l,
        sizes[below(l, below(l, 8) == 0 ? sizeof sizes / sizeof *sizes : 5)]);

    if (below(l, 500) == 0) { /* a large one */
        weir_gc_free(b);
        b = bare_book(l, 5000 + below(l, 9000));
    }
    weir_store(&b->pair, bare_book(l, below(l, 6)));
    return b;
}

static void
must_be_whole(const struct book *b)
{
    for (; b != NULL; b = b->pair) {
        MUST(b->words < 20000);
        for (uint64_t i = 0; i < b->words; i++)
            MUST(b->word[i] == b->number + i);
    }
}

static struct book **
any_place(struct library *l)
{
    struct shelf *s =
        below(l, 4) == 0 ? &l->mapped[below(l, MAPPED)] : any_shelf(l);

    return &s->book[below(l, PLACES)];
}

static struct shelf *
new_shelf(unsigned i)
{
    return i % 2 == 0 ? weir_new(struct shelf)
                      : calloc(1, sizeof(struct shelf));
}

static void
move_shelf(struct library *l)
{
    unsigned i = (unsigned)below(l, SHELVES);
    struct shelf *old = shelf(l, i), *s = new_shelf(i);

    memcpy(s, old, sizeof *s);
    put_shelf(l, i, s);
    if (i % 2 == 0)
        weir_gc_free(old);
    else
        free(old);
}

static struct shelf *
map_shelves(void)
{
    void *p = mmap(NULL, MAPPED * sizeof(struct shelf), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    MUST(p != MAP_FAILED);
    return p;
}

/* By hand, and by the kernel to a place where something else was. */
static void
move_mapped(struct library *l)
{
    size_t bytes = MAPPED * sizeof(struct shelf);
    struct shelf *other = map_shelves();

    if (below(l, 2) == 0) {
        memcpy(other, l->mapped, bytes);
        MUST(munmap(l->mapped, bytes) == 0);
    } else {
        MUST(mremap(l->mapped, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
                    other) == other);
    }
    l->mapped = other;
}

static void
close_mapped(struct library *l)
{
    size_t bytes = MAPPED * sizeof(struct shelf);

    MUST(mprotect(l->mapped, bytes, PROT_NONE) == 0);
    for (uint64_t i = below(l, 3); i > 0; i--)
        (void)bare_book(l, 2);
    MUST(mprotect(l->mapped, bytes, PROT_READ | PROT_WRITE) == 0);
}

/* Through the kernel, which has the only pointers for a moment. So the books
 * stand on two shelves meanwhile: what it keeps is no memory of the program. */
static void
copy_shelf(struct library *l)
{
    struct shelf *from = any_shelf(l), *to = any_shelf(l), kept = *to;

    MUST(write(l->pipe[1], from, sizeof *from) == sizeof *from);
    MUST(read(l->pipe[0], to, sizeof *to) == sizeof *to);
    if (from != to)
        *from = kept;
}

static void
grow(struct library *l, struct book **at)
{
    struct book *b = *at;
    uint64_t words = b->words + below(l, b->words > 4000 ? 9000 : 30);

    if (words > 19000)
        return;
    b = realloc(b, sizeof *b + words * sizeof *b->word);
    MUST(b != NULL);
    for (uint64_t i = b->words; i < words; i++)
        b->word[i] = b->number + i;
    b->words = words;
    weir_store(at, b);
}

/* For a moment only malloc's blocks have the books: so many of one size that
 * their pages were something else before, and will be again. */
static void
lend(struct library *l)
{
    struct book **slip[SLIPS];
    size_t bytes = sizeof(struct book *) + below(l, 30) * 48;
    unsigned n = 1 + (unsigned)below(l, SLIPS);
    struct shelf *s = any_shelf(l);

    for (unsigned i = 0; i < n; i++) {
        slip[i] = malloc(bytes);
        MUST(slip[i] != NULL);
        *slip[i] = s->book[i % PLACES];
        weir_store(&s->book[i % PLACES], i + PLACES < n ? new_book(l) : NULL);
    }
    for (unsigned i = 0; i < n; i++) {
        must_be_whole(*slip[i]);
        weir_store(&s->book[i % PLACES], *slip[i]);
        free(slip[i]);
    }
}

/* All of a shelf one place up or down, and over another's beginning. */
static void
shift_shelf(struct library *l)
{
    struct shelf *s = any_shelf(l), *to = any_shelf(l);
    struct book *first = s->book[0], *last = s->book[PLACES - 1];
    size_t bytes = (PLACES - 1) * sizeof *s->book;

    if (below(l, 2) == 0) {
        weir_move(&s->book[1], &s->book[0], bytes);
        weir_store(&s->book[0], last);
    } else {
        weir_move(&s->book[0], &s->book[1], bytes);
        weir_store(&s->book[PLACES - 1], first);
    }
    if (to != s)
        for (int i = 0; i < 3; i++)
            weir_store(&s->book[i], weir_swap(&to->book[i], s->book[i]));
}

static void
step(struct library *l)
{
    struct book **a = any_place(l), **b = any_place(l), *held = *a;
    uint64_t what = below(l, 1000);

    must_be_whole(held);
    if (what < 700 || held == NULL) {
        weir_store(a, *b);
        weir_store(b, held);
    } else if (what < 960) {
        weir_store(a, new_book(l));
    } else if (what < 980) {
        grow(l, a);
    } else if (what < 990) {
        weir_store(a, (struct book *)NULL);
        weir_gc_free(held->pair);
        weir_gc_free(held);
    } else if (what < 994) {
        move_shelf(l);
    } else if (what < 996) {
        lend(l);
    } else if (what < 998) {
        shift_shelf(l);
    } else if (what < 999 || below(l, 40) != 0) {
        if (barrier)
            return;
        copy_shelf(l);
    } else {
        close_mapped(l);
        move_mapped(l);
        return;
    }
    if (*a == NULL)
        weir_store(a, new_book(l));
}

static void *
work(void *arg)
{
    struct library *l = arg;

    l->shelf = weir_new_array(uintptr_t, SHELVES);
    l->mapped = map_shelves();
    MUST(pipe(l->pipe) == 0);
    for (unsigned i = 0; i < SHELVES; i++)
        put_shelf(l, i, new_shelf(i));
    for (uint64_t i = 0; i < steps; i++)
        step(l);
    for (unsigned i = 0; i < SHELVES; i++)
        for (unsigned p = 0; p < PLACES; p++)
            must_be_whole(shelf(l, i)->book[p]);
    for (unsigned i = 0; i < MAPPED; i++)
        for (unsigned p = 0; p < PLACES; p++)
            must_be_whole(l->mapped[i].book[p]);
    atomic_fetch_add(&done, 1);
    return NULL;
}

int
main(int argc, char **argv)
{
    pthread_t id[THREADS];
    unsigned cycles = 0, failed = 0;
    bool due;
    struct weir_gc gc;

    MUST(argc > 2);
    barrier = argc > 4 && strcmp(argv[4], "barrier") == 0;
    MUST(!barrier || weir_gc_use_barrier() == WEIR_OK);
    threads = (unsigned)atoi(argv[1]);
    steps = strtoull(argv[2], NULL, 10);
    MUST(threads > 0 && threads <= THREADS);
    due = argc > 4 && strcmp(argv[4], "due") == 0;
    hides = argc > 4 && strcmp(argv[4], "hides") == 0;
    if (hides)
        weir_gc_scan_malloc(WEIR_GC_MALLOC_ALL);
    for (unsigned i = 0; i < threads; i++) {
        library[i].state =
            88172645463325252u + i +
            1000003 * (argc > 3 ? strtoull(argv[3], NULL, 10) : 0);
        library[i].number = (uint64_t)i << 40;
        MUST(pthread_create(&id[i], NULL, work, &library[i]) == 0);
    }
    while (!due && atomic_load(&done) < threads)
        if (weir_gc_collect() == WEIR_OK)
            cycles++;
        else
            failed++;
    for (unsigned i = 0; i < threads; i++)
        pthread_join(id[i], NULL);
    MUST(weir_gc_read(&gc) == WEIR_OK);
    if (due)
        cycles = (unsigned)gc.cycles;
    printf("beside: %u cycles, %u without result\n", cycles, failed);
    return cycles > 0 ? 0 : 1;
}
