/* 2: numbers from inside: what does this piece of work cost?
 *
 *     $ cc 2-memstats.c $(pkg-config --cflags --libs weir)
 *
 * weir_memstats fills a structure with the fields of Go's runtime.MemStats.
 * The difference of two calls is what happened between them: total_alloc
 * and mallocs never fall, alloc and heap_objects are levels.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

enum { LINES = 10000 };

/* The work: build a long text in the simple, costly way. */
static char *
build_text(void)
{
    char *text = strdup("");

    for (int i = 0; i < LINES && text != NULL; i++) {
        size_t length = strlen(text);
        char *longer = malloc(length + 8);

        if (longer == NULL)
            break;
        memcpy(longer, text, length);
        memcpy(longer + length, "a line\n", 8);
        free(text);
        text = longer;
    }
    return text;
}

int
main(void)
{
    struct weir_memstats before, after;
    char *text;

    if (weir_memstats(&before) != WEIR_OK)
        return 1;
    text = build_text();
    if (weir_memstats(&after) != WEIR_OK)
        return 1;
    printf("the text has %zu bytes\n", text ? strlen(text) : 0);
    printf("building it took %llu blocks and %llu MB in all\n",
           (unsigned long long)(after.mallocs - before.mallocs),
           (unsigned long long)(after.total_alloc - before.total_alloc) >> 20);
    printf("of which %lld KB are still held\n",
           (long long)(after.alloc - before.alloc) / 1024);
    free(text);
    return 0;
}
