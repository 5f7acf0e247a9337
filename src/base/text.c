/* Invariants
 * 1. len < sizeof buf and buf[len] is NUL after every call.
 */
#include "base/text.h"

#include <string.h>

#include "base/base.h"

void
wr_text_init(struct wr_text *t)
{
    t->len = 0;
    t->buf[0] = '\0';
}

void
wr_text_bytes(struct wr_text *t, const char *s, size_t n)
{
    size_t room = sizeof t->buf - 1 - t->len;

    n = wr_min(n, room);
    memcpy(t->buf + t->len, s, n);
    t->len += n;
    t->buf[t->len] = '\0';
}

void
wr_text_str(struct wr_text *t, const char *s)
{
    wr_text_bytes(t, s, strlen(s));
}

static void
add_digits(struct wr_text *t, uint64_t n, unsigned base)
{
    char digits[20];
    size_t i = sizeof digits;

    do {
        digits[--i] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n != 0);
    wr_text_bytes(t, digits + i, sizeof digits - i);
}

void
wr_text_uint(struct wr_text *t, uint64_t n)
{
    add_digits(t, n, 10);
}

void
wr_text_hex(struct wr_text *t, uint64_t n)
{
    wr_text_str(t, "0x");
    add_digits(t, n, 16);
}

/* The power of 1024 a suffix stands for, or -1. */
static int
suffix_shift(const char *s, size_t n)
{
    static const char letters[] = "kKmMgGtT";
    const char *at;

    if (n == 0 || (n == 1 && s[0] == 'B'))
        return 0;
    at = memchr(letters, s[0], sizeof letters - 1);
    if (at == NULL)
        return -1;
    if (n == 1 || (n == 2 && s[1] == 'B') ||
        (n == 3 && s[1] == 'i' && s[2] == 'B'))
        return ((int)(at - letters) / 2 + 1) * 10;
    return -1;
}

int
wr_parse_bytes(const char *s, size_t n, uint64_t *value)
{
    uint64_t v = 0;
    size_t i = 0;
    int shift;

    for (; i < n && s[i] >= '0' && s[i] <= '9'; i++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
            return -1;
    if (i == 0)
        return -1;
    shift = suffix_shift(s + i, n - i);
    if (shift < 0 || (v << shift) >> shift != v)
        return -1;
    *value = v << shift;
    return 0;
}

static bool
is_word(const char *s, size_t n, const char *word)
{
    return n == strlen(word) && memcmp(s, word, n) == 0;
}

int
wr_parse_limit(const char *s, size_t n, uint64_t *bytes, bool *hard)
{
    *hard = n > 5 && is_word(s + n - 5, 5, ":hard");
    if (*hard)
        n -= 5;
    if (is_word(s, n, "auto"))
        *bytes = 0;
    else if (is_word(s, n, "off"))
        *bytes = UINT64_MAX;
    else if (wr_parse_bytes(s, n, bytes) != 0 || *bytes < WR_LIMIT_MIN ||
             *bytes >> 62 != 0)
        return -1;
    return 0;
}
