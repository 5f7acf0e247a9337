/* Programs that lose memory, and their twins that do not, by name:
 *
 *     prog_leaks CASE       prints "ready", then waits to be killed
 *
 * What is to be found of each is in corpus.sh. A case keeps no address on the
 * stack or in a register that it does not mean to: it is left through wipe().
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define APART __attribute__((noinline, noclone))

struct item {
    struct item *next, *previous;
    char text[48];
};

/* Volatile: what is only ever written a compiler would not write at all. */
static void *volatile global, **volatile table;
static struct item *volatile list;
static __thread void *volatile own;
static pthread_key_t keys[40];

/* What was on the stack is gone. */
static APART void
wipe(void)
{
    volatile char stack[64 << 10];

    memset((char *)stack, 0, sizeof stack);
}

static APART struct item *
make(struct item *next)
{
    struct item *i = calloc(1, sizeof *i);

    i->next = next;
    if (next != NULL)
        next->previous = i;
    return i;
}

static void
wait_for_ever(void)
{
    for (;;)
        pause();
}

static void *
thread_waits(void *unused)
{
    (void)unused;
    wait_for_ever();
    return NULL;
}

static APART void
in_thread(void *(*function)(void *))
{
    pthread_t t;

    pthread_create(&t, NULL, function, NULL);
}

/* ---- lost ---- */

static APART void
error_path(void)
{
    for (int i = 0; i < 3; i++) {
        char *text = malloc(100);

        strcpy(text, "who frees this?");
        if (text[0] == 'w')
            continue;
        free(text);
    }
}

static APART void
error_path_repaired(void)
{
    for (int i = 0; i < 3; i++) {
        char *text = malloc(100);

        strcpy(text, "who frees this?");
        free(text);
    }
}

static APART void
overwritten(void)
{
    global = malloc(1000);
    global = malloc(1000);
}

static APART void
overwritten_repaired(void)
{
    global = malloc(1000);
    free(global);
    global = malloc(1000);
}

static APART void
items_of_a_container(void)
{
    table = malloc(10 * sizeof *table);
    for (int i = 0; i < 10; i++)
        table[i] = malloc(200);
    memset((void *)table, 0, 10 * sizeof *table);
    free((void *)table);
    table = NULL;
}

static APART void
items_of_a_container_repaired(void)
{
    table = malloc(10 * sizeof *table);
    for (int i = 0; i < 10; i++)
        table[i] = malloc(200);
    for (int i = 0; i < 10; i++)
        free(table[i]);
    free((void *)table);
    table = NULL;
}

static APART void
chain(void)
{
    struct item *first = NULL;

    for (int i = 0; i < 5; i++)
        first = make(first);
    first->next->previous = NULL; /* nothing leads back to it */
}

static APART void
ring(void)
{
    struct item *a = make(NULL), *b = make(a), *c = make(b);

    a->next = c;
    a->previous = c;
}

static APART void
points_at_itself(void)
{
    struct item *a = make(NULL);

    a->next = a->previous = a;
}

static APART void
large(void)
{
    memset(malloc(3 << 20), 1, 3 << 20);
}

static APART void
xored(void)
{
    global = (void *)((uintptr_t)malloc(80) ^ (uintptr_t)-1);
}

/* ---- kept ---- */

static APART void
growing_list(void)
{
    for (int i = 0; i < 1000; i++)
        list = make(list);
}

static APART void
inside(void)
{
    global = (char *)malloc(500) + 250;
}

static APART void
at_the_end(void)
{
    global = (char *)malloc(128) + 128;
}

/* Of two sizes, so that they are no neighbours. */
static APART void
at_ends_in_a_row(void)
{
    char **first = malloc(128), **second = malloc(512);

    second[3] = malloc(1024);
    first[1] = (char *)second + 512;
    global = (char *)first + 128;
}

static APART void
low_bits(void)
{
    global = (void *)((uintptr_t)malloc(64) | 3);
}

static void *
thread_storage(void *unused)
{
    (void)unused;
    own = malloc(300);
    wipe();
    wait_for_ever();
    return NULL;
}

static void
of_a_thread(void)
{
    in_thread(thread_storage);
}

static void *
thread_keys(void *unused)
{
    (void)unused;
    for (int i = 0; i < 40; i++)
        pthread_setspecific(keys[i], malloc(300));
    wipe();
    wait_for_ever();
    return NULL;
}

static void
thread_specific(void)
{
    for (int i = 0; i < 40; i++)
        pthread_key_create(&keys[i], NULL);
    in_thread(thread_keys);
}

static APART void
mapped(void)
{
    void **page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    page[100] = malloc(90);
}

static APART void
mapped_shared(void)
{
    void **page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    page[100] = malloc(90);
}

static APART void
environment(void)
{
    char *entry = malloc(40);

    strcpy(entry, "WHOSE=libc's");
    putenv(entry);
}

static APART void
buffer(void)
{
    setvbuf(stdout, malloc(2000), _IOFBF, 2000);
}

/* The only address is in a register: of a thread that computes, */
static void *
thread_computes(void *unused)
{
    void *p = malloc(700);

    (void)unused;
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

static void
in_a_register(void)
{
    in_thread(thread_computes);
}

/* and of one that waits in the kernel. */
static void *
thread_sleeps(void *unused)
{
    void *p = malloc(700);

    (void)unused;
#if defined(__x86_64__)
    __asm__ volatile("mov %0, %%rbx\n\t"
                     "xor %0, %0\n\t"
                     "1: mov %1, %%eax\n\t"
                     "syscall\n\t"
                     "jmp 1b"
                     : "+r"(p)
                     : "i"(SYS_pause)
                     : "rbx", "rax", "rcx", "r11", "memory");
#else
    thread_computes(p);
#endif
    return NULL;
}

static void
in_a_register_asleep(void)
{
    in_thread(thread_sleeps);
}

/* In the frame of a handler, on a stack of its own. */
static APART void
handler(int number)
{
    void *volatile held = malloc(600);

    (void)number;
    (void)held;
    wait_for_ever();
}

static void *
thread_handles(void *unused)
{
    stack_t stack = {.ss_size = 64 << 10};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

    (void)unused;
    stack.ss_sp = mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    return NULL;
}

static void
in_a_handler(void)
{
    in_thread(thread_handles);
}

/* On the stack of a coroutine that does not run. */
static ucontext_t outside, inner;

static APART void
coroutine(void)
{
    void *volatile held = malloc(400);

    (void)held;
    swapcontext(&inner, &outside);
}

static APART void
on_a_coroutines_stack(void)
{
    getcontext(&inner);
    inner.uc_stack.ss_size = 64 << 10;
    inner.uc_stack.ss_sp = malloc(inner.uc_stack.ss_size);
    inner.uc_link = &outside;
    makecontext(&inner, coroutine, 0);
    swapcontext(&outside, &inner);
}

static void
of_a_waiting_thread(void)
{
    for (int i = 0; i < 4; i++)
        in_thread(thread_waits);
}

static APART void
unclosed_file(void)
{
    for (int i = 0; i < 5; i++)
        (void)!fopen("/dev/null", "r");
}

/* Only the kernel knows. */
static APART void
known_to_epoll(void)
{
    int set = epoll_create1(0), ends[2];
    struct epoll_event e = {.events = EPOLLIN};

    (void)!pipe(ends);
    e.data.ptr = malloc(150);
    epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &e);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }
    CASE(error_path),
    CASE(error_path_repaired),
    CASE(overwritten),
    CASE(overwritten_repaired),
    CASE(items_of_a_container),
    CASE(items_of_a_container_repaired),
    CASE(chain),
    CASE(ring),
    CASE(points_at_itself),
    CASE(large),
    CASE(xored),
    CASE(growing_list),
    CASE(inside),
    CASE(at_the_end),
    CASE(at_ends_in_a_row),
    CASE(low_bits),
    CASE(of_a_thread),
    CASE(thread_specific),
    CASE(mapped),
    CASE(mapped_shared),
    CASE(environment),
    CASE(buffer),
    CASE(in_a_register),
    CASE(in_a_register_asleep),
    CASE(in_a_handler),
    CASE(on_a_coroutines_stack),
    CASE(of_a_waiting_thread),
    CASE(unclosed_file),
    CASE(known_to_epoll),
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
