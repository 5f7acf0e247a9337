/* Programs in which it is known who keeps what alive, by name:
 *
 *     prog_kept CASE      prints "ready" and addresses, then waits to be killed
 *
 * What is to be found of each is in why.sh. A case keeps no address on the
 * stack or in a register that it does not mean to: it is left through wipe().
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define APART __attribute__((noinline, noclone))

struct item {
    struct item *next, *other;
    char text[80];
};

/* Volatile: what is only ever written a compiler would not write at all. */
struct cache {
    long hits;
    struct item *volatile first;
    void *volatile table;
} cache;
static struct item *volatile second;
static __thread void *volatile own;
static void *volatile *mapped;

static void
say(const char *name, const void *p)
{
    char line[80];
    int n = snprintf(line, sizeof line, "%s %#lx\n", name,
                     (unsigned long)(uintptr_t)p);

    (void)!write(STDOUT_FILENO, line, (size_t)n);
}

/* What was on the stack is gone. */
static APART void
wipe(void)
{
    volatile char stack[64 << 10];

    memset((char *)stack, 0, sizeof stack);
}

static APART void *
make_item(struct item *next)
{
    struct item *i = calloc(1, sizeof *i);

    i->next = next;
    return i;
}

static APART void *
make_table(size_t entries)
{
    return calloc(entries, sizeof(void *));
}

static void
wait_for_ever(void)
{
    for (;;)
        pause();
}

/* cache.first -> 5 items in a row */
static APART void
chain(void)
{
    struct item *last = make_item(NULL), *i = last;

    for (int n = 1; n < 5; n++)
        i = make_item(i);
    cache.first = i;
    say("first", i);
    say("last", last);
}

/* cache.first -> a -> b, c -> d: nobody below a keeps d alone */
static APART void
diamond(void)
{
    struct item *d = make_item(NULL), *b = make_item(d), *c = make_item(d);
    struct item *a = make_item(b);

    a->other = c;
    cache.first = a;
    say("a", a);
    say("b", b);
    say("d", d);
}

/* cache.first -> a ring of 4 */
static APART void
ring(void)
{
    struct item *first = make_item(NULL), *i = first;

    for (int n = 1; n < 4; n++)
        i = make_item(i);
    first->next = i;
    cache.first = i;
    say("first", first);
}

/* Two roots have one item each, and share a third. */
static APART void
shared(void)
{
    struct item *common = make_item(NULL);

    cache.first = make_item(common);
    second = make_item(common);
    say("common", common);
}

/* cache.table -> 1000 items */
static APART void
big_table(void)
{
    void **t = make_table(1000);

    for (int i = 0; i < 1000; i++)
        t[i] = make_item(NULL);
    cache.table = t;
    say("table", t);
    say("entry", t[100]);
    say("variable", &cache);
    say("inside", (char *)t[100] + 20);
    say("code", (void *)wait_for_ever);
    say("text", "constant");
    say("nothing", (void *)16);
}

static APART void
long_list(void)
{
    struct item *i = NULL;

    for (int n = 0; n < 100000; n++) {
        i = make_item(i);
        if (n == 0)
            say("last", i);
    }
    cache.first = i;
}

static void *
thread_own(void *unused)
{
    (void)unused;
    own = make_item(NULL);
    say("item", own);
    say("variable", (void *)&own);
    wipe();
    wait_for_ever();
    return NULL;
}

static APART void
storage(void)
{
    pthread_t t;

    pthread_create(&t, NULL, thread_own, NULL);
}

static APART void
holding_frame(void)
{
    void *volatile held[4] = {NULL};

    held[2] = make_item(NULL);
    say("item", held[2]);
    say("stack", (void *)&held[2]);
    wipe();
    (void)!write(STDOUT_FILENO, "ready\n", 6);
    wait_for_ever();
    (void)held[2];
}

static void *
thread_stack(void *unused)
{
    holding_frame();
    return unused;
}

static APART void
stack(void)
{
    pthread_t t;

    pthread_create(&t, NULL, thread_stack, NULL);
    wait_for_ever();
}

/* What a variable holds a frame points at in passing. */
static APART void
passing(void)
{
    struct item *volatile item = make_item(make_item(NULL));

    cache.first = item;
    say("item", item);
    (void)!write(STDOUT_FILENO, "ready\n", 6);
    wait_for_ever();
    (void)item;
}

static void *
thread_computes(void *unused)
{
    void *p = make_item(NULL);

    (void)unused;
    say("item", p);
    wipe();
#if defined(__x86_64__)
    __asm__ volatile("mov %0, %%rbx\n\t"
                     "xor %0, %0\n\t"
                     "1: pause\n\t"
                     "jmp 1b"
                     : "+r"(p)
                     :
                     : "rbx");
#elif defined(__aarch64__)
    __asm__ volatile("mov x19, %0\n\t"
                     "mov %0, xzr\n\t"
                     "1: yield\n\t"
                     "b 1b"
                     : "+r"(p)
                     :
                     : "x19");
#endif
    return NULL;
}

static APART void
in_register(void)
{
    pthread_t t;

    pthread_create(&t, NULL, thread_computes, NULL);
}

static APART void
mapping(void)
{
    mapped = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mapped[100] = make_item(NULL);
    say("item", mapped[100]);
    say("mapping", (void *)mapped);
}

static APART void
leaked(void)
{
    struct item *lost = make_item(make_item(NULL));

    say("lost", lost);
    say("hangs", lost->next);
    lost = make_item(NULL);
    say("freed", lost);
    free(lost);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"chain", chain},
    {"diamond", diamond},
    {"ring", ring},
    {"shared", shared},
    {"big_table", big_table},
    {"long_list", long_list},
    {"storage", storage},
    {"stack", stack},
    {"in_register", in_register},
    {"passing", passing},
    {"mapping", mapping},
    {"leaked", leaked},
};

int
main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (argc > 1 && strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            wipe();
            usleep(50000); /* threads come to where they stay */
            (void)!write(STDOUT_FILENO, "ready\n", 6);
            wait_for_ever();
        }
    return 2;
}
