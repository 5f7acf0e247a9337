/* Callers: for whom a function holds memory. */
#include "analyse/caller.h"

#include "analyse/profile.h"
#include "serve/program.h"

static struct wr_profile *p;
static int64_t value;

static void
setup(void)
{
    p = wr_profile_new();
    wr_profile_add_type(p, "inuse_space", "bytes");
}

static void
teardown(void)
{
    wr_profile_free(p);
}

/* A location with the functions given, innermost first; NULL ends. */
static uint32_t
place(uint64_t address, const char *const *names)
{
    struct wr_line lines[4];
    uint32_t n = 0;
    for (; names[n]; n++) {
        struct wr_function f = {.name = wr_profile_string(p, names[n])};
        lines[n] = (struct wr_line){.function = wr_profile_function(p, &f)};
    }
    return wr_profile_location(p, WR_NONE, address, lines, n);
}

#define AT(address, ...)                                                       \
    place(address, (const char *const[]){__VA_ARGS__, NULL})

static void
sample(int64_t bytes, uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t frames[] = {a, b, c};
    wr_profile_sample(p, frames, 3, &bytes, NULL, 0);
}

START_TEST(the_biggest_caller_is_named_with_its_part)
{
    uint32_t leaf = AT(1, "zmalloc"), main = AT(9, "main");
    sample(10, leaf, AT(2, "small"), main);
    sample(30, leaf, AT(3, "big"), main);
    sample(25, leaf, AT(4, "big"), main);
    sample(40, leaf, AT(5, "middle"), main);
    ck_assert_str_eq(wr_caller_biggest(p, 0, "zmalloc", &value), "big");
    ck_assert_int_eq(value, 55);
}
END_TEST

START_TEST(an_inlined_caller_counts_like_another)
{
    sample(10, AT(1, "zmalloc", "inlined", "outer"), AT(2, "x"), AT(3, "y"));
    ck_assert_str_eq(wr_caller_biggest(p, 0, "zmalloc", &value), "inlined");
}
END_TEST

START_TEST(a_function_that_calls_itself_is_not_its_own_caller)
{
    sample(10, AT(1, "walk"), AT(2, "walk"), AT(3, "main"));
    ck_assert_str_eq(wr_caller_biggest(p, 0, "walk", &value), "main");
}
END_TEST

START_TEST(the_root_and_the_unknown_have_no_caller)
{
    sample(10, AT(1, "a"), AT(2, "b"), AT(3, "main"));
    ck_assert_ptr_null(wr_caller_biggest(p, 0, "main", &value));
    ck_assert_ptr_null(wr_caller_biggest(p, 0, "nobody", &value));
    ck_assert_int_eq(value, 0);
}
END_TEST

START_TEST(what_was_all_given_back_has_no_caller)
{
    sample(0, AT(1, "a"), AT(2, "b"), AT(3, "main"));
    ck_assert_ptr_null(wr_caller_biggest(p, 0, "a", &value));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("caller");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_biggest_caller_is_named_with_its_part);
    tcase_add_test(t, an_inlined_caller_counts_like_another);
    tcase_add_test(t, a_function_that_calls_itself_is_not_its_own_caller);
    tcase_add_test(t, the_root_and_the_unknown_have_no_caller);
    tcase_add_test(t, what_was_all_given_back_has_no_caller);
    return run_case(t, "caller");
}
