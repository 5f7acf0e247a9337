/* Life cycle: release at the end of scopes, reference counts. */
#include "unit.h"

#include <pthread.h>
#include <weir/buffer.h>
#include <weir/defer.h>
#include <weir/ref.h>

#include "kit/allocs.h"

/* ---- defer ---- */

static char order[100];

static void
note(void *text)
{
    strcat(order, text);
}

static int
leaves_early(int way)
{
    weir_defer(note, "first");
    for (int i = 0; i < 3; i++) {
        weir_defer(note, "loop,");
        if (way == 1 && i == 1)
            break;
        if (way == 2)
            return 2;
    }
    weir_defer(note, "last,");
    strcat(order, "body,");
    return 0;
}

START_TEST(a_scope_releases_last_in_first_out_however_it_is_left)
{
    order[0] = '\0';
    leaves_early(0);
    ck_assert_str_eq(order, "loop,loop,loop,body,last,first");
    order[0] = '\0';
    leaves_early(1);
    ck_assert_str_eq(order, "loop,loop,body,last,first");
    order[0] = '\0';
    ck_assert_int_eq(leaves_early(2), 2);
    ck_assert_str_eq(order, "loop,first");
}
END_TEST

START_TEST(the_argument_is_taken_where_defer_stands)
{
    char *text = "then";

    order[0] = '\0';
    {
        weir_defer(note, text);
        text = "later";
    }
    ck_assert_str_eq(order, "then");
}
END_TEST

static char *
copy_or_not(int give)
{
    weir_cleanup_free char *copy = strdup("a copy");

    return give ? weir_take(char *, copy) : NULL;
}

START_TEST(what_is_taken_is_not_released)
{
    weir_cleanup(weir_buffer_free) struct weir_buffer b = {0};
    weir_cleanup_free char *copy = copy_or_not(1);

    ck_assert_str_eq(copy, "a copy");
    ck_assert_ptr_null(copy_or_not(0)); /* a leak checker sees if it leaks */
    weir_buffer_add_text(&b, "released too");
}
END_TEST

/* ---- reference counts ---- */

struct thing {
    int *gone;
    weir_weak *parent;
    struct thing *child;
};

static void
thing_gone(void *p)
{
    struct thing *t = p;

    __atomic_add_fetch(t->gone, 1, __ATOMIC_RELAXED);
    weir_weak_put(t->parent);
    weir_ref_put(t->child);
}

START_TEST(the_last_put_calls_the_destructor_once)
{
    struct allocs from;
    struct thing *t;
    int gone = 0;

    allocs_init(&from);
    t = weir_ref_new(sizeof *t, thing_gone, &from.alloc);
    ck_assert_ptr_null(t->child);
    t->gone = &gone;
    ck_assert_ptr_eq(weir_ref_get(t), t);
    ck_assert_uint_eq(weir_ref_count(t), 2);
    weir_ref_put(t);
    ck_assert_int_eq(gone, 0);
    weir_ref_put(t);
    ck_assert_int_eq(gone, 1);
    ck_assert_int_eq(from.blocks, 0);
    weir_ref_put(NULL);
    weir_weak_put(NULL);
    ck_assert_ptr_null(weir_ref_get(NULL));
    ck_assert_ptr_null(weir_ref_weak(NULL));
    ck_assert_ptr_null(weir_weak_get(NULL));
    from.refuse = true;
    ck_assert_ptr_null(weir_ref_new(10, NULL, &from.alloc));
    ck_assert_ptr_null(weir_ref_new(SIZE_MAX, NULL, &from.alloc));
}
END_TEST

START_TEST(a_weak_reference_gives_the_object_while_it_is_held)
{
    struct allocs from;
    struct thing *t;
    weir_weak *w;
    int gone = 0;

    allocs_init(&from);
    t = weir_ref_new(sizeof *t, thing_gone, &from.alloc);
    t->gone = &gone;
    w = weir_ref_weak(t);
    ck_assert_ptr_eq(weir_weak_get(w), t);
    weir_ref_put(t);
    weir_ref_put(t);
    ck_assert_int_eq(gone, 1);
    ck_assert_ptr_null(weir_weak_get(w));
    ck_assert_int_eq(from.blocks, 1);
    weir_weak_put(w);
    ck_assert_int_eq(from.blocks, 0);
}
END_TEST

START_TEST(a_ring_broken_by_a_weak_parent_is_released)
{
    struct thing *parent, *child;
    int gone = 0;

    parent = weir_ref_new(sizeof *parent, thing_gone, NULL);
    child = weir_ref_new(sizeof *child, thing_gone, NULL);
    parent->gone = child->gone = &gone;
    parent->child = child;
    child->parent = weir_ref_weak(parent);
    weir_ref_put(parent);
    ck_assert_int_eq(gone, 2);
}
END_TEST

static weir_weak *shared;
static int rounds;

/* Tries to get the object while its holders leave. */
static void *
get_and_put(void *unused)
{
    struct thing *t;

    (void)unused;
    for (int i = 0; i < 500 && (t = weir_weak_get(shared)) != NULL; i++) {
        __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
        weir_ref_put(t);
    }
    return NULL;
}

START_TEST(threads_that_race_for_the_last_reference_destroy_once)
{
    pthread_t thread[3];
    int gone = 0;

    for (int round = 0; round < 50; round++) {
        struct thing *t = weir_ref_new(sizeof *t, thing_gone, NULL);

        t->gone = &gone;
        shared = weir_ref_weak(t);
        rounds = 0;
        for (int i = 0; i < 3; i++)
            pthread_create(&thread[i], NULL, get_and_put, NULL);
        while (__atomic_load_n(&rounds, __ATOMIC_RELAXED) < 100)
            sched_yield();
        weir_ref_put(t);
        for (int i = 0; i < 3; i++)
            pthread_join(thread[i], NULL);
        ck_assert_int_eq(gone, round + 1);
        weir_weak_put(shared);
    }
}
END_TEST

static void
put_twice(void *unused)
{
    void *p = weir_ref_new(10, NULL, NULL);
    weir_weak *w = weir_ref_weak(p); /* so the memory stays */

    (void)unused;
    (void)w;
    weir_ref_put(p);
    weir_ref_put(p);
}

START_TEST(one_put_too_many_stops_the_program)
{
    struct unit_end end = unit_end_of(put_twice, NULL);

    ck_assert_int_eq(end.signal, SIGABRT);
    ck_assert_ptr_nonnull(strstr(end.said, "weir_ref_put(0x"));
    ck_assert_ptr_nonnull(strstr(end.said, "nobody holds this object"));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("kit/life");
    TCase *c = tcase_create("life");

    tcase_add_test(c, a_scope_releases_last_in_first_out_however_it_is_left);
    tcase_add_test(c, the_argument_is_taken_where_defer_stands);
    tcase_add_test(c, what_is_taken_is_not_released);
    tcase_add_test(c, the_last_put_calls_the_destructor_once);
    tcase_add_test(c, a_weak_reference_gives_the_object_while_it_is_held);
    tcase_add_test(c, a_ring_broken_by_a_weak_parent_is_released);
    tcase_add_test(c, threads_that_race_for_the_last_reference_destroy_once);
    tcase_add_test(c, one_put_too_many_stops_the_program);
    suite_add_tcase(s, c);
    return unit_main(s);
}
