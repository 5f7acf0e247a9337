/* Reading regions: whole, damaged, of dead and of living processes. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "region/fake.h"
#include "region/read.h"

static struct fake fake;
static struct wr_region_view view;
static char why[200];
static char directory[64];
static char path[256];

static void
setup(void)
{
    fake_init(&fake);
    strcpy(directory, "/tmp/weir-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/a.weir", directory);
    ck_assert_int_eq(wr_view_over(&view, &fake, sizeof fake, why, sizeof why),
                     0);
}

static void
teardown(void)
{
    wr_region_close(&view);
    unlink(path);
    ck_assert_int_eq(rmdir(directory), 0);
}

static void
write_file(const char *name, const void *bytes, size_t n)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
    close(fd);
}

static int
open_path(void)
{
    why[0] = '\0';
    return wr_region_open(&view, path, why, sizeof why);
}

/* Opening. */

START_TEST(a_whole_file_opens_and_shows_its_entries)
{
    write_file(path, &fake, sizeof fake);
    ck_assert_int_eq(open_path(), 0);
    ck_assert_uint_eq(wr_view_used(&view, WR_TABLE_THREADS), FAKE_THREADS);
    ck_assert_uint_eq(wr_view_used(&view, WR_TABLE_MODULES), FAKE_MODULES);
    ck_assert_uint_eq(wr_view_used(&view, WR_TABLE_BUCKETS), FAKE_BUCKETS);
    ck_assert_uint_eq(wr_view_thread(&view, 1)->tid, 101);
    ck_assert_str_eq(wr_view_module(&view, 1)->path, "/usr/bin/fake");
    ck_assert_uint_eq(wr_view_bucket(&view, 1)->size, 48);
    ck_assert_uint_eq(wr_view_stack(&view, FAKE_STACK_A)->frames, 3);
    ck_assert_uint_ne(view.file_id, 0);
}
END_TEST

START_TEST(a_file_longer_than_its_region_opens)
{
    char tail[5000] = {0};
    int fd;

    write_file(path, &fake, sizeof fake);
    fd = open(path, O_WRONLY | O_APPEND);
    ck_assert_int_eq(write(fd, tail, sizeof tail), sizeof tail);
    close(fd);
    ck_assert_int_eq(open_path(), 0);
    ck_assert_uint_eq(view.bytes, sizeof fake);
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused_with_a_sentence)
{
    for (size_t n = 0; n < sizeof fake; n += 509) {
        write_file(path, &fake, n);
        ck_assert_int_eq(open_path(), -1);
        ck_assert_msg(strstr(why, "short") != NULL, "%zu: %s", n, why);
        ck_assert_ptr_null(view.header);
    }
}
END_TEST

START_TEST(what_is_no_region_file_is_refused_without_waiting)
{
    ck_assert_int_eq(open_path(), -1);
    ck_assert_str_eq(why, "there is no such file");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(open_path(), -1);
    ck_assert_str_eq(why, "it is not an ordinary file");
    ck_assert_int_eq(wr_region_open(&view, directory, why, sizeof why), -1);
    ck_assert_str_eq(why, "it is not an ordinary file");
}
END_TEST

START_TEST(a_reason_is_cut_to_the_room_there_is)
{
    char small[8] = "#######";

    ck_assert_int_eq(wr_view_over(&view, &fake, 10, small, 5), -1);
    ck_assert_mem_eq(small, "it i\0##", 7);
    ck_assert_int_eq(wr_view_over(&view, &fake, 10, NULL, 0), -1);
}
END_TEST

/* One fault each; every one alone must be enough for a refusal. */
static const struct {
    const char *what;
    size_t offset;
    size_t bytes;
    uint64_t value;
} faults[] = {
#define HEADER(field, value)                                                   \
    {                                                                          \
#field, offsetof(struct wr_region_header, field),                      \
            sizeof(((struct wr_region_header *)NULL)->field), value            \
    }
    HEADER(magic, 0),
    HEADER(magic, WR_REGION_MAGIC + 1),
    HEADER(version, 0),
    HEADER(version, WR_REGION_VERSION + 1),
    HEADER(header_bytes, sizeof(struct wr_region_header) - 8),
    HEADER(region_bytes, 0),
    HEADER(region_bytes, sizeof(struct fake) + 1),
    HEADER(region_bytes, UINT64_MAX),
    HEADER(class_count, WR_CLASS_MAX + 1),
    HEADER(cmdline_bytes, 2049),
    HEADER(table[0].offset, 0),
    HEADER(table[0].offset, FAKE_PAGE + 8),
    HEADER(table[1].offset, UINT64_MAX - FAKE_PAGE + 1),
    HEADER(table[2].offset, sizeof(struct fake)),
    HEADER(table[3].offset, sizeof(struct fake) - FAKE_PAGE + 4096),
    HEADER(table[0].stride, 0),
    HEADER(table[1].stride, sizeof(struct wr_module) - 8),
    HEADER(table[2].stride, sizeof(struct wr_bucket) + 4),
    HEADER(table[3].stride, 4),
    HEADER(table[3].stride, 16),
    HEADER(table[0].capacity, UINT32_MAX),
    HEADER(table[2].capacity, 100000),
    HEADER(table[WR_TABLE_METERS].capacity, 100000),
    HEADER(table[4].stride, 8 * WR_POINT_WORDS_FIRST),
    HEADER(table[7].capacity, 1),
#undef HEADER
};

/* A point was shorter in the first regions. */
START_TEST(points_of_an_older_writer_lack_what_is_new)
{
    struct wr_point p = {.uptime_ns = 5, .live_peak = 7, .gc_cycles = 99};
    struct wr_point read[4];
    size_t stride = 8 * (1 + WR_POINT_WORDS_FIRST);
    char *slot = (char *)fake.history + 2 * stride;

    fake.header.table[WR_TABLE_HISTORY].stride = (uint32_t)stride;
    fake.header.table[WR_TABLE_HISTORY].used = FAKE_SLOTS;
    *(uint64_t *)slot = 2 * 2 + 2;
    memcpy(slot + 8, &p, sizeof p); /* what is behind is not the point's */
    ck_assert_int_eq(wr_view_over(&view, &fake, sizeof fake, why, sizeof why),
                     0);
    memset(read, 0xff, sizeof read);
    ck_assert_uint_eq(wr_history_read(&view, WR_HISTORY_SECONDS, read, 4), 1);
    ck_assert_uint_eq(read[0].uptime_ns, 5);
    ck_assert_uint_eq(read[0].live_peak, 7);
    ck_assert_uint_eq(read[0].gc_cycles, 0);
    ck_assert_uint_eq(read[0].gc_goal, 0);
}
END_TEST

START_TEST(each_fault_of_the_header_is_refused)
{
    ck_assert_uint_le(faults[_i].bytes, sizeof faults[_i].value);
    memcpy((char *)&fake + faults[_i].offset, &faults[_i].value,
           faults[_i].bytes);
    why[0] = '\0';
    ck_assert_msg(wr_view_over(&view, &fake, sizeof fake, why, sizeof why) ==
                      -1,
                  "%s", faults[_i].what);
    ck_assert_int_gt(strlen(why), 10);
}
END_TEST

START_TEST(texts_of_the_header_that_do_not_end_are_refused)
{
    memset(fake.header.exe, 'x', sizeof fake.header.exe);
    ck_assert_int_eq(wr_view_over(&view, &fake, sizeof fake, why, sizeof why),
                     -1);
    fake_init(&fake);
    memset(fake.header.weir_version, 'x', sizeof fake.header.weir_version);
    ck_assert_int_eq(wr_view_over(&view, &fake, sizeof fake, why, sizeof why),
                     -1);
}
END_TEST

START_TEST(entries_that_a_later_version_made_longer_are_found)
{
    size_t longer = sizeof(struct wr_bucket) + 16;

    memmove((char *)fake.bucket + longer, &fake.bucket[1],
            sizeof(struct wr_bucket));
    fake.header.table[WR_TABLE_BUCKETS].stride = (uint32_t)longer;
    fake.header.header_bytes += 64;
    ck_assert_int_eq(wr_view_over(&view, &fake, sizeof fake, why, sizeof why),
                     0);
    ck_assert_uint_eq(wr_view_bucket(&view, 1)->size, 48);
}
END_TEST

START_TEST(a_table_that_is_absent_has_no_entries)
{
    fake.header.table[WR_TABLE_STACKS].capacity = 0;
    ck_assert_int_eq(wr_view_over(&view, &fake, sizeof fake, why, sizeof why),
                     0);
    ck_assert_uint_eq(wr_view_used(&view, WR_TABLE_STACKS), 0);
    ck_assert_ptr_null(wr_view_stack(&view, FAKE_STACK_A));
}
END_TEST

START_TEST(closing_twice_and_closing_what_never_opened_is_fine)
{
    wr_region_close(&view);
    wr_region_close(&view);
    ck_assert_int_eq(open_path(), -1);
    wr_region_close(&view);
    ck_assert_uint_eq(wr_view_used(&view, WR_TABLE_BUCKETS), 0);
}
END_TEST

START_TEST(closing_gives_the_mapping_back)
{
    unsigned char present[sizeof fake / FAKE_PAGE];
    void *base;

    write_file(path, &fake, sizeof fake);
    ck_assert_int_eq(open_path(), 0);
    base = (void *)(uintptr_t)view.base;
    ck_assert_int_eq(mincore(base, sizeof fake, present), 0);
    wr_region_close(&view);
    ck_assert_int_eq(mincore(base, sizeof fake, present), -1);
    ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

/* Entries. */

START_TEST(entries_appear_when_the_count_rises_and_never_beyond_capacity)
{
    ck_assert_ptr_null(wr_view_bucket(&view, FAKE_BUCKETS));
    fake.header.table[WR_TABLE_BUCKETS].used = FAKE_BUCKETS + 1;
    ck_assert_ptr_eq(wr_view_bucket(&view, FAKE_BUCKETS), &fake.bucket[3]);
    fake.header.table[WR_TABLE_BUCKETS].used = UINT64_MAX;
    ck_assert_uint_eq(wr_view_used(&view, WR_TABLE_BUCKETS), 4);
    ck_assert_ptr_null(wr_view_bucket(&view, 4));
    ck_assert_ptr_null(wr_view_bucket(&view, UINT64_MAX));
    ck_assert_uint_eq(wr_view_used(&view, WR_TABLE_COUNT), 0);
}
END_TEST

START_TEST(what_the_file_says_of_its_tables_after_opening_does_not_matter)
{
    fake.header.table[WR_TABLE_BUCKETS].capacity = UINT32_MAX;
    fake.header.table[WR_TABLE_BUCKETS].offset = UINT64_MAX;
    fake.header.table[WR_TABLE_BUCKETS].used = UINT64_MAX;
    ck_assert_uint_eq(wr_view_used(&view, WR_TABLE_BUCKETS), 4);
    ck_assert_ptr_eq(wr_view_bucket(&view, 3), &fake.bucket[3]);
}
END_TEST

START_TEST(a_damaged_module_is_not_shown)
{
    memset(fake.module[0].path, 'x', sizeof fake.module[0].path);
    fake.module[1].build_id_len = sizeof fake.module[1].build_id + 1;
    fake.module[2].end = fake.module[2].start;
    for (unsigned i = 0; i < 3; i++)
        ck_assert_ptr_null(wr_view_module(&view, i));
    ck_assert_ptr_null(wr_view_module_at(&view, FAKE_PLUGIN, 9, NULL));
}
END_TEST

START_TEST(a_stack_that_is_not_whole_in_the_pool_is_not_shown)
{
    struct wr_stack *b = fake_stack(&fake, FAKE_STACK_B);

    ck_assert_ptr_nonnull(wr_view_stack(&view, FAKE_STACK_B));
    ck_assert_ptr_null(wr_view_stack(&view, 0));
    ck_assert_ptr_null(wr_view_stack(&view, FAKE_USED - 1));
    ck_assert_ptr_null(wr_view_stack(&view, FAKE_USED));
    ck_assert_ptr_null(wr_view_stack(&view, UINT32_MAX));
    b->frames = 2;
    ck_assert_ptr_null(wr_view_stack(&view, FAKE_STACK_B));
    b->frames = UINT32_MAX;
    ck_assert_ptr_null(wr_view_stack(&view, FAKE_STACK_B));
    fake.header.table[WR_TABLE_STACKS].used = FAKE_WORDS;
    b->frames = WR_STACK_FRAMES;
    ck_assert_ptr_nonnull(wr_view_stack(&view, FAKE_STACK_B));
    b->frames = WR_STACK_FRAMES + 1;
    ck_assert_ptr_null(wr_view_stack(&view, FAKE_STACK_B));
}
END_TEST

START_TEST(an_address_belongs_to_what_was_loaded_when_it_was_recorded)
{
    uint64_t i = 99;

    ck_assert_ptr_eq(wr_view_module_at(&view, FAKE_PLUGIN, 0, &i),
                     &fake.module[0]);
    ck_assert_uint_eq(i, 0);
    ck_assert_ptr_eq(wr_view_module_at(&view, FAKE_PLUGIN + 0xffff, 1, &i),
                     &fake.module[2]);
    ck_assert_uint_eq(i, 2);
    ck_assert_ptr_eq(wr_view_module_at(&view, FAKE_MAIN, 7, NULL),
                     &fake.module[1]);
    ck_assert_ptr_null(wr_view_module_at(&view, FAKE_MAIN - 1, 7, NULL));
    ck_assert_ptr_null(wr_view_module_at(&view, FAKE_MAIN + 0x10000, 7, &i));
}
END_TEST

/* Values. */

START_TEST(a_bucket_never_has_more_freed_than_allocated)
{
    struct wr_bucket_counts c;

    wr_bucket_read(&fake.bucket[1], &c);
    ck_assert_uint_eq(c.allocs, 10);
    ck_assert_uint_eq(c.frees, 4);
    ck_assert_uint_eq(c.alloc_bytes, 480);
    ck_assert_uint_eq(c.free_bytes, 192);
    fake.bucket[1].frees = 11;
    fake.bucket[1].free_bytes = 481;
    wr_bucket_read(&fake.bucket[1], &c);
    ck_assert_uint_eq(c.frees, 10);
    ck_assert_uint_eq(c.free_bytes, 480);
}
END_TEST

START_TEST(the_weight_of_a_sample_is_one_over_its_chance)
{
    for (uint64_t rate = 2; rate < UINT64_C(1) << 40; rate *= 3)
        for (uint64_t size = 1; size < UINT64_C(1) << 44;
             size = size * 5 / 3 + 1) {
            double chance = -expm1(-(double)size / (double)rate);
            double weight = wr_sample_weight(size, rate);

            ck_assert_double_ge(weight, 1);
            ck_assert_double_le(fabs(weight * chance - 1), 1e-13);
        }
}
END_TEST

START_TEST(where_every_block_is_recorded_a_sample_weighs_one)
{
    ck_assert_double_eq(wr_sample_weight(16, 1), 1);
    ck_assert_double_eq(wr_sample_weight(16, 0), 1);
    ck_assert_double_eq(wr_sample_weight(0, 4096), 1);
    ck_assert_double_eq(wr_sample_weight(UINT64_MAX, 2), 1);
    ck_assert_double_eq(wr_sample_weight(UINT64_MAX, UINT64_MAX),
                        wr_sample_weight(7, 7));
}
END_TEST

START_TEST(totals_are_the_sums_of_slots_and_large_blocks)
{
    struct wr_totals t;

    wr_view_totals(&view, &t);
    ck_assert_uint_eq(t.by_class[1].mallocs, 100);
    ck_assert_uint_eq(t.by_class[1].frees, 40);
    ck_assert_uint_eq(t.by_class[2].mallocs, 10);
    ck_assert_uint_eq(t.mallocs, 112);
    ck_assert_uint_eq(t.frees, 41);
    ck_assert_uint_eq(t.alloc_bytes, 100 * 16 + 10 * 48 + 200000);
    ck_assert_uint_eq(t.free_bytes, 40 * 16 + 100000);
}
END_TEST

START_TEST(blocks_that_share_another_are_made_and_freed_in_totals)
{
    struct wr_totals before, after;

    wr_view_totals(&view, &before);
    fake.thread[0].count[0].allocs = 30;
    fake.thread[1].count[0].allocs = 5;
    wr_view_totals(&view, &after);
    ck_assert_uint_eq(after.mallocs, before.mallocs + 35);
    ck_assert_uint_eq(after.frees, before.frees + 35);
    ck_assert_uint_eq(after.alloc_bytes, before.alloc_bytes);
}
END_TEST

START_TEST(totals_do_not_fall_when_frees_are_published_before_mallocs)
{
    struct wr_totals before, after;

    fake.thread[1].count[1].frees = 1000;
    wr_view_totals(&view, &before);
    ck_assert_uint_eq(before.by_class[1].mallocs, 1020);
    ck_assert_uint_eq(before.by_class[1].frees, 1020);
    fake.thread[0].count[1].allocs = 2000;
    wr_view_totals(&view, &after);
    ck_assert_uint_ge(after.mallocs, before.mallocs);
    ck_assert_uint_ge(after.alloc_bytes, before.alloc_bytes);
    ck_assert_uint_eq(after.by_class[1].mallocs, 2050);
}
END_TEST

START_TEST(totals_leave_out_classes_that_do_not_exist)
{
    struct wr_totals t;

    fake.header.class_count = UINT32_MAX;
    fake.thread[0].count[WR_CLASS_MAX - 1].allocs = 7;
    wr_view_totals(&view, &t);
    ck_assert_uint_eq(t.mallocs, 119);
    fake.header.class_count = 0;
    wr_view_totals(&view, &t);
    ck_assert_uint_eq(t.mallocs, 2);
}
END_TEST

START_TEST(a_captured_stack_is_copied_only_when_whole)
{
    struct wr_thread_slot *s = &fake.thread[0];
    struct wr_capture c;

    ck_assert(!wr_slot_capture(s, &c));
    s->capture_frames = 2;
    s->capture_pc[0] = 11;
    s->capture_pc[1] = 22;
    s->capture_unloads = 3;
    s->capture_ns = 44;
    s->capture_seq = 1;
    ck_assert(!wr_slot_capture(s, &c));
    s->capture_seq = 2;
    ck_assert(wr_slot_capture(s, &c));
    ck_assert_uint_eq(c.seq, 2);
    ck_assert_uint_eq(c.frames, 2);
    ck_assert_uint_eq(c.pc[1], 22);
    ck_assert_uint_eq(c.unloads, 3);
    ck_assert_uint_eq(c.ns, 44);
    s->capture_frames = WR_STACK_FRAMES + 1;
    ck_assert(!wr_slot_capture(s, &c));
}
END_TEST

/* The writer's process. */

static uint64_t
monotonic_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* In the child: make its region, then say so through the pipe. */
static void
child_makes_region(int ready)
{
    int fd;
    void *map;

    fake.header.pid = (uint32_t)getpid();
    fake.header.start_mono_ns = monotonic_ns();
    fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || write(fd, &fake, sizeof fake) != (ssize_t)sizeof fake)
        _exit(9);
    map = mmap(NULL, sizeof fake, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED || write(ready, path, sizeof path) < 0)
        _exit(9);
    close(ready);
}

static pid_t
child_start(void (*then)(void))
{
    int ends[2];
    pid_t pid;

    ck_assert_int_eq(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child_makes_region(ends[1]);
        then();
        _exit(0);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], path, sizeof path), sizeof path);
    close(ends[0]);
    ck_assert_msg(open_path() == 0, "%s", why);
    return pid;
}

static void
child_end(pid_t pid)
{
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* What ends soon is waited for; what must stay is looked at some times. */
static bool
alive_turns(bool to)
{
    for (int i = 0; i < 2000; i++) {
        if (wr_view_alive(&view) == to)
            return true;
        usleep(1000);
    }
    return false;
}

static void
sleep_on(void)
{
    for (;;)
        pause();
}

START_TEST(a_running_writer_is_alive_until_it_is_killed)
{
    pid_t pid = child_start(sleep_on);

    ck_assert(wr_view_alive(&view));
    kill(pid, SIGKILL);
    ck_assert_msg(alive_turns(false), "a zombie counts as alive");
    child_end(pid);
    ck_assert(!wr_view_alive(&view));
}
END_TEST

static void
exec_sleep(void)
{
    execlp("sleep", "sleep", "60", (char *)NULL);
}

START_TEST(a_writer_that_went_on_as_another_program_is_not_alive)
{
    pid_t pid = child_start(exec_sleep);

    ck_assert(alive_turns(false));
    ck_assert_int_eq(kill(pid, 0), 0);
    child_end(pid);
}
END_TEST

static void *
sleep_thread(void *unused)
{
    sleep_on();
    return unused;
}

static void
leave_to_a_thread(void)
{
    pthread_t t;

    if (pthread_create(&t, NULL, sleep_thread, NULL) != 0)
        _exit(9);
    pthread_exit(NULL);
}

static char
state_of(pid_t pid)
{
    char name[40], text[400], state = '?';
    FILE *f;

    snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
    f = fopen(name, "r");
    if (f == NULL)
        return '?';
    if (fgets(text, sizeof text, f) != NULL)
        state = strrchr(text, ')')[2];
    fclose(f);
    return state;
}

START_TEST(a_writer_whose_main_thread_ended_alone_is_alive)
{
    pid_t pid = child_start(leave_to_a_thread);

    for (int i = 0; i < 2000 && state_of(pid) != 'Z'; i++)
        usleep(1000);
    ck_assert_int_eq(state_of(pid), 'Z');
    ck_assert(wr_view_alive(&view));
    child_end(pid);
    ck_assert(!wr_view_alive(&view));
}
END_TEST

START_TEST(a_process_younger_than_the_region_is_another_one)
{
    pid_t pid = child_start(sleep_on);
    uint64_t start = view.header->start_mono_ns;

    fake.header.pid = (uint32_t)pid;
    fake.header.start_mono_ns = start;
    ck_assert_int_eq(wr_view_over(&view, &fake, sizeof fake, why, sizeof why),
                     0);
    ck_assert(wr_view_alive(&view));
    fake.header.start_mono_ns = 1;
    ck_assert(!wr_view_alive(&view));
    fake.header.start_mono_ns = start;
    fake.header.pid = 0;
    ck_assert(!wr_view_alive(&view));
    child_end(pid);
}
END_TEST

/* Where regions are. */

START_TEST(the_directory_is_made_private_below_the_runtime_directory)
{
    char found[200], wanted[200];
    struct stat st;

    setenv("XDG_RUNTIME_DIR", directory, 1);
    snprintf(wanted, sizeof wanted, "%s/weir", directory);
    ck_assert_int_eq(wr_region_place(0, found, sizeof found), 0);
    ck_assert_str_eq(found, wanted);
    ck_assert_int_eq(wr_region_directory(found, sizeof found, true), 0);
    ck_assert_str_eq(found, wanted);
    ck_assert_int_eq(stat(found, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    ck_assert_int_eq(wr_region_directory(found, sizeof found, false), 0);
    ck_assert_str_eq(found, wanted);
    rmdir(wanted);
}
END_TEST

START_TEST(a_directory_that_others_may_enter_is_not_taken)
{
    char found[200] = "", wanted[200];

    setenv("XDG_RUNTIME_DIR", directory, 1);
    snprintf(wanted, sizeof wanted, "%s/weir", directory);
    ck_assert_int_eq(mkdir(wanted, 0700), 0);
    ck_assert_int_eq(chmod(wanted, 0755), 0);
    (void)wr_region_directory(found, sizeof found, false);
    ck_assert_str_ne(found, wanted);
    rmdir(wanted);
}
END_TEST

START_TEST(a_link_to_a_directory_is_not_taken)
{
    char found[200] = "", wanted[200];

    setenv("XDG_RUNTIME_DIR", directory, 1);
    snprintf(wanted, sizeof wanted, "%s/weir", directory);
    ck_assert_int_eq(symlink(directory, wanted), 0);
    (void)wr_region_directory(found, sizeof found, true);
    ck_assert_str_ne(found, wanted);
    unlink(wanted);
}
END_TEST

START_TEST(a_directory_of_somebody_else_is_not_taken)
{
    char found[200] = "", wanted[200];

    setenv("XDG_RUNTIME_DIR", directory, 1);
    snprintf(wanted, sizeof wanted, "%s/weir", directory);
    ck_assert_int_eq(mkdir(wanted, 0700), 0);
    if (chown(wanted, 12345, (gid_t)-1) == 0) { /* only root may */
        (void)wr_region_directory(found, sizeof found, true);
        ck_assert_str_ne(found, wanted);
    }
    rmdir(wanted);
}
END_TEST

START_TEST(without_a_runtime_directory_the_user_id_tells_places_apart)
{
    char found[200], wanted[200];

    unsetenv("XDG_RUNTIME_DIR");
    ck_assert_int_eq(wr_region_place(0, found, sizeof found), -1);
    setenv("XDG_RUNTIME_DIR", "not/absolute", 1);
    ck_assert_int_eq(wr_region_place(0, found, sizeof found), -1);
    ck_assert_int_eq(wr_region_place(1, found, sizeof found), 0);
    snprintf(wanted, sizeof wanted, "/dev/shm/weir-%u", (unsigned)geteuid());
    ck_assert_str_eq(found, wanted);
    ck_assert_int_eq(wr_region_place(2, found, sizeof found), 0);
    snprintf(wanted, sizeof wanted, "/tmp/weir-%u", (unsigned)geteuid());
    ck_assert_str_eq(found, wanted);
    ck_assert_int_eq(wr_region_place(WR_REGION_PLACES, found, 200), -1);
    ck_assert_int_eq(wr_region_place(1, found, 8), -1);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("region/read");
    TCase *t = tcase_create("read");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_whole_file_opens_and_shows_its_entries);
    tcase_add_test(t, a_file_longer_than_its_region_opens);
    tcase_add_test(t, a_file_cut_anywhere_is_refused_with_a_sentence);
    tcase_add_test(t, what_is_no_region_file_is_refused_without_waiting);
    tcase_add_test(t, a_reason_is_cut_to_the_room_there_is);
    tcase_add_test(t, points_of_an_older_writer_lack_what_is_new);
    tcase_add_loop_test(t, each_fault_of_the_header_is_refused, 0,
                        (int)(sizeof faults / sizeof faults[0]));
    tcase_add_test(t, texts_of_the_header_that_do_not_end_are_refused);
    tcase_add_test(t, entries_that_a_later_version_made_longer_are_found);
    tcase_add_test(t, a_table_that_is_absent_has_no_entries);
    tcase_add_test(t, closing_twice_and_closing_what_never_opened_is_fine);
    tcase_add_test(
        t, entries_appear_when_the_count_rises_and_never_beyond_capacity);
    tcase_add_test(
        t, what_the_file_says_of_its_tables_after_opening_does_not_matter);
    tcase_add_test(t, a_damaged_module_is_not_shown);
    tcase_add_test(t, a_stack_that_is_not_whole_in_the_pool_is_not_shown);
    tcase_add_test(t,
                   an_address_belongs_to_what_was_loaded_when_it_was_recorded);
    tcase_add_test(t, a_bucket_never_has_more_freed_than_allocated);
    tcase_add_test(t, the_weight_of_a_sample_is_one_over_its_chance);
    tcase_add_test(t, where_every_block_is_recorded_a_sample_weighs_one);
    tcase_add_test(t, totals_are_the_sums_of_slots_and_large_blocks);
    tcase_add_test(t, blocks_that_share_another_are_made_and_freed_in_totals);
    tcase_add_test(t,
                   totals_do_not_fall_when_frees_are_published_before_mallocs);
    tcase_add_test(t, totals_leave_out_classes_that_do_not_exist);
    tcase_add_test(t, a_captured_stack_is_copied_only_when_whole);
    tcase_add_test(t, a_running_writer_is_alive_until_it_is_killed);
    tcase_add_test(t, a_writer_that_went_on_as_another_program_is_not_alive);
    tcase_add_test(t, a_writer_whose_main_thread_ended_alone_is_alive);
    tcase_add_test(t, a_process_younger_than_the_region_is_another_one);
    tcase_add_test(t,
                   the_directory_is_made_private_below_the_runtime_directory);
    tcase_add_test(t, a_directory_that_others_may_enter_is_not_taken);
    tcase_add_test(t, a_link_to_a_directory_is_not_taken);
    tcase_add_test(t, a_directory_of_somebody_else_is_not_taken);
    tcase_add_test(t, closing_gives_the_mapping_back);
    tcase_add_test(t,
                   without_a_runtime_directory_the_user_id_tells_places_apart);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
