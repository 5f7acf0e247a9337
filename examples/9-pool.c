/* 9: expensive objects, used again.
 *
 *     $ cc 9-pool.c $(pkg-config --cflags --libs weir weir-bench)
 *
 * Each request needs a large buffer for a moment. Made anew and freed it costs
 * an allocation each time; from a pool it costs none, and what idles there goes
 * by itself when memory gets scarce.
 */
#include <string.h>
#include "compare.h"

enum { BYTES = 64 << 10 };

static void
handle(char *room)
{
    memset(room, 'x', 512);
    weir_bench_keep(room);
}

static void
wrong(weir_bench *b, void *arg)
{
    (void)arg;
    while (weir_bench_loop(b)) {
        char *room = malloc(BYTES);
        if (room == NULL)
            weir_bench_fail(b, "no memory");
        else
            handle(room);
        free(room);
    }
}

static void
right(weir_bench *b, void *pool)
{
    while (weir_bench_loop(b)) {
        char *room = weir_pool_get(pool);
        if (room == NULL)
            weir_bench_fail(b, "no memory");
        else
            handle(room);
        weir_pool_put(pool, room);
    }
}

static void *
make(void *arg)
{
    (void)arg;
    return malloc(BYTES);
}

static void
destroy(void *room, void *arg)
{
    (void)arg;
    free(room);
}

int
main(void)
{
    weir_pool *rooms;
    struct weir_pool_stats stats;
    struct weir_bench_result w, r;

    if (weir_pool_new(&rooms, &(struct weir_pool_options){
                                  .make = make, .destroy = destroy}) != WEIR_OK)
        return 1;
    w = compare("wrong: malloc and free", wrong, NULL);
    r = compare("right: a pool", right, rooms);
    weir_pool_read(rooms, &stats);
    printf("the pool made %llu\n", (unsigned long long)stats.misses);
    weir_pool_free(rooms);
    return lesson(r.allocs_per_op == 0 && r.bytes_per_op == 0 &&
                  w.allocs_per_op == 1 && stats.misses < 10);
}
