/* The ledger: what is in it, what others read of it, across threads, fork and
 * the program's death. */
#include "scene.h"

#include <pthread.h>

#include "base/base.h"
#include "os/os.h"
#include "region/counters.h"
#include "region/ledger.h"
#include "region/ledger_write.h"

static void *
address(uint64_t n)
{
    return (void *)(uintptr_t)(n << 4);
}

static unsigned
read_all(const struct wr_region_view *v, struct wr_live_sample *out, size_t max)
{
    struct wr_live_sample s;
    unsigned n = 0;

    for (uint64_t i = 0; i < wr_view_used(v, WR_TABLE_LEDGER); i++)
        if (wr_ledger_read(v, i, &s) && n++ < max)
            out[n - 1] = s;
    return n;
}

START_TEST(what_is_added_is_read_until_it_is_dropped)
{
    struct wr_live_sample s[4];
    struct wr_region_view v;
    struct wr_birth b;
    uint64_t age;
    uint32_t one, two;

    scene_start(_i);
    v = scene_view();
    ck_assert_uint_eq(read_all(&v, s, 4), 0);
    one = wr_ledger_add(address(1), 11, 101);
    usleep(60000);
    two = wr_ledger_add(address(2), 12, 102);
    ck_assert_uint_ne(one, 0);
    ck_assert_uint_ne(one, two);
    ck_assert_uint_eq(read_all(&v, s, 4), 2);
    for (int i = 0; i < 2; i++) {
        ck_assert(wr_ledger_get(s[i].address == 16 ? one : two, &b));
        ck_assert_uint_eq(s[i].bucket, s[i].address == 16 ? 11 : 12);
        ck_assert_uint_eq(s[i].tid, s[i].bucket + 90);
        ck_assert_uint_eq(b.bucket, s[i].bucket);
        ck_assert_uint_eq(b.tid, s[i].tid);
        ck_assert_uint_eq(b.born_ns, s[i].born_ns);
    }
    ck_assert_uint_eq(wr_ledger_drop(one, &age), 11);
    ck_assert_uint_ge(age, 40000000);
    ck_assert_uint_le(age, UINT64_C(60000000000));
    ck_assert(!wr_ledger_get(one, &b));
    ck_assert_uint_eq(read_all(&v, s, 4), 1);
    ck_assert_uint_eq(s[0].bucket, 12);
    wr_region_close(&v);
    scene_end();
}
END_TEST

START_TEST(an_entry_that_is_none_has_no_birth)
{
    struct wr_birth b;

    scene_start(false);
    ck_assert(!wr_ledger_get(0, &b));
    ck_assert(!wr_ledger_get(1, &b));
    ck_assert(!wr_ledger_get(WR_LEDGER_SLOTS, &b));
    ck_assert(!wr_ledger_get(UINT32_MAX, &b));
}
END_TEST

START_TEST(entries_are_used_again_and_the_full_ledger_says_so)
{
    static uint32_t e[WR_LEDGER_SLOTS];
    static bool seen[WR_LEDGER_SLOTS];
    uint64_t age;

    scene_start(false);
    for (int round = 0; round < 2; round++) {
        memset(seen, 0, sizeof seen);
        for (uint32_t i = 1; i < WR_LEDGER_SLOTS; i++) {
            e[i] = wr_ledger_add(address(i), i % 32768, 1);
            if (e[i] == 0 || seen[e[i]])
                ck_abort_msg("entry %u is %u", i, e[i]);
            seen[e[i]] = true;
        }
        ck_assert_uint_eq(wr_ledger_add(address(1), 1, 1), 0);
        ck_assert_uint_eq(wr_count_get(ledger_full), (uint64_t)round + 1);
        for (uint32_t i = 1; i < WR_LEDGER_SLOTS; i++)
            if (wr_ledger_drop(e[i], &age) != i % 32768)
                ck_abort_msg("entry %u has another bucket", i);
    }
}
END_TEST

/* Each thread has entries of its own: nobody else writes into them. */
static void *
come_and_go(void *arg)
{
    uint32_t me = *(uint32_t *)arg, e[100] = {0}, wrong = 0;
    uint64_t chance = me, age;

    for (int i = 0; i < 200000; i++) {
        uint32_t *at = &e[unit_below(&chance, wr_countof(e))];

        if (*at != 0) {
            wrong += wr_ledger_drop(*at, &age) != me;
            *at = 0;
        } else {
            *at = wr_ledger_add(address(me), me, me);
        }
    }
    for (size_t i = 0; i < wr_countof(e); i++)
        if (e[i] != 0)
            wrong += wr_ledger_drop(e[i], &age) != me;
    *(uint32_t *)arg = wrong;
    return NULL;
}

START_TEST(threads_do_not_get_one_anothers_entries)
{
    uint32_t id[4] = {1, 2, 3, 4};
    struct wr_live_sample s;
    struct wr_region_view v;
    pthread_t t[4];

    scene_start(false);
    v = scene_view();
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, come_and_go, &id[i]);
    for (int k = 0; k < 300; k++)
        for (uint64_t i = 0; i < wr_view_used(&v, WR_TABLE_LEDGER); i++)
            if (wr_ledger_read(&v, i, &s) && (s.bucket < 1 || s.bucket > 4))
                ck_abort_msg("slot %u of bucket %u", (unsigned)i, s.bucket);
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
        ck_assert_uint_eq(id[i], 0);
    }
    ck_assert_uint_eq(read_all(&v, &s, 1), 0);
    wr_region_close(&v);
}
END_TEST

static void
look_from_the_child(uint32_t kept, uint32_t gone)
{
    struct wr_region_view v = scene_view();
    struct wr_live_sample s[4];
    struct wr_birth b;
    uint64_t age;

    ck_assert_uint_eq(read_all(&v, s, 4), 2);
    ck_assert(wr_ledger_get(gone, &b));
    ck_assert_uint_eq(b.bucket, 12);
    ck_assert_uint_eq(b.born_ns, 1); /* it is older than the child */
    ck_assert_uint_eq(s[0].born_ns, 1);
    ck_assert_uint_eq(wr_ledger_drop(kept, &age), 11);
    ck_assert_uint_ge(age, 30000000);
    ck_assert_uint_eq(read_all(&v, s, 4), 1);
    ck_assert_uint_eq(s[0].bucket, 12);
    wr_region_close(&v);
    unlink(wr_region_path());
    _exit(0);
}

/* The parent frees one and takes another before the child looks. */
START_TEST(a_forked_child_has_the_ledger_of_its_birth)
{
    struct wr_live_sample s[4];
    struct wr_region_view v;
    uint32_t kept, gone;
    uint64_t age;
    int go[2];
    pid_t pid;

    scene_start(_i);
    ck_assert_int_eq(pipe(go), 0);
    kept = wr_ledger_add(address(1), 11, 101);
    gone = wr_ledger_add(address(2), 12, 102);
    usleep(40000);
    wr_region_fork_before();
    pid = fork();
    if (pid == 0) {
        char c;

        (void)wr_region_fork_child();
        ck_assert_int_eq(read(go[0], &c, 1), 1);
        ck_assert(wr_region_own());
        look_from_the_child(kept, gone);
    }
    (void)wr_ledger_drop(gone, &age);
    (void)wr_ledger_add(address(3), 13, 103);
    ck_assert_int_eq(write(go[1], "!", 1), 1);
    scene_expect_success(pid);
    v = scene_view();
    ck_assert_uint_eq(read_all(&v, s, 4), 2);
    ck_assert_uint_eq(s[0].bucket + s[1].bucket, 11 + 13);
    wr_region_close(&v);
    scene_end();
}
END_TEST

START_TEST(what_was_alive_is_told_of_a_killed_program)
{
    struct wr_live_sample s[4];
    struct wr_region_view v;
    char path[600], why[100];
    int ready[2], status;
    pid_t pid;
    char c;

    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        scene_start(true);
        (void)wr_ledger_add(address(7), 17, 107);
        ck_assert_int_gt(
            write(ready[1], wr_region_path(), strlen(wr_region_path()) + 1), 0);
        for (;;)
            pause();
    }
    for (size_t n = 0; read(ready[0], &c, 1) == 1; n++) {
        path[n] = c;
        if (c == '\0')
            break;
    }
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(wr_region_open(&v, path, why, sizeof why), 0);
    ck_assert_uint_eq(read_all(&v, s, 4), 1);
    ck_assert_uint_eq(s[0].address, 7 << 4);
    ck_assert_uint_eq(s[0].bucket, 17);
    ck_assert_uint_eq(s[0].tid, 107);
    wr_region_close(&v);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("region/ledger");
    TCase *t = tcase_create("ledger");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, what_is_added_is_read_until_it_is_dropped, 0, 2);
    tcase_add_test(t, an_entry_that_is_none_has_no_birth);
    tcase_add_test(t, entries_are_used_again_and_the_full_ledger_says_so);
    tcase_add_test(t, threads_do_not_get_one_anothers_entries);
    tcase_add_loop_test(t, a_forked_child_has_the_ledger_of_its_birth, 0, 2);
    tcase_add_test(t, what_was_alive_is_told_of_a_killed_program);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
