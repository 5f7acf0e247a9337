/* Looking at the threads of a running program.
 *
 *     struct wr_thread_list l;
 *     if (wr_threads_look(&l, &source, why, sizeof why) == 0) {
 *         struct wr_profile *p;
 *         wr_profile_from_threads(&p, &source.view, &l, why, sizeof why);
 *         ... names ...
 *         wr_threads_find_owners(&l, p, source.pid);
 *
 * Each thread is asked for its stack by the region's signal. Threads: any.
 */
#ifndef WR_SERVE_THREADS_H
#define WR_SERVE_THREADS_H

#include "analyse/threads.h"
#include "serve/source.h"

/* 0, or -1 with a sentence: it has ended. Where the program cannot be asked
 * the list has no stacks. */
int wr_threads_look(struct wr_thread_list *l, const struct wr_source *one,
                    char *why, size_t n);

/* Who has the mutexes that threads wait for, and what that proves. p: the
 * profile of the list, with names, by which a wait for a mutex is known. */
void wr_threads_find_owners(struct wr_thread_list *l,
                            const struct wr_profile *p, uint32_t pid);

#endif
