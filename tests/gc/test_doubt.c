/* Blocks of malloc's that the collector frees, and those it must not. */
#include "gc/start.h"

#include <pthread.h>

#include "gc/doubt.h"
#include "gc/sweep.h"
#include "heap/mheap.h"
#include "mark/marks.h"
#include "mark/odd.h"
#include "os/cpu.h"

enum { MANY = 1000 };

static void *root[MANY + 1];
static uintptr_t hidden[MANY]; /* inverted */

static void
start_both(void)
{
    wr_odd_start();
    start_with(&(struct wr_gc_options){
        .percent = 100, .malloc = true, .verify = UNIT_CHECKS});
}

static void *
seen(unsigned i)
{
    return (void *)~hidden[i];
}

static bool
is_live(const void *p)
{
    size_t bytes;
    bool live = false;

    return wr_block_of(p, &bytes, &live) == p && live;
}

static unsigned
live_hidden(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < MANY; i++)
        n += is_live(seen(i));
    return n;
}

__attribute__((noinline)) static void
lose(size_t bytes)
{
    for (unsigned i = 0; i < MANY; i++) {
        void *p = wr_malloc(bytes);

        memset(p, 1, bytes);
        hidden[i] = ~(uintptr_t)p;
    }
}

/* The addresses, more by `off` and then multiplied and flipped so, are all that
 * is left of the blocks. */
__attribute__((noinline)) static void
keep_as(size_t bytes, uintptr_t off, unsigned shift, uintptr_t flip)
{
    lose(bytes);
    for (unsigned i = 0; i < MANY; i++)
        root[i] = (void *)((~hidden[i] + off) << shift ^ flip);
}

/* ---- what goes ---- */

START_TEST(what_nobody_reaches_goes_with_the_second_cycle)
{
    static const size_t size[] = {16, 48, 1000, 20000, 70000};

    for (size_t k = 0; k < wr_countof(size); k++) {
        lose(size[k]);
        collect();
        ck_assert_msg(live_hidden() == MANY, "%zu bytes: %u live", size[k],
                      live_hidden());
        collect();
        ck_assert_msg(live_hidden() < MANY / 10, "%zu bytes: %u live", size[k],
                      live_hidden());
        wr_heap_check();
    }
}
END_TEST

START_TEST(rings_of_lost_blocks_go)
{
    lose(64);
    for (unsigned i = 0; i < MANY; i++)
        *(void **)seen(i) = seen(i ^ 1);
    collect();
    collect();
    ck_assert_uint_lt(live_hidden(), MANY / 10);
}
END_TEST

static void *
lose_there(void *unused)
{
    lose(64);
    return unused;
}

START_TEST(what_other_threads_lost_goes)
{
    pthread_t t;

    ck_assert_int_eq(pthread_create(&t, NULL, lose_there, NULL), 0);
    pthread_join(t, NULL);
    collect();
    collect();
    ck_assert_uint_lt(live_hidden(), MANY / 10);
    wr_heap_check();
}
END_TEST

static struct weir_memstats
memstats(void)
{
    struct weir_memstats m;

    ck_assert_int_eq(weir_memstats(&m), WEIR_OK);
    return m;
}

START_TEST(the_counts_balance)
{
    struct weir_memstats before, after;

    lose(64);
    before = memstats();
    collect();
    collect();
    after = memstats();
    ck_assert_uint_ge(after.frees - before.frees, MANY * 9 / 10);
    ck_assert_uint_eq(after.heap_objects, after.mallocs - after.frees);
    ck_assert_uint_ge(state().dead_bytes, MANY * 64 * 9 / 10);
}
END_TEST

START_TEST(freeing_does_not_bring_the_next_cycle_nearer)
{
    uint64_t before;

    collect();
    before = wr_managed_grown();
    for (int round = 0; round < 100; round++) {
        lose(64);
        for (unsigned i = 0; i < MANY; i++)
            wr_free(seen(i));
    }
    ck_assert_uint_lt(wr_managed_grown() - before, 3 * MANY * 64);
    before = wr_managed_grown();
    lose(256);
    ck_assert_uint_ge(wr_managed_grown() - before, MANY * 256 * 9 / 10);
}
END_TEST

START_TEST(sweeping_counts_as_no_free_of_the_program)
{
    uint64_t before;

    lose(512);
    before = wr_managed_grown();
    collect();
    collect();
    ck_assert_uint_lt(live_hidden(), MANY / 10);
    ck_assert_uint_lt(before - wr_managed_grown() + MANY, 2 * MANY);
}
END_TEST

/* ---- what stays ---- */

static void
must_stay(const char *what)
{
    for (int i = 0; i < 3; i++)
        collect();
    ck_assert_msg(live_hidden() == MANY, "%s: %u of %d live", what,
                  live_hidden(), MANY);
    memset(root, 0, sizeof root);
    for (unsigned i = 0; i < MANY; i++)
        wr_free(seen(i));
}

/* As libc has it where it mangles addresses of memory. */
static void *
mangled(uintptr_t address)
{
    return wr_cpu_unmangled(address, 0) == 0
               ? (void *)address
               : (void *)wr_cpu_rotate(address ^ wr_cpu_secret(), 64 - 17);
}

START_TEST(what_a_word_could_lead_to_stays)
{
    keep_as(64, 0, 0, 0);
    must_stay("an address");
    keep_as(64, 37, 0, 0);
    must_stay("an address inside");
    keep_as(64, 64, 0, 0);
    must_stay("the end");
    keep_as(64, 0, 0, UINT64_C(0xabc7) << 48);
    must_stay("a type above it");
    keep_as(64, 0, 0, UINT64_C(0x1ffff) << 47);
    must_stay("a type above 47 bits");
    keep_as(64, 0, 8, 0);
    must_stay("other bits below it");
    lose(64);
    for (unsigned i = 0; i < MANY; i++)
        root[i] = mangled(~hidden[i]);
    must_stay("as setjmp stores it");
}
END_TEST

START_TEST(a_suspect_that_is_found_again_begins_anew)
{
    lose(64);
    collect();
    for (unsigned i = 0; i < MANY; i++)
        root[i] = seen(i);
    collect();
    memset(root, 0, sizeof root);
    collect();
    ck_assert_uint_eq(live_hidden(), MANY);
    collect();
    ck_assert_uint_lt(live_hidden(), MANY / 10);
    ck_assert(!wr_doubt_has(wr_class_of(64)));
}
END_TEST

START_TEST(sampled_suspects_are_in_the_profile_still)
{
    uint32_t tag;
    bool tagged;

    lose(64);
    tagged = wr_sample_tag(seen(7), &tag);
    collect();
    ck_assert_int_eq(wr_sample_tag(seen(7), &tag), tagged);
}
END_TEST

/* ---- doubts ---- */

START_TEST(a_program_that_frees_a_suspect_keeps_its_blocks_of_that_size)
{
    lose(64);
    collect();
    ck_assert(!wr_doubt_has(wr_class_of(64)));
    wr_free(seen(MANY / 2));
    ck_assert(!is_live(seen(MANY / 2)));
    ck_assert(wr_doubt_has(wr_class_of(64)));
    collect();
    collect();
    ck_assert_uint_eq(live_hidden(), MANY - 1);
    lose(80);
    collect();
    collect();
    ck_assert_uint_lt(live_hidden(), MANY / 10);
}
END_TEST

START_TEST(so_does_one_that_resizes_it)
{
    lose(64);
    collect();
    hidden[3] = ~(uintptr_t)wr_realloc(seen(3), 60);
    collect();
    ck_assert_uint_eq(live_hidden(), MANY);
    lose(100000);
    collect();
    hidden[3] = ~(uintptr_t)wr_realloc(seen(3), 300000);
    collect();
    ck_assert_uint_eq(live_hidden(), MANY);
    for (unsigned i = 0; i < MANY; i++)
        wr_free(seen(i));
}
END_TEST

START_TEST(what_kept_blocks_lead_to_stays)
{
    void *inner = wr_malloc(3000);

    lose(64);
    *(void **)seen(9) = inner;
    *(char *)inner = 9;
    collect();
    wr_free(seen(0));
    inner = NULL;
    collect();
    collect();
    ck_assert(is_live(*(void **)seen(9)));
}
END_TEST

START_TEST(freeing_what_the_collector_has_freed_does_nothing)
{
    unsigned freed = 0;

    lose(64);
    collect();
    collect();
    for (unsigned i = 0; i < MANY; i++)
        if (!is_live(seen(i))) {
            wr_free(seen(i));
            freed++;
        }
    ck_assert_uint_gt(freed, 0);
    ck_assert(wr_doubt_has(wr_class_of(64)));
    wr_heap_check();
}
END_TEST

/* The managed blocks in root are swept as if a cycle had found them dead, in
 * spans of another kind if so: how many are gone? */
static unsigned
sweep_as(bool another)
{
    struct wr_marks *dead;
    unsigned gone = 0;

    collect(); /* nothing is left to be swept */
    for (unsigned i = 0; i < MANY; i++)
        root[i] = weir_gc_alloc(64);
    dead = wr_marks_new();
    for (unsigned i = 0; i < MANY; i++) {
        struct wr_span *s = wr_span_of(root[i]);
        uintptr_t at = (uintptr_t)root[i] - s->base;

        ck_assert(wr_marks_add(dead, s, (unsigned)(at / s->block_bytes)));
        *wr_marks_note(dead, s) =
            another ? 1 + WR_KIND_MALLOC : wr_sweep_note(s);
    }
    wr_sweep_begin(dead);
    ck_assert(wr_sweep_finish());
    for (unsigned i = 0; i < MANY; i++)
        gone += !is_live(root[i]);
    return gone;
}

START_TEST(what_was_dead_in_a_span_that_is_gone_says_nothing_about_the_next)
{
    ck_assert_uint_eq(sweep_as(false), MANY);
    ck_assert_uint_eq(sweep_as(true), 0);
    wr_heap_check();
}
END_TEST

static void
free_twice(void *p)
{
    wr_free(p);
    wr_free(p);
}

START_TEST(before_that_freeing_twice_stops_the_program)
{
    void *p = wr_malloc(48);
    struct unit_end end = unit_end_of(free_twice, p);

    ck_assert_int_eq(end.signal, SIGABRT);
    ck_assert_ptr_nonnull(strstr(end.said, "double free"));
    wr_free(p);
}
END_TEST

int
main(void)
{
    Suite *s;
    TCase *tc;

    if (UNIT_SHADOW) {
        unit_skip("a sanitizer's shadow is not read");
        return 77;
    }
    s = suite_create("doubt");
    tc = tcase_create("doubt");
    tcase_add_checked_fixture(tc, start_both, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, what_nobody_reaches_goes_with_the_second_cycle);
    tcase_add_test(tc, rings_of_lost_blocks_go);
    tcase_add_test(tc, what_other_threads_lost_goes);
    tcase_add_test(tc, the_counts_balance);
    tcase_add_test(tc, freeing_does_not_bring_the_next_cycle_nearer);
    tcase_add_test(tc, sweeping_counts_as_no_free_of_the_program);
    tcase_add_test(tc, what_a_word_could_lead_to_stays);
    tcase_add_test(tc, a_suspect_that_is_found_again_begins_anew);
    tcase_add_test(tc, sampled_suspects_are_in_the_profile_still);
    tcase_add_test(
        tc, a_program_that_frees_a_suspect_keeps_its_blocks_of_that_size);
    tcase_add_test(tc, so_does_one_that_resizes_it);
    tcase_add_test(tc, what_kept_blocks_lead_to_stays);
    tcase_add_test(tc, freeing_what_the_collector_has_freed_does_nothing);
    tcase_add_test(tc, before_that_freeing_twice_stops_the_program);
    tcase_add_test(
        tc, what_was_dead_in_a_span_that_is_gone_says_nothing_about_the_next);
    suite_add_tcase(s, tc);
    return unit_main(s);
}
