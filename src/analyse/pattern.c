/* From Go's regular expressions to POSIX's.
 *
 * Invariants:
 * 1. What is handed to regcomp means the same there as in Go, as far as the
 *    question "does it match?" goes; else it is refused before.
 * 2. The translation of one character takes at most EXPANSION bytes.
 */
#include "analyse/pattern.h"

#include <ctype.h>
#include <regex.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/store.h"

#define EXPANSION   16
#define LENGTH_MAX  16384
#define DEPTH_MAX   100 /* of groups; of those in a file: */
#define TAME_DEPTH  20
#define REPEAT_MAX  1000 /* Go's own bound */
#define REPEATS_MAX 4    /* counted repetitions in one pattern */

struct wr_pattern {
    regex_t re;
};

struct translation {
    const char *at;
    char *to;
    const char *wrong; /* the first thing found wrong */
    int depth;         /* of open groups */
    int repeats;       /* counted repetitions so far */
    bool can_repeat;   /* something stands here that * may follow */
    bool ignore_case;
};

static void
wrong(struct translation *t, const char *what)
{
    if (!t->wrong)
        t->wrong = what;
}

static void
put(struct translation *t, const char *text)
{
    size_t n = strlen(text);
    memcpy(t->to, text, n);
    t->to += n;
}

/* A character that stands for itself. */
static void
put_plain(struct translation *t, char c)
{
    if (c && strchr("\\^$.[]|()?*+{}", c))
        *t->to++ = '\\';
    *t->to++ = c;
    t->can_repeat = true;
}

/* --- Escapes ------------------------------------------------------------- */

/* "\x41" or "\x{41}", behind the x. */
static char
take_code(struct translation *t)
{
    char digits[4] = "";
    bool braced = *t->at == '{';
    t->at += braced;
    for (int i = 0; i < 2 && isxdigit((unsigned char)*t->at); i++)
        digits[i] = *t->at++;
    long code = strtol(digits, NULL, 16);
    if (digits[0] == '\0' || (braced && *t->at++ != '}') || code == 0 ||
        code > 127)
        wrong(t, "\\x needs the number of an ASCII character");
    return (char)code;
}

/* The character that an escape stands for, '\0': it is not of that kind. */
static char
plain_escape(struct translation *t, char c)
{
    static const char letters[] = "tnrfva", meant[] = "\t\n\r\f\v\a";
    const char *found = c ? strchr(letters, c) : NULL;
    if (found)
        return meant[found - letters];
    if (c == 'x')
        return take_code(t);
    return ispunct((unsigned char)c) ? c : '\0';
}

static void
take_quoted(struct translation *t)
{
    while (*t->at && strncmp(t->at, "\\E", 2) != 0)
        put_plain(t, *t->at++);
    if (*t->at)
        t->at += 2;
}

static void
take_escape(struct translation *t)
{
    static const struct {
        char letter;
        const char *text;
        bool can_repeat;
    } known[] = {{'d', "[0-9]", true}, {'D', "[^0-9]", true},
                 {'w', "\\w", true},   {'W', "\\W", true},
                 {'s', "\\s", true},   {'S', "\\S", true},
                 {'b', "\\b", false},  {'B', "\\B", false},
                 {'A', "^", false},    {'z', "$", false}};
    char c = *t->at ? *t->at++ : '\0';
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].letter == c) {
            put(t, known[i].text);
            t->can_repeat = known[i].can_repeat;
            return;
        }
    if (c == 'Q') {
        take_quoted(t);
        return;
    }
    char plain = plain_escape(t, c);
    if (plain)
        put_plain(t, plain);
    else
        wrong(t, c ? "it has an escape that weir does not know"
                   : "a backslash stands at the end");
}

/* --- Classes ------------------------------------------------------------- */

/* In POSIX's brackets a backslash is a character like others, and ']', '^'
 * and '-' mean themselves by where they stand. */
struct class
{
    bool bracket, caret, dash;
};

/* An end of a range, or a single character. False: it was a class. */
static bool
take_member(struct translation *t, char *c)
{
    if (*t->at != '\\') {
        *c = *t->at++;
        return true;
    }
    char letter = t->at[1];
    t->at += letter ? 2 : 1;
    if (letter == 'd' || letter == 'w' || letter == 's') {
        put(t, letter == 'd'   ? "0-9"
               : letter == 'w' ? "[:alnum:]_"
                               : "[:space:]");
        return false;
    }
    *c = plain_escape(t, letter);
    if (!*c)
        wrong(t, "it has an escape in brackets that weir does not know");
    return true;
}

static void
take_range(struct translation *t, struct class *s)
{
    char first, last;
    if (!take_member(t, &first))
        return;
    if (t->at[0] == '-' && t->at[1] && t->at[1] != ']') {
        t->at++;
        if (!take_member(t, &last) || last < first)
            wrong(t, "a range in brackets has no end, or ends before it "
                     "starts");
        else if (first == ']' || last == ']' || first == '[' || first == '-')
            wrong(t, "a range in brackets begins or ends with a bracket or a "
                     "dash");
        else
            put(t, (char[]){first, '-', last, '\0'});
        return;
    }
    s->bracket |= first == ']';
    s->caret |= first == '^';
    s->dash |= first == '-';
    if (!strchr("]^-", first))
        *t->to++ = first;
}

/* "[:alpha:]", as it stands. */
static bool
take_named(struct translation *t)
{
    const char *end = strncmp(t->at, "[:", 2) == 0 ? strstr(t->at, ":]") : NULL;
    if (!end)
        return false;
    while (t->at < end + 2)
        *t->to++ = *t->at++;
    return true;
}

/* Behind the '['. The members are put behind where '[', '^' and ']' will
 * stand, and moved up when it is known which of them there are. */
static void
take_class(struct translation *t)
{
    struct class s = {false, false, false};
    char *start = t->to;
    bool negated = *t->at == '^';
    t->at += negated;
    t->to += 3;
    char *members = t->to;
    do
        if (!take_named(t) && *t->at)
            take_range(t, &s);
    while (*t->at && *t->at != ']');
    if (*t->at++ != ']') {
        t->at--;
        wrong(t, "a bracket is not closed");
    }
    size_t n = (size_t)(t->to - members);
    /* A lone caret must not come first: escaped it stands by itself. */
    if (s.caret && n == 0 && !s.bracket && !s.dash && !negated) {
        t->to = start;
        put_plain(t, '^');
        return;
    }
    t->to = start;
    put(t, negated ? "[^" : "[");
    if (s.bracket)
        *t->to++ = ']';
    bool dash_first = s.caret && s.dash && n == 0 && !s.bracket && !negated;
    if (dash_first)
        *t->to++ = '-';
    memmove(t->to, members, n);
    t->to += n;
    if (s.caret)
        *t->to++ = '^';
    if (s.dash && !dash_first)
        *t->to++ = '-';
    *t->to++ = ']';
    t->can_repeat = true;
}

/* --- Groups and repetition ----------------------------------------------- */

static void
take_group(struct translation *t)
{
    if (++t->depth > DEPTH_MAX)
        wrong(t, "its groups are nested too deeply");
    if (*t->at == '?') {
        const char *name = t->at + 1 + (t->at[1] == 'P');
        const char *end = *name == '<' ? strchr(name, '>') : NULL;
        if (t->at[1] == ':')
            t->at += 2;
        else if (end)
            t->at = end + 1;
        else
            wrong(t, "weir knows the flag (?i) only, at the start");
    }
    *t->to++ = '(';
    t->can_repeat = false;
}

/* How long a "{2}", "{2,}" or "{2,5}" here is; 0: the brace is a brace. */
static size_t
count_length(struct translation *t)
{
    const char *at = t->at;
    long most = strtol(at, NULL, 10);
    size_t n = strspn(at, "0123456789");
    if (n == 0)
        return 0;
    if (at[n] == ',') {
        size_t more = strspn(at + n + 1, "0123456789");
        if (more)
            most = strtol(at + n + 1, NULL, 10);
        n += 1 + more;
    }
    if (at[n] != '}')
        return 0;
    if (most > REPEAT_MAX || ++t->repeats > REPEATS_MAX)
        wrong(t, "it repeats too often");
    return n + 1;
}

static void
take_repeat(struct translation *t, const char *operator, size_t n)
{
    if (!t->can_repeat)
        wrong(t, "*, +, ? or {N} has nothing to repeat");
    memcpy(t->to, operator, n);
    t->to += n;
    if (*t->at == '?') /* lazy: it matches the same texts */
        t->at++;
    t->can_repeat = false;
}

static void
take_brace(struct translation *t)
{
    size_t n = count_length(t);
    const char *operator= t->at - 1;
    if (n == 0) {
        put_plain(t, '{');
        return;
    }
    t->at += n;
    take_repeat(t, operator, n + 1);
}

static void
take_one(struct translation *t)
{
    char c = *t->at++;
    if (c == '\\')
        take_escape(t);
    else if (c == '[')
        take_class(t);
    else if (c == '(')
        take_group(t);
    else if (c == '{')
        take_brace(t);
    else if (c == '*' || c == '+' || c == '?')
        take_repeat(t, t->at - 1, 1);
    else if (c == '}' || c == ']')
        put_plain(t, c);
    else {
        *t->to++ = c;
        t->can_repeat = c != '|' && c != '^' && c != '$';
        if (c == ')' && --t->depth < 0)
            wrong(t, "a parenthesis is closed that was not opened");
    }
}

/* --- The whole ----------------------------------------------------------- */

static const char *
translate(struct translation *t, const char *text)
{
    t->at = text;
    if (strncmp(t->at, "(?i)", 4) == 0) {
        t->ignore_case = true;
        t->at += 4;
    }
    while (*t->at && !t->wrong)
        take_one(t);
    *t->to = '\0';
    if (t->depth > 0)
        wrong(t, "a parenthesis is not closed");
    return t->wrong;
}

static int
compile(struct wr_pattern **out, const char *text, bool whole, char *why,
        size_t n)
{
    size_t room = strlen(text) * EXPANSION + 16;
    struct wr_pattern *p = malloc(sizeof *p);
    char *posix = strlen(text) < LENGTH_MAX ? malloc(room) : NULL;
    struct translation t = {.to = posix};
    char said[80] = "it is too long";
    int status = -1;
    if (p && posix) {
        const char *bad;
        put(&t, whole ? "^(" : "");
        bad = translate(&t, text);
        put(&t, whole ? ")$" : "");
        *t.to = '\0';
        int flags = REG_EXTENDED | REG_NOSUB | (t.ignore_case ? REG_ICASE : 0);
        status = bad ? REG_BADPAT : regcomp(&p->re, posix, flags);
        if (bad)
            snprintf(said, sizeof said, "%s", bad);
        else if (status)
            regerror(status, &p->re, said, sizeof said);
    }
    free(posix);
    if (status == 0) {
        *out = p;
        return 0;
    }
    free(p);
    return wr_profile_fail(why, n, "the pattern %.80s is wrong: %s", text,
                           said);
}

int
wr_pattern_new(struct wr_pattern **out, const char *text, char *why, size_t n)
{
    return compile(out, text, false, why, n);
}

static bool
is_tame(const char *pattern)
{
    int depth = 0;
    for (const char *c = pattern; *c; c++) {
        depth += (*c == '(') - (*c == ')');
        if (*c == '{' || depth > TAME_DEPTH)
            return false;
    }
    return *pattern != '\0';
}

struct wr_pattern *
wr_pattern_tame(const char *text)
{
    struct wr_pattern *re = NULL;
    char why[WR_WHY];
    if (is_tame(text))
        compile(&re, text, true, why, sizeof why);
    return re;
}

void
wr_pattern_free(struct wr_pattern *re)
{
    if (re)
        regfree(&re->re);
    free(re);
}

bool
wr_pattern_matches(const struct wr_pattern *re, const char *text)
{
    return regexec(&re->re, text, 0, NULL, 0) == 0;
}
