/* A server of documents: a request brings a JSON text, which is parsed into a
 * tree that takes the place of another, and gets one of those there are, as
 * text. */
#include <string.h>

#include "heap.h"
#include "work.h"

enum { TEXT_BYTES = 16384, DEEPEST = 4 };

enum kind { OBJECT, ARRAY, STRING, NUMBER };

struct value {
    enum kind kind;
    int64_t number;
    char *key, *text;
    struct value *first, *next;
};
TYPE(value, key, text, first, next)

/* ---- text ---- */

struct text {
    char bytes[TEXT_BYTES];
    size_t used;
};

static void
add(struct text *t, char c)
{
    if (t->used < TEXT_BYTES)
        t->bytes[t->used++] = c;
}

static void
add_number(struct text *t, uint64_t n)
{
    char digits[20];
    int i = 0;

    do
        digits[i++] = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    while (i > 0)
        add(t, digits[--i]);
}

static void
add_word(struct text *t, uint64_t n, unsigned letters)
{
    add(t, '"');
    for (unsigned i = 0; i < letters; i++, n /= 26)
        add(t, (char)('a' + n % 26));
    add(t, '"');
}

/* A value by chance; deep ones are flat. */
static void
make_up(struct text *t, struct part *p, unsigned depth)
{
    uint64_t what = depth == 0 ? 0 : depth >= DEEPEST ? 2 : below(p, 4);
    uint64_t n = 3 + below(p, 6);

    if (what >= 2) {
        if (n % 2 == 0) {
            add_number(t, below(p, 100000));
        } else {
            n = chance(p);
            add_word(t, n, (unsigned)(4 + below(p, 20)));
        }
        return;
    }
    add(t, what == 0 ? '{' : '[');
    for (uint64_t i = 0; i < n; i++) {
        if (i > 0)
            add(t, ',');
        if (what == 0) {
            add_word(t, below(p, 1000), 3);
            add(t, ':');
        }
        make_up(t, p, depth + 1);
    }
    add(t, what == 0 ? '}' : ']');
}

/* ---- parsing ---- */

static char *
parse_word(const char **s)
{
    const char *from = ++*s;
    char *word;

    while (**s != '"')
        ++*s;
    word = NEW_BYTES((size_t)(*s - from) + 1);
    memcpy(word, from, (size_t)(*s - from));
    word[*s - from] = '\0';
    ++*s;
    return word;
}

static struct value *parse(const char **s);

static void
parse_members(struct value *v, const char **s, char close)
{
    struct value *last = NULL;

    for (++*s; **s != close; *s += **s == ',') {
        char *key = NULL;
        struct value *member;

        if (v->kind == OBJECT) {
            key = parse_word(s);
            ++*s;
        }
        member = parse(s);
        member->key = key;
        if (last == NULL)
            v->first = member;
        else
            last->next = member;
        last = member;
    }
    ++*s;
}

static struct value *
parse(const char **s)
{
    struct value *v = NEW(value);

    if (**s == '{') {
        v->kind = OBJECT;
        parse_members(v, s, '}');
    } else if (**s == '[') {
        v->kind = ARRAY;
        parse_members(v, s, ']');
    } else if (**s == '"') {
        v->kind = STRING;
        v->text = parse_word(s);
    } else {
        v->kind = NUMBER;
        for (; **s >= '0' && **s <= '9'; ++*s)
            v->number = v->number * 10 + (**s - '0');
    }
    return v;
}

static void
drop(struct value *v)
{
#if COLLECTED
    (void)v;
#else
    struct value *next;

    for (; v != NULL; v = next) {
        next = v->next;
        drop(v->first);
        DROP(v->key);
        DROP(v->text);
        DROP(v);
    }
#endif
}

/* ---- answering ---- */

static void
add_text(struct text *t, const char *s)
{
    add(t, '"');
    for (; *s != '\0'; s++)
        add(t, *s);
    add(t, '"');
}

static void
print(struct text *t, const struct value *v)
{
    switch (v->kind) {
    case NUMBER:
        add_number(t, (uint64_t)v->number);
        return;
    case STRING:
        add_text(t, v->text);
        return;
    default:
        break;
    }
    add(t, v->kind == OBJECT ? '{' : '[');
    for (const struct value *m = v->first; m != NULL; m = m->next) {
        if (m != v->first)
            add(t, ',');
        if (m->key != NULL) {
            add_text(t, m->key);
            add(t, ':');
        }
        print(t, m);
    }
    add(t, v->kind == OBJECT ? '}' : ']');
}

static uint64_t
sum_of(const struct text *t)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < t->used; i++)
        sum = sum * 31 + (unsigned char)t->bytes[i];
    return sum & 0xffff;
}

/* A text that is longer than its room would not end: make up another. */
static void
request(struct text *t, struct part *p)
{
    do {
        t->used = 0;
        make_up(t, p, 0);
    } while (t->used >= TEXT_BYTES);
    t->bytes[t->used] = '\0';
}

void
work_json(struct part *p)
{
    uint64_t documents = p->size / p->parts;
    struct value **document = NEW_ARRAY(struct value *, documents);
    struct text in, out;

    part_begin(p);
    for (uint64_t i = 0; i < p->ops; i++) {
        uint64_t at = i < documents ? i : below(p, documents);
        const char *s = in.bytes;

        request(&in, p);
        drop(document[at]);
        document[at] = parse(&s);
        out.used = 0;
        print(&out, document[below(p, i < documents ? i + 1 : documents)]);
        p->sum += sum_of(&out);
        part_step(p);
    }
}
