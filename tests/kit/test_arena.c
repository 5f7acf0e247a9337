/* Arenas: blocks, savepoints, and as an allocator of containers. */
#include "unit.h"

#include <weir/arena.h>
#include <weir/slice.h>

#include "kit/allocs.h"

WEIR_SLICE(ints, int);

START_TEST(blocks_are_aligned_and_do_not_overlap)
{
    uint64_t chance = unit_seed("arena");
    struct weir_arena a;
    struct allocs from;
    unsigned char *block[500];
    size_t bytes[500];

    allocs_init(&from);
    weir_arena_init(&a, &from.alloc, 100);
    for (int i = 0; i < 500; i++) {
        bytes[i] = unit_below(&chance, i % 50 == 0 ? 20000 : 100);
        block[i] = weir_arena_take(&a, bytes[i]);
        ck_assert_ptr_nonnull(block[i]);
        ck_assert_uint_eq((uintptr_t)block[i] % 16, 0);
        memset(block[i], i % 251, bytes[i]);
    }
    for (int i = 0; i < 500; i++)
        for (size_t j = 0; j < bytes[i]; j++)
            if (block[i][j] != i % 251)
                ck_abort_msg("block %d is another's too", i);
    ck_assert_int_eq((int64_t)weir_arena_bytes(&a), from.held);
    ck_assert_int_lt(from.calls, 40);
    weir_arena_fini(&a);
    ck_assert_int_eq(from.held, 0);
    ck_assert_int_eq(from.blocks, 0);
}
END_TEST

START_TEST(going_back_frees_what_came_later_and_nothing_else)
{
    struct weir_arena a;
    struct weir_arena_mark outer, inner;
    char *kept, *again;
    size_t bytes;

    weir_arena_init(&a, NULL, 256);
    kept = weir_arena_text(&a, "kept!", 4);
    outer = weir_arena_save(&a);
    weir_arena_take(&a, 100);
    inner = weir_arena_save(&a);
    again = weir_arena_take(&a, 32);
    weir_arena_back(&a, inner);
    ck_assert_ptr_eq(weir_arena_take(&a, 32), again);
    for (int i = 0; i < 1000; i++)
        memset(weir_arena_take(&a, 1000), 1, 1000);
    bytes = weir_arena_bytes(&a);
    weir_arena_back(&a, outer);
    for (int i = 0; i < 1000; i++)
        memset(weir_arena_take(&a, 1000), 1, 1000);
    ck_assert_uint_eq(weir_arena_bytes(&a), bytes);
    ck_assert_str_eq(kept, "kept");
    weir_arena_reset(&a);
    for (int i = 0; i < 1000; i++)
        weir_arena_take(&a, 1000);
    ck_assert_uint_eq(weir_arena_bytes(&a), bytes);
    weir_arena_fini(&a);
}
END_TEST

static void
go_back_twice(void *unused)
{
    struct weir_arena a;
    struct weir_arena_mark first, second;

    (void)unused;
    weir_arena_init(&a, NULL, 0);
    weir_arena_take(&a, 10);
    first = weir_arena_save(&a);
    weir_arena_take(&a, 10000);
    second = weir_arena_save(&a);
    weir_arena_back(&a, first);
    weir_arena_back(&a, second);
}

START_TEST(a_savepoint_that_is_gone_stops_the_program)
{
    struct unit_end end = unit_end_of(go_back_twice, NULL);

    ck_assert_int_eq(end.signal, SIGABRT);
    ck_assert_str_eq(end.said, "weir_arena_back: this savepoint is gone: the "
                               "arena went back behind it already\n");
}
END_TEST

START_TEST(what_cannot_be_had_is_null_and_the_arena_goes_on)
{
    struct weir_arena a;
    struct allocs from;

    allocs_init(&from);
    weir_arena_init(&a, &from.alloc, 1024);
    ck_assert_ptr_nonnull(weir_arena_take(&a, 0));
    ck_assert_ptr_null(weir_arena_take(&a, SIZE_MAX));
    ck_assert_ptr_null(weir_arena_take(&a, SIZE_MAX - 14));
    ck_assert_ptr_null(weir_arena_text(&a, "x", SIZE_MAX));
    from.refuse = true;
    ck_assert_ptr_null(weir_arena_take(&a, 5000));
    ck_assert_ptr_nonnull(weir_arena_take(&a, 500));
    weir_arena_fini(&a);
    ck_assert_int_eq(from.held, 0);
}
END_TEST

START_TEST(the_last_block_of_a_container_grows_where_it_is)
{
    struct weir_arena a;
    struct ints s;
    int *first;

    weir_arena_init(&a, NULL, 1 << 20);
    s = (struct ints){.alloc = weir_arena_alloc(&a)};
    ints_append(&s, 0);
    first = s.at;
    for (int i = 1; i < 10000; i++)
        ints_append(&s, i);
    ck_assert_ptr_eq(s.at, first);
    weir_arena_take(&a, 1);
    for (int i = 10000; i < 20000; i++)
        ints_append(&s, i);
    ck_assert_ptr_ne(s.at, first);
    for (int i = 0; i < 20000; i++)
        if (s.at[i] != i)
            ck_abort_msg("item %d is %d", i, s.at[i]);
    s.len = 10;
    ints_clip(&s);
    ints_free(&s);
    weir_arena_fini(&a);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("kit/arena");
    TCase *c = tcase_create("arena");

    tcase_add_test(c, blocks_are_aligned_and_do_not_overlap);
    tcase_add_test(c, going_back_frees_what_came_later_and_nothing_else);
    tcase_add_test(c, a_savepoint_that_is_gone_stops_the_program);
    tcase_add_test(c, what_cannot_be_had_is_null_and_the_arena_goes_on);
    tcase_add_test(c, the_last_block_of_a_container_grows_where_it_is);
    suite_add_tcase(s, c);
    return unit_main(s);
}
