/* Stacks: how large those of new threads are.
 *
 *     weir_stack_max(16 << 20);
 *     pthread_create(&thread, NULL, parse_deeply, file);
 *
 * It is the size of every thread that is made from then on without one of its
 * own in its attributes, whoever makes it. Address space is all it takes: pages
 * of a stack are memory once they are used. Threads that run keep theirs, and
 * so does the main one, whose size is the limit RLIMIT_STACK when the program
 * starts (ulimit -s).
 *
 * With WEIR=overflow=on, weir run tells which thread used up its stack, and by
 * what recursion.
 *
 * Units: bytes. Threads: any. Misuse: a size that a thread's own needs do not
 * fit in; it ends the program by SIGSEGV when they show.
 */
#ifndef WEIR_STACK_H
#define WEIR_STACK_H

#include <stddef.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Rounded up to whole pages. WEIR_EINVAL: less than a thread can begin with
 * (16 KiB), or more than there is address space; WEIR_ENOMEM. */
weir_err weir_stack_max(size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
