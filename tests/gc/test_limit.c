/* The memory limit and the collector. */
#include "gc/start.h"

#include "limit/limit.h"

#define MIB ((size_t)1 << 20)

static void
start_with_limit(void)
{
    start_with(&(struct wr_gc_options){.percent = -1});
    wr_limit_start();
}

static void
allocate(size_t bytes, size_t each)
{
    for (size_t i = 0; i < bytes / each; i++)
        ck_assert_ptr_nonnull(weir_gc_alloc(each));
}

START_TEST(without_a_limit_and_a_percentage_nothing_begins)
{
    allocate(100 * MIB, 1000);
    ck_assert_uint_eq(state().cycles, 0);
    ck_assert_uint_eq(state().next_bytes, 0);
}
END_TEST

START_TEST(a_limit_begins_cycles_alone)
{
    static const size_t each[] = {1000, 300000};

    ck_assert(wr_limit_set(64 * MIB, false));
    ck_assert_uint_gt(state().next_bytes, 0);
    ck_assert_uint_lt(state().next_bytes, 64 * MIB);
    allocate(640 * MIB, each[_i]);
    ck_assert_uint_ge(state().cycles, 9);
    ck_assert_uint_eq(state().forced, 0);
    ck_assert(wr_limit_set(UINT64_MAX, false));
    ck_assert_uint_eq(state().next_bytes, 0);
}
END_TEST

static void *kept[1024];

/* It would be in a cycle at every step: the limit is passed instead. */
START_TEST(a_limit_that_leaves_no_room_does_not_stop_the_program)
{
    for (size_t i = 0; i < wr_countof(kept); i++)
        kept[i] = weir_gc_alloc(48 << 10);
    ck_assert(wr_limit_set(16 * MIB, false));
    allocate(256 * MIB, 1000);
    ck_assert_uint_gt(state().cycles, 1);
    memset(kept, 0, sizeof kept);
}
END_TEST

int
main(void)
{
    Suite *s;
    TCase *tc;

    if (UNIT_SHADOW) {
        unit_skip("a sanitizer's shadow is not read");
        return 77;
    }
    s = suite_create("gc/limit");
    tc = tcase_create("limit");
    tcase_add_checked_fixture(tc, start_with_limit, NULL);
    tcase_set_timeout(tc, 110);
    tcase_add_test(tc, without_a_limit_and_a_percentage_nothing_begins);
    tcase_add_loop_test(tc, a_limit_begins_cycles_alone, 0, 2);
    tcase_add_test(tc, a_limit_that_leaves_no_room_does_not_stop_the_program);
    suite_add_tcase(s, tc);
    return unit_main(s);
}
