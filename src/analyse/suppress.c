/* Suppressions. Each is a regular expression inside, asked once for each
 * location of a profile. */
#include "analyse/suppress.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/filter.h"
#include "analyse/pattern.h"
#include "analyse/profile.h"
#include "analyse/store.h"

/* --- Reading ------------------------------------------------------------- */

/* The text of a line, as an expression. */
static void
put_text(FILE *out, const char *text)
{
    for (const char *p = text; *p; p++)
        if (*p == '*')
            fputs(".*", out);
        else if ((*p == '^' && p == text) || (*p == '$' && !p[1]))
            fputc(*p, out);
        else if (strchr("\\.+?()[]{}|^$", *p))
            fprintf(out, "\\%c", *p);
        else
            fputc(*p, out);
}

static char *
trimmed(char *line)
{
    size_t n = strcspn(line, "\r\n");
    while (n > 0 && strchr(" \t", line[n - 1]))
        n--;
    line[n] = '\0';
    return line + strspn(line, " \t");
}

static char *
pattern_of(const char *text)
{
    char *pattern = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&pattern, &bytes);
    if (!out)
        return NULL;
    put_text(out, text);
    if (fclose(out) == 0)
        return pattern;
    free(pattern);
    return NULL;
}

static int
add(struct wr_suppressions *s, const char *text, char *why, size_t n)
{
    struct wr_suppression one = {.text = strdup(text)};
    struct wr_suppression *more =
        realloc(s->list, (s->count + 1) * sizeof *more);
    char *pattern = pattern_of(text);
    if (more)
        s->list = more;
    int rc = one.text && more && pattern
                 ? wr_pattern_new(&one.pattern, pattern, why, n)
                 : wr_profile_fail(why, n, "out of memory");
    free(pattern);
    if (rc == 0)
        s->list[s->count++] = one;
    else
        free(one.text);
    return rc;
}

static int
add_line(struct wr_suppressions *s, char *line, const char *path, size_t number,
         char *why, size_t n)
{
    static const char key[] = "leak:";
    const char *text = trimmed(line);
    if (*text == '\0' || *text == '#')
        return 0;
    if (strncmp(text, key, sizeof key - 1) != 0 || !text[sizeof key - 1])
        return wr_profile_fail(why, n,
                               "%s:%zu: a suppression is like leak:FUNCTION",
                               path, number);
    return add(s, text + sizeof key - 1, why, n);
}

int
wr_suppress_read(struct wr_suppressions *s, const char *path, char *why,
                 size_t n)
{
    FILE *in = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    int rc = 0;
    *s = (struct wr_suppressions){.list = NULL};
    if (!in)
        return wr_profile_fail(why, n, "%s: %s", path, strerror(errno));
    for (size_t i = 1; rc == 0 && getline(&line, &room, in) > 0; i++)
        rc = add_line(s, line, path, i, why, n);
    free(line);
    fclose(in);
    if (rc != 0)
        wr_suppress_fini(s);
    return rc;
}

void
wr_suppress_fini(struct wr_suppressions *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->list[i].text);
        wr_pattern_free(s->list[i].pattern);
    }
    free(s->list);
    *s = (struct wr_suppressions){.list = NULL};
}

/* --- Applying ------------------------------------------------------------ */

/* Which suppression has a name: its number, or none. */
#define NONE SIZE_MAX

static size_t
find(const struct wr_suppressions *s, const char *name)
{
    for (size_t i = 0; *name && i < s->count; i++)
        if (wr_pattern_matches(s->list[i].pattern, name))
            return i;
    return NONE;
}

static size_t
lower(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t
of_location(const struct wr_suppressions *s, const struct wr_profile *p,
            const struct wr_location *l)
{
    size_t found = NONE;
    if (l->mapping != WR_NONE)
        found = find(s, p->strings[p->mappings[l->mapping].file]);
    for (uint32_t i = 0; i < l->line_count; i++) {
        const struct wr_function *f =
            &p->functions[p->lines[l->first_line + i].function];
        found = lower(found, find(s, p->strings[f->name]));
        found = lower(found, find(s, p->strings[f->file]));
    }
    return found;
}

struct applying {
    struct wr_suppressions *s;
    const size_t *by_location;
};

static bool
keep(struct wr_profile *p, struct wr_sample *sample, const int64_t *values,
     void *context)
{
    const struct applying *a = context;
    size_t found = NONE;
    for (uint32_t i = 0; i < sample->depth; i++)
        found =
            lower(found, a->by_location[p->frames[sample->first_frame + i]]);
    if (found == NONE)
        return true;
    a->s->list[found].blocks += (uint64_t)values[0];
    a->s->list[found].bytes += (uint64_t)values[1];
    return false;
}

int
wr_suppress_apply(struct wr_suppressions *s, struct wr_profile *p, char *why,
                  size_t n)
{
    if (s->count == 0)
        return 0;
    size_t *by_location = calloc((size_t)p->location_count + 1, sizeof(size_t));
    if (!by_location)
        return wr_profile_fail(why, n, "out of memory");
    for (uint32_t i = 0; i < p->location_count; i++)
        by_location[i] = of_location(s, p, &p->locations[i]);
    wr_filter_keep(p, keep, &(struct applying){s, by_location});
    free(by_location);
    return 0;
}
