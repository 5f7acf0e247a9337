/* Invariants:
 * 1. What is written is never longer than what was read, so a buffer of the
 *    full name's length is enough; w->n is how much of it is used.
 * 2. Brackets are matched by their own kind only: inside parentheses anything
 *    may stand, operator< and shifts too.
 * 3. A name whose form we do not know stays as it is, in full.
 */
#include "analyse/demangle.h"

#include <ctype.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LINKAGE_MAX   4096 /* longer names are left alone */
#define ARGUMENTS_MAX 48   /* of a template, in bytes; else they are "..." */
#define NESTING_MAX   64

/* --- The library that can read them -------------------------------------- */

typedef char *(*demangle_fn)(const char *name, char *into, size_t *n,
                             int *status);

static demangle_fn cxa_demangle;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The C++ library knows how; it is loaded when the first C++ name comes. */
static void
load(void)
{
    void *library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);
    if (library)
        cxa_demangle = (demangle_fn)dlsym(library, "__cxa_demangle");
}

static char *
in_full(const char *linkage)
{
    int status = -1;
    pthread_once(&once, load);
    char *full =
        cxa_demangle ? cxa_demangle(linkage, NULL, NULL, &status) : NULL;
    if (status == 0)
        return full;
    free(full);
    return NULL;
}

/* --- Words ---------------------------------------------------------------- */

struct text {
    const char *at, *end;
};

struct writer {
    char *bytes;
    size_t n;
    int nesting;
};

static bool
begins(struct text t, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(t.end - t.at) >= n && memcmp(t.at, word, n) == 0;
}

static void
put(struct writer *w, const char *from, size_t n)
{
    memmove(w->bytes + w->n, from, n);
    w->n += n;
}

/* Behind the bracket that closes the one at t->at; the end, if none does. */
static const char *
behind_bracket(struct text t, char opening, char closing)
{
    int depth = 0;
    for (; t.at < t.end; t.at++) {
        depth += *t.at == opening;
        depth -= *t.at == closing;
        if (depth == 0)
            return t.at + 1;
    }
    return t.end;
}

/* The same for the arguments of a template. */
static const char *
behind_arguments(struct text t)
{
    int depth = 0;
    while (t.at < t.end) {
        if (*t.at == '(') {
            t.at = behind_bracket(t, '(', ')');
            continue;
        }
        depth += *t.at == '<';
        depth -= *t.at == '>';
        t.at++;
        if (depth == 0)
            break;
    }
    return t.at;
}

/* --- Template arguments --------------------------------------------------- */

/* Arguments that hardly anybody writes. */
static bool
is_default(struct text argument)
{
    static const char *const defaults[] = {
        "std::allocator<", "std::char_traits<", "std::less<",
        "std::equal_to<",  "std::hash<",        "std::default_delete<"};
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (begins(argument, defaults[i]))
            return true;
    return false;
}

static void write_type(struct writer *w, struct text t);

/* The end of the first argument of several. */
static const char *
end_of_argument(struct text t)
{
    while (t.at < t.end && *t.at != ',') {
        if (*t.at == '<')
            t.at = behind_arguments(t);
        else if (*t.at == '(')
            t.at = behind_bracket(t, '(', ')');
        else if (*t.at == '{')
            t.at = behind_bracket(t, '{', '}');
        else
            t.at++;
    }
    return t.at;
}

/* t: what stands between < and >. */
static void
write_arguments(struct writer *w, struct text t)
{
    size_t start = w->n;
    put(w, "<", 1);
    for (const char *before = NULL; t.at < t.end;) {
        struct text argument = {t.at, end_of_argument(t)};
        if (!before || !is_default(argument)) {
            if (before)
                put(w, before, (size_t)(t.at - before));
            write_type(w, argument);
        }
        before = t.at = argument.end; /* a comma and a blank */
        while (t.at < t.end && (*t.at == ',' || *t.at == ' '))
            t.at++;
    }
    while (w->bytes[w->n - 1] == ' ')
        w->n--;
    if (w->n - start > ARGUMENTS_MAX) {
        w->n = start;
        put(w, "<...", 4);
    }
    put(w, ">", 1);
}

/* The name that was written last has become a known one. */
static void
abbreviate(struct writer *w)
{
    static const char longer[] = "std::basic_string<char>";
    static const char shorter[] = "std::string";
    size_t n = sizeof longer - 1;
    if (w->n < n || memcmp(w->bytes + w->n - n, longer, n) != 0)
        return;
    w->n -= n;
    put(w, shorter, sizeof shorter - 1);
}

/* One step of a type or a name: true if it was more than a byte. */
static bool
write_step(struct writer *w, struct text *t)
{
    static const char versioned[] = "std::__cxx11::";
    if (begins(*t, versioned)) {
        put(w, "std::", 5);
        t->at += sizeof versioned - 1;
        return true;
    }
    if (*t->at == '<' && w->nesting < NESTING_MAX) {
        const char *end = behind_arguments(*t);
        if (end[-1] != '>')
            return false;
        w->nesting++;
        write_arguments(w, (struct text){t->at + 1, end - 1});
        w->nesting--;
        abbreviate(w);
        t->at = end;
        return true;
    }
    return false;
}

static void
write_type(struct writer *w, struct text t)
{
    while (t.at < t.end)
        if (!write_step(w, &t))
            put(w, t.at++, 1);
}

/* --- Names of functions --------------------------------------------------- */

static bool
is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* Of a sign that may be an operator: the longest there is. */
static size_t
length_of_sign(struct text t)
{
    static const char *const signs[] = {"<=>", "<<=", ">>=", "->*", "<<", ">>",
                                        "->",  "&&",  "||",  "++",  "--"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (begins(t, signs[i]))
            return strlen(signs[i]);
    if (t.at == t.end || !strchr("+-*/%^&|~!=<>,", *t.at))
        return 0;
    return t.at + 1 < t.end && t.at[1] == '=' ? 2 : 1;
}

/* "operator" and what it is: signs, (), [], a type, new, "" _km. */
static const char *
behind_operator(struct text t)
{
    t.at += strlen("operator");
    if (begins(t, "()") || begins(t, "[]"))
        return t.at + 2;
    if (*t.at != ' ' && *t.at != '"') {
        t.at += length_of_sign(t);
        return t.at + begins(t, " <"); /* then come a template's arguments */
    }
    while (t.at < t.end && *t.at != '(')
        t.at = *t.at == '<' ? behind_arguments(t) : t.at + 1;
    return t.at;
}

static bool
at_operator(struct text t, const char *start)
{
    size_t n = strlen("operator");
    return begins(t, "operator") && (t.at == start || !is_word(t.at[-1])) &&
           t.at + n < t.end && !is_word(t.at[n]);
}

/* What a name has in parentheses: parameters of a function around the one
 * that is meant, or "(anonymous namespace)". */
static const char *
write_parentheses(struct writer *w, struct text t)
{
    static const char nameless[] = "(anonymous namespace)";
    if (begins(t, nameless)) {
        put(w, nameless, sizeof nameless - 1);
        return t.at + sizeof nameless - 1;
    }
    t.at = behind_bracket(t, '(', ')');
    if (begins(t, " const"))
        t.at += strlen(" const");
    return t.at;
}

/* "{lambda(int)#1}", without its parameters. */
static const char *
write_lambda(struct writer *w, struct text t)
{
    const char *end = behind_bracket(t, '{', '}');
    while (t.at < end)
        if (*t.at == '(')
            t.at = behind_bracket((struct text){t.at, end}, '(', ')');
        else
            put(w, t.at++, 1);
    return end;
}

/* A blank stands behind a return type only. */
static void
write_name(struct writer *w, struct text t)
{
    const char *start = t.at;
    while (t.at < t.end) {
        if (at_operator(t, start)) {
            const char *end = behind_operator(t);
            put(w, t.at, (size_t)(end - t.at));
            t.at = end;
        } else if (*t.at == '(') {
            t.at = write_parentheses(w, t);
        } else if (*t.at == '{') {
            t.at = write_lambda(w, t);
        } else if (*t.at == ' ') {
            w->n = 0;
            t.at++;
        } else if (!write_step(w, &t)) {
            put(w, t.at++, 1);
        }
    }
}

/* "operator" alone: the parentheses behind it are its sign. */
static bool
is_call_operator(struct text t)
{
    size_t n = strlen("operator");
    return (size_t)(t.end - t.at) >= n &&
           memcmp(t.end - n, "operator", n) == 0 &&
           ((size_t)(t.end - t.at) == n || !is_word(t.end[-(ptrdiff_t)n - 1]));
}

/* The end of the name: where the last parameters begin. */
static const char *
end_of_name(struct text t)
{
    static const char *const behind[] = {" const", " volatile", " &&", " &"};
    const char *clone = strstr(t.at, " [clone ");
    if (clone)
        t.end = clone;
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
        size_t n = strlen(behind[i]);
        if ((size_t)(t.end - t.at) > n &&
            memcmp(t.end - n, behind[i], n) == 0) {
            t.end -= n;
            i = (size_t)-1; /* from the first again */
        }
    }
    const char *p = t.end;
    int depth = 0;
    if (p == t.at || p[-1] != ')')
        return t.end;
    do {
        p--;
        depth += *p == ')';
        depth -= *p == '(';
    } while (depth > 0 && p > t.at);
    return is_call_operator((struct text){t.at, p}) ? t.end : p;
}

/* Rust's names end in a hash: "::h" and 16 digits. */
static void
cut_hash(struct writer *w)
{
    if (w->n < 20 || memcmp(w->bytes + w->n - 19, "::h", 3) != 0)
        return;
    for (size_t i = w->n - 16; i < w->n; i++)
        if (!isxdigit((unsigned char)w->bytes[i]))
            return;
    w->n -= 19;
}

char *
wr_demangle_shorten(const char *full)
{
    size_t n = strlen(full);
    struct writer w = {.bytes = malloc(n + 1)};
    if (!w.bytes)
        return NULL;
    write_name(&w,
               (struct text){full, end_of_name((struct text){full, full + n})});
    cut_hash(&w);
    if (w.n == 0)
        put(&w, full, n);
    w.bytes[w.n] = '\0';
    return w.bytes;
}

char *
wr_demangle(const char *linkage)
{
    if (strncmp(linkage, "_Z", 2) != 0 || strlen(linkage) > LINKAGE_MAX)
        return NULL;
    char *full = in_full(linkage);
    char *name = full ? wr_demangle_shorten(full) : NULL;
    free(full);
    return name;
}
