/* What the program is asked from outside (region/ask.h), done: Weir's thread
 * reads the request and lets the search of its kind run in a copy of the
 * program (leak/copy.h).
 *
 *     wr_ask_start();     once: from now on it can be asked
 *
 * A new kind is a line in ask.c's table: what its answer is called, and the
 * search. Nothing here allocates from the heap.
 */
#ifndef WR_LEAK_ASK_H
#define WR_LEAK_ASK_H

#include <stdbool.h>
#include <stddef.h>

struct wr_ask;

void wr_ask_start(void);

/* Is that a request this Weir understands? bytes: how many there are. */
bool wr_ask_is_good(const struct wr_ask *a, size_t bytes);

#endif
