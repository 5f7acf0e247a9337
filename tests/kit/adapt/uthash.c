#include "common.h"

WEIR_ADAPT(adapted);

#define uthash_malloc(n)  adapted_malloc(n)
#define uthash_free(p, n) adapted_free(p)
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
    int key;
    UT_hash_handle hh;
};

int
main(int argc, char **argv)
{
    struct entry *all = NULL, *e, *next;

    (void)argc;
    begin(argv);
    adapted_budget = budget;
    for (int i = 0; i < 3000; i++) {
        e = adapted_calloc(1, sizeof *e);
        if (e == NULL)
            break;
        e->key = i;
        HASH_ADD_INT(all, key, e);
    }
    look(argv);
    unsigned n = HASH_COUNT(all);
    HASH_ITER(hh, all, e, next)
    {
        HASH_DEL(all, e);
        adapted_free(e);
    }
    return end(n == 3000 ? "done" : "no memory");
}
