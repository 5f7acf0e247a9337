/* Suppressions, as one regular expression. */
#include "analyse/suppress.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/profile.h"
#include "analyse/store.h"

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

/* 0; -1: the line is none of these. */
static int
put_line(FILE *out, char *line, bool *first)
{
    static const char key[] = "leak:";
    char *text = trimmed(line);
    if (*text == '\0' || *text == '#')
        return 0;
    if (strncmp(text, key, sizeof key - 1) != 0 || !text[sizeof key - 1])
        return -1;
    if (!*first)
        fputc('|', out);
    *first = false;
    put_text(out, text + sizeof key - 1);
    return 0;
}

int
wr_suppress_read(char **pattern, const char *path, char *why, size_t n)
{
    FILE *in = fopen(path, "re");
    char *text = NULL, *line = NULL;
    size_t bytes = 0, room = 0, wrong = 0;
    bool first = true;
    if (!in)
        return wr_profile_fail(why, n, "%s: %s", path, strerror(errno));
    FILE *out = open_memstream(&text, &bytes);
    for (size_t i = 1; out && getline(&line, &room, in) > 0; i++)
        if (put_line(out, line, &first) != 0 && !wrong)
            wrong = i;
    free(line);
    fclose(in);
    if (!out || fclose(out) != 0) {
        free(text);
        return wr_profile_fail(why, n, "out of memory");
    }
    *pattern = first ? NULL : text;
    if (first || wrong)
        free(text);
    if (wrong)
        return wr_profile_fail(
            why, n, "%s:%zu: a suppression is like leak:FUNCTION", path, wrong);
    return 0;
}
