/* Threads that somebody could still join: each keeps its stack and its number
 * until it is joined or detached, also when it has ended.
 *
 *     struct wr_join join = wr_joinable_begin(create_stack);
 *     if (pthread_create(&t, ...) == 0)
 *         wr_joinable_made(join, t);
 *     else
 *         wr_joinable_cancel(join);
 *     first thing in the thread:  wr_joinable_is_here(join);
 *     and last thing:             wr_joinable_ends();
 *     joined, or to be detached:  wr_joinable_over(t);
 *
 * Threads: any; nothing is waited for. Where there is no room, or no region,
 * a thread is not recorded.
 */
#ifndef WR_WORLD_JOINABLE_H
#define WR_WORLD_JOINABLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct wr_join {
    uint64_t token; /* 0: not recorded */
    uint32_t slot;
};

struct wr_join wr_joinable_begin(uint32_t create_stack);
void wr_joinable_made(struct wr_join join, pthread_t thread);
void wr_joinable_cancel(struct wr_join join);
/* The calling thread is that one. */
void wr_joinable_is_here(struct wr_join join);
void wr_joinable_ends(void);
void wr_joinable_over(pthread_t thread);
/* May somebody still join a thread of that number, of those that were
 * recorded? */
bool wr_joinable_has(pthread_t thread);

#endif
