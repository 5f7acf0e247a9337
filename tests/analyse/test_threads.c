/* Threads: who never goes on, which stacks grow, who is at the same place. */
#include "unit.h"

#include "analyse/threads.h"

#define MINUTE UINT64_C(60000000000)
#define SECOND UINT64_C(1000000000)
#define MOST   64

static struct wr_thread_list list;

static void
setup(void)
{
    list = (struct wr_thread_list){.uptime_ns = 60 * MINUTE};
    list.threads = calloc(MOST, sizeof *list.threads);
}

static void
teardown(void)
{
    wr_threads_fini(&list);
}

static struct wr_thread_info *
thread(uint32_t tid, uint32_t owner)
{
    struct wr_thread_info *t = &list.threads[list.count++];
    t->tid = tid;
    t->owner = owner;
    return t;
}

static struct wr_thread_info *
at(uint32_t tid, uint64_t pc, uint64_t still_ns, uint64_t age_ns)
{
    struct wr_thread_info *t = thread(tid, 0);
    t->stack.frames = 2;
    t->stack.pc[0] = pc;
    t->stack.pc[1] = 7;
    t->still_ns = still_ns;
    t->age_ns = age_ns;
    return t;
}

static enum wr_thread_proof
proof(uint32_t tid)
{
    for (size_t i = 0; i < list.count; i++)
        if (list.threads[i].tid == tid)
            return list.threads[i].proof;
    ck_abort_msg("no thread %u", tid);
}

START_TEST(who_waits_for_nobody_or_for_one_who_runs_is_free)
{
    thread(1, 0);
    thread(2, 1);
    thread(3, 2);
    wr_threads_prove(&list);
    for (uint32_t tid = 1; tid <= 3; tid++)
        ck_assert_int_eq(proof(tid), WR_THREAD_FREE);
}
END_TEST

START_TEST(who_has_it_himself_waits_for_ever)
{
    thread(1, 1);
    wr_threads_prove(&list);
    ck_assert_int_eq(proof(1), WR_THREAD_SELF);
}
END_TEST

START_TEST(who_waits_for_a_thread_that_ended_waits_for_ever)
{
    thread(1, 99);
    thread(2, 1);
    wr_threads_prove(&list);
    ck_assert_int_eq(proof(1), WR_THREAD_GONE);
    ck_assert_int_eq(proof(2), WR_THREAD_BEHIND);
}
END_TEST

START_TEST(all_of_a_circle_are_in_it_and_those_behind_are_behind)
{
    thread(5, 3);
    thread(1, 2);
    thread(2, 3);
    thread(3, 1);
    thread(4, 5);
    thread(6, 0);
    wr_threads_prove(&list);
    for (uint32_t tid = 1; tid <= 3; tid++)
        ck_assert_int_eq(proof(tid), WR_THREAD_CYCLE);
    ck_assert_int_eq(proof(4), WR_THREAD_BEHIND);
    ck_assert_int_eq(proof(5), WR_THREAD_BEHIND);
    ck_assert_int_eq(proof(6), WR_THREAD_FREE);
}
END_TEST

START_TEST(threads_at_one_stack_are_a_group_with_the_longest_still_first)
{
    at(1, 100, 5 * SECOND, 0);
    at(2, 200, 9 * SECOND, 0);
    at(3, 100, 7 * SECOND, 0);
    thread(4, 0); /* no stack */
    ck_assert_int_eq(wr_threads_group(&list), 0);
    ck_assert_uint_eq(list.group_count, 3);
    ck_assert_uint_eq(list.groups[0].count, 2);
    ck_assert_uint_eq(list.groups[0].longest_ns, 7 * SECOND);
    ck_assert_uint_eq(list.groups[0].shortest_ns, 5 * SECOND);
    ck_assert_uint_eq(list.threads[list.groups[0].first].tid, 3);
    ck_assert_uint_eq(list.groups[1].longest_ns, 9 * SECOND);
    for (size_t i = 0; i < list.count; i++)
        ck_assert_uint_lt(list.threads[i].group, 3);
}
END_TEST

START_TEST(threads_that_come_minute_after_minute_are_growth)
{
    for (uint32_t i = 0; i < 12; i++)
        at(i + 1, 100, 0, i * MINUTE + SECOND);
    ck_assert_int_eq(wr_threads_group(&list), 0);
    ck_assert(list.groups[0].growing);
    ck_assert_uint_eq(list.groups[0].recent, 12);
}
END_TEST

START_TEST(a_pool_made_at_once_is_no_growth)
{
    for (uint32_t i = 0; i < 20; i++)
        at(i + 1, 100, 0, 5 * MINUTE + i);
    ck_assert_int_eq(wr_threads_group(&list), 0);
    ck_assert(!list.groups[0].growing);
}
END_TEST

START_TEST(the_first_minute_of_a_program_is_no_growth)
{
    list.uptime_ns = 3 * MINUTE;
    for (uint32_t i = 0; i < 20; i++)
        at(i + 1, 100, 0, 2 * MINUTE + i * 2 * SECOND);
    ck_assert_int_eq(wr_threads_group(&list), 0);
    ck_assert(!list.groups[0].growing);
    ck_assert_uint_eq(list.groups[0].recent, 0);
}
END_TEST

START_TEST(threads_without_a_stack_are_at_no_common_place)
{
    for (uint32_t i = 0; i < 12; i++)
        thread(i + 1, 0)->age_ns = i * MINUTE + SECOND;
    ck_assert_int_eq(wr_threads_group(&list), 0);
    ck_assert(!list.groups[0].growing);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("analyse/threads");
    TCase *t = tcase_create("threads");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, who_waits_for_nobody_or_for_one_who_runs_is_free);
    tcase_add_test(t, who_has_it_himself_waits_for_ever);
    tcase_add_test(t, who_waits_for_a_thread_that_ended_waits_for_ever);
    tcase_add_test(t, all_of_a_circle_are_in_it_and_those_behind_are_behind);
    tcase_add_test(
        t, threads_at_one_stack_are_a_group_with_the_longest_still_first);
    tcase_add_test(t, threads_that_come_minute_after_minute_are_growth);
    tcase_add_test(t, a_pool_made_at_once_is_no_growth);
    tcase_add_test(t, the_first_minute_of_a_program_is_no_growth);
    tcase_add_test(t, threads_without_a_stack_are_at_no_common_place);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
