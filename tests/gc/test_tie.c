/* What is tied to the life of managed blocks. */
#include "gc/start.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MANY = 400 };

static void *root[MANY];
static _Atomic unsigned calls;
static _Atomic unsigned turn[MANY]; /* of each, when it was called; from 1 */
static void *_Atomic kept;

struct node {
    struct node *next;
    unsigned number;
};

static void
wait_for_calls(unsigned n)
{
    for (int i = 0; i < 10000 && atomic_load(&calls) < n; i++)
        usleep(1000);
    ck_assert_uint_ge(atomic_load(&calls), n);
}

static void
note(void *arg)
{
    atomic_store(&turn[(uintptr_t)arg], atomic_fetch_add(&calls, 1) + 1);
}

static void
note_object(void *object, void *arg)
{
    ck_assert_uint_eq(((struct node *)object)->number, (uintptr_t)arg);
    note(arg);
}

static void
keep_object(void *object, void *arg)
{
    (void)arg;
    atomic_store(&kept, object);
    atomic_fetch_add(&calls, 1);
}

__attribute__((noinline)) static void
make_all(weir_err (*tie)(unsigned i, struct node *n))
{
    for (unsigned i = 0; i < MANY; i++) {
        struct node *n = weir_new(struct node);

        n->number = i;
        root[i] = n;
        ck_assert_int_eq(tie(i, n), WEIR_OK);
    }
}

static void
forget(void)
{
    memset(root, 0, sizeof root);
}

/* ---- functions ---- */

static weir_err
clean_up(unsigned i, struct node *n)
{
    return weir_gc_cleanup(n, note, (void *)(uintptr_t)i);
}

START_TEST(cleanups_come_after_the_block_is_gone_and_once)
{
    make_all(clean_up);
    collect();
    ck_assert_uint_eq(atomic_load(&calls), 0);
    forget();
    collect();
    wait_for_calls(MANY * 9 / 10);
    collect();
    collect();
    usleep(10000);
    ck_assert_uint_le(atomic_load(&calls), MANY);
}
END_TEST

static weir_err (*finalizer)(const void *, void (*)(void *, void *),
                             void *) = weir_gc_finalizer;

static weir_err
finalize(unsigned i, struct node *n)
{
    return finalizer(n, note_object, (void *)(uintptr_t)i);
}

START_TEST(finalizers_see_the_block_whole)
{
    make_all(finalize);
    collect();
    ck_assert_uint_eq(atomic_load(&calls), 0);
    forget();
    collect();
    wait_for_calls(MANY * 9 / 10);
    for (int i = 0; i < 3; i++)
        collect();
    ck_assert_uint_le(atomic_load(&calls), MANY);
}
END_TEST

__attribute__((noinline)) static void
make_pairs(void)
{
    for (unsigned i = 0; i < MANY; i += 2) {
        struct node *inner = weir_new(struct node);
        struct node *outer = weir_new(struct node);

        outer->next = inner;
        inner->number = i;
        outer->number = i + 1;
        ck_assert_int_eq(finalize(i, inner), WEIR_OK);
        ck_assert_int_eq(finalize(i + 1, outer), WEIR_OK);
    }
}

START_TEST(who_leads_to_another_is_finalized_first)
{
    make_pairs();
    for (int i = 0; i < 4; i++) {
        collect();
        wait_for_calls(i < 2 ? MANY * (i + 1) * 9 / 20 : 0);
    }
    for (unsigned i = 0; i < MANY; i += 2)
        if (turn[i] != 0)
            ck_assert_uint_lt(turn[i + 1], turn[i]);
}
END_TEST

__attribute__((noinline)) static void
make_rings(void)
{
    for (unsigned i = 0; i < MANY; i += 2) {
        struct node *a = weir_new(struct node), *b = weir_new(struct node);

        a->next = b;
        b->next = a;
        a->number = i;
        b->number = i + 1;
        ck_assert_int_eq(finalize(i, a), WEIR_OK);
        ck_assert_int_eq(finalize(i + 1, b), WEIR_OK);
    }
}

START_TEST(rings_are_not_finalized)
{
    make_rings();
    collect();
    collect();
    usleep(10000);
    ck_assert_uint_eq(atomic_load(&calls), 0);
}
END_TEST

START_TEST(unordered_finalizers_of_rings_are_called)
{
    finalizer = weir_gc_finalizer_unordered;
    make_rings();
    collect();
    wait_for_calls(MANY * 9 / 10);
    for (int i = 0; i < 3; i++)
        collect();
    ck_assert_uint_le(atomic_load(&calls), MANY);
}
END_TEST

START_TEST(the_program_calls_what_is_ready_if_it_wants_to)
{
    unsigned ready, in_all = 0;

    weir_gc_set_caller(WEIR_GC_CALLER_PROGRAM);
    ck_assert_uint_eq(weir_gc_call_ready(), 0);
    make_all(finalize);
    forget();
    for (int i = 0; i < 3; i++) {
        collect();
        ready = weir_gc_ready();
        ck_assert_uint_eq(atomic_load(&calls), in_all);
        ck_assert_uint_eq(weir_gc_call_ready(), ready);
        ck_assert_uint_eq(weir_gc_ready(), 0);
        in_all += ready;
    }
    ck_assert_uint_gt(in_all, MANY * 9 / 10);
    ck_assert_uint_eq(atomic_load(&calls), in_all);
}
END_TEST

START_TEST(what_the_program_has_not_called_the_thread_does)
{
    weir_gc_set_caller(WEIR_GC_CALLER_PROGRAM);
    make_all(finalize);
    forget();
    collect();
    weir_gc_set_caller(WEIR_GC_CALLER_THREAD);
    collect();
    wait_for_calls(MANY * 9 / 10);
}
END_TEST

/* A block that leads to itself is no ring. */
static weir_err
keep(unsigned i, struct node *n)
{
    (void)i;
    n->next = n;
    return weir_gc_finalizer(n, keep_object, NULL);
}

START_TEST(a_block_that_its_finalizer_stores_lives_on)
{
    make_all(keep);
    forget();
    collect();
    wait_for_calls(MANY * 9 / 10);
    collect();
    ck_assert_ptr_eq(weir_gc_base(kept), kept);
    ck_assert_ptr_eq(((struct node *)kept)->next, kept);
}
END_TEST

START_TEST(a_finalizer_can_be_taken_away_or_replaced)
{
    make_all(finalize);
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_int_eq(weir_gc_finalizer(root[i], NULL, NULL), WEIR_OK);
    forget();
    collect();
    collect();
    usleep(10000);
    ck_assert_uint_eq(atomic_load(&calls), 0);
}
END_TEST

START_TEST(a_finalizer_is_told)
{
    void *p = weir_gc_alloc(16), *arg = p;
    void (*fn)(void *, void *) = NULL;

    ck_assert_int_eq(weir_gc_finalizer_read(p, &fn, &arg), WEIR_ENOENT);
    ck_assert_int_eq(weir_gc_finalizer_read(&p, &fn, &arg), WEIR_EINVAL);
    ck_assert_int_eq(weir_gc_finalizer(p, note_object, &fn), WEIR_OK);
    ck_assert_int_eq(weir_gc_finalizer_read(p, &fn, &arg), WEIR_OK);
    ck_assert(fn == note_object);
    ck_assert_ptr_eq(arg, &fn);
    ck_assert_int_eq(weir_gc_finalizer(p, NULL, NULL), WEIR_OK);
    ck_assert_int_eq(weir_gc_finalizer_read(p, &fn, &arg), WEIR_ENOENT);
}
END_TEST

START_TEST(what_is_freed_has_no_ties)
{
    make_all(clean_up);
    for (unsigned i = 0; i < MANY; i++)
        weir_gc_free(root[i]);
    forget();
    collect();
    usleep(10000);
    ck_assert_uint_eq(atomic_load(&calls), 0);
}
END_TEST

/* ---- others ---- */

static uintptr_t hidden[MANY];

static unsigned
live_hidden(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < MANY; i++)
        n += weir_gc_base((void *)~hidden[i]) != NULL;
    return n;
}

static weir_err
pin(unsigned i, struct node *n)
{
    hidden[i] = ~(uintptr_t)n;
    return weir_gc_pin(n);
}

START_TEST(pinned_blocks_stay)
{
    make_all(pin);
    forget();
    collect();
    ck_assert_uint_eq(live_hidden(), MANY);
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_int_eq(weir_gc_unpin((void *)~hidden[i]), WEIR_OK);
    ck_assert_int_eq(weir_gc_unpin((void *)~hidden[0]), WEIR_ENOENT);
    collect();
    ck_assert_uint_lt(live_hidden(), MANY / 10);
}
END_TEST

__attribute__((noinline)) static weir_err
tie_value(unsigned i, struct node *key)
{
    struct node *value = weir_new(struct node);

    value->next = key; /* would keep the key, if the table kept the value */
    hidden[i] = ~(uintptr_t)value;
    return weir_gc_ephemeron(key, value);
}

START_TEST(values_of_ephemerons_live_as_long_as_their_keys)
{
    make_all(tie_value);
    collect();
    ck_assert_uint_eq(live_hidden(), MANY);
    forget();
    collect();
    ck_assert_uint_lt(live_hidden(), MANY / 10);
}
END_TEST

static struct weir_gc_weak *weak[MANY];

static weir_err
refer(unsigned i, struct node *n)
{
    weak[i] = weir_gc_weak_new(n);
    return weak[i] != NULL ? WEIR_OK : WEIR_ENOMEM;
}

START_TEST(weak_references_keep_nothing_and_end)
{
    unsigned there = 0;

    make_all(refer);
    collect();
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_ptr_eq(weir_gc_weak_get(weak[i]), root[i]);
    forget();
    collect();
    for (unsigned i = 0; i < MANY; i++)
        there += weir_gc_weak_get(weak[i]) != NULL;
    ck_assert_uint_lt(there, MANY / 10);
}
END_TEST

START_TEST(links_are_cut_unless_taken_away)
{
    static void *word[2];
    struct node *a = weir_new(struct node), *b = weir_new(struct node);

    word[0] = (void *)~(uintptr_t)a;
    word[1] = (void *)~(uintptr_t)b;
    ck_assert_int_eq(weir_gc_link(&word[0], a), WEIR_OK);
    ck_assert_int_eq(weir_gc_link(&word[1], b), WEIR_OK);
    ck_assert_int_eq(weir_gc_unlink(&word[1]), WEIR_OK);
    ck_assert_int_eq(weir_gc_unlink(&word[1]), WEIR_ENOENT);
    ck_assert_int_eq(weir_gc_link(&word[1], &a), WEIR_EINVAL);
    a = b = NULL;
    for (int i = 0; i < 20 && word[0] != NULL; i++)
        collect();
    ck_assert_ptr_nonnull(word[1]);
}
END_TEST

__attribute__((noinline)) static void
link_all(void **word)
{
    for (unsigned i = 0; i < MANY; i++) {
        struct node *n = weir_new(struct node);

        word[i] = (void *)~(uintptr_t)n;
        ck_assert_int_eq(weir_gc_link(&word[i], n), WEIR_OK);
    }
}

START_TEST(a_link_can_be_moved)
{
    static void *from[MANY], *to[MANY];
    unsigned cut = 0;

    link_all(from);
    for (unsigned i = 0; i < MANY; i++) {
        to[i] = from[i];
        ck_assert_int_eq(weir_gc_link_move(&from[i], &to[i]), WEIR_OK);
        ck_assert_int_eq(weir_gc_link_move(&from[i], &to[i]), WEIR_ENOENT);
    }
    ck_assert_int_eq(weir_gc_link_move(&to[0], NULL), WEIR_EINVAL);
    collect();
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_ptr_nonnull(from[i]);
        cut += to[i] == NULL;
    }
    ck_assert_uint_gt(cut, MANY * 9 / 10);
}
END_TEST

/* Of a call and a thread that collects meanwhile. */
static _Atomic enum { APART, CALLED, COLLECTS, COLLECTED } stage;

static void
wait_for_stage(int s)
{
    while ((int)atomic_load(&stage) < s)
        usleep(1000);
}

static void *
collect_once(void *unused)
{
    (void)unused;
    wait_for_stage(CALLED);
    atomic_store(&stage, COLLECTS);
    while (weir_gc_collect() != WEIR_OK)
        ; /* who waits too long gives up, and that is right */
    atomic_store(&stage, COLLECTED);
    return NULL;
}

/* It allocates more than what begins a cycle, and has the address of a block
 * that a link alone knows. */
static void *
reveal(void *word)
{
    struct node *n;

    atomic_store(&stage, CALLED);
    wait_for_stage(COLLECTS);
    for (int i = 0; i < 200; i++) {
        ck_assert_ptr_nonnull(weir_new_array(struct node, 2000));
        usleep(1000);
    }
    ck_assert_int_eq(atomic_load(&stage), COLLECTS);
    ck_assert_ptr_nonnull(*(void **)word);
    n = (struct node *)~(uintptr_t) * (void **)word;
    ck_assert_uint_eq(n->number, 77);
    return n;
}

__attribute__((noinline)) static void
link_to_77(void **word)
{
    struct node *n = weir_new(struct node);

    n->number = 77;
    *word = (void *)~(uintptr_t)n;
    ck_assert_int_eq(weir_gc_link(word, n), WEIR_OK);
}

START_TEST(nothing_is_cut_while_a_call_is_undisturbed)
{
    static void *word;
    struct node *n;
    pthread_t other;

    link_to_77(&word);
    ck_assert_int_eq(pthread_create(&other, NULL, collect_once, NULL), 0);
    n = weir_gc_undisturbed(reveal, &word);
    pthread_join(other, NULL);
    collect();
    ck_assert_ptr_eq(weir_gc_base(n), n);
    ck_assert_uint_eq(n->number, 77);
}
END_TEST

START_TEST(what_is_no_managed_block_has_no_ties)
{
    void *p = wr_malloc(16);

    ck_assert_int_eq(weir_gc_pin(p), WEIR_EINVAL);
    ck_assert_int_eq(weir_gc_cleanup(p, note, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_gc_cleanup(weir_gc_alloc(16), NULL, NULL),
                     WEIR_EINVAL);
    ck_assert_int_eq(weir_gc_ephemeron(NULL, p), WEIR_EINVAL);
    wr_free(p);
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
    s = suite_create("tie");
    tc = tcase_create("tie");
    tcase_add_checked_fixture(tc, start, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, cleanups_come_after_the_block_is_gone_and_once);
    tcase_add_test(tc, finalizers_see_the_block_whole);
    tcase_add_test(tc, who_leads_to_another_is_finalized_first);
    tcase_add_test(tc, rings_are_not_finalized);
    tcase_add_test(tc, unordered_finalizers_of_rings_are_called);
    tcase_add_test(tc, the_program_calls_what_is_ready_if_it_wants_to);
    tcase_add_test(tc, what_the_program_has_not_called_the_thread_does);
    tcase_add_test(tc, a_block_that_its_finalizer_stores_lives_on);
    tcase_add_test(tc, a_finalizer_can_be_taken_away_or_replaced);
    tcase_add_test(tc, a_finalizer_is_told);
    tcase_add_test(tc, a_link_can_be_moved);
    tcase_add_test(tc, what_is_freed_has_no_ties);
    tcase_add_test(tc, pinned_blocks_stay);
    tcase_add_test(tc, values_of_ephemerons_live_as_long_as_their_keys);
    tcase_add_test(tc, weak_references_keep_nothing_and_end);
    tcase_add_test(tc, links_are_cut_unless_taken_away);
    tcase_add_test(tc, nothing_is_cut_while_a_call_is_undisturbed);
    tcase_add_test(tc, what_is_no_managed_block_has_no_ties);
    suite_add_tcase(s, tc);
    return unit_main(s);
}
