/* Whose a span is, and how blocks freed by others come back. */
#include "unit.h"

#include <pthread.h>

#include "heap/actors.h"
#include "heap/caches.h"
#include "heap/mcentral.h"
#include "heap/mheap.h"
#include "os/os.h"

enum { SIZE = 2048, BLOCKS = 32, FEW = 4 };

static void *block[BLOCKS];

static struct wr_span *
span_of(void *p)
{
    struct wr_span *s = wr_span_of(p);

    ck_assert_ptr_nonnull(s);
    return s;
}

static uint32_t
shared(struct wr_span *s)
{
    return atomic_load(&s->shared) & ~WR_SHARED_CURRENT;
}

static uint64_t
inuse(void)
{
    return wr_count_get(heap_inuse);
}

/* As the acting thread: all blocks of a span, which is current then. */
static struct wr_span *
fill_span(void)
{
    struct wr_span *s;

    for (int i = 0; i < BLOCKS; i++)
        block[i] = wr_malloc(SIZE);
    s = span_of(block[0]);
    ck_assert_uint_eq(s->blocks, BLOCKS);
    for (int i = 1; i < BLOCKS; i++)
        ck_assert_ptr_eq(span_of(block[i]), s);
    return s;
}

/* The same, and the span is FULL, since the thread went on to another one
 * (with the block returned). */
static void *
fill_and_go_on(struct wr_span **s)
{
    void *p;

    *s = fill_span();
    p = wr_malloc(SIZE);
    ck_assert_ptr_ne(span_of(p), *s);
    ck_assert_uint_ne((*s)->full, 0);
    ck_assert_uint_ne(shared(*s) & WR_SHARED_FULL, 0);
    return p;
}

static void
free_blocks(int from, int to)
{
    for (int i = from; i < to; i++)
        wr_free(block[i]);
}

/* ---- one thread ---- */

START_TEST(a_span_belongs_to_the_thread_that_allocates_from_it)
{
    struct wr_mcache *first = become(0), *second;
    void *p = wr_malloc(SIZE), *q;

    second = become(1);
    ck_assert_ptr_ne(first, second);
    q = wr_malloc(SIZE);
    ck_assert_ptr_eq(wr_span_owner(span_of(p)), first);
    ck_assert_ptr_eq(wr_span_owner(span_of(q)), second);
    wr_free(q);
    become(0);
    wr_free(p);
    end_of_play();
}
END_TEST

START_TEST(a_span_gives_all_its_blocks_before_another_is_taken)
{
    struct wr_span *s;
    void *p;

    become(0);
    p = fill_and_go_on(&s);
    for (int i = 0; i < BLOCKS; i++)
        for (int k = 0; k < i; k++)
            ck_assert_ptr_ne(block[i], block[k]);
    wr_free(p);
    free_blocks(0, BLOCKS);
    end_of_play();
}
END_TEST

START_TEST(a_full_span_with_few_freed_blocks_is_used_again)
{
    struct wr_span *s;
    void *p, *q[BLOCKS];

    become(0);
    p = fill_and_go_on(&s);
    ck_assert_uint_eq(wr_few(s->blocks), FEW);
    free_blocks(5, 4 + FEW);
    ck_assert(s->full);
    wr_free(block[4]);
    ck_assert(!s->full);
    for (int i = 0; i < BLOCKS - 1; i++) /* the rest of the current one */
        q[i] = wr_malloc(SIZE);
    q[BLOCKS - 1] = wr_malloc(SIZE);
    ck_assert_ptr_eq(q[BLOCKS - 1], block[4]);
    for (int i = 0; i < BLOCKS; i++)
        wr_free(q[i]);
    wr_free(p);
    free_blocks(0, 4);
    free_blocks(4 + FEW, BLOCKS);
    end_of_play();
}
END_TEST

START_TEST(empty_spans_go_back_but_for_a_reserve_of_two)
{
    enum { MANY = 20 * BLOCKS };
    void *p[MANY];

    become(0);
    for (int i = 0; i < MANY; i++)
        p[i] = wr_malloc(SIZE);
    ck_assert_uint_eq(inuse(), MANY * SIZE);
    for (int i = 0; i < MANY; i++)
        wr_free(p[i]);
    ck_assert_uint_le(inuse(), 2 * BLOCKS * SIZE);
    ck_assert_uint_gt(wr_heap_trim(), 0);
    ck_assert_uint_eq(inuse(), 0);
    end_of_play();
}
END_TEST

START_TEST(trimming_keeps_what_lives)
{
    char *p, *big;

    become(0);
    p = wr_malloc(SIZE);
    big = wr_malloc(100000);
    memset(p, 1, SIZE);
    memset(big, 2, 100000);
    wr_free(wr_malloc(1 << 20));
    (void)wr_heap_trim();
    ck_assert_uint_eq(wr_count_get(heap_released), wr_count_get(heap_idle));
    for (int i = 0; i < SIZE; i++)
        ck_assert_int_eq(p[i], 1);
    for (int i = 0; i < 100000; i++)
        ck_assert_int_eq(big[i], 2);
    wr_free(p);
    wr_free(big);
    end_of_play();
}
END_TEST

/* ---- threads end ---- */

START_TEST(what_an_ended_thread_left_is_used_by_another)
{
    struct wr_span *s;
    void *mine, *its;

    become(0);
    its = wr_malloc(SIZE);
    s = span_of(its);
    leave(0);
    ck_assert_ptr_null(wr_span_owner(s));
    ck_assert_uint_ne(shared(s) & WR_SHARED_CENTRAL, 0);
    become(1);
    mine = wr_malloc(SIZE);
    ck_assert_ptr_eq(span_of(mine), s);
    ck_assert_ptr_ne(mine, its);
    ck_assert_ptr_eq(wr_span_owner(s), actor[1]);
    ck_assert_uint_eq(shared(s) & WR_SHARED_CENTRAL, 0);
    wr_free(its);
    wr_free(mine);
    end_of_play();
}
END_TEST

START_TEST(an_ended_thread_leaves_no_empty_span)
{
    become(0);
    wr_free(wr_malloc(SIZE));
    wr_free(wr_malloc(16));
    ck_assert_uint_gt(inuse(), 0);
    leave(0);
    ck_assert_uint_eq(inuse(), 0);
}
END_TEST

START_TEST(a_cache_is_used_by_a_later_thread_and_its_counts_go_on)
{
    struct wr_mcache *first = become(0);
    unsigned class_id = wr_class_of(SIZE);

    wr_free(wr_malloc(SIZE));
    leave(0);
    ck_assert_uint_eq(wr_count_get(cache_inuse), 0);
    ck_assert(!first->attached);
    ck_assert_ptr_eq(become(1), first);
    ck_assert_uint_eq(wr_count_get(cache_inuse), sizeof *first);
    wr_free(wr_malloc(SIZE));
    wr_mcache_settle(first);
    ck_assert_uint_eq(wr_mcache_allocs(first, class_id), 2);
    ck_assert_uint_eq(first->slot[class_id].frees, 2);
    end_of_play();
}
END_TEST

START_TEST(every_cache_ever_made_is_listed_once)
{
    unsigned n = 0;

    for (unsigned i = 0; i < ACTORS; i++)
        become(i);
    leave(2);
    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next) {
        ck_assert(mc != &wr_mcache_none);
        n++;
    }
    ck_assert_uint_eq(n, ACTORS);
}
END_TEST

START_TEST(the_last_block_of_a_left_span_returns_its_pages_at_once)
{
    become(0);
    (void)fill_span();
    leave(0);
    become(1);
    free_blocks(0, BLOCKS - 1);
    ck_assert_uint_gt(inuse(), 0);
    wr_free(block[BLOCKS - 1]);
    ck_assert_uint_eq(inuse(), 0);
    end_of_play();
}
END_TEST

START_TEST(a_left_span_without_room_is_found_after_few_frees)
{
    struct wr_span *s;
    void *p;

    become(0);
    s = fill_span();
    leave(0);
    become(1);
    p = wr_malloc(SIZE); /* nothing to be had there */
    ck_assert_ptr_ne(span_of(p), s);
    free_blocks(7, 7 + FEW);
    become(2);
    ck_assert_ptr_eq(wr_malloc(SIZE), block[7]);
    free_blocks(0, 8);
    free_blocks(7 + FEW, BLOCKS);
    wr_free(p);
    end_of_play();
}
END_TEST

START_TEST(few_large_blocks_are_touched_when_few_are_needed)
{
    static const struct {
        size_t size;
        unsigned touched;
    } of[] = {{32768, 2}, {16384, 4}, {8192, 4}, {4096, 8}, {2048, 8}};

    become(0);
    for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
        void *first = wr_malloc(of[k].size);
        uintptr_t end = (uintptr_t)first + of[k].touched * of[k].size;

        wr_free(first);
        for (int i = 0; i < 100; i++) {
            void *p = wr_malloc(of[k].size);

            ck_assert_uint_ge((uintptr_t)p, (uintptr_t)first);
            ck_assert_uint_lt((uintptr_t)p, end);
            wr_free(p);
        }
    }
    end_of_play();
}
END_TEST

/* ---- frees from other threads ---- */

START_TEST(a_foreign_free_waits_in_the_span_until_its_owner_needs_it)
{
    struct wr_span *s;
    void *p;

    become(0);
    s = fill_span();
    become(1);
    free_blocks(3, 3 + FEW);
    ck_assert_uint_eq(shared(s), FEW); /* counted, in no inbox */
    become(0);
    p = wr_malloc(SIZE);
    ck_assert_ptr_eq(p, block[3]);
    ck_assert_uint_eq(shared(s) & WR_SHARED_COUNT, 0);
    free_blocks(0, 4);
    free_blocks(3 + FEW, BLOCKS);
    end_of_play();
}
END_TEST

/* Sizes of words of 2, 8 and 64 blocks. */
START_TEST(what_others_freed_is_used_before_what_nobody_touched)
{
    static const struct {
        size_t size;
        int blocks, freed;
    } of[] = {{20000, 2, 1}, {SIZE, 8, 1}, {64, 64, 16}};

    for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
        void *held[64];

        become(0);
        for (int i = 0; i < of[k].blocks; i++)
            held[i] = wr_malloc(of[k].size);
        become(1);
        for (int i = 0; i < of[k].freed; i++)
            wr_free(held[i]);
        become(0);
        for (int i = 0; i < of[k].freed; i++)
            ck_assert_ptr_eq(wr_malloc(of[k].size), held[i]);
        for (int i = 0; i < of[k].blocks; i++)
            wr_free(held[i]);
    }
    end_of_play();
}
END_TEST

START_TEST(a_full_span_is_queued_once_however_many_are_freed)
{
    struct wr_span *s;
    void *p, *q[BLOCKS];

    become(0);
    p = fill_and_go_on(&s);
    become(1);
    free_blocks(1, FEW);
    ck_assert_uint_eq(actor[0]->inbox, 0);
    wr_free(block[0]);
    ck_assert_uint_eq(actor[0]->inbox, (uintptr_t)s);
    ck_assert_ptr_null(s->inbox_next);
    become(2);
    wr_free(block[FEW]);
    ck_assert_uint_eq(actor[0]->inbox, (uintptr_t)s);
    ck_assert_ptr_null(s->inbox_next);
    ck_assert_uint_eq(shared(s), WR_SHARED_QUEUED | (FEW + 1));
    become(0);
    for (int i = 0; i < BLOCKS; i++) /* one more than the current has */
        q[i] = wr_malloc(SIZE);
    ck_assert_ptr_eq(span_of(q[BLOCKS - 1]), s);
    ck_assert_uint_eq(actor[0]->inbox, 0);
    ck_assert_uint_eq(shared(s), 0);
    for (int i = 0; i < BLOCKS; i++)
        wr_free(q[i]);
    free_blocks(FEW + 1, BLOCKS);
    wr_free(p);
    end_of_play();
}
END_TEST

START_TEST(an_owner_takes_foreign_frees_and_its_own_together)
{
    struct wr_span *s;
    void *p;

    become(0);
    p = fill_and_go_on(&s);
    become(1);
    free_blocks(0, BLOCKS / 2);
    become(0);
    free_blocks(BLOCKS / 2, BLOCKS);
    wr_free(p);
    (void)wr_heap_trim();
    ck_assert_uint_eq(inuse(), 0);
    end_of_play();
}
END_TEST

START_TEST(a_span_all_freed_by_others_goes_back_when_its_owner_looks)
{
    struct wr_span *s;
    void *p;

    become(0);
    p = fill_and_go_on(&s);
    become(1);
    free_blocks(0, BLOCKS);
    wr_free(p);
    become(0);
    (void)wr_heap_trim();
    ck_assert_uint_eq(inuse(), 0);
    end_of_play();
}
END_TEST

START_TEST(foreign_frees_survive_the_owners_end)
{
    struct wr_span *s;
    void *p;

    become(0);
    p = fill_and_go_on(&s);
    become(1);
    wr_free(block[0]); /* s waits in the inbox of 0 */
    leave(0);
    ck_assert_ptr_null(wr_span_owner(s));
    ck_assert_uint_eq(shared(s) & WR_SHARED_QUEUED, 0);
    become(1);
    free_blocks(1, BLOCKS);
    wr_free(p);
    ck_assert_uint_eq(inuse(), 0);
    end_of_play();
}
END_TEST

/* The owner's end begins between the look at it and the push: the inbox is
 * closed, the span goes to mcentral's and finds its way from there. */
START_TEST(a_closed_inbox_sends_the_span_to_mcentral)
{
    struct wr_span *s;
    void *p;

    become(0);
    p = fill_and_go_on(&s);
    ck_assert_ptr_null(wr_inbox_drain(&actor[0]->inbox, true));
    become(1);
    free_blocks(0, FEW);
    ck_assert_uint_eq(actor[0]->inbox, 1);
    ck_assert_uint_ne(shared(s) & WR_SHARED_QUEUED, 0);
    wr_mcentral_drain(s->class_id); /* not its yet: it stays */
    ck_assert_uint_ne(shared(s) & WR_SHARED_QUEUED, 0);
    leave(0);
    become(1);
    wr_mcentral_drain(s->class_id);
    ck_assert_uint_eq(shared(s) & WR_SHARED_QUEUED, 0);
    free_blocks(FEW, BLOCKS);
    wr_free(p);
    ck_assert_uint_eq(inuse(), 0);
    end_of_play();
}
END_TEST

/* The same, and meanwhile another thread has taken the span: it is sent on. */
START_TEST(a_span_in_the_wrong_inbox_is_sent_on)
{
    struct wr_span *s;
    void *p, *q;

    become(0);
    p = fill_and_go_on(&s);
    wr_free(block[9]);
    wr_free(p);
    (void)wr_inbox_drain(&actor[0]->inbox, true);
    leave(0);
    become(1);
    q = wr_malloc(SIZE);
    ck_assert_ptr_eq(q, block[9]);
    p = wr_malloc(SIZE); /* and s is FULL */
    atomic_fetch_or(&s->shared, WR_SHARED_QUEUED);
    atomic_fetch_and(&s->shared, ~WR_SHARED_FULL);
    s->inbox_next = NULL;
    actor[0] = become(2);
    actor[0]->inbox = (uintptr_t)s; /* where it was pushed too late */
    actor[0] = NULL;
    leave(2);
    ck_assert_uint_eq(actor[1]->inbox, (uintptr_t)s);
    become(1);
    (void)wr_heap_trim();
    ck_assert_uint_eq(shared(s), WR_SHARED_FULL);
    free_blocks(0, BLOCKS);
    wr_free(p);
    end_of_play();
}
END_TEST

/* The lock is taken, so the span waits in the inbox while all the rest of it
 * is freed: two reasons to queue it, one place in the list. */
START_TEST(a_left_span_is_queued_once_for_room_and_for_being_empty)
{
    struct wr_span *s;

    become(0);
    s = fill_span();
    leave(0);
    become(1);
    wr_mcentral_lock_all();
    free_blocks(0, BLOCKS);
    wr_mcentral_unlock_all();
    ck_assert_uint_eq(shared(s), WR_SHARED_CENTRAL | WR_SHARED_QUEUED | BLOCKS);
    ck_assert_ptr_null(s->inbox_next);
    wr_mcentral_drain(s->class_id);
    ck_assert_uint_eq(inuse(), 0);
    end_of_play();
}
END_TEST

START_TEST(a_queued_span_is_not_given_back_under_the_senders_feet)
{
    struct wr_span *s;
    void *p;

    become(0);
    p = fill_and_go_on(&s);
    become(1);
    wr_free(block[0]); /* queued */
    become(0);
    free_blocks(1, BLOCKS); /* the owner frees the rest */
    ck_assert_int_eq(wr_span_state(s), WR_SPAN_SMALL);
    wr_free(p);
    (void)wr_heap_trim();
    ck_assert_uint_eq(inuse(), 0);
    end_of_play();
}
END_TEST

/* ---- real threads ---- */

enum { THREADS = 4, EACH = 3000 };

static void *made[THREADS][EACH];
static pthread_barrier_t barrier;

static void *
make_and_free_the_neighbours(void *arg)
{
    uintptr_t me = (uintptr_t)arg, other = (me + 1) % THREADS;

    for (int i = 0; i < EACH; i++)
        made[me][i] = wr_malloc((size_t)(16 + i * 7 % 3000));
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < EACH; i++)
        wr_free(made[other][i]);
    wr_mcache_detach();
    return NULL;
}

START_TEST(threads_that_free_each_others_blocks_leave_nothing)
{
    pthread_t t[THREADS];

    for (int round = 0; round < 10; round++) {
        pthread_barrier_init(&barrier, NULL, THREADS);
        for (uintptr_t i = 0; i < THREADS; i++)
            pthread_create(&t[i], NULL, make_and_free_the_neighbours,
                           (void *)i);
        for (int i = 0; i < THREADS; i++)
            pthread_join(t[i], NULL);
        pthread_barrier_destroy(&barrier);
    }
    end_of_play();
}
END_TEST

/* ---- refusals ---- */

START_TEST(without_memory_for_a_cache_allocating_answers_NULL)
{
    void *p;

    wr_os_fail_after(1, true);
    ck_assert_ptr_null(wr_malloc(16));
    ck_assert_ptr_null(wr_malloc(100000));
    ck_assert_ptr_null(wr_calloc(16));
    ck_assert_ptr_null(wr_memalign(64, 16));
    ck_assert_ptr_null(wr_realloc(NULL, 16));
    wr_free(NULL);
    wr_os_fail_after(0, false);
    p = wr_malloc(16);
    ck_assert_ptr_nonnull(p);
    wr_free(p);
    wr_mcache_detach();
    end_of_play();
}
END_TEST

/* A thread that gets no cache can still free what others made. */
START_TEST(a_thread_without_a_cache_frees_all_the_same)
{
    void *small, *large;

    become(0);
    small = wr_malloc(SIZE);
    large = wr_malloc(100000);
    use_cache(&wr_mcache_none);
    wr_os_fail_after(1, true);
    while (wr_mcache_get() != NULL) /* what is left of the records' memory */
        use_cache(&wr_mcache_none);
    wr_free(small);
    wr_free(large);
    ck_assert_ptr_eq(wr_self, &wr_mcache_none);
    ck_assert_uint_eq(shared(span_of(small)), 1);
    ck_assert_uint_eq(wr_count_get(large_frees), 1);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("heap/mcache");
    TCase *t = tcase_create("mcache");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_span_belongs_to_the_thread_that_allocates_from_it);
    tcase_add_test(t, a_span_gives_all_its_blocks_before_another_is_taken);
    tcase_add_test(t, a_full_span_with_few_freed_blocks_is_used_again);
    tcase_add_test(t, empty_spans_go_back_but_for_a_reserve_of_two);
    tcase_add_test(t, trimming_keeps_what_lives);
    tcase_add_test(t, what_an_ended_thread_left_is_used_by_another);
    tcase_add_test(t, an_ended_thread_leaves_no_empty_span);
    tcase_add_test(t, a_cache_is_used_by_a_later_thread_and_its_counts_go_on);
    tcase_add_test(t, every_cache_ever_made_is_listed_once);
    tcase_add_test(t, the_last_block_of_a_left_span_returns_its_pages_at_once);
    tcase_add_test(t, a_left_span_without_room_is_found_after_few_frees);
    tcase_add_test(t, few_large_blocks_are_touched_when_few_are_needed);
    tcase_add_test(t,
                   a_foreign_free_waits_in_the_span_until_its_owner_needs_it);
    tcase_add_test(t, what_others_freed_is_used_before_what_nobody_touched);
    tcase_add_test(t, a_full_span_is_queued_once_however_many_are_freed);
    tcase_add_test(t, an_owner_takes_foreign_frees_and_its_own_together);
    tcase_add_test(t,
                   a_span_all_freed_by_others_goes_back_when_its_owner_looks);
    tcase_add_test(t, foreign_frees_survive_the_owners_end);
    tcase_add_test(t, a_closed_inbox_sends_the_span_to_mcentral);
    tcase_add_test(t, a_span_in_the_wrong_inbox_is_sent_on);
    tcase_add_test(t, a_left_span_is_queued_once_for_room_and_for_being_empty);
    tcase_add_test(t, a_queued_span_is_not_given_back_under_the_senders_feet);
    tcase_add_test(t, threads_that_free_each_others_blocks_leave_nothing);
    tcase_add_test(t, without_memory_for_a_cache_allocating_answers_NULL);
    tcase_add_test(t, a_thread_without_a_cache_frees_all_the_same);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
