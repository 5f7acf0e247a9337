/* 1: a program that knows nothing of Weir.
 *
 * It reads words and keeps them, in a table that it never empties. Ask who
 * holds its memory, while it runs or afterwards:
 *
 *     $ weir run -- ./1-unchanged
 *     $ weir top FILE            (the file that weir run names at the end)
 *
 * word_new holds the words, table_grow the table. Nothing was rebuilt.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct table {
    char **words;
    size_t count, room;
};

static void
table_grow(struct table *t)
{
    size_t room = t->room ? t->room * 2 : 1024;
    char **words = realloc(t->words, room * sizeof *words);

    if (words == NULL)
        abort();
    t->words = words;
    t->room = room;
}

static char *
word_new(size_t number)
{
    char *word = malloc(64);

    if (word == NULL)
        abort();
    snprintf(word, 64, "word number %zu", number);
    return word;
}

static void
table_add(struct table *t, char *word)
{
    if (t->count == t->room)
        table_grow(t);
    t->words[t->count++] = word;
}

int
main(void)
{
    struct table t = {0};

    for (size_t i = 0; i < 200000; i++)
        table_add(&t, word_new(i));
    printf("kept %zu words, the last is \"%s\"\n", t.count,
           t.words[t.count - 1]);
    return 0;
}
