/* Where the heap's memory is: stretches of address space that were committed,
 * all of which can be read for ever. They only grow.
 *
 * Guard: mheap's lock.
 */
#ifndef WR_HEAP_STRETCHES_H
#define WR_HEAP_STRETCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than that are not remembered: of 64 MiB and more each, and neighbours
 * are joined. */
enum { WR_STRETCHES = 4096 };

struct wr_stretch {
    uintptr_t from, end;
};

void wr_stretches_add(uintptr_t from, size_t bytes);
/* All of them, copied to out: how many. SIZE_MAX: there were too many. */
size_t wr_stretches_get(struct wr_stretch out[WR_STRETCHES]);
/* Each where it stands, as a copy of all is too large for a stack. false: there
 * were too many, or visit says so; then it was the last. */
bool wr_stretches_each(bool (*visit)(uintptr_t from, uintptr_t end));

#endif
