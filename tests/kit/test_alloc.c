/* Allocators: malloc's, and one that reserves in a budget. */
#include "unit.h"

#include <malloc.h>
#include <weir/alloc.h>
#include <weir/budget.h>

START_TEST(without_an_allocator_it_is_malloc)
{
    char *p = weir_alloc_resize(NULL, NULL, 0, 100);

    ck_assert_ptr_nonnull(p);
    memset(p, 7, 100);
    p = weir_alloc_resize(NULL, p, 100, 100000);
    ck_assert_int_eq(p[99], 7);
    ck_assert_uint_ge(malloc_usable_size(p), 100000);
    ck_assert_ptr_null(weir_alloc_resize(NULL, p, 100000, 0));
    ck_assert_ptr_null(weir_alloc_resize(NULL, NULL, 0, 0));
    free(weir_alloc_resize(NULL, NULL, 0, 10));
}
END_TEST

static uint64_t
used_of(weir_budget *b)
{
    struct weir_budget_use use;

    ck_assert_int_eq(weir_budget_read(b, &use), WEIR_OK);
    return use.used;
}

START_TEST(a_budgets_allocator_reserves_what_is_held_and_no_more)
{
    weir_budget *b;
    weir_alloc a;
    void *p, *q;

    ck_assert_int_eq(weir_budget_new(&b, "kit", NULL, 1000, 0), WEIR_OK);
    ck_assert_int_eq(weir_alloc_budget(&a, b), WEIR_OK);
    ck_assert_int_eq(weir_alloc_budget(NULL, b), WEIR_EINVAL);
    ck_assert_int_eq(weir_alloc_budget(&a, NULL), WEIR_EINVAL);
    p = weir_alloc_resize(&a, NULL, 0, 600);
    ck_assert_uint_eq(used_of(b), 600);
    ck_assert_ptr_null(weir_alloc_resize(&a, NULL, 0, 401));
    ck_assert_uint_eq(used_of(b), 600);
    ck_assert_ptr_null(weir_alloc_resize(&a, p, 600, 1001));
    q = weir_alloc_resize(&a, p, 600, 1000);
    ck_assert_ptr_nonnull(q);
    ck_assert_uint_eq(used_of(b), 1000);
    q = weir_alloc_resize(&a, q, 1000, 10);
    ck_assert_uint_eq(used_of(b), 10);
    weir_alloc_resize(&a, q, 10, 0);
    ck_assert_uint_eq(used_of(b), 0);
    weir_budget_free(b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("kit/alloc");
    TCase *c = tcase_create("alloc");

    tcase_add_test(c, without_an_allocator_it_is_malloc);
    tcase_add_test(c, a_budgets_allocator_reserves_what_is_held_and_no_more);
    suite_add_tcase(s, c);
    return unit_main(s);
}
