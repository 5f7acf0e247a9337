/* Asking a program for its leaks.
 *
 *     struct wr_leaks l;
 *     if (wr_leak_ask_source(&source, 0, 60000, &l, why, sizeof why) == 0)
 *         ... wr_leaks_fini(&l);
 *
 * The program searches in a copy of itself (serve/ask.h, and leak/search.h in
 * its library). Threads: any. Errors: -1 with a sentence that says what to do.
 */
#ifndef WR_SERVE_LEAK_H
#define WR_SERVE_LEAK_H

#include <stddef.h>
#include "analyse/leaks.h"
#include "serve/source.h"

/* What a program that has ended had lost, if it was told to search then. */
int wr_leak_of_ended(const struct wr_source *one, struct wr_leaks *l, char *why,
                     size_t n);

/* flags: WR_LEAKS_SINCE_MARK, WR_LEAKS_SET_MARK, WR_ASK_IN_PLACE,
 * WR_ASK_ONLY_COPY or none. */
int wr_leak_ask_source(const struct wr_source *one, uint64_t flags,
                       unsigned wait_ms, struct wr_leaks *l, char *why,
                       size_t n);

/* What a cycle of the collector would find dead now, of a program that has
 * one. */
int wr_leak_ask_garbage(const struct wr_source *one, unsigned wait_ms,
                        struct wr_leaks *l, char *why, size_t n);

#endif
