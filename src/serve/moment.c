#include "serve/moment.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "region/layout.h"
#include "serve/request.h"

#define SECOND UINT64_C(1000000000) /* ns */

/* Nanoseconds of a unit; 0: no unit. */
static uint64_t
unit_ns(const char *unit)
{
    static const struct {
        const char *name;
        uint64_t seconds;
    } known[] = {{"s", 1}, {"", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(unit, known[i].name) == 0)
            return known[i].seconds * SECOND;
    return 0;
}

int
wr_moment_parse(uint64_t *ns, const char *text, uint64_t now_ns)
{
    char *end;
    bool ago = *text == '-';
    if (strcmp(text, "now") == 0) {
        *ns = WR_MOMENT_NOW;
        return 0;
    }
    if (!isdigit((unsigned char)text[ago]))
        return -1;
    unsigned long long n = strtoull(text + ago, &end, 10);
    uint64_t unit = ago ? unit_ns(end) : *end ? 0 : SECOND / 1000;
    uint64_t length;
    if (unit == 0 || __builtin_mul_overflow(n, unit, &length))
        return -1;
    if (ago && length >= now_ns)
        return -1;
    *ns = ago ? now_ns - length : length;
    if (*ns >= now_ns)
        *ns = WR_MOMENT_NOW;
    return 0;
}

/* A moment of the request: `other` when it names none. */
static int
param(uint64_t *ns, const struct wr_request *q, const char *name,
      uint64_t other, uint64_t now_ns, char *why, size_t why_bytes)
{
    char text[32];
    *ns = other;
    if (!wr_request_param(q, name, text, sizeof text) || !*text ||
        wr_moment_parse(ns, text, now_ns) == 0)
        return 0;
    snprintf(why, why_bytes,
             "%s=%s is not a moment: write -90s, -10m, -2h, or milliseconds "
             "since 1970",
             name, text);
    return -1;
}

int
wr_moments_of(struct wr_moments *m, const struct wr_request *q, uint64_t now_ns,
              char *why, size_t why_bytes)
{
    uint64_t to;
    if (param(&m->at, q, "at", WR_MOMENT_NOW, now_ns, why, why_bytes) != 0 ||
        param(&m->from, q, "from", 0, now_ns, why, why_bytes) != 0 ||
        param(&to, q, "to", WR_MOMENT_NOW, now_ns, why, why_bytes) != 0)
        return -1;
    m->between = m->from != 0;
    if (!m->between)
        return 0;
    if (m->from >= to) {
        snprintf(why, why_bytes, "from is not before to");
        return -1;
    }
    m->at =
        to < now_ns - WR_PAST_FINE_NS ? to + WR_PAST_FINE_NS : WR_MOMENT_NOW;
    return 0;
}
