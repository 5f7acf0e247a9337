/* A program is killed at random moments while this one reads its region all
 * the time: no reading crashes, and none tells nonsense. What is nonsense:
 * more frees than allocations, a count that fell, bytes that do not follow
 * from the count, a stack that is none or leads outside all code.
 */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "base/base.h"
#include "region/history.h"
#include "region/past.h"
#include "region/read.h"

enum { KILLS = 15, STARTS = 150, RATE = 4096 };

static char directory[64];
static pid_t pid;

/* What was seen of the watched region; none of it may fall. */
static struct {
    struct wr_totals totals;
    uint64_t used[WR_TABLE_COUNT];
    uint64_t samples, sample_frees, lost;
    uint64_t allocs[40000], frees[40000]; /* of each bucket */
} seen;

static uint64_t
load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

static void
never_falls(uint64_t *was, uint64_t now, const char *what)
{
    if (now < *was)
        ck_abort_msg("%s fell from %" PRIu64 " to %" PRIu64, what, *was, now);
    *was = now;
}

/* ---- one reading ---- */

static void
check_stack(const struct wr_region_view *v, uint32_t number)
{
    const struct wr_stack *s = wr_view_stack(v, number);

    if (s == NULL)
        ck_abort_msg("stack %u is none", number);
    ck_assert_uint_ge(s->frames, 1);
    ck_assert_uint_le(s->frames, WR_STACK_FRAMES);
    for (uint32_t i = 0; i < s->frames; i++)
        if (s->pc[i] < 4096)
            ck_abort_msg("frame %u of stack %u is %" PRIx64, i, number,
                         s->pc[i]);
}

/* Frees are loaded before allocations, as the layout says. */
static void
check_bucket(const struct wr_region_view *v, uint64_t i)
{
    const struct wr_bucket *b = wr_view_bucket(v, i);
    uint64_t frees = load(&b->frees), allocs = load(&b->allocs);

    if (frees > allocs)
        ck_abort_msg("bucket %" PRIu64 " has %" PRIu64 " frees of %" PRIu64, i,
                     frees, allocs);
    if (b->stack != 0) {
        check_stack(v, b->stack);
        ck_assert_uint_gt(b->size, 0);
        ck_assert_uint_eq(b->rate, RATE);
        ck_assert_uint_eq(load(&b->alloc_bytes), 0);
        ck_assert_uint_eq(load(&b->free_bytes), 0);
    }
}

static void
check_region(const struct wr_region_view *v)
{
    uint32_t state = atomic_load(&v->header->state);
    uint64_t n = wr_view_used(v, WR_TABLE_BUCKETS);

    ck_assert_uint_eq(v->header->version, WR_REGION_VERSION);
    ck_assert(state == WR_REGION_LIVE || state == WR_REGION_EXITED);
    ck_assert_uint_eq(v->header->sample_rate, RATE);
    ck_assert_ptr_nonnull(strstr(v->header->exe, "prog_churn"));
    for (uint64_t i = 0; i < n; i++)
        check_bucket(v, i);
    for (uint64_t i = 0; i < wr_view_used(v, WR_TABLE_THREADS); i++)
        ck_assert_uint_le(atomic_load(&wr_view_thread(v, i)->state),
                          WR_THREAD_ENDED);
    for (uint64_t i = 0; i < wr_view_used(v, WR_TABLE_MODULES); i++) {
        const struct wr_module *m = wr_view_module(v, i);

        ck_assert_uint_lt(m->start, m->end);
        ck_assert_uint_le(m->build_id_len, sizeof m->build_id);
    }
}

static void
check_nothing_fell(const struct wr_region_view *v)
{
    struct wr_totals t;

    wr_view_totals(v, &t);
    ck_assert_uint_le(t.frees, t.mallocs);
    ck_assert_uint_le(t.free_bytes, t.alloc_bytes);
    never_falls(&seen.totals.mallocs, t.mallocs, "mallocs");
    never_falls(&seen.totals.frees, t.frees, "frees");
    never_falls(&seen.totals.alloc_bytes, t.alloc_bytes, "allocated bytes");
    never_falls(&seen.totals.free_bytes, t.free_bytes, "freed bytes");
    never_falls(&seen.samples, load(&v->header->counters.samples), "samples");
    never_falls(&seen.sample_frees, load(&v->header->counters.sample_frees),
                "sampled frees");
    never_falls(&seen.lost, load(&v->header->counters.samples_lost), "lost");
    for (unsigned i = 0; i < WR_TABLE_COUNT; i++)
        never_falls(&seen.used[i], wr_view_used(v, i), "a table's count");
    for (uint64_t i = 0; i < wr_view_used(v, WR_TABLE_BUCKETS); i++) {
        never_falls(&seen.frees[i], load(&wr_view_bucket(v, i)->frees),
                    "a bucket's frees");
        never_falls(&seen.allocs[i], load(&wr_view_bucket(v, i)->allocs),
                    "a bucket's allocations");
    }
}

/* Points follow each other and say what a program can be like. */
static void
check_history(const struct wr_region_view *v)
{
    static struct wr_point p[WR_HISTORY_MOST];
    static struct wr_mark m[WR_MARK_SLOTS];
    size_t n = wr_history_read(v, WR_HISTORY_SECONDS, p, WR_HISTORY_MOST);

    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_le(p[i].frees, p[i].allocs);
        ck_assert_uint_eq(p[i].live_bytes, p[i].alloc_bytes - p[i].free_bytes);
        ck_assert_uint_le(p[i].heap_inuse, p[i].heap_mapped);
        if (i == 0)
            continue;
        ck_assert_uint_gt(p[i].uptime_ns, p[i - 1].uptime_ns);
        ck_assert_uint_ge(p[i].allocs, p[i - 1].allocs);
        ck_assert_uint_ge(p[i].frees, p[i - 1].frees);
        ck_assert_uint_ge(p[i].minor_faults, p[i - 1].minor_faults);
    }
    n = wr_history_marks(v, m, wr_countof(m));
    for (size_t i = 0; i < n; i++)
        ck_assert_str_ne(wr_mark_name(m[i].kind), "event");
}

/* What was is never more than what is. */
static void
check_past(const struct wr_region_view *v)
{
    static struct wr_bucket_counts then[40000];
    uint64_t n = wr_view_used(v, WR_TABLE_BUCKETS);

    if (wr_past_values(v, UINT64_C(10000000000), then, n) != 0)
        return;
    for (uint64_t i = 0; i < n; i++) {
        ck_assert_uint_le(then[i].frees, then[i].allocs);
        ck_assert_uint_le(then[i].allocs, load(&wr_view_bucket(v, i)->allocs));
    }
}

/* ---- the program ---- */

/* Its stdout is the write end of `ready`, when that is given. */
static void
start(int *ready)
{
    char preload[400], options[200];

    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid != 0)
        return;
    snprintf(preload, sizeof preload, "%s/lib/libweir.so", TEST_BUILD);
    snprintf(options, sizeof options, "sample=%d,dir=%s", RATE, directory);
    setenv("LD_PRELOAD", preload, 1);
    setenv("WEIR", options, 1);
    dup2(ready != NULL ? ready[1] : open("/dev/null", O_WRONLY), 1);
    closefrom(3);
    execl(TEST_BUILD "/tests/prog_churn", "prog_churn", (char *)NULL);
    _exit(127);
}

static void
start_and_wait_until_it_works(void)
{
    int ready[2];
    char byte = 0;

    ck_assert_int_eq(pipe(ready), 0);
    start(ready);
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    ck_assert_int_eq(byte, '!');
}

static void
nap(long ns)
{
    struct timespec t = {0, ns};

    nanosleep(&t, NULL);
}

/* Open each region of the run; of the program itself if `of` says so. */
static void
each_region(pid_t of, void (*visit)(const struct wr_region_view *))
{
    DIR *d = opendir(directory);
    char path[400], why[200];

    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        struct wr_region_view v;

        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        if (wr_region_open(&v, path, why, sizeof why) != 0)
            continue; /* not one yet: its maker was killed in the middle */
        if (of == 0 || v.header->pid == (uint32_t)of)
            visit(&v);
        wr_region_close(&v);
    }
    closedir(d);
}

static struct wr_region_view watched;

static void
watch(const struct wr_region_view *v)
{
    char path[400], why[200];

    (void)v;
    snprintf(path, sizeof path, "%s/%d.weir", directory, (int)pid);
    ck_assert_int_eq(wr_region_open(&watched, path, why, sizeof why), 0);
}

/* In a dead region every frame lies in a piece of code it lists. */
static void
check_frames(const struct wr_region_view *v)
{
    uint64_t frames = 0, outside = 0;

    for (uint64_t i = 0; i < wr_view_used(v, WR_TABLE_BUCKETS); i++) {
        const struct wr_stack *s =
            wr_view_stack(v, wr_view_bucket(v, i)->stack);

        for (uint32_t k = 0; s != NULL && k < s->frames; k++) {
            bool inside = false;

            for (uint64_t m = 0; m < wr_view_used(v, WR_TABLE_MODULES); m++)
                inside |= s->pc[k] - 1 >= wr_view_module(v, m)->start &&
                          s->pc[k] - 1 < wr_view_module(v, m)->end;
            frames++;
            outside += !inside;
        }
    }
    ck_assert_uint_gt(frames, 100);
    ck_assert_uint_eq(outside, 0);
}

static void
remove_regions(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf %s/*.weir", directory);
    ck_assert_int_eq(system(command), 0);
}

static void
one_life(unsigned seed)
{
    struct timespec begin, now;
    long life_ns = 1000000 + (long)(seed * 2654435761u % 60000000);
    int status;

    memset(&seen, 0, sizeof seen);
    watched.base = NULL;
    start_and_wait_until_it_works();
    each_region(pid, watch);
    ck_assert_ptr_nonnull(watched.base);
    ck_assert(wr_view_alive(&watched));
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        check_region(&watched);
        check_nothing_fell(&watched);
        nap(100000);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec -
                 begin.tv_nsec <
             life_ns);
    kill(pid, SIGKILL);
    check_region(&watched); /* in the very moment */
    waitpid(pid, &status, 0);
    ck_assert(!wr_view_alive(&watched));
    check_nothing_fell(&watched);
    wr_region_close(&watched);
    each_region(0, check_region); /* and its children's */
    each_region(pid, check_frames);
    remove_regions();
}

/* Old enough to have a history. */
static void
one_long_life(unsigned seed)
{
    struct timespec begin, now;
    double life = 1.0 + seed % 97 / 50.0;

    watched.base = NULL;
    start_and_wait_until_it_works();
    each_region(pid, watch);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        check_history(&watched);
        check_past(&watched);
        nap(1000000);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)(now.tv_sec - begin.tv_sec) +
                 (double)(now.tv_nsec - begin.tv_nsec) / 1e9 <
             life);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    check_history(&watched);
    check_past(&watched);
    wr_region_close(&watched);
    remove_regions();
}

static void
make_directory(void)
{
    strcpy(directory, "/tmp/weir-killed-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

START_TEST(a_program_killed_while_it_starts_leaves_sense_or_nothing)
{
    make_directory();
    for (unsigned i = 0; i < STARTS; i++) {
        start(NULL);
        nap((long)(i * 2654435761u % 6000000));
        each_region(0, check_region);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        each_region(0, check_region);
        remove_regions();
    }
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(a_killed_program_leaves_a_region_that_makes_sense)
{
    unsigned seed = (unsigned)time(NULL);

    make_directory();
    printf("seed %u\n", seed);
    fflush(stdout);
    for (unsigned i = 0; i < KILLS; i++)
        one_life(seed + i);
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(a_killed_program_leaves_a_history_that_makes_sense)
{
    unsigned seed = (unsigned)time(NULL);

    make_directory();
    printf("seed %u\n", seed);
    fflush(stdout);
    for (unsigned i = 0; i < 3; i++)
        one_long_life(seed + i * 37);
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

int
main(void)
{
    Suite *s;
    TCase *t;

    if (access(TEST_BUILD "/lib/libweir.so", R_OK) != 0) {
        puts("no libweir.so in this build: nothing to kill");
        return 0;
    }
    s = suite_create("killed programs");
    t = tcase_create("region");
    tcase_set_timeout(t, 100);
    tcase_add_test(t, a_program_killed_while_it_starts_leaves_sense_or_nothing);
    tcase_add_test(t, a_killed_program_leaves_a_region_that_makes_sense);
    tcase_add_test(t, a_killed_program_leaves_a_history_that_makes_sense);
    suite_add_tcase(s, t);
    return unit_main(s);
}
