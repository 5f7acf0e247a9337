/* 8: text put together piece by piece.
 *
 *     $ cc 8-builder.c $(pkg-config --cflags --libs weir weir-bench)
 *
 * A new string for every piece copies everything that is there each time: the
 * bytes grow with the square of the pieces. A buffer doubles its room, and
 * gives the text away without a copy.
 */
#include <string.h>
#include "compare.h"

enum { PIECES = 1000 };

static void
wrong(weir_bench *b, void *piece)
{
    while (weir_bench_loop(b)) {
        char *text = strdup("");
        for (int i = 0; i < PIECES && text != NULL; i++) {
            char *longer = malloc(strlen(text) + strlen(piece) + 1);
            if (longer != NULL)
                strcat(strcpy(longer, text), piece);
            free(text);
            text = longer;
        }
        weir_bench_keep(text);
        free(text);
    }
}

static void
right(weir_bench *b, void *piece)
{
    while (weir_bench_loop(b)) {
        struct weir_buffer text = {0};
        char *whole;
        for (int i = 0; i < PIECES; i++)
            weir_buffer_add(&text, piece, strlen(piece));
        whole = weir_buffer_detach(&text, NULL);
        weir_bench_keep(whole);
        free(whole);
    }
}

int
main(void)
{
    static char piece[] = "a piece of text, ";
    struct weir_bench_result w = compare("wrong: a string each", wrong, piece);
    struct weir_bench_result r = compare("right: one buffer", right, piece);

    return lesson(r.allocs_per_op * 10 < w.allocs_per_op &&
                  r.bytes_per_op * 100 < w.bytes_per_op);
}
