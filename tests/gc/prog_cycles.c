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
        while (weir_gc_collect() != WEIR_OK)
            ; /* a thread did not get its turn to stand still in time */
    return 0;
}
