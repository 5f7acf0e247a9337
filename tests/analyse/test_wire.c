/* The wire: fields are read, and what is none is told. */
#include "unit.h"

#include "analyse/wire.h"

static struct wr_wire w;
static struct wr_wire_field f;

static void
read_from(const void *bytes, size_t n)
{
    w = (struct wr_wire){bytes, (const unsigned char *)bytes + n, false};
}

#define READ(text) read_from(text, sizeof text - 1)

START_TEST(numbers_and_bytes_are_told_apart)
{
    READ("\x08\x96\x01\x12\x03"
         "abc");
    ck_assert(wr_wire_next(&w, &f));
    ck_assert_uint_eq(f.field, 1);
    ck_assert_int_eq(f.type, WR_WIRE_NUMBER);
    ck_assert_uint_eq(f.number, 150);
    ck_assert(wr_wire_next(&w, &f));
    ck_assert_uint_eq(f.field, 2);
    ck_assert_int_eq(f.type, WR_WIRE_BYTES);
    ck_assert_int_eq(f.bytes.end - f.bytes.at, 3);
    ck_assert_mem_eq(f.bytes.at, "abc", 3);
    ck_assert(!wr_wire_next(&w, &f));
    ck_assert(!w.bad);
}
END_TEST

START_TEST(fixed_numbers_are_passed_over)
{
    READ("\x09"
         "12345678"
         "\x15"
         "1234"
         "\x18\x01");
    ck_assert(wr_wire_next(&w, &f) && f.type == WR_WIRE_FIXED64);
    ck_assert(wr_wire_next(&w, &f) && f.type == WR_WIRE_FIXED32);
    ck_assert(wr_wire_next(&w, &f) && f.field == 3 && f.number == 1);
}
END_TEST

START_TEST(the_largest_number_has_ten_bytes)
{
    READ("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    ck_assert(wr_wire_next(&w, &f));
    ck_assert_uint_eq(f.number, UINT64_MAX);
}
END_TEST

START_TEST(packed_numbers_come_one_by_one)
{
    uint64_t n;
    READ("\x01\x96\x01\x00");
    ck_assert(wr_wire_packed(&w, &n) && n == 1);
    ck_assert(wr_wire_packed(&w, &n) && n == 150);
    ck_assert(wr_wire_packed(&w, &n) && n == 0);
    ck_assert(!wr_wire_packed(&w, &n) && !w.bad);
    READ("\x80");
    ck_assert(!wr_wire_packed(&w, &n) && w.bad);
}
END_TEST

static const struct {
    const char *bytes;
    size_t n;
} bad[] = {
    {"\x08", 1},                                              /* no number */
    {"\x08\x80", 2},                                          /* a cut one */
    {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* too long */
    {"\x12\x05"
     "abc",
     5},                                 /* fewer bytes than it says */
    {"\x12\xff\xff\xff\xff\x0f", 6},     /* far fewer */
    {"\x0b", 1},                         /* a group */
    {"\x0f", 1},                         /* a type that is none */
    {"\x00\x00", 2},                     /* field 0 */
    {"\x88\x80\x80\x80\x80\x10\x00", 7}, /* a field beyond all */
    {"\x09"
     "1234",
     5},
};

START_TEST(what_is_no_field_is_bad)
{
    read_from(bad[_i].bytes, bad[_i].n);
    ck_assert(!wr_wire_next(&w, &f));
    ck_assert(w.bad);
    ck_assert(!wr_wire_next(&w, &f));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/wire");
    TCase *tests = tcase_create("wire");
    tcase_add_test(tests, numbers_and_bytes_are_told_apart);
    tcase_add_test(tests, fixed_numbers_are_passed_over);
    tcase_add_test(tests, the_largest_number_has_ten_bytes);
    tcase_add_test(tests, packed_numbers_come_one_by_one);
    tcase_add_loop_test(tests, what_is_no_field_is_bad, 0,
                        sizeof bad / sizeof *bad);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
