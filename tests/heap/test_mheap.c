/* The page heap: runs of pages given out, joined, cut and given back. */
#include "unit.h"

#include "heap/mheap.h"
#include "os/os.h"
#include "region/counters.h"

enum { ARENA = 1024, WORDS = 1 };

static struct wr_span *
get(size_t pages)
{
    struct wr_span *s = wr_mheap_alloc(pages, 1, WORDS);

    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->pages, pages);
    return s;
}

static void
give(struct wr_span *s)
{
    wr_mheap_free(s, false);
}

/* A heap with nothing but one free run of ARENA pages: its base. */
static uintptr_t
one_run(void)
{
    struct wr_span *s = get(ARENA);
    uintptr_t base = s->base;

    ck_assert_uint_eq(wr_count_get(heap_idle), 0);
    give(s);
    return base;
}

static void
check(void)
{
    wr_lock_take(&wr_mheap_lock);
    wr_mheap_check();
    wr_lock_give(&wr_mheap_lock);
}

/* The free run that starts there: its pages, 0 when there is none. */
static size_t
run_at(uintptr_t base)
{
    struct wr_span *s = wr_span_of((void *)base);

    if (s == NULL || wr_span_state(s) != WR_SPAN_FREE || s->base != base)
        return 0;
    return s->pages;
}

static uintptr_t
end_of(const struct wr_span *s)
{
    return s->base + wr_span_bytes(s);
}

static bool
is_zero(const struct wr_span *s)
{
    const uint64_t *p = (const void *)s->base;

    for (size_t i = 0; i < wr_span_bytes(s) / sizeof *p; i++)
        if (p[i] != 0)
            return false;
    return true;
}

/* ---- giving out and joining ---- */

START_TEST(a_new_span_covers_its_pages_and_its_memory_is_zero)
{
    struct wr_span *s = wr_mheap_alloc(5, 1, 130);

    ck_assert_uint_eq(s->base % WR_PAGE_BYTES, 0);
    ck_assert_int_eq(wr_span_state(s), WR_SPAN_LARGE);
    ck_assert_uint_eq(s->blocks, 130);
    for (unsigned i = 0; i < 130; i++)
        ck_assert_uint_eq(wr_block_state(s, i), WR_BLOCK_FRESH);
    for (unsigned i = 130; i < 192; i++) /* the rest of the last group */
        ck_assert_uint_eq(wr_block_state(s, i), WR_BLOCK_NONE);
    for (uintptr_t a = s->base; a < end_of(s); a += 1000)
        ck_assert_ptr_eq(wr_span_of((void *)a), s);
    ck_assert(s->zero);
    ck_assert(is_zero(s));
    check();
}
END_TEST

START_TEST(spans_are_cut_from_the_lower_end)
{
    uintptr_t base = one_run();
    struct wr_span *a = get(3), *b = get(2);

    ck_assert_uint_eq(a->base, base);
    ck_assert_uint_eq(b->base, base + 3 * WR_PAGE_BYTES);
    ck_assert_uint_eq(run_at(end_of(b)), ARENA - 5);
    check();
}
END_TEST

START_TEST(a_freed_span_joins_free_neighbours_on_both_sides)
{
    uintptr_t base = one_run();
    struct wr_span *a = get(3), *b = get(200), *c = get(5), *guard = get(1);

    give(a);
    give(c);
    ck_assert_uint_eq(run_at(base), 3);
    give(b);
    ck_assert_uint_eq(run_at(base), 208);
    ck_assert_ptr_null(wr_span_of((void *)(base + 4 * WR_PAGE_BYTES)));
    check();
    give(guard);
    ck_assert_uint_eq(run_at(base), ARENA);
    check();
}
END_TEST

START_TEST(a_freed_span_joins_a_neighbour_on_one_side)
{
    uintptr_t base = one_run();
    struct wr_span *a = get(3), *b = get(4), *c = get(5);

    give(a);
    give(b); /* below */
    ck_assert_uint_eq(run_at(base), 7);
    a = get(3);
    b = get(4);
    give(b);
    give(a); /* above */
    ck_assert_uint_eq(run_at(base), 7);
    check();
    give(c);
    ck_assert_uint_eq(run_at(base), ARENA);
}
END_TEST

/* Free runs of these lengths, each behind a page in use. */
static void
make_runs(const size_t *pages, size_t n, uintptr_t *base)
{
    struct wr_span *s[16];
    size_t left = ARENA;

    (void)one_run();
    for (size_t i = 0; i < n; i++) {
        (void)get(1);
        s[i] = get(pages[i]);
        base[i] = s[i]->base;
        left -= pages[i] + 1;
    }
    (void)get(left);
    ck_assert_uint_eq(wr_count_get(heap_idle), 0);
    for (size_t i = 0; i < n; i++)
        give(s[i]);
}

START_TEST(the_shortest_run_that_fits_is_taken)
{
    static const size_t pages[] = {5, 3, 8, 200, 150, 300, 128, 127};
    uintptr_t base[8];

    make_runs(pages, 8, base);
    ck_assert_uint_eq(get(4)->base, base[0]);
    ck_assert_uint_eq(get(3)->base, base[1]);
    ck_assert_uint_eq(get(6)->base, base[2]);
    ck_assert_uint_eq(get(120)->base, base[7]);
    ck_assert_uint_eq(get(128)->base, base[6]);
    ck_assert_uint_eq(get(129)->base, base[4]);
    ck_assert_uint_eq(get(151)->base, base[3]);
    ck_assert_uint_eq(get(201)->base, base[5]);
    check();
}
END_TEST

START_TEST(of_long_runs_alike_the_lowest_is_taken)
{
    static const size_t pages[] = {150, 150, 150, 150};
    uintptr_t base[4];

    make_runs(pages, 4, base);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(get(140)->base, base[i]);
    check();
}
END_TEST

START_TEST(aligned_spans_leave_what_lies_before_them_free)
{
    uintptr_t base = one_run();

    for (size_t align = 2; align <= 64; align *= 2) {
        struct wr_span *odd = get(1);
        struct wr_span *s = wr_mheap_alloc(3, align, WORDS);

        ck_assert_ptr_nonnull(s);
        ck_assert_uint_eq(s->base % (align * WR_PAGE_BYTES), 0);
        ck_assert_uint_eq(s->pages, 3);
        ck_assert_uint_eq(wr_count_get(heap_inuse), 4 * WR_PAGE_BYTES);
        check();
        give(odd);
        give(s);
        ck_assert_uint_eq(run_at(base), ARENA);
    }
}
END_TEST

START_TEST(what_is_beyond_all_memory_is_refused)
{
    struct wr_span *s;

    ck_assert_ptr_null(wr_mheap_alloc(SIZE_MAX, 1, WORDS));
    ck_assert_ptr_null(wr_mheap_alloc((size_t)1 << 33, 1, WORDS));
    ck_assert_ptr_null(wr_mheap_alloc(1, (size_t)1 << 33, WORDS));
    s = get(1);
    ck_assert(!wr_mheap_resize(s, (size_t)1 << 33));
    ck_assert_uint_eq(s->pages, 1);
    check();
}
END_TEST

/* ---- resizing ---- */

START_TEST(a_span_shrinks_where_it_stands)
{
    uintptr_t base = one_run();
    struct wr_span *s = get(300), *guard = get(1);

    memset((void *)base, 7, wr_span_bytes(s));
    ck_assert(wr_mheap_resize(s, 10));
    ck_assert_uint_eq(s->base, base);
    ck_assert_uint_eq(s->pages, 10);
    ck_assert_uint_eq(run_at(end_of(s)), 290);
    ck_assert_uint_eq(wr_count_get(heap_inuse), 11 * WR_PAGE_BYTES);
    ck_assert_int_eq(*(char *)(end_of(s) - 1), 7);
    check();
    give(guard);
    give(s);
    ck_assert_uint_eq(run_at(base), ARENA);
    check();
}
END_TEST

START_TEST(a_span_grows_into_the_free_pages_behind_it)
{
    uintptr_t base = one_run();
    struct wr_span *s = get(10), *behind = get(5), *guard = get(1);

    give(behind);
    ck_assert(!wr_mheap_resize(s, 16));
    ck_assert_uint_eq(s->pages, 10);
    ck_assert(wr_mheap_resize(s, 12)); /* a part of it */
    ck_assert_uint_eq(run_at(end_of(s)), 3);
    ck_assert(wr_mheap_resize(s, 15)); /* all of it */
    ck_assert_uint_eq(end_of(s), guard->base);
    ck_assert_uint_eq(s->base, base);
    ck_assert_ptr_eq(wr_span_of((void *)(end_of(s) - 1)), s);
    ck_assert_uint_eq(wr_count_get(heap_inuse), 16 * WR_PAGE_BYTES);
    check();
    ck_assert(!wr_mheap_resize(s, 16));
    ck_assert(wr_mheap_resize(s, 15));
    check();
}
END_TEST

/* ---- accounting ---- */

START_TEST(levels_add_up_and_the_peak_stays)
{
    struct wr_span *a, *b;

    (void)one_run();
    ck_assert_uint_eq(wr_count_get(heap_mapped), ARENA * WR_PAGE_BYTES);
    ck_assert_uint_eq(wr_count_get(heap_peak), ARENA * WR_PAGE_BYTES);
    a = get(10);
    b = get(20);
    ck_assert_uint_eq(wr_count_get(heap_inuse), 30 * WR_PAGE_BYTES);
    ck_assert_uint_eq(wr_count_get(heap_idle), (ARENA - 30) * WR_PAGE_BYTES);
    give(a);
    give(b);
    ck_assert_uint_eq(wr_count_get(heap_inuse), 0);
    ck_assert_uint_eq(wr_count_get(heap_idle), wr_count_get(heap_mapped));
    ck_assert_uint_eq(wr_count_get(heap_peak), ARENA * WR_PAGE_BYTES);
    a = get(ARENA + 1);
    ck_assert_uint_eq(wr_count_get(heap_peak), (ARENA + 1) * WR_PAGE_BYTES);
    check();
    give(a);
}
END_TEST

START_TEST(records_are_accounted_and_used_again)
{
    struct wr_span *s[100];
    uint64_t inuse, sys = 0;

    (void)one_run();
    inuse = wr_count_get(span_inuse);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 100; i++)
            s[i] = get(1);
        ck_assert_uint_gt(wr_count_get(span_inuse), inuse);
        for (int i = 0; i < 100; i++)
            give(s[i * 37 % 100]);
        ck_assert_uint_eq(wr_count_get(span_inuse), inuse);
        if (round == 0)
            sys = wr_count_get(span_sys);
        ck_assert_uint_eq(wr_count_get(span_sys), sys);
    }
}
END_TEST

START_TEST(memory_for_records_is_zero_apart_and_accounted)
{
    static _Atomic uint64_t account;
    char *a = wr_mheap_meta(100, &account);
    char *b = wr_mheap_meta(300000, &account);
    uint64_t before;

    ck_assert(a != NULL && b != NULL);
    ck_assert_uint_ge(account, 300100);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(a[i], 0);
    memset(a, 1, 100);
    for (int i = 0; i < 300000; i++)
        ck_assert_int_eq(b[i], 0);
    before = account;
    wr_os_fail_after(1, true);
    ck_assert_ptr_null(wr_mheap_meta(1 << 20, &account));
    ck_assert_uint_eq(account, before);
}
END_TEST

/* ---- giving back to the system ---- */

START_TEST(freed_pages_are_dirty_until_given_back)
{
    struct wr_span *s;

    (void)one_run();
    s = get(50);
    memset((void *)s->base, 7, wr_span_bytes(s));
    give(s);
    s = get(50);
    ck_assert(!s->zero);
    memset((void *)s->base, 7, wr_span_bytes(s));
    give(s);
    ck_assert_uint_gt(wr_mheap_scavenge(SIZE_MAX), 0);
    ck_assert_uint_eq(wr_count_get(heap_released), wr_count_get(heap_idle));
    check();
    s = get(50);
    ck_assert(s->zero);
    ck_assert(is_zero(s));
    ck_assert_uint_eq(wr_count_get(heap_released), wr_count_get(heap_idle));
    ck_assert_uint_eq(wr_mheap_scavenge(SIZE_MAX), 0);
}
END_TEST

START_TEST(no_more_is_given_back_than_asked)
{
    size_t given = 0;

    (void)one_run();
    ck_assert_uint_eq(wr_mheap_scavenge(0), 0);
    while (given < ARENA * WR_PAGE_BYTES) {
        size_t n = wr_mheap_scavenge(10 * WR_PAGE_BYTES);

        ck_assert_uint_gt(n, 0);
        ck_assert_uint_le(n, 10 * WR_PAGE_BYTES);
        given += n;
        ck_assert_uint_eq(wr_count_get(heap_released), given);
        ck_assert_uint_eq(wr_count_get(scavenged), given);
        check();
    }
}
END_TEST

START_TEST(pages_moved_away_count_as_given_back)
{
    struct wr_span *s;

    (void)one_run();
    (void)wr_mheap_scavenge(SIZE_MAX);
    s = get(20);
    ck_assert(wr_os_release((void *)s->base, wr_span_bytes(s)));
    wr_mheap_free(s, true);
    ck_assert_uint_eq(wr_count_get(heap_released), wr_count_get(heap_idle));
    check();
}
END_TEST

START_TEST(the_low_mark_is_the_least_idle_memory_since_it_was_read)
{
    struct wr_span *s;

    (void)one_run();
    (void)wr_mheap_idle_low();
    s = get(100);
    give(s);
    ck_assert_uint_eq(wr_mheap_idle_low(), (ARENA - 100) * WR_PAGE_BYTES);
    ck_assert_uint_eq(wr_mheap_idle_low(), ARENA * WR_PAGE_BYTES);
    (void)wr_mheap_scavenge(24 * WR_PAGE_BYTES);
    ck_assert_uint_eq(wr_mheap_idle_low(), (ARENA - 24) * WR_PAGE_BYTES);
}
END_TEST

/* ---- refusals ---- */

START_TEST(a_refused_wish_leaves_all_as_it_was)
{
    struct wr_span *s;
    uint64_t inuse, mapped, failures;

    (void)one_run();
    s = get(100);
    inuse = wr_count_get(heap_inuse);
    mapped = wr_count_get(heap_mapped);
    failures = wr_count_get(map_failures);
    wr_os_fail_after(1, true);
    ck_assert_ptr_null(wr_mheap_alloc(ARENA, 1, WORDS));
    ck_assert(!wr_mheap_resize(s, ARENA + 1));
    ck_assert_uint_eq(wr_count_get(heap_inuse), inuse);
    ck_assert_uint_eq(wr_count_get(heap_mapped), mapped);
    ck_assert_uint_eq(wr_count_get(map_failures), failures + 1);
    check();
    wr_mheap_free(get(ARENA - 100), false); /* what is there, is to be had */
    wr_os_fail_after(0, false);
    wr_mheap_free(get(ARENA), false);
    check();
}
END_TEST

/* ---- a model ---- */

struct held {
    struct wr_span *s;
    size_t pages;
    uint64_t mark;
};

static struct held held[150];

static uint64_t *
page_word(const struct held *h, size_t page)
{
    return (uint64_t *)(h->s->base + page * WR_PAGE_BYTES);
}

static void
paint(const struct held *h)
{
    for (size_t i = 0; i < h->pages; i++)
        *page_word(h, i) = h->mark + i;
}

static void
look(const struct held *h)
{
    for (size_t i = 0; i < h->pages; i++)
        if (*page_word(h, i) != h->mark + i)
            ck_abort_msg("page %zu of %zu is not as it was left", i, h->pages);
}

static size_t
any_pages(uint64_t *chance)
{
    uint64_t pick = unit_below(chance, 100);

    return 1 + unit_below(chance, pick < 60 ? 8 : pick < 90 ? 60 : 500);
}

static void
model_alloc(struct held *h, uint64_t *chance)
{
    size_t align = (size_t)1
                   << (unit_below(chance, 3) == 0 ? unit_below(chance, 6) : 0);

    h->pages = any_pages(chance);
    h->mark = unit_chance(chance);
    h->s = wr_mheap_alloc(h->pages, align, 1 + h->mark % 512);
    if (h->s == NULL)
        return;
    ck_assert_uint_eq(h->s->base % (align * WR_PAGE_BYTES), 0);
    if (h->s->zero)
        ck_assert(is_zero(h->s));
    paint(h);
}

static void
model_resize(struct held *h, uint64_t *chance)
{
    size_t pages = any_pages(chance);

    if (!wr_mheap_resize(h->s, pages))
        return;
    h->pages = wr_min(h->pages, pages);
    look(h);
    h->pages = pages;
    paint(h);
}

static void
model_free(struct held *h, uint64_t *chance)
{
    bool emptied = unit_below(chance, 8) == 0;

    look(h);
    if (emptied)
        ck_assert(wr_os_release((void *)h->s->base, wr_span_bytes(h->s)));
    wr_mheap_free(h->s, emptied);
    h->s = NULL;
}

static void
model_step(uint64_t *chance)
{
    struct held *h = &held[unit_below(chance, wr_countof(held))];

    if (unit_below(chance, 20) == 0)
        (void)wr_mheap_scavenge(any_pages(chance) * WR_PAGE_BYTES);
    else if (h->s == NULL)
        model_alloc(h, chance);
    else if (unit_below(chance, 2) == 0)
        model_resize(h, chance);
    else
        model_free(h, chance);
}

static void
model_check(void)
{
    size_t inuse = 0;

    for (size_t i = 0; i < wr_countof(held); i++)
        if (held[i].s != NULL)
            inuse += held[i].pages * WR_PAGE_BYTES;
    ck_assert_uint_eq(wr_count_get(heap_inuse), inuse);
    ck_assert_uint_eq(wr_count_get(heap_idle) + inuse,
                      wr_count_get(heap_mapped));
    ck_assert_uint_le(wr_count_get(heap_released), wr_count_get(heap_idle));
    if (UNIT_CHECKS)
        check();
}

static void
model_end(void)
{
    for (size_t i = 0; i < wr_countof(held); i++)
        if (held[i].s != NULL) {
            look(&held[i]);
            wr_mheap_free(held[i].s, false);
            held[i].s = NULL;
        }
    model_check();
    check();
}

START_TEST(random_wishes_keep_every_invariant)
{
    uint64_t chance = unit_seed("page heap") + (uint64_t)_i;

    for (int i = 0; i < 1000; i++) {
        model_step(&chance);
        model_check();
    }
    model_end();
}
END_TEST

START_TEST(random_refusals_keep_every_invariant)
{
    uint64_t chance = unit_seed("refusals") + (uint64_t)_i;

    for (int i = 0; i < 1000; i++) {
        if (unit_below(&chance, 3) == 0)
            wr_os_fail_after(1 + (unsigned)unit_below(&chance, 3), true);
        model_step(&chance);
        wr_os_fail_after(0, false);
        model_check();
    }
    model_end();
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("heap/mheap");
    TCase *t = tcase_create("mheap");

    tcase_set_timeout(t, 100);
    tcase_add_test(t, a_new_span_covers_its_pages_and_its_memory_is_zero);
    tcase_add_test(t, spans_are_cut_from_the_lower_end);
    tcase_add_test(t, a_freed_span_joins_free_neighbours_on_both_sides);
    tcase_add_test(t, a_freed_span_joins_a_neighbour_on_one_side);
    tcase_add_test(t, the_shortest_run_that_fits_is_taken);
    tcase_add_test(t, of_long_runs_alike_the_lowest_is_taken);
    tcase_add_test(t, aligned_spans_leave_what_lies_before_them_free);
    tcase_add_test(t, what_is_beyond_all_memory_is_refused);
    tcase_add_test(t, a_span_shrinks_where_it_stands);
    tcase_add_test(t, a_span_grows_into_the_free_pages_behind_it);
    tcase_add_test(t, levels_add_up_and_the_peak_stays);
    tcase_add_test(t, records_are_accounted_and_used_again);
    tcase_add_test(t, memory_for_records_is_zero_apart_and_accounted);
    tcase_add_test(t, freed_pages_are_dirty_until_given_back);
    tcase_add_test(t, no_more_is_given_back_than_asked);
    tcase_add_test(t, pages_moved_away_count_as_given_back);
    tcase_add_test(t, the_low_mark_is_the_least_idle_memory_since_it_was_read);
    tcase_add_test(t, a_refused_wish_leaves_all_as_it_was);
    tcase_add_loop_test(t, random_wishes_keep_every_invariant, 0, 4);
    tcase_add_loop_test(t, random_refusals_keep_every_invariant, 0, 4);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
