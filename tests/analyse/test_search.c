/* The look-up that all address tables share. */
#include "unit.h"

#include "analyse/search.h"

struct piece {
    uint64_t start, end;
};

static const struct piece pieces[] = {
    {10, 20}, {20, 30}, {20, 25}, {40, 50}, {UINT64_MAX, UINT64_MAX}};

#define PIECES (sizeof pieces / sizeof *pieces)

static unsigned asked;

static uint64_t
piece_start(const void *table, size_t i)
{
    asked++;
    return ((const struct piece *)table)[i].start;
}

static size_t
before(uint64_t address)
{
    return wr_search_before(pieces, PIECES, piece_start, address);
}

START_TEST(what_begins_at_the_address_is_counted)
{
    ck_assert_uint_eq(before(10), 1);
    ck_assert_uint_eq(before(40), 4);
    ck_assert_uint_eq(before(UINT64_MAX), PIECES);
}
END_TEST

START_TEST(what_begins_behind_the_address_is_not)
{
    ck_assert_uint_eq(before(0), 0);
    ck_assert_uint_eq(before(9), 0);
    ck_assert_uint_eq(before(39), 3);
    ck_assert_uint_eq(before(UINT64_MAX - 1), 4);
}
END_TEST

START_TEST(of_several_that_begin_alike_all_are_counted)
{
    ck_assert_uint_eq(before(19), 1);
    ck_assert_uint_eq(before(20), 3);
    ck_assert_uint_eq(before(21), 3);
}
END_TEST

START_TEST(an_empty_table_is_not_looked_into)
{
    asked = 0;
    ck_assert_uint_eq(wr_search_before(NULL, 0, piece_start, 5), 0);
    ck_assert_uint_eq(asked, 0);
}
END_TEST

START_TEST(a_large_table_is_halved)
{
    static struct piece many[100000];
    for (size_t i = 0; i < 100000; i++)
        many[i].start = 3 * i;
    for (uint64_t address = 0; address < 300000; address += 4999) {
        asked = 0;
        ck_assert_uint_eq(wr_search_before(many, 100000, piece_start, address),
                          address / 3 + 1);
        ck_assert_uint_le(asked, 17);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/search");
    TCase *tests = tcase_create("search");
    tcase_add_test(tests, what_begins_at_the_address_is_counted);
    tcase_add_test(tests, what_begins_behind_the_address_is_not);
    tcase_add_test(tests, of_several_that_begin_alike_all_are_counted);
    tcase_add_test(tests, an_empty_table_is_not_looked_into);
    tcase_add_test(tests, a_large_table_is_halved);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
