/* Programs that end with the only address of one block somewhere on the way:
 *
 *     prog_ends CASE            its exit status is 0
 *     prog_ends                 prints the cases, and what each has lost then
 *
 * What exit() finds of a caller that still waits for it counts; what lies in
 * frames that were left, or in registers that exit() may change, does not.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define APART __attribute__((noinline, noclone))

enum { STACK = 64 << 10 };

static void *volatile handed_over;

static APART void
wipe(void)
{
    volatile char stack[32 << 10];

    memset((char *)stack, 0, sizeof stack);
}

/* ---- kept: by a frame that waits for exit() ---- */

static APART void
in_a_frame(void)
{
    void *volatile held = malloc(100);

    (void)held;
    exit(0);
}

static APART void
in_a_frame_of_a_caller(void)
{
    void *volatile held = malloc(100);

    (void)held;
    in_a_frame();
}

static APART void
at_quick_exit_in_a_frame(void)
{
    void *volatile held = malloc(100);

    (void)held;
    quick_exit(0);
}

static APART void
passing_exit_by(void)
{
    void *volatile held = malloc(100);

    (void)held;
    _exit(0);
}

/* exit() puts it on its stack, where nothing else counts. */
static APART void
in_a_register(void)
{
    void *p = malloc(100);

#if defined(__x86_64__)
    __asm__ volatile("mov %0, %%r13\n\t"
                     "xor %0, %0\n\t"
                     "xor %%edi, %%edi\n\t"
                     "and $-16, %%rsp\n\t"
                     "call *%1"
                     : "+r"(p)
                     : "b"(exit)
                     : "r13", "rdi", "memory");
#elif defined(__aarch64__)
    __asm__ volatile("mov x22, %0\n\t"
                     "mov %0, xzr\n\t"
                     "mov w0, wzr\n\t"
                     "blr %1"
                     : "+r"(p)
                     : "r"(exit)
                     : "x22", "x0", "x30", "memory");
#endif
}

/* ---- kept: by code that a signal interrupted ---- */

static void
end_in_handler(int number)
{
    (void)number;
    exit(0);
}

/* In a register that the kernel saves and a callee may change. */
static APART void
interrupt(void)
{
    void *p = malloc(100);

#if defined(__x86_64__)
    __asm__ volatile("movq %0, %%xmm9\n\t"
                     "xor %0, %0\n\t"
                     "ud2"
                     : "+r"(p)
                     :
                     : "xmm9");
#elif defined(__aarch64__)
    __asm__ volatile("fmov d20, %0\n\t"
                     "mov %0, xzr\n\t"
                     "udf #0"
                     : "+r"(p)
                     :
                     : "d20");
#endif
}

static APART void
in_a_handler(void)
{
    signal(SIGILL, end_in_handler);
    interrupt();
}

static APART void
in_a_handler_on_its_own_stack(void)
{
    stack_t s = {.ss_size = STACK};
    struct sigaction action = {.sa_handler = end_in_handler,
                               .sa_flags = SA_ONSTACK};

    s.ss_sp = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&s, NULL);
    sigaction(SIGILL, &action, NULL);
    interrupt();
}

/* A handler takes it and puts it back, again and again while the program ends.
 */
static APART void
take_for_a_while(int number)
{
    void *mine = __atomic_exchange_n(&handed_over, NULL, __ATOMIC_SEQ_CST);

    (void)number;
    for (volatile int i = 0; i < 1000000; i++)
        ;
    if (mine != NULL)
        handed_over = mine;
}

static void *
thread_signals(void *thread)
{
    while (handed_over == NULL)
        usleep(50);
    for (;;) {
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
        usleep(50);
    }
    return NULL;
}

static APART void
in_a_handler_meanwhile(void)
{
    static pthread_t self;
    pthread_t t;

    self = pthread_self();
    signal(SIGUSR1, take_for_a_while);
    pthread_create(&t, NULL, thread_signals, &self);
    handed_over = malloc(100);
    wipe();
}

/* ---- kept: elsewhere ---- */

static APART void
end_again(void)
{
    in_a_frame();
}

static APART void
in_an_exit_handler(void)
{
    atexit(end_again);
    exit(1);
}

static void *
thread_ends(void *unused)
{
    (void)unused;
    in_a_frame();
    return NULL;
}

static APART void
in_a_thread(void)
{
    pthread_t t;

    pthread_create(&t, NULL, thread_ends, NULL);
    pthread_join(t, NULL);
}

/* A coroutine ends the program, one below it waits. */
static APART void
on_a_coroutine(void)
{
    static ucontext_t here, there;
    void *volatile held = malloc(100);

    (void)held;
    getcontext(&there);
    there.uc_stack.ss_sp = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    there.uc_stack.ss_size = STACK;
    makecontext(&there, in_a_frame, 0);
    swapcontext(&here, &there);
}

static APART void
below_a_coroutine(void)
{
    static ucontext_t here, there;
    char stack[STACK];

    getcontext(&there);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = STACK;
    makecontext(&there, in_a_frame, 0);
    swapcontext(&here, &there);
}

static void *
thread_gives(void *unused)
{
    (void)unused;
    return malloc(100);
}

static _Atomic pid_t tid;

static void *
thread_gives_and_tells(void *unused)
{
    tid = gettid();
    return thread_gives(unused);
}

/* Nobody has asked for it yet. */
static APART void
result_of_a_thread(void)
{
    char path[64];
    pthread_t t;

    pthread_create(&t, NULL, thread_gives_and_tells, NULL);
    while (tid == 0)
        usleep(1000);
    snprintf(path, sizeof path, "/proc/self/task/%d", (int)tid);
    while (access(path, F_OK) == 0)
        usleep(1000);
    wipe();
}

/* ---- lost ---- */

static APART void
fill_frames(void)
{
    void *volatile copies[3000];

    copies[0] = malloc(100);
    for (int i = 1; i < 3000; i++)
        copies[i] = copies[0];
}

static APART void
in_frames_that_were_left(void)
{
    fill_frames();
}

static APART void
exit_where_frames_were_left(void)
{
    fill_frames();
    exit(0);
}

static APART void
in_registers_that_may_change(void)
{
    void *p = malloc(100);

#if defined(__x86_64__)
    __asm__ volatile("movq %0, %%xmm9\n\t"
                     "mov %0, %%r9\n\t"
                     "xor %0, %0"
                     : "+r"(p)
                     :
                     : "xmm9", "r9");
#endif
    (void)p;
}

static void *joined;

static APART void
result_of_a_joined_thread(void)
{
    pthread_t t;

    pthread_create(&t, NULL, thread_gives, NULL);
    pthread_join(t, &joined);
    joined = NULL;
}

#define CASE(name, lost)                                                       \
    {                                                                          \
#name, name, lost                                                      \
    }

static const struct {
    const char *name;
    void (*run)(void);
    int lost; /* blocks */
} cases[] = {
    CASE(in_a_frame, 0),
    CASE(in_a_frame_of_a_caller, 0),
    CASE(at_quick_exit_in_a_frame, 0),
    CASE(passing_exit_by, 0),
    CASE(in_a_register, 0),
    CASE(in_a_handler, 0),
    CASE(in_a_handler_on_its_own_stack, 0),
    CASE(in_a_handler_meanwhile, 0),
    CASE(in_an_exit_handler, 0),
    CASE(in_a_thread, 0),
    CASE(on_a_coroutine, 0),
    CASE(below_a_coroutine, 0),
    CASE(result_of_a_thread, 0),
    CASE(in_frames_that_were_left, 1),
    CASE(exit_where_frames_were_left, 1),
    CASE(in_registers_that_may_change, 1),
    CASE(result_of_a_joined_thread, 1),
};

int
main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (argc < 2)
            printf("%s %d\n", cases[i].name, cases[i].lost);
        else if (strcmp(argv[1], cases[i].name) == 0)
            cases[i].run();
    return 0;
}
