/* What the buckets held before: equal to what a model remembers, whatever
 * happened since, and whenever the writer was killed. */
#include "region/scene.h"

#include <sys/mman.h>

#include "base/base.h"
#include "region/counters.h"
#include "region/past.h"
#include "region/past_write.h"

#define SECOND UINT64_C(1000000000)
#define FINE   WR_PAST_FINE_NS
#define COARSE WR_PAST_COARSE_NS

enum { BUCKETS = 400, TICKS = 2000, SIZE = 48 };

/* What the buckets were when each tick was logged. */
static struct wr_bucket_counts remembered[TICKS + 1][BUCKETS];
static struct wr_past_died remembered_died[TICKS + 1][BUCKETS];

static struct wr_bucket_counts told[BUCKETS];
static struct wr_past_died told_died[BUCKETS];

static void
add_buckets(unsigned n)
{
    wr_lock_take(&wr_region_lock);
    for (unsigned i = 0; i < n; i++) {
        struct wr_bucket *b = wr_region_new_bucket();

        ck_assert_ptr_nonnull(b);
        b->stack = i;
        b->size = i == 0 ? 0 : SIZE + 16 * i;
        b->rate = 4096;
        wr_region_publish(WR_TABLE_BUCKETS,
                          wr_region_used(WR_TABLE_BUCKETS) + 1);
    }
    wr_lock_give(&wr_region_lock);
}

/* And then the first pulse of a program. */
static void
make_buckets(unsigned n)
{
    add_buckets(n);
    (void)wr_past_log(SECOND);
}

/* As bucket.c does it; "other" takes blocks of any size. */
static void
use(uint64_t *chance, unsigned bucket)
{
    struct wr_bucket *b = wr_region_entry(WR_TABLE_BUCKETS, bucket);
    uint64_t bytes = bucket == 0 ? 1 + unit_below(chance, 100000) : b->size;

    if (b->allocs > b->frees && unit_below(chance, 3) == 0) {
        if (bucket == 0)
            bytes = wr_min(bytes, b->alloc_bytes - b->free_bytes);
        wr_region_add_free(bucket, bytes);
        if (unit_below(chance, 10) == 0)
            wr_region_add_died(bucket,
                               WR_AGE_UNIT_NS << unit_below(chance, 20));
        wr_count_add(sample_frees, 1);
    } else {
        wr_region_add_alloc(bucket, bytes);
        wr_count_add(samples, 1);
    }
}

static void
read_now(struct wr_bucket_counts *out)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        wr_bucket_read(wr_region_entry(WR_TABLE_BUCKETS, i), &out[i]);
}

/* How many were older than each grade, counted from the classes. */
static void
read_died_now(struct wr_past_died *out)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        uint64_t died[WR_AGES];

        wr_bucket_died(wr_region_entry(WR_TABLE_BUCKETS, i), died);
        for (unsigned g = 0; g < WR_PAST_GRADES; g++) {
            out[i].grade[g] = 0;
            for (unsigned k = 1; k < WR_AGES; k++)
                if (WR_AGE_UNIT_NS << (k - 1) >= wr_past_age(g))
                    out[i].grade[g] += died[k];
        }
    }
}

static void
check_past(uint64_t uptime_ns, uint64_t tick)
{
    struct wr_region_view v = scene_view();

    ck_assert_int_eq(wr_past_values(&v, uptime_ns, told, BUCKETS), 0);
    ck_assert_int_eq(wr_past_died(&v, uptime_ns, told_died, BUCKETS), 0);
    ck_assert_mem_eq(told_died, remembered_died[tick], sizeof told_died);
    if (memcmp(told, remembered[tick], sizeof told) == 0)
        return;
    for (unsigned i = 0; i < BUCKETS; i++)
        if (memcmp(&told[i], &remembered[tick][i], sizeof told[i]) != 0)
            ck_abort_msg("tick %" PRIu64 ", bucket %u: %" PRIu64 "/%" PRIu64
                         " of %" PRIu64 "/%" PRIu64,
                         tick, i, told[i].allocs, told[i].frees,
                         remembered[tick][i].allocs, remembered[tick][i].frees);
}

/* One tick of a program that uses so many of its buckets. */
static void
play_tick(uint64_t *chance, uint64_t tick, unsigned uses)
{
    for (unsigned i = 0; i < uses; i++)
        use(chance, (unsigned)unit_below(chance, BUCKETS));
    (void)wr_past_log(tick * FINE + unit_below(chance, SECOND));
    read_now(remembered[tick]);
    read_died_now(remembered_died[tick]);
}

/* ---- what is told ---- */

START_TEST(deaths_are_counted_by_age)
{
    uint64_t died[WR_AGES];
    struct wr_bucket *b;

    scene_start(false);
    add_buckets(2);
    b = wr_region_entry(WR_TABLE_BUCKETS, 1);
    b->allocs = b->frees = 70;
    wr_region_add_died(1, 0);
    wr_region_add_died(1, WR_AGE_UNIT_NS - 1);
    wr_region_add_died(1, WR_AGE_UNIT_NS);
    wr_region_add_died(1, 2 * WR_AGE_UNIT_NS - 1);
    wr_region_add_died(1, 2 * WR_AGE_UNIT_NS);
    wr_region_add_died(1, WR_AGE_UNIT_NS << 14);
    wr_region_add_died(1, UINT64_MAX);
    wr_bucket_died(b, died);
    ck_assert_uint_eq(died[0], 65);
    ck_assert_uint_eq(died[1], 2);
    ck_assert_uint_eq(died[2], 1);
    ck_assert_uint_eq(died[15], 2);
}
END_TEST

START_TEST(a_region_in_which_nothing_was_logged_knows_no_past)
{
    struct wr_region_view v;

    scene_start(false);
    v = scene_view();
    ck_assert_uint_eq(wr_past_oldest(&v), 0);
    ck_assert_uint_eq(wr_past_moment(&v, SECOND), 0);
    ck_assert_int_eq(wr_past_values(&v, SECOND, told, BUCKETS), -1);
}
END_TEST

START_TEST(every_tick_is_told_as_it_was)
{
    uint64_t chance = unit_seed("every_tick");

    scene_start(_i != 0);
    make_buckets(BUCKETS);
    for (uint64_t tick = 1; tick <= 100; tick++)
        play_tick(&chance, tick, 100);
    for (uint64_t tick = 0; tick <= 100; tick++) {
        check_past(tick * FINE, tick);
        check_past(tick * FINE + unit_below(&chance, FINE), tick);
    }
    scene_end();
}
END_TEST

START_TEST(changes_are_kept_until_the_next_tick_and_asked_for_meanwhile)
{
    uint64_t chance = 1;

    scene_start(false);
    make_buckets(BUCKETS);
    ck_assert(!wr_past_log(2 * SECOND)); /* nothing to tell of */
    use(&chance, 5);
    ck_assert(wr_past_log(3 * SECOND));
    ck_assert(wr_past_log(9 * SECOND));
    ck_assert(!wr_past_log(10 * SECOND));
    ck_assert(!wr_past_log(11 * SECOND));
    use(&chance, 5);
    ck_assert(wr_past_log(12 * SECOND));
}
END_TEST

START_TEST(what_comes_after_a_pause_is_newer_than_the_tick_before_it)
{
    struct wr_region_view v;

    scene_start(false);
    make_buckets(BUCKETS);
    wr_region_add_alloc(5, SIZE);
    wr_count_add(samples, 1);
    ck_assert(!wr_past_log(10 * SECOND));
    wr_region_add_alloc(5, SIZE);
    wr_count_add(samples, 1);
    ck_assert(wr_past_log(57 * SECOND));
    ck_assert(!wr_past_log(60 * SECOND));
    v = scene_view();
    ck_assert_int_eq(wr_past_values(&v, 58 * SECOND, told, BUCKETS), 0);
    ck_assert_uint_eq(told[5].allocs, 1);
    ck_assert_int_eq(wr_past_values(&v, 60 * SECOND, told, BUCKETS), 0);
    ck_assert_uint_eq(told[5].allocs, 2);
}
END_TEST

/* All it has it got in its first second, before there was a pulse. */
START_TEST(a_program_that_paused_from_its_start_held_that_all_along)
{
    struct wr_region_view v;

    scene_start(false);
    add_buckets(BUCKETS);
    wr_region_add_alloc(5, SIZE);
    wr_count_add(samples, 1);
    (void)wr_past_log(601 * SECOND);
    wr_region_add_alloc(5, SIZE);
    wr_count_add(samples, 1);
    ck_assert(!wr_past_log(610 * SECOND));
    v = scene_view();
    for (uint64_t s = 1; s < 610; s += 60) {
        ck_assert_int_eq(wr_past_values(&v, s * SECOND, told, BUCKETS), 0);
        ck_assert_uint_eq(told[5].allocs, 1);
    }
    ck_assert_int_eq(wr_past_values(&v, 610 * SECOND, told, BUCKETS), 0);
    ck_assert_uint_eq(told[5].allocs, 2);
}
END_TEST

START_TEST(the_time_before_the_ring_is_told_by_the_coarse_log)
{
    uint64_t chance = unit_seed("coarse"), fine, oldest;
    struct wr_region_view v;

    scene_start(true);
    make_buckets(BUCKETS);
    for (uint64_t tick = 1; tick <= TICKS; tick++)
        play_tick(&chance, tick, 60); /* 120,000 changes, less doubles */
    v = scene_view();
    oldest = wr_past_oldest(&v);
    ck_assert_uint_lt(oldest, (TICKS - 1000) * FINE);
    for (fine = TICKS; wr_past_moment(&v, fine * FINE) == fine * FINE; fine--)
        check_past(fine * FINE, fine);
    ck_assert_uint_lt(fine, TICKS - 200);
    ck_assert_uint_gt(fine, TICKS - 400); /* 16383 entries reach so far */
    for (; fine * FINE > oldest; fine--) {
        uint64_t moment = wr_past_moment(&v, fine * FINE);

        ck_assert_uint_eq(moment, fine * FINE / COARSE * COARSE);
        check_past(fine * FINE, moment / FINE);
    }
    scene_end();
}
END_TEST

START_TEST(before_the_oldest_moment_nothing_is_told)
{
    uint64_t chance = 3, oldest;
    struct wr_region_view v;

    scene_start(false);
    make_buckets(BUCKETS);
    for (uint64_t tick = 1; tick <= TICKS; tick++)
        for (unsigned i = 0; i < BUCKETS; i++) {
            use(&chance, i);
            if (i + 1 == BUCKETS)
                (void)wr_past_log(tick * COARSE);
        }
    v = scene_view();
    oldest = wr_past_oldest(&v);
    ck_assert_uint_gt(oldest, COARSE);
    ck_assert_int_eq(wr_past_values(&v, oldest, told, BUCKETS), 0);
    ck_assert_int_eq(wr_past_values(&v, oldest - 1, told, BUCKETS), -1);
    ck_assert_uint_eq(wr_past_moment(&v, oldest - 1), 0);
}
END_TEST

START_TEST(after_a_gap_what_was_before_it_holds_until_its_end)
{
    uint64_t chance = unit_seed("gap");

    scene_start(false);
    make_buckets(BUCKETS);
    play_tick(&chance, 10, 500);
    memcpy(remembered[1800], remembered[10], sizeof remembered[10]);
    memcpy(remembered_died[1800], remembered_died[10],
           sizeof remembered_died[10]);
    play_tick(&chance, 1900, 500);
    check_past(1800 * FINE, 1800);
    check_past(1900 * FINE, 1900);
    /* The same from the coarse log, when the ring has been round. */
    for (uint64_t tick = 1901; tick <= TICKS; tick++)
        play_tick(&chance, tick, 1000);
    check_past(1800 * FINE, 1800);
    check_past(2 * COARSE, 10);
}
END_TEST

START_TEST(growth_beyond_an_entry_is_several)
{
    struct wr_bucket *b;
    struct wr_region_view v;

    scene_start(false);
    make_buckets(BUCKETS);
    b = wr_region_entry(WR_TABLE_BUCKETS, 7);
    b->allocs = UINT64_C(20000000000);
    b->frees = UINT64_C(10000000000);
    wr_count_add(samples, 1);
    (void)wr_past_log(FINE);
    b->allocs += 5;
    wr_count_add(samples, 1);
    (void)wr_past_log(2 * FINE);
    v = scene_view();
    ck_assert_int_eq(wr_past_values(&v, FINE, told, BUCKETS), 0);
    ck_assert_uint_eq(told[7].allocs, UINT64_C(20000000000));
    ck_assert_uint_eq(told[7].frees, UINT64_C(10000000000));
    ck_assert_uint_eq(told[7].alloc_bytes, told[7].allocs * b->size);
    ck_assert_int_eq(wr_past_values(&v, 0, told, BUCKETS), 0);
    ck_assert_uint_eq(told[7].allocs, 0);
}
END_TEST

START_TEST(a_reader_may_ask_for_fewer_buckets_or_more)
{
    uint64_t chance = 5;
    static struct wr_bucket_counts many[BUCKETS + 50];
    struct wr_region_view v;

    scene_start(false);
    make_buckets(BUCKETS);
    play_tick(&chance, 1, 3000);
    v = scene_view();
    ck_assert_int_eq(wr_past_values(&v, FINE, many, BUCKETS + 50), 0);
    ck_assert_mem_eq(many, remembered[1], sizeof told);
    ck_assert_uint_eq(many[BUCKETS + 49].allocs, 0);
    memset(told, 0xff, sizeof told);
    ck_assert_int_eq(wr_past_values(&v, FINE, told, 3), 0);
    ck_assert_mem_eq(told, remembered[1], 3 * sizeof *told);
    ck_assert_uint_eq(told[3].allocs, UINT64_MAX);
    ck_assert_int_eq(wr_past_values(&v, FINE, NULL, 0), 0);
}
END_TEST

/* ---- fork ---- */

START_TEST(a_childs_past_begins_with_what_it_was_born_with)
{
    uint64_t chance = unit_seed("child");
    pid_t pid;

    scene_start(_i != 0);
    make_buckets(BUCKETS);
    play_tick(&chance, 40, 2000);
    pid = scene_fork();
    if (pid == 0) {
        struct wr_region_view v = scene_view();

        scene_must(wr_past_oldest(&v) == 0);
        read_now(remembered[0]);
        read_died_now(remembered_died[0]);
        scene_must(remembered[0][1].allocs > 0);
        scene_must(!wr_past_log(SECOND));
        play_tick(&chance, 1, 500);
        check_past(0, 0);
        check_past(FINE, 1);
        if (_i != 0)
            unlink(wr_region_path());
        _exit(0);
    }
    scene_expect_success(pid);
    scene_end();
}
END_TEST

/* ---- killed ---- */

/* Shared with the writer that is going to be killed. */
struct shared {
    _Atomic uint64_t ticks; /* remembered below */
    struct wr_bucket_counts at[TICKS + 1][BUCKETS];
};

static void
write_until_killed(struct shared *s, uint64_t chance)
{
    for (uint64_t tick = 1; tick <= TICKS; tick++) {
        for (unsigned i = 0; i < 300; i++)
            use(&chance, (unsigned)unit_below(&chance, BUCKETS));
        read_now(s->at[tick]);
        atomic_store(&s->ticks, tick);
        (void)wr_past_log(tick * FINE);
    }
}

static void
check_after_death(struct wr_region_view *v, const struct shared *s)
{
    uint64_t last = atomic_load(&s->ticks);

    /* The tick it died in may be there by half. */
    for (uint64_t tick = last < 6 ? 0 : last - 6; tick < last; tick++) {
        if (wr_past_moment(v, tick * FINE) != tick * FINE)
            continue;
        ck_assert_int_eq(wr_past_values(v, tick * FINE, told, BUCKETS), 0);
        ck_assert_mem_eq(told, s->at[tick], sizeof told);
    }
}

START_TEST(a_writer_killed_at_any_moment_leaves_its_past_whole)
{
    uint64_t chance = _i == 0 ? unit_seed("killed") : (uint64_t)_i;
    struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct wr_region_view v;
    char why[100], path[200];
    int pipes[2], status;
    pid_t pid;

    ck_assert_ptr_ne(s, MAP_FAILED);
    ck_assert_int_eq(pipe(pipes), 0);
    pid = fork();
    if (pid == 0) {
        scene_start(true);
        make_buckets(BUCKETS);
        snprintf(path, sizeof path, "%s", wr_region_path());
        (void)!write(pipes[1], path, sizeof path);
        write_until_killed(s, chance);
        pause();
    }
    ck_assert_int_eq(read(pipes[0], path, sizeof path), sizeof path);
    ck_assert_int_eq(wr_region_open(&v, path, why, sizeof why), 0);
    while (atomic_load(&s->ticks) < 3)
        usleep(10);
    usleep((useconds_t)unit_below(&chance, 3000) + (useconds_t)_i * 100);
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    check_after_death(&v, s);
    wr_region_close(&v);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("region/past");
    TCase *t = tcase_create("past");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, deaths_are_counted_by_age);
    tcase_add_test(t, a_region_in_which_nothing_was_logged_knows_no_past);
    tcase_add_loop_test(t, every_tick_is_told_as_it_was, 0, 2);
    tcase_add_test(
        t, changes_are_kept_until_the_next_tick_and_asked_for_meanwhile);
    tcase_add_test(t,
                   what_comes_after_a_pause_is_newer_than_the_tick_before_it);
    tcase_add_test(t, a_program_that_paused_from_its_start_held_that_all_along);
    tcase_add_test(t, the_time_before_the_ring_is_told_by_the_coarse_log);
    tcase_add_test(t, before_the_oldest_moment_nothing_is_told);
    tcase_add_test(t, after_a_gap_what_was_before_it_holds_until_its_end);
    tcase_add_test(t, growth_beyond_an_entry_is_several);
    tcase_add_test(t, a_reader_may_ask_for_fewer_buckets_or_more);
    tcase_add_loop_test(t, a_childs_past_begins_with_what_it_was_born_with, 0,
                        2);
    tcase_add_loop_test(t, a_writer_killed_at_any_moment_leaves_its_past_whole,
                        0, 40);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
