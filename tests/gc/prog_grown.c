/* A heap of 64 MB that grew while no cycle was allowed, then the first one. */
#include <weir/gc.h>

struct cell {
    struct cell *next;
    char rest[56];
};

static struct cell *list;

int
main(void)
{
    weir_gc_disable();
    for (int i = 0; i < 1000000; i++) {
        struct cell *c = weir_gc_alloc(sizeof *c);

        if (c == 0)
            return 1;
        c->next = list;
        list = c;
    }
    weir_gc_enable();
    while (weir_gc_collect() != WEIR_OK)
        ; /* a thread did not get its turn to stand still in time */
    return 0;
}
