/* A real program on Weir's heap is killed at random moments while its region
 * is read: what is seen is sound before and after, and what it held when it
 * died can be told.
 *
 * The program is this test itself, run again under the preload as "storm". It
 * holds HELD_BYTES all the time and lets other blocks come and go in threads
 * that are born and end.
 */
#include "unit.h"

#include <pthread.h>

#include "region/read.h"

#define LIBRARY    TEST_BUILD "/lib/libweir.so"
#define HELD_BYTES (40 << 20)
#define HELD_BLOCK 4096

static char directory[64];

/* The program. */

static void *
churn(void *arg)
{
    void *block[200] = {NULL};
    unsigned seed = (unsigned)(uintptr_t)arg;

    for (int i = 0; i < 200000; i++) {
        unsigned at = (unsigned)rand_r(&seed) % 200;
        size_t size = (size_t)rand_r(&seed) % 2000;

        free(block[at]);
        block[at] = malloc(size % 50 == 0 ? 50 * size : size);
    }
    for (int i = 0; i < 200; i++)
        free(block[i]);
    return NULL;
}

/* Says that it holds what it shall by ending the pipe on its stdout. */
static _Noreturn void
storm(void)
{
    static void *volatile held;

    for (int i = 0; i < HELD_BYTES / HELD_BLOCK; i++)
        held = malloc(HELD_BLOCK);
    (void)held;
    close(1);
    for (unsigned long i = 0;; i++) {
        pthread_t t[2];

        for (int k = 0; k < 2; k++)
            if (pthread_create(&t[k], NULL, churn, (void *)(2 * i + 1)) != 0)
                _exit(1);
        for (int k = 0; k < 2; k++)
            pthread_join(t[k], NULL);
    }
}

/* Start it; returns when it holds its blocks. */
static pid_t
start_storm(void)
{
    char settings[120], byte;
    int ends[2];
    pid_t pid;

    ck_assert_int_eq(pipe(ends), 0);
    snprintf(settings, sizeof settings, "sample=16384,dir=%s", directory);
    pid = fork();
    if (pid == 0) {
        setenv("LD_PRELOAD", LIBRARY, 1);
        setenv("WEIR", settings, 1);
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execl("/proc/self/exe", "storm", (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    return pid;
}

/* What is wrong with it; NULL: nothing. */

static const char *
bucket_fault(const struct wr_region_view *v, uint64_t i)
{
    const struct wr_bucket *b = wr_view_bucket(v, i);
    uint64_t frees = atomic_load(&b->frees); /* before allocs: see layout.h */
    uint64_t free_bytes = atomic_load(&b->free_bytes);
    const struct wr_stack *s = wr_view_stack(v, b->stack);

    if (frees > atomic_load(&b->allocs))
        return "a bucket with more blocks freed than allocated";
    if (free_bytes > atomic_load(&b->alloc_bytes) + b->size)
        return "a bucket with more bytes freed than allocated";
    if (i == 0) /* of what found no room */
        return NULL;
    if (s == NULL || s->frames == 0 || b->size == 0 || b->rate == 0)
        return "a bucket that is not whole";
    for (uint32_t f = 0; f < s->frames; f++)
        if (wr_view_module_at(v, s->pc[f] - 1, s->unloads, NULL) == NULL)
            return "a frame in no module";
    return NULL;
}

/* A level that fell below zero reads as a number beyond all memory. */
static const char *
counters_fault(const struct wr_counters *c)
{
    const uint64_t most = UINT64_C(1) << 47;

    if (atomic_load(&c->heap_inuse) > most ||
        atomic_load(&c->heap_idle) > most ||
        atomic_load(&c->heap_released) > most ||
        atomic_load(&c->span_inuse) > most ||
        atomic_load(&c->cache_inuse) > most ||
        atomic_load(&c->profile_sys) > most)
        return "a level below zero";
    if (atomic_load(&c->heap_inuse) == 0)
        return "a heap that holds nothing";
    return NULL;
}

static const char *
totals_fault(const struct wr_region_view *v, struct wr_totals *last)
{
    struct wr_totals was = *last;

    wr_view_totals(v, last);
    if (last->frees > last->mallocs || last->free_bytes > last->alloc_bytes)
        return "more freed than allocated in all";
    if (last->mallocs < was.mallocs || last->frees < was.frees ||
        last->alloc_bytes < was.alloc_bytes ||
        last->free_bytes < was.free_bytes)
        return "a total that fell";
    return NULL;
}

static void
check_all(const struct wr_region_view *v, struct wr_totals *last)
{
    uint64_t n = wr_view_used(v, WR_TABLE_BUCKETS);
    const char *fault = totals_fault(v, last);

    if (fault == NULL)
        fault = counters_fault(&v->header->counters);
    for (uint64_t i = 0; i < n && fault == NULL; i++)
        fault = bucket_fault(v, i);
    ck_assert_msg(fault == NULL, "%s", fault);
}

static double
bytes_held(const struct wr_region_view *v)
{
    uint64_t n = wr_view_used(v, WR_TABLE_BUCKETS);
    double sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        const struct wr_bucket *b = wr_view_bucket(v, i);
        struct wr_bucket_counts c;

        wr_bucket_read(b, &c);
        sum += (double)(c.alloc_bytes - c.free_bytes) *
               wr_sample_weight(b->size, b->rate);
    }
    return sum;
}

static void
setup(void)
{
    strcpy(directory, "/tmp/weir-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void
teardown(void)
{
    ck_assert_int_eq(rmdir(directory), 0);
}

START_TEST(what_a_killed_program_held_can_be_told_from_its_region)
{
    unsigned seed = (unsigned)getpid();

    if (access(LIBRARY, F_OK) != 0)
        return; /* not built with sanitizers */
    for (int round = 0; round < 15; round++) {
        pid_t pid = start_storm();
        struct wr_totals last = {0};
        struct wr_region_view v;
        char path[100], why[100];
        int looks = 1 + rand_r(&seed) % 20;

        snprintf(path, sizeof path, "%s/%d.weir", directory, (int)pid);
        ck_assert_msg(wr_region_open(&v, path, why, sizeof why) == 0, "%s",
                      why);
        ck_assert(wr_view_alive(&v));
        for (int i = 0; i < looks; i++) {
            check_all(&v, &last);
            usleep((useconds_t)rand_r(&seed) % 3000);
        }
        kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        check_all(&v, &last);
        ck_assert(!wr_view_alive(&v));
        ck_assert_double_ge(bytes_held(&v), 0.85 * HELD_BYTES);
        ck_assert_double_le(bytes_held(&v), 1.25 * HELD_BYTES);
        wr_region_close(&v);
        unlink(path);
    }
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("region/storm");
    TCase *t = tcase_create("storm");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, what_a_killed_program_held_can_be_told_from_its_region);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return s;
}

int
main(int argc, char **argv)
{
    if (argc == 1 && strcmp(argv[0], "storm") == 0)
        storm();
    return unit_main(suite());
}
