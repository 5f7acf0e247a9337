/* Stopping the program with a sentence.
 *
 * The text is written to stderr with a newline in one write, then the
 * program ends by SIGABRT. Async-signal-safe, allocates nothing.
 */
#ifndef WR_BASE_DIE_H
#define WR_BASE_DIE_H

#include "base/text.h"

_Noreturn void wr_die(const struct wr_text *t);

#endif
