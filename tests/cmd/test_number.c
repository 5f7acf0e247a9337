/* Numbers on the command line. */
#include "weir/number.h"

#include "serve/program.h"

START_TEST(bytes_are_written_with_or_without_a_unit)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } is[] = {
        {"0", 0},         {"65536", 65536},
        {"64K", 65536},   {"64k", 65536},
        {"64kb", 65536},  {"64KiB", 65536},
        {"7b", 7},        {"2M", 2u << 20},
        {"1g", 1u << 30}, {"18446744073709551615", UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
        uint64_t bytes = 1;
        ck_assert_msg(wr_number_bytes(is[i].text, &bytes) == 0, "%s",
                      is[i].text);
        ck_assert_uint_eq(bytes, is[i].bytes);
    }
}
END_TEST

START_TEST(what_is_no_number_of_bytes_is_refused)
{
    static const char *const bad[] = {"",
                                      "-1",
                                      " 1",
                                      "K",
                                      "1P",
                                      "1.5K",
                                      "1 K",
                                      "1kk",
                                      "1ib",
                                      "0x10",
                                      "18446744073709551616",
                                      "18014398509481984K"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t bytes = 4711;
        ck_assert_msg(wr_number_bytes(bad[i], &bytes) != 0, "%s", bad[i]);
        ck_assert_uint_eq(bytes, 4711);
    }
}
END_TEST

START_TEST(a_plain_number_has_a_limit_and_no_unit)
{
    uint64_t n;
    ck_assert_int_eq(wr_number_plain("12", 12, &n), 0);
    ck_assert_uint_eq(n, 12);
    ck_assert_int_ne(wr_number_plain("13", 12, &n), 0);
    ck_assert_int_ne(wr_number_plain("1K", 5000, &n), 0);
    ck_assert_int_ne(wr_number_plain("", 5, &n), 0);
    ck_assert_int_ne(wr_number_plain("+1", 5, &n), 0);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("number");
    tcase_add_test(t, bytes_are_written_with_or_without_a_unit);
    tcase_add_test(t, what_is_no_number_of_bytes_is_refused);
    tcase_add_test(t, a_plain_number_has_a_limit_and_no_unit);
    return run_case(t, "number");
}
