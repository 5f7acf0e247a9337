/* A fork of the heap alone, and what its child promises.
 *
 *     pid = fork_heap();
 *     if (pid == 0) {
 *         must(wr_count_get(heap_inuse) == 0);
 *         _exit(0);
 *     }
 *     expect_success(pid);
 */
#ifndef WEIR_TESTS_FORKED_H
#define WEIR_TESTS_FORKED_H

#include <check.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap/heap.h"
#include "os/lock.h"

/* A promise kept in the child, whose exit status tells which was not. */
#define must(x)                                                                \
    do {                                                                       \
        if (!(x)) {                                                            \
            fprintf(stderr, "line %d: %s\n", __LINE__, #x);                    \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

/* As the runtime does it. */
static inline pid_t
fork_heap(void)
{
    pid_t pid;

    wr_heap_fork_before();
    wr_lock_fork_begin();
    pid = fork();
    wr_lock_fork_end();
    wr_heap_fork_after(pid == 0);
    return pid;
}

static inline void
expect_success(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

#endif
