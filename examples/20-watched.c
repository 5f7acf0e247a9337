/* 20: a program that is seen at work.
 *
 *     $ cc 20-watched.c $(pkg-config --cflags --libs weir)
 *     $ weir run --http 127.0.0.1:6060 -- ./a.out 60
 *     $ weir pools                        hits and misses of pools and caches
 *     $ weir watch --once                 cycles and pauses of the collector
 *
 * Requests are parsed by parsers from a pool, answered from a cache, and leave
 * trees behind that nobody frees. What became of all that stands in the
 * program's region: on the page, in /metrics, and in `weir report` when it was
 * killed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <weir/weir.h>

enum { PARSERS = 8, PAGES = 150, KEPT = 100, DEPTH = 10 };

struct tree {
    struct tree *left, *right;
};

static weir_pool *parsers;
static weir_lru *pages;
struct tree *recent[64]; /* the last answers */

static void *
parser_new(void *unused)
{
    (void)unused;
    return malloc(4096);
}

static void
parser_free(void *parser, void *unused)
{
    (void)unused;
    free(parser);
}

static struct tree *
tree_of(int depth)
{
    struct tree *t = weir_new(struct tree);

    if (t != NULL && depth > 0) {
        t->left = tree_of(depth - 1);
        t->right = tree_of(depth - 1);
    }
    return t;
}

/* Half of them want what was wanted before. */
static void
look_up(unsigned request)
{
    unsigned page = request % 2 != 0 ? request % PAGES : request % 20;
    weir_lru_item *item = weir_lru_get(pages, &page, sizeof page);

    if (item == NULL)
        item = weir_lru_put(pages, &page, sizeof page, NULL, 900);
    weir_lru_release(pages, item);
}

static void
handle(unsigned request)
{
    void *parser[PARSERS];

    for (int i = 0; i < PARSERS; i++)
        parser[i] = weir_pool_get(parsers);
    look_up(request);
    recent[request % 64] = tree_of(DEPTH);
    for (int i = 0; i < PARSERS; i++)
        weir_pool_put(parsers, parser[i]);
}

int
main(int argc, char **argv)
{
    unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 0, requests = 3000;

    if (weir_pool_new(&parsers,
                      &(struct weir_pool_options){.make = parser_new,
                                                  .destroy = parser_free,
                                                  .name = "parsers"}) !=
            WEIR_OK ||
        weir_lru_new(&pages, &(struct weir_lru_options){
                                 .items = KEPT, .name = "pages"}) != WEIR_OK)
        return 1;
    for (unsigned i = 0; i < requests; i++)
        handle(i);
    printf("%u requests\n", requests);
    fflush(stdout);
    for (unsigned i = 0; i < 100 * seconds; i++) {
        handle(requests + i);
        usleep(10000);
    }
    weir_lru_free(pages);
    weir_pool_free(parsers);
    return 0;
}
