/* What the lessons warn of, in plain C: what the kit is to be better than. */
#include "kit.h"

static void
pool(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b)) {
        char *block = malloc(HANDLED);

        memset(block, 1, 64);
        weir_bench_keep(block);
        free(block);
    }
}

/* A new string for every piece, as s += piece makes it. */
static void
text(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b)) {
        char *all = strdup("");

        for (int i = 0; i < PIECES; i++) {
            size_t len = strlen(all);
            char *next = malloc(len + sizeof PIECE);

            memcpy(next, all, len);
            memcpy(next + len, PIECE, sizeof PIECE);
            free(all);
            all = next;
        }
        weir_bench_keep(all);
        free(all);
    }
}

static const struct weir_bench_entry all[] = {
    {"PoolNo", pool, NULL},
    {"TextPlus", text, NULL},
    {NULL, NULL, NULL},
};
const struct weir_bench_entry *const bench_plain = all;
