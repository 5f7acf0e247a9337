/* Records of comma-separated values.
 *
 * A record is looked through from its first byte when all of it seems to be in
 * the buffer; when it is not, more is read and it is looked through again. So
 * nothing has to be remembered between two reads, and as long as records are
 * short beside the buffer nearly none is seen twice.
 *
 * 1. Separators, ends of lines and quotes are found eight bytes at a time; no
 *    byte at or after the buffer's end counts.
 * 2. Doubled quotes are taken out of a field only when its record is whole.
 */
#include <string.h>
#include <weir/alloc.h>
#include "base/base.h"
#include "base/text.h"
#include "kit/stream.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the lowest byte of a word is the first");

#define EACH(byte) (UINT64_C(0x0101010101010101) * (uint8_t)(byte))
#define LOW7       UINT64_C(0x7f7f7f7f7f7f7f7f)

enum found {
    FIELD,  /* the separator is behind it */
    RECORD, /* the end of the line */
    MORE,   /* the buffer's end: read on */
    STRAY,  /* a quote where none may be */
    OPEN,   /* no closing quote */
    BEHIND  /* something behind it */
};

/* One record being looked through. */
struct look {
    const char *at, *end; /* at: eight bytes of which special is left */
    uint64_t special;     /* the top bit of each byte that is one */
    uint64_t separator, feed, quote; /* eight of each */
    char separator_byte;
    bool last;      /* nothing comes behind end */
    uint64_t lines; /* ends of lines seen */
    size_t doubled; /* the number of the first field with doubled quotes + 1 */
};

/* The top bit of each byte that is 0, of those alone. */
static inline uint64_t
zeros(uint64_t word)
{
    return ~(((word & LOW7) + LOW7) | word | LOW7);
}

static inline uint64_t
specials(const struct look *l, const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return zeros(word ^ l->separator) | zeros(word ^ l->feed) |
           zeros(word ^ l->quote);
}

static inline void
look_from(struct look *l, const char *at)
{
    l->at = at;
    l->special = at < l->end ? specials(l, at) : 0;
}

/* The next special byte, or a place at or behind the end. */
static inline const char *
next_special(struct look *l)
{
    const char *found;

    while (l->special == 0) {
        l->at += sizeof l->special;
        if (l->at >= l->end)
            return l->end;
        l->special = specials(l, l->at);
    }
    found = l->at + __builtin_ctzll(l->special) / 8;
    l->special &= l->special - 1;
    return found;
}

/* A field without quotes that begins at from. */
static inline enum found
plain_field(struct look *l, const char *from, weir_field *f)
{
    const char *stop = next_special(l);

    f->text = from;
    if (wr_unlikely(stop >= l->end)) {
        f->bytes = (size_t)(l->end - from);
        return l->last ? RECORD : MORE;
    }
    f->bytes = (size_t)(stop - from);
    if (*stop == l->separator_byte)
        return FIELD;
    if (*stop != '\n')
        return STRAY;
    if (f->bytes > 0 && stop[-1] == '\r')
        f->bytes--;
    l->lines++;
    return RECORD;
}

/* The closing quote of a field whose text begins at from; NULL: not here. */
static const char *
closing_quote(struct look *l, const char *from, bool *doubled)
{
    const char *at = from;

    for (;;) {
        const char *quote = memchr(at, '"', (size_t)(l->end - at));
        const char *feed = at;
        if (quote == NULL)
            return NULL;
        while ((feed = memchr(feed, '\n', (size_t)(quote - feed))) != NULL) {
            l->lines++;
            feed++;
        }
        if (quote + 1 == l->end ? l->last : quote[1] != '"')
            return quote;
        if (quote + 1 == l->end)
            return NULL; /* perhaps it is doubled */
        *doubled = true;
        at = quote + 2;
    }
}

/* A field that begins with a quote, at from. */
static enum found
quoted_field(struct look *l, const char *from, weir_field *f, bool *doubled)
{
    const char *quote = closing_quote(l, from + 1, doubled);
    const char *next;

    if (quote == NULL)
        return l->last ? OPEN : MORE;
    f->text = from + 1;
    f->bytes = (size_t)(quote - from) - 1;
    next = quote + 1;
    if (next < l->end && *next == '\r' && next + 1 < l->end && next[1] == '\n')
        next++;
    look_from(l, next + 1);
    if (next >= l->end)
        return RECORD;
    if (*next == l->separator_byte)
        return FIELD;
    if (*next == '\n') {
        l->lines++;
        return RECORD;
    }
    return *next == '\r' && next + 1 == l->end && !l->last ? MORE : BEHIND;
}

/* Where the record ends whose last field is f. */
static size_t
record_bytes(const struct look *l, const weir_field *f, bool quoted,
             const char *from)
{
    const char *stop = f->text + f->bytes + quoted;

    if (stop < l->end && *stop == '\r')
        stop++;
    if (stop < l->end)
        stop++;
    return (size_t)(stop - from);
}

/* Room for another field. */
static weir_err
more_fields(weir_stream *s)
{
    size_t room = s->fields > 0 ? 2 * s->fields : 32;
    weir_field *more = weir_alloc_resize(
        NULL, s->field, s->fields * sizeof *more, room * sizeof *more);

    if (more == NULL)
        return wr_stream_fail(s, WEIR_ENOMEM, "no memory for the fields");
    s->field = more;
    s->fields = room;
    return WEIR_OK;
}

/* Look one record through. *n fields, *bytes with the end of its line. */
static weir_err
look_through(weir_stream *s, struct look *l, enum found *found, size_t *n,
             size_t *bytes)
{
    const char *from = s->buffer + s->begin, *at = from;

    *n = 0;
    l->lines = l->doubled = 0;
    l->end = s->buffer + s->end;
    look_from(l, at);
    for (;;) {
        weir_field *f;
        bool doubled = false;
        bool quoted = at < l->end && *at == '"';
        if (*n == s->fields && more_fields(s) != WEIR_OK)
            return WEIR_ENOMEM;
        f = &s->field[*n];
        *found = wr_unlikely(quoted) ? quoted_field(l, at, f, &doubled)
                                     : plain_field(l, at, f);
        ++*n;
        if (doubled && l->doubled == 0)
            l->doubled = *n;
        if (*found == FIELD) {
            at = f->text + f->bytes + quoted + 1;
            continue;
        }
        if (*found == RECORD)
            *bytes = record_bytes(l, f, quoted, from);
        return WEIR_OK;
    }
}

/* One quote of each two, in the fields from the first that has such. */
static void
undouble(weir_stream *s, size_t first, size_t n)
{
    for (size_t i = first; i < n; i++) {
        weir_field *f = &s->field[i];
        char *to = (char *)f->text;
        const char *from = f->text, *end = from + f->bytes;
        if (f->text[-1] != '"')
            continue; /* it has no quotes */
        while (from < end) {
            from += *from == '"';
            *to++ = *from++;
        }
        f->bytes = (size_t)(to - f->text);
    }
}

/* A record that is none: the sentence, and on to the next line. */
static weir_err
refuse(weir_stream *s, weir_err err, const char *what)
{
    weir_err skipped;

    wr_stream_fail(s, err, what);
    skipped = wr_stream_skip_line(s);
    return skipped == WEIR_OK ? err : skipped;
}

static weir_err
refuse_long(weir_stream *s)
{
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, "a record of more than ");
    wr_text_uint(&t, s->o.max);
    wr_text_str(&t, " bytes");
    return refuse(s, WEIR_ELIMIT, t.buf);
}

static weir_err
refuse_found(weir_stream *s, enum found found)
{
    if (found == BEHIND)
        return refuse(s, WEIR_EINVAL, "something behind a closing quote");
    if (found == OPEN)
        return refuse(s, WEIR_EINVAL, "a quote that is never closed");
    return refuse(s, WEIR_EINVAL, "a quote inside a field without quotes");
}

WR_EXPORT weir_err
weir_stream_record(weir_stream *s, char separator, const weir_field **fields,
                   size_t *n)
{
    struct look l = {.separator = EACH(separator),
                     .feed = EACH('\n'),
                     .quote = EACH('"'),
                     .separator_byte = separator};
    enum found found = MORE;
    size_t bytes = 0;
    weir_err err = WEIR_OK;

    *n = 0;
    *fields = NULL;
    if (separator == '"' || separator == '\n' || separator == '\r')
        return wr_stream_fail(s, WEIR_EINVAL, "no such separator can be");
    while (found == MORE && err == WEIR_OK) {
        if (s->begin == s->end && (err = wr_stream_more(s)) != WEIR_OK)
            break;
        l.last = s->over;
        err = look_through(s, &l, &found, n, &bytes);
        if (err == WEIR_OK && found == MORE) {
            err = wr_stream_more(s);
            err = err == WEIR_ENOENT ? WEIR_OK : err;
        }
    }
    if (err != WEIR_OK || found != RECORD)
        *n = 0;
    if (err == WEIR_ENOENT)
        return WEIR_OK;
    if (err == WEIR_ELIMIT)
        return refuse_long(s);
    if (err != WEIR_OK)
        return err;
    if (found != RECORD)
        return refuse_found(s, found);
    if (l.doubled > 0)
        undouble(s, l.doubled - 1, *n);
    wr_stream_give(s, bytes, l.lines);
    s->place.records++;
    *fields = s->field;
    return WEIR_OK;
}
