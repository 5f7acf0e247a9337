/* A reader's way through a trace of allocations, however damaged.
 *
 * The input is the events alone; an honest header is put before them, so that
 * every byte counts. What the reader makes of them must be playable: slots and
 * threads within their bounds, every birth into an empty slot.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "record/trace.h"

static void
play(const struct wr_trace *t)
{
    unsigned char *taken = calloc(1, (size_t)t->slots + 1);

    for (size_t i = 0; taken != NULL && i < t->steps; i++) {
        const struct wr_step *s = &t->step[i];
        int lives = s->kind == WR_STEP_FREE || s->kind == WR_STEP_REALLOC;

        if (s->slot >= t->slots || s->thread >= t->threads ||
            taken[s->slot] != lives)
            abort();
        taken[s->slot] = s->kind != WR_STEP_FREE;
    }
    free(taken);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wr_trace_header h = {
        .magic = WR_TRACE_MAGIC, .version = WR_TRACE_VERSION, .bytes = size};
    unsigned char *whole = malloc(sizeof h + size);
    struct wr_trace t;
    char why[100] = "";

    if (whole == NULL)
        return 0;
    memcpy(whole, &h, sizeof h);
    memcpy(whole + sizeof h, data, size);
    if (wr_trace_read(&t, whole, sizeof h + size, why, sizeof why) == 0)
        play(&t);
    else if (strlen(why) == 0)
        abort();
    wr_trace_close(&t);
    free(whole);
    return 0;
}
