/* Lists of spans, and the page map on addresses where nothing is. */
#include "unit.h"

#include "heap/span.h"
#include "os/os.h"

/* ---- lists ---- */

enum { SPANS = 12 };

static struct wr_span span[SPANS];

static void
init_spans(void)
{
    for (int i = 0; i < SPANS; i++)
        span[i].prev = &span[i];
}

static void
assert_list(const struct wr_span_list *l, const int *order, uint32_t n)
{
    struct wr_span *s = l->first, *before = NULL;

    ck_assert_uint_eq(l->length, n);
    for (uint32_t i = 0; i < n; i++) {
        ck_assert_ptr_eq(s, &span[order[i]]);
        ck_assert_ptr_eq(s->prev, before);
        ck_assert(wr_span_listed(s));
        before = s;
        s = s->next;
    }
    ck_assert_ptr_null(s);
    ck_assert_ptr_eq(l->last, before);
}

START_TEST(a_span_is_in_no_list_at_first_and_after_removal)
{
    struct wr_span_list l = {NULL, NULL, 0};

    init_spans();
    ck_assert(!wr_span_listed(&span[0]));
    wr_span_list_append(&l, &span[0]);
    ck_assert(wr_span_listed(&span[0]));
    wr_span_list_remove(&l, &span[0]);
    ck_assert(!wr_span_listed(&span[0]));
    assert_list(&l, NULL, 0);
}
END_TEST

START_TEST(append_goes_to_the_end_and_push_to_the_front)
{
    struct wr_span_list l = {NULL, NULL, 0};

    init_spans();
    wr_span_list_append(&l, &span[1]);
    wr_span_list_append(&l, &span[2]);
    wr_span_list_push(&l, &span[0]);
    assert_list(&l, (int[]){0, 1, 2}, 3);
}
END_TEST

START_TEST(lists_do_as_an_array_would)
{
    uint64_t chance = unit_seed("lists");
    struct wr_span_list l = {NULL, NULL, 0};
    int order[SPANS];
    uint32_t n = 0;

    init_spans();
    for (int step = 0; step < 5000; step++) {
        int who = (int)unit_below(&chance, SPANS);
        uint32_t at = 0;

        while (at < n && order[at] != who)
            at++;
        if (at < n) {
            wr_span_list_remove(&l, &span[who]);
            memmove(order + at, order + at + 1, (n - at - 1) * sizeof *order);
            n--;
        } else if (unit_below(&chance, 2) == 0) {
            wr_span_list_append(&l, &span[who]);
            order[n++] = who;
        } else {
            wr_span_list_push(&l, &span[who]);
            memmove(order + 1, order, n * sizeof *order);
            order[0] = who;
            n++;
        }
        assert_list(&l, order, n);
    }
}
END_TEST

/* ---- the page map ---- */

#define WINDOW ((uintptr_t)1 << WR_WINDOW_SHIFT)
#define AREA   ((uintptr_t)0x100000000000) /* no memory needs to be there */

static struct wr_span *
at(uintptr_t a)
{
    return wr_span_of((void *)a);
}

START_TEST(addresses_nobody_covered_have_no_span)
{
    ck_assert_ptr_null(wr_span_of(NULL));
    ck_assert_ptr_null(at(AREA));
    ck_assert_ptr_null(at(UINTPTR_MAX));
    ck_assert_ptr_null(at((uintptr_t)1 << 48));
    ck_assert_ptr_null(at(((uintptr_t)1 << 48) - 1));
    ck_assert_ptr_null(at(AREA | (uintptr_t)1 << 63));
}
END_TEST

START_TEST(windows_are_made_for_the_range_and_no_more)
{
    size_t i = AREA >> WR_WINDOW_SHIFT;

    ck_assert(wr_pagemap_cover(AREA + WINDOW / 2, AREA + 3 * WINDOW));
    ck_assert_ptr_null(wr_windows[i - 1].entry);
    for (size_t k = 0; k < 3; k++)
        ck_assert_ptr_nonnull(wr_windows[i + k].entry);
    ck_assert_ptr_null(wr_windows[i + 3].entry);
    ck_assert(wr_pagemap_cover(AREA + WINDOW, AREA + 3 * WINDOW + 1));
    ck_assert_ptr_nonnull(wr_windows[i + 3].entry);
}
END_TEST

/* Pages that are walked are those that were covered. */
START_TEST(a_window_knows_what_was_covered_of_it)
{
    struct wr_window *w = &wr_windows[AREA >> WR_WINDOW_SHIFT];

    ck_assert(wr_pagemap_cover(AREA + 5 * WR_PAGE_BYTES, AREA + 65536));
    ck_assert_uint_eq(w->first, 5);
    ck_assert_uint_eq(w->end, 8);
    ck_assert(wr_pagemap_cover(AREA + WINDOW - 1, AREA + WINDOW + 1));
    ck_assert_uint_eq(w->first, 5);
    ck_assert_uint_eq(w->end, WR_WINDOW_PAGES);
    ck_assert_uint_eq(w[1].first, 0);
    ck_assert_uint_eq(w[1].end, 1);
}
END_TEST

/* Addresses on both sides of the near windows' ends, above and below. */
START_TEST(near_and_far_pages_are_found_alike)
{
    uintptr_t near = AREA - 23 * WINDOW, end = near + 32 * WINDOW;
    uintptr_t a[] = {
        near - WINDOW, near - WR_PAGE_BYTES, near, AREA, end - WR_PAGE_BYTES,
        end,           end + 100 * WINDOW};

    ck_assert(wr_pagemap_cover(AREA, AREA + 1)); /* chooses what is near */
    ck_assert_uint_eq(wr_near.base, near);
    for (size_t i = 0; i < wr_countof(a); i++) {
        ck_assert(wr_pagemap_cover(a[i], a[i] + WR_PAGE_BYTES));
        ck_assert_ptr_null(at(a[i]));
        wr_pagemap_set(a[i], 1, &span[i]);
    }
    for (size_t i = 0; i < wr_countof(a); i++) {
        bool is_near = a[i] >= near && a[i] < end;
        intptr_t *entry = wr_windows[a[i] >> WR_WINDOW_SHIFT].entry;

        ck_assert_ptr_eq(at(a[i]), &span[i]);
        ck_assert_ptr_eq(at(a[i] + WR_PAGE_BYTES - 1), &span[i]);
        ck_assert(is_near == (entry >= wr_near.entry &&
                              entry < wr_near.entry + WR_NEAR_PAGES));
    }
}
END_TEST

/* free looks there without a test of its own. */
START_TEST(nobody_owns_what_an_empty_entry_leads_to)
{
    struct wr_span *s = wr_entry_span(0);

    ck_assert_ptr_eq(s, wr_near.nobody);
    ck_assert_uint_eq(atomic_load(&s->owner), 0);
    ck_assert(wr_pagemap_cover(AREA, AREA + WINDOW));
    wr_pagemap_set(AREA, 100, &span[0]);
    ck_assert_uint_eq(atomic_load(&s->owner), 0);
}
END_TEST

START_TEST(covering_again_changes_nothing)
{
    ck_assert(wr_pagemap_cover(AREA, AREA + WINDOW));
    wr_pagemap_set(AREA, 3, &span[0]);
    ck_assert(wr_pagemap_cover(AREA, AREA + WINDOW));
    ck_assert_ptr_eq(at(AREA), &span[0]);
}
END_TEST

START_TEST(without_memory_nothing_is_covered_and_it_can_be_tried_again)
{
    wr_os_fail_after(2, false);
    ck_assert(!wr_pagemap_cover(AREA, AREA + 3 * WINDOW));
    ck_assert_ptr_null(at(AREA + WINDOW));
    ck_assert(wr_pagemap_cover(AREA, AREA + 3 * WINDOW));
}
END_TEST

START_TEST(all_addresses_of_a_span_lead_to_it_over_the_border_of_windows)
{
    uintptr_t base = AREA + WINDOW - 3 * WR_PAGE_BYTES;
    uintptr_t end = base + 7 * WR_PAGE_BYTES;

    ck_assert(wr_pagemap_cover(base - WINDOW / 2, end + WINDOW / 2));
    wr_pagemap_set(base, 7, &span[0]);
    for (uintptr_t a = base; a < end; a += 512) {
        ck_assert_ptr_eq(at(a), &span[0]);
        ck_assert_ptr_eq(at(a + 511), &span[0]);
    }
    ck_assert_ptr_null(at(base - 1));
    ck_assert_ptr_null(at(end));
    for (unsigned bit = 48; bit < 64; bit++) /* no address of memory */
        ck_assert_ptr_null(at(base | (uintptr_t)1 << bit));
    wr_pagemap_set(base + 2 * WR_PAGE_BYTES, 2, NULL);
    ck_assert_ptr_null(at(base + 3 * WR_PAGE_BYTES));
    ck_assert_ptr_eq(at(end - 1), &span[0]);
    ck_assert_ptr_eq(at(base), &span[0]);
}
END_TEST

/* ---- released bits, against an array of bytes ---- */

enum { PAGES = 2 * 8192 }; /* around the border of two windows */

static bool released[PAGES];

static uintptr_t
address(size_t page)
{
    return AREA + WINDOW - PAGES / 2 * WR_PAGE_BYTES + page * WR_PAGE_BYTES;
}

static size_t
count_released(size_t page, size_t pages)
{
    size_t n = 0;

    for (size_t i = page; i < page + pages; i++)
        n += released[i];
    return n;
}

static void
assert_resident(size_t page, size_t end)
{
    size_t start, n;
    uintptr_t got;

    for (start = page; start < end && released[start]; start++)
        ;
    for (n = 0; start + n < end && !released[start + n]; n++)
        ;
    ck_assert_uint_eq(wr_pagemap_resident(address(page), address(end), &got),
                      n);
    if (n != 0)
        ck_assert_uint_eq(got, address(start));
}

static void
mark(size_t page, size_t pages, bool yes)
{
    wr_pagemap_mark_released(address(page), pages, yes);
    memset(released + page, yes, pages);
}

START_TEST(released_bits_are_right_at_words_and_windows)
{
    static const size_t edges[] = {0,    1,    63,   64,   65,   127,  128,
                                   8128, 8191, 8192, 8193, 8255, 8256, PAGES};
    enum { EDGES = sizeof edges / sizeof *edges };

    ck_assert(wr_pagemap_cover(address(0), address(PAGES)));
    for (size_t i = 0; i < EDGES; i++)
        for (size_t k = i + 1; k < EDGES; k++) {
            size_t from = edges[i], pages = edges[k] - from;

            mark(from, pages, true);
            ck_assert_uint_eq(wr_pagemap_released(address(0), PAGES), pages);
            ck_assert_uint_eq(wr_pagemap_released(address(from), pages), pages);
            assert_resident(0, PAGES);
            assert_resident(from, PAGES);
            mark(from, pages, false);
            ck_assert_uint_eq(wr_pagemap_released(address(0), PAGES), 0);
        }
}
END_TEST

START_TEST(released_bits_do_as_an_array_would)
{
    uint64_t chance = unit_seed("released");

    ck_assert(wr_pagemap_cover(address(0), address(PAGES)));
    for (int step = 0; step < 3000; step++) {
        size_t page = unit_below(&chance, PAGES);
        size_t most = unit_below(&chance, 4) == 0 ? PAGES : 150;
        size_t pages = wr_min(1 + unit_below(&chance, most), PAGES - page);
        size_t from = unit_below(&chance, PAGES);

        mark(page, pages, unit_below(&chance, 2) == 0);
        ck_assert_uint_eq(wr_pagemap_released(address(from), PAGES - from),
                          count_released(from, PAGES - from));
        ck_assert_uint_eq(wr_pagemap_released(address(page), pages),
                          count_released(page, pages));
        assert_resident(from, PAGES);
        assert_resident(wr_min(from, page), wr_max(from, page));
    }
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("heap/span");
    TCase *t = tcase_create("span");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_span_is_in_no_list_at_first_and_after_removal);
    tcase_add_test(t, append_goes_to_the_end_and_push_to_the_front);
    tcase_add_test(t, lists_do_as_an_array_would);
    tcase_add_test(t, addresses_nobody_covered_have_no_span);
    tcase_add_test(t, windows_are_made_for_the_range_and_no_more);
    tcase_add_test(t, a_window_knows_what_was_covered_of_it);
    tcase_add_test(t, near_and_far_pages_are_found_alike);
    tcase_add_test(t, nobody_owns_what_an_empty_entry_leads_to);
    tcase_add_test(t, covering_again_changes_nothing);
    tcase_add_test(t,
                   without_memory_nothing_is_covered_and_it_can_be_tried_again);
    tcase_add_test(
        t, all_addresses_of_a_span_lead_to_it_over_the_border_of_windows);
    tcase_add_test(t, released_bits_are_right_at_words_and_windows);
    tcase_add_test(t, released_bits_do_as_an_array_would);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
