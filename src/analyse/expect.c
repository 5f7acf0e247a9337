/* Conditions on benchmarks: reading and checking them. */
#include "analyse/expect.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    enum wr_expect_op op;
} ops[] = {{"<=", WR_EXPECT_LE}, {">=", WR_EXPECT_GE}, {"==", WR_EXPECT_EQ},
           {"!=", WR_EXPECT_NE}, {"<", WR_EXPECT_LT},  {">", WR_EXPECT_GT}};

/* Without blanks at both ends, in a piece of its own; NULL: no memory. */
static char *
trimmed(const char *from, const char *to)
{
    while (from < to && isspace((unsigned char)*from))
        from++;
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    return strndup(from, (size_t)(to - from));
}

static int
parse_number(struct wr_expect *e, const char *text)
{
    static const char suffixes[] = "KMG";
    char *end;
    e->number = strtod(text, &end);
    if (end == text)
        return -1;
    const char *suffix = *end ? strchr(suffixes, toupper(*end)) : NULL;
    if (!suffix)
        return *end ? -1 : 0;
    for (const char *s = suffixes; s <= suffix; s++)
        e->number *= 1024;
    end++;
    return *end && strcmp(end, "B") != 0 && strcmp(end, "iB") != 0 ? -1 : 0;
}

/* "NAME: UNIT" or "UNIT". */
static int
parse_subject(struct wr_expect *e, char *left, char *why, size_t n)
{
    char *unit = left + strlen(left);
    while (unit > left && !isspace((unsigned char)unit[-1]))
        unit--;
    if (!*unit || strlen(unit) >= WR_EXPECT_UNIT / 2)
        return snprintf(why, n, "%s: which unit? allocs/op, B/op, ...",
                        e->text),
               -1;
    e->factor = wr_bench_unit_plain(unit, e->unit);
    char *end = unit;
    while (end > left && isspace((unsigned char)end[-1]))
        end--;
    if (end == left)
        return 0;
    if (end[-1] != ':')
        return snprintf(why, n,
                        "%s: between a benchmark's name and the unit there "
                        "is a colon",
                        e->text),
               -1;
    end[-1] = '\0';
    int error = regcomp(&e->name, left, REG_EXTENDED | REG_NOSUB);
    e->named = error == 0;
    if (error == 0)
        return 0;
    char said[128];
    regerror(error, &e->name, said, sizeof said);
    return snprintf(why, n, "%s: %s", e->text, said), -1;
}

static int
parse_sides(struct wr_expect *e, char *left, const char *right, char *why,
            size_t n)
{
    if (strcmp(left, "live after") == 0 && strcmp(right, "live before") == 0) {
        strcpy(e->unit, "live-blocks");
        e->factor = 1;
        return 0;
    }
    if (parse_number(e, right) != 0)
        return snprintf(why, n, "%s: \"%s\" is not a number", e->text, right),
               -1;
    return parse_subject(e, left, why, n);
}

int
wr_expect_parse(struct wr_expect *e, const char *text, char *why, size_t n)
{
    const char *at = text + strcspn(text, "<>=!");
    *e = (struct wr_expect){.text = text};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        size_t length = strlen(ops[i].text);
        if (strncmp(at, ops[i].text, length) != 0)
            continue;
        e->op = ops[i].op;
        char *left = trimmed(text, at);
        char *right = trimmed(at + length, at + strlen(at));
        int status = -1;
        if (left && right)
            status = parse_sides(e, left, right, why, n);
        else
            snprintf(why, n, "out of memory");
        free(left);
        free(right);
        return status;
    }
    snprintf(why, n,
             "%s: a condition is [NAME:] UNIT OP NUMBER, with one of "
             "<= < >= > == !=",
             text);
    return -1;
}

void
wr_expect_fini(struct wr_expect *e)
{
    if (e->named)
        regfree(&e->name);
    e->named = false;
}

static bool
holds(enum wr_expect_op op, double x, double wanted)
{
    switch (op) {
    case WR_EXPECT_LE:
        return x <= wanted;
    case WR_EXPECT_LT:
        return x < wanted;
    case WR_EXPECT_GE:
        return x >= wanted;
    case WR_EXPECT_GT:
        return x > wanted;
    case WR_EXPECT_EQ:
        return x == wanted;
    default:
        return x != wanted;
    }
}

/* All results of one name. */
static void
check_name(const struct wr_expect *e, const struct wr_benches *b, uint32_t name,
           struct wr_expect_result *r)
{
    double wanted = e->number * e->factor;
    *r = (struct wr_expect_result){.name = b->names.text[name]};
    for (size_t i = 0; i < b->count; i++) {
        const struct wr_bench_result *result = &b->results[i];
        if (result->name != name ||
            strcmp(b->units.text[result->unit], e->unit) != 0)
            continue;
        bool held = holds(e->op, result->value, wanted);
        if (r->values == 0 || (!held && r->failed == 0))
            r->value = result->value / e->factor;
        r->values++;
        r->failed += !held;
    }
}

size_t
wr_expect_check(const struct wr_expect *e, const struct wr_benches *b,
                void (*told)(const struct wr_expect *e,
                             const struct wr_expect_result *r, void *arg),
                void *arg)
{
    size_t count = 0;
    for (uint32_t name = 0; name < b->names.count; name++) {
        struct wr_expect_result r;
        if (e->named && regexec(&e->name, b->names.text[name], 0, NULL, 0) != 0)
            continue;
        check_name(e, b, name, &r);
        if (r.values == 0)
            continue;
        count++;
        told(e, &r, arg);
    }
    return count;
}
