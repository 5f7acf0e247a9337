/* Large arrays and small parts of them, of which tests/kit/parts.sh asks who
 * holds what:
 *
 *     prog_parts CASE     prints "ready", then waits to be killed
 *
 * A case leaves no address on the stack or in a register that it does not mean
 * to: all of them are left through wipe().
 */
#include <string.h>
#include <unistd.h>
#include <weir/weir.h>

#define APART __attribute__((noinline))

WEIR_SLICE(ints, int);

enum { MANY = 100000 };

/* Volatile: what is only ever written a compiler would not write at all. */
static struct ints volatile few, many, whole;
static struct ints volatile *volatile boxed;

/* What was on the stack is gone. */
static APART void
wipe(void)
{
    volatile char stack[64 << 10];

    memset((char *)stack, 0, sizeof stack);
}

static APART struct ints
make_ints(void)
{
    struct ints s = {0};

    if (ints_reserve(&s, MANY) != WEIR_OK)
        _exit(1);
    for (int i = 0; i < MANY; i++)
        ints_append(&s, i);
    return s;
}

/* The array itself is in no variable any more. */
static APART void
keep_part(struct ints volatile *to, size_t from, size_t end)
{
    struct ints all = make_ints();

    *to = ints_slice(&all, from, end);
}

static APART void
parts(void)
{
    keep_part(&few, 50000, 50010);
    boxed = malloc(sizeof *boxed);
    keep_part(boxed, 0, 100);      /* from its start on, held by a block */
    keep_part(&many, 0, MANY / 2); /* no small part */
}

static APART void
whole_too(void)
{
    struct ints all = make_ints();

    few = ints_slice(&all, 0, 10);
    whole = all;
}

static APART void
copies(void)
{
    struct ints all = make_ints(), copy;

    if (ints_copy(&all, 50000, 50010, &copy) != WEIR_OK)
        _exit(1);
    few = copy;
    ints_free(&all);
}

static APART void
collected(void)
{
    struct ints all = {.alloc = weir_alloc_gc()};

    if (ints_reserve(&all, MANY) != WEIR_OK)
        _exit(1);
    all.len = MANY;
    few = ints_slice(&all, 20, 30);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"parts", parts},
    {"whole_too", whole_too},
    {"copies", copies},
    {"collected", collected},
};

int
main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (argc > 1 && strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            wipe();
            (void)!write(STDOUT_FILENO, "ready\n", 6);
            for (;;)
                pause();
        }
    return 2;
}
