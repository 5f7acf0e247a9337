/* The WEIR variable of the environment: what the user asked of Weir.
 *
 *     WEIR=sample=512KiB,dir=/run/user/1000/weir
 *
 *     sample=BYTES   mean bytes between two samples; 1: every allocation,
 *                    0: none
 *     dir=PATH       where the region's file is made, and stays
 *     history=off    no history, and no thread that writes it; on: as ever
 *     overflow=on    a thread that uses up its stack is reported in the region,
 *                    by a handler of SIGSEGV on a stack of its own; off: not
 *     fds=off        who opens which descriptor is not recorded; on: as ever
 *     limit=BYTES    the soft limit (include/weir/limit.h); auto: the control
 *                    group's, off: none; with :hard behind it a hard one
 *     leaks=exit     search for leaks when the program ends: if there are some,
 *                    a line on stderr, and `weir leaks PID` then shows them;
 *                    fail: and status 3 instead of 0; list: the list in any
 *                    case, and no line; off: no search, as ever
 *     collect=on     blocks of malloc that the program cannot reach any more
 *                    are freed (gc/doubt.h); off: not, as ever
 *     gogc=N         percent by which managed memory grows before it is
 *                    collected (include/weir/gc.h); off: only on demand
 *     gc=track       managed memory is marked beside the program, whose writes
 *                    the kernel notes, where that can be; gc=copy: in a copy;
 *                    gc=stop: while it stands still; gc=auto: as fits
 *     gctrace=1      a line on stderr for each collection, in the form of Go's
 *                    (region/gctrace.h); 0: none, as ever
 *     gccheckmark=1  verify what each collection finds, and the heap
 *                    (gc/verify.h); 0: not, as ever in release builds
 *     clobberfree=1  overwrite what a collection frees; 0: not, as ever
 *     gcsnapshot=DIR the heap, as the cycle found it that found the most alive,
 *                    is written to DIR/PID.heap (gc/peak.h); not, as ever
 *     gcstress=N     collect at every Nth managed block; 0: when it is due, as
 *                    ever
 *
 * An option that is unknown or makes no sense is left out; one sentence on
 * stderr says so. Nothing else of Weir ever prints unasked.
 */
#ifndef WR_PRELOAD_OPTIONS_H
#define WR_PRELOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gc/gc.h"
#include "leak/last.h"
#include "region/layout.h"

struct wr_text;

struct wr_options {
    uint64_t sample_rate;
    char dir[WR_PATH_MAX]; /* "": the user's own */
    bool history;
    bool fds;
    bool overflow;
    uint64_t limit; /* as weir_limit_set takes it */
    bool limit_hard;
    enum wr_last leaks;
    bool gctrace;
    char peaks[WR_PATH_MAX]; /* "": none */
    struct wr_gc_options gc;
};

/* value: of the variable; NULL when it is not set. problem: empty, or a
 * sentence about the first option that was left out. */
void wr_options_parse(struct wr_options *o, const char *value,
                      struct wr_text *problem);

#endif
