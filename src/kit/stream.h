/* A stream's inside: one buffer, what of it is read and not yet given out.
 *
 * Invariants
 * 1. buffer[begin .. end) is read and not given out; begin <= end <= room.
 * 2. Behind room there are WR_STREAM_GUARD bytes, so that a word may be read at
 *    any byte of the buffer, and a NUL or line feed put behind the last.
 * 3. When over, nothing more is read.
 */
#ifndef WR_KIT_STREAM_H
#define WR_KIT_STREAM_H

#include <stdbool.h>
#include <weir/stream.h>

enum { WR_STREAM_GUARD = 16, WR_STREAM_WHY = 160 };

struct weir_stream {
    weir_stream_read read;
    void *arg;
    int fd; /* to be closed; -1: none */
    struct weir_stream_options o;
    char *buffer;
    size_t room, begin, end;
    bool over;
    struct weir_stream_place place;
    uint64_t read_bytes, next_progress;
    weir_field *field;
    size_t fields; /* room for */
    char why[WR_STREAM_WHY];
};

/* Bring in more than there is from begin on, moving and growing the buffer as
 * it takes. WEIR_ENOENT: there is no more; WEIR_ELIMIT: it is max already. */
weir_err wr_stream_more(weir_stream *s);
/* Give out bytes from begin on, in which lines ended. */
void wr_stream_give(weir_stream *s, size_t bytes, uint64_t lines);
/* To behind the next end of a line: what is there is not given out. */
weir_err wr_stream_skip_line(weir_stream *s);
/* Set why: "line 7, at byte 120: " and what. The error itself. */
weir_err wr_stream_fail(weir_stream *s, weir_err err, const char *what);

#endif
