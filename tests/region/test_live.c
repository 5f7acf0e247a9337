/* A region read while it is written, and after its writer was killed.
 *
 * The writer follows rules that any reading can check: a stack's frames are
 * made from its number, a bucket's size from its stack, a captured stack from
 * its seq; blocks are counted as allocated before they are counted as freed.
 * Then the reader needs no agreement with the writer about when it looks.
 */
#include "unit.h"

#include <dirent.h>
#include <pthread.h>

#include "region/counters.h"
#include "region/read.h"
#include "region/region.h"

static char directory[64];
static const uint32_t class_bytes[] = {0, 16, 32, 48};

/* The rules. */

static uint64_t
frame_of(uint32_t stack, uint32_t i)
{
    return (uint64_t)stack * 1000 + i + 1;
}

static uint64_t
size_of(uint32_t stack)
{
    return 16 * (1 + stack % 1000);
}

static uint32_t
captured_frames(uint64_t seq)
{
    return 1 + (uint32_t)(seq / 2 % WR_STACK_FRAMES);
}

/* The writer. */

static void
add_stack_and_bucket(unsigned *seed)
{
    uint32_t frames = 1 + (uint32_t)rand_r(seed) % 40, number;
    struct wr_stack *s;
    struct wr_bucket *b;

    wr_lock_take(&wr_region_lock);
    s = wr_region_new_stack(frames, &number);
    if (s != NULL) {
        s->frames = frames;
        for (uint32_t i = 0; i < frames; i++)
            s->pc[i] = frame_of(number, i);
        wr_region_publish(WR_TABLE_STACKS, number + 2 + frames);
        b = wr_region_new_bucket();
        if (b != NULL) {
            b->stack = number;
            b->size = size_of(number);
            b->rate = 1;
            wr_region_publish(WR_TABLE_BUCKETS,
                              wr_region_used(WR_TABLE_BUCKETS) + 1);
        }
    }
    wr_lock_give(&wr_region_lock);
}

/* A block comes and goes; some stay. */
static void
use_bucket(unsigned *seed)
{
    uint64_t used = wr_region_used(WR_TABLE_BUCKETS);
    struct wr_bucket *b;
    uint32_t number;

    if (used == 0)
        return;
    number = (uint32_t)((uint64_t)rand_r(seed) % used);
    b = wr_region_entry(WR_TABLE_BUCKETS, number);
    wr_region_add_alloc(number, b->size);
    if (rand_r(seed) % 4 != 0)
        wr_region_add_free(number, b->size);
}

static void
count_blocks(struct wr_thread_slot *slot, unsigned *seed)
{
    unsigned c = 1 + (unsigned)rand_r(seed) % 3;

    slot->count[c].allocs += 3;
    slot->count[c].frees += 2;
    wr_count_add(large_allocs, 1);
    wr_count_add(large_alloc_bytes, 40000);
    wr_count_add(large_frees, 1);
    wr_count_add(large_free_bytes, 40000);
}

/* As the handler of the capture signal does. */
static void
capture(struct wr_thread_slot *slot)
{
    uint64_t seq = slot->capture_seq;
    uint32_t frames = captured_frames(seq + 2);

    slot->capture_seq = seq + 1;
    for (uint32_t i = 0; i < frames; i++)
        __atomic_store_n(&slot->capture_pc[i], (seq + 2) * 1000 + i,
                         __ATOMIC_RELAXED);
    __atomic_store_n(&slot->capture_frames, frames, __ATOMIC_RELAXED);
    slot->capture_seq = seq + 2;
}

static void *
work(void *arg)
{
    unsigned seed = *(unsigned *)arg;
    struct wr_thread_slot *slot = wr_region_new_thread();

    for (;;) {
        add_stack_and_bucket(&seed);
        for (int i = 0; i < 20; i++) {
            use_bucket(&seed);
            count_blocks(slot, &seed);
        }
        capture(slot);
    }
    return NULL;
}

static void
start_region(void)
{
    struct wr_region_options o = {.dir = directory,
                                  .keep = true,
                                  .sample_rate = 1,
                                  .page_bytes = 8192,
                                  .class_bytes = class_bytes,
                                  .class_count = 4};

    wr_region_start(&o);
    ck_assert_ptr_nonnull(wr_region);
}

static _Noreturn void
write_until_killed(unsigned seed)
{
    unsigned seeds[3] = {seed, seed + 1, seed + 2};
    pthread_t t;

    start_region();
    for (int i = 0; i < 2; i++)
        (void)pthread_create(&t, NULL, work, &seeds[i]);
    work(&seeds[2]);
    _exit(1);
}

/* The reader. What it finds wrong is a sentence; NULL: nothing. (A check of
 * libcheck's costs a system call, too much for each frame.) */

static const char *
stack_fault(const struct wr_region_view *v, uint32_t number)
{
    const struct wr_stack *s = wr_view_stack(v, number);

    if (s == NULL)
        return "a bucket without its stack";
    if (s->frames == 0)
        return "a stack without frames";
    for (uint32_t i = 0; i < s->frames; i++)
        if (s->pc[i] != frame_of(number, i))
            return "a stack that is not whole";
    return NULL;
}

static const char *
bucket_fault(const struct wr_region_view *v, const struct wr_bucket *b)
{
    struct wr_bucket_counts c;

    if (b->size != size_of(b->stack))
        return "a bucket that is not whole";
    wr_bucket_read(b, &c);
    if (c.frees > c.allocs || c.free_bytes > c.alloc_bytes)
        return "more freed than allocated";
    if (c.alloc_bytes % b->size != 0)
        return "a count that is not whole";
    return stack_fault(v, b->stack);
}

static const char *
capture_fault(const struct wr_thread_slot *slot, unsigned *whole)
{
    struct wr_capture c;

    if (!wr_slot_capture(slot, &c))
        return NULL;
    (*whole)++;
    if (c.frames != captured_frames(c.seq))
        return "a captured stack with another's length";
    for (uint32_t f = 0; f < c.frames; f++)
        if (c.pc[f] != c.seq * 1000 + f)
            return "a captured stack with another's frames";
    return NULL;
}

static const char *
totals_fault(const struct wr_region_view *v, struct wr_totals *last)
{
    struct wr_totals was = *last, *now = last;

    wr_view_totals(v, now);
    if (now->frees > now->mallocs || now->free_bytes > now->alloc_bytes)
        return "more freed than allocated in all";
    if (now->mallocs < was.mallocs || now->frees < was.frees ||
        now->alloc_bytes < was.alloc_bytes || now->free_bytes < was.free_bytes)
        return "a total that fell";
    return NULL;
}

/* Look at everything, once; *captures rises by the captured stacks seen. */
static void
check_all(const struct wr_region_view *v, struct wr_totals *last,
          unsigned *captures)
{
    uint64_t buckets = wr_view_used(v, WR_TABLE_BUCKETS);
    uint64_t threads = wr_view_used(v, WR_TABLE_THREADS);
    const char *fault = totals_fault(v, last);

    for (uint64_t i = 0; i < buckets && fault == NULL; i++)
        fault = bucket_fault(v, wr_view_bucket(v, i));
    for (uint64_t i = 0; i < threads && fault == NULL; i++)
        fault = capture_fault(wr_view_thread(v, i), captures);
    ck_assert_msg(fault == NULL, "%s", fault);
}

/* Open the region of that process as soon as it is one. false: it never was,
 * for the process is gone. */
static bool
open_region_of(struct wr_region_view *v, pid_t pid)
{
    char path[200], why[100];

    snprintf(path, sizeof path, "%s/%d.weir", directory, (int)pid);
    for (int i = 0; i < 20000; i++) {
        if (wr_region_open(v, path, why, sizeof why) == 0)
            return true;
        usleep(100);
        if (i > 100 && kill(pid, 0) != 0)
            return false;
    }
    return false;
}

static void
setup(void)
{
    strcpy(directory, "/dev/shm/weir-test-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        strcpy(directory, "/tmp/weir-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
    }
}

static void
remove_files(void)
{
    DIR *d = opendir(directory);
    struct dirent *e;
    char path[400];

    while (d != NULL && (e = readdir(d)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        if (e->d_name[0] != '.')
            unlink(path);
    }
    if (d != NULL)
        closedir(d);
}

static void
teardown(void)
{
    remove_files();
    rmdir(directory);
}

/* Read at least once, and on for up to that many microseconds. */
static void
read_for(const struct wr_region_view *v, struct wr_totals *last, long us,
         unsigned *captures)
{
    struct timespec start, now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        check_all(v, last, captures);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000000 +
                 (now.tv_nsec - start.tv_nsec) / 1000 <
             us);
}

START_TEST(a_reader_of_a_killed_writer_sees_no_nonsense_before_or_after)
{
    unsigned seed = (unsigned)getpid(), captures = 0;

    for (int round = 0; round < 40; round++) {
        struct wr_totals last = {0};
        struct wr_region_view v;
        pid_t pid = fork();

        if (pid == 0)
            write_until_killed(seed + (unsigned)round * 10);
        ck_assert(open_region_of(&v, pid));
        read_for(&v, &last, rand_r(&seed) % 20000, &captures);
        ck_assert(wr_view_alive(&v));
        kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert(!wr_view_alive(&v));
        check_all(&v, &last, &captures);
        ck_assert_uint_eq(v.header->state, WR_REGION_LIVE);
        wr_region_close(&v);
        remove_files();
    }
    ck_assert_uint_gt(captures, 0);
}
END_TEST

/* Killed before anybody looks, also in the middle of making the region: what
 * is left is a sound region or is refused with a reason. */
START_TEST(a_writer_killed_while_it_makes_its_region_leaves_all_or_none)
{
    unsigned seed = (unsigned)getpid(), opened = 0, captures = 0;

    for (int round = 0; round < 150; round++) {
        struct wr_totals last = {0};
        struct wr_region_view v;
        char path[200], why[100] = "";
        pid_t pid = fork();

        if (pid == 0)
            write_until_killed((unsigned)round);
        usleep((useconds_t)rand_r(&seed) % 1500);
        kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        snprintf(path, sizeof path, "%s/%d.weir", directory, (int)pid);
        if (wr_region_open(&v, path, why, sizeof why) == 0) {
            opened++;
            ck_assert_uint_eq(v.header->pid, (unsigned)pid);
            ck_assert(!wr_view_alive(&v));
            check_all(&v, &last, &captures);
            wr_region_close(&v);
        } else {
            ck_assert_uint_gt(strlen(why), 0);
        }
        remove_files();
    }
    ck_assert_uint_gt(opened, 0);
}
END_TEST

/* Forks. */

/* What the runtime does around fork. */
static pid_t
fork_as_runtime(void)
{
    pid_t pid;

    wr_lock_take(&wr_region_lock);
    wr_region_fork_before();
    pid = fork();
    wr_lock_give(&wr_region_lock);
    if (pid == 0) {
        wr_region_fork_child();
        wr_region_own();
    }
    return pid;
}

static uint64_t
first_bucket_allocs(const struct wr_region_view *v)
{
    return atomic_load(&wr_view_bucket(v, 0)->allocs);
}

START_TEST(a_child_goes_on_from_its_parents_tables_in_a_file_of_its_own)
{
    struct wr_region_view mine, its;
    struct wr_totals none = {0};
    unsigned seed = 1, captures = 0;
    uint64_t before;
    char why[100];
    pid_t pid;
    int status;

    start_region();
    for (int i = 0; i < 500; i++)
        add_stack_and_bucket(&seed);
    for (int i = 0; i < 5000; i++)
        use_bucket(&seed);
    ck_assert_int_eq(wr_region_open_self(&mine, why, sizeof why), 0);
    before = first_bucket_allocs(&mine);
    pid = fork_as_runtime();
    if (pid == 0) {
        struct wr_bucket *b = wr_region_entry(WR_TABLE_BUCKETS, 0);

        b->alloc_bytes += 7 * b->size;
        b->allocs += 7;
        add_stack_and_bucket(&seed);
        wr_region_exit();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(first_bucket_allocs(&mine), before);
    ck_assert_uint_eq(wr_view_used(&mine, WR_TABLE_BUCKETS), 500);
    ck_assert(open_region_of(&its, pid));
    ck_assert_uint_eq(its.header->pid, (unsigned)pid);
    ck_assert_uint_eq(its.header->forked_from, (unsigned)getpid());
    ck_assert_uint_eq(its.header->state, WR_REGION_EXITED);
    ck_assert_uint_eq(first_bucket_allocs(&its), before + 7);
    ck_assert_uint_eq(wr_view_used(&its, WR_TABLE_BUCKETS), 501);
    check_all(&its, &none, &captures);
    wr_region_close(&its);
}
END_TEST

START_TEST(a_child_shows_no_stacks_that_its_parents_threads_were_asked_for)
{
    struct wr_region_view v;
    struct wr_capture c;
    pid_t pid;

    start_region();
    capture(wr_region_new_thread());
    ck_assert(wr_slot_capture(wr_region_entry(WR_TABLE_THREADS, 0), &c));
    pid = fork_as_runtime();
    if (pid == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert(open_region_of(&v, pid));
    ck_assert(!wr_slot_capture(wr_view_thread(&v, 0), &c));
    wr_region_close(&v);
}
END_TEST

START_TEST(a_hundred_forks_give_a_hundred_regions_and_none_is_overwritten)
{
    pid_t pids[100];
    unsigned seed = 2;

    start_region();
    add_stack_and_bucket(&seed);
    for (unsigned i = 0; i < 100; i++) {
        pids[i] = fork_as_runtime();
        if (pids[i] == 0) {
            struct wr_bucket *b = wr_region_entry(WR_TABLE_BUCKETS, 0);

            b->alloc_bytes += (1000 + i) * b->size;
            b->allocs += 1000 + i;
            _exit(0);
        }
    }
    for (unsigned i = 0; i < 100; i++)
        ck_assert_int_eq(waitpid(pids[i], NULL, 0), pids[i]);
    for (unsigned i = 0; i < 100; i++) {
        struct wr_region_view v;

        ck_assert(open_region_of(&v, pids[i]));
        ck_assert_uint_eq(v.header->pid, (unsigned)pids[i]);
        ck_assert_uint_eq(first_bucket_allocs(&v), 1000 + i);
        wr_region_close(&v);
    }
}
END_TEST

START_TEST(a_child_forked_while_threads_write_has_a_sound_region)
{
    static unsigned seeds[2] = {5, 6};
    unsigned captures = 0;
    pthread_t t;

    start_region();
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&t, NULL, work, &seeds[i]), 0);
    for (int i = 0; i < 30; i++) {
        struct wr_totals last = {0};
        struct wr_region_view v;
        pid_t pid = fork_as_runtime();

        if (pid == 0)
            _exit(0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert(open_region_of(&v, pid));
        check_all(&v, &last, &captures);
        wr_region_close(&v);
        remove_files();
    }
}
END_TEST

START_TEST(without_a_directory_the_region_serves_its_own_process_alone)
{
    struct wr_totals last = {0};
    struct wr_region_view v;
    unsigned seed = 3, captures = 0;
    char why[100];

    ck_assert_int_eq(wr_region_open_self(&v, why, sizeof why), -1);
    ck_assert_int_eq(rmdir(directory), 0);
    strcpy(directory, "/nowhere/at/all");
    start_region();
    ck_assert_str_eq(wr_region_path(), "");
    for (int i = 0; i < 50; i++)
        add_stack_and_bucket(&seed);
    ck_assert_int_eq(wr_region_open_self(&v, why, sizeof why), 0);
    ck_assert_uint_eq(wr_view_used(&v, WR_TABLE_BUCKETS), 50);
    check_all(&v, &last, &captures);
    wr_region_close(&v);
    ck_assert_uint_eq(wr_region_used(WR_TABLE_BUCKETS), 50);
}
END_TEST

START_TEST(a_full_pool_takes_no_more_and_stays_sound)
{
    struct wr_totals last = {0};
    struct wr_region_view v;
    unsigned seed = 4, captures = 0;
    uint64_t used;
    uint32_t number;
    char why[100];

    start_region();
    ck_assert_int_eq(wr_region_open_self(&v, why, sizeof why), 0);
    do {
        used = wr_view_used(&v, WR_TABLE_STACKS);
        for (int i = 0; i < 1000; i++)
            add_stack_and_bucket(&seed);
    } while (wr_view_used(&v, WR_TABLE_STACKS) != used);
    ck_assert_ptr_null(wr_region_new_stack(WR_STACK_FRAMES, &number));
    ck_assert_uint_le(used, v.table[WR_TABLE_STACKS].capacity);
    check_all(&v, &last, &captures);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("region/live");
    TCase *t = tcase_create("live");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(
        t, a_reader_of_a_killed_writer_sees_no_nonsense_before_or_after);
    tcase_add_test(
        t, a_writer_killed_while_it_makes_its_region_leaves_all_or_none);
    tcase_add_test(
        t, a_child_goes_on_from_its_parents_tables_in_a_file_of_its_own);
    tcase_add_test(
        t, a_child_shows_no_stacks_that_its_parents_threads_were_asked_for);
    tcase_add_test(
        t, a_hundred_forks_give_a_hundred_regions_and_none_is_overwritten);
    tcase_add_test(t, a_child_forked_while_threads_write_has_a_sound_region);
    tcase_add_test(t,
                   without_a_directory_the_region_serves_its_own_process_alone);
    tcase_add_test(t, a_full_pool_takes_no_more_and_stays_sound);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
