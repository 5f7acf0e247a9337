/* Requests and answers.
 *
 * 1. path never holds a NUL, and starts with '/'.
 * 2. query stays encoded: '+' in symbol's list is a separator, not a space,
 *    so decoding belongs to whoever knows what a parameter means.
 */
#include "serve/request.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode %XX in n bytes of s into out (room for n + 1). False on %00 or a
 * broken escape. */
static bool
decode(char *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] != '%') {
            *out++ = s[i];
            continue;
        }
        int hi = i + 2 < n ? hex_digit(s[i + 1]) : -1;
        int lo = i + 2 < n ? hex_digit(s[i + 2]) : -1;
        if (hi < 0 || lo < 0 || (hi | lo) == 0)
            return false;
        *out++ = (char)(hi << 4 | lo);
        i += 2;
    }
    *out = 0;
    return true;
}

int
wr_request_parse(struct wr_request *q, const char *method, const char *target)
{
    *q = (struct wr_request){.method = method, .socket = -1, .stop = -1};
    size_t n = strnlen(target, WR_TARGET_MAX + 1);
    if (n > WR_TARGET_MAX)
        return 414;
    size_t path = strcspn(target, "?#");
    const char *query = target[path] == '?' ? target + path + 1 : "";
    q->path = malloc(path + 1);
    q->query = strndup(query, strcspn(query, "#"));
    if (!q->path || !q->query)
        return 500;
    if (target[0] != '/' || !decode(q->path, target, path))
        return 400;
    return 0;
}

void
wr_request_fini(struct wr_request *q)
{
    free(q->path);
    free(q->query);
    q->path = q->query = NULL;
}

bool
wr_request_param(const struct wr_request *q, const char *name, char *value,
                 size_t bytes)
{
    size_t name_bytes = strlen(name);
    for (const char *p = q->query; *p;) {
        size_t n = strcspn(p, "&");
        size_t key = strcspn(p, "=&");
        if (key == name_bytes && memcmp(p, name, key) == 0) {
            const char *v = p + key + (key < n);
            size_t v_bytes = n - key - (key < n);
            char decoded[WR_TARGET_MAX + 1];
            if (!decode(decoded, v, v_bytes))
                decoded[0] = 0;
            snprintf(value, bytes, "%s", decoded);
            return true;
        }
        p += n + (p[n] == '&');
    }
    return false;
}

long
wr_request_number(const struct wr_request *q, const char *name)
{
    char text[24], *end;
    if (!wr_request_param(q, name, text, sizeof text))
        return 0;
    long n = strtol(text, &end, 10);
    return *end || end == text ? 0 : n;
}

void
wr_answer_init(struct wr_answer *a)
{
    *a = (struct wr_answer){.status = 200, .type = WR_TYPE_TEXT};
}

void
wr_answer_fini(struct wr_answer *a)
{
    free(a->bytes);
    a->bytes = NULL;
    a->count = 0;
}

static void
set_text(struct wr_answer *a, const char *format, va_list args)
{
    char *text = NULL;
    int n = vasprintf(&text, format, args);
    wr_answer_fini(a);
    if (n < 0)
        return;
    a->bytes = (unsigned char *)text;
    a->count = (size_t)n;
}

void
wr_answer_text(struct wr_answer *a, const char *type, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    a->type = type;
    set_text(a, format, args);
    va_end(args);
}

void
wr_answer_error(struct wr_answer *a, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    a->status = status;
    a->type = WR_TYPE_TEXT;
    a->pprof_error = true;
    a->attachment[0] = 0;
    set_text(a, format, args);
    va_end(args);
}

void
wr_answer_redirect(struct wr_answer *a, const char *to)
{
    a->status = 302;
    snprintf(a->location, sizeof a->location, "%s", to);
    wr_answer_text(a, WR_TYPE_TEXT, "%s\n", to);
}

/* --- Bodies ------------------------------------------------------------- */

bool
wr_body_open(struct wr_body *b, struct wr_answer *a)
{
    *b = (struct wr_body){0};
    b->out = open_memstream(&b->text, &b->bytes);
    if (!b->out)
        wr_answer_error(a, 500, "out of memory\n");
    return b->out != NULL;
}

void
wr_body_close(struct wr_body *b, struct wr_answer *a, const char *type)
{
    bool good = !ferror(b->out);
    if (fclose(b->out) != 0 || !good) {
        free(b->text);
        wr_answer_error(a, 500, "out of memory\n");
        return;
    }
    wr_answer_fini(a);
    a->type = type;
    a->bytes = (unsigned char *)b->text;
    a->count = b->bytes;
}

/* --- Waiting ------------------------------------------------------------- */

static int64_t
now_ms(void)
{
    return (int64_t)(wr_clock_ns(CLOCK_MONOTONIC) / 1000000);
}

bool
wr_request_wait(const struct wr_request *q, long seconds)
{
    int64_t until = now_ms() + seconds * 1000;
    struct pollfd fd[2] = {
        {.fd = q->socket, .events = POLLRDHUP},
        {.fd = q->stop, .events = POLLIN},
    };
    for (int64_t left; (left = until - now_ms()) > 0;) {
        int n = poll(fd, 2, left > INT_MAX ? INT_MAX : (int)left);
        if (n > 0 || (n < 0 && errno != EINTR))
            return false;
    }
    return true;
}
