/* Threads at one key of a concurrent map: is there an order of their calls, one
 * after the other, in which each answers what it did?
 *
 * Many short rounds. In each, threads call what they like and note by a clock
 * that all share when each call began and ended, and what it answered. Then all
 * orders are looked for in which no call comes before one that had ended when
 * it began; where two lead to the same calls done and the same value, one of
 * them is followed. So nothing about a history is left open, deletions and
 * refusals included.
 */
#include "unit.h"

#include <pthread.h>
#include <stdbool.h>
#include <weir/cmap.h>

enum {
    THREADS = 4,
    CALLS = 8,
    ROUNDS = 10000,
    VALUES = THREADS * CALLS + 2, /* 0: not there; the last: from before */
    BEFORE = VALUES - 1,
    STATES = (CALLS + 1) * (CALLS + 1) * (CALLS + 1) * (CALLS + 1) * VALUES
};

enum what { GET, PUT, PUT_NEW, DELETE, WHATS };

struct call {
    enum what what;
    uint32_t value, answer; /* what was there; of DELETE: was it */
    uint64_t from, to;
};

static struct call history[THREADS][CALLS];
static uint64_t clock_now; /* atomic */
static uint64_t key;       /* of this round */
static weir_cmap *map;
static pthread_barrier_t turn;

static void
gone(void *value, void *unused)
{
    (void)unused;
    *(uint32_t *)value = UINT32_MAX; /* who sees it now sees no value */
    free(value);
}

static uint32_t *
boxed(uint32_t value)
{
    uint32_t *box = malloc(sizeof *box);

    *box = value;
    return box;
}

static uint64_t
tick(void)
{
    return __atomic_add_fetch(&clock_now, 1, __ATOMIC_SEQ_CST);
}

static uint32_t
look(void)
{
    uint32_t *box, value;

    weir_cmap_enter();
    box = weir_cmap_get(map, &key, sizeof key);
    value = box == NULL ? 0 : *box;
    weir_cmap_leave();
    return value;
}

static uint32_t
put_new(uint32_t value)
{
    uint32_t *box = boxed(value), there = 0;
    void *other;

    weir_cmap_enter();
    if (weir_cmap_put_new(map, &key, sizeof key, box, &other) != WEIR_OK)
        abort();
    if (other != NULL) {
        there = *(uint32_t *)other;
        free(box);
    }
    weir_cmap_leave();
    return there;
}

static void
make_call(struct call *c)
{
    c->from = tick();
    if (c->what == GET)
        c->answer = look();
    else if (c->what == PUT)
        weir_cmap_put(map, &key, sizeof key, boxed(c->value));
    else if (c->what == PUT_NEW)
        c->answer = put_new(c->value);
    else
        c->answer = weir_cmap_delete(map, &key, sizeof key);
    c->to = tick();
}

/* Some other keys on the way, so that tables grow and shrink. */
static void *
take_part(void *thread)
{
    uint64_t t = (uintptr_t)thread, chance = unit_seed("order") + t;

    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&turn);
        for (uint32_t i = 0; i < CALLS; i++) {
            struct call *c = &history[t][i];
            uint64_t other = ROUNDS + unit_below(&chance, 5000);

            c->what = (enum what)unit_below(&chance, WHATS);
            c->value = (uint32_t)t * CALLS + i + 1;
            make_call(c);
            if (unit_below(&chance, 2) == 0)
                weir_cmap_put(map, &other, sizeof other, boxed(1));
            else
                weir_cmap_delete(map, &other, sizeof other);
        }
        pthread_barrier_wait(&turn);
    }
    return NULL;
}

/* ---- is there an order? ---- */

static unsigned char followed[STATES];
static uint32_t done[THREADS];

/* Could the call come now, at this value? Its value after it, or -1. */
static int
value_after(const struct call *c, uint32_t value)
{
    switch (c->what) {
    case GET:
        return c->answer == value ? (int)value : -1;
    case PUT:
        return (int)c->value;
    case PUT_NEW:
        if (c->answer != value)
            return -1;
        return value == 0 ? (int)c->value : (int)value;
    default:
        return (c->answer != 0) == (value != 0) ? 0 : -1;
    }
}

/* Had another call ended when this began, that is not done yet? */
static bool
comes_too_early(const struct call *c)
{
    for (int t = 0; t < THREADS; t++)
        if (done[t] < CALLS && history[t][done[t]].to < c->from)
            return true;
    return false;
}

static bool
was_followed(uint32_t value)
{
    size_t state = value;

    for (int t = 0; t < THREADS; t++)
        state = state * (CALLS + 1) + done[t];
    return followed[state]++ != 0;
}

static bool
has_order(uint32_t value)
{
    bool all = true;

    if (was_followed(value))
        return false;
    for (int t = 0; t < THREADS; t++) {
        const struct call *c = &history[t][done[t]];
        int after;

        if (done[t] == CALLS)
            continue;
        all = false;
        after = comes_too_early(c) ? -1 : value_after(c, value);
        done[t]++;
        if (after >= 0 && has_order((uint32_t)after))
            return true;
        done[t]--;
    }
    return all;
}

static bool
look_for_order(uint32_t value)
{
    memset(followed, 0, sizeof followed);
    memset(done, 0, sizeof done);
    return has_order(value);
}

static void
tell_history(int round, uint32_t value)
{
    static const char *const name[] = {"get", "put", "put_new", "delete"};

    printf("round %d begins with %u\n", round, value);
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < CALLS; i++) {
            struct call *c = &history[t][i];

            printf("%d: %" PRIu64 "-%" PRIu64 " %s %u: %u\n", t, c->from, c->to,
                   name[c->what], c->value, c->answer);
        }
    fflush(stdout);
    ck_abort_msg("no order of these calls answers so");
}

START_TEST(all_calls_at_a_key_have_an_order)
{
    struct weir_cmap_options o = {.gone = gone};
    pthread_t thread[THREADS];

    ck_assert_int_eq(weir_cmap_new(&map, &o), WEIR_OK);
    pthread_barrier_init(&turn, NULL, THREADS + 1);
    for (uintptr_t t = 0; t < THREADS; t++)
        pthread_create(&thread[t], NULL, take_part, (void *)t);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t value = round % 2 ? BEFORE : 0;

        key = (uint64_t)round;
        if (value != 0)
            weir_cmap_put(map, &key, sizeof key, boxed(value));
        pthread_barrier_wait(&turn);
        pthread_barrier_wait(&turn);
        if (!look_for_order(value))
            tell_history(round, value);
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(thread[t], NULL);
    weir_cmap_free(map);
}
END_TEST

/* ---- the search itself, with histories of which the answer is known ---- */

/* All calls of the other threads come later and see what there is then. */
static void
rest_sees(uint32_t value)
{
    uint64_t now = 1000;

    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < CALLS; i++, now += 2)
            history[t][i] = (struct call){GET, 0, value, now, now + 1};
}

START_TEST(a_history_that_cannot_be_is_told_from_one_that_can)
{
    rest_sees(7);
    ck_assert(look_for_order(7));
    ck_assert(!look_for_order(0));

    /* A put, and a look at the same time that sees it or not. */
    rest_sees(5);
    history[0][0] = (struct call){PUT, 5, 0, 1, 10};
    history[1][0] = (struct call){GET, 0, 0, 2, 9};
    ck_assert(look_for_order(0));
    history[1][0].from = 11;
    history[1][0].to = 12;
    ck_assert(!look_for_order(0));

    /* Two cannot both have deleted one thing. */
    rest_sees(0);
    history[0][0] = (struct call){DELETE, 0, 1, 1, 10};
    history[1][0] = (struct call){DELETE, 0, 1, 2, 9};
    ck_assert(!look_for_order(7));
    history[1][0].answer = 0;
    ck_assert(look_for_order(7));

    /* Nor both have put the first. */
    rest_sees(5);
    history[0][0] = (struct call){PUT_NEW, 5, 0, 1, 10};
    history[1][0] = (struct call){PUT_NEW, 6, 0, 2, 9};
    ck_assert(!look_for_order(0));
    history[1][0].answer = 5;
    ck_assert(look_for_order(0));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("kit/order");
    TCase *c = tcase_create("order");

    tcase_set_timeout(c, 120);
    tcase_add_test(c, a_history_that_cannot_be_is_told_from_one_that_can);
    tcase_add_test(c, all_calls_at_a_key_have_an_order);
    suite_add_tcase(s, c);
    return unit_main(s);
}
