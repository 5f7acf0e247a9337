#include "common.h"

WEIR_ADAPT(adapted);

#define STBDS_REALLOC(c, p, n) adapted_realloc(p, n)
#define STBDS_FREE(c, p)       adapted_free(p)
#define STB_DS_IMPLEMENTATION
#include <stb/stb_ds.h>

int
main(int argc, char **argv)
{
    int *array = NULL;
    struct {
        int key, value;
    } *map = NULL;

    (void)argc;
    begin(argv);
    adapted_budget = budget;
    /* stb_ds does not look whether there is memory: only with enough. */
    for (int i = 0; i < 3000 && strtol(argv[2], NULL, 10) > 1 << 20; i++) {
        arrput(array, i);
        hmput(map, i, i);
    }
    if (array == NULL && adapted_malloc(1 << 20) == NULL) {
        look(argv);
        return end("no memory");
    }
    look(argv);
    arrfree(array);
    hmfree(map);
    return end("done");
}
