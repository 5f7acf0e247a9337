/* Stopping a program that misuses the heap.
 *
 * One sentence on stderr: the call, the address, what it is (size class,
 * where it lies), where it was allocated if it was sampled, and the caller;
 * then SIGABRT.
 */
#ifndef WR_HEAP_MISUSE_H
#define WR_HEAP_MISUSE_H

/* call: "free", "realloc", ...; p: what it was given. */
_Noreturn void wr_misuse(const char *call, const void *p);
/* free(p), the start of a block of that class that is free. It returns where
 * the collector may have freed the block before (wr_events.freed_again). */
void wr_misuse_twice(const void *p, unsigned class_id);

#endif
