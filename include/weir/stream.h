/* Streams: read what is larger than memory, piece by piece.
 *
 *     weir_stream *s;
 *     const weir_field *field;
 *     size_t n;
 *
 *     if (weir_stream_open(&s, "orders.csv", NULL) != WEIR_OK)
 *         return 1;
 *     while ((err = weir_stream_record(s, ',', &field, &n)) == WEIR_OK && n >
 * 0) total += number(field[3].text, field[3].bytes); if (err != WEIR_OK)
 *         fprintf(stderr, "orders.csv: %s\n", weir_stream_why(s));
 *     weir_stream_free(s);
 *
 * A stream reads ahead into one buffer and gives out parts of it: chunks as
 * they come, lines, or records of comma-separated values. So it needs the
 * buffer's memory, however long the file is. The buffer begins with initial
 * bytes and grows, when a line or a record does not fit, up to max: a longer
 * one is WEIR_ELIMIT, the sentence of weir_stream_why says where it begins, and
 * the next call goes on at the next line. The ways of reading may be mixed.
 *
 * Records are those of RFC 4180: fields end at the separator, records at a line
 * feed, with or without a carriage return before it; a field in double quotes
 * may have all of these inside, and a double quote when it is doubled. Quotes
 * are taken off. A blank line is a record of one empty field. What is none (a
 * quote inside a field without quotes, something behind the closing one, no
 * closing one) is WEIR_EINVAL, and the next call goes on at the next line.
 *
 * Units: bytes; lines and records are counted from 1. Threads: a stream is one
 * thread's at a time. Ownership: what is given out is the stream's, and stays
 * until the next call. Errors: WEIR_EIO leaves errno; the stream is at its end.
 * Complexity: each byte is looked at once, and moved at most once.
 */
#ifndef WEIR_STREAM_H
#define WEIR_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_stream weir_stream;

/* How far it is. */
struct weir_stream_place {
    uint64_t bytes;   /* given out, or skipped */
    uint64_t lines;   /* ends of lines in them; not counted in chunks */
    uint64_t records; /* given out */
};

struct weir_stream_options {
    size_t initial; /* of the buffer; 0: 64 KiB */
    size_t max; /* of it, at least initial: a line with its end, or a record,
                   is shorter. 0: 1 MiB */
    /* Called when so many more bytes have been read, and at the end. */
    void (*progress)(const struct weir_stream_place *p, void *arg);
    void *arg;
    uint64_t every; /* 0: 1 MiB */
};

/* As read(2): bytes that it gave, 0 at the end, -1 and errno. */
typedef ssize_t (*weir_stream_read)(void *arg, void *to, size_t bytes);

/* options may be NULL. Open closes the file in the end, fd does not.
 * WEIR_EIO: see errno; WEIR_ENOMEM; WEIR_EINVAL: a NULL. */
weir_err weir_stream_open(weir_stream **out, const char *path,
                          const struct weir_stream_options *options);
weir_err weir_stream_fd(weir_stream **out, int fd,
                        const struct weir_stream_options *options);
weir_err weir_stream_from(weir_stream **out, weir_stream_read read, void *arg,
                          const struct weir_stream_options *options);
void weir_stream_free(weir_stream *s);

/* What is there, at least a byte; *bytes is 0 at the end. */
weir_err weir_stream_chunk(weir_stream *s, const char **text, size_t *bytes);

/* The next line without its end; *text is NULL when there is none. A NUL
 * follows it. */
weir_err weir_stream_line(weir_stream *s, const char **text, size_t *bytes);

typedef struct weir_field {
    const char *text; /* no NUL follows */
    size_t bytes;
} weir_field;

/* The next record; *n is 0 when there is none. separator is a byte other than
 * a quote or an end of line. */
weir_err weir_stream_record(weir_stream *s, char separator,
                            const weir_field **fields, size_t *n);

void weir_stream_where(const weir_stream *s, struct weir_stream_place *out);

/* Why the last call failed: one sentence, with the place. */
const char *weir_stream_why(const weir_stream *s);

#ifdef __cplusplus
}
#endif
#endif
