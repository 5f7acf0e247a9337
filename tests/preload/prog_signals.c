/* Signals. Handlers may allocate where they interrupt the program's own
 * code; and where they interrupt malloc they must do it no harm. */
#define _GNU_SOURCE
#include "cases.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic long caught;
static sigset_t alarms;

static void
allocating_handler(int signal)
{
    int keep = errno;
    void *p = malloc(100 + (size_t)caught % 3000);
    memset(p, 1, 100);
    free(p);
    free(calloc(1, 50000));
    caught++;
    errno = keep;
}

static void
counting_handler(int signal)
{
    caught++;
}

static void
handle(int signal, void (*handler)(int), int flags)
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&sa.sa_mask);
    sigaction(signal, &sa, NULL);
}

static void
ticks_every(int microseconds)
{
    struct itimerval every = {.it_interval = {0, microseconds},
                              .it_value = {0, microseconds}};
    setitimer(ITIMER_REAL, &every, NULL);
}

/* The signal is let in only where the program computes. */
static void
handlers_interrupt_user_code(void)
{
    handle(SIGALRM, allocating_handler, SA_RESTART);
    pthread_sigmask(SIG_BLOCK, &alarms, NULL);
    caught = 0;
    ticks_every(100);
    for (unsigned i = 0; caught < 2000; i++) {
        void *p = malloc(i % 5000);
        pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
        for (volatile int spin = 0; spin < 20000; spin++)
            ;
        pthread_sigmask(SIG_BLOCK, &alarms, NULL);
        free(p);
    }
    ticks_every(0);
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
}

static void
raised_handlers(void)
{
    handle(SIGUSR1, allocating_handler, 0);
    for (int i = 0; i < 5000; i++) {
        void *p = malloc(64);
        raise(SIGUSR1);
        free(p);
    }
}

static void *
churn(void *turns)
{
    void *block[128] = {0};
    for (long i = 0; i < (long)turns; i++) {
        long k = i * 7919 % 128;
        size_t n = i % 40 == 0 ? 100000 : 1 + (size_t)(i * 31 % 3000);
        free(block[k]);
        block[k] = malloc(n);
        memset(block[k], (int)i, n < 64 ? n : 64);
        if (i % 64 == 0)
            block[k] = realloc(block[k], n * 2);
    }
    for (int i = 0; i < 128; i++)
        free(block[i]);
    return NULL;
}

/* Interrupted everywhere, also inside malloc and its system calls. */
static void
a_storm_inside_malloc(void)
{
    pthread_t t[3];
    handle(SIGALRM, counting_handler, 0);
    handle(SIGUSR2, counting_handler, 0);
    ticks_every(50);
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, churn, (void *)300000L);
    for (int i = 0; i < 3000; i++) {
        pthread_kill(t[i % 3], SIGUSR2);
        usleep(20);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    ticks_every(0);
    expect(caught > 1000);
}

static void
a_storm_and_forks(void)
{
    handle(SIGALRM, counting_handler, SA_RESTART);
    handle(SIGCHLD, counting_handler, SA_RESTART);
    ticks_every(200);
    for (int i = 0; i < 200; i++) {
        int status = -1;
        void *p = malloc(5000);
        pid_t pid = fork();
        if (pid == 0) {
            free(p);
            churn((void *)500L);
            _exit(0);
        }
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        expect(status == 0);
        free(p);
    }
    ticks_every(0);
    handle(SIGCHLD, SIG_DFL, 0);
}

static void
other_stack_handler(void)
{
    stack_t other = {.ss_sp = malloc(64 << 10), .ss_size = 64 << 10};
    sigaltstack(&other, NULL);
    handle(SIGUSR1, allocating_handler, SA_ONSTACK);
    for (int i = 0; i < 500; i++)
        raise(SIGUSR1);
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    free(other.ss_sp);
}

static sigjmp_buf back;

static void
jumping_handler(int signal)
{
    free(malloc(1000));
    siglongjmp(back, 1);
}

static void
jumps_out_of_handlers(void)
{
    handle(SIGSEGV, jumping_handler, SA_NODEFER);
    for (volatile int i = 0; i < 300; i++) {
        if (sigsetjmp(back, 1) == 0)
            *(volatile int *)opaque(8) = 1;
        free(malloc((size_t)i * 50));
    }
    handle(SIGSEGV, SIG_DFL, 0);
}

/* Urgent data on sockets is signalled by SIGURG: the program's own. */
static void
sigurg_is_the_programs(void)
{
    struct sigaction was;
    sigaction(SIGURG, NULL, &was);
    expect(was.sa_handler == SIG_DFL);
    handle(SIGURG, counting_handler, 0);
    caught = 0;
    for (int i = 0; i < 100; i++)
        raise(SIGURG);
    expect(caught == 100);
    sigaction(SIGURG, NULL, &was);
    expect(was.sa_handler == counting_handler);
    handle(SIGURG, SIG_IGN, 0);
    raise(SIGURG);
    handle(SIGURG, SIG_DFL, 0);
    raise(SIGURG);
    expect(caught == 100);
    sigset_t none;
    pthread_sigmask(SIG_SETMASK, NULL, &none);
    expect(sigismember(&none, SIGURG) == 0);
}

static const struct test_case cases[] = {
    {"SIGURG is the program's as ever", sigurg_is_the_programs},
    {"handlers that interrupt user code may allocate",
     handlers_interrupt_user_code},
    {"handlers of raise may allocate", raised_handlers},
    {"handlers on another stack may allocate", other_stack_handler},
    {"handlers may jump out", jumps_out_of_handlers},
    {"a storm of signals inside malloc does no harm", a_storm_inside_malloc},
    {"a storm of signals and forks does no harm", a_storm_and_forks},
};

int
main(void)
{
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    return RUN_CASES(cases);
}
