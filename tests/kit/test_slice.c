/* Slices against plain arrays, and Go's rule of growth. */
#include "unit.h"

#include <weir/slice.h>

#include "kit/allocs.h"
#include "kit/grow.h"

WEIR_SLICE(ints, int);

struct wide {
    char bytes[24];
};
WEIR_SLICE(wides, struct wide);

START_TEST(growth_is_gos)
{
    ck_assert_uint_eq(wr_kit_grow(0, 1, 8), 2);  /* a block of 16 */
    ck_assert_uint_eq(wr_kit_grow(4, 5, 8), 8);  /* twice */
    ck_assert_uint_eq(wr_kit_grow(4, 9, 8), 10); /* what is needed: 80 */
    ck_assert_uint_eq(wr_kit_grow(128, 129, 8), 256);
    ck_assert_uint_eq(wr_kit_grow(256, 257, 8), 512); /* (256 + 768) / 4 */
    ck_assert_uint_eq(wr_kit_grow(512, 513, 8), 832); /* Go says 848 */
    ck_assert_uint_eq(wr_kit_grow(1 << 20, (1 << 20) + 1, 8), 1311232);
    ck_assert_uint_eq(wr_kit_grow(0, SIZE_MAX / 8, 8), 0);
    ck_assert_uint_eq(wr_kit_grow(0, SIZE_MAX, 1), 0);
}
END_TEST

/* A slice and an array that must be alike, through random operations. */
static void
random_operations(struct ints *s, uint64_t *chance)
{
    static int model[40000];
    size_t len = 0;

    for (int step = 0; step < 3000; step++) {
        int some[100];
        size_t n = unit_below(chance, 100);

        switch (unit_below(chance, 8)) {
        default:
            ck_assert_int_eq(ints_append(s, step), WEIR_OK);
            model[len++] = step;
            break;
        case 0:
            for (size_t i = 0; i < n; i++)
                some[i] = (int)(unit_chance(chance) & 0xffff);
            ck_assert_int_eq(ints_append_all(s, some, n), WEIR_OK);
            memcpy(model + len, some, n * sizeof *some);
            len += n;
            break;
        case 1:
            ck_assert_int_eq(ints_reserve(s, n), WEIR_OK);
            ck_assert_uint_ge((size_t)s->cap, len + n);
            break;
        case 2:
            ints_clip(s);
            ck_assert_uint_eq((size_t)s->cap, len);
            break;
        }
        if (len > sizeof model / sizeof *model - 200 ||
            unit_below(chance, 400) == 0) {
            ints_reset(s);
            len = 0;
        }
        ck_assert_uint_eq(s->len, len);
        ck_assert(len == 0 || memcmp(s->at, model, len * sizeof *model) == 0);
    }
}

START_TEST(a_slice_holds_what_was_appended)
{
    uint64_t chance = unit_seed("slice");
    struct allocs from;
    struct ints s;

    allocs_init(&from);
    s = (struct ints){.alloc = &from.alloc};
    random_operations(&s, &chance);
    ints_free(&s);
    ck_assert_int_eq(from.held, 0);
    ck_assert_int_eq(from.blocks, 0);
    random_operations(&s, &chance); /* it may be used again */
    ints_free(&s);
    ck_assert_int_eq(from.held, 0);
}
END_TEST

START_TEST(who_reserves_copies_nothing)
{
    struct allocs from;
    struct ints s;

    allocs_init(&from);
    s = (struct ints){.alloc = &from.alloc};
    ck_assert_int_eq(ints_reserve(&s, 100000), WEIR_OK);
    for (int i = 0; i < 100000; i++)
        ints_append(&s, i);
    ck_assert_int_eq(from.calls, 1);
    ints_free(&s);
    for (int i = 0; i < 100000; i++)
        ints_append(&s, i);
    ck_assert_int_gt(from.calls, 20);
    ints_free(&s);
}
END_TEST

START_TEST(appending_to_a_part_does_not_write_into_the_whole)
{
    struct allocs from;
    struct ints s, part, copy;

    allocs_init(&from);
    s = (struct ints){.alloc = &from.alloc};
    for (int i = 0; i < 100; i++)
        ints_append(&s, i);
    part = ints_slice(&s, 10, 20);
    ck_assert_ptr_eq(part.at, s.at + 10);
    ck_assert_uint_eq(part.len, 10);
    ck_assert_int_eq(ints_append(&part, -1), WEIR_OK);
    ck_assert_ptr_ne(part.at, s.at + 10);
    ck_assert_int_eq(part.at[9], 19);
    ck_assert_int_eq(part.at[10], -1);
    ck_assert_int_eq(s.at[20], 20);
    ck_assert_int_eq(ints_copy(&s, 98, 100, &copy), WEIR_OK);
    ints_free(&s);
    ck_assert_int_eq(copy.at[1], 99);
    ck_assert_int_le(copy.cap, 4);
    ints_free(&copy);
    ints_free(&part);
    ck_assert_int_eq(from.held, 0);
}
END_TEST

/* Which is how a search for who keeps an array knows a part of it. */
START_TEST(a_part_says_of_how_many_items_it_is_one)
{
    struct ints s = {0}, part, none, own;

    for (int i = 0; i < 100; i++)
        ints_append(&s, i);
    part = ints_slice(&s, 10, 20);
    ck_assert_int_eq(part.cap, -s.cap);
    part = ints_slice(&part, 2, 4);
    ck_assert_int_eq(part.cap, -s.cap);
    ck_assert_int_eq(part.at[0], 12);
    none = ints_slice(&part, 1, 1);
    ck_assert_int_eq(none.cap, 0);
    ck_assert_ptr_null(none.at);
    own = part;
    ck_assert_int_eq(ints_reserve(&own, 0), WEIR_OK);
    ck_assert_int_gt(own.cap, 0);
    ck_assert_int_eq(own.at[1], 13);
    ints_free(&own);
    ints_free(&part);
    ck_assert_int_eq(part.cap, 0);
    ints_free(&s);
}
END_TEST

START_TEST(empty_parts_and_borrowed_ones_free_nothing)
{
    struct allocs from;
    struct wides s, none, part, copy;

    allocs_init(&from);
    s = (struct wides){.alloc = &from.alloc};
    none = wides_slice(&s, 0, 0);
    wides_free(&none);
    ck_assert_int_eq(wides_copy(&s, 0, 0, &copy), WEIR_OK);
    wides_free(&copy);
    wides_append(&s, (struct wide){"a wide item"});
    part = wides_slice(&s, 0, 1);
    wides_free(&part);
    wides_clip(&part);
    ck_assert_str_eq(s.at[0].bytes, "a wide item");
    wides_reset(&s);
    wides_clip(&s);
    ck_assert_int_eq(from.held, 0);
    wides_free(&s);
    wides_free(&s);
}
END_TEST

START_TEST(without_memory_nothing_has_changed)
{
    struct allocs from;
    struct ints s, part, copy = {0};

    allocs_init(&from);
    s = (struct ints){.alloc = &from.alloc};
    ints_append(&s, 5);
    from.refuse = true;
    while (s.len < (size_t)s.cap)
        ints_append(&s, 5);
    ck_assert_int_eq(ints_append(&s, 6), WEIR_ENOMEM);
    ck_assert_int_eq(ints_append_all(&s, s.at, 2), WEIR_ENOMEM);
    ck_assert_int_eq(ints_reserve(&s, SIZE_MAX), WEIR_ENOMEM);
    ck_assert_int_eq(ints_reserve(&s, SIZE_MAX - 1), WEIR_ENOMEM);
    ck_assert_uint_eq(s.len, (size_t)s.cap);
    ck_assert_int_eq(s.at[s.len - 1], 5);
    part = ints_slice(&s, 0, 2);
    ck_assert_int_eq(ints_append(&part, 6), WEIR_ENOMEM);
    ck_assert_ptr_eq(part.at, s.at);
    ck_assert_int_eq(ints_copy(&s, 0, 2, &copy), WEIR_ENOMEM);
    ck_assert_ptr_null(copy.at);
    ints_free(&s);
    ck_assert_int_eq(from.held, 0);
}
END_TEST

static void
cut_outside(void *slice)
{
    ints_slice(slice, 1, 4);
}

START_TEST(a_part_that_is_not_inside_stops_the_program)
{
    struct ints s = {0};
    struct unit_end end;

    ints_append_all(&s, (int[]){1, 2, 3}, 3);
    end = unit_end_of(cut_outside, &s);
    ck_assert_int_eq(end.signal, SIGABRT);
    ck_assert_str_eq(end.said, "weir slice: no items 1 to 4 in a slice of 3\n");
    ints_free(&s);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("kit/slice");
    TCase *c = tcase_create("slice");

    tcase_add_test(c, growth_is_gos);
    tcase_add_test(c, a_slice_holds_what_was_appended);
    tcase_add_test(c, who_reserves_copies_nothing);
    tcase_add_test(c, appending_to_a_part_does_not_write_into_the_whole);
    tcase_add_test(c, a_part_says_of_how_many_items_it_is_one);
    tcase_add_test(c, empty_parts_and_borrowed_ones_free_nothing);
    tcase_add_test(c, without_memory_nothing_has_changed);
    tcase_add_test(c, a_part_that_is_not_inside_stops_the_program);
    suite_add_tcase(s, c);
    return unit_main(s);
}
