/* Cycles for the test of their lines: some by growth, two that are asked for.
 * The same as cycles.go. */
#include <weir/gc.h>

static void *_Atomic last;

int
main(void)
{
    for (int i = 0; i < 100000; i++)
        last = weir_gc_alloc(1024);
    for (int i = 0; i < 2; i++)
        if (weir_gc_collect() != WEIR_OK)
            return 1;
    return 0;
}
