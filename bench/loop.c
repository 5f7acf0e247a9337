/* A tight loop of malloc and free, to count its instructions: with no batch,
 * four and a quarter a pair are the loop's and the calls' own.
 *
 *     bench_loop BYTES PAIRS [BATCH]
 *
 * Allocates and frees blocks of that size; with BATCH, so many at a time,
 * the first allocated freed first. What one pair costs is the difference of
 * two runs by the difference of their PAIRS: start-up and the loop's first
 * round fall out.
 */
#include <stdio.h>
#include <stdlib.h>

enum { BATCH_MAX = 4096 };

/* The compiler must not drop the pair, nor learn anything of p. */
static inline void
pair(size_t bytes)
{
    void *p = malloc(bytes);

    __asm__ volatile("" : "+r"(p));
    free(p);
}

static void
single_pairs(size_t bytes, long pairs)
{
    for (long i = 0; i < pairs; i += 8) {
        pair(bytes);
        pair(bytes);
        pair(bytes);
        pair(bytes);
        pair(bytes);
        pair(bytes);
        pair(bytes);
        pair(bytes);
    }
}

int
main(int argc, char **argv)
{
    static void *block[BATCH_MAX];
    size_t bytes = argc > 1 ? strtoul(argv[1], NULL, 0) : 64;
    long pairs = argc > 2 ? strtol(argv[2], NULL, 0) : 1000000;
    int batch = argc > 3 ? atoi(argv[3]) : 1;

    if (batch < 1 || batch > BATCH_MAX) {
        fprintf(stderr, "bench_loop: a batch has 1 to %d blocks\n", BATCH_MAX);
        return 2;
    }
    if (batch == 1) {
        single_pairs(bytes, pairs);
        return 0;
    }
    for (long i = 0; i < pairs; i += batch) {
        for (int k = 0; k < batch; k++)
            block[k] = malloc(bytes);
        for (int k = 0; k < batch; k++)
            free(block[k]);
    }
    return 0;
}
