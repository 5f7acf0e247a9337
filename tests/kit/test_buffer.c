/* Buffers against a plain array of bytes. */
#include "unit.h"

#include <weir/buffer.h>

#include "kit/allocs.h"

/* What must hold after every operation. */
static void
check(const struct weir_buffer *b, const char *model, size_t len)
{
    ck_assert_uint_eq(b->len, len);
    ck_assert(memcmp(weir_buffer_text(b), model, len) == 0);
    ck_assert_int_eq(weir_buffer_text(b)[len], '\0');
}

START_TEST(a_buffer_holds_what_was_added)
{
    static char model[100000];
    uint64_t chance = unit_seed("buffer");
    struct weir_buffer b = {0};
    size_t len = 0;

    check(&b, "", 0);
    for (int step = 0; step < 5000; step++) {
        char piece[300];
        size_t n = unit_below(&chance, sizeof piece);

        memset(piece, (int)unit_below(&chance, 256), sizeof piece);
        switch (unit_below(&chance, 8)) {
        case 0:
            ck_assert_int_eq(weir_buffer_add(&b, piece, n), WEIR_OK);
            memcpy(model + len, piece, n);
            len += n;
            break;
        case 1:
            weir_buffer_printf(&b, "%0*d|%s", (int)n, step, "x");
            len += (size_t)sprintf(model + len, "%0*d|%s", (int)n, step, "x");
            break;
        case 2:
            weir_buffer_add_byte(&b, piece[0]);
            model[len++] = piece[0];
            break;
        case 3:
            weir_buffer_add_int(&b, step - 2500);
            len += (size_t)sprintf(model + len, "%d", step - 2500);
            break;
        case 4:
            weir_buffer_drop(&b, n);
            n = n < len ? n : len;
            memmove(model, model + n, len -= n);
            break;
        case 5:
            weir_buffer_cut(&b, n * 4);
            len = n * 4 < len ? n * 4 : len;
            break;
        case 6:
            ck_assert_int_eq(weir_buffer_reserve(&b, n), WEIR_OK);
            ck_assert_uint_gt(b.cap - b.len, n);
            break;
        case 7:
            weir_buffer_add_text(&b, "text");
            memcpy(model + len, "text", 4);
            len += 4;
            break;
        }
        check(&b, model, len);
    }
    weir_buffer_free(&b);
    check(&b, "", 0);
}
END_TEST

START_TEST(numbers_are_written_to_their_ends)
{
    struct weir_buffer b = {0};

    weir_buffer_add_int(&b, INT64_MIN);
    weir_buffer_add_byte(&b, ' ');
    weir_buffer_add_int(&b, INT64_MAX);
    weir_buffer_add_byte(&b, ' ');
    weir_buffer_add_int(&b, 0);
    ck_assert_str_eq(weir_buffer_text(&b),
                     "-9223372036854775808 9223372036854775807 0");
    weir_buffer_free(&b);
}
END_TEST

START_TEST(detaching_gives_the_block_itself)
{
    struct allocs from;
    struct weir_buffer b;
    const char *at;
    char *text;
    size_t bytes;

    allocs_init(&from);
    b = (struct weir_buffer){.alloc = &from.alloc};
    weir_buffer_add_text(&b, "a text");
    at = weir_buffer_text(&b);
    text = weir_buffer_detach(&b, &bytes);
    ck_assert_ptr_eq(text, at);
    ck_assert_str_eq(text, "a text");
    ck_assert_int_eq(from.held, (int64_t)bytes);
    check(&b, "", 0);
    weir_alloc_resize(&from.alloc, text, bytes, 0);
    text = weir_buffer_detach(&b, NULL);
    ck_assert_str_eq(text, "");
    free(text);
    from = (struct allocs){.alloc = from.alloc};
    weir_buffer_add_text(&b, "used again");
    weir_buffer_free(&b);
    ck_assert_int_eq(from.held, 0);
}
END_TEST

START_TEST(who_reserves_copies_nothing)
{
    struct allocs from;
    struct weir_buffer b;

    allocs_init(&from);
    b = (struct weir_buffer){.alloc = &from.alloc};
    weir_buffer_reserve(&b, 4000);
    for (int i = 0; i < 1000; i++)
        weir_buffer_add_text(&b, "four");
    ck_assert_int_eq(from.calls, 1);
    weir_buffer_reset(&b);
    for (int i = 0; i < 400; i++)
        weir_buffer_printf(&b, "%s", "ten bytes!");
    ck_assert_int_eq(from.calls, 1);
    weir_buffer_free(&b);
    ck_assert_int_eq(from.held, 0);
}
END_TEST

START_TEST(an_error_sticks_until_the_reset_and_leaves_no_hole)
{
    struct allocs from;
    struct weir_buffer b;

    allocs_init(&from);
    b = (struct weir_buffer){.alloc = &from.alloc};
    weir_buffer_reserve(&b, 100);
    weir_buffer_add_text(&b, "before");
    from.refuse = true;
    ck_assert_int_eq(weir_buffer_add(&b, (char[500]){0}, 500), WEIR_ENOMEM);
    from.refuse = false;
    ck_assert_int_eq(weir_buffer_add_text(&b, "after"), WEIR_ENOMEM);
    ck_assert_int_eq(weir_buffer_printf(&b, "%d", 5), WEIR_ENOMEM);
    ck_assert_int_eq(weir_buffer_add_byte(&b, 'x'), WEIR_ENOMEM);
    check(&b, "before", 6);
    ck_assert_int_eq(b.err, WEIR_ENOMEM);
    ck_assert_ptr_null(weir_buffer_detach(&b, NULL));
    weir_buffer_cut(&b, 2);
    ck_assert_int_eq(weir_buffer_add_byte(&b, 'x'), WEIR_ENOMEM);
    check(&b, "be", 2);
    weir_buffer_reset(&b);
    ck_assert_int_eq(weir_buffer_add_text(&b, "anew"), WEIR_OK);
    check(&b, "anew", 4);
    ck_assert_int_eq(weir_buffer_reserve(&b, SIZE_MAX), WEIR_ENOMEM);
    weir_buffer_free(&b);
    ck_assert_int_eq(from.held, 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("kit/buffer");
    TCase *c = tcase_create("buffer");

    tcase_add_test(c, a_buffer_holds_what_was_added);
    tcase_add_test(c, numbers_are_written_to_their_ends);
    tcase_add_test(c, detaching_gives_the_block_itself);
    tcase_add_test(c, who_reserves_copies_nothing);
    tcase_add_test(c, an_error_sticks_until_the_reset_and_leaves_no_hole);
    suite_add_tcase(s, c);
    return unit_main(s);
}
