/* Pick: which process a command is about.
 *
 *     struct wr_source *one = wr_pick(&sources, pid, why, sizeof why);
 *     if (!one)
 *         wr_say("%s", why);
 *
 * pid 0 is the only live process there is. NULL with a sentence that says
 * what to do: that process is not known, or there is not just one.
 * Ownership: the sources'.
 */
#ifndef WR_CMD_PICK_H
#define WR_CMD_PICK_H

#include <stddef.h>
#include "serve/source.h"

struct wr_source *wr_pick(const struct wr_sources *s, uint32_t pid, char *why,
                          size_t n);

#endif
