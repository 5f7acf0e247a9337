/* Blocks that count in a budget: what is held is what is reserved, whatever is
 * resized, and what does not fit leaves everything as it was. */
#include "unit.h"

#include <errno.h>
#include <malloc.h>
#include <weir/adapt.h>

WEIR_ADAPT(some);

static uint64_t
used(void)
{
    struct weir_budget_use use;

    ck_assert_int_eq(weir_budget_read(some_budget, &use), WEIR_OK);
    return use.used;
}

START_TEST(without_a_budget_it_is_malloc)
{
    char *text = some_strdup("text");

    ck_assert_str_eq(text, "text");
    text = some_realloc(text, 100000);
    ck_assert_str_eq(text, "text");
    some_free(text);
    some_free(NULL);
}
END_TEST

START_TEST(what_is_held_is_what_is_reserved)
{
    enum { BLOCKS = 64 };
    uint64_t chance = unit_seed("adapted"), held = 0;
    void *block[BLOCKS] = {NULL};

    ck_assert_int_eq(weir_budget_new(&some_budget, "some", NULL, 1 << 20, 0),
                     WEIR_OK);
    for (int i = 0; i < 20000; i++) {
        void **p = &block[unit_below(&chance, BLOCKS)];
        size_t bytes = 1 + unit_below(&chance, 1 << unit_below(&chance, 18));
        held -= malloc_usable_size(*p);
        switch (unit_below(&chance, 3)) {
        case 0:
            some_free(*p);
            *p = NULL;
            break;
        case 1: {
            char first = *p != NULL ? *(char *)*p : 0;
            void *q = some_realloc(*p, bytes);
            if (q != NULL && *p != NULL)
                ck_assert_int_eq(*(char *)q, first);
            *p = q != NULL ? q : *p;
            break;
        }
        default:
            some_free(*p);
            *p = some_calloc(1, bytes);
            if (*p != NULL)
                *(char *)*p = (char)i;
        }
        held += malloc_usable_size(*p);
        ck_assert_uint_eq(used(), held);
    }
    for (int i = 0; i < BLOCKS; i++)
        some_free(block[i]);
    ck_assert_uint_eq(used(), 0);
    weir_budget_free(some_budget);
    some_budget = NULL;
}
END_TEST

START_TEST(what_does_not_fit_is_no_memory)
{
    char *p;

    ck_assert_int_eq(weir_budget_new(&some_budget, "some", NULL, 10000, 0),
                     WEIR_OK);
    ck_assert_ptr_null(some_malloc(10001));
    ck_assert_int_eq(errno, ENOMEM);
    p = some_malloc(4000);
    ck_assert_ptr_nonnull(p);
    strcpy(p, "here");
    ck_assert_ptr_null(some_realloc(p, 20000));
    ck_assert_str_eq(p, "here");
    p = some_realloc(p, 5000); /* although both do not fit with room to spare */
    ck_assert_ptr_nonnull(p);
    ck_assert_str_eq(p, "here");
    ck_assert_ptr_null(some_realloc(p, 0));
    ck_assert_uint_eq(used(), 0);
    weir_budget_free(some_budget);
    some_budget = NULL;
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("adapt");
    TCase *t = tcase_create("all");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, without_a_budget_it_is_malloc);
    tcase_add_test(t, what_is_held_is_what_is_reserved);
    tcase_add_test(t, what_does_not_fit_is_no_memory);
    suite_add_tcase(s, t);
    return unit_main(s);
}
