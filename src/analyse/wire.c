/* Fields of the wire. Groups, which the format has given up, are bad. */
#include "analyse/wire.h"

static bool
take_bytes(struct wr_wire *w, uint64_t n, struct wr_wire *bytes)
{
    if (n > (uint64_t)(w->end - w->at)) {
        w->bad = true;
        return false;
    }
    *bytes = (struct wr_wire){w->at, w->at + n, false};
    w->at += n;
    return true;
}

bool
wr_wire_next(struct wr_wire *w, struct wr_wire_field *f)
{
    uint64_t key, length;
    if (w->bad || w->at == w->end || !wr_wire_varint(w, &key))
        return false;
    f->field = (uint32_t)(key >> 3);
    f->type = (enum wr_wire_type)(key & 7);
    f->number = 0;
    if (key >> 32 || f->field == 0) {
        w->bad = true;
        return false;
    }
    switch (f->type) {
    case WR_WIRE_NUMBER:
        return wr_wire_varint(w, &f->number);
    case WR_WIRE_BYTES:
        return wr_wire_varint(w, &length) && take_bytes(w, length, &f->bytes);
    case WR_WIRE_FIXED64:
        return take_bytes(w, 8, &f->bytes);
    case WR_WIRE_FIXED32:
        return take_bytes(w, 4, &f->bytes);
    default:
        w->bad = true;
        return false;
    }
}
