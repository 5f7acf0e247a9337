/* Parsing the WEIR variable. Runs before libc is ready: no locale, no stdio. */
#include "preload/options.h"

#include <string.h>
#include <weir/limit.h>

#include "base/base.h"
#include "base/text.h"
#include "profile/sample.h"

static bool
parse_switch(bool *value, const char *s, size_t n)
{
    bool on = n == 2 && memcmp(s, "on", 2) == 0;

    if (!on && !(n == 3 && memcmp(s, "off", 3) == 0))
        return false;
    *value = on;
    return true;
}

/* Which of the names it is; else *value stays. */
static bool
find_name(uint32_t *value, const char *const *names, uint32_t count,
          const char *s, size_t n)
{
    for (uint32_t i = 0; i < count; i++)
        if (strlen(names[i]) == n && memcmp(s, names[i], n) == 0) {
            *value = i;
            return true;
        }
    return false;
}

static bool
parse_leaks(enum wr_last *value, const char *s, size_t n)
{
    static const char *const names[] = {[WR_LAST_OFF] = "off",
                                        [WR_LAST_LIST] = "list",
                                        [WR_LAST_SAY] = "exit",
                                        [WR_LAST_FAIL] = "fail"};
    unsigned which = *value;
    bool known = find_name(&which, names, wr_countof(names), s, n);

    *value = (enum wr_last)which;
    return known;
}

/* 0 or 1, of options that Go has too. */
static bool
parse_bit(bool *value, const char *s, size_t n)
{
    if (n != 1 || (*s != '0' && *s != '1'))
        return false;
    *value = *s == '1';
    return true;
}

static bool
parse_count(uint32_t *value, const char *s, size_t n)
{
    uint32_t count = 0;

    for (; n > 0 && *s >= '0' && *s <= '9' && count < 1000000; n--, s++)
        count = count * 10 + (uint32_t)(*s - '0');
    if (n == 0)
        *value = count;
    return n == 0;
}

static bool
parse_way(uint32_t *value, const char *s, size_t n)
{
    static const char *const names[] = {[WR_WAY_NONE] = "auto",
                                        [WR_WAY_TRACKED] = "track",
                                        [WR_WAY_SNAPSHOT] = "copy",
                                        [WR_WAY_STOPPED] = "stop",
                                        [WR_WAY_BARRIER] = "barrier"};

    return find_name(value, names, wr_countof(names), s, n);
}

static bool
parse_young(uint32_t *value, const char *s, size_t n)
{
    static const char *const names[] = {[WR_GC_YOUNG_ON] = "on",
                                        [WR_GC_YOUNG_OFF] = "off",
                                        [WR_GC_YOUNG_ALWAYS] = "always"};

    return find_name(value, names, wr_countof(names), s, n);
}

static bool
parse_percent(int *value, const char *s, size_t n)
{
    uint32_t percent;

    if (n == 3 && memcmp(s, "off", 3) == 0) {
        *value = -1;
        return true;
    }
    if (!parse_count(&percent, s, n))
        return false;
    *value = (int)percent;
    return true;
}

static bool
parse_path(char path[WR_PATH_MAX], const char *s, size_t n)
{
    if (*s != '/' || n >= WR_PATH_MAX)
        return false;
    memcpy(path, s, n);
    path[n] = '\0';
    return true;
}

/* One "name=value"; false: not understood. */
static bool
parse_one(struct wr_options *o, const char *s, size_t n)
{
    uint64_t bytes;

    if (n > 7 && memcmp(s, "sample=", 7) == 0) {
        if (wr_parse_bytes(s + 7, n - 7, &bytes) != 0 || bytes >> 62 != 0)
            return false;
        o->sample_rate = bytes;
        return true;
    }
    if (n > 4 && memcmp(s, "dir=", 4) == 0)
        return parse_path(o->dir, s + 4, n - 4);
    if (n > 6 && memcmp(s, "limit=", 6) == 0)
        return wr_parse_limit(s + 6, n - 6, &o->limit, &o->limit_hard) == 0;
    if (n > 8 && memcmp(s, "history=", 8) == 0)
        return parse_switch(&o->history, s + 8, n - 8);
    if (n > 4 && memcmp(s, "fds=", 4) == 0)
        return parse_switch(&o->fds, s + 4, n - 4);
    if (n > 9 && memcmp(s, "overflow=", 9) == 0)
        return parse_switch(&o->overflow, s + 9, n - 9);
    if (n > 6 && memcmp(s, "leaks=", 6) == 0)
        return parse_leaks(&o->leaks, s + 6, n - 6);
    if (n > 8 && memcmp(s, "collect=", 8) == 0)
        return parse_switch(&o->gc.malloc, s + 8, n - 8);
    if (n > 5 && memcmp(s, "gogc=", 5) == 0)
        return parse_percent(&o->gc.percent, s + 5, n - 5);
    if (n > 3 && memcmp(s, "gc=", 3) == 0)
        return parse_way(&o->gc.way, s + 3, n - 3);
    if (n > 8 && memcmp(s, "gcyoung=", 8) == 0)
        return parse_young(&o->gc.young, s + 8, n - 8);
    if (n > 8 && memcmp(s, "gctrace=", 8) == 0)
        return parse_bit(&o->gctrace, s + 8, n - 8);
    if (n > 12 && memcmp(s, "gccheckmark=", 12) == 0)
        return parse_bit(&o->gc.verify, s + 12, n - 12);
    if (n > 12 && memcmp(s, "clobberfree=", 12) == 0)
        return parse_bit(&o->gc.clobber, s + 12, n - 12);
    if (n > 11 && memcmp(s, "gcsnapshot=", 11) == 0)
        return parse_path(o->peaks, s + 11, n - 11);
    if (n > 9 && memcmp(s, "gcstress=", 9) == 0)
        return parse_count(&o->gc.every, s + 9, n - 9);
    return false;
}

static void
complain(struct wr_text *t, const char *s, size_t n)
{
    if (t->len != 0)
        return;
    wr_text_str(t, "weir: left out \"");
    wr_text_bytes(t, s, n < 80 ? n : 80);
    wr_text_str(t, "\" in the variable WEIR: it takes sample=BYTES, "
                   "dir=/PATH, history=on or off, fds=on or off, "
                   "overflow=on or off, "
                   "limit=BYTES, auto or off (perhaps with :hard), "
                   "collect=on or off, gogc=PERCENT or off, gctrace=0 or 1, "
                   "gc=auto, barrier, track, copy or stop, "
                   "gcyoung=on, off or always, gccheckmark=0 or 1, "
                   "clobberfree=0 or 1, gcstress=N, gcsnapshot=/PATH and "
                   "leaks=exit, fail, "
                   "list or off, "
                   "separated by commas");
}

void
wr_options_parse(struct wr_options *o, const char *value,
                 struct wr_text *problem)
{
    o->sample_rate = WR_SAMPLE_RATE;
    o->dir[0] = '\0';
    o->history = true;
    o->fds = true;
    o->overflow = false;
    o->limit = WEIR_LIMIT_OFF;
    o->limit_hard = false;
    o->leaks = WR_LAST_OFF;
    o->gctrace = false;
    o->peaks[0] = '\0';
    o->gc = (struct wr_gc_options){
        .percent = 100, .verify = WR_CHECKS, .peaks = o->peaks};
    wr_text_init(problem);
    while (value != NULL && *value != '\0') {
        size_t n = strcspn(value, ",");

        if (n > 0 && !parse_one(o, value, n))
            complain(problem, value, n);
        value += n + (value[n] == ',');
    }
}
