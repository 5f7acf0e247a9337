/* Addresses that no aligned word holds are found, wherever they stand. */
#include "unit.h"

#include <setjmp.h>

#include "base/base.h"
#include "heap/heap.h"
#include "heap/mheap.h"
#include "mark/mark.h"
#include "mark/marks.h"
#include "mark/odd.h"

/* --- As libc mangles them ------------------------------------------------- */

#if defined(__x86_64__) && defined(__GLIBC__)
START_TEST(a_stack_pointer_that_setjmp_saved_is_seen)
{
    enum { SP = 6 }; /* of __jmpbuf */
    jmp_buf here;
    uintptr_t sp = (uintptr_t)&here, word;
    struct wr_odd odd;

    (void)setjmp(here);
    word = (uintptr_t)here->__jmpbuf[SP];
    wr_odd_start();
    odd = wr_odd_in(sp - 4096, 8192);
    ck_assert(wr_odd_is_mangled(&odd, word));
    ck_assert(!wr_odd_is_mangled(&odd, word ^ UINT64_C(1) << 60));
    ck_assert(!wr_odd_is_mangled(&odd, sp));
}
END_TEST
#endif

/* --- In two words --------------------------------------------------------- */

static bool
finds(const struct wr_odd *odd, uintptr_t word, uintptr_t next, uintptr_t value)
{
    uintptr_t address[WR_ODD_MOST];
    unsigned n = wr_odd_find(odd, word, next, address);
    bool found = false;

    for (unsigned i = 0; i < n; i++)
        found |= address[i] == value;
    ck_assert_msg(n == 0 || wr_odd_may(odd, word, next),
                  "%" PRIxPTR " %" PRIxPTR, word, next);
    return found;
}

static void
find_each(uintptr_t low, uintptr_t bytes, uint64_t *chance)
{
    struct wr_odd odd = wr_odd_in(low, bytes);

    for (unsigned i = 0; i < 20000; i++) {
        uintptr_t value = low + unit_below(chance, bytes);
        unsigned byte = 1 + (unsigned)unit_below(chance, 7);
        uintptr_t words[2] = {unit_chance(chance), unit_chance(chance)};

        memcpy((char *)words + byte, &value, sizeof value);
        ck_assert_msg(finds(&odd, words[0], words[1], value),
                      "%" PRIxPTR " at %u", value, byte);
    }
}

START_TEST(an_address_is_found_at_every_byte)
{
    uint64_t chance = unit_seed("odd");

    find_each((uintptr_t)0x7f3240000000, (uintptr_t)1 << 30, &chance);
    find_each((uintptr_t)0x40000000, (uintptr_t)1 << 30, &chance);
    find_each((uintptr_t)0xff0000000000, (uintptr_t)1 << 35, &chance);
}
END_TEST

START_TEST(so_it_is_where_addresses_differ_in_their_topmost_byte)
{
    uint64_t chance = unit_seed("odd");

    find_each((uintptr_t)0x7effc0000000, (uintptr_t)2 << 30, &chance);
    find_each((uintptr_t)0x7e0000000000, (uintptr_t)3 << 40, &chance);
}
END_TEST

START_TEST(plain_words_hold_no_odd_address)
{
    const uintptr_t low = (uintptr_t)0x7f3240000000, bytes = 1 << 30;
    struct wr_odd odd = wr_odd_in(low, bytes);
    uint64_t chance = unit_seed("odd");
    uintptr_t address[WR_ODD_MOST];

    for (unsigned i = 0; i < 20000; i++) {
        uintptr_t word = low + unit_below(&chance, bytes) / 16 * 16;
        uintptr_t next = unit_below(&chance, 1 << 20);

        ck_assert_uint_eq(wr_odd_find(&odd, word, next, address), 0);
        ck_assert(!wr_odd_is_tagged(&odd, word));
    }
    ck_assert(!wr_odd_may(&odd, 0, 0));
    ck_assert(!wr_odd_may(&odd, low, low));
}
END_TEST

START_TEST(other_bits_above_an_address_are_seen)
{
    const uintptr_t low = (uintptr_t)0x7f3240000000, bytes = 1 << 30;
    struct wr_odd odd = wr_odd_in(low, bytes);

    for (unsigned bit = WR_ODD_BITS; bit < 64; bit++) {
        ck_assert(wr_odd_is_tagged(&odd, low | (uintptr_t)1 << bit));
        ck_assert(
            wr_odd_is_tagged(&odd, (low + bytes - 1) | (uintptr_t)1 << bit));
        ck_assert(!wr_odd_is_tagged(&odd, (low + bytes) | (uintptr_t)1 << bit));
    }
    ck_assert(!wr_odd_is_tagged(&odd, low));
}
END_TEST

/* --- In memory -------------------------------------------------------------
 */

static struct wr_marks *marks, *odd;

/* What a marker finds from here on. */
static void
mark_from(const void *from, size_t bytes)
{
    struct wr_marker *m;

    wr_marks_free(marks);
    wr_marks_free(odd);
    marks = wr_marks_new();
    odd = wr_marks_new();
    ck_assert(marks != NULL && odd != NULL);
    wr_lock_take(&wr_mheap_lock);
    m = wr_marker_new(marks, odd);
    ck_assert_ptr_nonnull(m);
    wr_marker_scan(m, from, (const char *)from + bytes);
    ck_assert(wr_marker_finish(m));
    wr_lock_give(&wr_mheap_lock);
    wr_marker_free(m);
}

static bool
is_odd(const void *p)
{
    return !wr_marks_has_at(marks, (uintptr_t)p) &&
           wr_marks_has_at(odd, (uintptr_t)p);
}

static void
end(void)
{
    wr_marks_free(marks);
    wr_marks_free(odd);
    marks = odd = NULL;
}

static void
find_at(char *block, size_t at, const char *held)
{
    uintptr_t root = (uintptr_t)block;
    const char *inside = held + at % 48;

    memcpy(block + at, &inside, sizeof inside);
    mark_from(&root, sizeof root);
    ck_assert_msg(is_odd(held), "at %zu", at);
    memset(block + at, 0, sizeof held);
}

START_TEST(a_packed_pointer_is_found_wherever_it_stands_in_a_block)
{
    enum { SMALL = 160 };
    char *block = wr_calloc(SMALL), *held = wr_malloc(48);

    for (size_t at = 0; at + sizeof held <= SMALL; at++)
        if (at % sizeof held != 0)
            find_at(block, at, held);
    wr_free(block);
    wr_free(held);
}
END_TEST

/* Large blocks are scanned in pieces. */
START_TEST(so_it_is_in_a_large_block)
{
    enum { PIECE = 128 << 10, LARGE = 5 * PIECE / 2 };
    char *block = wr_calloc(LARGE), *held = wr_malloc(48);

    memset(block, 1, LARGE); /* every page is there */
    for (size_t at = PIECE - 9; at < PIECE + 9; at++)
        if (at % sizeof held != 0) {
            find_at(block, at, held);
            find_at(block, PIECE + at, held);
        }
    find_at(block, LARGE - 9, held);
    wr_free(block);
    wr_free(held);
}
END_TEST

START_TEST(the_end_of_what_is_scanned_is_kept_to)
{
    char *held = wr_malloc(48);
    uintptr_t root[3] = {0, 0, 0};

    memcpy((char *)root + 9, &held, sizeof held);
    mark_from(root, sizeof root);
    ck_assert(is_odd(held));
    mark_from(root, 2 * sizeof *root); /* its highest byte, 0, is left out */
    ck_assert(is_odd(held));
    memcpy((char *)root + 12, &held, sizeof held);
    mark_from(root, 2 * sizeof *root);
    ck_assert(!is_odd(held));
    wr_free(held);
}
END_TEST

START_TEST(a_tagged_pointer_is_found_and_a_freed_block_is_not)
{
    char *held = wr_malloc(48), *freed = wr_malloc(48);
    uintptr_t root[3] = {(uintptr_t)held | (uintptr_t)0x7ff8 << WR_ODD_BITS,
                         (uintptr_t)freed | (uintptr_t)1 << 63};

    wr_free(freed);
    mark_from(root, sizeof root);
    ck_assert(is_odd(held));
    ck_assert(!is_odd(freed));
    wr_free(held);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("odd");
    TCase *t = tcase_create("odd");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, NULL, end);
#if defined(__x86_64__) && defined(__GLIBC__)
    tcase_add_test(t, a_stack_pointer_that_setjmp_saved_is_seen);
#endif
    tcase_add_test(t, an_address_is_found_at_every_byte);
    tcase_add_test(t, so_it_is_where_addresses_differ_in_their_topmost_byte);
    tcase_add_test(t, plain_words_hold_no_odd_address);
    tcase_add_test(t, other_bits_above_an_address_are_seen);
    tcase_add_test(t, a_packed_pointer_is_found_wherever_it_stands_in_a_block);
    tcase_add_test(t, so_it_is_in_a_large_block);
    tcase_add_test(t, the_end_of_what_is_scanned_is_kept_to);
    tcase_add_test(t, a_tagged_pointer_is_found_and_a_freed_block_is_not);
    suite_add_tcase(s, t);
    return unit_main(s);
}
