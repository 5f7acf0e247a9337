/* Expressions of call frame information. */
#include "unit.h"

#include "profile/cfi.h"

static struct wr_regs regs;
static uintptr_t memory[4] = {0x1122334455667788, 2, 3, 4};
static uintptr_t result;

/* Memory is the four words above and nothing else. */
static bool
load(void *arg, uintptr_t at, uintptr_t *value)
{
    ck_assert_ptr_eq(arg, memory);
    if (at < (uintptr_t)memory || at > (uintptr_t)&memory[3])
        return false;
    memcpy(value, (const void *)at, sizeof(*value));
    return true;
}

static bool
evaluate(const uint8_t *expression, size_t n, const uintptr_t *first)
{
    uint8_t *bytes = malloc(n + 1); /* a sanitizer sees its end */
    struct wr_cfi_code code = {.own = bytes, .own_end = bytes + n + 1};
    bool ok;

    bytes[0] = (uint8_t)n;
    memcpy(bytes + 1, expression, n);
    result = 0;
    ok = wr_cfi_evaluate(&code, 0, &regs, first, load, memory, &result);
    free(bytes);
    return ok;
}

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})
#define EVALUATE(...)                                                          \
    evaluate(BYTES(__VA_ARGS__), sizeof(BYTES(__VA_ARGS__)), NULL)
#define YIELDS(value, ...)                                                     \
    do {                                                                       \
        ck_assert(EVALUATE(__VA_ARGS__));                                      \
        ck_assert_uint_eq(result, (uintptr_t)(value));                         \
    } while (0)
#define REFUSED(...) ck_assert(!EVALUATE(__VA_ARGS__))

START_TEST(literals_stand_for_themselves)
{
    YIELDS(0, 0x30);
    YIELDS(31, 0x4f);
}
END_TEST

START_TEST(constants_of_every_width_keep_their_sign)
{
    YIELDS(0xff, 0x08, 0xff);
    YIELDS(-1, 0x09, 0xff);
    YIELDS(0xfffe, 0x0a, 0xfe, 0xff);
    YIELDS(-2, 0x0b, 0xfe, 0xff);
    YIELDS(0xfffffffd, 0x0c, 0xfd, 0xff, 0xff, 0xff);
    YIELDS(-3, 0x0d, 0xfd, 0xff, 0xff, 0xff);
    YIELDS(0x8000000000000001, 0x0e, 1, 0, 0, 0, 0, 0, 0, 0x80);
    YIELDS(0x8000000000000001, 0x0f, 1, 0, 0, 0, 0, 0, 0, 0x80);
    YIELDS(0x0102030405060708, 0x03, 8, 7, 6, 5, 4, 3, 2, 1);
    YIELDS(0x3fff, 0x10, 0xff, 0x7f);
    YIELDS(-1, 0x11, 0x7f);
}
END_TEST

START_TEST(registers_give_their_value_and_offsets_add_to_it)
{
    regs.r[3] = 1000;
    YIELDS(1000, 0x53);
    YIELDS(992, 0x73, 0x78);
    YIELDS(1000, 0x90, 3);
    YIELDS(1128, 0x92, 3, 0x80, 0x01);
}
END_TEST

START_TEST(the_stack_can_be_shuffled)
{
    YIELDS(2, 0x31, 0x32, 0x12, 0x1c, 0x22, 0x31, 0x22); /* dup minus */
    YIELDS(1, 0x31, 0x32, 0x13);                         /* drop */
    YIELDS(1, 0x31, 0x32, 0x14);                         /* over */
    YIELDS(1, 0x31, 0x32, 0x33, 0x15, 2);                /* pick */
    YIELDS(1, 0x31, 0x32, 0x16);                         /* swap */
}
END_TEST

START_TEST(rotating_puts_the_top_third)
{
    YIELDS(2, 0x31, 0x32, 0x33, 0x17);
    YIELDS(1, 0x31, 0x32, 0x33, 0x17, 0x13);
    YIELDS(3, 0x31, 0x32, 0x33, 0x17, 0x13, 0x13);
}
END_TEST

START_TEST(arithmetic_takes_the_second_entry_first)
{
    YIELDS(5, 0x37, 0x32, 0x1c);        /* 7 - 2 */
    YIELDS(3, 0x37, 0x32, 0x1b);        /* 7 / 2 */
    YIELDS(-3, 0x09, 0xf9, 0x32, 0x1b); /* -7 / 2 */
    YIELDS(1, 0x37, 0x32, 0x1d);        /* 7 mod 2 */
    YIELDS(14, 0x37, 0x32, 0x1e);
    YIELDS(9, 0x37, 0x32, 0x22);
    YIELDS(7 + 300, 0x37, 0x23, 0xac, 0x02);
}
END_TEST

START_TEST(words_are_taken_bit_by_bit)
{
    YIELDS(2, 0x36, 0x33, 0x1a);
    YIELDS(7, 0x36, 0x33, 0x21);
    YIELDS(5, 0x36, 0x33, 0x27);
    YIELDS(~UINT64_C(6), 0x36, 0x20);
    YIELDS(-6, 0x36, 0x1f);
    YIELDS(6, 0x36, 0x1f, 0x19);
    YIELDS(6, 0x36, 0x19);
}
END_TEST

START_TEST(shifts_by_a_word_or_more_are_defined)
{
    YIELDS(24, 0x33, 0x33, 0x24);
    YIELDS(3, 0x48, 0x33, 0x25);
    YIELDS(0, 0x31, 0x08, 64, 0x24);
    YIELDS(0, 0x31, 0x08, 64, 0x25);
    YIELDS(-1, 0x09, 0xf8, 0x33, 0x26);
    YIELDS(-1, 0x09, 0xf8, 0x08, 200, 0x26);
}
END_TEST

START_TEST(comparisons_are_signed)
{
    YIELDS(1, 0x09, 0xff, 0x31, 0x2d); /* -1 < 1 */
    YIELDS(0, 0x09, 0xff, 0x31, 0x2b); /* -1 > 1 */
    YIELDS(1, 0x33, 0x33, 0x29);
    YIELDS(0, 0x33, 0x33, 0x2e);
    YIELDS(1, 0x33, 0x33, 0x2a);
    YIELDS(1, 0x33, 0x33, 0x2c);
    YIELDS(0, 0x34, 0x33, 0x2c);
}
END_TEST

START_TEST(memory_is_read_through_the_callers_load)
{
    regs.r[2] = (uintptr_t)memory;
    YIELDS(0x1122334455667788, 0x72, 0, 0x06);
    YIELDS(3, 0x72, 16, 0x06);
    YIELDS(0x88, 0x72, 0, 0x94, 1);
    YIELDS(0x55667788, 0x72, 0, 0x94, 4);
    REFUSED(0x72, 32, 0x06);
    REFUSED(0x72, 0x78, 0x06);
    REFUSED(0x72, 0, 0x94, 9);
    REFUSED(0x72, 0, 0x94, 0);
}
END_TEST

START_TEST(branches_go_both_ways)
{
    YIELDS(2, 0x31, 0x28, 1, 0, 0x33, 0x32); /* taken: 3 left out */
    YIELDS(2, 0x30, 0x28, 1, 0, 0x33, 0x32); /* not taken */
    YIELDS(1, 0x31, 0x2f, 1, 0, 0x37);       /* skip */
    /* 4, counted down by a backward branch while not 0 */
    YIELDS(0, 0x34, 0x31, 0x1c, 0x12, 0x28, 0xfa, 0xff);
}
END_TEST

START_TEST(a_loop_without_end_is_refused)
{
    REFUSED(0x31, 0x2f, 0xfd, 0xff);
    REFUSED(0x31, 0x12, 0x28, 0xfc, 0xff);
}
END_TEST

START_TEST(a_branch_outside_the_expression_is_refused)
{
    REFUSED(0x31, 0x2f, 1, 0);
    REFUSED(0x31, 0x2f, 0xfb, 0xff);
    YIELDS(1, 0x31, 0x2f, 0, 0);
}
END_TEST

START_TEST(the_first_entry_can_be_given)
{
    uintptr_t cfa = 0x7000;

    ck_assert(evaluate(BYTES(0x38, 0x1c), 2, &cfa));
    ck_assert_uint_eq(result, 0x7000 - 8);
    ck_assert(evaluate(BYTES(0x96), 1, &cfa));
    ck_assert_uint_eq(result, 0x7000);
}
END_TEST

START_TEST(a_stack_that_runs_empty_is_refused)
{
    REFUSED(0x96);
    REFUSED(0x13);
    REFUSED(0x31, 0x22);
    REFUSED(0x31, 0x14);
    REFUSED(0x31, 0x15, 1);
    REFUSED(0x31, 0x16);
    REFUSED(0x31, 0x32, 0x17);
    REFUSED(0x06);
    REFUSED(0x28, 0, 0);
}
END_TEST

START_TEST(a_stack_that_runs_over_is_refused)
{
    uint8_t many[100];

    memset(many, 0x31, sizeof(many));
    ck_assert(!evaluate(many, sizeof(many), NULL));
    ck_assert(evaluate(many, 32, NULL));
    ck_assert(!evaluate(many, 33, NULL));
}
END_TEST

START_TEST(division_that_has_no_answer_is_refused)
{
    REFUSED(0x31, 0x30, 0x1b);
    REFUSED(0x31, 0x30, 0x1d);
    REFUSED(0x31, 0x08, 63, 0x24, 0x09, 0xff, 0x1b);
}
END_TEST

START_TEST(an_expression_that_ends_inside_an_operation_is_refused)
{
    REFUSED(0x08);
    REFUSED(0x0a, 1);
    REFUSED(0x0c, 1, 2, 3);
    REFUSED(0x0e, 1, 2, 3, 4, 5, 6, 7);
    REFUSED(0x10, 0x80);
    REFUSED(0x73);
    REFUSED(0x92, 3);
    REFUSED(0x31, 0x28, 1);
}
END_TEST

START_TEST(unknown_operations_and_registers_are_refused)
{
    REFUSED(0x31, 0x32, 0x97);
    REFUSED(0x31, 0x32, 0x00);
    REFUSED(0x90, 99);
    REFUSED(0x92, 99, 0);
}
END_TEST

START_TEST(a_length_beyond_the_program_is_refused)
{
    uint8_t bytes[] = {9, 0x31};
    struct wr_cfi_code code = {.own = bytes, .own_end = bytes + 2};

    ck_assert(!wr_cfi_evaluate(&code, 0, &regs, NULL, load, memory, &result));
}
END_TEST

START_TEST(an_expression_of_the_common_program_is_found)
{
    uint8_t bytes[] = {1, 0x35, 0, 0};
    struct wr_cfi_code code = {.common = bytes,
                               .common_end = bytes + 2,
                               .own = bytes + 2,
                               .own_end = bytes + 4};

    ck_assert(wr_cfi_evaluate(&code, -2, &regs, NULL, load, memory, &result));
    ck_assert_uint_eq(result, 5);
}
END_TEST

START_TEST(no_random_expression_leads_outside_its_bytes)
{
    srandom(2);
    for (int i = 0; i < 50000; i++) {
        uint8_t bytes[40];

        for (size_t k = 0; k < sizeof(bytes); k++)
            bytes[k] = (uint8_t)(random() >> 8) % 0x98;
        evaluate(bytes, 1 + (size_t)random() % 40, NULL);
    }
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("expressions of call frame information");
    TCase *t = tcase_create("evaluate");

    tcase_add_test(t, literals_stand_for_themselves);
    tcase_add_test(t, constants_of_every_width_keep_their_sign);
    tcase_add_test(t, registers_give_their_value_and_offsets_add_to_it);
    tcase_add_test(t, the_stack_can_be_shuffled);
    tcase_add_test(t, rotating_puts_the_top_third);
    tcase_add_test(t, arithmetic_takes_the_second_entry_first);
    tcase_add_test(t, words_are_taken_bit_by_bit);
    tcase_add_test(t, shifts_by_a_word_or_more_are_defined);
    tcase_add_test(t, comparisons_are_signed);
    tcase_add_test(t, memory_is_read_through_the_callers_load);
    tcase_add_test(t, branches_go_both_ways);
    tcase_add_test(t, a_loop_without_end_is_refused);
    tcase_add_test(t, a_branch_outside_the_expression_is_refused);
    tcase_add_test(t, the_first_entry_can_be_given);
    tcase_add_test(t, a_stack_that_runs_empty_is_refused);
    tcase_add_test(t, a_stack_that_runs_over_is_refused);
    tcase_add_test(t, division_that_has_no_answer_is_refused);
    tcase_add_test(t, an_expression_that_ends_inside_an_operation_is_refused);
    tcase_add_test(t, unknown_operations_and_registers_are_refused);
    tcase_add_test(t, a_length_beyond_the_program_is_refused);
    tcase_add_test(t, an_expression_of_the_common_program_is_found);
    tcase_add_test(t, no_random_expression_leads_outside_its_bytes);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
