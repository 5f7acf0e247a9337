/* A program in narrow circumstances that it makes itself (argv[1] says
 * which); it then works with the heap, in threads and in a child, and says
 * "lived". */
#define _GNU_SOURCE
#include "cases.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *
work(void *unused)
{
    static __thread void *block[200];
    for (unsigned i = 0; i < 40000; i++) {
        unsigned k = i * 7919 % 200;
        size_t n = i % 500 == 0 ? 300000 : 1 + i * 37 % 6000;
        free(block[k]);
        block[k] = i & 1 ? calloc(1, n) : malloc(n);
        expect(block[k] != NULL);
        ((char *)block[k])[n - 1] = 1;
    }
    for (unsigned k = 0; k < 200; k++)
        free(block[k]), block[k] = NULL;
    return NULL;
}

/* What a server of containers leaves allowed: memory, threads, files, exit;
 * all else answers EPERM. */
static void
seccomp_filter(void)
{
    static const int allowed[] = {
        SYS_read,   SYS_write,          SYS_close,           SYS_mmap,
        SYS_munmap, SYS_mprotect,       SYS_madvise,         SYS_brk,
        SYS_futex,  SYS_exit,           SYS_exit_group,      SYS_rt_sigreturn,
        SYS_clone,  SYS_rt_sigprocmask, SYS_set_robust_list, SYS_clone3,
        SYS_fstat,  SYS_newfstatat,
#ifdef SYS_rseq
        SYS_rseq,
#endif
    };
    struct sock_filter f[2 + 2 * sizeof allowed / sizeof *allowed] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    unsigned n = 1;
    for (unsigned i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                              (unsigned)allowed[i], 0, 1);
        f[n++] =
            (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
                                          SECCOMP_RET_ERRNO | EPERM);
    struct sock_fprog filter = {.len = (unsigned short)n, .filter = f};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    expect(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0);
}

static void
limit(int what, rlim_t value)
{
    struct rlimit r = {value, value};
    expect(setrlimit(what, &r) == 0);
}

/* Every descriptor but the three is closed, and the numbers are reused. */
static void
close_files(void)
{
    closefrom(3);
    for (int i = 0; i < 5; i++)
        expect(open("/dev/zero", O_RDWR) == 3 + i);
}

/* Does a file of any thread of this process contain the text? */
static bool
is_somewhere(const char *format, const char *text)
{
    char path[64 + NAME_MAX], status[4096];
    bool found = false;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *e; (e = readdir(tasks)) != NULL;) {
        snprintf(path, sizeof path, format, e->d_name);
        FILE *f = fopen(path, "r");
        if (!f)
            continue; /* "..", or a thread that has ended */
        status[fread(status, 1, sizeof status - 1, f)] = 0;
        found |= strstr(status, text) != NULL;
        fclose(f);
    }
    closedir(tasks);
    return found;
}

static void
be_nobody(void)
{
    /* The more is free, the more may still be at work. */
    char *volatile p = malloc(64u << 20);
    memset(p, 1, 64u << 20);
    free(p);
    usleep(20000);
    expect(setgid(65534) == 0 && setuid(65534) == 0);
    expect(!is_somewhere("/proc/self/task/%s/status", "Uid:\t0"));
    /* A namespace of its own is for programs of a single thread. */
    unshare(CLONE_NEWUSER);
    expect(errno != EINVAL);
}

static void
be_elsewhere(void)
{
    expect(chroot("/proc/self/fdinfo") == 0 || chroot("/var/empty") == 0 ||
           chroot("/mnt") == 0);
    expect(chdir("/") == 0);
}

static void
narrow_down(const char *how)
{
    if (!strcmp(how, "seccomp"))
        seccomp_filter();
    else if (!strcmp(how, "closefrom"))
        close_files();
    else if (!strcmp(how, "nobody"))
        be_nobody();
    else if (!strcmp(how, "chroot"))
        be_elsewhere();
    else if (!strcmp(how, "nofile"))
        limit(RLIMIT_NOFILE, 3);
    else if (!strcmp(how, "fsize"))
        limit(RLIMIT_FSIZE, 0);
    else if (!strcmp(how, "nproc"))
        limit(RLIMIT_NPROC, 1);
    else if (!strcmp(how, "memlock"))
        limit(RLIMIT_MEMLOCK, 0);
    else
        expect(!strcmp(how, "as-is"));
}

int
main(int argc, char **argv)
{
    pthread_t t[3];
    int threads = 0;
    work(NULL);
    narrow_down(argv[1]);
    work(NULL);
    for (int i = 0; i < 3; i++)
        threads += pthread_create(&t[threads], NULL, work, NULL) == 0;
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    pid_t pid = fork();
    if (pid == 0) {
        work(NULL);
        _exit(cases_failed != 0);
    }
    int status = 0;
    if (pid > 0 && waitpid(pid, &status, 0) == pid)
        expect(status == 0);
    if (!cases_failed)
        puts("lived");
    return cases_failed != 0;
}
