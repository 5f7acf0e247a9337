/* An errand: what a thread of the program wants Weir's thread to do, and waits
 * for.
 *
 *     static void search(void) { wr_errand_begun(&errand); ... }
 *     static struct wr_errand errand = {.work = search};
 *
 *     if (wr_errand_send(&errand)) ... it is done ...
 *     wr_errand_reset(&errand);              before it can be sent again
 *
 * Weir's thread does it from wr_errand_answer. Threads: any may send; of
 * several the first one does, the others are told false.
 */
#ifndef WR_LEAK_ERRAND_H
#define WR_LEAK_ERRAND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct wr_errand {
    _Atomic uint32_t stage; /* 0: nobody sent it */
    void (*work)(void);
};

/* false: it was sent already, or was not begun in time: there is no such
 * thread, or it waits for something that the caller's thread holds, which was
 * interrupted in the heap. */
bool wr_errand_send(struct wr_errand *e);
void wr_errand_reset(struct wr_errand *e);

/* From the work, in the program and not in a copy of it: what it may have to
 * wait for is behind it. false: the sender has given up. */
bool wr_errand_begun(struct wr_errand *e);
/* On Weir's thread: was it sent? Then it is done. */
void wr_errand_answer(struct wr_errand *e);

#endif
