/* Small blocks without pointers, several of which share one of 16 bytes. */
#include "gc/start.h"

#include <errno.h>
#include <pthread.h>

enum { MANY = 3000, BLOCK = 16 };

static unsigned char *piece[MANY];
static unsigned length[MANY]; /* bytes of each */
static _Atomic unsigned calls;

static uintptr_t
block_of(const void *p)
{
    return (uintptr_t)p / BLOCK;
}

/* Of 1 to 15 bytes, each full of what tells it from its neighbours. */
__attribute__((noinline)) static void
make(unsigned i)
{
    length[i] = 1 + i * 7 % 15;
    piece[i] = i % 2 == 0 ? weir_gc_alloc_noscan(length[i])
                          : weir_new_noscan(unsigned char, length[i]);
    ck_assert_ptr_nonnull(piece[i]);
    for (unsigned k = 0; k < length[i]; k++)
        if (piece[i][k] != 0)
            ck_abort_msg("byte %u of %u is not 0", k, length[i]);
    memset(piece[i], (int)(1 + i % 251), length[i]);
}

static void
must_be_whole(unsigned i)
{
    for (unsigned k = 0; k < length[i]; k++)
        if (piece[i][k] != 1 + i % 251)
            ck_abort_msg("byte %u of piece %u has changed", k, i);
}

static void
make_all(void)
{
    for (unsigned i = 0; i < MANY; i++)
        make(i);
}

static void
all_must_be_whole(void)
{
    for (unsigned i = 0; i < MANY; i++)
        if (piece[i] != NULL)
            must_be_whole(i);
}

/* Two that share one: false, when no two do soon. */
static void
make_pair(char **first, char **second)
{
    for (int tries = 0; tries < 10; tries++) {
        *first = weir_new_noscan(char, 4);
        *second = weir_new_noscan(char, 4);
        if (block_of(*first) == block_of(*second))
            return;
    }
    ck_abort_msg("no two share a block");
}

/* ---- what is handed out ---- */

START_TEST(small_ones_share_blocks_and_lie_apart_in_them)
{
    unsigned shared = 0;

    make_all();
    all_must_be_whole();
    for (unsigned i = 1; i < MANY; i++)
        shared += block_of(piece[i]) == block_of(piece[i - 1]);
    ck_assert_uint_gt(shared, MANY / 5);
    wr_heap_check();
}
END_TEST

START_TEST(what_is_larger_or_may_hold_pointers_or_is_none_shares_nothing)
{
    for (int i = 0; i < 1000; i++) {
        char *p[] = {weir_gc_alloc(8), weir_gc_alloc_noscan(16),
                     weir_new_array(char, 4), weir_gc_alloc_noscan(0),
                     weir_new_noscan(char, 16)};

        for (size_t k = 0; k < wr_countof(p); k++) {
            ck_assert_uint_eq((uintptr_t)p[k] % BLOCK, 0);
            ck_assert_ptr_eq(weir_gc_base(p[k]), p[k]);
            for (size_t j = 0; j < k; j++)
                ck_assert_uint_ne(block_of(p[k]), block_of(p[j]));
        }
    }
}
END_TEST

START_TEST(a_size_is_aligned_for_all_that_fits_and_an_array_for_its_elements)
{
    static const unsigned least[] = {1, 1, 2, 2, 4, 4, 4, 4,
                                     8, 8, 8, 8, 8, 8, 8, 8};
    struct {
        uint32_t a, b, c;
    } * twelve;

    for (int round = 0; round < 500; round++) {
        for (size_t n = 1; n < wr_countof(least); n++) {
            uintptr_t p = (uintptr_t)weir_gc_alloc_noscan(n);

            ck_assert_uint_eq(p % least[n], 0);
            (void)weir_new_noscan(char, 1 + (size_t)round % 3);
        }
        twelve = weir_gc_alloc_array_noscan(1, sizeof *twelve);
        ck_assert_uint_eq((uintptr_t)twelve % sizeof(uint32_t), 0);
        ck_assert_uint_eq((uintptr_t)weir_new_noscan(uint64_t, 1) % 8, 0);
        ck_assert_uint_eq((uintptr_t)weir_new_noscan(uint32_t, 3) % 4, 0);
        ck_assert_uint_eq((uintptr_t)weir_new_noscan(uint16_t, 3) % 2, 0);
    }
}
END_TEST

START_TEST(the_end_of_a_small_array_lies_in_its_block)
{
    for (size_t i = 0; i < MANY; i++) {
        char *p = weir_new_noscan(char, 1 + i % 15);

        ck_assert_uint_eq(block_of(p), block_of(p + 1 + i % 15));
    }
}
END_TEST

/* ---- how long they live ---- */

START_TEST(each_keeps_its_block)
{
    make_all();
    for (unsigned i = 0; i < MANY; i++)
        if (i % 3 != 0)
            piece[i] = NULL;
    for (int round = 0; round < 3; round++) {
        collect();
        all_must_be_whole();
        for (unsigned i = 1; i < MANY; i += 3)
            make(i);
    }
    all_must_be_whole();
}
END_TEST

__attribute__((noinline)) static void
lose_all(uintptr_t *hidden)
{
    make_all();
    for (unsigned i = 0; i < MANY; i++)
        hidden[i] = ~(uintptr_t)piece[i];
    memset(piece, 0, sizeof piece);
}

START_TEST(blocks_that_nobody_has_a_part_of_are_freed)
{
    static uintptr_t hidden[MANY];
    unsigned live = 0;

    lose_all(hidden);
    collect();
    for (unsigned i = 0; i < MANY; i++)
        live += weir_gc_base((void *)~hidden[i]) != NULL;
    ck_assert_uint_lt(live, MANY / 10);
}
END_TEST

enum { ROUNDS = 60, OTHERS = 40 };

static unsigned char *other[ROUNDS * OTHERS];

/* Each round loses some, the last of which is not used up. */
static void *
lose_and_make(void *arg)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < 16; k++)
            (void)weir_new_noscan(char, 3);
        collect();
        make(i);
        ck_assert_ptr_nonnull(weir_gc_base(piece[i]));
        for (unsigned k = i * OTHERS; k < (i + 1) * OTHERS; k++) {
            other[k] = weir_gc_alloc_noscan(BLOCK);
            memset(other[k], 0xff, BLOCK);
        }
    }
    return arg;
}

/* What the thread takes next must not come from it, for it is dead, and the
 * next block of 16 may be it. Not in the main thread: the first cache is a
 * variable here, and so a root. */
START_TEST(a_block_that_died_is_not_handed_out_further)
{
    pthread_t t;

    ck_assert_ptr_nonnull(weir_new(int));
    ck_assert_int_eq(pthread_create(&t, NULL, lose_and_make, NULL), 0);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
    all_must_be_whole();
    for (unsigned i = 0; i < wr_countof(other); i++)
        for (unsigned k = 0; k < BLOCK; k++)
            ck_assert_uint_eq(other[i][k], 0xff);
    wr_heap_check();
}
END_TEST

/* ---- by hand ---- */

START_TEST(to_free_one_leaves_the_others)
{
    make_all();
    for (unsigned i = 0; i < MANY; i += 2) {
        if (i % 4 == 0)
            weir_gc_free(piece[i]);
        else
            wr_free(piece[i]);
        piece[i] = NULL;
    }
    for (unsigned i = 0; i < MANY; i += 2)
        make(i);
    all_must_be_whole();
    collect();
    all_must_be_whole();
    wr_heap_check();
}
END_TEST

static void *
free_all(void *arg)
{
    for (int round = 0; round < 20; round++)
        for (unsigned i = 0; i < MANY; i++)
            wr_free(piece[i]);
    return arg;
}

/* At once with their owner, who looks at a block's state by adding to it. */
START_TEST(another_thread_frees_none_either)
{
    pthread_t t;

    make_all();
    ck_assert_int_eq(pthread_create(&t, NULL, free_all, NULL), 0);
    (void)free_all(NULL);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
    collect();
    all_must_be_whole();
    wr_heap_check();
}
END_TEST

START_TEST(realloc_takes_one_to_a_block_of_its_own)
{
    char *first, *second, *longer;

    make_pair(&first, &second);
    strcpy(first, "abc");
    strcpy(second, "xyz");
    longer = wr_realloc(second, 5);
    ck_assert_str_eq(longer, "xyz");
    ck_assert_ptr_eq(weir_gc_base(longer), longer);
    strcpy(longer, "long");
    longer = wr_realloc(longer, 50000);
    ck_assert_str_eq(longer, "long");
    longer = wr_realloc(first, 2);
    ck_assert_int_eq(memcmp(longer, "ab", 2), 0);
    ck_assert_str_eq(first, "abc");
    ck_assert_str_eq(second, "xyz");
}
END_TEST

START_TEST(its_usable_bytes_end_with_the_block)
{
    char *first, *second;

    make_pair(&first, &second);
    ck_assert_uint_eq(wr_usable_size(second),
                      BLOCK - (uintptr_t)second % BLOCK);
    ck_assert_ptr_eq(weir_gc_base(second), weir_gc_base(first));
}
END_TEST

/* ---- ties ---- */

static _Atomic uintptr_t ended[MANY]; /* inverted; 0: not yet */

static void
note_end(void *object, void *arg)
{
    atomic_store(&ended[(uintptr_t)arg], ~(uintptr_t)object);
    atomic_fetch_add(&calls, 1);
}

__attribute__((noinline)) static void
lose_tied(uintptr_t *hidden)
{
    make_all();
    for (uintptr_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(weir_gc_finalizer(piece[i], note_end, (void *)i),
                         WEIR_OK);
        hidden[i] = ~(uintptr_t)piece[i];
    }
    memset(piece, 0, sizeof piece);
}

static void
wait_for_calls(unsigned n)
{
    for (int i = 0; i < 10000 && atomic_load(&calls) < n; i++) {
        if (i % 100 == 0)
            collect();
        usleep(1000);
    }
    ck_assert_uint_ge(atomic_load(&calls), n);
}

START_TEST(each_has_a_finalizer_of_its_own)
{
    static uintptr_t hidden[MANY];

    lose_tied(hidden);
    wait_for_calls(MANY * 9 / 10);
    for (int i = 0; i < MANY; i++)
        if (atomic_load(&ended[i]) != 0)
            ck_assert_uint_eq(atomic_load(&ended[i]), hidden[i]);
}
END_TEST

START_TEST(to_free_one_ends_its_ties_alone)
{
    void (*fn)(void *, void *);
    char *first, *second;
    void *arg;

    make_pair(&first, &second);
    ck_assert_int_eq(weir_gc_finalizer(first, note_end, first), WEIR_OK);
    ck_assert_int_eq(weir_gc_finalizer(second, note_end, second), WEIR_OK);
    weir_gc_free(first);
    ck_assert_int_eq(weir_gc_finalizer_read(first, &fn, &arg), WEIR_ENOENT);
    ck_assert_int_eq(weir_gc_finalizer_read(second, &fn, &arg), WEIR_OK);
    ck_assert_ptr_eq(arg, second);
    ck_assert_int_eq(weir_gc_pin(first), WEIR_OK);
    ck_assert_int_eq(weir_gc_unpin(second), WEIR_ENOENT);
    ck_assert_int_eq(weir_gc_unpin(first), WEIR_OK);
}
END_TEST

static struct weir_gc_weak *weak[MANY];

__attribute__((noinline)) static void
make_weak(void)
{
    for (unsigned i = 0; i < MANY; i++)
        weak[i] = weir_gc_weak_new(piece[i]);
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_ptr_eq(weir_gc_weak_get(weak[i]), piece[i]);
}

START_TEST(weak_references_to_them_and_in_them_hold)
{
    unsigned gone = 0;

    make_all();
    make_weak();
    collect();
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_ptr_eq(weir_gc_weak_get(weak[i]), piece[i]);
    memset(piece, 0, sizeof piece);
    collect();
    for (unsigned i = 0; i < MANY; i++)
        gone += weir_gc_weak_get(weak[i]) == NULL;
    ck_assert_uint_gt(gone, MANY * 9 / 10);
}
END_TEST

/* ---- counted ---- */

START_TEST(each_counts_as_an_allocation_and_each_block_as_an_object)
{
    struct weir_memstats before, after;

    (void)weir_new_noscan(char, 1);
    ck_assert_int_eq(weir_memstats(&before), WEIR_OK);
    for (unsigned i = 0; i < MANY; i++)
        piece[i] = weir_new_noscan(unsigned char, 3);
    ck_assert_int_eq(weir_memstats(&after), WEIR_OK);
    ck_assert_uint_eq(after.mallocs - before.mallocs, MANY);
    ck_assert_uint_le(after.heap_objects - before.heap_objects, MANY / 5 + 1);
    ck_assert_uint_eq(after.heap_objects, after.mallocs - after.frees);
    ck_assert_uint_le(after.heap_alloc - before.heap_alloc,
                      (MANY / 5 + 1) * BLOCK);
}
END_TEST

enum { TEXTS = 100000 };

static char *text[TEXTS];
static uint64_t seed = 88172645463325252u;

static uint64_t
below(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % n;
}

static double
bytes_a_text(void)
{
    struct weir_memstats m;

    collect();
    ck_assert_int_eq(weir_memstats(&m), WEIR_OK);
    return (double)m.heap_alloc / TEXTS;
}

START_TEST(short_texts_take_ten_bytes_and_thirteen_where_they_change)
{
    double before = bytes_a_text();

    for (int i = 0; i < TEXTS; i++)
        text[i] = weir_new_noscan(char, 3 + below(10));
    ck_assert_double_le(bytes_a_text() - before, 10.3);
    for (int i = 0; i < 4 * TEXTS; i++)
        text[below(TEXTS)] = weir_new_noscan(char, 3 + below(10));
    ck_assert_double_le(bytes_a_text() - before, 13.3);
}
END_TEST

static int64_t
pick_all(struct wr_mcache *mc)
{
    (void)mc;
    return 0;
}

static uint32_t
keep_no_tag(struct wr_mcache *mc, void *p, size_t bytes)
{
    (void)mc;
    (void)p;
    (void)bytes;
    atomic_fetch_add(&calls, 1);
    return 0;
}

START_TEST(where_every_block_is_in_the_profile_none_is_shared)
{
    wr_events.next_sample = pick_all;
    wr_events.sampled = keep_no_tag;
    wr_mcache_draw_samples(wr_self);
    for (unsigned i = 0; i < 500; i++)
        make(i);
    ck_assert_uint_eq(atomic_load(&calls), 500);
    for (unsigned i = 0; i < 500; i++)
        ck_assert_uint_eq((uintptr_t)piece[i] % BLOCK, 0);
}
END_TEST

static void
add_lives(Suite *s, const char *name, SFun begin)
{
    TCase *tc = tcase_create(name);

    tcase_add_checked_fixture(tc, begin, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, each_keeps_its_block);
    tcase_add_test(tc, blocks_that_nobody_has_a_part_of_are_freed);
    tcase_add_test(tc, a_block_that_died_is_not_handed_out_further);
    tcase_add_test(tc, weak_references_to_them_and_in_them_hold);
    suite_add_tcase(s, tc);
}

static void
start_copy(void)
{
    start_way = WR_WAY_SNAPSHOT;
    start();
}

static void
start_tracked(void)
{
    start_way = WR_WAY_TRACKED;
    start();
}

int
main(void)
{
    Suite *s;
    TCase *tc;

    if (UNIT_TSAN) {
        unit_skip("Weir's own thread cannot run under TSan");
        return 77;
    }
    s = suite_create("tiny");
    tc = tcase_create("handed out");
    tcase_add_checked_fixture(tc, start, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, small_ones_share_blocks_and_lie_apart_in_them);
    tcase_add_test(
        tc, what_is_larger_or_may_hold_pointers_or_is_none_shares_nothing);
    tcase_add_test(
        tc, a_size_is_aligned_for_all_that_fits_and_an_array_for_its_elements);
    tcase_add_test(tc, the_end_of_a_small_array_lies_in_its_block);
    tcase_add_test(tc, to_free_one_leaves_the_others);
    tcase_add_test(tc, another_thread_frees_none_either);
    tcase_add_test(tc, realloc_takes_one_to_a_block_of_its_own);
    tcase_add_test(tc, its_usable_bytes_end_with_the_block);
    tcase_add_test(tc, each_has_a_finalizer_of_its_own);
    tcase_add_test(tc, to_free_one_ends_its_ties_alone);
    tcase_add_test(tc,
                   each_counts_as_an_allocation_and_each_block_as_an_object);
    tcase_add_test(tc,
                   short_texts_take_ten_bytes_and_thirteen_where_they_change);
    tcase_add_test(tc, where_every_block_is_in_the_profile_none_is_shared);
    suite_add_tcase(s, tc);
    add_lives(s, "lives", start);
    if (UNIT_SHADOW) {
        unit_skip("no marking beside the program under a sanitizer");
        return unit_main(s);
    }
    add_lives(s, "lives, copy", start_copy);
    add_lives(s, "lives, tracked", start_tracked);
    return unit_main(s);
}
