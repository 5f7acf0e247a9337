/* Trace: what a program asked of malloc, call by call, in a file.
 *
 *     struct wr_trace t;
 *     if (wr_trace_open(&t, "python.trace", why, sizeof why) == 0) {
 *         for (size_t i = 0; i < t.steps; i++)
 *             play(&t.step[i]);
 *         wr_trace_close(&t);
 *     }
 *
 * The file is a header and a stream of events, in the order in which they
 * happened; docs/TRACE.md has it byte by byte. Events name blocks by address;
 * the reader numbers them instead: a step names a slot of a table, which is as
 * long as there ever were blocks at a time. A free or realloc of a block whose
 * birth is not in the trace (a forked child's inheritance) is left out, or
 * becomes a malloc.
 *
 * Units: bytes. Threads: a trace is opened, read and closed by one. Ownership:
 * all memory comes from mmap, never from malloc, for the reader serves those
 * who measure a malloc. Misuse: keeping step past wr_trace_close. A file that
 * is damaged or hostile is refused with a sentence; one that somebody shrinks
 * while it is read is not guarded against.
 */
#ifndef WR_RECORD_TRACE_H
#define WR_RECORD_TRACE_H

#include <stddef.h>
#include <stdint.h>

#define WR_TRACE_MAGIC       UINT64_C(0x6361727472696577) /* "weirtrac" */
#define WR_TRACE_VERSION     1
#define WR_TRACE_PROGRAM     224
#define WR_TRACE_BYTES_MAX   (UINT64_C(1) << 47) /* of one block */
#define WR_TRACE_THREADS_MAX (UINT32_C(1) << 20)

struct wr_trace_header {
    uint64_t magic;
    uint32_t version;
    uint32_t pid;
    uint64_t bytes;  /* of the events that follow; grows while recording */
    uint64_t events; /* how many those are, without changes of thread */
    char program[WR_TRACE_PROGRAM]; /* path; cut where it is longer */
};

/* An event is its kind in one byte and what stands beside it. Numbers are
 * unsigned, seven bits a byte, lowest first; an address is the difference to
 * the last one, in units of 8, its sign in the lowest bit. */
enum wr_trace_event {
    WR_TRACE_THREAD,    /* number: whose the following events are */
    WR_TRACE_MALLOC,    /* bytes, address */
    WR_TRACE_CALLOC,    /* bytes, address */
    WR_TRACE_ALIGNED,   /* log2 of the alignment, bytes, address */
    WR_TRACE_FREE,      /* address */
    WR_TRACE_MOVE_FROM, /* address: a realloc starts */
    WR_TRACE_MOVE_TO,   /* bytes, address: it ends; 0 bytes: it failed */
    WR_TRACE_EVENTS
};

enum wr_step_kind {
    WR_STEP_MALLOC,
    WR_STEP_CALLOC,
    WR_STEP_ALIGNED,
    WR_STEP_FREE,
    WR_STEP_REALLOC
};

struct wr_step {
    uint64_t bytes : 48;     /* 0 for a free */
    uint64_t kind : 8;       /* enum wr_step_kind */
    uint64_t align_log2 : 8; /* of WR_STEP_ALIGNED */
    uint32_t slot, thread;
};

struct wr_trace {
    struct wr_step *step;
    size_t steps;
    uint32_t slots, threads;
    uint64_t strangers; /* events about blocks of unknown birth */
    uint32_t pid;
    char program[WR_TRACE_PROGRAM];
    size_t mapped; /* bytes of step */
};

/* 0, or -1 with a sentence in why. The bytes may be gone afterwards. */
int wr_trace_read(struct wr_trace *t, const void *bytes, size_t count,
                  char *why, size_t why_bytes);
int wr_trace_open(struct wr_trace *t, const char *path, char *why,
                  size_t why_bytes);
/* Fine for one whose opening failed, and twice. */
void wr_trace_close(struct wr_trace *t);

/* The header alone, checked: 0, or -1 with a sentence. */
int wr_trace_header_read(struct wr_trace_header *h, const void *bytes,
                         size_t count, char *why, size_t why_bytes);

#endif
