/* The concurrent map: against an array, what its threads see in what order,
 * and that what somebody looks at is not ended. */
#include "unit.h"

#include <pthread.h>
#include <weir/cmap.h>

#include "kit/allocs.h"

static int64_t alive; /* values; atomic */

static void
gone(void *value, void *arg)
{
    (void)arg;
    __atomic_sub_fetch(&alive, 1, __ATOMIC_RELAXED);
    memset(value, 0xdd, sizeof(uint64_t));
    free(value);
}

static uint64_t *
number(uint64_t n)
{
    uint64_t *value = malloc(sizeof *value);

    *value = n;
    __atomic_add_fetch(&alive, 1, __ATOMIC_RELAXED);
    return value;
}

static weir_cmap *
new_cmap(const weir_alloc *alloc)
{
    struct weir_cmap_options o = {.gone = gone, .alloc = alloc};
    weir_cmap *m;

    ck_assert_int_eq(weir_cmap_new(&m, &o), WEIR_OK);
    return m;
}

/* 0: not there. */
static uint64_t
get(weir_cmap *m, uint64_t key)
{
    uint64_t *value, n;

    weir_cmap_enter();
    value = weir_cmap_get(m, &key, sizeof key);
    n = value == NULL ? 0 : *value;
    weir_cmap_leave();
    return n;
}

enum { KEYS = 2000 };
static uint64_t model[KEYS];

static bool
check_entry(const void *key, size_t key_bytes, void *value, void *met)
{
    uint64_t k;

    ck_assert_uint_eq(key_bytes, sizeof k);
    memcpy(&k, key, sizeof k);
    ck_assert_uint_eq(model[k], *(uint64_t *)value);
    ++*(size_t *)met;
    return true;
}

static bool
stop_at_once(const void *key, size_t key_bytes, void *value, void *met)
{
    (void)key, (void)key_bytes, (void)value;
    ++*(size_t *)met;
    return false;
}

static void
check(weir_cmap *m)
{
    size_t met = 0, n = 0;

    for (int i = 0; i < KEYS; i++)
        n += model[i] != 0;
    weir_cmap_each(m, check_entry, &met);
    ck_assert_uint_eq(met, n);
    ck_assert_uint_eq(weir_cmap_count(m), n);
}

static void
random_operation(weir_cmap *m, uint64_t *chance, uint64_t n)
{
    uint64_t key = unit_below(chance, KEYS), *value;
    void *there;

    switch (unit_below(chance, 6)) {
    case 0:
        weir_cmap_put(m, &key, sizeof key, number(n));
        model[key] = n;
        break;
    case 1:
        value = number(n);
        weir_cmap_enter();
        ck_assert_int_eq(weir_cmap_put_new(m, &key, sizeof key, value, &there),
                         WEIR_OK);
        ck_assert_uint_eq(there == NULL ? 0 : *(uint64_t *)there, model[key]);
        weir_cmap_leave();
        if (there != NULL)
            gone(value, NULL);
        else
            model[key] = n;
        break;
    case 2:
        ck_assert(weir_cmap_delete(m, &key, sizeof key) == (model[key] != 0));
        model[key] = 0;
        break;
    default:
        ck_assert_uint_eq(get(m, key), model[key]);
    }
}

START_TEST(a_map_holds_what_was_put_and_not_deleted)
{
    uint64_t chance = unit_seed("cmap");
    struct allocs from;
    weir_cmap *m;
    size_t met = 0;

    allocs_init(&from);
    m = new_cmap(&from.alloc);
    for (uint64_t step = 1; step <= 100000; step++) {
        random_operation(m, &chance, step);
        if (step % 5000 == 0)
            check(m);
    }
    weir_cmap_each(m, stop_at_once, &met);
    ck_assert_uint_eq(met, 1);
    weir_cmap_free(m);
    weir_cmap_free(NULL);
    ck_assert_int_eq(alive, 0);
    ck_assert_int_eq(from.held, 0);
    ck_assert_int_eq(from.blocks, 0);
}
END_TEST

START_TEST(what_was_replaced_is_ended_while_the_map_lives)
{
    weir_cmap *m = new_cmap(NULL);
    uint64_t key = 1;

    for (uint64_t i = 1; i <= 100000; i++)
        weir_cmap_put(m, &key, sizeof key, number(i));
    ck_assert_int_lt(alive, 1000);
    ck_assert_uint_eq(get(m, 1), 100000);
    weir_cmap_free(m);
    ck_assert_int_eq(alive, 0);
}
END_TEST

START_TEST(what_was_got_inside_stays_until_leaving)
{
    weir_cmap *m = new_cmap(NULL);
    uint64_t key = 1, *value;

    weir_cmap_put(m, &key, sizeof key, number(5));
    weir_cmap_enter();
    weir_cmap_enter();
    value = weir_cmap_get(m, &key, sizeof key);
    weir_cmap_leave();
    for (uint64_t i = 1; i <= 10000; i++) {
        weir_cmap_put(m, &key, sizeof key, number(i));
        key = i % 3000; /* the table grows meanwhile */
    }
    ck_assert_uint_eq(*value, 5);
    ck_assert_int_gt(alive, 9000);
    weir_cmap_leave();
    for (uint64_t i = 1; i <= 10000; i++) {
        key = i % 3000;
        weir_cmap_put(m, &key, sizeof key, number(i));
    }
    ck_assert_int_lt(alive, 3000 + 16 * 64 * 3);
    weir_cmap_free(m);
    ck_assert_int_eq(alive, 0);
}
END_TEST

START_TEST(bad_arguments_and_no_memory_are_errors)
{
    struct weir_cmap_options o = {0};
    struct allocs from;
    weir_cmap *m;
    void *there;

    allocs_init(&from);
    o.alloc = &from.alloc;
    ck_assert_int_eq(weir_cmap_new(NULL, &o), WEIR_EINVAL);
    ck_assert_int_eq(weir_cmap_new(&m, NULL), WEIR_EINVAL);
    from.refuse = true;
    ck_assert_int_eq(weir_cmap_new(&m, &o), WEIR_ENOMEM);
    from.refuse = false;
    ck_assert_int_eq(weir_cmap_new(&m, &o), WEIR_OK);
    ck_assert_int_eq(weir_cmap_put(m, "a", 1, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_cmap_put_new(m, "a", 1, "x", NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_cmap_put(m, "a", 1, "x"), WEIR_OK);
    from.refuse = true;
    ck_assert_int_eq(weir_cmap_put(m, "a", 1, "y"), WEIR_ENOMEM);
    ck_assert_int_eq(weir_cmap_put_new(m, "b", 1, "y", &there), WEIR_ENOMEM);
    ck_assert_str_eq(weir_cmap_get(m, "a", 1), "x");
    ck_assert_ptr_null(weir_cmap_get(m, "b", 1));
    weir_cmap_free(m);
    ck_assert_int_eq(from.held, 0);
}
END_TEST

static void
leave_twice(void *unused)
{
    (void)unused;
    weir_cmap_enter();
    weir_cmap_leave();
    weir_cmap_leave();
}

START_TEST(leaving_what_was_not_entered_stops_the_program)
{
    struct unit_end end = unit_end_of(leave_twice, NULL);

    ck_assert_int_eq(end.signal, SIGABRT);
    ck_assert_str_eq(end.said,
                     "weir_cmap_leave: this thread has not entered\n");
}
END_TEST

/* ---- linearizable: each key is a register ----
 *
 * Threads write values that no other write has, and note when each call began
 * and ended by a clock that all share. A history of a register with unique
 * values is in order when no read is of a write that began after the read
 * ended, or that was overwritten wholly between, and no two reads that follow
 * each other see two writes that follow each other the wrong way round. A
 * deletion is a write of 0, of which there are many, so of 0 only the first is
 * asked: that some deletion, or the beginning, can be what was seen.
 */

enum { THREADS = 4, CALLS = 4000, REGISTERS = 6 };

struct call {
    uint64_t from, to, value;
    uint32_t key;
    bool write;
};

static struct call call[THREADS][CALLS];
static uint64_t clock_now; /* atomic */
static weir_cmap *shared;

static uint64_t
tick(void)
{
    return __atomic_add_fetch(&clock_now, 1, __ATOMIC_SEQ_CST);
}

static void *
make_history(void *thread)
{
    uint64_t t = (uintptr_t)thread, chance = unit_seed("history") + t;

    for (uint64_t i = 0; i < CALLS; i++) {
        uint64_t key = unit_below(&chance, REGISTERS), other;
        struct call *c = &call[t][i];

        c->key = (uint32_t)key;
        c->write = unit_below(&chance, 3) == 0;
        c->value = unit_below(&chance, 4) == 0 ? 0 : t * CALLS + i + 1;
        c->from = tick();
        if (!c->write)
            c->value = get(shared, key);
        else if (c->value != 0)
            weir_cmap_put(shared, &key, sizeof key, number(c->value));
        else
            weir_cmap_delete(shared, &key, sizeof key);
        c->to = tick();
        other = REGISTERS + unit_below(&chance, 3000); /* tables grow */
        weir_cmap_put(shared, &other, sizeof other, number(1));
    }
    return NULL;
}

/* Is there a write of the key that lies wholly between the two moments? */
static bool
written_between(uint32_t key, uint64_t from, uint64_t to)
{
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < CALLS; i++)
            if (call[t][i].write && call[t][i].key == key &&
                call[t][i].from > from && call[t][i].to < to)
                return true;
    return false;
}

/* Can the read have seen this write, or for NULL the beginning? */
static bool
can_see(const struct call *read, const struct call *write)
{
    return write == NULL
               ? !written_between(read->key, 0, read->from)
               : write->from < read->to &&
                     !written_between(read->key, write->to, read->from);
}

static const struct call *
write_of(uint64_t value)
{
    return &call[(value - 1) / CALLS][(value - 1) % CALLS];
}

static bool
read_is_possible(const struct call *read)
{
    bool possible = read->value == 0 && can_see(read, NULL);

    if (read->value != 0) {
        const struct call *w = write_of(read->value);

        return w->write && w->key == read->key && can_see(read, w);
    }
    for (int t = 0; t < THREADS && !possible; t++)
        for (int i = 0; i < CALLS && !possible; i++)
            possible = call[t][i].write && call[t][i].value == 0 &&
                       call[t][i].key == read->key &&
                       can_see(read, &call[t][i]);
    return possible;
}

/* Two reads, one after the other, of two writes that are the other way? */
static bool
reads_cross(const struct call *a, const struct call *b)
{
    return !a->write && !b->write && a->key == b->key && a->to < b->from &&
           a->value != 0 && b->value != 0 &&
           write_of(b->value)->to < write_of(a->value)->from;
}

START_TEST(every_call_happens_at_one_moment)
{
    pthread_t thread[THREADS];

    shared = new_cmap(NULL);
    for (uintptr_t t = 0; t < THREADS; t++)
        pthread_create(&thread[t], NULL, make_history, (void *)t);
    for (int t = 0; t < THREADS; t++)
        pthread_join(thread[t], NULL);
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < CALLS; i++)
            if (!call[t][i].write && !read_is_possible(&call[t][i]))
                ck_abort_msg("thread %d, call %d: read what cannot be", t, i);
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < CALLS; i++)
            for (int j = 0; j < CALLS; j++)
                if (reads_cross(&call[t][i], &call[(t + 1) % THREADS][j]))
                    ck_abort_msg("reads %d and %d see time go back", i, j);
    weir_cmap_free(shared);
    ck_assert_int_eq(alive, 0);
}
END_TEST

/* Readers look at values all the time; a value that was ended says so. */
static int stop;

static void *
read_all(void *seed)
{
    uint64_t chance = (uintptr_t)seed;

    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        uint64_t key = unit_below(&chance, 50), n = get(shared, key);

        if (n != 0 && n != key + 1)
            abort();
    }
    return NULL;
}

START_TEST(no_reader_sees_a_value_that_was_ended)
{
    uint64_t chance = unit_seed("ended");
    pthread_t thread[3];

    shared = new_cmap(NULL);
    stop = 0;
    for (uintptr_t i = 0; i < 3; i++)
        pthread_create(&thread[i], NULL, read_all, (void *)(i + 1));
    for (int i = 0; i < 200000; i++) {
        uint64_t key = unit_below(&chance, 50);

        if (unit_below(&chance, 3) == 0)
            weir_cmap_delete(shared, &key, sizeof key);
        else
            weir_cmap_put(shared, &key, sizeof key, number(key + 1));
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    weir_cmap_free(shared);
    ck_assert_int_eq(alive, 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("kit/cmap");
    TCase *c = tcase_create("cmap");

    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_map_holds_what_was_put_and_not_deleted);
    tcase_add_test(c, what_was_replaced_is_ended_while_the_map_lives);
    tcase_add_test(c, what_was_got_inside_stays_until_leaving);
    tcase_add_test(c, bad_arguments_and_no_memory_are_errors);
    tcase_add_test(c, leaving_what_was_not_entered_stops_the_program);
    tcase_add_test(c, every_call_happens_at_one_moment);
    tcase_add_test(c, no_reader_sees_a_value_that_was_ended);
    suite_add_tcase(s, c);
    return unit_main(s);
}
