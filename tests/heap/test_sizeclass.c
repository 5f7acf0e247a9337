/* The table of size classes, derived anew from the rules in sizeclass.h. */
#include "unit.h"

#include "base/base.h"
#include "heap/span.h"

/* Multiples of 16 to 128, then eight steps to each doubling. */
static uint32_t
size_after(uint32_t size)
{
    return size < 128 ? size + 16 : size + (1u << wr_log2(size)) / 8;
}

START_TEST(sizes_follow_the_rule)
{
    uint32_t size = 0;

    for (unsigned i = 1; i < WR_CLASSES; i++) {
        size = size_after(size);
        ck_assert_uint_eq(wr_class[i].bytes, size);
    }
    ck_assert_uint_eq(size, WR_SMALL_MAX);
    ck_assert_uint_eq(wr_class[0].bytes, 0);
}
END_TEST

START_TEST(a_size_gets_the_smallest_class_that_holds_it)
{
    unsigned class_id = 1;

    for (size_t n = 0; n <= WR_SMALL_MAX; n++) {
        if (n > wr_class[class_id].bytes)
            class_id++;
        ck_assert_uint_eq(wr_class_of(n), class_id);
        if (n > 128)
            ck_assert_uint_le((wr_class[class_id].bytes - n) * 8, n);
    }
    ck_assert_uint_eq(class_id, WR_CLASSES - 1);
}
END_TEST

START_TEST(a_span_holds_as_many_blocks_as_fit_and_wastes_an_eighth_at_most)
{
    for (unsigned i = 1; i < WR_CLASSES; i++) {
        const struct wr_class *c = &wr_class[i];
        size_t span = c->pages * WR_PAGE_BYTES;
        size_t rest = span - (size_t)c->blocks * c->bytes;

        ck_assert_uint_eq(c->blocks, span / c->bytes);
        ck_assert_uint_le(c->blocks, WR_SPAN_BLOCKS_MAX);
        ck_assert_uint_le(rest * 8, span);
        /* No page is there for nothing. */
        ck_assert_uint_lt(rest, WR_PAGE_BYTES);
    }
}
END_TEST

START_TEST(groups_are_as_long_as_the_rules_say)
{
    for (unsigned i = 1; i < WR_CLASSES; i++) {
        const struct wr_class *c = &wr_class[i];
        unsigned most = c->bytes > 16384  ? 2
                        : c->bytes > 4096 ? 4
                        : c->bytes > 1024 ? 8
                        : c->bytes > 512  ? 32
                                          : 64;

        ck_assert_uint_eq(c->group, most);
        ck_assert_uint_le(most * c->bytes, 65536);
    }
}
END_TEST

START_TEST(blocks_are_aligned_to_16)
{
    for (unsigned i = 1; i < WR_CLASSES; i++)
        ck_assert_uint_eq(wr_class[i].bytes % 16, 0);
}
END_TEST

START_TEST(magic_is_the_inverse_rounded_up)
{
    for (unsigned i = 1; i < WR_CLASSES; i++)
        ck_assert_uint_eq(wr_class[i].magic,
                          ((UINT64_C(1) << 32) + wr_class[i].bytes - 1) /
                              wr_class[i].bytes);
}
END_TEST

/* Every offset of every class, also behind the last block. */
START_TEST(one_multiplication_divides_exactly)
{
    for (unsigned i = 1; i < WR_CLASSES; i++) {
        const struct wr_class *c = &wr_class[i];
        struct wr_span s = {.base = 0x7f0000002000,
                            .class_id = (uint8_t)i,
                            .inverse = c->inverse,
                            .shift = c->shift,
                            .blocks = c->blocks};
        size_t span = c->pages * WR_PAGE_BYTES;

        for (size_t offset = 0; offset < span; offset++) {
            bool exact;
            unsigned block =
                wr_span_block_of(&s, (void *)(s.base + offset), &exact);

            if (block != offset / c->bytes || exact != (offset % c->bytes == 0))
                ck_abort_msg("offset %zu of class %u: block %u", offset, i,
                             block);
        }
    }
}
END_TEST

START_TEST(inverse_is_that_of_the_odd_part)
{
    for (unsigned i = 1; i < WR_CLASSES; i++) {
        uint64_t odd = wr_class[i].bytes >> wr_class[i].shift;

        ck_assert_uint_eq(odd % 2, 1);
        ck_assert_uint_eq(odd << wr_class[i].shift, wr_class[i].bytes);
        ck_assert_uint_eq(odd * wr_class[i].inverse, 1);
    }
}
END_TEST

/* Of the span, of the pages before and behind it, and of what lies so far
 * away that its page has the same place in the near page map. */
START_TEST(only_the_start_of_a_block_has_its_number)
{
    for (unsigned i = 1; i < WR_CLASSES; i++) {
        const struct wr_class *c = &wr_class[i];
        struct wr_span s = {.base = 0x7f0000002000,
                            .inverse = c->inverse,
                            .shift = c->shift,
                            .blocks = c->blocks};
        int64_t span = c->pages * (int64_t)WR_PAGE_BYTES;
        int64_t far = (int64_t)WR_NEAR_PAGES << WR_PAGE_SHIFT;

        for (int64_t turn = -1; turn <= 1; turn++)
            for (int64_t at = -span; at < 2 * span; at++) {
                int64_t offset = at + turn * far;
                uint64_t n = wr_span_exact_block(
                    &s, (void *)(s.base + (uintptr_t)offset));
                bool is = offset >= 0 && offset % c->bytes == 0 &&
                          offset / c->bytes < c->blocks;

                if (is ? n != (uint64_t)offset / c->bytes : n < c->blocks)
                    ck_abort_msg("offset %ld of class %u: block %lu",
                                 (long)offset, i, (unsigned long)n);
            }
    }
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("heap/sizeclass");
    TCase *t = tcase_create("sizeclass");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, sizes_follow_the_rule);
    tcase_add_test(t, a_size_gets_the_smallest_class_that_holds_it);
    tcase_add_test(
        t, a_span_holds_as_many_blocks_as_fit_and_wastes_an_eighth_at_most);
    tcase_add_test(t, groups_are_as_long_as_the_rules_say);
    tcase_add_test(t, blocks_are_aligned_to_16);
    tcase_add_test(t, magic_is_the_inverse_rounded_up);
    tcase_add_test(t, one_multiplication_divides_exactly);
    tcase_add_test(t, inverse_is_that_of_the_odd_part);
    tcase_add_test(t, only_the_start_of_a_block_has_its_number);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
