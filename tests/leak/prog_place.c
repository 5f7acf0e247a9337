/* A heap of so many MiB in blocks of 64 bytes that hang off each other, one in
 * a hundred lost:
 *
 *     prog_place MIB [no-copy] [writing]
 *
 * no-copy: under a filter of system calls that refuses to make processes, which
 * it had before it began, as in a container; writing: all of it is written
 * again and again. Prints "ready", then waits to be killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK 64

static char **volatile blocks;

static void
begin_anew_without_copies(char **argv)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_VM, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof *code, code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0)
        execv("/proc/self/exe", argv);
    exit(2);
}

static void
write_for_ever(size_t n)
{
    for (char c = 1;; c++)
        for (size_t i = 0; i < n; i++)
            if (blocks[i] != NULL)
                blocks[i][BLOCK - 1] = c;
}

/* Where it is among the words; NULL: nowhere. */
static char *
find(char **word, const char *wanted)
{
    for (; *word != NULL; word++)
        if (strcmp(*word, wanted) == 0)
            return *word;
    return NULL;
}

int
main(int argc, char **argv)
{
    char *no_copy = find(argv, "no-copy");
    size_t n = (argc > 1 ? strtoul(argv[1], NULL, 10) << 20 : 0) / BLOCK;

    if (no_copy != NULL) {
        *no_copy = '-'; /* once is enough */
        begin_anew_without_copies(argv);
    }
    blocks = malloc((n + 1) * sizeof *blocks);
    for (size_t i = 0; i < n; i++) {
        blocks[i] = calloc(1, BLOCK);
        if (i % 100 == 99)
            blocks[i] = NULL;
        else if (i > 0)
            *(char **)blocks[i] = blocks[i * 2654435761u % i];
    }
    puts("ready");
    fflush(stdout);
    if (find(argv, "writing") != NULL)
        write_for_ever(n);
    for (;;)
        pause();
}
