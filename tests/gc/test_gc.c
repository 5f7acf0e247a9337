/* Managed blocks: what can be reached stays, what cannot goes. */
#include "gc/start.h"

#include "region/counters.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "region/collector.h"

enum { MANY = 1000 };

static void *root[MANY];

static bool
is_live(const void *p)
{
    return weir_gc_base(p) != NULL;
}

/* Addresses, hidden from the collector. */
static uintptr_t hidden[MANY];

static void
hide(unsigned i, const void *p)
{
    hidden[i] = ~(uintptr_t)p;
}

static unsigned
live_hidden(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < MANY; i++)
        n += is_live((void *)~hidden[i]);
    return n;
}

/* ---- what it is given ---- */

START_TEST(a_new_block_is_zero_though_its_memory_was_used)
{
    static const size_t size[] = {1, 16, 100, 1000, 5000, 32768, 100000};

    for (int round = 0; round < 3; round++)
        for (size_t k = 0; k < wr_countof(size); k++)
            for (int i = 0; i < 50; i++) {
                unsigned char *p = i % 2 == 0 ? weir_gc_alloc(size[k])
                                              : weir_gc_alloc_noscan(size[k]);

                ck_assert_ptr_nonnull(p);
                if (size[k] >= 16 || i % 2 == 0)
                    ck_assert_uint_eq((uintptr_t)p % 16, 0);
                for (size_t at = 0; at < size[k]; at++)
                    if (p[at] != 0)
                        ck_abort_msg("%zu bytes: byte %zu", size[k], at);
                memset(p, 0xee, size[k]);
                weir_gc_free(p);
            }
}
END_TEST

START_TEST(sizes_that_cannot_be_had_are_refused)
{
    ck_assert_ptr_null(weir_gc_alloc_array(SIZE_MAX / 2, 3));
    ck_assert_int_eq(errno, ENOMEM);
    errno = 0;
    ck_assert_ptr_null(weir_gc_alloc_array_noscan(SIZE_MAX, 1));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_ptr_null(weir_gc_alloc(SIZE_MAX / 2));
}
END_TEST

START_TEST(only_managed_blocks_have_a_base)
{
    char *p = weir_gc_alloc(100), *m = wr_malloc(100);

    ck_assert_ptr_eq(weir_gc_base(p + 99), p);
    ck_assert_ptr_null(weir_gc_base(m));
    ck_assert_ptr_null(weir_gc_base(&p));
    weir_gc_free(p);
    ck_assert_ptr_null(weir_gc_base(p));
    wr_free(m);
}
END_TEST

START_TEST(realloc_leaves_a_block_managed)
{
    char *p = weir_gc_alloc(100);

    strcpy(p, "kept");
    p = wr_realloc(p, 50000);
    ck_assert_ptr_eq(weir_gc_base(p), p);
    ck_assert_str_eq(p, "kept");
    p = wr_realloc(p, 20);
    ck_assert_ptr_eq(weir_gc_base(p), p);
    weir_gc_free(p);
}
END_TEST

START_TEST(spans_that_realloc_has_filled_are_given_back)
{
    static void *kept[20000];
    uint64_t before, with;

    wr_free(wr_realloc(weir_gc_alloc(40), 100));
    before = wr_count_get(heap_inuse);
    for (size_t i = 0; i < wr_countof(kept); i++)
        kept[i] = wr_realloc(weir_gc_alloc(40), 100);
    with = wr_count_get(heap_inuse);
    for (size_t i = 0; i < wr_countof(kept); i++)
        wr_free(kept[i]);
    (void)wr_heap_trim();
    ck_assert_uint_gt(with, before + 100 * wr_countof(kept));
    ck_assert_uint_lt(wr_count_get(heap_inuse), before + (1 << 20));
    wr_heap_check();
}
END_TEST

/* ---- what stays and what goes ---- */

__attribute__((noinline)) static void
lose(size_t bytes)
{
    for (unsigned i = 0; i < MANY; i++) {
        void *p = weir_gc_alloc(bytes);

        memset(p, 1, bytes);
        hide(i, p);
    }
}

START_TEST(what_nobody_has_is_freed)
{
    static const size_t size[] = {16, 48, 1000, 20000, 70000};

    for (size_t k = 0; k < wr_countof(size); k++) {
        lose(size[k]);
        collect();
        ck_assert_msg(live_hidden() < MANY / 10, "%zu bytes: %u live", size[k],
                      live_hidden());
    }
    ck_assert_uint_ge(state().dead_bytes, MANY * 90000 * 9 / 10);
}
END_TEST

__attribute__((noinline)) static void
keep_all(size_t bytes, size_t inside)
{
    for (unsigned i = 0; i < MANY; i++) {
        char *p = weir_gc_alloc(bytes);

        memset(p, 0, bytes);
        hide(i, p);
        root[i] = p + inside;
    }
}

START_TEST(what_a_variable_points_into_stays)
{
    static const size_t size[] = {16, 48, 1000, 20000, 70000};

    for (size_t k = 0; k < wr_countof(size); k++) {
        keep_all(size[k], size[k] - 1);
        collect();
        ck_assert_uint_eq(live_hidden(), MANY);
        collect();
        ck_assert_uint_eq(live_hidden(), MANY);
        memset(root, 0, sizeof root);
        collect();
        ck_assert_uint_lt(live_hidden(), MANY / 10);
    }
}
END_TEST

START_TEST(the_end_of_an_array_keeps_it)
{
    for (unsigned i = 0; i < MANY; i++) {
        long *p = weir_new_array(long, 8);

        hide(i, p);
        root[i] = p + 8;
    }
    collect();
    ck_assert_uint_eq(live_hidden(), MANY);
    memset(root, 0, sizeof root);
}
END_TEST

struct chain {
    struct chain *next;
    long number;
};

/* Chains of ten. */
__attribute__((noinline)) static void
make_chains(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        struct chain *c = weir_new(struct chain);

        c->next = root[i / 10];
        c->number = i;
        hide(i, c);
        root[i / 10] = c;
    }
}

START_TEST(what_managed_blocks_point_to_stays)
{
    make_chains();
    collect();
    ck_assert_uint_eq(live_hidden(), MANY);
    for (unsigned i = 0; i < MANY / 10; i++)
        for (struct chain *c = root[i]; c->next != NULL; c = c->next)
            ck_assert_int_eq(c->number, c->next->number + 1);
    memset(root, 0, sizeof root);
    collect();
    ck_assert_uint_lt(live_hidden(), MANY / 10);
}
END_TEST

enum { HOLDERS = 20, HELD = MANY / HOLDERS };

/* Blocks that are held by such of another kind. */
__attribute__((noinline)) static void
fill(void *(*alloc)(size_t))
{
    for (unsigned k = 0; k < HOLDERS; k++) {
        void **holder = alloc(HELD * sizeof *holder);

        for (unsigned i = 0; i < HELD; i++) {
            holder[i] = weir_gc_alloc(32);
            hide(k * HELD + i, holder[i]);
        }
        root[k] = holder;
    }
}

START_TEST(noscan_blocks_keep_nothing)
{
    fill(weir_gc_alloc_noscan);
    collect();
    for (unsigned i = 0; i < HOLDERS; i++)
        ck_assert(is_live(root[i]));
    ck_assert_uint_lt(live_hidden(), MANY / 10);
}
END_TEST

START_TEST(blocks_of_malloc_keep_what_they_point_to)
{
    fill(wr_calloc);
    collect();
    ck_assert_uint_eq(live_hidden(), MANY);
    for (unsigned i = 0; i < HOLDERS; i++) {
        wr_free(root[i]);
        root[i] = NULL;
    }
    collect();
    ck_assert_uint_lt(live_hidden(), MANY / 10);
}
END_TEST

START_TEST(blocks_of_malloc_that_nobody_has_keep_only_if_all_are_roots)
{
    fill(wr_calloc);
    memset(root, 0, sizeof root);
    weir_gc_scan_malloc(WEIR_GC_MALLOC_ALL);
    collect();
    ck_assert_uint_eq(live_hidden(), MANY);
    weir_gc_scan_malloc(WEIR_GC_MALLOC_REACHED);
    collect();
    ck_assert_uint_lt(live_hidden(), MANY / 4);
}
END_TEST

START_TEST(added_roots_keep)
{
    static uintptr_t flipped[MANY];

    for (unsigned i = 0; i < MANY; i++) {
        void *p = weir_gc_alloc(32);

        flipped[i] = ~(uintptr_t)p;
        hide(i, p);
    }
    ck_assert_int_eq(
        weir_root_add_masked(flipped, sizeof flipped, UINTPTR_MAX, UINTPTR_MAX),
        WEIR_OK);
    collect();
    ck_assert_uint_eq(live_hidden(), MANY);
    ck_assert_int_eq(weir_root_remove(flipped), WEIR_OK);
    collect();
    ck_assert_uint_lt(live_hidden(), MANY / 10);
}
END_TEST

/* ---- freeing ---- */

START_TEST(freed_memory_is_used_again)
{
    uint64_t before, after;
    struct weir_memstats m;

    lose(64);
    collect();
    ck_assert_int_eq(weir_memstats(&m), WEIR_OK);
    before = m.heap_sys;
    for (int i = 0; i < 200; i++) {
        lose(64);
        if (i % 20 == 0)
            collect();
    }
    ck_assert_int_eq(weir_memstats(&m), WEIR_OK);
    after = m.heap_sys;
    ck_assert_uint_lt(after, before + 40 * MANY * 64);
}
END_TEST

START_TEST(a_program_that_only_allocates_stays_small)
{
    struct weir_memstats m;

    for (int i = 0; i < 2000000; i++)
        *(long *)weir_gc_alloc(128) = i;
    ck_assert_uint_gt(state().cycles, 5);
    ck_assert_uint_eq(state().forced, 0);
    ck_assert_int_eq(weir_memstats(&m), WEIR_OK);
    ck_assert_uint_lt(m.heap_sys, 64 << 20);
}
END_TEST

START_TEST(nothing_is_collected_while_it_is_off)
{
    ck_assert_int_eq(weir_gc_set_percent(-1), 100);
    for (int i = 0; i < 100000; i++)
        (void)weir_gc_alloc(256);
    ck_assert_uint_eq(state().cycles, 0);
    ck_assert_int_eq(weir_gc_set_percent(50), -1);
    ck_assert_int_eq(weir_gc_set_percent(100), 50);
    weir_gc_disable();
    for (int i = 0; i < 100000; i++)
        (void)weir_gc_alloc(256);
    ck_assert_uint_eq(state().cycles, 0);
    ck_assert_uint_eq(state().next_bytes, 0);
    weir_gc_enable();
    for (int i = 0; i < 100000; i++)
        (void)weir_gc_alloc(256);
    ck_assert_uint_gt(state().cycles, 0);
}
END_TEST

START_TEST(the_counts_balance)
{
    struct weir_memstats m;

    lose(64);
    keep_all(64, 0);
    collect();
    ck_assert_int_eq(weir_memstats(&m), WEIR_OK);
    ck_assert_uint_eq(m.heap_objects, m.mallocs - m.frees);
    ck_assert_uint_ge(m.heap_alloc, MANY * 64);
    ck_assert_uint_lt(m.heap_alloc, 3 * MANY * 64);
    ck_assert_uint_ge(state().live_bytes, MANY * 64);
    ck_assert_uint_ge(state().allocated_bytes, 2 * MANY * 64);
    ck_assert_uint_lt(state().allocated_bytes, 3 * MANY * 64);
    wr_heap_check();
    memset(root, 0, sizeof root);
}
END_TEST

static uint64_t
now_since_1970(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Each as the documentation of Go's MemStats has it. */
START_TEST(memstats_tell_of_cycles_as_gos_do)
{
    uint64_t begun = now_since_1970(), pauses = 0, last, gc_sys;
    struct weir_memstats m;

    keep_all(64, 0);
    for (int i = 0; i < 3; i++)
        collect();
    for (int i = 0; i < 300000; i++)
        (void)weir_gc_alloc(128);
    ck_assert_int_eq(weir_memstats(&m), WEIR_OK);
    ck_assert_uint_gt(m.num_gc, 3);
    ck_assert_uint_lt(m.num_gc, 256); /* the ring has them all */
    ck_assert_uint_eq(m.num_forced_gc, 3);
    last = (m.num_gc + 255) % 256;
    for (unsigned i = 0; i <= last; i++) {
        ck_assert_uint_gt(m.pause_ns[i], 0);
        ck_assert_uint_ge(m.pause_end[i], i > 0 ? m.pause_end[i - 1] : begun);
        pauses += m.pause_ns[i];
    }
    ck_assert_uint_eq(m.pause_ns[last + 1], 0);
    ck_assert_uint_eq(m.pause_total_ns, pauses);
    ck_assert_uint_ge(m.last_gc, m.pause_end[last]);
    ck_assert_uint_le(m.last_gc, now_since_1970());
    ck_assert_uint_ge(m.next_gc, (uint64_t)4 << 20);
    ck_assert(m.gc_cpu_fraction > 0 && m.gc_cpu_fraction <= 1);
    ck_assert_int_eq(m.enable_gc, 1);
    ck_assert_int_eq(m.debug_gc, 0);
    gc_sys = m.gc_sys; /* of the last nobody has swept all */
    ck_assert_uint_gt(gc_sys, 0);
    ck_assert_uint_eq(m.sys, m.heap_sys + m.stack_sys + m.mspan_sys +
                                 m.mcache_sys + m.buck_hash_sys + m.gc_sys +
                                 m.other_sys);
    collect();
    ck_assert_int_eq(weir_memstats(&m), WEIR_OK);
    ck_assert_uint_lt(m.gc_sys, gc_sys);
    memset(root, 0, sizeof root);
}
END_TEST

/* ---- threads ---- */

static pthread_barrier_t barrier;
static _Thread_local void *own;

static void *
hold_on_stack(void *arg)
{
    void *volatile here = weir_gc_alloc(64);
    unsigned i = (unsigned)(uintptr_t)arg;

    own = weir_gc_alloc(64);
    hide(2 * i, here);
    hide(2 * i + 1, own);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    ck_assert(is_live(here));
    return NULL;
}

START_TEST(what_other_threads_have_stays)
{
    pthread_t t[4];

    pthread_barrier_init(&barrier, NULL, 5);
    for (uintptr_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, hold_on_stack, (void *)i),
                         0);
    pthread_barrier_wait(&barrier);
    collect();
    ck_assert_uint_eq(live_hidden(), 8);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
}
END_TEST

static void *
build_and_check(void *unused)
{
    (void)unused;
    for (int round = 0; round < 200; round++) {
        struct chain *first = NULL;
        long sum = 0;

        for (int i = 0; i < MANY; i++) {
            struct chain *c = weir_new(struct chain);

            c->next = first;
            c->number = i;
            first = c;
        }
        for (struct chain *c = first; c != NULL; c = c->next)
            sum += c->number;
        ck_assert_int_eq(sum, MANY * (MANY - 1) / 2);
    }
    return NULL;
}

START_TEST(threads_allocate_while_others_collect)
{
    pthread_t t[4];

    ck_assert_int_eq(weir_gc_set_percent(10), 100);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, build_and_check, NULL), 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(weir_gc_collect(), WEIR_OK);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    ck_assert_uint_ge(state().cycles, 20);
    wr_heap_check();
}
END_TEST

/* ---- large heaps ---- */

struct entry {
    struct entry *next;
    uint64_t number, sum;
};

enum { LISTS = 1 << 14, ENTRIES = 1 << 20 };

static struct entry **lists;

static uint64_t
sum_of(uint64_t number)
{
    return number * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static void
put_entry(uint64_t number)
{
    struct entry *e = weir_new(struct entry);
    struct entry **at = &lists[number * 7919 % LISTS];

    e->number = number;
    e->sum = sum_of(number);
    e->next = *at;
    *at = e;
}

/* In each list the first is taken away and another comes. */
static void
replace_some(uint64_t number, unsigned many)
{
    for (unsigned i = 0; i < many; i++, number++) {
        struct entry **at = &lists[number * 7919 % LISTS];

        *at = (*at)->next;
        put_entry(number);
    }
}

static uint64_t
count_entries(void)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < LISTS; i++)
        for (struct entry *e = lists[i]; e != NULL; e = e->next, n++)
            if (e->sum != sum_of(e->number))
                ck_abort_msg("an entry was freed");
    return n;
}

static bool
was_beside(void)
{
    return atomic_load(&wr_collector_self()->way) == start_way;
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

START_TEST(a_large_heap_is_marked_while_the_program_goes_on)
{
    uint64_t number, dead;

    lists = weir_new_array(struct entry *, LISTS);
    for (number = 0; number < ENTRIES; number++)
        put_entry(number);
    collect();
    dead = state().dead_bytes;
    if (!was_beside()) {
        unit_skip("it is not marked so on this system");
        return;
    }
    for (int i = 0; i < 40; i++, number += ENTRIES / 8)
        replace_some(number, ENTRIES / 8);
    ck_assert_uint_eq(count_entries(), ENTRIES);
    collect();
    ck_assert_uint_eq(count_entries(), ENTRIES);
    /* 5 million entries were dropped, of which chance keeps few. */
    ck_assert_uint_ge(state().dead_bytes - dead,
                      (uint64_t)5 * ENTRIES * 32 * 9 / 10);
    ck_assert_uint_eq(state().failed, 0);
    wr_heap_check();
    lists = NULL;
}
END_TEST

START_TEST(what_the_collector_will_free_is_no_leak)
{
    struct weir_leaks l;

    lose(64);
    ck_assert_int_eq(weir_leak_check(&l, NULL, NULL), WEIR_OK);
    ck_assert_uint_ge(l.live.blocks, MANY);
    ck_assert_uint_eq(l.direct.blocks + l.indirect.blocks, 0);
}
END_TEST

/* ---- misuse ---- */

static void
free_twice(void *p)
{
    weir_gc_free(p);
    weir_gc_free(p);
}

START_TEST(freeing_twice_stops_the_program)
{
    void *p = weir_gc_alloc(48);
    struct unit_end end = unit_end_of(free_twice, p);

    ck_assert_int_eq(end.signal, SIGABRT);
    ck_assert_ptr_nonnull(strstr(end.said, "free"));
    weir_gc_free(p);
}
END_TEST

static void
add_beside(Suite *s, const char *name, SFun begin)
{
    TCase *tc = tcase_create(name);

    tcase_add_checked_fixture(tc, begin, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_large_heap_is_marked_while_the_program_goes_on);
    tcase_add_test(tc, what_nobody_has_is_freed);
    tcase_add_test(tc, what_managed_blocks_point_to_stays);
    tcase_add_test(tc, blocks_of_malloc_keep_what_they_point_to);
    tcase_add_test(tc,
                   blocks_of_malloc_that_nobody_has_keep_only_if_all_are_roots);
    tcase_add_test(tc, realloc_leaves_a_block_managed);
    tcase_add_test(tc, spans_that_realloc_has_filled_are_given_back);
    tcase_add_test(tc, the_counts_balance);
    tcase_add_test(tc, what_other_threads_have_stays);
    tcase_add_test(tc, threads_allocate_while_others_collect);
    suite_add_tcase(s, tc);
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
    s = suite_create("gc");
    tc = tcase_create("gc");
    tcase_add_checked_fixture(tc, start, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_new_block_is_zero_though_its_memory_was_used);
    tcase_add_test(tc, sizes_that_cannot_be_had_are_refused);
    tcase_add_test(tc, only_managed_blocks_have_a_base);
    tcase_add_test(tc, realloc_leaves_a_block_managed);
    tcase_add_test(tc, spans_that_realloc_has_filled_are_given_back);
    tcase_add_test(tc, what_nobody_has_is_freed);
    tcase_add_test(tc, what_a_variable_points_into_stays);
    tcase_add_test(tc, the_end_of_an_array_keeps_it);
    tcase_add_test(tc, what_managed_blocks_point_to_stays);
    tcase_add_test(tc, noscan_blocks_keep_nothing);
    tcase_add_test(tc, blocks_of_malloc_keep_what_they_point_to);
    tcase_add_test(tc,
                   blocks_of_malloc_that_nobody_has_keep_only_if_all_are_roots);
    tcase_add_test(tc, added_roots_keep);
    tcase_add_test(tc, freed_memory_is_used_again);
    tcase_add_test(tc, a_program_that_only_allocates_stays_small);
    tcase_add_test(tc, nothing_is_collected_while_it_is_off);
    tcase_add_test(tc, the_counts_balance);
    tcase_add_test(tc, memstats_tell_of_cycles_as_gos_do);
    tcase_add_test(tc, what_other_threads_have_stays);
    tcase_add_test(tc, threads_allocate_while_others_collect);
    tcase_add_test(tc, what_the_collector_will_free_is_no_leak);
    tcase_add_test(tc, freeing_twice_stops_the_program);
    suite_add_tcase(s, tc);
    if (UNIT_SHADOW) {
        unit_skip("no marking beside the program under a sanitizer");
        return unit_main(s);
    }
    add_beside(s, "copy", start_copy);
    add_beside(s, "tracked", start_tracked);
    return unit_main(s);
}
