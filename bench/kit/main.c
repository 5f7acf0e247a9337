/* The cases of bench/kit.sh: bench_kit LIBRARY [options of weir/bench.h]. */
#include "kit.h"

char bench_text[ITEMS][12];
pthread_mutex_t bench_lock = PTHREAD_MUTEX_INITIALIZER;

int
main(int argc, char **argv)
{
    const struct {
        const char *name;
        const struct weir_bench_entry *all;
    } library[] = {
        {"weir", bench_weir}, {"plain", bench_plain}, {"uthash", bench_uthash},
        {"stb", bench_stb},   {"glib", bench_glib},
    };

    for (int i = 0; i < ITEMS; i++)
        snprintf(bench_text[i], sizeof bench_text[i], "key-%d", i);
    for (size_t i = 0; argc > 1 && i < sizeof library / sizeof *library; i++)
        if (strcmp(argv[1], library[i].name) == 0 && library[i].all != NULL)
            return weir_bench_main(argc - 1, argv + 1, library[i].all);
    fputs("usage: bench_kit weir|plain|uthash|stb|glib [OPTIONS]; a library "
          "is there when its headers were\n",
          stderr);
    return 2;
}
