/* Programs of call frame information, step by step. */
#include "unit.h"

#include "profile/cfi.h"

enum { START = 0x1000, REG = 3 };

static struct wr_cfi_row row;

/* Runs these bytes as the FDE's program up to pc; the CIE's program says
 * that the CFA is the stack pointer plus 8 and the return address is below. */
static bool
run_after(const uint8_t *common, size_t n, uintptr_t pc, const uint8_t *own,
          size_t own_n)
{
    struct wr_cfi_code code = {
        .start = START,
        .end = START + 0x100000,
        .common = common,
        .common_end = common + n,
        .own = own,
        .own_end = own + own_n,
        .code_unit = 2,
        .data_unit = -8,
    };

    return wr_cfi_run(&code, pc, &row);
}

static const uint8_t usual[] = {0x0c, WR_REG_SP, 8, 0x80 | WR_REG_RA, 1};

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})
#define RUN(pc, ...)                                                           \
    run_after(usual, sizeof(usual), pc, BYTES(__VA_ARGS__),                    \
              sizeof(BYTES(__VA_ARGS__)))

static void
expect_cfa(unsigned reg, int32_t offset)
{
    ck_assert_uint_eq(row.cfa_how, WR_CFI_REG);
    ck_assert_uint_eq(row.cfa_reg, reg);
    ck_assert_int_eq(row.cfa_argument, offset);
}

static void
expect(unsigned reg, enum wr_cfi_how how, int32_t argument)
{
    ck_assert_uint_eq(row.how[reg], how);
    ck_assert_int_eq(row.argument[reg], argument);
}

START_TEST(the_common_program_holds_from_the_first_instruction)
{
    ck_assert(RUN(START, 0));
    expect_cfa(WR_REG_SP, 8);
    expect(WR_REG_RA, WR_CFI_AT, -8);
    expect(REG, WR_CFI_KEPT, 0);
}
END_TEST

START_TEST(a_row_holds_until_the_instruction_where_the_next_begins)
{
    /* advance 3 units of 2 bytes, CFA offset 16 */
    ck_assert(RUN(START + 5, 0x43, 0x0e, 16));
    expect_cfa(WR_REG_SP, 8);
    ck_assert(RUN(START + 6, 0x43, 0x0e, 16));
    expect_cfa(WR_REG_SP, 16);
}
END_TEST

START_TEST(every_width_of_advance_counts_in_code_units)
{
    ck_assert(RUN(START + 2 * 200 - 1, 0x02, 200, 0x0e, 16));
    expect_cfa(WR_REG_SP, 8);
    ck_assert(RUN(START + 2 * 200, 0x02, 200, 0x0e, 16));
    expect_cfa(WR_REG_SP, 16);
    ck_assert(RUN(START + 2 * 0x102 - 1, 0x03, 2, 1, 0x0e, 16));
    expect_cfa(WR_REG_SP, 8);
    ck_assert(RUN(START + 2 * 0x102, 0x03, 2, 1, 0x0e, 16));
    expect_cfa(WR_REG_SP, 16);
    ck_assert(RUN(START + 2 * 0x10002 - 1, 0x04, 2, 0, 1, 0, 0x0e, 16));
    expect_cfa(WR_REG_SP, 8);
    ck_assert(RUN(START + 2 * 0x10002, 0x04, 2, 0, 1, 0, 0x0e, 16));
    expect_cfa(WR_REG_SP, 16);
}
END_TEST

START_TEST(a_location_can_be_set_outright)
{
    ck_assert(RUN(0x10ff, 0x01, 0, 0x11, 0, 0, 0, 0, 0, 0, 0x0e, 16));
    expect_cfa(WR_REG_SP, 8);
    ck_assert(RUN(0x1100, 0x01, 0, 0x11, 0, 0, 0, 0, 0, 0, 0x0e, 16));
    expect_cfa(WR_REG_SP, 16);
}
END_TEST

START_TEST(the_cfa_can_change_register_offset_or_both)
{
    ck_assert(RUN(START, 0x0c, WR_REG_FP, 0x90, 0x01));
    expect_cfa(WR_REG_FP, 144);
    ck_assert(RUN(START, 0x0d, WR_REG_FP));
    expect_cfa(WR_REG_FP, 8);
    ck_assert(RUN(START, 0x0e, 0x80, 0x02));
    expect_cfa(WR_REG_SP, 256);
}
END_TEST

START_TEST(signed_cfa_offsets_count_in_data_units)
{
    ck_assert(RUN(START, 0x12, WR_REG_FP, 0x7e));
    expect_cfa(WR_REG_FP, 16);
    ck_assert(RUN(START, 0x13, 0x7d));
    expect_cfa(WR_REG_SP, 24);
}
END_TEST

START_TEST(a_cfa_can_be_an_expression)
{
    ck_assert(RUN(START, 0x0f, 2, 0x77, 8));
    ck_assert_uint_eq(row.cfa_how, WR_CFI_EXPR);
    ck_assert_int_eq(row.cfa_argument, 1);
}
END_TEST

START_TEST(every_form_of_saved_register_counts_in_data_units)
{
    ck_assert(RUN(START, 0x80 | REG, 2));
    expect(REG, WR_CFI_AT, -16);
    ck_assert(RUN(START, 0x05, REG, 3));
    expect(REG, WR_CFI_AT, -24);
    ck_assert(RUN(START, 0x11, REG, 0x7f));
    expect(REG, WR_CFI_AT, 8);
    ck_assert(RUN(START, 0x2f, REG, 2));
    expect(REG, WR_CFI_AT, 16);
}
END_TEST

START_TEST(a_register_can_be_a_sum)
{
    ck_assert(RUN(START, 0x14, REG, 2));
    expect(REG, WR_CFI_SUM, -16);
    ck_assert(RUN(START, 0x15, REG, 0x7e));
    expect(REG, WR_CFI_SUM, 16);
}
END_TEST

START_TEST(a_register_can_be_lost_kept_or_in_another)
{
    ck_assert(RUN(START, 0x07, REG));
    expect(REG, WR_CFI_UNDEFINED, 0);
    ck_assert(RUN(START, 0x80 | REG, 2, 0x08, REG));
    expect(REG, WR_CFI_KEPT, 0);
    ck_assert(RUN(START, 0x09, REG, 12));
    expect(REG, WR_CFI_REG, 12);
}
END_TEST

START_TEST(a_register_can_hang_on_an_expression)
{
    ck_assert(RUN(START, 0, 0x10, REG, 2, 0x77, 8, 0x0e, 16));
    expect(REG, WR_CFI_AT_EXPR, 3);
    expect_cfa(WR_REG_SP, 16);
    ck_assert(RUN(START, 0x16, REG, 2, 0x77, 8, 0x0e, 16));
    expect(REG, WR_CFI_EXPR, 2);
    expect_cfa(WR_REG_SP, 16);
}
END_TEST

START_TEST(restoring_a_register_brings_back_the_common_rule)
{
    ck_assert(RUN(START, 0x80 | WR_REG_RA, 5, 0xc0 | WR_REG_RA));
    expect(WR_REG_RA, WR_CFI_AT, -8);
    ck_assert(RUN(START, 0x80 | REG, 5, 0x06, REG));
    expect(REG, WR_CFI_KEPT, 0);
}
END_TEST

START_TEST(a_remembered_row_comes_back_whole)
{
    ck_assert(RUN(START, 0x0e, 16, 0x80 | REG, 2, 0x0a, 0x0c, WR_REG_FP, 64,
                  0x07, REG, 0x0b));
    expect_cfa(WR_REG_SP, 16);
    expect(REG, WR_CFI_AT, -16);
}
END_TEST

START_TEST(remembered_rows_come_back_in_reverse_order)
{
    ck_assert(RUN(START, 0x0e, 16, 0x0a, 0x0e, 24, 0x0a, 0x0e, 32, 0x0b));
    expect_cfa(WR_REG_SP, 24);
    ck_assert(RUN(START, 0x0e, 16, 0x0a, 0x0e, 24, 0x0a, 0x0e, 32, 0x0b, 0x0b));
    expect_cfa(WR_REG_SP, 16);
}
END_TEST

START_TEST(columns_of_vectors_are_read_and_dropped)
{
    /* register 72 saved, then a rule that must still be understood */
    ck_assert(RUN(START, 0x05, 72, 4, 0x07, 73, 0x06, 72, 0x10, 74, 1, 0x30,
                  0x0e, 16));
    expect_cfa(WR_REG_SP, 16);
}
END_TEST

START_TEST(steps_that_do_not_matter_to_a_walk_are_passed_over)
{
    ck_assert(RUN(START, 0x00, 0x2d, 0x2e, 0x90, 0x01, 0x0e, 16));
    expect_cfa(WR_REG_SP, 16);
}
END_TEST

START_TEST(steps_after_the_wanted_row_are_not_read)
{
    ck_assert(RUN(START, 0x41, 0x3f));
    ck_assert(!RUN(START + 2, 0x41, 0x3f));
}
END_TEST

START_TEST(an_unknown_step_is_refused)
{
    ck_assert(!RUN(START, 0x17, 0, 0));
    ck_assert(!RUN(START, 0x3f, 0, 0));
    ck_assert(!RUN(START, 0x30, 0, 0));
}
END_TEST

START_TEST(a_program_that_ends_inside_a_step_is_refused)
{
    ck_assert(!RUN(START, 0x0c, WR_REG_SP));
    ck_assert(!RUN(START, 0x0e));
    ck_assert(!RUN(START, 0x0e, 0x80));
    ck_assert(!RUN(START, 0x02));
    ck_assert(!RUN(START, 0x03, 1));
    ck_assert(!RUN(START, 0x04, 1, 0, 0));
    ck_assert(!RUN(START, 0x01, 1, 0, 0));
    ck_assert(!RUN(START, 0x80 | REG));
    ck_assert(!RUN(START, 0x10, REG, 5, 0x77, 8));
    ck_assert(!RUN(START, 0x0f, 9, 0x77));
}
END_TEST

START_TEST(restoring_what_was_never_remembered_is_refused)
{
    ck_assert(!RUN(START, 0x0b));
    ck_assert(!RUN(START, 0x0a, 0x0b, 0x0b));
}
END_TEST

START_TEST(remembering_without_end_is_refused)
{
    uint8_t many[100];

    memset(many, 0x0a, sizeof(many));
    ck_assert(!run_after(usual, sizeof(usual), START, many, sizeof(many)));
    ck_assert(run_after(usual, sizeof(usual), START, many, 4));
}
END_TEST

START_TEST(an_offset_beyond_31_bits_is_refused)
{
    ck_assert(!RUN(START, 0x0e, 0x80, 0x80, 0x80, 0x80, 0x08));
    ck_assert(!RUN(START, 0x80 | REG, 0x80, 0x80, 0x80, 0x80, 0x08));
    ck_assert(RUN(START, 0x0e, 0x80, 0x80, 0x80, 0x80, 0x02));
    expect_cfa(WR_REG_SP, 0x20000000);
}
END_TEST

START_TEST(a_cfa_in_a_register_that_is_none_is_refused)
{
    ck_assert(!RUN(START, 0x0c, 99, 8));
    ck_assert(!RUN(START, 0x0d, 99));
}
END_TEST

START_TEST(a_program_that_names_no_cfa_is_refused)
{
    static const uint8_t nothing[] = {0};

    ck_assert(!run_after(nothing, 1, START, nothing, 1));
}
END_TEST

START_TEST(the_common_program_may_not_restore)
{
    static const uint8_t restores[] = {0x0c, WR_REG_SP, 8, 0xc0 | REG};
    static const uint8_t nothing[] = {0};

    ck_assert(!run_after(restores, sizeof(restores), START, nothing, 1));
}
END_TEST

START_TEST(no_random_program_leads_outside_its_bytes)
{
    srandom(1);
    for (int i = 0; i < 20000; i++) {
        size_t n = 1 + (size_t)random() % 40;
        uint8_t *bytes = malloc(n); /* a sanitizer sees its end */

        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)(random() >> 8);
        run_after(usual, sizeof(usual), START + (uintptr_t)random() % 4096,
                  bytes, n);
        free(bytes);
    }
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("programs of call frame information");
    TCase *t = tcase_create("run");

    tcase_add_test(t, the_common_program_holds_from_the_first_instruction);
    tcase_add_test(t, a_row_holds_until_the_instruction_where_the_next_begins);
    tcase_add_test(t, every_width_of_advance_counts_in_code_units);
    tcase_add_test(t, a_location_can_be_set_outright);
    tcase_add_test(t, the_cfa_can_change_register_offset_or_both);
    tcase_add_test(t, signed_cfa_offsets_count_in_data_units);
    tcase_add_test(t, a_cfa_can_be_an_expression);
    tcase_add_test(t, every_form_of_saved_register_counts_in_data_units);
    tcase_add_test(t, a_register_can_be_a_sum);
    tcase_add_test(t, a_register_can_be_lost_kept_or_in_another);
    tcase_add_test(t, a_register_can_hang_on_an_expression);
    tcase_add_test(t, restoring_a_register_brings_back_the_common_rule);
    tcase_add_test(t, a_remembered_row_comes_back_whole);
    tcase_add_test(t, remembered_rows_come_back_in_reverse_order);
    tcase_add_test(t, columns_of_vectors_are_read_and_dropped);
    tcase_add_test(t, steps_that_do_not_matter_to_a_walk_are_passed_over);
    tcase_add_test(t, steps_after_the_wanted_row_are_not_read);
    tcase_add_test(t, an_unknown_step_is_refused);
    tcase_add_test(t, a_program_that_ends_inside_a_step_is_refused);
    tcase_add_test(t, restoring_what_was_never_remembered_is_refused);
    tcase_add_test(t, remembering_without_end_is_refused);
    tcase_add_test(t, an_offset_beyond_31_bits_is_refused);
    tcase_add_test(t, a_cfa_in_a_register_that_is_none_is_refused);
    tcase_add_test(t, a_program_that_names_no_cfa_is_refused);
    tcase_add_test(t, the_common_program_may_not_restore);
    tcase_add_test(t, no_random_program_leads_outside_its_bytes);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
