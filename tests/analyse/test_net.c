/* Shortest paths and dominators, beside ways to find them that are slow and
 * plain. */
#include "unit.h"

#include <stdbool.h>
#include "analyse/net.h"

enum { MOST = 60 };

/* A graph as a table. */
struct plain {
    unsigned nodes, roots;
    bool edge[MOST][MOST];
    uint32_t root[MOST];
    uint8_t rank[MOST];
};

static void
make_net(struct wr_net *net, const struct plain *g)
{
    unsigned edges = 0;

    for (unsigned i = 0; i < g->nodes; i++)
        for (unsigned k = 0; k < g->nodes; k++)
            edges += g->edge[i][k];
    ck_assert_int_eq(wr_net_init(net, g->nodes, edges), 0);
    for (unsigned i = 0; i < g->nodes; i++) {
        for (unsigned k = 0; k < g->nodes; k++)
            if (g->edge[i][k])
                wr_net_point(net, k);
        wr_net_next(net);
    }
}

static void
make_graph(struct plain *g, uint64_t *chance, unsigned density)
{
    memset(g, 0, sizeof *g);
    g->nodes = 2 + (unsigned)unit_below(chance, MOST - 2);
    for (unsigned n = g->nodes * density / 2; n > 0; n--)
        g->edge[unit_below(chance, g->nodes)][unit_below(chance, g->nodes)] =
            true;
    g->roots = 1 + (unsigned)unit_below(chance, g->nodes < 5 ? g->nodes : 5);
    for (unsigned i = 0; i < g->roots; i++) {
        g->root[i] = i * g->nodes / g->roots;
        g->rank[i] = (uint8_t)(i / 2);
    }
}

/* Which nodes do the roots lead to when one node is not there? */
static void
reach(const struct plain *g, unsigned without, unsigned roots, bool *reached)
{
    bool more = true;

    memset(reached, 0, MOST * sizeof *reached);
    for (unsigned i = 0; i < roots; i++)
        reached[g->root[i]] = g->root[i] != without;
    while (more) {
        more = false;
        for (unsigned i = 0; i < g->nodes; i++)
            for (unsigned k = 0; k < g->nodes; k++)
                if (reached[i] && g->edge[i][k] && !reached[k] &&
                    k != without) {
                    reached[k] = true;
                    more = true;
                }
    }
}

static bool
is_above(const struct wr_tree *t, uint32_t above, uint32_t node)
{
    while (node != WR_NET_NONE && node != above)
        node = t->parent[node];
    return node == above;
}

/* a is above b exactly if without a nobody reaches b. */
static void
check_dominators(const struct plain *g)
{
    bool all[MOST], some[MOST];
    struct wr_net net;
    struct wr_tree t;

    make_net(&net, g);
    ck_assert_int_eq(wr_net_dominators(&t, &net, g->root, g->roots), 0);
    reach(g, MOST, g->roots, all);
    for (unsigned a = 0; a < g->nodes; a++) {
        reach(g, a, g->roots, some);
        ck_assert_int_eq(t.parent[a] != WR_NET_NONE, all[a]);
        for (unsigned b = 0; b < g->nodes; b++)
            if (all[b] && is_above(&t, a, b) != (a == b || !some[b]))
                ck_abort_msg("node %u above %u of %u", a, b, g->nodes);
    }
    wr_tree_fini(&t);
    wr_net_fini(&net);
}

START_TEST(a_node_dominates_what_nobody_reaches_without_it)
{
    uint64_t chance = unit_seed("dominators");
    struct plain g;

    for (unsigned round = 0; round < 3000; round++) {
        make_graph(&g, &chance, 1 + round % 8);
        check_dominators(&g);
    }
}
END_TEST

/* By node: pointers from the nearest root of the lowest rank that leads there;
 * no path is as long as MOST. */
static void
distances(const struct plain *g, unsigned *distance)
{
    for (unsigned i = 0; i < g->nodes; i++)
        distance[i] = MOST;
    for (unsigned rank = 0; rank <= g->rank[g->roots - 1]; rank++) {
        bool before[MOST], more = true;

        for (unsigned i = 0; i < g->nodes; i++)
            before[i] = distance[i] < MOST;
        for (unsigned i = 0; i < g->roots; i++)
            if (g->rank[i] == rank && !before[g->root[i]])
                distance[g->root[i]] = 0;
        while (more) {
            more = false;
            for (unsigned i = 0; i < g->nodes; i++)
                for (unsigned k = 0; k < g->nodes; k++)
                    if (g->edge[i][k] && !before[i] && !before[k] &&
                        distance[i] + 1 < distance[k]) {
                        distance[k] = distance[i] + 1;
                        more = true;
                    }
        }
    }
}

static unsigned
length_of(const struct wr_tree *t, uint32_t node)
{
    unsigned n = 0;

    if (t->parent[node] == WR_NET_NONE)
        return MOST;
    for (; t->parent[node] != t->top; n++)
        node = t->parent[node];
    return n;
}

START_TEST(a_path_is_the_shortest_from_the_roots_that_come_first)
{
    uint64_t chance = unit_seed("paths");
    unsigned distance[MOST];
    struct plain g;

    for (unsigned round = 0; round < 3000; round++) {
        struct wr_net net;
        struct wr_tree t;

        make_graph(&g, &chance, 1 + round % 8);
        make_net(&net, &g);
        ck_assert_int_eq(wr_net_paths(&t, &net, g.root, g.rank, g.roots), 0);
        distances(&g, distance);
        for (unsigned i = 0; i < g.nodes; i++)
            ck_assert_msg(length_of(&t, i) == distance[i],
                          "node %u: %u and not %u", i, length_of(&t, i),
                          distance[i]);
        wr_tree_fini(&t);
        wr_net_fini(&net);
    }
}
END_TEST

static void
check_order(const struct wr_tree *t, unsigned nodes)
{
    bool seen[MOST + 1] = {false};
    unsigned in_tree = 1;

    for (unsigned i = 0; i < nodes; i++)
        in_tree += t->parent[i] != WR_NET_NONE;
    ck_assert_uint_eq(t->count, in_tree);
    ck_assert_uint_eq(t->order[0], t->top);
    seen[t->top] = true;
    for (uint32_t i = 1; i < t->count; i++) {
        ck_assert(seen[t->parent[t->order[i]]] && !seen[t->order[i]]);
        seen[t->order[i]] = true;
    }
}

START_TEST(in_a_tree_every_node_comes_behind_its_parent)
{
    uint64_t chance = unit_seed("order");
    struct plain g;

    for (unsigned round = 0; round < 300; round++) {
        struct wr_net net;
        struct wr_tree t;

        make_graph(&g, &chance, 1 + round % 8);
        make_net(&net, &g);
        ck_assert_int_eq(wr_net_paths(&t, &net, g.root, NULL, g.roots), 0);
        check_order(&t, g.nodes);
        wr_tree_fini(&t);
        ck_assert_int_eq(wr_net_dominators(&t, &net, g.root, g.roots), 0);
        check_order(&t, g.nodes);
        wr_tree_fini(&t);
        wr_net_fini(&net);
    }
}
END_TEST

START_TEST(a_diamond_hangs_off_its_top_and_sums_go_up)
{
    static const uint32_t root = 0;
    struct plain g = {.nodes = 5};
    struct wr_net net;
    struct wr_tree t;

    g.edge[0][1] = g.edge[0][2] = g.edge[1][3] = g.edge[2][3] = true;
    make_net(&net, &g); /* 4 is reached by nobody */
    ck_assert_int_eq(wr_net_dominators(&t, &net, &root, 1), 0);
    ck_assert_uint_eq(t.parent[0], t.top);
    ck_assert_uint_eq(t.parent[1], 0);
    ck_assert_uint_eq(t.parent[2], 0);
    ck_assert_uint_eq(t.parent[3], 0);
    ck_assert_uint_eq(t.parent[4], WR_NET_NONE);
    uint64_t value[6] = {1, 10, 100, 1000, 10000, 0};
    wr_tree_sum(&t, value);
    ck_assert_uint_eq(value[0], 1111);
    ck_assert_uint_eq(value[1], 10);
    ck_assert_uint_eq(value[t.top], 1111);
    wr_tree_fini(&t);
    wr_net_fini(&net);
}
END_TEST

START_TEST(a_list_of_a_million_takes_no_stack)
{
    enum { LONG = 1000000 };
    static const uint32_t root = 0;
    struct wr_net net;
    struct wr_tree t;

    ck_assert_int_eq(wr_net_init(&net, LONG, 2 * LONG), 0);
    for (uint32_t i = 0; i < LONG; i++) {
        if (i + 1 < LONG)
            wr_net_point(&net, i + 1);
        if (i > 0)
            wr_net_point(&net, i - 1);
        wr_net_next(&net);
    }
    ck_assert_int_eq(wr_net_dominators(&t, &net, &root, 1), 0);
    for (uint32_t i = 1; i < LONG; i++)
        if (t.parent[i] != i - 1)
            ck_abort_msg("%u hangs off %u", i, t.parent[i]);
    wr_tree_fini(&t);
    wr_net_fini(&net);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("net");
    TCase *t = tcase_create("net");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_node_dominates_what_nobody_reaches_without_it);
    tcase_add_test(t, a_path_is_the_shortest_from_the_roots_that_come_first);
    tcase_add_test(t, in_a_tree_every_node_comes_behind_its_parent);
    tcase_add_test(t, a_diamond_hangs_off_its_top_and_sums_go_up);
    tcase_add_test(t, a_list_of_a_million_takes_no_stack);
    suite_add_tcase(s, t);
    return unit_main(s);
}
