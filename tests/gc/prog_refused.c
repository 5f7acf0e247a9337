/* A program with a heap of 64 MiB which the system refuses the ways to mark
 * beside it, by a filter of system calls that was there before it, as that of a
 * container is.
 *
 *     prog_refused nothing
 *     prog_refused watch      userfaultfd
 *     prog_refused copy       that, and copies of the process
 *
 * Ends with 0 if three cycles came to their end and the heap is whole.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <weir/gc.h>

enum { NODES = 1 << 20 };

struct node {
    struct node *next;
    uint64_t number, text[6];
};

static struct node *list;

/* A copy shares no memory with the process: that tells it from a thread. */
static void
refuse_and_begin_anew(int copies)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_userfaultfd, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, copies ? SYS_clone : UINT32_MAX, 0,
                 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_VM, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof *code, code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0)
        execl("/proc/self/exe", "prog_refused", "nothing", NULL);
    perror("no filter");
    _exit(77);
}

static int
is_whole(void)
{
    uint64_t n = 0;

    for (const struct node *i = list; i != NULL; i = i->next)
        if (i->number != n++)
            return 0;
    return n == NODES;
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "nothing";

    if (strcmp(what, "nothing") != 0)
        refuse_and_begin_anew(strcmp(what, "copy") == 0);
    weir_gc_disable();
    for (uint64_t i = NODES; i > 0; i--) {
        struct node *n = weir_new(struct node);

        n->next = list;
        n->number = i - 1;
        list = n;
    }
    /* The first finds out that it is large. */
    for (int i = 0; i < 3; i++)
        if (weir_gc_collect() != WEIR_OK)
            return 1;
    return is_whole() ? 0 : 2;
}
