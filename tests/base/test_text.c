/* Text in a fixed buffer, and numbers with suffixes. */
#include "unit.h"

#include "base/base.h"
#include "base/text.h"

START_TEST(a_new_text_is_empty)
{
    struct wr_text t;

    memset(&t, 'x', sizeof t);
    wr_text_init(&t);
    ck_assert_uint_eq(t.len, 0);
    ck_assert_str_eq(t.buf, "");
}
END_TEST

START_TEST(pieces_are_put_one_behind_the_other)
{
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, "weir");
    wr_text_str(&t, "");
    wr_text_bytes(&t, ": 12345", 4);
    wr_text_uint(&t, 0);
    wr_text_str(&t, " ");
    wr_text_hex(&t, 0);
    ck_assert_str_eq(t.buf, "weir: 120 0x0");
    ck_assert_uint_eq(t.len, strlen(t.buf));
}
END_TEST

START_TEST(numbers_read_as_printf_writes_them)
{
    uint64_t chance = unit_seed("numbers"), n = 0;
    char wanted[64];
    struct wr_text t;

    for (int i = 0; i < 2000; i++) {
        wr_text_init(&t);
        wr_text_uint(&t, n);
        wr_text_str(&t, " ");
        wr_text_hex(&t, n);
        snprintf(wanted, sizeof wanted, "%" PRIu64 " 0x%" PRIx64, n, n);
        ck_assert_str_eq(t.buf, wanted);
        n = i == 0 ? UINT64_MAX
                   : unit_chance(&chance) >> unit_below(&chance, 64);
    }
}
END_TEST

START_TEST(bytes_may_be_any_also_zero)
{
    struct wr_text t;

    wr_text_init(&t);
    wr_text_bytes(&t, "a\0b", 3);
    ck_assert_uint_eq(t.len, 3);
    ck_assert_mem_eq(t.buf, "a\0b\0", 4);
}
END_TEST

/* One byte of the buffer is for the NUL. */
START_TEST(what_does_not_fit_is_cut)
{
    enum { ROOM = sizeof((struct wr_text *)0)->buf - 1 };
    struct {
        struct wr_text t;
        char fence[8];
    } f;
    char piece[100];

    memset(piece, 'p', sizeof piece);
    for (size_t filled = ROOM - 30; filled <= ROOM; filled++) {
        wr_text_init(&f.t);
        memset(f.fence, '#', sizeof f.fence);
        while (f.t.len < filled)
            wr_text_bytes(&f.t, piece, wr_min(sizeof piece, filled - f.t.len));
        wr_text_uint(&f.t, UINT64_C(12345678901234567890));
        wr_text_hex(&f.t, UINT64_MAX);
        wr_text_str(&f.t, "and on");
        ck_assert_uint_eq(f.t.len, ROOM);
        ck_assert_uint_eq(strlen(f.t.buf), ROOM);
        ck_assert_mem_eq(f.t.buf + filled, "12345678901234567890",
                         wr_min(20, ROOM - filled));
        ck_assert_mem_eq(f.fence, "########", 8);
    }
}
END_TEST

/* ---- parsing ---- */

START_TEST(numbers_take_suffixes_in_powers_of_1024)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"0", 0},
        {"1", 1},
        {"007", 7},
        {"65536", 65536},
        {"18446744073709551615", UINT64_MAX},
        {"0G", 0},
        {"1k", 1 << 10},
        {"1K", 1 << 10},
        {"1kB", 1 << 10},
        {"1KB", 1 << 10},
        {"1KiB", 1 << 10},
        {"512KiB", 512 << 10},
        {"3m", 3 << 20},
        {"3M", 3 << 20},
        {"3MB", 3 << 20},
        {"3MiB", 3 << 20},
        {"1g", 1 << 30},
        {"1G", 1 << 30},
        {"1GB", 1 << 30},
        {"1GiB", 1 << 30},
        {"7B", 7},
        {"2t", UINT64_C(2) << 40},
        {"1TiB", UINT64_C(1) << 40},
        {"17179869183G", UINT64_C(17179869183) << 30},
        {"18014398509481983K", UINT64_C(18014398509481983) << 10},
    };

    for (size_t i = 0; i < wr_countof(good); i++) {
        uint64_t value = 4711;

        ck_assert_msg(
            wr_parse_bytes(good[i].text, strlen(good[i].text), &value) == 0,
            "%s is a number", good[i].text);
        ck_assert_msg(value == good[i].value, "%s is not %" PRIu64,
                      good[i].text, value);
    }
}
END_TEST

START_TEST(limits_are_bytes_auto_or_off_and_may_be_hard)
{
    static const struct {
        const char *text;
        int result;
        uint64_t bytes;
        bool hard;
    } is[] = {
        {"512MiB", 0, 512 << 20, false},
        {"1m:hard", 0, 1 << 20, true},
        {"off", 0, UINT64_MAX, false},
        {"auto", 0, 0, false},
        {"auto:hard", 0, 0, true},
        {"2T", 0, UINT64_C(2) << 40, false},
        {"", -1, 0, false},
        {":hard", -1, 0, false},
        {"1000000", -1, 0, false},
        {"0", -1, 0, false},
        {"512MiB:soft", -1, 0, false},
        {"hard", -1, 0, false},
        {"automatic", -1, 0, false},
        {"4611686018427387904", -1, 0, false},
    };

    for (size_t i = 0; i < wr_countof(is); i++) {
        uint64_t bytes = 0;
        bool hard = false;

        ck_assert_msg(wr_parse_limit(is[i].text, strlen(is[i].text), &bytes,
                                     &hard) == is[i].result,
                      "%s", is[i].text);
        if (is[i].result == 0) {
            ck_assert_uint_eq(bytes, is[i].bytes);
            ck_assert_int_eq(hard, is[i].hard);
        }
    }
}
END_TEST

START_TEST(what_is_no_number_is_refused_and_changes_nothing)
{
    static const char *const bad[] = {
        "",
        "K",
        "B",
        "KiB",
        "x",
        " 1",
        "1 ",
        "1 K",
        "-1",
        "+1",
        "0x10",
        "1.5K",
        "1BB",
        "1P",
        "1Ki",
        "1KiBs",
        "1KBs",
        "1Kb",
        "1iB",
        "1KK",
        "1e3",
        "1,5",
        "K1",
        "1KiX",
        "18446744073709551616",
        "99999999999999999999",
        "17179869184G",
        "18014398509481984K",
        "17592186044416M",
        "18446744073709551615K",
    };

    for (size_t i = 0; i < wr_countof(bad); i++) {
        uint64_t value = 4711;

        ck_assert_msg(wr_parse_bytes(bad[i], strlen(bad[i]), &value) == -1,
                      "%s is no number", bad[i]);
        ck_assert_uint_eq(value, 4711);
    }
}
END_TEST

START_TEST(a_number_ends_where_the_caller_says)
{
    uint64_t value = 0;

    ck_assert_int_eq(wr_parse_bytes("512KiB,dir=/tmp", 6, &value), 0);
    ck_assert_uint_eq(value, 512 << 10);
    ck_assert_int_eq(wr_parse_bytes("512KiB,dir=/tmp", 3, &value), 0);
    ck_assert_uint_eq(value, 512);
    ck_assert_int_eq(wr_parse_bytes("512KiB,dir=/tmp", 5, &value), -1);
    ck_assert_int_eq(wr_parse_bytes("512KiB,dir=/tmp", 7, &value), -1);
    ck_assert_int_eq(wr_parse_bytes("1\0", 2, &value), -1);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("base/text");
    TCase *t = tcase_create("text");

    tcase_add_test(t, a_new_text_is_empty);
    tcase_add_test(t, pieces_are_put_one_behind_the_other);
    tcase_add_test(t, numbers_read_as_printf_writes_them);
    tcase_add_test(t, bytes_may_be_any_also_zero);
    tcase_add_test(t, what_does_not_fit_is_cut);
    tcase_add_test(t, numbers_take_suffixes_in_powers_of_1024);
    tcase_add_test(t, limits_are_bytes_auto_or_off_and_may_be_hard);
    tcase_add_test(t, what_is_no_number_is_refused_and_changes_nothing);
    tcase_add_test(t, a_number_ends_where_the_caller_says);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
