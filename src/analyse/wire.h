/* Wire: the encoding of protocol buffers, read field by field.
 *
 *     struct wr_wire w = {bytes, bytes + length, false};
 *     struct wr_wire_field f;
 *     while (wr_wire_next(&w, &f))
 *         if (f.field == 2 && f.type == WR_WIRE_BYTES)
 *             read_message(&f.bytes);
 *     if (w.bad)
 *         ... cut short, or no such encoding ...
 *
 * Nothing is copied: what is read points into the bytes. Threads: any.
 */
#ifndef WR_ANALYSE_WIRE_H
#define WR_ANALYSE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_wire {
    const unsigned char *at, *end;
    bool bad; /* what stands at `at` is not the encoding */
};

enum wr_wire_type {
    WR_WIRE_NUMBER = 0, /* a varint */
    WR_WIRE_FIXED64 = 1,
    WR_WIRE_BYTES = 2, /* text, a message, or packed numbers */
    WR_WIRE_FIXED32 = 5
};

struct wr_wire_field {
    uint32_t field;
    enum wr_wire_type type;
    uint64_t number;      /* of a WR_WIRE_NUMBER */
    struct wr_wire bytes; /* of WR_WIRE_BYTES */
};

static inline bool
wr_wire_varint(struct wr_wire *w, uint64_t *n)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && w->at < w->end; shift += 7) {
        unsigned char b = *w->at++;
        value |= (uint64_t)(b & 127) << (shift < 64 ? shift : 0);
        if (b < 128) {
            *n = value;
            return true;
        }
    }
    w->bad = true;
    return false;
}

/* The next of packed numbers; false: there is none, or it is bad. */
static inline bool
wr_wire_packed(struct wr_wire *w, uint64_t *n)
{
    return w->at < w->end && wr_wire_varint(w, n);
}

/* The next field; false: there is none, or it is bad. */
bool wr_wire_next(struct wr_wire *w, struct wr_wire_field *f);

#endif
