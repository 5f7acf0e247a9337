/* The verifier finds what is wrong; and what helps it: a cycle at each
 * so-manieth block, freed memory overwritten. */
#include "gc/start.h"

#include <pthread.h>

#include "gc/verify.h"
#include "heap/mheap.h"
#include "mark/marks.h"
#include "world/stop.h"

static void *root[8];

/* ---- sets that are wrong, of a heap that is whole ---- */

static struct wr_marks *marks, *dead;
static struct wr_text said;

struct pair {
    struct pair *other;
    long number;
};

static struct pair *
new_pair(struct pair *other)
{
    struct pair *p = weir_new(struct pair);

    p->other = other;
    return p;
}

static void
make_sets(void)
{
    start();
    (void)weir_gc_set_percent(-1);
    (void)new_pair(NULL); /* there is a heap */
    marks = wr_marks_new();
    dead = wr_marks_new();
    ck_assert(marks != NULL && dead != NULL);
}

static void
free_sets(void)
{
    wr_marks_free(marks);
    wr_marks_free(dead);
}

static unsigned
number_of(const void *p)
{
    struct wr_span *s = wr_span_of(p);

    return (unsigned)(((uintptr_t)p - s->base) / wr_span_block_bytes(s));
}

static void
add(struct wr_marks *set, const void *p)
{
    ck_assert(wr_marks_add(set, wr_span_of(p), number_of(p)));
}

static void
take_out(const void *p)
{
    wr_marks_take_out(dead, wr_span_of(p), number_of(p));
}

/* Is the heap with those sets as it should be? With stop the roots, too. */
static bool
is_true(const struct wr_stop *stop)
{
    struct wr_verify v = {.marks = marks, .dead = dead, .stop = stop};
    bool good;

    wr_heap_fork_before();
    good = wr_verify(&v, &said);
    wr_heap_fork_after(false);
    ck_assert_int_eq(said.len == 0, good);
    return good;
}

static void
must_say(const char *what)
{
    ck_assert(!is_true(NULL));
    ck_assert_msg(strstr(said.buf, what) != NULL, "%s", said.buf);
    ck_assert_ptr_nonnull(strstr(said.buf, "please report it"));
}

START_TEST(sets_that_are_right_pass)
{
    struct pair *live = new_pair(new_pair(NULL)), *gone = new_pair(live);

    add(marks, live);
    add(marks, live->other);
    add(dead, gone);
    ck_assert(is_true(NULL));
    gone->other = new_pair(gone); /* a dead one may lead to dead ones */
    add(dead, gone->other);
    ck_assert(is_true(NULL));
}
END_TEST

START_TEST(a_live_block_that_leads_to_a_dead_one_is_found)
{
    struct pair *gone = new_pair(NULL), *live = new_pair(gone);
    char at[40];

    add(marks, live);
    add(dead, gone);
    must_say("in the live block");
    snprintf(at, sizeof at, "the word at %p", (void *)&live->other);
    ck_assert_msg(strstr(said.buf, at) != NULL, "%s", said.buf);
    live->other = (struct pair *)((char *)gone + 9); /* anywhere inside */
    must_say("in the live block");
    live->other = gone + 1; /* that is another block */
    ck_assert(is_true(NULL));
}
END_TEST

START_TEST(what_has_no_mark_and_is_not_dead_is_looked_into_too)
{
    struct pair *gone = new_pair(NULL);

    (void)new_pair(gone); /* as one that was made while others were marked */
    add(dead, gone);
    must_say("in the live block");
}
END_TEST

START_TEST(noscan_blocks_lead_nowhere)
{
    void **p = (void **)weir_new_noscan(char, 64);

    *p = new_pair(NULL);
    add(marks, p);
    add(dead, *p);
    ck_assert(is_true(NULL));
}
END_TEST

typedef struct typed {
    void *pointer;
    uintptr_t number;
} typed;
WEIR_TYPE(typed, pointer);

START_TEST(of_typed_blocks_the_words_count_that_are_pointers)
{
    typed *p = weir_new_typed(typed);

    p->number = (uintptr_t)new_pair(NULL);
    add(marks, p);
    add(dead, (void *)p->number);
    ck_assert(is_true(NULL));
    p->pointer = (void *)p->number;
    must_say("in the live block");
}
END_TEST

START_TEST(large_blocks_are_looked_into)
{
    void **p = weir_new_array(void *, 1000000);

    p[765432] = new_pair(NULL);
    add(marks, p);
    add(dead, p[765432]);
    must_say("in the live block");
}
END_TEST

START_TEST(blocks_of_malloc_count_if_they_have_a_mark)
{
    void **p = wr_malloc(64);

    memset(p, 0, 64);
    p[3] = new_pair(NULL);
    add(dead, p[3]);
    ck_assert(is_true(NULL));
    add(marks, p);
    must_say("in the live block");
    wr_free(p);
}
END_TEST

START_TEST(a_root_that_leads_to_a_dead_block_is_found)
{
    static struct wr_stop nobody;

    root[0] = new_pair(NULL);
    add(dead, root[0]);
    ck_assert(is_true(NULL));
    ck_assert(!is_true(&nobody));
    ck_assert_ptr_nonnull(strstr(said.buf, "in a root"));
}
END_TEST

START_TEST(a_block_with_a_mark_is_not_dead)
{
    struct pair *p = new_pair(NULL);

    add(marks, p);
    add(dead, p);
    must_say("can be reached");
}
END_TEST

START_TEST(only_whole_live_managed_blocks_are_dead)
{
    struct pair *p = new_pair(NULL), *freed = new_pair(NULL);
    char *large = weir_gc_alloc(100000);
    struct wr_span middle = {.base = (uintptr_t)large + 32768};
    void *m = wr_malloc(64);

    ck_assert(wr_marks_add(dead, wr_span_of(large), 1));
    must_say("is none, but");
    wr_marks_take_out(dead, wr_span_of(large), 1);
    ck_assert(wr_marks_add(dead, &middle, 0));
    must_say("is none, but");
    wr_marks_take_out(dead, &middle, 0);
    add(dead, m);
    must_say("of malloc");
    take_out(m);
    weir_gc_free(freed);
    add(dead, freed);
    must_say("is not live");
    take_out(freed);
    add(dead, p);
    ck_assert(is_true(NULL));
    wr_free(m);
}
END_TEST

/* ---- a heap that is not whole ---- */

static struct wr_slot *
slot_of(const void *p)
{
    return &wr_self->slot[wr_span_slot(wr_span_of(p))];
}

/* What p was given from hands it out again. */
static void
break_slot(const void *p)
{
    struct wr_slot *slot = slot_of(p);
    uintptr_t at = ((uintptr_t)p - slot->base) / slot->bytes;

    ck_assert_uint_lt(at, 64);
    wr_word_store(&slot->bits, wr_word_load(&slot->bits) | UINT64_C(1) << at);
}

START_TEST(a_live_block_that_can_be_handed_out_is_found)
{
    ck_assert(is_true(NULL));
    break_slot(new_pair(NULL));
    must_say("can be handed out");
}
END_TEST

static void *
leave_some(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++)
        root[0] = new_pair(root[0]);
    wr_mcache_detach();
    return NULL;
}

START_TEST(books_that_do_not_balance_are_found)
{
    struct wr_span *s;
    pthread_t t;

    ck_assert_int_eq(pthread_create(&t, NULL, leave_some, NULL), 0);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
    s = wr_span_of(root[0]);
    ck_assert_ptr_null(wr_span_owner(s)); /* the thread is gone */
    ck_assert(is_true(NULL));
    s->rest++;
    must_say("more blocks than live");
    s->rest -= 2;
    must_say("fewer blocks than live");
    s->rest++;
    s->block[s->blocks - 1] = 7;
    must_say("a state that there is not");
    s->block[s->blocks - 1] = WR_BLOCK_FRESH;
    s->block[s->blocks] = WR_BLOCK_LIVE;
    must_say("does not end");
}
END_TEST

static void
break_own(void *p)
{
    wr_span_of(p)->rest++;
    wr_verify_own();
}

START_TEST(a_thread_looks_at_its_own_books)
{
    struct pair *p = new_pair(NULL);
    struct unit_end end;

    wr_verify_own();
    end = unit_end_of(break_own, p);
    ck_assert_int_eq(end.signal, SIGABRT);
    ck_assert_ptr_nonnull(strstr(end.said, "more blocks than live"));
}
END_TEST

/* ---- in a cycle ---- */

static void
break_and_collect(void *bytes)
{
    struct pair *p = NULL;
    uint64_t all = *(uint64_t *)bytes;

    start_with(&(struct wr_gc_options){.percent = 100, .verify = true});
    for (uint64_t i = 0; i < all; i += sizeof *p)
        root[0] = p = new_pair(p);
    if (weir_gc_collect() != WEIR_OK || weir_gc_collect() != WEIR_OK)
        return;
    break_slot(new_pair(NULL));
    if (all < 1 << 20)
        (void)weir_gc_collect();
    else
        for (;;)
            (void)weir_gc_alloc(100000);
}

/* A small heap is marked while the program stands still, a large one in a copy
 * of it, which nobody waits for. */
START_TEST(what_a_cycle_finds_wrong_stops_the_program)
{
    uint64_t bytes[] = {1000, 50 << 20};

    for (unsigned i = 0; i < (UNIT_SHADOW ? 1 : wr_countof(bytes)); i++) {
        struct unit_end end = unit_end_of(break_and_collect, &bytes[i]);

        ck_assert_int_eq(end.signal, SIGABRT);
        ck_assert_msg(strstr(end.said, "can be handed out") != NULL, "%s",
                      end.said);
    }
}
END_TEST

START_TEST(cycles_of_a_busy_program_are_true)
{
    start_with(&(struct wr_gc_options){.percent = 50, .verify = true});
    for (int i = 0; i < 400000; i++) {
        unsigned at = (unsigned)i % 8;

        root[at] = i % 1000 < 8 ? NULL : new_pair(root[(at + 1) % 8]);
        if (i % 3 == 0)
            (void)weir_gc_alloc((size_t)i % 3000);
        if (i % 1000 == 999)
            memset(root, 0, sizeof root);
    }
    ck_assert_uint_ge(state().cycles, 10);
    ck_assert_uint_eq(state().failed, 0);
}
END_TEST

/* ---- a cycle at each so-manieth block ---- */

START_TEST(a_cycle_comes_at_every_block)
{
    uint64_t before;

    start_with(&(struct wr_gc_options){.percent = 100, .every = 1});
    (void)new_pair(NULL);
    before = state().cycles;
    for (int i = 0; i < 100; i++)
        root[0] = new_pair(root[0]);
    ck_assert_uint_eq(state().cycles, before + 100);
    for (struct pair *p = root[0]; p != NULL; p = p->other)
        ck_assert_ptr_eq(weir_gc_base(p), p);
    (void)weir_gc_alloc_noscan(100000);
    ck_assert_uint_eq(state().cycles, before + 101);
}
END_TEST

START_TEST(a_cycle_comes_at_every_seventh_block)
{
    start_with(&(struct wr_gc_options){.percent = 100, .every = 7});
    for (int i = 0; i < 70; i++)
        (void)weir_gc_alloc((size_t)i % 5 * 100);
    ck_assert_uint_eq(state().cycles, 10);
    weir_gc_disable();
    for (int i = 0; i < 70; i++)
        (void)new_pair(NULL);
    ck_assert_uint_eq(state().cycles, 10);
    weir_gc_enable();
    for (int i = 0; i < 70; i++)
        (void)new_pair(NULL);
    ck_assert_uint_ge(state().cycles, 19);
}
END_TEST

/* ---- freed memory is overwritten ---- */

enum { LOST = 1000 };
static uintptr_t hidden[LOST];

__attribute__((noinline)) static void
lose(size_t bytes)
{
    for (int i = 0; i < LOST; i++) {
        void *p = weir_gc_alloc(bytes);

        memset(p, 1, bytes);
        hidden[i] = ~(uintptr_t)p;
    }
}

static unsigned
overwritten(void)
{
    unsigned n = 0;

    for (int i = 0; i < LOST; i++)
        n += *(volatile uint64_t *)~hidden[i] == UINT64_C(0xdeadbeefdeadbeef);
    return n;
}

START_TEST(freed_memory_is_overwritten_if_that_is_wished)
{
    start_with(&(struct wr_gc_options){.percent = -1, .clobber = true});
    lose(48);
    collect();
    ck_assert_uint_ge(overwritten(), LOST * 9 / 10);
    for (int i = 0; i < LOST; i++) /* and is zero when it is used again */
        ck_assert_uint_eq(*(uint64_t *)weir_gc_alloc(48), 0);
}
END_TEST

START_TEST(freed_memory_is_as_it_was_else)
{
    start();
    lose(48);
    collect();
    ck_assert_uint_eq(overwritten(), 0);
}
END_TEST

static TCase *
case_of_sets(void)
{
    TCase *tc = tcase_create("sets");

    tcase_add_checked_fixture(tc, make_sets, free_sets);
    tcase_add_test(tc, sets_that_are_right_pass);
    tcase_add_test(tc, a_live_block_that_leads_to_a_dead_one_is_found);
    tcase_add_test(tc, what_has_no_mark_and_is_not_dead_is_looked_into_too);
    tcase_add_test(tc, noscan_blocks_lead_nowhere);
    tcase_add_test(tc, of_typed_blocks_the_words_count_that_are_pointers);
    tcase_add_test(tc, large_blocks_are_looked_into);
    tcase_add_test(tc, blocks_of_malloc_count_if_they_have_a_mark);
    tcase_add_test(tc, a_root_that_leads_to_a_dead_block_is_found);
    tcase_add_test(tc, a_block_with_a_mark_is_not_dead);
    tcase_add_test(tc, only_whole_live_managed_blocks_are_dead);
    tcase_add_test(tc, a_live_block_that_can_be_handed_out_is_found);
    tcase_add_test(tc, books_that_do_not_balance_are_found);
    tcase_add_test(tc, a_thread_looks_at_its_own_books);
    return tc;
}

static TCase *
case_of_cycles(void)
{
    TCase *tc = tcase_create("cycles");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, what_a_cycle_finds_wrong_stops_the_program);
    tcase_add_test(tc, cycles_of_a_busy_program_are_true);
    tcase_add_test(tc, a_cycle_comes_at_every_block);
    tcase_add_test(tc, a_cycle_comes_at_every_seventh_block);
    tcase_add_test(tc, freed_memory_is_overwritten_if_that_is_wished);
    tcase_add_test(tc, freed_memory_is_as_it_was_else);
    return tc;
}

int
main(void)
{
    Suite *s;

    if (UNIT_TSAN) {
        unit_skip("a sanitizer's shadow is not read, and Weir's own thread "
                  "cannot run under TSan");
        return 77;
    }
    s = suite_create("verify");
    suite_add_tcase(s, case_of_sets());
    suite_add_tcase(s, case_of_cycles());
    return unit_main(s);
}
