/* The front door: what each call promises. */
#include "unit.h"

#include <weir/memstats.h>

#include "heap/actors.h"
#include "heap/mheap.h"
#include "os/os.h"
#include "region/event.h"

/* Sizes around every border. */
static const size_t sizes[] = {
    0,     1,     15,     16,      17,      127,           128,    129,
    1023,  1024,  1025,   8191,    8192,    8193,          32767,  32768,
    32769, 65536, 100000, 1048575, 1 << 20, (1 << 20) + 1, 5000000};

static struct weir_memstats
stats(void)
{
    struct weir_memstats m;

    ck_assert_int_eq(weir_memstats(&m), WEIR_OK);
    return m;
}

static bool
all_are(const unsigned char *p, size_t bytes, unsigned char value)
{
    return bytes == 0 || (p[0] == value && memcmp(p, p + 1, bytes - 1) == 0);
}

static unsigned char *
filled(size_t bytes, unsigned char value)
{
    unsigned char *p = wr_malloc(bytes);

    ck_assert_ptr_nonnull(p);
    return memset(p, value, bytes);
}

/* ---- malloc, calloc, usable size ---- */

START_TEST(a_block_is_aligned_and_its_usable_size_holds_what_was_asked)
{
    become(0);
    for (size_t i = 0; i < wr_countof(sizes); i++) {
        unsigned char *p = wr_malloc(sizes[i]);
        size_t usable = wr_usable_size(p);

        ck_assert_uint_eq((uintptr_t)p % 16, 0);
        ck_assert_uint_ge(usable, sizes[i]);
        if (sizes[i] <= WR_SMALL_MAX)
            ck_assert_uint_eq(usable, wr_class[wr_class_of(sizes[i])].bytes);
        else
            ck_assert_uint_eq(usable, wr_align_up(sizes[i], WR_PAGE_BYTES));
        memset(p, 1, usable);
        wr_free(p);
    }
    wr_free(NULL);
    end_of_play();
}
END_TEST

START_TEST(cleared_blocks_are_zero_also_where_others_have_written)
{
    enum { EACH = 50 };
    unsigned char *p[EACH];

    become(0);
    for (size_t i = 0; i < wr_countof(sizes); i++)
        for (int round = 0; round < 3; round++) {
            for (int k = 0; k < EACH; k++) {
                p[k] = wr_calloc(sizes[i]);
                if (!all_are(p[k], sizes[i], 0))
                    ck_abort_msg("%zu bytes, round %d", sizes[i], round);
                memset(p[k], 0xff, wr_usable_size(p[k]));
            }
            for (int k = 0; k < EACH; k++)
                wr_free(p[k]);
            if (round == 1)
                (void)wr_heap_trim();
        }
    end_of_play();
}
END_TEST

/* At each fill of the current span, also when it has no free block left. */
START_TEST(trimming_between_any_two_allocations_leaves_the_heap_as_it_was)
{
    enum { N = 700 };
    static void *p[N];

    become(0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) {
            p[i] = wr_malloc(round == 1 ? 8000 : 64);
            ck_assert_ptr_nonnull(p[i]);
            (void)wr_heap_trim();
        }
        for (int i = 0; i < N; i++)
            wr_free(p[i * 31 % N]);
    }
    end_of_play();
}
END_TEST

START_TEST(freeing_does_not_touch_a_blocks_memory)
{
    unsigned char *p, *other;

    become(0);
    p = filled(100, 7);
    other = filled(100, 8);
    wr_free(p);
    ck_assert(all_are(p, 100, 7));
    ck_assert(all_are(other, 100, 8));
    wr_free(other);
    end_of_play();
}
END_TEST

/* ---- alignment ---- */

START_TEST(blocks_are_aligned_as_asked)
{
    become(0);
    for (size_t align = 1; align <= 1 << 20; align *= 2)
        for (size_t i = 0; i < wr_countof(sizes); i++) {
            unsigned char *p = wr_memalign(align, sizes[i]);
            size_t bytes;
            bool live;

            ck_assert_ptr_nonnull(p);
            ck_assert_uint_eq((uintptr_t)p % wr_max(align, 16), 0);
            ck_assert_uint_ge(wr_usable_size(p), sizes[i]);
            ck_assert_ptr_eq(wr_block_of(p, &bytes, &live), p);
            memset(p, 1, sizes[i]);
            wr_free(p);
        }
    end_of_play();
}
END_TEST

START_TEST(all_blocks_of_an_aligned_class_are_aligned)
{
    enum { MANY = 200 };
    void *p[MANY];

    become(0);
    for (size_t align = 32; align <= WR_PAGE_BYTES; align *= 2) {
        for (int i = 0; i < MANY; i++) {
            p[i] = wr_memalign(align, 24 + (size_t)i);
            ck_assert_uint_eq((uintptr_t)p[i] % align, 0);
        }
        for (int i = 0; i < MANY; i++)
            wr_free(p[i]);
    }
    end_of_play();
}
END_TEST

/* ---- which block is this? ---- */

/* In a span of any class, every address. */
START_TEST(every_address_of_a_span_leads_to_its_block)
{
    become(0);
    for (unsigned c = 1; c < WR_CLASSES; c++) {
        size_t size = wr_class[c].bytes;
        char *p = wr_malloc(size);
        char *base = (char *)wr_span_of(p)->base;
        size_t span = wr_class[c].pages * WR_PAGE_BYTES;

        for (size_t i = 0; i < span; i++) {
            char *start = base + i / size * size;
            size_t bytes = 0;
            bool live = false;
            char *got = wr_block_of(base + i, &bytes, &live);

            if (i / size >= wr_class[c].blocks) {
                if (got != NULL)
                    ck_abort_msg("behind the last of class %u", c);
            } else if (got != start || bytes != size || live != (start == p)) {
                ck_abort_msg("byte %zu of a span of class %u", i, c);
            }
        }
        wr_free(p);
    }
    end_of_play();
}
END_TEST

START_TEST(every_page_of_a_large_block_leads_to_it)
{
    size_t bytes = 0;
    bool live = false;
    char *p;

    become(0);
    p = wr_malloc(1000000);
    for (size_t i = 0; i < wr_usable_size(p); i += 4096) {
        ck_assert_ptr_eq(wr_block_of(p + i, &bytes, &live), p);
        ck_assert_uint_eq(bytes, wr_usable_size(p));
        ck_assert(live);
    }
    bytes = wr_usable_size(p);
    wr_free(p);
    for (size_t i = 0; i < bytes; i += 4096)
        ck_assert_ptr_null(wr_block_of(p + i, &bytes, &live));
    end_of_play();
}
END_TEST

START_TEST(a_block_freed_by_anybody_is_not_live)
{
    size_t bytes;
    bool live = true;
    void *p, *q, *last;

    become(0);
    p = wr_malloc(100);
    q = wr_malloc(100);
    last = wr_malloc(100);
    wr_free(p);
    ck_assert_ptr_eq(wr_block_of(p, &bytes, &live), p);
    ck_assert(!live);
    become(1);
    wr_free(q);
    live = true;
    ck_assert_ptr_eq(wr_block_of(q, &bytes, &live), q);
    ck_assert(!live);
    ck_assert_ptr_eq(wr_block_of(last, &bytes, &live), last);
    ck_assert(live);
    wr_free(last);
    ck_assert_ptr_null(wr_block_of(&p, &bytes, &live));
    ck_assert_ptr_null(wr_block_of(NULL, &bytes, &live));
    ck_assert_ptr_null(wr_block_of((void *)UINTPTR_MAX, &bytes, &live));
    end_of_play();
}
END_TEST

/* ---- realloc ---- */

START_TEST(resized_blocks_keep_what_they_held)
{
    become(0);
    for (size_t i = 0; i < wr_countof(sizes); i++)
        for (size_t k = 0; k < wr_countof(sizes); k++) {
            size_t kept = wr_min(sizes[i], sizes[k]);
            unsigned char *p = filled(sizes[i], 0x5a);

            p = wr_realloc(p, sizes[k]);
            ck_assert_ptr_nonnull(p);
            ck_assert_uint_ge(wr_usable_size(p), sizes[k]);
            if (!all_are(p, kept, 0x5a))
                ck_abort_msg("from %zu to %zu", sizes[i], sizes[k]);
            memset(p, 1, sizes[k]);
            wr_free(p);
        }
    end_of_play();
}
END_TEST

START_TEST(nothing_resized_is_a_new_block)
{
    void *p;

    become(0);
    p = wr_realloc(NULL, 100);
    ck_assert_uint_eq(wr_usable_size(p), 112);
    wr_free(p);
    end_of_play();
}
END_TEST

START_TEST(a_small_block_stays_while_its_class_fits_and_moves_when_much_smaller)
{
    void *p, *q;

    become(0);
    p = wr_malloc(1000);
    ck_assert_ptr_eq(wr_realloc(p, 1024), p);
    ck_assert_ptr_eq(wr_realloc(p, 513), p);
    q = wr_realloc(p, 512);
    ck_assert_ptr_ne(q, p);
    ck_assert_uint_eq(wr_usable_size(q), 512);
    wr_free(q);
    end_of_play();
}
END_TEST

START_TEST(a_block_of_another_thread_can_be_resized)
{
    unsigned char *p;

    become(0);
    p = filled(100, 7);
    become(1);
    p = wr_realloc(p, 5000);
    ck_assert(all_are(p, 100, 7));
    wr_free(p);
    end_of_play();
}
END_TEST

START_TEST(a_large_block_changes_where_it_stands_and_counts_as_two)
{
    struct weir_memstats before, after;
    unsigned char *p, *q;

    become(0);
    wr_free(wr_malloc(8 << 20)); /* room behind */
    p = filled(1 << 20, 7);
    before = stats();
    q = wr_realloc(p, 3 << 20);
    ck_assert_ptr_eq(q, p);
    after = stats();
    ck_assert_uint_eq(after.mallocs, before.mallocs + 1);
    ck_assert_uint_eq(after.frees, before.frees + 1);
    ck_assert_uint_eq(after.heap_alloc, before.heap_alloc + (2 << 20));
    ck_assert_uint_eq(after.total_alloc, before.total_alloc + (3 << 20));
    ck_assert_uint_eq(after.heap_inuse, before.heap_inuse + (2 << 20));
    ck_assert_ptr_eq(wr_realloc(p, 100000), p);
    after = stats();
    ck_assert_uint_eq(after.heap_alloc, before.heap_alloc - (1 << 20) + 106496);
    ck_assert_ptr_eq(wr_realloc(p, 106000), p); /* no page more or less */
    ck_assert_uint_eq(stats().mallocs, after.mallocs);
    ck_assert(all_are(p, 100000, 7));
    wr_free(p);
    end_of_play();
}
END_TEST

/* A large block with no room behind it, and free pages elsewhere for twice
 * its size. */
static unsigned char *
walled_in(size_t bytes, void **wall)
{
    unsigned char *p;
    void *room;

    (void)become(0);
    room = wr_malloc(4 * bytes);
    p = filled(bytes, 7);
    *wall = wr_malloc(1 << 16);
    wr_free(room);
    return p;
}

START_TEST(a_walled_in_block_moves_by_its_pages_and_leaves_none_behind)
{
    enum { BYTES = 4 << 20 };
    struct weir_memstats before, after;
    unsigned char *p, *q;
    void *wall;

    p = walled_in(BYTES, &wall);
    (void)wr_heap_trim();
    before = stats();
    q = wr_realloc(p, 2 * BYTES);
    ck_assert_ptr_ne(q, p);
    ck_assert(all_are(q, BYTES, 7));
    ck_assert(all_are(q + BYTES, BYTES, 0));
    after = stats();
    ck_assert_uint_eq(after.mallocs, before.mallocs + 1);
    ck_assert_uint_eq(after.frees, before.frees + 1);
    ck_assert_uint_eq(after.heap_alloc, before.heap_alloc + BYTES);
    ck_assert_uint_eq(after.heap_released, after.heap_idle);
    wr_heap_check();
    wr_free(q);
    wr_free(wall);
    end_of_play();
}
END_TEST

START_TEST(where_pages_cannot_be_moved_bytes_are_copied)
{
    enum { BYTES = 4 << 20 };
    unsigned char *p, *q;
    void *wall;

    p = walled_in(BYTES, &wall);
    wr_os_fail_after(1, false); /* the move is the first wish */
    q = wr_realloc(p, 2 * BYTES);
    ck_assert_ptr_ne(q, p);
    ck_assert(all_are(q, BYTES, 7));
    wr_heap_check();
    wr_free(q);
    wr_free(wall);
    end_of_play();
}
END_TEST

START_TEST(a_refused_resize_leaves_the_block)
{
    unsigned char *small, *large;
    struct weir_memstats before, after;

    become(0);
    small = filled(100, 7);
    large = filled(1 << 20, 8);
    before = stats();
    wr_os_fail_after(1, true);
    ck_assert_ptr_null(wr_realloc(small, 64 << 20));
    ck_assert_ptr_null(wr_realloc(large, 64 << 20));
    wr_os_fail_after(0, false);
    ck_assert_ptr_null(wr_realloc(large, WR_HEAP_MAX + 1));
    after = stats();
    ck_assert_uint_eq(after.mallocs, before.mallocs);
    ck_assert_uint_eq(after.frees, before.frees);
    ck_assert(all_are(small, 100, 7));
    ck_assert(all_are(large, 1 << 20, 8));
    wr_free(small);
    wr_free(large);
    end_of_play();
}
END_TEST

/* ---- samples ---- */

static uint32_t sampled;
static unsigned freed;
static uint32_t last_tag; /* of what was freed */
static void *last_block;  /* what was sampled or freed */
static size_t last_bytes; /* of it */

static int64_t
every_1000(struct wr_mcache *mc)
{
    (void)mc;
    return 1000;
}

static uint32_t
note(struct wr_mcache *mc, void *block, size_t bytes)
{
    ck_assert_ptr_eq(mc, wr_self);
    last_block = block;
    last_bytes = bytes;
    return ++sampled;
}

static void
note_freed(uint32_t tag, void *block, size_t bytes)
{
    last_block = block;
    freed++;
    last_tag = tag;
    last_bytes = bytes;
}

static int64_t
at_once(struct wr_mcache *mc)
{
    (void)mc;
    return 0;
}

static void
sample_every_1000(void)
{
    wr_events.next_sample = every_1000;
    wr_events.sampled = note;
    wr_events.sample_freed = note_freed;
    (void)become(0);
}

/* The tag of a sampled block, 0 of another. */
static uint32_t
tag_of(void *p)
{
    uint32_t tag = 0;

    return wr_sample_tag(p, &tag) ? tag : 0;
}

START_TEST(the_block_that_crosses_the_point_is_the_sample)
{
    void *p[12];

    sample_every_1000();
    for (int i = 0; i < 12; i++)
        p[i] = wr_malloc(100); /* 112 bytes: the ninth crosses 1000 */
    ck_assert_uint_eq(sampled, 1);
    ck_assert_uint_eq(last_bytes, 112);
    ck_assert_ptr_eq(last_block, p[8]);
    for (int i = 0; i < 12; i++)
        ck_assert_uint_eq(tag_of(p[i]), i == 8);
    last_block = NULL;
    for (int i = 0; i < 12; i++) {
        wr_free(p[i]);
        ck_assert_uint_eq(freed, i >= 8);
    }
    ck_assert_ptr_eq(last_block, p[8]);
    ck_assert_uint_eq(last_tag, 1);
    ck_assert_uint_eq(tag_of(p[8]), 0);
    end_of_play();
}
END_TEST

START_TEST(a_sample_is_known_whoever_frees_it)
{
    void *p;

    sample_every_1000();
    p = wr_malloc(2000);
    ck_assert_uint_eq(tag_of(p), 1);
    become(1);
    wr_free(p);
    ck_assert_uint_eq(freed, 1);
    ck_assert_uint_eq(last_tag, 1);
    ck_assert_ptr_eq(last_block, p);
    ck_assert_uint_eq(last_bytes, 2048);
    become(0);
    p = wr_malloc(2000);
    leave(0);
    become(1);
    wr_free(p);
    ck_assert_uint_eq(freed, 2);
    ck_assert_uint_eq(last_tag, 2);
    end_of_play();
}
END_TEST

/* The first freed block of the span is the next to be had. */
START_TEST(a_block_used_again_is_no_sample_by_that)
{
    void *p;

    sample_every_1000();
    p = wr_malloc(2000);
    ck_assert_uint_eq(tag_of(p), 1);
    wr_free(p);
    wr_events.sampled = NULL;
    for (int i = 0; i < 40; i++) {
        p = wr_malloc(2000);
        ck_assert_uint_eq(tag_of(p), 0);
        wr_free(p);
    }
    ck_assert_uint_eq(freed, 1);
    end_of_play();
}
END_TEST

START_TEST(every_block_of_every_class_can_be_a_sample)
{
    enum { MOST = 513 };
    static void *p[MOST];

    sample_every_1000();
    wr_events.next_sample = at_once;
    wr_mcache_draw_samples(wr_self);
    for (unsigned c = 1; c < WR_CLASSES; c++) {
        int n = wr_class[c].blocks + 1;

        sampled = 0;
        for (int i = 0; i < n; i++) {
            p[i] = wr_malloc(wr_class[c].bytes);
            ck_assert_uint_eq(sampled, i + 1);
        }
        for (int i = 0; i < n; i++)
            ck_assert_uint_eq(tag_of(p[i]), i + 1);
        for (int i = n; i-- > 0;) {
            wr_free(p[i]);
            ck_assert_uint_eq(last_tag, i + 1);
            ck_assert_uint_eq(last_bytes, wr_class[c].bytes);
        }
    }
    end_of_play();
}
END_TEST

START_TEST(any_address_of_a_sampled_block_leads_to_its_tag_and_no_other)
{
    char *p, *large;

    sample_every_1000();
    p = wr_malloc(2000);
    large = wr_malloc(100000);
    ck_assert_uint_eq(tag_of(p), 1);
    ck_assert_uint_eq(tag_of(large), 2);
    ck_assert_uint_eq(tag_of(p + 2047), 1);
    ck_assert_uint_eq(tag_of(large + 99999), 2);
    ck_assert_uint_eq(tag_of(p - 1), 0);
    ck_assert_uint_eq(tag_of(p + 2048), 0);
    ck_assert_uint_eq(tag_of(&p), 0);
    ck_assert_uint_eq(tag_of(NULL), 0);
    wr_free(p);
    wr_free(large);
    ck_assert_uint_eq(tag_of(large), 0);
    end_of_play();
}
END_TEST

START_TEST(a_resized_large_sample_is_freed_and_drawn_anew)
{
    char *p;

    sample_every_1000();
    wr_free(wr_malloc(4 << 20));
    sampled = 0;
    freed = 0;
    p = wr_malloc(100000);
    ck_assert_uint_eq(tag_of(p), 1);
    ck_assert_ptr_eq(wr_realloc(p, 200000), p);
    ck_assert_uint_eq(freed, 1);
    ck_assert_uint_eq(last_tag, 1);
    ck_assert_uint_eq(sampled, 2);
    ck_assert_uint_eq(tag_of(p), 2);
    wr_free(p);
    ck_assert_uint_eq(freed, 2);
    ck_assert_uint_eq(last_tag, 2);
    ck_assert_uint_eq(last_bytes, 204800);
    end_of_play();
}
END_TEST

START_TEST(a_sample_without_room_for_its_tag_is_none)
{
    void *p;

    sample_every_1000();
    p = wr_malloc(16);
    while (wr_mheap_meta(1024, &wr_counters->span_sys) != NULL)
        wr_os_fail_after(1, true);
    wr_self->sample_left = 0;
    wr_free(p);
    p = wr_malloc(16);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(tag_of(p), 0);
    ck_assert_uint_eq(sampled, 0);
    wr_free(p);
    ck_assert_uint_eq(freed, 0);
    wr_os_fail_after(0, false);
    end_of_play();
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("heap/heap");
    TCase *t = tcase_create("heap");

    tcase_set_timeout(t, 100);
    tcase_add_test(t,
                   a_block_is_aligned_and_its_usable_size_holds_what_was_asked);
    tcase_add_test(t, cleared_blocks_are_zero_also_where_others_have_written);
    tcase_add_test(
        t, trimming_between_any_two_allocations_leaves_the_heap_as_it_was);
    tcase_add_test(t, freeing_does_not_touch_a_blocks_memory);
    tcase_add_test(t, blocks_are_aligned_as_asked);
    tcase_add_test(t, all_blocks_of_an_aligned_class_are_aligned);
    tcase_add_test(t, every_address_of_a_span_leads_to_its_block);
    tcase_add_test(t, every_page_of_a_large_block_leads_to_it);
    tcase_add_test(t, a_block_freed_by_anybody_is_not_live);
    tcase_add_test(t, resized_blocks_keep_what_they_held);
    tcase_add_test(t, nothing_resized_is_a_new_block);
    tcase_add_test(
        t,
        a_small_block_stays_while_its_class_fits_and_moves_when_much_smaller);
    tcase_add_test(t, a_block_of_another_thread_can_be_resized);
    tcase_add_test(t, a_large_block_changes_where_it_stands_and_counts_as_two);
    tcase_add_test(t,
                   a_walled_in_block_moves_by_its_pages_and_leaves_none_behind);
    tcase_add_test(t, where_pages_cannot_be_moved_bytes_are_copied);
    tcase_add_test(t, a_refused_resize_leaves_the_block);
    tcase_add_test(t, the_block_that_crosses_the_point_is_the_sample);
    tcase_add_test(t, a_sample_is_known_whoever_frees_it);
    tcase_add_test(t, a_block_used_again_is_no_sample_by_that);
    tcase_add_test(t, every_block_of_every_class_can_be_a_sample);
    tcase_add_test(
        t, any_address_of_a_sampled_block_leads_to_its_tag_and_no_other);
    tcase_add_test(t, a_sample_without_room_for_its_tag_is_none);
    tcase_add_test(t, a_resized_large_sample_is_freed_and_drawn_anew);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
