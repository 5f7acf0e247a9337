/* Writer: appends what this process asks of malloc to its trace.
 *
 *     wr_writer_birth(WR_TRACE_MALLOC, bytes, 0, p);      after malloc
 *     wr_writer_free(p);                                  before free
 *     wr_writer_move_from(p);                             before realloc
 *     wr_writer_move_to(bytes, q);                        after it
 *
 * The order of the calls is the order in the trace: a block is noted as gone
 * before anybody else can get its address, and as born before anybody else can
 * free it.
 *
 * The variable WEIR_RECORD names the file by its whole path; the first process
 * image that comes makes it, later ones add their pid (and a number) to the
 * name. Without it nothing is recorded; when the file cannot be made or grow,
 * nothing is recorded either, and a sentence on stderr says so once. The file
 * is a shared mapping: what was noted is in it, however the process ends.
 *
 * Threads: any. Signal handlers: what one asks while its thread is noting
 * something is left out. Fork: the child starts a trace of its own. Never
 * calls malloc, keeps no descriptor, and leaves errno alone.
 */
#ifndef WR_RECORD_WRITER_H
#define WR_RECORD_WRITER_H

#include <stddef.h>
#include "record/trace.h"

#define WR_RECORD_VARIABLE "WEIR_RECORD"

/* align_log2 is for WR_TRACE_ALIGNED. NULL addresses are left out. */
void wr_writer_birth(enum wr_trace_event kind, size_t bytes,
                     unsigned align_log2, const void *p);
void wr_writer_free(const void *p);
void wr_writer_move_from(const void *p);
/* bytes 0: it failed, p is where the block was and is. */
void wr_writer_move_to(size_t bytes, const void *p);

#endif
