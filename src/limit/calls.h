/* The thread that calls the program: its subscribers, its monitor.
 *
 *     if (wr_calls_start())            on a thread of the program
 *         wr_calls_post(&pressure);    from wherever it is known
 *
 * Weir's background thread is none that libc knows, so the program's functions
 * cannot run there. This one is an ordinary thread, started by the first who
 * wants to be called. It stays, asleep, until the process ends.
 * Threads: any, but for what says otherwise.
 */
#ifndef WR_LIMIT_CALLS_H
#define WR_LIMIT_CALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/limit.h>

/* There is such a thread after this. false: it could not be made. Allocates;
 * no lock held. */
bool wr_calls_start(void);
/* Is it the caller? */
bool wr_calls_is_here(void);

/* The subscribers are to be told; the newest word counts. Also on the
 * background thread. */
void wr_calls_post(const struct weir_pressure *p);

/* A cycle of the collector has ended: who waits for that is to be told. Also on
 * the background thread. */
void wr_calls_cycle_ended(void);

/* Who is called: with the pressure, or after cycles; one of the two is NULL.
 * Answers as weir_pressure_subscribe and _unsubscribe. */
struct wr_subscriber {
    weir_pressure_fn pressure;
    void (*cycle)(uint64_t cycles, void *arg);
    void *arg;
};
weir_err wr_calls_add(struct wr_subscriber s);
weir_err wr_calls_remove(struct wr_subscriber s);

/* Somebody has been told and has not answered yet. */
bool wr_calls_are_busy(void);
/* Count: bytes that subscribers have freed on it. */
uint64_t wr_calls_freed(void);

/* Call fn on the thread; it answers after how many nanoseconds again, 0: not
 * any more. One at a time: NULL takes it away, and it does not run when this
 * returns (but for a call from itself). */
typedef uint64_t wr_calls_fn(void);
void wr_calls_repeat(wr_calls_fn *fn);

/* In a forked child: nobody wants to be called, and there is no thread. */
void wr_calls_fork_child(void);

#endif
