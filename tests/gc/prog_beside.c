/* Cycles while threads move pointers about: nothing that can be reached is
 * freed, wherever the only pointer to it was when a marker came by.
 *
 *     prog_beside THREADS STEPS [SEED]
 *
 * Each thread has shelves, some of managed memory, some of malloc's and one in
 * a mapping of its own, full of the only pointers to books: it swaps them
 * between shelves, puts a new one in the place of one, lets it grow (realloc),
 * frees it by hand, makes a shelf anew, lets the kernel write one, gives some
 * to blocks of malloc that live for a moment. A book whose words are not its
 * own was freed. Another thread asks for one cycle after the other until all
 * are done, and prints how many there were.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <weir/gc.h>

#define MUST(x)                                                                \
    do {                                                                       \
        if (!(x)) {                                                            \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #x);            \
            abort();                                                           \
        }                                                                      \
    } while (0)

enum { SHELVES = 1024, PLACES = 24, THREADS = 8, SLIPS = 600 };

struct book {
    uint64_t words, number;
    struct book *pair; /* of the number and 1; has no pair */
    uint64_t word[];
};

struct shelf {
    struct book *book[PLACES];
};

struct library {
    struct shelf **shelf; /* of managed memory */
    struct shelf *mapped;
    uint64_t state, number;
    int pipe[2];
};

static struct library library[THREADS];
static unsigned threads;
static uint64_t steps;
static _Atomic unsigned done;

static uint64_t
below(struct library *l, uint64_t n)
{
    l->state ^= l->state << 13;
    l->state ^= l->state >> 7;
    l->state ^= l->state << 17;
    return (l->state >> 11) % n;
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
    b->pair = bare_book(l, below(l, 6));
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
        below(l, 64) == 0 ? l->mapped : l->shelf[below(l, SHELVES)];

    return &s->book[below(l, PLACES)];
}

/* Every second shelf is malloc's. */
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
    struct shelf *old = l->shelf[i], *s = new_shelf(i);

    memcpy(s, old, sizeof *s);
    l->shelf[i] = s;
    if (i % 2 == 0)
        weir_gc_free(old);
    else
        free(old);
}

/* Through the kernel, which has the only pointers for a moment. So the books
 * stand on two shelves meanwhile: what it keeps is no memory of the program. */
static void
copy_shelf(struct library *l)
{
    struct shelf *from = l->shelf[below(l, SHELVES)];
    struct shelf *to = l->shelf[below(l, SHELVES)], kept = *to;

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
    *at = b;
}

/* For a moment only malloc's blocks have the books: so many of one size that
 * their pages were something else before, and will be again. */
static void
lend(struct library *l)
{
    struct book **slip[SLIPS];
    size_t bytes = sizeof(struct book *) + below(l, 30) * 48;
    unsigned n = 1 + (unsigned)below(l, SLIPS);
    struct shelf *s = l->shelf[below(l, SHELVES)];

    for (unsigned i = 0; i < n; i++) {
        slip[i] = malloc(bytes);
        MUST(slip[i] != NULL);
        *slip[i] = s->book[i % PLACES];
        s->book[i % PLACES] = i + PLACES < n ? new_book(l) : NULL;
    }
    for (unsigned i = 0; i < n; i++) {
        must_be_whole(*slip[i]);
        s->book[i % PLACES] = *slip[i];
        free(slip[i]);
    }
}

static void
step(struct library *l)
{
    struct book **a = any_place(l), **b = any_place(l), *held = *a;
    uint64_t what = below(l, 1000);

    must_be_whole(held);
    if (what < 700 || held == NULL) {
        *a = *b;
        *b = held;
    } else if (what < 960) {
        *a = new_book(l);
    } else if (what < 980) {
        grow(l, a);
    } else if (what < 990) {
        *a = NULL;
        weir_gc_free(held->pair);
        weir_gc_free(held);
    } else if (what < 994) {
        move_shelf(l);
    } else if (what < 996) {
        lend(l);
    } else {
        copy_shelf(l);
    }
    if (*a == NULL)
        *a = new_book(l);
}

static void *
work(void *arg)
{
    struct library *l = arg;

    l->shelf = weir_new_array(struct shelf *, SHELVES);
    l->mapped = mmap(NULL, sizeof *l->mapped, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(l->mapped != MAP_FAILED && pipe(l->pipe) == 0);
    for (unsigned i = 0; i < SHELVES; i++)
        l->shelf[i] = new_shelf(i);
    for (uint64_t i = 0; i < steps; i++)
        step(l);
    for (unsigned i = 0; i < SHELVES; i++)
        for (unsigned p = 0; p < PLACES; p++)
            must_be_whole(l->shelf[i]->book[p]);
    atomic_fetch_add(&done, 1);
    return NULL;
}

int
main(int argc, char **argv)
{
    pthread_t id[THREADS];
    unsigned cycles = 0, failed = 0;

    MUST(argc > 2);
    threads = (unsigned)atoi(argv[1]);
    steps = strtoull(argv[2], NULL, 10);
    MUST(threads > 0 && threads <= THREADS);
    for (unsigned i = 0; i < threads; i++) {
        library[i].state =
            88172645463325252u + i +
            1000003 * (argc > 3 ? strtoull(argv[3], NULL, 10) : 0);
        library[i].number = (uint64_t)i << 40;
        MUST(pthread_create(&id[i], NULL, work, &library[i]) == 0);
    }
    while (atomic_load(&done) < threads)
        if (weir_gc_collect() == WEIR_OK)
            cycles++;
        else
            failed++;
    for (unsigned i = 0; i < threads; i++)
        pthread_join(id[i], NULL);
    printf("beside: %u cycles, %u without result\n", cycles, failed);
    return cycles > 0 ? 0 : 1;
}
