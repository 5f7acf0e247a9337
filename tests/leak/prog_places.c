/* Programs that lose nothing: the only address of a block is in an odd place,
 * and whoever calls it leaked is wrong. */
#define _GNU_SOURCE
#include "case.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

enum { PAGE = 4096, STACK = 128 << 10 };

static void *volatile global;

/* ---- written in another way ---- */

static APART void
inside(void)
{
    global = (char *)malloc(500) + 250;
}

static APART void
inside_aligned(void)
{
    void *p;

    (void)!posix_memalign(&p, 4096, 10000);
    global = (char *)p + 9999;
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

static APART void
upper_bits(void)
{
    global = (void *)((uintptr_t)malloc(64) | UINT64_C(0xfffc) << 48);
}

static struct __attribute__((packed)) {
    char kind;
    void *volatile what;
    uint32_t count;
    void *volatile more;
} packed_one;

static APART void
packed(void)
{
    packed_one.what = malloc(64);
    packed_one.more = malloc(64);
}

/* What hangs off a packed one is kept too. */
static APART void
packed_chain(void)
{
    void **first = malloc(64);
    char *second = calloc(1, 64);
    void *third = malloc(64);

    memcpy(second + 3, &third, sizeof third);
    first[0] = second;
    packed_one.what = first;
}

/* ---- storage of threads ---- */

static __thread void *volatile own;
static __thread struct {
    char much[100000];
    void *volatile what;
} much;

static void *
thread_storage(void *unused)
{
    (void)unused;
    own = malloc(300);
    much.what = malloc(300);
    wipe();
    wait_for_ever();
    return NULL;
}

static void
of_a_thread(void)
{
    in_thread(thread_storage);
    own = malloc(300);
    much.what = malloc(300);
}

static pthread_key_t keys[40];

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

/* ---- mapped ---- */

static void **
map(int how, int fd)
{
    return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, how, fd, 0);
}

static APART void
mapped(void)
{
    map(MAP_PRIVATE | MAP_ANONYMOUS, -1)[100] = malloc(90);
}

static APART void
mapped_shared(void)
{
    map(MAP_SHARED | MAP_ANONYMOUS, -1)[100] = malloc(90);
}

static APART void
mapped_memory_file(void)
{
    int fd = memfd_create("place", 0);

    (void)!ftruncate(fd, PAGE);
    map(MAP_SHARED, fd)[100] = malloc(90);
    map(MAP_PRIVATE, fd)[101] = malloc(90);
}

static APART void
shared_segment(void)
{
    int id = shmget(IPC_PRIVATE, PAGE, 0600);
    void **page = shmat(id, NULL, 0);

    shmctl(id, IPC_RMID, NULL);
    page[100] = malloc(90);
}

static APART void
read_only(void)
{
    void **page = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);

    page[100] = malloc(90);
    mprotect(page, PAGE, PROT_READ);
}

static APART void
no_access(void)
{
    void **page = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);

    page[100] = malloc(90);
    mprotect(page, PAGE, PROT_NONE);
}

static void *const sealed_word[PAGE / sizeof(void *)]
    __attribute__((section(".data.rel.ro"), aligned(PAGE))) = {&global};

/* A page of the program itself, written and sealed again. */
static APART void
sealed(void)
{
    void **page = (void **)(uintptr_t)sealed_word;

    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    page[100] = malloc(90);
    mprotect(page, PAGE, PROT_READ);
}

static APART void
not_for_children(void)
{
    void **page = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);

    madvise(page, PAGE, MADV_DONTFORK);
    page[100] = malloc(90);
}

static APART void
wiped_for_children(void)
{
    void **page = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);

    madvise(page, PAGE, MADV_WIPEONFORK);
    page[100] = malloc(90);
}

static APART void
behind_the_break(void)
{
    void **more = sbrk(PAGE);

    more[100] = malloc(90);
}

/* ---- libc's ---- */

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

static void
at_exit(int status, void *what)
{
    (void)status;
    free(what);
}

static APART void
for_the_end(void)
{
    on_exit(at_exit, malloc(40));
}

/* ---- registers ---- */

/* The only address is in a register: of a thread that computes, */
static void *
thread_computes(void *unused)
{
    void *p = malloc(700);

    (void)unused;
    threads_to_wait_for--;
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
    return p;
}

static void
in_a_register(void)
{
    in_thread(thread_computes);
}

/* in a wide one, */
static void *
thread_computes_wide(void *unused)
{
    void *p = malloc(700);

    (void)unused;
    threads_to_wait_for--;
#if defined(__x86_64__)
    __asm__ volatile("movq %0, %%xmm7\n\t"
                     "pslldq $8, %%xmm7\n\t"
                     "xor %0, %0\n\t"
                     "1: pause\n\t"
                     "jmp 1b"
                     : "+r"(p)
                     :
                     : "xmm7");
#elif defined(__aarch64__)
    __asm__ volatile("fmov d9, %0\n\t"
                     "mov %0, xzr\n\t"
                     "1: yield\n\t"
                     "b 1b"
                     : "+r"(p)
                     :
                     : "d9");
#endif
    return p;
}

static void
in_a_wide_register(void)
{
    in_thread(thread_computes_wide);
}

/* below the stack's pointer, where the ABI lets leaf functions write, */
static void *
thread_computes_below(void *unused)
{
    void *p = malloc(700);

    (void)unused;
    threads_to_wait_for--;
#if defined(__x86_64__)
    __asm__ volatile("mov %0, -120(%%rsp)\n\t"
                     "xor %0, %0\n\t"
                     "1: pause\n\t"
                     "jmp 1b"
                     : "+r"(p));
#else
    thread_computes(p);
#endif
    return p;
}

static void
in_the_red_zone(void)
{
    in_thread(thread_computes_below);
}

/* and of one that waits in the kernel. */
static void *
thread_sleeps(void *unused)
{
    void *p = malloc(700);

    (void)unused;
    threads_to_wait_for--;
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

/* Not libc made the call: the function may go on with its wide registers. */
static void *
thread_sleeps_wide(void *unused)
{
    void *p = malloc(700);

    (void)unused;
    threads_to_wait_for--;
#if defined(__x86_64__)
    __asm__ volatile("movq %0, %%xmm7\n\t"
                     "xor %0, %0\n\t"
                     "1: mov %1, %%eax\n\t"
                     "syscall\n\t"
                     "jmp 1b"
                     : "+r"(p)
                     : "i"(SYS_pause)
                     : "xmm7", "rax", "rcx", "r11", "memory");
#else
    thread_computes(p);
#endif
    return NULL;
}

static void
in_a_wide_register_asleep(void)
{
    in_thread(thread_sleeps_wide);
}

/* Nobody can interrupt it by a signal. */
static void *
thread_deaf(void *unused)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    return thread_sleeps(unused);
}

static void
in_a_register_of_a_deaf_thread(void)
{
    in_thread(thread_deaf);
}

/* ---- stacks ---- */

/* In the frame of a handler, on a stack of its own; */
static APART void
handler(int number)
{
    void *volatile held = malloc(600);

    (void)number;
    (void)held;
    wait_for_ever();
}

static void
handle_on(void *stack)
{
    stack_t s = {.ss_size = STACK, .ss_sp = stack};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

    sigaltstack(&s, NULL);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
}

static void *
thread_handles(void *unused)
{
    (void)unused;
    handle_on(mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    return NULL;
}

static void
in_a_handler(void)
{
    in_thread(thread_handles);
}

/* on one that is part of the thread's, above frames that wait; */
static APART void
wait_below(void *above)
{
    void *volatile held = malloc(610);

    (void)held;
    handle_on(above);
}

static void *
thread_handles_above(void *unused)
{
    char above[STACK];

    (void)unused;
    wait_below(above);
    return NULL;
}

static void
below_a_handler(void)
{
    in_thread(thread_handles_above);
}

/* and the stack itself, known to the kernel alone. */
static APART void
give_alternate_stack(void)
{
    stack_t s = {.ss_size = STACK};

    s.ss_sp = malloc(STACK);
    sigaltstack(&s, NULL);
    memset(&s, 0, sizeof s);
}

static void *
thread_gives(void *unused)
{
    (void)unused;
    give_alternate_stack();
    wipe();
    wait_for_ever();
    return NULL;
}

static void
alternate_stack(void)
{
    in_thread(thread_gives);
    give_alternate_stack();
}

static ucontext_t outside, inner;

static APART void
coroutine(void)
{
    void *volatile held = malloc(400);

    (void)held;
    swapcontext(&inner, &outside);
}

static APART void
coroutine_waits(void)
{
    void *volatile held = malloc(400);

    (void)held;
    wait_for_ever();
}

static APART void
start_coroutine(void *stack, void (*function)(void))
{
    getcontext(&inner);
    inner.uc_stack.ss_size = STACK;
    inner.uc_stack.ss_sp = stack;
    inner.uc_link = &outside;
    makecontext(&inner, function, 0);
    swapcontext(&outside, &inner);
}

/* On the stack of a coroutine that does not run, in the heap or not, */
static void
on_a_coroutines_stack(void)
{
    start_coroutine(malloc(STACK), coroutine);
}

static void
on_a_coroutines_mapped_stack(void)
{
    start_coroutine(mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                    coroutine);
}

/* of one that does, and of the thread that runs it. */
static APART void
run_in_coroutine(void *stack)
{
    void *volatile held = malloc(410);

    (void)held;
    start_coroutine(stack, coroutine_waits);
}

static void *
thread_runs_coroutine(void *unused)
{
    (void)unused;
    run_in_coroutine(malloc(STACK));
    return NULL;
}

static void
below_a_coroutine(void)
{
    in_thread(thread_runs_coroutine);
}

/* The coroutine's stack is part of the thread's, above frames that wait. */
static void *
thread_runs_coroutine_above(void *unused)
{
    char above[STACK];

    (void)unused;
    run_in_coroutine(above);
    return NULL;
}

static void
below_a_coroutine_above(void)
{
    in_thread(thread_runs_coroutine_above);
}

static void *
thread_holds(void *unused)
{
    void *volatile held = malloc(420);

    (void)unused;
    (void)held;
    wait_for_ever();
    return NULL;
}

/* A thread whose stack the program allocated. */
static APART void
thread_with_own_stack(void)
{
    pthread_attr_t a;
    pthread_t t;
    void *stack;

    (void)!posix_memalign(&stack, PAGE, 256 << 10);
    pthread_attr_init(&a);
    pthread_attr_setstack(&a, stack, 256 << 10);
    threads_to_wait_for++;
    pthread_create(&t, &a, thread_holds, NULL);
}

/* One that libc does not know. */
static int
clone_holds(void *unused)
{
    void *volatile held = unused;

    (void)held;
    for (;;)
        syscall(SYS_pause);
}

static APART void
clone_it(int flags)
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    clone(clone_holds, stack + STACK, flags, malloc(430));
}

static void
thread_unknown_to_libc(void)
{
    clone_it(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD);
}

/* A vfork child that takes long, and holds what it allocated. */
static void *
thread_forks(void *unused)
{
    (void)unused;
    threads_to_wait_for--;
    if (vfork() == 0) {
        void *volatile held = malloc(440);

        (void)held;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return NULL;
}

static void
of_a_vfork_child(void)
{
    in_thread(thread_forks);
}

/* ---- the kernel's ---- */

static APART void
known_to_epoll(void)
{
    int set = epoll_create1(0), ends[2];
    struct epoll_event e = {.events = EPOLLIN};

    (void)!pipe(ends);
    e.data.ptr = malloc(150);
    epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &e);
}

static APART void
known_to_a_timer(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = SIGUSR2};
    timer_t timer;

    event.sigev_value.sival_ptr = malloc(150);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
}

static APART void
in_a_waiting_signal(void)
{
    union sigval value = {.sival_ptr = malloc(150)};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigqueue(getpid(), SIGUSR2, value);
}

static APART void
in_a_pipe(void)
{
    void *p[3];
    int ends[2];

    (void)!pipe(ends);
    for (int i = 0; i < 3; i++)
        p[i] = malloc(150);
    (void)!write(ends[1], p, sizeof p);
}

static APART void
in_a_socket(void)
{
    void *p = malloc(150);
    int ends[2];

    socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
    (void)!write(ends[0], &p, sizeof p);
    p = malloc(150);
    (void)!write(ends[0], &p, sizeof p);
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    p = malloc(150);
    (void)!write(ends[0], &p, sizeof p);
}

/* A request that waits for a pipe to become readable. */
static APART void
known_to_io_uring(void)
{
    struct io_uring_params p = {0};
    int fd = (int)syscall(SYS_io_uring_setup, 2, &p), ends[2];
    struct io_uring_sqe *sqe;
    unsigned *ring;

    if (fd < 0)
        return;
    (void)!pipe(ends);
    sqe = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
               IORING_OFF_SQES);
    ring = mmap(NULL, p.sq_off.array + 8, PROT_READ | PROT_WRITE, MAP_SHARED,
                fd, IORING_OFF_SQ_RING);
    memset(sqe, 0, sizeof *sqe);
    sqe->opcode = IORING_OP_POLL_ADD;
    sqe->fd = ends[0];
    sqe->poll_events = POLLIN;
    sqe->user_data = (uintptr_t)malloc(150);
    ring[p.sq_off.array / 4] = 0;
    ring[p.sq_off.tail / 4]++;
    syscall(SYS_io_uring_enter, fd, 1, 0, 0, NULL, 0);
    memset(sqe, 0, sizeof *sqe);
}

static APART void
known_to_aio(void)
{
    static struct iocb request, *requests = &request;
    aio_context_t context = 0;
    int ends[2];

    (void)!pipe(ends);
    request.aio_lio_opcode = IOCB_CMD_POLL;
    request.aio_fildes = ends[0];
    request.aio_buf = POLLIN;
    request.aio_data = (uintptr_t)malloc(150);
    if (syscall(SYS_io_setup, 4, &context) == 0)
        syscall(SYS_io_submit, context, 1, &requests);
    request.aio_data = 0;
}

int
main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        CASE(inside),
        CASE(inside_aligned),
        CASE(at_the_end),
        CASE(at_ends_in_a_row),
        CASE(low_bits),
        CASE(upper_bits),
        CASE(packed),
        CASE(packed_chain),
        CASE(of_a_thread),
        CASE(thread_specific),
        CASE(mapped),
        CASE(mapped_shared),
        CASE(mapped_memory_file),
        CASE(shared_segment),
        CASE(read_only),
        CASE(no_access),
        CASE(sealed),
        CASE(not_for_children),
        CASE(wiped_for_children),
        CASE(behind_the_break),
        CASE(environment),
        CASE(buffer),
        CASE(for_the_end),
        CASE(in_a_register),
        CASE(in_a_wide_register),
        CASE(in_the_red_zone),
        CASE(in_a_register_asleep),
        CASE(in_a_wide_register_asleep),
        CASE(in_a_register_of_a_deaf_thread),
        CASE(in_a_handler),
        CASE(below_a_handler),
        CASE(alternate_stack),
        CASE(on_a_coroutines_stack),
        CASE(on_a_coroutines_mapped_stack),
        CASE(below_a_coroutine),
        CASE(below_a_coroutine_above),
        CASE(thread_with_own_stack),
        CASE(thread_unknown_to_libc),
        CASE(of_a_vfork_child),
        CASE(known_to_epoll),
        CASE(known_to_a_timer),
        CASE(in_a_waiting_signal),
        CASE(in_a_pipe),
        CASE(in_a_socket),
        CASE(known_to_io_uring),
        CASE(known_to_aio),
    };

    return run_cases(argc, argv, cases, sizeof cases / sizeof *cases);
}
