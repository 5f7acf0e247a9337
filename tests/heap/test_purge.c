/* Free pages inside spans: which are given back, and when. */
#include "unit.h"

#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "heap/actors.h"
#include "heap/mheap.h"
#include "heap/purge.h"
#include "os/os.h"

enum { SIZE = 2048, BLOCKS = 32, SPANS = 8, ALL = SPANS * BLOCKS };

static unsigned char *block[ALL];

static void
fill(void)
{
    for (int i = 0; i < ALL; i++) {
        block[i] = wr_malloc(SIZE);
        memset(block[i], i | 1, SIZE);
    }
}

static bool
is_full_of(const unsigned char *p, unsigned char c)
{
    for (int i = 0; i < SIZE; i++)
        if (p[i] != c)
            return false;
    return true;
}

/* All blocks but one of each span, the first, are freed by the actor. */
static void
thin_out(void)
{
    for (int i = 0; i < ALL; i++)
        if (i % BLOCKS != 0)
            wr_free(block[i]);
}

static void
free_the_rest(void)
{
    for (int i = 0; i < ALL; i += BLOCKS) {
        ck_assert(is_full_of(block[i], (unsigned char)(i | 1)));
        wr_free(block[i]);
    }
    end_of_play();
}

/* Of a span with its first block live: the pages without it. */
static size_t
span_without_first(void)
{
    return BLOCKS * SIZE - wr_os_page_bytes();
}

START_TEST(free_pages_of_a_span_that_lies_still_are_given_back_once)
{
    uint64_t before = wr_count_get(scavenged);
    size_t given;

    become(0);
    fill();
    thin_out();
    ck_assert_uint_eq(wr_purge(false), 0); /* they have just changed */
    given = wr_purge(false);
    ck_assert_uint_ge(given, (SPANS - 1) * span_without_first());
    ck_assert_uint_eq(wr_count_get(scavenged), before + given);
    ck_assert_uint_eq(wr_purge(false), 0);
    free_the_rest();
}
END_TEST

START_TEST(a_span_that_changes_is_left_until_it_lies_still)
{
    become(0);
    fill();
    for (int i = 1; i < BLOCKS; i++) {
        for (int k = i; k < ALL; k += BLOCKS)
            wr_free(block[k]);
        ck_assert_uint_eq(wr_purge(false), 0);
    }
    ck_assert_uint_gt(wr_purge(false), 0);
    free_the_rest();
}
END_TEST

START_TEST(memory_given_back_is_known_to_be_zero)
{
    unsigned fresh = 0;
    unsigned char *p;

    become(0);
    fill();
    thin_out();
    (void)wr_purge(false);
    (void)wr_purge(false);
    for (int i = 0; i < ALL; i++) {
        struct wr_span *s = wr_span_of(block[i]);
        bool exact;

        if (wr_block_state(s, wr_span_block_of(s, block[i], &exact)) !=
            WR_BLOCK_FRESH)
            continue;
        fresh++;
        ck_assert(is_full_of(block[i], 0));
    }
    ck_assert_uint_ge(fresh, (SPANS - 1) * (BLOCKS - 2));
    for (int i = 0; i < ALL; i++)
        if (i % BLOCKS != 0) {
            p = wr_calloc(SIZE);
            ck_assert(is_full_of(p, 0));
            memset(p, 255, SIZE);
            block[i] = p;
        }
    thin_out();
    free_the_rest();
}
END_TEST

/* The last span filled is the one to allocate from. */
START_TEST(the_span_a_thread_allocates_from_is_never_purged)
{
    struct wr_span *current;

    become(0);
    fill();
    current = wr_span_of(block[ALL - 1]);
    ck_assert_uint_ne(atomic_load(&current->shared) & WR_SHARED_CURRENT, 0);
    thin_out();
    (void)wr_purge(false);
    (void)wr_purge(false);
    for (unsigned i = 0; i < current->blocks; i++)
        ck_assert_uint_ne(wr_block_state(current, i), WR_BLOCK_FRESH);
    free_the_rest();
}
END_TEST

START_TEST(what_others_freed_in_the_spans_of_a_sleeping_thread_goes_too)
{
    become(0);
    fill();
    become(1);
    thin_out();
    (void)wr_purge(false);
    ck_assert_uint_ge(wr_purge(false), (SPANS - 1) * span_without_first());
    become(0);
    for (int i = 0; i < ALL; i++)
        if (i % BLOCKS != 0) {
            block[i] = wr_calloc(SIZE);
            ck_assert(is_full_of(block[i], 0));
        }
    thin_out();
    free_the_rest();
}
END_TEST

START_TEST(spans_that_belong_to_nobody_are_purged)
{
    become(0);
    fill();
    thin_out();
    leave(0);
    (void)wr_purge(false);
    ck_assert_uint_ge(wr_purge(false), (SPANS - 1) * span_without_first());
    become(0);
    free_the_rest();
}
END_TEST

START_TEST(pages_that_hold_a_live_block_stay)
{
    enum { SMALL = 64, MANY = 8192 / SMALL, FIRST = MANY / 2 };
    unsigned char *small[MANY], *more;

    become(0);
    for (int i = 0; i < MANY; i++) {
        small[i] = wr_malloc(SMALL);
        memset(small[i], i + 1, SMALL);
    }
    more = wr_malloc(SMALL); /* of another span */
    for (int i = 0; i < MANY; i++)
        if (i % 16 != 0)
            wr_free(small[i]);
    (void)wr_purge(false);
    ck_assert_uint_eq(wr_purge(false), 0);
    for (int i = 0; i < MANY; i += 16) {
        for (int k = 0; k < SMALL; k++)
            ck_assert_uint_eq(small[i][k], i + 1);
        wr_free(small[i]);
    }
    wr_free(more);
    end_of_play();
}
END_TEST

START_TEST(what_the_system_does_not_take_stays_as_it_is)
{
    become(0);
    fill();
    thin_out();
    (void)wr_purge(false);
    /* By its number: sanitizers' mlock does nothing. */
    ck_assert_int_eq(syscall(SYS_mlock, block[0], BLOCKS * SIZE), 0);
    (void)wr_purge(false);
    ck_assert_uint_eq(wr_block_state(wr_span_of(block[5]), 5), WR_BLOCK_FREE);
    syscall(SYS_munlock, block[0], BLOCKS * SIZE);
    free_the_rest();
}
END_TEST

/* ---- both at once ---- */

enum { SLOTS = 600, STEPS = 200000 };

static _Atomic bool done;

static void *
purge_without_end(void *arg)
{
    size_t *given = arg;

    while (!atomic_load(&done))
        *given += wr_purge(false);
    return NULL;
}

/* Blocks of 1 to 9 KiB, mostly freed and allocated again, with pauses in which
 * spans lie still. */
static void *
allocate_and_check(void *arg)
{
    static _Thread_local unsigned char *mine[SLOTS];
    uint64_t state = (uintptr_t)arg;

    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i, zero = step % 2;

        state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
        i = (unsigned)(state >> 33) % SLOTS;
        if (mine[i] != NULL) {
            ck_assert_uint_eq(mine[i][0], i & 255);
            ck_assert_uint_eq(mine[i][1000], i & 255);
            wr_free(mine[i]);
            mine[i] = NULL;
            continue;
        }
        mine[i] = zero ? wr_calloc(1024 + i * 14) : wr_malloc(1024 + i * 14);
        ck_assert(!zero || (mine[i][0] == 0 && mine[i][1000] == 0));
        mine[i][0] = mine[i][1000] = (unsigned char)i;
    }
    for (unsigned i = 0; i < SLOTS; i++)
        if (mine[i] != NULL)
            wr_free(mine[i]);
    wr_mcache_detach();
    return NULL;
}

START_TEST(threads_go_on_while_their_spans_are_purged)
{
    pthread_t purger, thread[2];
    size_t given = 0;

    ck_assert_int_eq(pthread_create(&purger, NULL, purge_without_end, &given),
                     0);
    for (uintptr_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, allocate_and_check,
                                        (void *)(i + 1)),
                         0);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    atomic_store(&done, true);
    pthread_join(purger, NULL);
    ck_assert_uint_gt(given, 0);
    end_of_play();
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("heap/purge");
    TCase *t = tcase_create("purge");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, free_pages_of_a_span_that_lies_still_are_given_back_once);
    tcase_add_test(t, a_span_that_changes_is_left_until_it_lies_still);
    tcase_add_test(t, memory_given_back_is_known_to_be_zero);
    tcase_add_test(t, the_span_a_thread_allocates_from_is_never_purged);
    tcase_add_test(
        t, what_others_freed_in_the_spans_of_a_sleeping_thread_goes_too);
    tcase_add_test(t, spans_that_belong_to_nobody_are_purged);
    tcase_add_test(t, pages_that_hold_a_live_block_stay);
    tcase_add_test(t, what_the_system_does_not_take_stays_as_it_is);
    tcase_add_test(t, threads_go_on_while_their_spans_are_purged);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
