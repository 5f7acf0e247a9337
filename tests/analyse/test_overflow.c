/* Stack overflows: which frames repeat. */
#include "unit.h"

#include <stdalign.h>

#include "analyse/overflow.h"
#include "region/fake.h"
#include "region/read.h"

static struct wr_overflow_fold f;

/* A stack of so many frames, whose address number i is pc(i). */
static void
stack(uint64_t frames, uint64_t (*pc)(uint64_t i))
{
    struct wr_overflow *o = &f.is;
    memset(&f, 0, sizeof f);
    o->frames = frames;
    for (uint64_t i = 0; i < frames; i++) {
        if (i < WR_OVERFLOW_FIRST)
            o->first[o->first_count++] = pc(i);
        else if (i >= frames - WR_OVERFLOW_LAST)
            o->last[o->last_count++] = pc(i);
    }
    wr_overflow_find_cycle(&f);
}

static uint64_t
simple(uint64_t i)
{
    return i < 2 ? 100 + i : i < 10000 ? 7 : 200 + i;
}

static uint64_t
in_turns(uint64_t i)
{
    return i < 1 ? 100 : i < 30001 ? 10 + i % 3 : 200 + i;
}

static uint64_t
all_different(uint64_t i)
{
    return i + 1;
}

static uint64_t
no_end(uint64_t i)
{
    return 10 + i % 5;
}

START_TEST(a_function_that_calls_itself_is_one_frame)
{
    stack(10003, simple);
    ck_assert_uint_eq(f.head, 2);
    ck_assert_uint_eq(f.period, 1);
    ck_assert_uint_eq(f.repeats, 9998);
    ck_assert_uint_eq(f.tail, 10000);
}
END_TEST

START_TEST(functions_in_turns_are_told_once)
{
    stack(30004, in_turns);
    ck_assert_uint_eq(f.head, 1);
    ck_assert_uint_eq(f.period, 3);
    ck_assert_uint_eq(f.repeats, 10000);
    ck_assert_uint_eq(f.tail, 30001);
}
END_TEST

START_TEST(what_does_not_repeat_is_not_folded)
{
    stack(10000, all_different);
    ck_assert_uint_eq(f.period, 0);
}
END_TEST

START_TEST(a_stack_that_is_known_whole_is_not_folded)
{
    stack(100, no_end);
    ck_assert_uint_eq(f.period, 0);
}
END_TEST

START_TEST(a_stack_whose_end_repeats_has_no_tail)
{
    stack(5001, no_end);
    ck_assert_uint_eq(f.period, 5);
    ck_assert_uint_eq(f.tail, 5001);
    ck_assert_uint_eq(f.repeats, 1000);
}
END_TEST

START_TEST(numbers_of_a_damaged_region_are_refused)
{
    static struct {
        alignas(FAKE_PAGE) struct fake fake;
        alignas(FAKE_PAGE) struct wr_overflow o;
    } whole;
    struct wr_region_view view;
    char why[128];

    fake_init(&whole.fake);
    whole.fake.header.region_bytes = sizeof whole;
    fake_table(&whole.fake, WR_TABLE_OVERFLOW, sizeof whole.fake,
               sizeof whole.o, 1, 1);
    ck_assert_int_eq(wr_view_over(&view, &whole, sizeof whole, why, sizeof why),
                     0);
    ck_assert(!wr_overflow_fold(&f, &view)); /* not whole yet */
    whole.o.when_ns = 1;
    whole.o.frames = whole.o.first_count = 3;
    ck_assert(wr_overflow_fold(&f, &view));
    whole.o.first_count = WR_OVERFLOW_FIRST + 1;
    ck_assert(!wr_overflow_fold(&f, &view));
    whole.o.first_count = 3;
    whole.o.last_count = 1;
    ck_assert(!wr_overflow_fold(&f, &view)); /* more than there are */
    whole.fake.header.table[WR_TABLE_OVERFLOW].used = 0;
    ck_assert(!wr_overflow_fold(&f, &view));
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("analyse/overflow");
    TCase *t = tcase_create("overflow");
    tcase_add_test(t, a_function_that_calls_itself_is_one_frame);
    tcase_add_test(t, functions_in_turns_are_told_once);
    tcase_add_test(t, what_does_not_repeat_is_not_folded);
    tcase_add_test(t, a_stack_that_is_known_whole_is_not_folded);
    tcase_add_test(t, a_stack_whose_end_repeats_has_no_tail);
    tcase_add_test(t, numbers_of_a_damaged_region_are_refused);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
