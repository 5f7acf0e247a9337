/* Asking the threads of a live program for their stacks and counters.
 *
 *     struct wr_captured c;
 *     wr_capture_threads(&view, 50, &c);
 *     if (c.answered < c.asked) some threads are stopped or block the signal
 *
 * Each thread listed in the region gets the region's capture signal with its
 * cookie; its handler stores the stack in the thread's slot and publishes the
 * counters. A thread that does not answer in time keeps the stack it had.
 * Threads: any. Only the same user's programs can be asked.
 */
#ifndef WR_SERVE_CAPTURE_H
#define WR_SERVE_CAPTURE_H

#include "region/read.h"

struct wr_captured {
    uint32_t asked, answered;
    uint64_t since_ns; /* CLOCK_MONOTONIC: slots older than this are stale */
};

/* Waits at most wait_ms. False when the program cannot be asked: it ended,
 * has taken the signal for itself, or belongs to another user. */
bool wr_capture_threads(const struct wr_region_view *view, unsigned wait_ms,
                        struct wr_captured *c);

/* The same, and to each thread it says more: what is added to the cookie. */
typedef uint64_t wr_capture_word(uint32_t tid, void *cls);
bool wr_capture_with(const struct wr_region_view *view, unsigned wait_ms,
                     wr_capture_word *word, void *cls, struct wr_captured *c);

/* Queue the region's signal with that word to a thread; what words there are
 * say region/layout.h and region/ask.h. false: there is no such thread. */
bool wr_capture_ask(const struct wr_region_header *h, uint32_t tid,
                    uint64_t word);

#endif
