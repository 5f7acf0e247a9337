/* Streams: the buffer, chunks and lines.
 */
#include "kit/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <weir/alloc.h>
#include "base/base.h"
#include "base/text.h"

enum { INITIAL = 64 << 10, MAX = 1 << 20, EVERY = 1 << 20 };

static ssize_t
read_fd(void *arg, void *to, size_t bytes)
{
    return read(((weir_stream *)arg)->fd, to, bytes);
}

static ssize_t
read_lent(void *arg, void *to, size_t bytes)
{
    return read((int)(intptr_t)arg, to, bytes);
}

static weir_err
make(weir_stream **out, const struct weir_stream_options *options)
{
    weir_stream *s;
    struct weir_stream_options o = {0};

    if (out == NULL)
        return WEIR_EINVAL;
    if (options != NULL)
        o = *options;
    o.initial = o.initial > 0 ? o.initial : INITIAL;
    o.max = o.max > 0 ? o.max : MAX;
    o.max = o.max > o.initial ? o.max : o.initial;
    o.every = o.every > 0 ? o.every : EVERY;
    s = weir_alloc_resize(NULL, NULL, 0, sizeof *s);
    if (s == NULL)
        return WEIR_ENOMEM;
    *s = (weir_stream){
        .fd = -1, .o = o, .room = o.initial, .next_progress = o.every};
    s->buffer = weir_alloc_resize(NULL, NULL, 0, s->room + WR_STREAM_GUARD);
    if (s->buffer == NULL) {
        weir_alloc_resize(NULL, s, 0, 0);
        return WEIR_ENOMEM;
    }
    *out = s;
    return WEIR_OK;
}

WR_EXPORT weir_err
weir_stream_open(weir_stream **out, const char *path,
                 const struct weir_stream_options *options)
{
    weir_stream *s;
    weir_err err;
    int fd;

    if (out == NULL || path == NULL)
        return WEIR_EINVAL;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return WEIR_EIO;
    err = make(&s, options);
    if (err != WEIR_OK) {
        close(fd);
        return err;
    }
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    s->fd = fd;
    s->read = read_fd;
    s->arg = s;
    *out = s;
    return WEIR_OK;
}

WR_EXPORT weir_err
weir_stream_fd(weir_stream **out, int fd,
               const struct weir_stream_options *options)
{
    return weir_stream_from(out, read_lent, (void *)(intptr_t)fd, options);
}

WR_EXPORT weir_err
weir_stream_from(weir_stream **out, weir_stream_read from, void *arg,
                 const struct weir_stream_options *options)
{
    weir_err err = from == NULL ? WEIR_EINVAL : make(out, options);

    if (err != WEIR_OK)
        return err;
    (*out)->read = from;
    (*out)->arg = arg;
    return WEIR_OK;
}

WR_EXPORT void
weir_stream_free(weir_stream *s)
{
    if (s == NULL)
        return;
    if (s->fd >= 0)
        close(s->fd);
    weir_alloc_resize(NULL, s->field, 0, 0);
    weir_alloc_resize(NULL, s->buffer, 0, 0);
    weir_alloc_resize(NULL, s, 0, 0);
}

weir_err
wr_stream_fail(weir_stream *s, weir_err err, const char *what)
{
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, "line ");
    wr_text_uint(&t, s->place.lines + 1);
    wr_text_str(&t, ", at byte ");
    wr_text_uint(&t, s->place.bytes);
    wr_text_str(&t, ": ");
    wr_text_str(&t, what);
    t.len = t.len < WR_STREAM_WHY ? t.len : WR_STREAM_WHY - 1;
    memcpy(s->why, t.buf, t.len);
    s->why[t.len] = '\0';
    return err;
}

static void
tell_progress(weir_stream *s)
{
    if (s->o.progress == NULL || (s->read_bytes < s->next_progress && !s->over))
        return;
    s->next_progress = s->read_bytes + s->o.every;
    s->o.progress(&s->place, s->o.arg);
}

/* Twice the room, or max. */
static weir_err
grow(weir_stream *s)
{
    size_t room = s->room < s->o.max / 2 ? s->room * 2 : s->o.max;
    char *larger;

    if (room == s->room)
        return WEIR_ELIMIT;
    larger = weir_alloc_resize(NULL, s->buffer, s->room + WR_STREAM_GUARD,
                               room + WR_STREAM_GUARD);
    if (larger == NULL)
        return wr_stream_fail(s, WEIR_ENOMEM, "no memory for the buffer");
    s->buffer = larger;
    s->room = room;
    return WEIR_OK;
}

/* What is not given out goes to the front; when it fills the buffer, that
 * grows. */
static weir_err
make_room(weir_stream *s)
{
    if (s->begin > 0) {
        memmove(s->buffer, s->buffer + s->begin, s->end - s->begin);
        s->end -= s->begin;
        s->begin = 0;
    }
    return s->end < s->room ? WEIR_OK : grow(s);
}

weir_err
wr_stream_more(weir_stream *s)
{
    weir_err err;
    ssize_t n;

    if (s->over)
        return WEIR_ENOENT;
    err = make_room(s);
    if (err != WEIR_OK)
        return err;
    do
        n = s->read(s->arg, s->buffer + s->end, s->room - s->end);
    while (n < 0 && errno == EINTR);
    s->over = n <= 0;
    if (n > 0) {
        s->end += (size_t)n;
        s->read_bytes += (uint64_t)n;
    }
    memset(s->buffer + s->end, 0, WR_STREAM_GUARD);
    tell_progress(s);
    if (n < 0)
        return wr_stream_fail(s, WEIR_EIO, "cannot read on");
    return n > 0 ? WEIR_OK : WEIR_ENOENT;
}

void
wr_stream_give(weir_stream *s, size_t bytes, uint64_t lines)
{
    s->begin += bytes;
    s->place.bytes += bytes;
    s->place.lines += lines;
}

weir_err
wr_stream_skip_line(weir_stream *s)
{
    for (;;) {
        size_t n = s->end - s->begin;
        char *from = s->buffer + s->begin;
        char *feed = memchr(from, '\n', n);
        weir_err err;

        wr_stream_give(s, feed != NULL ? (size_t)(feed + 1 - from) : n,
                       feed != NULL);
        if (feed != NULL)
            return WEIR_OK;
        err = wr_stream_more(s);
        if (err != WEIR_OK)
            return err == WEIR_ENOENT ? WEIR_OK : err;
    }
}

WR_EXPORT weir_err
weir_stream_chunk(weir_stream *s, const char **text, size_t *bytes)
{
    weir_err err = WEIR_OK;

    while (s->begin == s->end && err == WEIR_OK)
        err = wr_stream_more(s);
    *text = s->buffer + s->begin;
    *bytes = s->end - s->begin;
    wr_stream_give(s, *bytes, 0);
    return err == WEIR_ENOENT ? WEIR_OK : err;
}

/* The first line feed from begin + from on, reading what it takes. */
static weir_err
find_feed(weir_stream *s, char **feed)
{
    size_t looked = 0; /* bytes from begin on without one */
    weir_err err = WEIR_OK;

    while (err == WEIR_OK) {
        char *from = s->buffer + s->begin + looked;
        *feed = memchr(from, '\n', s->end - s->begin - looked);
        if (*feed != NULL)
            return WEIR_OK;
        looked = s->end - s->begin;
        err = wr_stream_more(s);
    }
    return err;
}

static weir_err
too_long(weir_stream *s, const char *what)
{
    weir_err err, skipped;
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, what);
    wr_text_uint(&t, s->o.max);
    wr_text_str(&t, " bytes");
    err = wr_stream_fail(s, WEIR_ELIMIT, t.buf);
    skipped = wr_stream_skip_line(s);
    return skipped == WEIR_OK ? err : skipped;
}

WR_EXPORT weir_err
weir_stream_line(weir_stream *s, const char **text, size_t *bytes)
{
    char *feed = NULL;
    weir_err err = find_feed(s, &feed);
    size_t n;

    *text = NULL;
    *bytes = 0;
    if (err == WEIR_ELIMIT)
        return too_long(s, "a line of more than ");
    if (err != WEIR_OK && err != WEIR_ENOENT)
        return err;
    if (feed == NULL && s->begin == s->end)
        return WEIR_OK;
    n = (feed != NULL ? (size_t)(feed - s->buffer) : s->end) - s->begin;
    *text = s->buffer + s->begin;
    s->buffer[s->begin + n] = '\0';
    wr_stream_give(s, n + (feed != NULL), feed != NULL);
    if (feed != NULL && n > 0 && (*text)[n - 1] == '\r')
        s->buffer[s->begin - 2] = '\0', n--;
    *bytes = n;
    return WEIR_OK;
}

WR_EXPORT void
weir_stream_where(const weir_stream *s, struct weir_stream_place *out)
{
    *out = s->place;
}

WR_EXPORT const char *
weir_stream_why(const weir_stream *s)
{
    return s->why;
}
