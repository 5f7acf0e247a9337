/* Invariants
 * 1. used <= room; between top-level messages at least WR_WIRE_MESSAGE bytes
 *    are free, or the wire has failed.
 * 2. Bytes below start[0] are whole top-level fields; only they are written.
 */
#include "profile/wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

enum { KIND_NUMBER = 0, KIND_BYTES = 2 };

void
wr_wire_init(struct wr_wire *w, int fd, void *buffer, size_t room)
{
    WR_ASSERT(room >= 2 * (size_t)WR_WIRE_MESSAGE);
    memset(w, 0, sizeof *w);
    w->fd = fd;
    w->buffer = buffer;
    w->room = room;
}

static void
flush(struct wr_wire *w)
{
    for (size_t at = 0; at < w->used && !w->failed;) {
        ssize_t n = write(w->fd, w->buffer + at, w->used - at);

        if (n > 0)
            at += (size_t)n;
        else if (n == 0 || errno != EINTR)
            w->failed = true;
    }
    w->used = 0;
}

/* A top-level field is whole: make room for the next. */
static void
settle(struct wr_wire *w)
{
    if (w->depth == 0 && w->room - w->used < WR_WIRE_MESSAGE)
        flush(w);
}

static unsigned
encode(unsigned char *to, uint64_t value)
{
    unsigned n = 0;

    for (; value >= 0x80; value >>= 7)
        to[n++] = (unsigned char)(value | 0x80);
    to[n++] = (unsigned char)value;
    return n;
}

static void
put(struct wr_wire *w, const void *bytes, size_t n)
{
    if (n > w->room - w->used) {
        w->failed = true;
        errno = EOVERFLOW;
    }
    if (w->failed)
        return;
    memcpy(w->buffer + w->used, bytes, n);
    w->used += n;
}

void
wr_wire_number(struct wr_wire *w, uint64_t value)
{
    unsigned char bytes[10];

    put(w, bytes, encode(bytes, value));
}

void
wr_wire_open(struct wr_wire *w, unsigned field)
{
    WR_ASSERT(w->depth < WR_WIRE_DEPTH);
    wr_wire_number(w, field << 3 | KIND_BYTES);
    w->start[w->depth++] = w->used;
}

/* The length is known only now: move the body up by the bytes it takes. */
void
wr_wire_close(struct wr_wire *w)
{
    unsigned char bytes[10];
    size_t start = w->start[--w->depth], body = w->used - start;
    unsigned n = encode(bytes, body);

    put(w, bytes, n);
    if (w->failed)
        return;
    memmove(w->buffer + start + n, w->buffer + start, body);
    memcpy(w->buffer + start, bytes, n);
    settle(w);
}

void
wr_wire_field(struct wr_wire *w, unsigned field, uint64_t value)
{
    if (value == 0)
        return;
    wr_wire_number(w, field << 3 | KIND_NUMBER);
    wr_wire_number(w, value);
    settle(w);
}

void
wr_wire_text(struct wr_wire *w, unsigned field, const char *s, size_t n)
{
    wr_wire_number(w, field << 3 | KIND_BYTES);
    wr_wire_number(w, n);
    put(w, s, n);
    settle(w);
}

bool
wr_wire_end(struct wr_wire *w)
{
    WR_ASSERT(w->depth == 0);
    flush(w);
    return !w->failed;
}
