/* A cycle comes when there was none for two minutes; nobody waits for those. */
#include "gc/start.h"

#include "os/os.h"
#include "region/collector.h"
#include "region/event.h"

#define TWO_MINUTES UINT64_C(120000000000)

enum { MANY = 1000, PATIENCE = 60000 /* ms */ };

static uintptr_t hidden[MANY];
static void **list;

__attribute__((noinline)) static void
lose(void)
{
    for (int i = 0; i < MANY; i++)
        hidden[i] = ~(uintptr_t)weir_gc_alloc(48);
}

static unsigned
live(void)
{
    unsigned n = 0;

    for (int i = 0; i < MANY; i++)
        n += weir_gc_base((void *)~hidden[i]) != NULL;
    return n;
}

/* As the background thread would at that moment. */
static bool
tick(uint64_t ns)
{
    return wr_events.tick(ns);
}

static uint64_t
later(void)
{
    return wr_os_monotonic() + TWO_MINUTES;
}

/* The tick only asks for it. */
static void
must_come(uint64_t cycles)
{
    for (int i = 0; state().cycles < cycles; i++) {
        ck_assert_int_lt(i, PATIENCE);
        usleep(1000);
    }
    ck_assert_uint_eq(state().cycles, cycles);
}

START_TEST(none_comes_to_a_program_that_never_had_one)
{
    lose();
    ck_assert(!tick(later()));
    ck_assert(!tick(later() * 1000));
    collect();
    ck_assert_uint_eq(state().cycles, 1); /* this one alone */
}
END_TEST

START_TEST(one_comes_after_two_minutes)
{
    uint64_t before = later(), after;

    collect();
    after = later();
    ck_assert(tick(before));
    ck_assert(tick(0));
    lose();
    ck_assert(tick(after + 1));
    must_come(2);
    ck_assert_uint_eq(state().forced, 1); /* the first: as in Go */
    ck_assert(tick(after + 1 + TWO_MINUTES));
    collect();
    ck_assert_uint_eq(state().cycles, 3);
    ck_assert_uint_lt(live(), MANY / 10);
    ck_assert(tick(after + 2 + TWO_MINUTES));
    must_come(4);
}
END_TEST

/* What a cycle found dead, and nobody has swept, the next finds again. */
START_TEST(what_was_not_swept_goes_all_the_same)
{
    list = weir_gc_alloc(MANY * sizeof *list);
    for (int i = 0; i < MANY; i++)
        list[i] = weir_gc_alloc(64);
    collect();
    for (unsigned i = 1; i <= 3; i++) {
        lose();
        clear_stack();
        ck_assert(tick(later() * i));
        must_come(i + 1);
        for (int k = 0; k < MANY; k++)
            ck_assert_ptr_eq(weir_gc_base(list[k]), list[k]);
    }
    collect();
    ck_assert_uint_lt(live(), MANY / 10);
    ck_assert_uint_eq(state().forced, 2);
    wr_heap_check();
    list = NULL;
}
END_TEST

START_TEST(none_comes_while_the_collector_is_off)
{
    collect();
    (void)weir_gc_set_percent(-1);
    ck_assert(!tick(later()));
    (void)weir_gc_set_percent(100);
    weir_gc_disable();
    ck_assert(!tick(later()));
    weir_gc_enable();
    ck_assert_uint_eq(state().cycles, 1);
    ck_assert(tick(later()));
    must_come(2);
}
END_TEST

int
main(void)
{
    Suite *s;
    TCase *tc;

    if (UNIT_TSAN) {
        unit_skip("Weir's own thread cannot run under TSan");
        return 77;
    }
    s = suite_create("time");
    tc = tcase_create("time");
    tcase_add_checked_fixture(tc, start, NULL);
    tcase_set_timeout(tc, 110);
    tcase_add_test(tc, none_comes_to_a_program_that_never_had_one);
    tcase_add_test(tc, one_comes_after_two_minutes);
    tcase_add_test(tc, what_was_not_swept_goes_all_the_same);
    tcase_add_test(tc, none_comes_while_the_collector_is_off);
    suite_add_tcase(s, tc);
    return unit_main(s);
}
