/* Under a filter of system calls, with one block lost and the address of
 * another where only the kernel has it:
 *
 *     prog_filter container|strict nowhere|pipe|socket
 *
 * container: descriptors may not be duplicated (pidfd_getfd), as in a container
 * of Docker's; strict: who calls tee is killed. nowhere: there is a pipe that
 * it only writes to, and a socket that is not local. Prints "ready", and waits
 * to be killed.
 */
#define _GNU_SOURCE
#include "case.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* It has the filter before it begins, as in a container. */
static void
begin_anew(char **argv, int call, uint32_t what)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, what),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
        execv("/proc/self/exe", argv);
    exit(2);
}

static APART void
put_away(int fd)
{
    void *p = malloc(200);

    (void)!write(fd, &p, sizeof p);
}

static APART void
lose(void)
{
    memset(malloc(100), 1, 100);
}

int
main(int argc, char **argv)
{
    int fd[2];

    if (argc < 3)
        return 2;
    if (*argv[1] != '-') {
        bool strict = strcmp(argv[1], "strict") == 0;

        *argv[1] = '-'; /* once is enough */
        if (strict)
            begin_anew(argv, SYS_tee, SECCOMP_RET_KILL_PROCESS);
        begin_anew(argv, SYS_pidfd_getfd, SECCOMP_RET_ERRNO | EPERM);
    }
    if (strcmp(argv[2], "socket") == 0) {
        (void)!socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
        put_away(fd[1]);
    } else {
        (void)!pipe(fd);
        if (strcmp(argv[2], "pipe") == 0)
            put_away(fd[1]);
        else
            close(fd[0]);
        (void)socket(AF_INET, SOCK_STREAM, 0);
    }
    lose();
    wipe();
    (void)!write(STDOUT_FILENO, "ready\n", 6);
    for (;;)
        pause();
}
