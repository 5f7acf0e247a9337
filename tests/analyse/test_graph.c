/* Graphs: nodes, edges, and what is left out of them. */
#include "analyse/graph.h"
#include "analyse/maker.h"

static struct wr_profile *p;
static struct wr_graph g;
static struct wr_graph_options o;

static void
setup(void)
{
    p = maker_heap();
    o = (struct wr_graph_options){.type = 3, .edges = true};
    g = (struct wr_graph){.nodes = NULL};
}

static void
teardown(void)
{
    wr_graph_fini(&g);
    wr_profile_free(p);
}

static void
make(void)
{
    wr_graph_fini(&g);
    ck_assert_int_eq(wr_graph_make(&g, p, &o), 0);
}

static const struct wr_node *
node(const char *label)
{
    for (uint32_t i = 0; i < g.count; i++)
        if (strcmp(g.nodes[i].label, label) == 0)
            return &g.nodes[i];
    return NULL;
}

static const struct wr_edge *
edge(const char *from, const char *to)
{
    for (uint32_t i = 0; i < g.edge_count; i++)
        if (strcmp(g.nodes[g.edges[i].from].label, from) == 0 &&
            strcmp(g.nodes[g.edges[i].to].label, to) == 0)
            return &g.edges[i];
    return NULL;
}

/* Labels in order. */
static const char *
labels(void)
{
    static char text[400];
    text[0] = '\0';
    for (uint32_t i = 0; i < g.count; i++) {
        strcat(text, i ? " " : "");
        strcat(text, g.nodes[i].label);
    }
    return text;
}

/* --- Nodes and edges ---------------------------------------------------- */

START_TEST(an_edge_has_what_went_through_the_call)
{
    maker_sample(p, STACK("leaf", "a", "main"), 1, 100);
    maker_sample(p, STACK("leaf", "b", "main"), 1, 20);
    maker_sample(p, STACK("a", "main"), 1, 3);
    make();
    ck_assert_int_eq(edge("main", "a")->weight, 103);
    ck_assert_int_eq(edge("a", "leaf")->weight, 100);
    ck_assert_int_eq(edge("b", "leaf")->weight, 20);
    ck_assert_ptr_null(edge("main", "leaf"));
    ck_assert_uint_eq(g.edge_count, 4);
}
END_TEST

START_TEST(a_nodes_lists_of_edges_are_biggest_first)
{
    maker_sample(p, STACK("leaf", "a"), 1, 20);
    maker_sample(p, STACK("leaf", "b"), 1, 100);
    maker_sample(p, STACK("leaf", "c"), -1, -50);
    make();
    const struct wr_node *leaf = node("leaf");
    ck_assert_uint_eq(leaf->in_count, 3);
    ck_assert_uint_eq(leaf->out_count, 0);
    const char *order[] = {"b", "c", "a"};
    for (uint32_t i = 0; i < 3; i++) {
        const struct wr_edge *e = &g.edges[g.in[leaf->first_in + i]];
        ck_assert_str_eq(g.nodes[e->from].label, order[i]);
    }
}
END_TEST

START_TEST(recursion_counts_once_and_has_no_edge_to_itself)
{
    maker_sample(p, STACK("f", "f", "g", "f", "g"), 1, 10);
    make();
    ck_assert_int_eq(node("f")->cum, 10);
    ck_assert_int_eq(node("f")->flat, 10);
    ck_assert_ptr_null(edge("f", "f"));
    ck_assert_int_eq(edge("g", "f")->weight, 10);
    ck_assert_int_eq(edge("f", "g")->weight, 10);
}
END_TEST

START_TEST(edges_tell_what_was_inlined_everywhere)
{
    uint32_t frame = maker_location(p, STACK("inner", "outer"));
    int64_t values[4] = {1, 7, 1, 7};
    wr_profile_sample(p, &frame, 1, values, NULL, 0);
    o.edges = false; /* inlining alone wants them */
    make();
    ck_assert(edge("outer", "inner")->inlined);
    maker_sample(p, STACK("inner", "outer"), 1, 5);
    make();
    ck_assert(!edge("outer", "inner")->inlined);
    ck_assert_int_eq(edge("outer", "inner")->weight, 12);
}
END_TEST

START_TEST(without_inlines_the_caller_has_it)
{
    uint32_t frame = maker_location(p, STACK("inner", "outer"));
    int64_t values[4] = {1, 7, 1, 7};
    wr_profile_sample(p, &frame, 1, values, NULL, 0);
    o.no_inlines = true;
    make();
    ck_assert_str_eq(labels(), "outer");
    ck_assert_int_eq(node("outer")->flat, 7);
}
END_TEST

START_TEST(equal_values_are_in_the_order_of_names)
{
    maker_sample(p, STACK("b"), 1, 10);
    maker_sample(p, STACK("a"), -1, -10);
    maker_sample(p, STACK("c", "z"), 1, 20);
    make();
    ck_assert_str_eq(labels(), "c a b z");
    o.cum = true;
    make();
    ck_assert_str_eq(labels(), "c z a b");
}
END_TEST

/* --- What is left out --------------------------------------------------- */

static void
make_chain(void)
{
    maker_sample(p, STACK("big", "thin", "main"), 1, 1000);
    maker_sample(p, STACK("small", "main"), 1, 9);
    make();
}

START_TEST(small_nodes_are_left_out_by_cum)
{
    o.node_fraction = 0.01;
    make_chain();
    ck_assert_str_eq(labels(), "big main thin");
    ck_assert_uint_eq(g.small, 1);
    ck_assert_uint_eq(g.eligible, 3);
    ck_assert_ptr_null(edge("main", "small"));
}
END_TEST

START_TEST(edges_lead_over_nodes_that_are_left_out)
{
    o.node_count = 2; /* big, small */
    make_chain();
    ck_assert_str_eq(labels(), "big small");
    ck_assert_uint_eq(g.edge_count, 0);
    o.cum = true; /* main, big */
    make();
    ck_assert_str_eq(labels(), "main big");
    ck_assert_int_eq(edge("main", "big")->weight, 1000);
    ck_assert_uint_eq(g.eligible, 4);
}
END_TEST

START_TEST(small_edges_are_left_out)
{
    o.edge_fraction = 0.5;
    make_chain();
    ck_assert_uint_eq(g.count, 4);
    ck_assert_uint_eq(g.edge_count, 2);
    ck_assert_ptr_null(edge("main", "small"));
}
END_TEST

START_TEST(what_cancels_out_is_no_node_but_edges_end_at_it)
{
    maker_sample(p, STACK("leaf", "a"), 1, 10);
    maker_sample(p, STACK("leaf", "b"), -1, -10);
    make();
    ck_assert_str_eq(labels(), "a b");
    ck_assert_int_eq(edge("a", "leaf")->weight, 10);
    ck_assert_int_eq(edge("b", "leaf")->weight, -10);
}
END_TEST

START_TEST(what_shrank_is_left_out_when_asked)
{
    maker_sample(p, STACK("less", "main"), -1, -10);
    maker_sample(p, STACK("more", "main"), 1, 4);
    o.drop_negative = true;
    make();
    ck_assert_str_eq(labels(), "more");
}
END_TEST

/* --- Granularity -------------------------------------------------------- */

static uint32_t
function(const char *name, const char *file, int64_t start)
{
    struct wr_function f = {.name = wr_profile_string(p, name),
                            .file = wr_profile_string(p, file),
                            .start_line = start};
    return wr_profile_function(p, &f);
}

static void
add_line(uint32_t function_, int64_t line, uint64_t address, int64_t bytes)
{
    uint32_t m = maker_mapping_at(p, MAKER_START, "/bin/prog", "ab");
    struct wr_line l = {function_, line, 0};
    uint32_t frame = wr_profile_location(p, m, address, &l, 1);
    int64_t values[4] = {1, bytes, 1, bytes};
    wr_profile_sample(p, &frame, 1, values, NULL, 0);
}

static const struct {
    enum wr_granularity by;
    const char *labels;
} granularities[] = {
    {WR_BY_FUNCTIONS, "f g [prog]"},
    {WR_BY_FILEFUNCTIONS, "f src/a.c g src/a.c f src/b.c [prog]"},
    {WR_BY_FILES, "src/a.c src/b.c [prog]"},
    {WR_BY_LINES, "f src/a.c:12 g src/a.c:22 f src/a.c:11 f src/b.c:5 [prog]"},
    {WR_BY_ADDRESSES,
     "0000000000400020 f src/a.c:12 0000000000400030 g src/a.c:22 "
     "0000000000400010 f src/a.c:11 0000000000400040 f src/b.c:5 "
     "0000000000400050 [prog]"},
};

START_TEST(the_granularity_says_what_a_node_is)
{
    uint32_t f = function("f", "src/./a.c", 10);
    add_line(f, 11, 0x400010, 200);
    add_line(f, 12, 0x400020, 1000);
    add_line(function("g", "src/a.c", 10), 22, 0x400030, 500);
    add_line(function("f", "src/b.c", 1), 5, 0x400040, 100);
    uint32_t bare = wr_profile_location(p, 0, 0x400050, NULL, 0);
    wr_profile_sample(p, &bare, 1, (int64_t[]){1, 5, 1, 5}, NULL, 0);
    o.granularity = granularities[_i].by;
    make();
    ck_assert_str_eq(labels(), granularities[_i].labels);
}
END_TEST

START_TEST(names_of_two_objects_are_two_nodes_when_asked)
{
    maker_sample(p, STACK("f"), 1, 10);
    uint32_t m = maker_mapping_at(p, 0x900000, "/lib/x.so", "");
    struct wr_line l = {maker_function(p, "f"), 3, 0};
    uint32_t frame = wr_profile_location(p, m, 0x900010, &l, 1);
    wr_profile_sample(p, &frame, 1, (int64_t[]){1, 5, 1, 5}, NULL, 0);
    make();
    ck_assert_str_eq(labels(), "f");
    o.by_object = true;
    make();
    ck_assert_str_eq(labels(), "f f");
}
END_TEST

START_TEST(a_type_that_is_not_there_is_refused)
{
    o.type = 4;
    ck_assert_int_eq(wr_graph_make(&g, p, &o), -1);
}
END_TEST

START_TEST(the_balance_of_random_profiles_is_right)
{
    uint64_t state = unit_seed("graph") + (uint64_t)_i;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    int64_t sum = 0, flat = 0;
    for (int i = 0; i < 200; i++) {
        const char *stack[8] = {NULL};
        size_t depth = 1 + unit_below(&state, 6);
        for (size_t n = 0; n < depth; n++)
            stack[n] = names[unit_below(&state, 6)];
        int64_t bytes = (int64_t)unit_below(&state, 1000);
        maker_sample(p, stack, 1, bytes);
        sum += bytes;
    }
    make();
    for (uint32_t i = 0; i < g.count; i++) {
        const struct wr_node *n = &g.nodes[i];
        int64_t most = 0;
        flat += n->flat;
        ck_assert_int_le(n->flat, n->cum);
        ck_assert_int_le(n->cum, sum);
        for (uint32_t k = 0; k < n->out_count; k++)
            if (g.edges[g.out[n->first_out + k]].weight > most)
                most = g.edges[g.out[n->first_out + k]].weight;
        ck_assert_int_le(most, n->cum);
    }
    ck_assert_int_eq(flat, sum);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/graph");
    TCase *tests = tcase_create("graph");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, an_edge_has_what_went_through_the_call);
    tcase_add_test(tests, a_nodes_lists_of_edges_are_biggest_first);
    tcase_add_test(tests, recursion_counts_once_and_has_no_edge_to_itself);
    tcase_add_test(tests, edges_tell_what_was_inlined_everywhere);
    tcase_add_test(tests, without_inlines_the_caller_has_it);
    tcase_add_test(tests, equal_values_are_in_the_order_of_names);
    tcase_add_test(tests, small_nodes_are_left_out_by_cum);
    tcase_add_test(tests, edges_lead_over_nodes_that_are_left_out);
    tcase_add_test(tests, small_edges_are_left_out);
    tcase_add_test(tests, what_cancels_out_is_no_node_but_edges_end_at_it);
    tcase_add_test(tests, what_shrank_is_left_out_when_asked);
    tcase_add_loop_test(tests, the_granularity_says_what_a_node_is, 0,
                        sizeof granularities / sizeof *granularities);
    tcase_add_test(tests, names_of_two_objects_are_two_nodes_when_asked);
    tcase_add_test(tests, a_type_that_is_not_there_is_refused);
    tcase_add_loop_test(tests, the_balance_of_random_profiles_is_right, 0, 10);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
