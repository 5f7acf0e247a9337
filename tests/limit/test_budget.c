/* Budgets: what fits, what is refused, what threads inside use. */
#include "unit.h"

#include <pthread.h>
#include <weir/budget.h>

#include "limit/budget.h"
#include "limit/start.h"
#include "region/budget.h"
#include "region/counters.h"

static weir_budget *
make(const char *name, weir_budget *parent, uint64_t bytes, unsigned flags)
{
    weir_budget *b;

    ck_assert_int_eq(weir_budget_new(&b, name, parent, bytes, flags), WEIR_OK);
    return b;
}

static struct weir_budget_use
use_of(weir_budget *b)
{
    struct weir_budget_use u;

    ck_assert_int_eq(weir_budget_read(b, &u), WEIR_OK);
    return u;
}

static void
begin(void)
{
    start();
    wr_budget_start();
}

/* ---- by hand ---- */

START_TEST(what_does_not_fit_is_refused_and_changes_nothing)
{
    weir_budget *b = make("b", NULL, 1000, 0);

    ck_assert_int_eq(weir_budget_reserve(b, 600), WEIR_OK);
    ck_assert_int_eq(weir_budget_reserve(b, 401), WEIR_ELIMIT);
    ck_assert_uint_eq(use_of(b).used, 600);
    ck_assert_int_eq(weir_budget_reserve(b, 400), WEIR_OK);
    ck_assert_int_eq(weir_budget_reserve(b, 1), WEIR_ELIMIT);
    weir_budget_release(b, 1);
    ck_assert_int_eq(weir_budget_reserve(b, 1), WEIR_OK);
    ck_assert_int_eq(weir_budget_reserve(b, UINT64_MAX), WEIR_ELIMIT);
    ck_assert_uint_eq(use_of(b).peak, 1000);
    ck_assert_uint_eq(use_of(b).refused, 3);
    ck_assert_uint_eq(wr_count_get(budget_refused), 3);
    weir_budget_free(b);
    weir_budget_free(NULL);
}
END_TEST

START_TEST(a_reservation_counts_all_the_way_up)
{
    weir_budget *root = make("root", NULL, 1000, 0);
    weir_budget *mid = make("mid", root, WEIR_BUDGET_ANY, 0);
    weir_budget *leaf = make("leaf", mid, 800, 0);
    weir_budget *other = make("other", root, 800, 0);

    ck_assert_int_eq(weir_budget_reserve(leaf, 700), WEIR_OK);
    ck_assert_uint_eq(use_of(mid).used, 700);
    ck_assert_uint_eq(use_of(root).used, 700);
    ck_assert_int_eq(weir_budget_reserve(other, 301), WEIR_ELIMIT);
    ck_assert_uint_eq(use_of(other).used, 0);
    ck_assert_uint_eq(use_of(root).refused, 1);
    ck_assert_uint_eq(use_of(other).refused, 0);
    ck_assert_int_eq(weir_budget_reserve(leaf, 101), WEIR_ELIMIT);
    ck_assert_uint_eq(use_of(leaf).refused, 1);
    weir_budget_free(leaf);
    ck_assert_uint_eq(use_of(root).used, 0);
    ck_assert_int_eq(weir_budget_reserve(other, 800), WEIR_OK);
}
END_TEST

START_TEST(a_parents_reservation_is_room_for_its_children)
{
    weir_budget *root = make("root", NULL, 1000, 0);
    weir_budget *pool = make("pool", root, WEIR_BUDGET_ANY, 0);
    weir_budget *child = make("child", pool, WEIR_BUDGET_ANY, 0);

    ck_assert_int_eq(weir_budget_reserve(pool, 600), WEIR_OK);
    ck_assert_int_eq(weir_budget_reserve(child, 500), WEIR_OK);
    ck_assert_uint_eq(use_of(root).used, 600);
    ck_assert_int_eq(weir_budget_reserve(child, 300), WEIR_OK);
    ck_assert_uint_eq(use_of(root).used, 800);
    weir_budget_release(pool, 600);
    ck_assert_uint_eq(use_of(root).used, 800);
    weir_budget_free(pool); /* the child lives on */
    ck_assert_uint_eq(use_of(root).used, 800);
    ck_assert_int_eq(weir_budget_reserve(child, 201), WEIR_ELIMIT);
    weir_budget_free(child);
    ck_assert_uint_eq(use_of(root).used, 0);
}
END_TEST

START_TEST(arguments_that_make_no_sense_are_refused)
{
    weir_budget *b;
    struct weir_budget_use u;

    ck_assert_int_eq(weir_budget_new(NULL, "x", NULL, 1, 0), WEIR_EINVAL);
    ck_assert_int_eq(weir_budget_new(&b, NULL, NULL, 1, 0), WEIR_EINVAL);
    ck_assert_int_eq(weir_budget_new(&b, "x", NULL, 1, 2), WEIR_EINVAL);
    ck_assert_int_eq(weir_budget_read(NULL, &u), WEIR_EINVAL);
    b = make("x", NULL, 1, 0);
    ck_assert_int_eq(weir_budget_read(b, NULL), WEIR_EINVAL);
}
END_TEST

static void
release_too_much(void *b)
{
    weir_budget_release(b, 8);
}

START_TEST(releasing_what_was_not_reserved_stops_the_program)
{
    weir_budget *b = make("uploads", NULL, 100, 0);
    struct unit_end end;

    ck_assert_int_eq(weir_budget_reserve(b, 7), WEIR_OK);
    end = unit_end_of(release_too_much, b);
    ck_assert_int_eq(end.signal, SIGABRT);
    ck_assert_str_eq(end.said, "weir: weir_budget_release of 8 bytes from the "
                               "budget \"uploads\", which has 7 reserved\n");
}
END_TEST

START_TEST(a_refusal_can_be_explained)
{
    weir_budget *root = make("all", NULL, 1000, 0);
    weir_budget *b = make("one", root, WEIR_BUDGET_ANY, 0);
    char text[100], little[8];

    ck_assert_int_eq(weir_budget_reserve(b, 700), WEIR_OK);
    (void)weir_budget_explain(b, 400, text, sizeof text);
    ck_assert_str_eq(text, "400 bytes do not fit into the budget \"one\": "
                           "\"all\" has 300 of 1000 left");
    (void)weir_budget_explain(b, 300, text, sizeof text);
    ck_assert_str_eq(text, "300 bytes fit into the budget \"one\"");
    ck_assert_uint_eq(weir_budget_explain(b, 300, little, sizeof little),
                      strlen(text));
    ck_assert_str_eq(little, "300 byt");
    ck_assert_uint_eq(use_of(root).refused, 0);
}
END_TEST

/* Random trees beside a model that adds up from scratch. */
enum { MODEL = 12 };
static struct {
    weir_budget *b;
    int parent; /* -1: none */
    uint64_t limit, reserved;
} model[MODEL];

static uint64_t
model_use(int i)
{
    uint64_t children = 0;

    for (int k = i + 1; k < MODEL; k++)
        if (model[k].b != NULL && model[k].parent == i)
            children += model_use(k);
    return wr_max(model[i].reserved, children);
}

static bool
model_fits(int i, uint64_t bytes)
{
    bool fits = true;

    for (int k = i; k >= 0; k = model[k].parent) {
        uint64_t before = model_use(k), after;

        model[i].reserved += bytes;
        after = model_use(k);
        model[i].reserved -= bytes;
        fits &= after == before || after <= model[k].limit;
    }
    return fits;
}

START_TEST(budgets_agree_with_a_model)
{
    uint64_t chance = unit_seed("budgets_agree_with_a_model");

    for (int tree = 0; tree < 30; tree++) {
        for (int i = 0; i < MODEL; i++) {
            model[i].parent = (int)unit_below(&chance, (uint64_t)i + 1) - 1;
            model[i].limit = unit_below(&chance, 4) == 0
                                 ? WEIR_BUDGET_ANY
                                 : unit_below(&chance, 2000);
            model[i].reserved = 0;
            model[i].b =
                make("m", model[i].parent < 0 ? NULL : model[model[i].parent].b,
                     model[i].limit, 0);
        }
        for (int step = 0; step < 500; step++) {
            int i = (int)unit_below(&chance, MODEL);
            uint64_t n = unit_below(&chance, 300);

            if (unit_below(&chance, 2)) {
                bool fits = model_fits(i, n);

                if ((weir_budget_reserve(model[i].b, n) == WEIR_OK) != fits)
                    ck_abort_msg("tree %d, step %d", tree, step);
                model[i].reserved += fits ? n : 0;
            } else {
                n = wr_min(n, model[i].reserved);
                weir_budget_release(model[i].b, n);
                model[i].reserved -= n;
            }
            for (int k = 0; k < MODEL; k++)
                if (use_of(model[k].b).used != model_use(k))
                    ck_abort_msg("tree %d, step %d, %d", tree, step, k);
        }
        for (int i = MODEL; i-- > 0;) {
            weir_budget_free(model[i].b);
            model[i].b = NULL;
        }
    }
}
END_TEST

/* ---- by threads ---- */

START_TEST(what_a_thread_allocates_inside_is_counted_exactly)
{
    static const size_t sizes[] = {1, 100, 1000, 5000, 40000, 1000000};
    weir_budget *b, *before;
    uint64_t sum = 0;

    begin();
    b = make("b", NULL, WEIR_BUDGET_ANY, 0);
    wr_free(wr_malloc(100));
    for (size_t i = 0; i < wr_countof(sizes); i++) {
        before = weir_budget_enter(b);
        ck_assert_ptr_null(before);
        for (int k = 0; k < 33; k++)
            sum += wr_usable_size(wr_malloc(sizes[i]));
        weir_budget_leave(before);
        (void)wr_malloc(sizes[i]); /* nobody's */
        ck_assert_uint_eq(use_of(b).allocated, sum);
        ck_assert_uint_eq(use_of(b).held, sum);
    }
    weir_budget_free(b);
}
END_TEST

START_TEST(what_is_freed_inside_is_not_held)
{
    enum { N = 3000 };
    static void *p[N];
    weir_budget *b;

    begin();
    b = make("b", NULL, WEIR_BUDGET_ANY, 0);
    (void)weir_budget_enter(b);
    for (int i = 0; i < N; i++)
        p[i] = wr_malloc(i % 4 == 0 ? 50000 : 200);
    ck_assert_uint_gt(use_of(b).held, N / 4 * 50000);
    for (int i = 0; i < N; i++)
        wr_free(p[i]);
    ck_assert_uint_eq(use_of(b).held, 0);
    ck_assert_uint_gt(use_of(b).allocated, N / 4 * 50000);
    for (int i = 0; i < 100000; i++)
        wr_free(wr_malloc(1000));
    weir_budget_leave(NULL);
    ck_assert_uint_lt(use_of(b).peak, N / 4 * 60000);
    ck_assert_uint_lt(use_of(b).held, 20000);
}
END_TEST

START_TEST(scopes_nest_and_each_counts_its_own)
{
    weir_budget *outer, *inner, *before;
    uint64_t one;

    begin();
    one = wr_usable_size(wr_malloc(1000));
    outer = make("outer", NULL, WEIR_BUDGET_ANY, 0);
    inner = make("inner", outer, WEIR_BUDGET_ANY, 0);
    (void)weir_budget_enter(outer);
    (void)wr_malloc(1000);
    before = weir_budget_enter(inner);
    ck_assert_ptr_eq(before, outer);
    (void)wr_malloc(1000);
    (void)wr_malloc(1000);
    weir_budget_leave(before);
    before = weir_budget_enter(NULL);
    (void)wr_malloc(1000);
    weir_budget_leave(before);
    (void)wr_malloc(1000);
    weir_budget_leave(NULL);
    (void)wr_malloc(1000);
    ck_assert_uint_eq(use_of(inner).held, 2 * one);
    ck_assert_uint_eq(use_of(outer).held, 2 * one);
    ck_assert_uint_eq(use_of(outer).used, 4 * one);
    ck_assert_uint_eq(use_of(outer).allocated, 4 * one);
    weir_budget_free(inner);
    ck_assert_uint_eq(use_of(outer).used, 2 * one);
}
END_TEST

static unsigned
allocate_until_refused(size_t bytes, unsigned most)
{
    unsigned n = 0;

    while (n < most && wr_malloc(bytes) != NULL)
        n++;
    return n;
}

START_TEST(a_cap_refuses_blocks_of_every_size)
{
    static const size_t sizes[] = {64, 3000, 100000};

    begin();
    for (size_t i = 0; i < wr_countof(sizes); i++) {
        weir_budget *all = make("all", NULL, 4 * MIB, WEIR_BUDGET_CAP);
        weir_budget *b = make("b", all, WEIR_BUDGET_ANY, 0);
        unsigned n, full = (unsigned)(4 * MIB / sizes[i]);
        struct weir_budget_use u;

        (void)weir_budget_enter(b);
        n = allocate_until_refused(sizes[i], 2 * full);
        ck_assert_ptr_null(wr_malloc(8 * MIB));
        weir_budget_leave(NULL);
        u = use_of(all);
        ck_assert_uint_le(n, full + 1000);
        ck_assert_uint_ge(n, full * 8 / 10);
        ck_assert_uint_ge(u.refused, 2);
        ck_assert_uint_le(u.peak, 4 * MIB + 128 * WR_KIB);
        weir_budget_free(b);
        weir_budget_free(all);
        ck_assert_ptr_nonnull(wr_malloc(8 * MIB));
    }
}
END_TEST

START_TEST(a_cap_refuses_nothing_while_what_is_freed_makes_room)
{
    void *p[1000];
    weir_budget *b;

    begin();
    b = make("b", NULL, 4 * MIB, WEIR_BUDGET_CAP);
    (void)weir_budget_enter(b);
    for (unsigned round = 0; round < 300; round++) {
        for (size_t i = 0; i < wr_countof(p); i++)
            ck_assert_ptr_nonnull(p[i] = wr_malloc(500 + round % 7 * 500));
        for (size_t i = 0; i < wr_countof(p); i++)
            wr_free(p[i * 7 % wr_countof(p)]);
    }
    weir_budget_leave(NULL);
    ck_assert_uint_eq(use_of(b).refused, 0);
}
END_TEST

START_TEST(without_a_cap_a_budget_passes_its_limit_and_admits_nothing)
{
    weir_budget *b;
    void *p;

    begin();
    b = make("b", NULL, MIB, 0);
    (void)weir_budget_enter(b);
    p = wr_malloc(2 * MIB);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(use_of(b).used, 2 * MIB);
    ck_assert_int_eq(weir_budget_reserve(b, 3 * MIB), WEIR_ELIMIT);
    wr_free(p);
    ck_assert_uint_eq(use_of(b).used, 0);
    ck_assert_int_eq(weir_budget_reserve(b, MIB), WEIR_OK);
    p = wr_malloc(MIB / 2); /* what was reserved for */
    ck_assert_uint_eq(use_of(b).used, MIB);
    weir_budget_leave(NULL);
}
END_TEST

static weir_budget *shared;

static void *
serve_requests(void *arg)
{
    uint64_t chance = (uintptr_t)arg;

    for (int i = 0; i < 3000; i++) {
        weir_budget *one = make("request", shared, MIB, WEIR_BUDGET_CAP);
        uint64_t bytes = unit_below(&chance, MIB);

        if (weir_budget_reserve(one, bytes) == WEIR_OK) {
            weir_budget *before = weir_budget_enter(one);
            void *p = wr_malloc(unit_below(&chance, 2 * MIB)); /* or NULL */
            void *q = wr_malloc(100);

            weir_budget_leave(before);
            wr_free(p);
            wr_free(q);
        }
        weir_budget_free(one);
    }
    if ((uintptr_t)arg % 2 == 0) /* ends inside */
        (void)weir_budget_enter(shared);
    wr_mcache_detach();
    return NULL;
}

START_TEST(many_threads_leave_a_budget_as_it_was)
{
    pthread_t t[4];
    struct weir_budget_use u;

    begin();
    shared = make("all", NULL, 2 * MIB, WEIR_BUDGET_CAP);
    for (uintptr_t i = 0; i < wr_countof(t); i++)
        ck_assert_int_eq(
            pthread_create(&t[i], NULL, serve_requests, (void *)(i + 1)), 0);
    for (size_t i = 0; i < wr_countof(t); i++)
        pthread_join(t[i], NULL);
    u = use_of(shared);
    ck_assert_uint_eq(u.used, 0);
    ck_assert_uint_le(u.peak, 2 * MIB + 4 * 64 * WR_KIB);
    weir_budget_free(shared);
}
END_TEST

/* ---- in the region ---- */

static struct wr_budget_line line[WR_BUDGETS];

static size_t
lines(void)
{
    struct wr_region_view v;
    char why[100];

    ck_assert_int_eq(wr_region_open_self(&v, why, sizeof why), 0);
    return wr_budgets_read(&v, line);
}

START_TEST(readers_see_every_budget_behind_its_parent)
{
    weir_budget *a, *b, *c;

    begin();
    ck_assert_uint_eq(lines(), 0);
    a = make("a", NULL, 1000, 0);
    b = make("a name of more than thirty-nine characters", NULL,
             WEIR_BUDGET_ANY, 0);
    c = make("c", a, 500, 0);
    ck_assert_int_eq(weir_budget_reserve(c, 400), WEIR_OK);
    ck_assert_int_eq(weir_budget_reserve(c, 400), WEIR_ELIMIT);
    ck_assert_uint_eq(lines(), 3);
    ck_assert_str_eq(line[0].name, "a");
    ck_assert_uint_eq(line[0].used, 400);
    ck_assert_uint_eq(line[0].reserved, 0);
    ck_assert_str_eq(line[1].name, "c");
    ck_assert_uint_eq(line[1].depth, 1);
    ck_assert_uint_eq(line[1].limit, 500);
    ck_assert_uint_eq(line[1].reserved, 400);
    ck_assert_uint_eq(line[1].refused, 1);
    ck_assert_uint_eq(line[2].limit, UINT64_MAX);
    ck_assert_str_eq(line[2].name, "a name of more than thirty-nine charact");
    weir_budget_free(a);
    ck_assert_uint_eq(lines(), 3); /* for its child */
    weir_budget_free(c);
    ck_assert_uint_eq(lines(), 1);
    weir_budget_free(b);
    ck_assert_uint_eq(lines(), 0);
}
END_TEST

START_TEST(there_may_be_more_budgets_than_slots)
{
    static weir_budget *many[WR_BUDGETS + 50];

    begin();
    for (size_t i = 0; i < wr_countof(many); i++)
        many[i] = make("x", i == 0 ? NULL : many[i / 2], 10, 0);
    ck_assert_uint_eq(lines(), WR_BUDGETS);
    for (size_t i = wr_countof(many); i-- > 0;)
        weir_budget_free(many[i]);
    ck_assert_uint_eq(lines(), 0);
    many[0] = make("again", NULL, 10, 0);
    ck_assert_uint_eq(lines(), 1);
    ck_assert_str_eq(line[0].name, "again");
}
END_TEST

START_TEST(a_forked_child_counts_for_itself)
{
    weir_budget *b;
    int status;
    pid_t pid;

    begin();
    b = make("b", NULL, 1000, 0);
    ck_assert_int_eq(weir_budget_reserve(b, 600), WEIR_OK);
    wr_budget_fork_before();
    wr_region_fork_before();
    pid = fork();
    wr_budget_fork_after();
    if (pid == 0) {
        struct weir_budget_use u;

        (void)wr_region_fork_child();
        wr_background_fork_child();
        if (weir_budget_reserve(b, 400) != WEIR_OK ||
            weir_budget_read(b, &u) != WEIR_OK || u.used != 1000)
            _exit(1);
        if (!wr_region_own())
            _exit(2);
        weir_budget_release(b, 100);
        _exit(lines() == 1 && line[0].used == 900 ? 0 : 3);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(use_of(b).used, 600);
    ck_assert_uint_eq(lines(), 1);
    ck_assert_uint_eq(line[0].used, 600);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("limit/budget");
    TCase *t = tcase_create("budget");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, what_does_not_fit_is_refused_and_changes_nothing);
    tcase_add_test(t, a_reservation_counts_all_the_way_up);
    tcase_add_test(t, a_parents_reservation_is_room_for_its_children);
    tcase_add_test(t, arguments_that_make_no_sense_are_refused);
    tcase_add_test(t, releasing_what_was_not_reserved_stops_the_program);
    tcase_add_test(t, a_refusal_can_be_explained);
    tcase_add_test(t, budgets_agree_with_a_model);
    tcase_add_test(t, what_a_thread_allocates_inside_is_counted_exactly);
    tcase_add_test(t, what_is_freed_inside_is_not_held);
    tcase_add_test(t, scopes_nest_and_each_counts_its_own);
    tcase_add_test(t, a_cap_refuses_blocks_of_every_size);
    tcase_add_test(t, a_cap_refuses_nothing_while_what_is_freed_makes_room);
    tcase_add_test(t,
                   without_a_cap_a_budget_passes_its_limit_and_admits_nothing);
    tcase_add_test(t, many_threads_leave_a_budget_as_it_was);
    tcase_add_test(t, readers_see_every_budget_behind_its_parent);
    tcase_add_test(t, there_may_be_more_budgets_than_slots);
    tcase_add_test(t, a_forked_child_counts_for_itself);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    if (UNIT_TSAN) {
        unit_skip("Weir's own thread cannot run under TSan");
        return 77;
    }
    return unit_main(suite());
}
