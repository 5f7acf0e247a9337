/* The contract of process.h on Linux. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/text.h"
#include "os/os.h"
#include "os/process.h"
#include "os/regs.h"
#include "os/syscall.h"

/* ---- threads ---- */

struct entry { /* as the kernel lists a directory */
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[];
};

static uint32_t
decimal(const char *s)
{
    uint32_t n = 0;

    for (; *s >= '0' && *s <= '9'; s++)
        n = n * 10 + (uint32_t)(*s - '0');
    return n;
}

/* Those of one piece of the list. */
static size_t
take_threads(const char *list, long bytes, uint32_t *tid, size_t room, size_t n)
{
    for (long at = 0; at < bytes;) {
        const struct entry *e = (const void *)(list + at);
        uint32_t id = decimal(e->name);

        if (id != 0 && n < room)
            tid[n] = id;
        n += id != 0;
        at += e->bytes;
    }
    return n;
}

size_t
wr_os_threads(uint32_t *tid, size_t room)
{
    _Alignas(8) char list[2048];
    long fd = wr_syscall4(SYS_openat, AT_FDCWD, "/proc/self/task",
                          O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    size_t n = 0;
    long bytes;

    if (wr_syscall_failed(fd))
        return 0;
    while ((bytes = wr_syscall3(SYS_getdents64, fd, list, sizeof list)) > 0)
        n = take_threads(list, bytes, tid, room, n);
    wr_os_close((int)fd);
    return n;
}

bool
wr_os_signal(uint32_t tid, int signal, uintptr_t word)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    info.si_signo = signal;
    info.si_code = SI_QUEUE;
    info.si_pid = (pid_t)wr_os_pid();
    info.si_value.sival_ptr = (void *)word;
    return wr_syscall4(SYS_rt_tgsigqueueinfo, wr_os_pid(), tid, signal,
                       &info) != -ESRCH;
}

unsigned
wr_os_cpus(void)
{
    uint64_t set[1024] = {0};
    long bytes = wr_syscall3(SYS_sched_getaffinity, 0, sizeof set, set);
    unsigned n = 0;

    for (long i = 0; i < bytes / (long)sizeof *set; i++)
        n += (unsigned)__builtin_popcountll(set[i]);
    return n > 0 ? n : 1;
}

/* As the kernel has it; glibc 2.36 has no name for it. */
struct scheduling {
    uint32_t bytes, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t turn_ns, deadline_ns, period_ns;
};

enum { TURN_NS = 100000 };

void
wr_os_be_quick(void)
{
    struct scheduling s = {0};

    if (wr_syscall4(SYS_sched_getattr, 0, &s, sizeof s, 0) != 0 ||
        s.policy != SCHED_OTHER)
        return;
    s.bytes = sizeof s;
    s.turn_ns = TURN_NS;
    (void)wr_syscall3(SYS_sched_setattr, 0, &s, 0);
}

static uint64_t
hex(const char *s)
{
    uint64_t n = 0;

    for (;; s++)
        if (*s >= '0' && *s <= '9')
            n = n * 16 + (uint64_t)(*s - '0');
        else if (*s >= 'a' && *s <= 'f')
            n = n * 16 + (uint64_t)(*s - 'a' + 10);
        else
            return n;
}

int
wr_os_blocks(uint32_t tid, int signal)
{
    static const char key[] = "SigBlk:\t";
    char text[2048];
    struct wr_text path;
    const char *found;
    long n;

    wr_text_init(&path);
    wr_text_str(&path, "/proc/self/task/");
    wr_text_uint(&path, tid);
    wr_text_str(&path, "/status");
    n = wr_os_read_file(path.buf, text, sizeof text - 1);
    if (n <= 0)
        return -1;
    text[n] = '\0';
    if (strstr(text, "\nState:\tZ") != NULL ||
        strstr(text, "\nState:\tX") != NULL)
        return -1; /* a main thread that has ended is there until all have */
    found = strstr(text, key);
    return found != NULL && (hex(found + sizeof key - 1) >> (signal - 1) & 1);
}

/* ---- holding ---- */

enum { HOLD_NS = 50000 };

/* It stops when it next runs, or comes out of the kernel. */
static bool
wait_held(uint32_t tid, uint64_t until)
{
    uint32_t never = 0;
    int status;

    while (wr_os_monotonic() < until) {
        long got =
            wr_syscall4(SYS_wait4, tid, &status, WNOHANG | (int)__WALL, NULL);

        if (got == (long)tid)
            return WIFSTOPPED(status);
        if (got < 0)
            return false;
        wr_os_wait(&never, 0, HOLD_NS);
    }
    return false;
}

/* The set's words, 0 when it cannot be had. */
static size_t
take_registers(uint32_t tid, long set, uintptr_t *words, size_t room)
{
    struct iovec to = {words, room * sizeof *words};

    if (wr_syscall4(SYS_ptrace, PTRACE_GETREGSET, tid, set, &to) != 0)
        return 0;
    return to.iov_len / sizeof *words;
}

/* The values of signals that wait, of the thread's own or of all threads'. */
static size_t
take_signals(uint32_t tid, uint32_t flags, uintptr_t *words, size_t room)
{
    siginfo_t info[8];
    struct __ptrace_peeksiginfo_args which = {.flags = flags, .nr = 8};
    size_t n = 0;
    long got;

    for (; (got = wr_syscall4(SYS_ptrace, PTRACE_PEEKSIGINFO, tid, &which,
                              info)) > 0;
         which.off += (uint64_t)got)
        for (long i = 0; i < got && n < room; i++)
            words[n++] = (uintptr_t)info[i].si_value.sival_ptr;
    return n;
}

bool
wr_os_hold(uint32_t tid, uint64_t until, uintptr_t *words, size_t room,
           struct wr_os_held_words *out)
{
    size_t n;

    if (wr_syscall4(SYS_ptrace, PTRACE_SEIZE, tid, 0, 0) != 0)
        return false;
    if (wr_syscall4(SYS_ptrace, PTRACE_INTERRUPT, tid, 0, 0) != 0 ||
        !wait_held(tid, until) ||
        (n = take_registers(tid, NT_PRSTATUS, words, room)) == 0) {
        wr_os_let_go(tid);
        return false;
    }
    out->sp = wr_regs_held_stack(words);
    out->wide = n;
    n += take_registers(tid, WR_REGS_WIDE_SET, words + n, room - n);
    out->signals = n;
    n += take_signals(tid, 0, words + n, room - n);
    n += take_signals(tid, PTRACE_PEEKSIGINFO_SHARED, words + n, room - n);
    out->all = n;
    return true;
}

void
wr_os_let_go(uint32_t tid)
{
    (void)wr_syscall4(SYS_ptrace, PTRACE_DETACH, tid, 0, 0);
}

void
wr_os_be_held_by(uint32_t pid)
{
    (void)wr_syscall2(SYS_prctl, PR_SET_PTRACER, pid);
}

/* ---- a copy ---- */

/* Whoever has to go when memory is short: the copy. */
static void
offer_itself(void)
{
    long fd = wr_syscall4(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj",
                          O_WRONLY | O_CLOEXEC, 0);

    if (wr_syscall_failed(fd))
        return;
    wr_os_write((int)fd, "1000", 4);
    wr_os_close((int)fd);
}

enum { OF_PROCESS = 1, DISK_IDLE = 3 << 13 }; /* ioprio_set */

/* A tenth of a processor that others want, not less: a search that never ends
 * keeps the memory of its copy. */
enum { COPY_NICE = 10 };

void
wr_os_be_nice(void)
{
    struct sched_param none = {0};
    long nice = 20 - wr_syscall2(SYS_getpriority, PRIO_PROCESS, 0);

    (void)wr_syscall3(SYS_sched_setscheduler, 0, SCHED_BATCH, &none);
    if (nice < COPY_NICE)
        (void)wr_syscall3(SYS_setpriority, PRIO_PROCESS, 0, COPY_NICE);
    (void)wr_syscall3(SYS_ioprio_set, OF_PROCESS, 0, DISK_IDLE);
}

static void
be_a_copy(long original)
{
    (void)wr_syscall2(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
    (void)wr_syscall2(SYS_prctl, PR_SET_NAME, "weir-copy");
    offer_itself();
    if (wr_syscall0(SYS_getppid) != original)
        wr_os_end(1); /* it has gone already */
}

long
wr_os_copy(void)
{
    long original = (long)wr_os_pid();
    /* The last byte of the flags would be the signal at its end: none. */
    long pid = wr_syscall6(SYS_clone, CLONE_FILES | CLONE_FS, 0, 0, 0, 0, 0);

    if (pid == 0)
        be_a_copy(original);
    return pid;
}

_Noreturn void
wr_os_end(int status)
{
    for (;;)
        (void)wr_syscall1(SYS_exit_group, status);
}

int
wr_os_copy_ended(long pid)
{
    int status = 0;
    long got =
        wr_syscall4(SYS_wait4, pid, &status, WNOHANG | (int)__WALL, NULL);

    if (got == 0 || got == -EINTR)
        return -2;
    if (got == pid && WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        return -3;
    return got == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void
wr_os_copy_kill(long pid)
{
    (void)wr_syscall2(SYS_kill, pid, SIGKILL);
}

/* ---- mappings ---- */

bool
wr_os_mappings_open(struct wr_os_mappings *m)
{
    /* A process whose main thread has ended has none under /proc/self. */
    m->file = (int)wr_syscall4(SYS_openat, AT_FDCWD, "/proc/thread-self/maps",
                               O_RDONLY | O_CLOEXEC, 0);
    m->have = m->at = 0;
    if (m->file < 0)
        m->file = -1;
    return m->file >= 0;
}

void
wr_os_mappings_close(struct wr_os_mappings *m)
{
    if (m->file >= 0)
        wr_os_close(m->file);
    m->file = -1;
}

/* The next byte of the text; 0 at its end. */
static char
next_char(struct wr_os_mappings *m)
{
    if (m->at == m->have) {
        long n = wr_syscall3(SYS_read, m->file, m->text, sizeof m->text);

        m->have = n > 0 ? (size_t)n : 0;
        m->at = 0;
        if (n <= 0)
            return 0;
    }
    return m->text[m->at++];
}

/* Digits up to a byte that is none, which is taken too. */
static uintptr_t
next_hex(struct wr_os_mappings *m)
{
    uintptr_t n = 0;

    for (char c; (c = next_char(m)) != 0;)
        if (c >= '0' && c <= '9')
            n = n * 16 + (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            n = n * 16 + (uintptr_t)(c - 'a' + 10);
        else
            break;
    return n;
}

static bool
begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

/* The rest of the line: what does its last word begin with? */
static void
take_name(struct wr_os_mappings *m, struct wr_os_mapping *out)
{
    char name[16];
    size_t n = 0;

    for (char c; (c = next_char(m)) != 0 && c != '\n';)
        if (c == ' ' && n == 0)
            continue;
        else if (n < sizeof name - 1)
            name[n++] = c;
    name[n] = '\0';
    out->main_stack = strcmp(name, "[stack]") == 0;
    out->memory = begins(name, "/dev/shm/") || begins(name, "/dev/zero") ||
                  begins(name, "/memfd:") || begins(name, "/SYSV") ||
                  begins(name, "/dev/hugepages/");
    out->requests = begins(name, "/[aio]");
    out->device = begins(name, "/dev/") && !out->memory;
}

bool
wr_os_mappings_next(struct wr_os_mappings *m, struct wr_os_mapping *out)
{
    if (m->file < 0)
        return false;
    out->from = next_hex(m);
    out->end = next_hex(m);
    if (out->end == 0)
        return false;
    out->readable = next_char(m) == 'r';
    out->writable = next_char(m) == 'w';
    (void)next_char(m);
    out->shared = next_char(m) == 's';
    (void)next_char(m);
    (void)next_hex(m); /* offset */
    (void)next_hex(m); /* device: two numbers */
    (void)next_hex(m);
    out->file = next_hex(m) != 0; /* inode */
    take_name(m, out);
    return true;
}

size_t
wr_os_peek(uintptr_t from, void *to, size_t bytes)
{
    struct {
        uintptr_t at;
        size_t bytes;
    } there = {from, bytes}, here = {(uintptr_t)to, bytes};
    long n = wr_syscall6(SYS_process_vm_readv, (long)wr_os_pid(), (long)&here,
                         1, (long)&there, 1, 0);

    return n > 0 ? (size_t)n : 0;
}

/* As debuggers write where a program may not. */
size_t
wr_os_peek_hidden(uintptr_t from, void *to, size_t bytes)
{
    long fd = wr_syscall4(SYS_openat, AT_FDCWD, "/proc/thread-self/mem",
                          O_RDONLY | O_CLOEXEC, 0);
    long n;

    if (wr_syscall_failed(fd))
        return 0;
    n = wr_syscall4(SYS_pread64, fd, to, bytes, from);
    wr_os_close((int)fd);
    return n > 0 ? (size_t)n : 0;
}
