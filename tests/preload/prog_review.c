/* Corners where a heap that stands in for libc's shows: what libc frees when
 * a thread is over, sizes beyond the machine, locked memory, the smallest
 * stacks, what a vfork child does to signals. */
#define _GNU_SOURCE
#include "cases.h"
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

static long
resident_kib(void)
{
    char line[200];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        (void)sscanf(line, "VmRSS: %ld", &kib);
    if (f)
        fclose(f);
    return kib;
}

/* libc keeps the text for the thread and frees it after its last key. */
static void *
ask_for_a_text(void *unused)
{
    strerror((int)opaque(9999));
    return NULL;
}

static void
run_many(void *(*life)(void *), int threads)
{
    for (int i = 0; i < threads; i++) {
        pthread_t t;
        expect(pthread_create(&t, NULL, life, NULL) == 0);
        pthread_join(t, NULL);
    }
}

static void
late_frees_cost_nothing(void)
{
    run_many(ask_for_a_text, 100);
    long before = resident_kib();
    run_many(ask_for_a_text, 3000);
    expect(resident_kib() - before < 4096);
}

static pthread_key_t key;

static void *
keep_under_key(void *unused)
{
    pthread_setspecific(key, malloc(3000));
    return NULL;
}

static void
key_destructors_that_free_cost_nothing(void)
{
    pthread_key_create(&key, free);
    run_many(keep_under_key, 100);
    long before = resident_kib();
    run_many(keep_under_key, 3000);
    expect(resident_kib() - before < 4096);
}

static int
c11_life(void *given)
{
    free(given);
    free(malloc(500));
    return 7;
}

static void
c11_threads(void)
{
    for (int i = 0; i < 200; i++) {
        thrd_t t;
        int result = 0;
        expect(thrd_create(&t, c11_life, malloc(50)) == thrd_success);
        thrd_join(t, &result);
        expect(result == 7);
    }
}

/* Which are given depends on the machine: the output is compared. */
static void
sizes_about_the_machine(void)
{
    for (int bits = 33; bits < 48; bits++) {
        void *p = malloc(opaque((size_t)1 << bits));
        printf("2^%d bytes: %s\n", bits, p ? "given" : strerror(errno));
        free(p);
    }
}

static void *
life_on_a_small_stack(void *unused)
{
    void *block[60];
    for (unsigned i = 0; i < 60; i++)
        paint(block[i] = malloc(1 + i * 700), 1 + i * 700, i);
    for (unsigned i = 0; i < 60; i++) {
        expect(painted(block[i], 1 + i * 700, i));
        free(block[i]);
    }
    return NULL;
}

static void
smallest_stacks(void)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    expect(pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN) == 0);
    for (int i = 0; i < 50; i++) {
        pthread_t t;
        expect(pthread_create(&t, &attr, life_on_a_small_stack, NULL) == 0);
        pthread_join(t, NULL);
    }
    pthread_attr_destroy(&attr);
}

static void
vfork_child_sets_every_signal_back(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL}, old;
    int status = -1;
    pid_t pid = vfork();
    if (pid == 0) {
        for (int n = 1; n < 32; n++)
            (void)sigaction(n, &plain, NULL);
        _exit(0);
    }
    expect(waitpid(pid, &status, 0) == pid && status == 0);
    expect(sigaction(SIGURG, NULL, &old) == 0 && old.sa_handler == SIG_DFL);
}

static bool
all_zero(const char *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (p[i] != 0)
            return false;
    return true;
}

/* Grown blocks move by pages; what they leave is taken for zero. */
static void
calloc_where_blocks_have_moved(void)
{
    for (int turn = 0; turn < 10; turn++) {
        enum { FROM = 3 << 20, TO = 9 << 20 };
        char *p = malloc(FROM), *in_the_way = malloc(1 << 20), *q;
        memset(p, 0xee, FROM);
        p = realloc(p, TO);
        memset(p + FROM, 0xee, TO - FROM);
        q = calloc(1, FROM);
        expect(all_zero(q, FROM));
        memset(q, 0xdd, FROM);
        free(p);
        free(q);
        if (turn % 2)
            malloc_trim(0);
        q = calloc(1, TO);
        expect(all_zero(q, TO));
        free(q);
        free(in_the_way);
    }
}

static void
locked_memory(void)
{
    pid_t pid = fork();
    int status = -1;
    if (pid == 0) {
        if (mlockall(MCL_CURRENT | MCL_FUTURE) == 0)
            calloc_where_blocks_have_moved();
        _exit(cases_failed != 0);
    }
    expect(waitpid(pid, &status, 0) == pid && status == 0);
}

/* As a sandbox's library does it: by the system call's number. */
static bool
forbid_threads(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

static void
sandboxed(void)
{
    pid_t pid = fork();
    int status = -1;
    if (pid == 0) {
        if (forbid_threads())
            for (int i = 0; i < 20; i++) {
                char *p = malloc(8 << 20);
                memset(p, 1, 8 << 20);
                free(p);
            }
        _exit(0);
    }
    expect(waitpid(pid, &status, 0) == pid && status == 0);
}

static const struct test_case cases[] = {
    {"what libc frees after a thread costs nothing", late_frees_cost_nothing},
    {"keys whose destructor is free cost nothing",
     key_destructors_that_free_cost_nothing},
    {"threads of C11 live and die", c11_threads},
    {"threads live on the smallest stack", smallest_stacks},
    {"a vfork child's signals are its own", vfork_child_sets_every_signal_back},
    {"calloc is zero where blocks have moved", calloc_where_blocks_have_moved},
    {"memory may be locked", locked_memory},
    {"where threads are forbidden none is made", sandboxed},
    {"sizes beyond the machine are refused", sizes_about_the_machine},
};

int
main(void)
{
    return RUN_CASES(cases);
}
