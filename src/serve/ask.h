/* Asking a running program something it answers from a copy of itself
 * (region/ask.h).
 *
 *     struct wr_ask ask = {.kind = WR_ASK_LEAKS};
 *     FILE *in = wr_ask_source(&source, &ask, WR_LEAKS_SUFFIX, 60000,
 *                              why, sizeof why);
 *     if (in) ... fclose(in);
 *
 * The program stands still for some milliseconds. Of several that ask the same
 * program at once one waits for the other. Threads: any. Errors: NULL with a
 * sentence that says what to do. Units: milliseconds.
 */
#ifndef WR_SERVE_ASK_H
#define WR_SERVE_ASK_H

#include <stddef.h>
#include <stdio.h>
#include "region/ask.h"
#include "serve/source.h"

/* kind, flags and argument are the caller's, the rest of ask is filled in. The
 * answer, whole, from its first byte; its file is gone already. suffix: what
 * it has behind the region's name. */
FILE *wr_ask_source(const struct wr_source *one, struct wr_ask *ask,
                    const char *suffix, unsigned wait_ms, char *why, size_t n);

#endif
