/* Streams: chunks, lines and records, against a reader that sees one byte at
 * a time, from sources that give what they like. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <weir/stream.h>

/* A text that comes in pieces of random length. */
struct source {
    const char *text;
    size_t bytes, at, most; /* most: bytes at once */
    uint64_t chance;
    int fail; /* errno at the end, instead of an end */
};

static ssize_t
give(void *arg, void *to, size_t bytes)
{
    struct source *s = arg;
    size_t n = s->bytes - s->at;

    if (n == 0 && s->fail) {
        errno = s->fail;
        return -1;
    }
    n = n < bytes ? n : bytes;
    if (s->most > 0 && n > 0)
        n = 1 + unit_below(&s->chance, n < s->most ? n : s->most);
    memcpy(to, s->text + s->at, n);
    s->at += n;
    return (ssize_t)n;
}

static weir_stream *
stream_of(struct source *s, const char *text,
          const struct weir_stream_options *o)
{
    weir_stream *stream;

    *s = (struct source){
        .text = text, .bytes = strlen(text), .most = s->most, .chance = 1};
    ck_assert_int_eq(weir_stream_from(&stream, give, s, o), WEIR_OK);
    return stream;
}

static void
next_line_is(weir_stream *s, const char *wanted)
{
    const char *text;
    size_t n;

    ck_assert_int_eq(weir_stream_line(s, &text, &n), WEIR_OK);
    if (wanted == NULL) {
        ck_assert_ptr_null(text);
        return;
    }
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, wanted);
    ck_assert_uint_eq(n, strlen(wanted));
}

START_TEST(lines_come_without_their_ends)
{
    struct source source = {.most = 3};
    weir_stream *s = stream_of(&source, "one\n\ntwo\r\n\rx\r\r\nlast", NULL);
    struct weir_stream_place place;

    next_line_is(s, "one");
    next_line_is(s, "");
    next_line_is(s, "two");
    next_line_is(s, "\rx\r");
    next_line_is(s, "last");
    next_line_is(s, NULL);
    next_line_is(s, NULL);
    weir_stream_where(s, &place);
    ck_assert_uint_eq(place.bytes, source.bytes);
    ck_assert_uint_eq(place.lines, 4);
    weir_stream_free(s);
    s = stream_of(&source, "", NULL);
    next_line_is(s, NULL);
    weir_stream_free(s);
}
END_TEST

START_TEST(an_overlong_line_says_where_it_is_and_is_passed_over)
{
    struct source source = {.most = 5};
    struct weir_stream_options o = {.initial = 4, .max = 8};
    weir_stream *s = stream_of(&source, "12345678\n123456789abcdefgh\nx\n", &o);
    const char *text;
    size_t n;

    /* With its end a line of 8 has 9 bytes: what counts is the buffer. */
    ck_assert_int_eq(weir_stream_line(s, &text, &n), WEIR_ELIMIT);
    ck_assert_str_eq(weir_stream_why(s),
                     "line 1, at byte 0: a line of more than 8 bytes");
    ck_assert_int_eq(weir_stream_line(s, &text, &n), WEIR_ELIMIT);
    ck_assert_str_eq(weir_stream_why(s),
                     "line 2, at byte 9: a line of more than 8 bytes");
    next_line_is(s, "x");
    next_line_is(s, NULL);
    weir_stream_free(s);
    s = stream_of(&source, "1234567\n1234567", &o);
    next_line_is(s, "1234567");
    next_line_is(s, "1234567");
    next_line_is(s, NULL);
    weir_stream_free(s);
}
END_TEST

START_TEST(chunks_are_all_of_it)
{
    struct source source = {.most = 7};
    weir_stream *s = stream_of(&source, "some bytes\nin several pieces", NULL);
    char all[64] = "";
    const char *text;
    size_t n;

    while (weir_stream_chunk(s, &text, &n) == WEIR_OK && n > 0)
        strncat(all, text, n);
    ck_assert_str_eq(all, source.text);
    weir_stream_free(s);
}
END_TEST

static unsigned told;
static struct weir_stream_place last_told;

static void
tell(const struct weir_stream_place *p, void *arg)
{
    ck_assert_ptr_eq(arg, &told);
    ck_assert_uint_ge(p->bytes, last_told.bytes);
    last_told = *p;
    told++;
}

START_TEST(progress_is_told_every_so_often_and_at_the_end)
{
    static char text[100001];
    struct source source = {.most = 0};
    struct weir_stream_options o = {.initial = 1000,
                                    .max = 1000,
                                    .progress = tell,
                                    .arg = &told,
                                    .every = 10000};
    weir_stream *s;
    const char *line;
    size_t n;

    memset(text, 'x', sizeof text - 1);
    for (size_t i = 99; i < sizeof text; i += 100)
        text[i] = '\n';
    s = stream_of(&source, text, &o);
    while (weir_stream_line(s, &line, &n) == WEIR_OK && line != NULL)
        ;
    ck_assert_uint_eq(told, 11);
    ck_assert_uint_eq(last_told.lines, 1000);
    weir_stream_free(s);
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error_once)
{
    struct source source = {.text = "ab", .bytes = 2, .fail = EISDIR};
    weir_stream *s;
    const char *text;
    size_t n;

    ck_assert_int_eq(weir_stream_from(&s, give, &source, NULL), WEIR_OK);
    ck_assert_int_eq(weir_stream_line(s, &text, &n), WEIR_EIO);
    ck_assert_int_eq(errno, EISDIR);
    ck_assert_ptr_nonnull(strstr(weir_stream_why(s), "cannot read"));
    next_line_is(s, "ab");
    next_line_is(s, NULL);
    weir_stream_free(s);
    ck_assert_int_eq(weir_stream_open(&s, "/no/such/file", NULL), WEIR_EIO);
    ck_assert_int_eq(weir_stream_open(&s, NULL, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_stream_from(&s, NULL, NULL, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_stream_fd(NULL, 0, NULL), WEIR_EINVAL);
    weir_stream_free(NULL);
}
END_TEST

START_TEST(a_file_is_read_to_its_end)
{
    char path[] = "/tmp/weir-stream-XXXXXX";
    int fd = mkstemp(path);
    weir_stream *s;

    ck_assert_int_eq(write(fd, "a\nb\n", 4), 4);
    ck_assert_int_eq(weir_stream_open(&s, path, NULL), WEIR_OK);
    next_line_is(s, "a");
    next_line_is(s, "b");
    next_line_is(s, NULL);
    weir_stream_free(s);
    lseek(fd, 0, SEEK_SET);
    ck_assert_int_eq(weir_stream_fd(&s, fd, NULL), WEIR_OK);
    next_line_is(s, "a");
    weir_stream_free(s);
    ck_assert_int_eq(fcntl(fd, F_GETFD) < 0, 0); /* it was only lent */
    close(fd);
    unlink(path);
}
END_TEST

/* Fields are written with | between, records with a newline, errors as !. */
static void
spell(weir_stream *s, char separator, char *out, size_t room)
{
    const weir_field *field;
    size_t n, used = 0;

    for (;;) {
        weir_err err = weir_stream_record(s, separator, &field, &n);
        if (err == WEIR_OK && n == 0)
            break;
        if (err != WEIR_OK)
            out[used++] = '!';
        for (size_t i = 0; i < n; i++) {
            ck_assert_uint_lt(used + field[i].bytes + 3, room);
            out[used++] = '|';
            memcpy(out + used, field[i].text, field[i].bytes);
            used += field[i].bytes;
        }
        out[used++] = '\n';
    }
    out[used] = '\0';
}

static const char *
spelled(const char *text, char separator)
{
    static char out[4096];
    struct source source = {.most = 4};
    struct weir_stream_options o = {.initial = 16, .max = 64};
    weir_stream *s = stream_of(&source, text, &o);

    spell(s, separator, out, sizeof out);
    weir_stream_free(s);
    return out;
}

START_TEST(records_are_those_of_rfc_4180)
{
    ck_assert_str_eq(spelled("a,b\nc,d\n", ','), "|a|b\n|c|d\n");
    ck_assert_str_eq(spelled("a,b\r\nc,d", ','), "|a|b\n|c|d\n");
    ck_assert_str_eq(spelled(",\n\n,", ','), "||\n|\n||\n");
    ck_assert_str_eq(spelled("\"a,b\",\"c\nd\"\r\n\"\",e", ','),
                     "|a,b|c\nd\n||e\n");
    ck_assert_str_eq(spelled("\"say \"\"hi\"\"\",\"\"\"\",\"x\"\n", ','),
                     "|say \"hi\"|\"|x\n");
    ck_assert_str_eq(spelled("a;b,c;\"d;e\"", ';'), "|a|b,c|d;e\n");
    ck_assert_str_eq(spelled("tab\there\r", '\t'), "|tab|here\r\n");
    ck_assert_str_eq(spelled("", ','), "");
}
END_TEST

START_TEST(what_is_no_record_is_passed_over)
{
    struct source source = {.most = 0};
    weir_stream *s;
    const weir_field *field;
    size_t n;

    ck_assert_str_eq(spelled("a\"b,c\nd\n", ','), "!\n|d\n");
    ck_assert_str_eq(spelled("\"a\"b,c\nd\n", ','), "!\n|d\n");
    ck_assert_str_eq(spelled("a\n\"never closed\nb\n", ','), "|a\n!\n|b\n");
    ck_assert_str_eq(spelled("a\n0123456789012345678901234567890123456789"
                             "0123456789012345678901234567890123456789\nb",
                             ','),
                     "|a\n!\n|b\n");
    s = stream_of(&source, "a\n\"b\nc\",\nx,\"y\"z", NULL);
    ck_assert_int_eq(weir_stream_record(s, ',', &field, &n), WEIR_OK);
    ck_assert_int_eq(weir_stream_record(s, ',', &field, &n), WEIR_OK);
    ck_assert_int_eq(weir_stream_record(s, ',', &field, &n), WEIR_EINVAL);
    ck_assert_str_eq(weir_stream_why(s), "line 4, at byte 9: something behind "
                                         "a closing quote");
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(weir_stream_record(s, '"', &field, &n), WEIR_EINVAL);
    weir_stream_free(s);
}
END_TEST

/* A second reader: one byte after the other. */
static void
spell_simply(const char *text, size_t bytes, char *out)
{
    size_t i = 0;

    while (i < bytes) {
        for (;;) {
            *out++ = '|';
            if (text[i] == '"') {
                for (i++; text[i] != '"' || text[i + 1] == '"'; i++) {
                    i += text[i] == '"';
                    *out++ = text[i];
                }
                i++;
            } else {
                while (i < bytes && text[i] != ',' && text[i] != '\n')
                    *out++ = text[i++];
                if (i < bytes && text[i] == '\n' && out[-1] == '\r')
                    out--;
            }
            if (i < bytes && text[i] == '\r')
                i++;
            if (i >= bytes || text[i] != ',')
                break;
            i++;
            if (i == bytes) {
                *out++ = '|';
                break;
            }
        }
        i++;
        *out++ = '\n';
    }
    *out = '\0';
}

/* A well-formed text of random records. */
static size_t
make_csv(uint64_t *chance, char *text)
{
    static const char plain[] = "abcdefgh 0123456789.-\t;'";
    static const char any[] = "ab,\n\r\"\"x";
    size_t n = 0;

    for (uint64_t r = unit_below(chance, 30); r > 0; r--) {
        for (uint64_t f = 1 + unit_below(chance, 8); f > 0; f--) {
            uint64_t length = unit_below(chance, 25);
            bool quoted = unit_below(chance, 4) == 0;
            if (quoted)
                text[n++] = '"';
            while (length-- > 0) {
                char c = quoted ? any[unit_below(chance, sizeof any - 1)]
                                : plain[unit_below(chance, sizeof plain - 1)];
                text[n++] = c;
                if (c == '"')
                    text[n++] = c;
            }
            if (quoted)
                text[n++] = '"';
            if (f > 1)
                text[n++] = ',';
        }
        if (unit_below(chance, 2))
            text[n++] = '\r';
        if (r > 1 || unit_below(chance, 2) || (n > 0 && text[n - 1] == '\r'))
            text[n++] = '\n';
    }
    text[n] = '\0';
    return n;
}

START_TEST(records_do_not_depend_on_how_the_bytes_come)
{
    static char text[20000], ours[20000], simple[20000];
    uint64_t chance = unit_seed("records");

    for (int round = 0; round < 3000; round++) {
        size_t bytes = make_csv(&chance, text);
        struct source source = {.most = unit_below(&chance, 40)};
        struct weir_stream_options o = {.initial = 1 + unit_below(&chance, 300),
                                        .max = 4000};
        weir_stream *s = stream_of(&source, text, &o);
        struct weir_stream_place place;
        uint64_t feeds = 0;
        spell(s, ',', ours, sizeof ours);
        spell_simply(text, bytes, simple);
        ck_assert_str_eq(ours, simple);
        weir_stream_where(s, &place);
        for (size_t i = 0; i < bytes; i++)
            feeds += text[i] == '\n';
        ck_assert_uint_eq(place.bytes, bytes);
        ck_assert_uint_eq(place.lines, feeds);
        weir_stream_free(s);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("stream");
    TCase *t = tcase_create("all");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, lines_come_without_their_ends);
    tcase_add_test(t, an_overlong_line_says_where_it_is_and_is_passed_over);
    tcase_add_test(t, chunks_are_all_of_it);
    tcase_add_test(t, progress_is_told_every_so_often_and_at_the_end);
    tcase_add_test(t, what_cannot_be_read_is_an_error_once);
    tcase_add_test(t, a_file_is_read_to_its_end);
    tcase_add_test(t, records_are_those_of_rfc_4180);
    tcase_add_test(t, what_is_no_record_is_passed_over);
    tcase_add_test(t, records_do_not_depend_on_how_the_bytes_come);
    suite_add_tcase(s, t);
    return unit_main(s);
}
