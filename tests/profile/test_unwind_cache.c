/* What a call site's rule condenses to, and the table that keeps it. */
#include "unit.h"

#include "profile/unwind_cache.h"

static struct wr_cfi_row row;
static uint8_t expressions[16];
static struct wr_cfi_code code;

/* On x86-64 the return address lies right under the CFA; on machines with a
 * link register next to the frame pointer, wherever that is. */
enum {
    FP_AT = -16,
    RA_AT = -8,
    UNIT = WR_FRAME_CFA_UNIT,
    CFA_MAX = ((1 << WR_FRAME_CFA_BITS) - 1) * WR_FRAME_CFA_UNIT,
};

static void
set(unsigned reg, enum wr_cfi_how how, int32_t argument)
{
    row.how[reg] = (uint8_t)how;
    row.argument[reg] = argument;
}

static void
setup(void)
{
    memset(&row, 0, sizeof(row));
    memset(&code, 0, sizeof(code));
    code.own = expressions;
    code.own_end = expressions + sizeof(expressions);
    row.cfa_how = WR_CFI_REG;
    row.cfa_reg = WR_REG_SP;
    row.cfa_argument = 64;
    set(WR_REG_RA, WR_CFI_AT, RA_AT);
    set(WR_REG_FP, WR_CFI_AT, FP_AT);
}

static enum wr_unwind_kind
kind(void)
{
    return wr_unwind_word_kind(wr_unwind_condense(&code, &row, 0));
}

START_TEST(a_frame_on_the_stack_pointer_condenses)
{
    wr_unwind_word word = wr_unwind_condense(&code, &row, 5);

    ck_assert_int_eq(wr_unwind_word_kind(word), WR_UNWIND_SP_SAVED);
    ck_assert_uint_eq(wr_unwind_word_cfa(word), 64);
    ck_assert_uint_eq(wr_unwind_word_slot(word), 2);
    ck_assert_uint_eq(wr_unwind_word_module(word), 5);
}
END_TEST

START_TEST(a_frame_on_the_frame_pointer_condenses)
{
    row.cfa_reg = WR_REG_FP;
    row.cfa_argument = 16;
    ck_assert_int_eq(kind(), WR_UNWIND_FP_SAVED);
}
END_TEST

START_TEST(a_frame_pointer_that_stayed_is_kept)
{
    wr_unwind_word word;

    set(WR_REG_FP, WR_CFI_KEPT, 0);
    word = wr_unwind_condense(&code, &row, 0);
    ck_assert_int_eq(wr_unwind_word_kind(word), WR_UNWIND_SP_KEPT);
    ck_assert_uint_eq(wr_frame_ra_at(1000, wr_unwind_word_slot(word)),
                      1000 + RA_AT);
    set(WR_REG_FP, WR_CFI_UNDEFINED, 0);
    ck_assert_int_eq(kind(), WR_UNWIND_SP_KEPT);
    row.cfa_reg = WR_REG_FP;
    ck_assert_int_eq(kind(), WR_UNWIND_FP_KEPT);
}
END_TEST

START_TEST(a_lost_return_address_is_the_outermost_frame)
{
    set(WR_REG_RA, WR_CFI_UNDEFINED, 0);
    ck_assert_int_eq(kind(), WR_UNWIND_OUTERMOST);
}
END_TEST

START_TEST(the_largest_frame_that_fits_keeps_its_size)
{
    row.cfa_argument = CFA_MAX;
    ck_assert_uint_eq(wr_unwind_word_cfa(wr_unwind_condense(&code, &row, 0)),
                      CFA_MAX);
    row.cfa_argument = CFA_MAX + UNIT;
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
}
END_TEST

START_TEST(odd_and_negative_frames_need_all_registers)
{
    row.cfa_argument = 60;
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
    row.cfa_argument = -64;
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
}
END_TEST

START_TEST(what_lies_below_the_stack_pointer_needs_all_registers)
{
    row.cfa_argument = UNIT == 8 ? 8 : 0;
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
}
END_TEST

START_TEST(another_base_needs_all_registers)
{
    row.cfa_reg = 3;
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
}
END_TEST

START_TEST(a_signal_trampoline_needs_all_registers)
{
    code.signal = true;
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
}
END_TEST

START_TEST(other_rules_for_what_a_walk_follows_need_all_registers)
{
    static const enum wr_cfi_how others[] = {WR_CFI_SUM, WR_CFI_REG,
                                             WR_CFI_AT_EXPR, WR_CFI_EXPR};

    for (size_t i = 0; i < wr_countof(others); i++) {
        setup();
        set(WR_REG_RA, others[i], 0);
        ck_assert_int_eq(kind(), WR_UNWIND_FULL);
        setup();
        set(WR_REG_FP, others[i], 0);
        ck_assert_int_eq(kind(), WR_UNWIND_FULL);
        setup();
        set(WR_REG_SP, others[i], 0);
        ck_assert_int_eq(kind(), WR_UNWIND_FULL);
    }
}
END_TEST

START_TEST(a_kept_return_address_needs_all_registers)
{
    set(WR_REG_RA, WR_CFI_KEPT, 0);
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
}
END_TEST

START_TEST(rules_of_other_registers_do_not_matter)
{
    set(3, WR_CFI_EXPR, 0);
    set(12, WR_CFI_AT, -40);
    ck_assert_int_eq(kind(), WR_UNWIND_SP_SAVED);
}
END_TEST

START_TEST(a_frame_pointer_far_away_or_askew_needs_all_registers)
{
    set(WR_REG_FP, WR_CFI_AT, -8 * (1 << WR_FRAME_SLOT_BITS));
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
    set(WR_REG_FP, WR_CFI_AT, -17);
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
    set(WR_REG_FP, WR_CFI_AT, 16);
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
    set(WR_REG_FP, WR_CFI_AT, RA_AT);
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
}
END_TEST

/* CFA is the word at fp + below; the caller's fp is at fp + at. */
static void
realigned(int8_t below, int8_t at, uint8_t operation)
{
    const uint8_t both[] = {
        3, 0x70 + WR_REG_FP, (uint8_t)below & 0x7f, operation,
        2, 0x70 + WR_REG_FP, (uint8_t)at & 0x7f};

    memcpy(expressions, both, sizeof(both));
    row.cfa_how = WR_CFI_EXPR;
    row.cfa_argument = 0;
    set(WR_REG_FP, WR_CFI_AT_EXPR, 4);
}

START_TEST(a_realigned_frame_condenses)
{
    wr_unwind_word word;

    realigned(-2 * UNIT, 0, 0x06);
    word = wr_unwind_condense(&code, &row, 0);
    ck_assert_int_eq(wr_unwind_word_kind(word), WR_UNWIND_REALIGNED);
    ck_assert_uint_eq(wr_unwind_word_cfa(word), 2 * UNIT);
}
END_TEST

START_TEST(other_expressions_need_all_registers)
{
    realigned(-2 * UNIT, 8, 0x06);
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
    realigned(2 * UNIT, 0, 0x06);
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
    realigned(-2 * UNIT, 0, 0x96);
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
    realigned(-2 * UNIT + 1, 0, 0x06);
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
    realigned(-2 * UNIT, 0, 0x06);
    set(WR_REG_FP, WR_CFI_KEPT, 0);
    ck_assert_int_eq(kind(), WR_UNWIND_FULL);
}
END_TEST

static const uintptr_t step = (uintptr_t)1
                              << (WR_FRAME_PC_SHIFT + WR_UNWIND_SET_BITS);

/* Another address in the same set: the bits above the set's change its place
 * too, so search. */
static uintptr_t
neighbour(uintptr_t pc, unsigned n)
{
    uintptr_t at = pc;

    while (n > 0) {
        at += 1u << WR_FRAME_PC_SHIFT;
        n -= wr_unwind_set(at) == wr_unwind_set(pc);
    }
    return at;
}

static wr_unwind_word
some_word(int32_t cfa)
{
    row.cfa_argument = cfa;
    return wr_unwind_condense(&code, &row, 1);
}

static uintptr_t
kept_cfa(uintptr_t pc)
{
    return wr_unwind_word_cfa(wr_unwind_cache_get(pc));
}

START_TEST(what_was_put_is_got_and_nothing_else)
{
    uintptr_t pc = 0x7f1234567890;

    ck_assert_uint_eq(wr_unwind_cache_get(pc), 0);
    ck_assert_uint_eq(wr_unwind_cache_put(pc, some_word(64)),
                      wr_unwind_cache_get(pc));
    ck_assert_uint_eq(kept_cfa(pc), 64);
    for (unsigned bit = WR_FRAME_PC_SHIFT; bit < WR_FRAME_PC_BITS; bit++)
        ck_assert_uint_eq(wr_unwind_cache_get(pc ^ (uintptr_t)1 << bit), 0);
}
END_TEST

START_TEST(two_sites_share_a_set_and_the_oldest_gives_way)
{
    uintptr_t pc = 0x7f1234567890, second = neighbour(pc, 1);
    uintptr_t third = neighbour(pc, 2);

    wr_unwind_cache_put(pc, some_word(64));
    wr_unwind_cache_put(second, some_word(128));
    ck_assert_uint_eq(kept_cfa(pc), 64);
    ck_assert_uint_eq(kept_cfa(second), 128);
    wr_unwind_cache_put(third, some_word(192));
    ck_assert_uint_eq(kept_cfa(third), 192);
    ck_assert_uint_eq(kept_cfa(second), 128);
    ck_assert_uint_eq(wr_unwind_cache_get(pc), 0);
}
END_TEST

START_TEST(the_newest_word_of_a_site_counts)
{
    uintptr_t pc = 0x7f1234567890;

    wr_unwind_cache_put(pc, some_word(64));
    wr_unwind_cache_put(pc, some_word(128));
    ck_assert_uint_eq(kept_cfa(pc), 128);
    wr_unwind_cache_put(neighbour(pc, 1), some_word(192));
    ck_assert_uint_eq(kept_cfa(pc), 128);
}
END_TEST

START_TEST(code_at_equal_distances_does_not_meet)
{
    _Atomic wr_unwind_word *first = wr_unwind_set(0x7f1234567890);
    unsigned meetings = 0;

    for (uintptr_t i = 1; i < 64; i++)
        meetings += wr_unwind_set(0x7f1234567890 + i * step) == first;
    ck_assert_uint_eq(meetings, 0);
}
END_TEST

START_TEST(addresses_too_high_are_not_kept)
{
    uintptr_t pc = (uintptr_t)1 << WR_FRAME_PC_BITS | 0x4000;

    ck_assert_uint_ne(wr_unwind_cache_put(pc, some_word(64)), 0);
    ck_assert_uint_eq(wr_unwind_cache_get(pc), 0);
    ck_assert_uint_eq(wr_unwind_cache_get(UINTPTR_MAX), 0);
    pc = ((uintptr_t)1 << WR_FRAME_PC_BITS) - 64;
    wr_unwind_cache_put(pc, some_word(64));
    ck_assert_uint_eq(kept_cfa(pc), 64);
}
END_TEST

START_TEST(clearing_forgets_everything)
{
    srandom(5);
    for (int i = 0; i < 1000; i++)
        wr_unwind_cache_put(((uintptr_t)random() << 8) + 4096, some_word(64));
    wr_unwind_cache_clear();
    srandom(5);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_eq(
            wr_unwind_cache_get(((uintptr_t)random() << 8) + 4096), 0);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("condensed rules");
    TCase *t = tcase_create("cache");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, a_frame_on_the_stack_pointer_condenses);
    tcase_add_test(t, a_frame_on_the_frame_pointer_condenses);
    tcase_add_test(t, a_frame_pointer_that_stayed_is_kept);
    tcase_add_test(t, a_lost_return_address_is_the_outermost_frame);
    tcase_add_test(t, the_largest_frame_that_fits_keeps_its_size);
    tcase_add_test(t, odd_and_negative_frames_need_all_registers);
    tcase_add_test(t, what_lies_below_the_stack_pointer_needs_all_registers);
    tcase_add_test(t, another_base_needs_all_registers);
    tcase_add_test(t, a_signal_trampoline_needs_all_registers);
    tcase_add_test(t, other_rules_for_what_a_walk_follows_need_all_registers);
    tcase_add_test(t, a_kept_return_address_needs_all_registers);
    tcase_add_test(t, rules_of_other_registers_do_not_matter);
    tcase_add_test(t, a_frame_pointer_far_away_or_askew_needs_all_registers);
    tcase_add_test(t, a_realigned_frame_condenses);
    tcase_add_test(t, other_expressions_need_all_registers);
    tcase_add_test(t, what_was_put_is_got_and_nothing_else);
    tcase_add_test(t, two_sites_share_a_set_and_the_oldest_gives_way);
    tcase_add_test(t, the_newest_word_of_a_site_counts);
    tcase_add_test(t, code_at_equal_distances_does_not_meet);
    tcase_add_test(t, addresses_too_high_are_not_kept);
    tcase_add_test(t, clearing_forgets_everything);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
