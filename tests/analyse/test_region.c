/* Profiles, numbers and text from a region. */
#include <math.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <weir/memstats.h>
#include "analyse/maker.h"
#include "region/fake.h"
#include "region/read.h"

static struct fake fake;
static struct wr_region_view view;
static struct wr_profile *p;
static char *text;
static char why[WR_WHY];

static void
setup(void)
{
    fake_init(&fake);
    p = NULL;
    text = NULL;
    ck_assert_int_eq(wr_view_over(&view, &fake, sizeof fake, why, sizeof why),
                     0);
}

static void
teardown(void)
{
    wr_profile_free(p);
    free(text);
    wr_region_close(&view);
}

static void
build(enum wr_profile_kind kind, enum wr_profile_values values)
{
    wr_profile_free(p);
    ck_assert_msg(
        wr_profile_from_region(&p, &view, kind, values, why, sizeof why) == 0,
        "%s", why);
    ck_assert(wr_profile_check(p));
}

static const struct wr_location *
location(uint32_t sample, uint32_t frame)
{
    ck_assert_uint_lt(frame, p->samples[sample].depth);
    return &p->locations[p->frames[p->samples[sample].first_frame + frame]];
}

static const char *
file_of(uint32_t sample, uint32_t frame)
{
    uint32_t m = location(sample, frame)->mapping;
    return m == WR_NONE ? "" : maker_string(p, p->mappings[m].file);
}

static bool
has_comment(const char *comment)
{
    for (uint32_t i = 0; i < p->comment_count; i++)
        if (strncmp(p->strings[p->comments[i]], comment, strlen(comment)) == 0)
            return true;
    return false;
}

/* --- Heap --------------------------------------------------------------- */

START_TEST(the_types_are_gos)
{
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert_uint_eq(p->type_count, 4);
    ck_assert_uint_eq(wr_profile_find_type(p, "alloc_objects"), 0);
    ck_assert_uint_eq(wr_profile_find_type(p, "alloc_space"), 1);
    ck_assert_uint_eq(wr_profile_find_type(p, "inuse_objects"), 2);
    ck_assert_uint_eq(wr_profile_find_type(p, "inuse_space"), 3);
    ck_assert_str_eq(maker_string(p, p->types[0].unit), "count");
    ck_assert_str_eq(maker_string(p, p->types[3].unit), "bytes");
    ck_assert_str_eq(maker_string(p, p->period_type.type), "space");
    ck_assert_int_eq(p->period, FAKE_RATE);
    ck_assert_uint_eq(p->default_type, 0);
}
END_TEST

START_TEST(allocs_are_the_same_with_another_first_type)
{
    build(WR_PROFILE_ALLOCS, WR_VALUES_ESTIMATED);
    ck_assert_uint_eq(wr_profile_default_type(p), 1);
    int64_t total = wr_profile_total(p, 3);
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert_int_eq(wr_profile_total(p, 3), total);
}
END_TEST

START_TEST(values_are_estimates_by_the_size_of_a_block)
{
    double scale = 1 / (1 - exp(-48.0 / FAKE_RATE));
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert_int_eq(maker_value(p, 1, 0), llround(10 * scale));
    ck_assert_int_eq(maker_value(p, 1, 1), llround(480 * scale));
    ck_assert_int_eq(maker_value(p, 1, 2), llround(6 * scale));
    ck_assert_int_eq(maker_value(p, 1, 3), llround(288 * scale));
}
END_TEST

START_TEST(each_bucket_is_scaled_by_its_own_rate)
{
    fake.bucket[1].rate = 1;
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert_int_eq(maker_value(p, 1, 0), 10);
    ck_assert_int_eq(maker_value(p, 1, 3), 288);
}
END_TEST

START_TEST(the_mean_size_stands_for_blocks_of_all_sizes)
{
    double scale = 1 / (1 - exp(-100.0 / FAKE_RATE));
    fake.bucket[0].allocs = 4;
    fake.bucket[0].alloc_bytes = 400;
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert_int_eq(maker_value(p, 0, 0), llround(4 * scale));
    ck_assert_int_eq(maker_value(p, 0, 1), llround(400 * scale));
}
END_TEST

START_TEST(raw_values_are_what_was_sampled)
{
    build(WR_PROFILE_HEAP, WR_VALUES_RAW);
    ck_assert_int_eq(maker_value(p, 1, 0), 10);
    ck_assert_int_eq(maker_value(p, 1, 1), 480);
    ck_assert_int_eq(maker_value(p, 1, 3), 288);
}
END_TEST

START_TEST(in_use_is_never_negative)
{
    fake.bucket[1].frees = 11;
    fake.bucket[1].free_bytes = 11 * 48;
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert_int_eq(maker_value(p, 1, 2), 0);
    ck_assert_int_eq(maker_value(p, 1, 3), 0);
}
END_TEST

START_TEST(the_block_size_is_a_label)
{
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert_uint_eq(p->samples[1].label_count, 1);
    const struct wr_label *l = p->labels + p->samples[1].first_label;
    ck_assert_str_eq(maker_string(p, l->key), "bytes");
    ck_assert_str_eq(maker_string(p, l->unit), "bytes");
    ck_assert_int_eq(l->num, 48);
}
END_TEST

START_TEST(sizes_of_one_stack_stay_apart)
{
    fake.bucket[2].stack = FAKE_STACK_A;
    build(WR_PROFILE_HEAP, WR_VALUES_RAW);
    ck_assert_uint_eq(p->sample_count, 3);
    ck_assert_int_eq(maker_value(p, 1, 0), 10);
    ck_assert_int_eq(maker_value(p, 2, 0), 3);
}
END_TEST

START_TEST(addresses_are_inside_the_call)
{
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert_uint_eq(location(1, 0)->address, FAKE_PLUGIN + 0x20);
    ck_assert_uint_eq(location(1, 2)->address, FAKE_MAIN + 0x40);
}
END_TEST

START_TEST(the_main_program_is_mapping_zero)
{
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert_str_eq(maker_string(p, p->mappings[0].file), "/usr/bin/fake");
    ck_assert_uint_eq(p->mappings[0].start, FAKE_MAIN);
    ck_assert_uint_eq(p->mappings[0].limit, FAKE_MAIN + 0x10000);
    ck_assert_uint_eq(p->mappings[0].offset, 0x1000);
    ck_assert_uint_eq(strlen(maker_string(p, p->mappings[0].build_id)), 40);
    ck_assert_int_eq(
        strncmp(maker_string(p, p->mappings[0].build_id), "a0a0", 4), 0);
}
END_TEST

/* Two plugins were loaded at the same addresses one after the other. */
START_TEST(a_stack_belongs_to_the_module_of_its_time)
{
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert_str_eq(file_of(1, 0), "/usr/lib/first.so");
    ck_assert_str_eq(file_of(2, 0), "/usr/lib/second.so");
    ck_assert_uint_eq(location(1, 0)->address, location(2, 0)->address);
    ck_assert_ptr_ne(location(1, 0), location(2, 0));
}
END_TEST

START_TEST(deleted_files_lose_the_kernels_remark)
{
    strcpy(fake.module[1].path, "/usr/bin/fake (deleted)");
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert_str_eq(maker_string(p, p->mappings[0].file), "/usr/bin/fake");
}
END_TEST

START_TEST(addresses_of_no_module_have_no_mapping)
{
    fake_stack(&fake, FAKE_STACK_B)->pc[0] = 0x1234;
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert_uint_eq(location(2, 0)->mapping, WR_NONE);
    ck_assert_uint_eq(location(2, 0)->address, 0x1233);
}
END_TEST

START_TEST(zeros_in_a_stack_are_no_frames)
{
    fake_stack(&fake, FAKE_STACK_A)->pc[2] = 0;
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert_uint_eq(p->samples[1].depth, 2);
}
END_TEST

START_TEST(what_found_no_room_is_called_other)
{
    build(WR_PROFILE_HEAP, WR_VALUES_RAW);
    ck_assert_uint_eq(p->samples[0].depth, 1);
    ck_assert_str_eq(maker_frame(p, 0, 0), "[other]");
    ck_assert_uint_eq(location(0, 0)->address, 0);
}
END_TEST

START_TEST(a_stack_number_that_is_none_is_other_too)
{
    fake.bucket[1].stack = 400;
    build(WR_PROFILE_HEAP, WR_VALUES_RAW);
    ck_assert_str_eq(maker_frame(p, 1, 0), "[other]");
}
END_TEST

START_TEST(buckets_without_allocations_are_left_out)
{
    fake_bucket(&fake.bucket[2], FAKE_STACK_B, 8192, 0, 0);
    build(WR_PROFILE_HEAP, WR_VALUES_RAW);
    ck_assert_uint_eq(p->sample_count, 2);
}
END_TEST

START_TEST(comments_say_what_it_is_a_profile_of)
{
    char pid[32];
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    snprintf(pid, sizeof pid, "pid: %d", (int)getpid());
    ck_assert(has_comment("program: /usr/bin/fake"));
    ck_assert(has_comment(pid));
    ck_assert(has_comment("weir: 0.1.0"));
    ck_assert(has_comment("sample rate: 4096 bytes"));
    ck_assert(has_comment("host: "));
    ck_assert_int_gt(p->time_ns, INT64_C(1600000000) * 1000000000);
}
END_TEST

START_TEST(an_ended_program_has_the_time_of_its_end)
{
    fake.header.state = WR_REGION_EXITED;
    fake.header.start_ns = 1000000000;
    fake.header.end_ns = 3500000000;
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert_int_eq(p->time_ns, 3500000000);
    ck_assert(has_comment("uptime: 2.5 s"));
    ck_assert(has_comment("state: exited"));
}
END_TEST

START_TEST(a_killed_program_is_said_to_be)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    fake.header.pid = (uint32_t)child;
    build(WR_PROFILE_HEAP, WR_VALUES_ESTIMATED);
    ck_assert(has_comment("state: killed"));
}
END_TEST

/* --- The past ----------------------------------------------------------- */

/* The same region with a past: bucket 1 was as it is now since tick 6 (a
 * minute); from tick 3 on it had 4 allocations and a free less. */
static struct {
    struct fake f;
    alignas(FAKE_PAGE) struct wr_past past;
} old;

static void
set_logged(uint64_t bucket)
{
    struct wr_past_pair *l = old.past.log[WR_PAST_FINE].logged;
    l[bucket + 1].allocs = old.f.bucket[bucket].allocs;
    l[bucket + 1].frees = old.f.bucket[bucket].frees;
}

static void
make_old(void)
{
    fake_init(&old.f);
    old.f.header.region_bytes = sizeof old;
    fake_table(&old.f, WR_TABLE_PAST, sizeof old.f, sizeof old.past, 1, 1);
    for (uint64_t i = 0; i < FAKE_BUCKETS; i++)
        set_logged(i);
    old.past.log[WR_PAST_FINE].logged[0].allocs = old.f.bucket[0].alloc_bytes;
    old.past.log[WR_PAST_FINE].logged[0].frees = old.f.bucket[0].free_bytes;
    old.past.begun = 1;
    old.past.log[WR_PAST_FINE].base = 3;
    old.past.log[WR_PAST_COARSE].base = 1;
    old.past.log[WR_PAST_FINE].written = 1;
    old.past.fine[0] = (struct wr_past_entry){2, 6, 4, 1};
    ck_assert_int_eq(wr_view_over(&view, &old, sizeof old, why, sizeof why), 0);
}

static int
build_at(enum wr_profile_kind kind, uint64_t seconds)
{
    wr_profile_free(p);
    p = NULL;
    return wr_profile_from_region_at(&p, &view, kind, WR_VALUES_RAW,
                                     seconds * 1000000000, why, sizeof why);
}

START_TEST(an_earlier_moment_has_the_values_it_had)
{
    make_old();
    build(WR_PROFILE_HEAP, WR_VALUES_RAW);
    int64_t allocs = maker_value(p, 1, 0), bytes = maker_value(p, 1, 1);
    int64_t inuse = maker_value(p, 1, 2), other = maker_value(p, 0, 1);
    ck_assert_int_eq(build_at(WR_PROFILE_HEAP, 59), 0);
    ck_assert_int_eq(maker_value(p, 1, 0), allocs - 4);
    ck_assert_int_eq(maker_value(p, 1, 1), bytes - 4 * 48);
    ck_assert_int_eq(maker_value(p, 1, 2), inuse - 3);
    ck_assert_int_eq(maker_value(p, 0, 1), other);
    ck_assert_int_eq(build_at(WR_PROFILE_ALLOCS, 60), 0);
    ck_assert_int_eq(maker_value(p, 1, 0), allocs);
}
END_TEST

START_TEST(a_profile_of_the_past_says_of_when_it_is)
{
    make_old();
    old.f.header.start_ns = 5000000000;
    ck_assert_int_eq(build_at(WR_PROFILE_HEAP, 47), 0);
    ck_assert_int_eq(p->time_ns, 45000000000);
    ck_assert(has_comment("as it was at uptime: 40 s"));
}
END_TEST

START_TEST(a_moment_that_is_not_known_is_refused_with_a_sentence)
{
    make_old();
    ck_assert_int_eq(build_at(WR_PROFILE_HEAP, 20), -1);
    ck_assert_ptr_nonnull(strstr(why, "begins 30 s after its start"));
    ck_assert_int_eq(build_at(WR_PROFILE_GOROUTINE, 60), -1);
    ck_assert_ptr_nonnull(strstr(why, "only heap and allocs"));
    old.past.begun = 0;
    ck_assert_int_eq(build_at(WR_PROFILE_HEAP, 60), -1);
    ck_assert_ptr_nonnull(strstr(why, "has no history yet"));
}
END_TEST

START_TEST(a_damaged_past_is_read_without_harm)
{
    make_old();
    old.past.fine[0].series = UINT32_MAX;
    old.past.log[WR_PAST_FINE].seq = 7;
    old.past.log[WR_PAST_FINE].undo.at = 1;
    old.past.log[WR_PAST_FINE].undo.series = UINT64_MAX;
    ck_assert_int_eq(build_at(WR_PROFILE_HEAP, 59), 0);
    old.past.fine[0] = (struct wr_past_entry){2, 6, UINT32_MAX, UINT32_MAX};
    ck_assert_int_eq(build_at(WR_PROFILE_HEAP, 59), 0);
    old.past.log[WR_PAST_FINE].written = UINT64_MAX;
    (void)build_at(WR_PROFILE_HEAP, 59);
}
END_TEST

/* --- Threads ------------------------------------------------------------ */

static void
capture(struct wr_thread_slot *t, uint64_t pc)
{
    t->capture_seq = 2;
    t->capture_frames = 2;
    t->capture_pc[0] = pc;
    t->capture_pc[1] = FAKE_MAIN + 0x41;
}

START_TEST(threads_have_their_captured_stacks)
{
    capture(&fake.thread[0], FAKE_MAIN + 0x11);
    capture(&fake.thread[1], FAKE_PLUGIN + 0x21);
    build(WR_PROFILE_GOROUTINE, WR_VALUES_ESTIMATED);
    ck_assert_str_eq(maker_string(p, p->types[0].type), "goroutine");
    ck_assert_int_eq(p->period, 1);
    ck_assert_uint_eq(p->sample_count, 2);
    ck_assert_uint_eq(location(0, 0)->address, FAKE_MAIN + 0x10);
    ck_assert_str_eq(file_of(1, 0), "/usr/lib/first.so");
    const struct wr_label *l = p->labels + p->samples[1].first_label;
    ck_assert_str_eq(maker_string(p, l->key), "tid");
    ck_assert_int_eq(l->num, 101);
}
END_TEST

START_TEST(a_live_thread_has_its_name)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    fake.header.start_mono_ns =
        (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    fake.thread[0].tid = (uint32_t)getpid();
    build(WR_PROFILE_GOROUTINE, WR_VALUES_ESTIMATED);
    ck_assert_uint_eq(p->samples[0].label_count, 2);
    const struct wr_label *l = p->labels + p->samples[0].first_label;
    ck_assert_str_eq(maker_string(p, l[1].key), "thread");
    ck_assert_str_eq(maker_string(p, l[1].str), "test_analyse_re");
}
END_TEST

START_TEST(a_thread_without_a_stack_is_still_counted)
{
    capture(&fake.thread[0], FAKE_MAIN + 0x11);
    fake.thread[0].capture_seq = 3; /* being written, for ever */
    build(WR_PROFILE_GOROUTINE, WR_VALUES_ESTIMATED);
    ck_assert_int_eq(wr_profile_total(p, 0), 2);
    ck_assert_str_eq(maker_frame(p, 0, 0), "[stack not captured]");
    ck_assert_str_eq(maker_frame(p, 1, 0), "[stack not captured]");
}
END_TEST

START_TEST(ended_threads_are_not_counted)
{
    fake.thread[1].state = WR_THREAD_ENDED;
    build(WR_PROFILE_GOROUTINE, WR_VALUES_ESTIMATED);
    ck_assert_int_eq(wr_profile_total(p, 0), 1);
    build(WR_PROFILE_THREADCREATE, WR_VALUES_ESTIMATED);
    ck_assert_int_eq(wr_profile_total(p, 0), 1);
}
END_TEST

START_TEST(a_capture_with_a_damaged_frame_count_is_none)
{
    capture(&fake.thread[0], FAKE_MAIN + 0x11);
    fake.thread[0].capture_frames = 1000000;
    build(WR_PROFILE_GOROUTINE, WR_VALUES_ESTIMATED);
    ck_assert_uint_eq(p->samples[0].depth, 1);
    ck_assert_str_eq(maker_frame(p, 0, 0), "[stack not captured]");
}
END_TEST

START_TEST(threads_are_counted_by_where_they_were_made)
{
    build(WR_PROFILE_THREADCREATE, WR_VALUES_ESTIMATED);
    ck_assert_str_eq(maker_string(p, p->types[0].type), "threadcreate");
    ck_assert_uint_eq(p->sample_count, 2);
    ck_assert_str_eq(maker_frame(p, 0, 0), "[origin not known]");
    ck_assert_uint_eq(p->samples[1].depth, 3);
}
END_TEST

START_TEST(kinds_have_names)
{
    ck_assert_str_eq(wr_profile_kind_name(WR_PROFILE_GOROUTINE), "goroutine");
    ck_assert_int_eq(wr_profile_kind_of("allocs"), WR_PROFILE_ALLOCS);
    ck_assert_int_eq(wr_profile_kind_of("mutex"), WR_PROFILE_KINDS);
    ck_assert_str_eq(wr_profile_kind_name(WR_PROFILE_KINDS), "");
}
END_TEST

/* --- Numbers ------------------------------------------------------------ */

START_TEST(memstats_are_sums_of_the_region)
{
    struct weir_memstats m;
    fake.header.counters.heap_inuse = 400000;
    fake.header.counters.heap_idle = 100000;
    fake.header.counters.profile_sys = 7000;
    fake.thread[0].state = WR_THREAD_RUNNING;
    fake.thread[0].stack_lo = 4096;
    fake.thread[0].stack_hi = 4096 + 64000;
    wr_memstats_from_view(&m, &view);
    ck_assert_uint_eq(m.stack_sys, 64000);
    ck_assert_uint_eq(m.mallocs, 2 * 55 + 2);
    ck_assert_uint_eq(m.frees, 2 * 20 + 1);
    ck_assert_uint_eq(m.total_alloc, 100 * 16 + 10 * 48 + 200000);
    ck_assert_uint_eq(m.heap_alloc, 60 * 16 + 10 * 48 + 100000);
    ck_assert_uint_eq(m.alloc, m.heap_alloc);
    ck_assert_uint_eq(m.heap_objects, m.mallocs - m.frees);
    ck_assert_uint_eq(m.heap_sys, 500000);
    ck_assert_uint_eq(m.sys, 507000 + 64000);
    ck_assert_uint_eq(m.size_classes, 3);
    ck_assert_uint_eq(m.by_size[2].size, 48);
    ck_assert_uint_eq(m.by_size[2].mallocs, 10);
}
END_TEST

START_TEST(memstats_never_fall_below_zero)
{
    struct weir_memstats m;
    fake.header.counters.large_free_bytes = 1u << 30;
    fake.thread[0].count[1].frees = 1000;
    wr_memstats_from_view(&m, &view);
    ck_assert_uint_lt(m.heap_alloc, 1u << 31);
    ck_assert_uint_lt(m.heap_objects, 1u << 31);
}
END_TEST

/* --- Text --------------------------------------------------------------- */

static void
print(const struct weir_memstats *m)
{
    size_t n;
    FILE *f = open_memstream(&text, &n);
    ck_assert_int_eq(wr_profile_text(p, f, m), 0);
    fclose(f);
}

static void
assert_line(const char *line)
{
    ck_assert_msg(strstr(text, line) != NULL, "no \"%s\" in:\n%s", line, text);
}

START_TEST(the_text_has_raw_numbers_and_return_addresses)
{
    build(WR_PROFILE_HEAP, WR_VALUES_RAW);
    print(NULL);
    assert_line("heap profile: 7: 288 [14: 25056] @ heap/8192\n");
    assert_line("\n6: 288 [10: 480] @ 0x700021 0x400031 0x400041\n");
    assert_line("\n#\t0x700020\n");
    assert_line("\nMAPPED_LIBRARIES:\n00400000-00410000 r-xp 00001000 00:00 0 "
                "/usr/bin/fake\n");
}
END_TEST

START_TEST(rows_stand_by_bytes_in_use)
{
    fake_bucket(&fake.bucket[2], FAKE_STACK_B, 8192, 3, 0);
    build(WR_PROFILE_HEAP, WR_VALUES_RAW);
    print(NULL);
    const char *large = strstr(text, "3: 24576 [3: 24576]");
    const char *small = strstr(text, "6: 288 [10: 480]");
    ck_assert_ptr_nonnull(large);
    ck_assert_ptr_nonnull(small);
    ck_assert(large < small);
}
END_TEST

START_TEST(names_stand_under_their_row)
{
    build(WR_PROFILE_HEAP, WR_VALUES_RAW);
    struct wr_line lines[2] = {{maker_function(p, "inner"), 12, 0x20},
                               {maker_function(p, "outer"), 34, 0x20}};
    wr_profile_set_lines(p, p->frames[p->samples[1].first_frame], lines, 2);
    print(NULL);
    assert_line("0x400041\n#\t0x700020\tinner+0x20\tprog.c:12\n"
                "#\t0x700020\touter+0x20\tprog.c:34\n#\t0x400030\n");
}
END_TEST

/* pprof takes a heading with equal numbers for a profile without allocs. */
START_TEST(the_heading_never_shows_equal_bytes)
{
    fake.bucket[0] = fake.bucket[2] = (struct wr_bucket){0};
    fake_bucket(&fake.bucket[1], FAKE_STACK_A, 48, 10, 0);
    build(WR_PROFILE_HEAP, WR_VALUES_RAW);
    print(NULL);
    assert_line("heap profile: 10: 480 [10: 481] @ heap/8192\n");
}
END_TEST

START_TEST(memstats_stand_behind_the_rows)
{
    struct weir_memstats m = {.alloc = 11, .mspan_inuse = 22, .mspan_sys = 33};
    build(WR_PROFILE_HEAP, WR_VALUES_RAW);
    print(&m);
    assert_line("\n# runtime.MemStats\n# Alloc = 11\n");
    assert_line("\n# MSpan = 22 / 33\n");
    assert_line("\n# PauseNs = [0 0 ");
    assert_line("\n# DebugGC = false\n");
}
END_TEST

START_TEST(the_text_read_back_is_the_estimated_profile)
{
    struct wr_profile *estimated;
    fake.bucket[0] = (struct wr_bucket){0}; /* has no size to scale by */
    build(WR_PROFILE_HEAP, WR_VALUES_RAW);
    print(NULL);
    ck_assert_int_eq(wr_profile_from_region(&estimated, &view, WR_PROFILE_HEAP,
                                            WR_VALUES_ESTIMATED, why,
                                            sizeof why),
                     0);
    wr_profile_free(p);
    ck_assert_msg(wr_profile_decode(&p, text, strlen(text), why, sizeof why) ==
                      0,
                  "%s", why);
    ck_assert_int_eq(p->period, estimated->period);
    ck_assert_uint_eq(p->sample_count, estimated->sample_count);
    for (uint32_t t = 0; t < 4; t++)
        ck_assert_int_eq(wr_profile_total(p, t),
                         wr_profile_total(estimated, t));
    wr_profile_free(estimated);
}
END_TEST

START_TEST(pseudo_frames_come_back_from_the_text)
{
    build(WR_PROFILE_HEAP, WR_VALUES_RAW);
    print(NULL);
    wr_profile_free(p);
    ck_assert_int_eq(wr_profile_decode(&p, text, strlen(text), why, sizeof why),
                     0);
    uint32_t found = 0;
    for (uint32_t i = 0; i < p->sample_count; i++)
        found += strcmp(maker_frame(p, i, 0), "[other]") == 0;
    ck_assert_uint_eq(found, 1);
}
END_TEST

START_TEST(thread_text_has_labels)
{
    capture(&fake.thread[0], FAKE_MAIN + 0x11);
    build(WR_PROFILE_GOROUTINE, WR_VALUES_RAW);
    print(NULL);
    assert_line("goroutine profile: total 2\n");
    assert_line("\n1 @ 0x400011 0x400041\n# labels: {\"tid\":\"100\"}\n");
    assert_line("\n1 @ 0x1\n");
}
END_TEST

START_TEST(stacks_are_printed_one_thread_after_the_other)
{
    size_t n;
    capture(&fake.thread[0], FAKE_MAIN + 0x11);
    build(WR_PROFILE_GOROUTINE, WR_VALUES_RAW);
    struct wr_line line = {maker_function(p, "work"), 12, 0x10};
    wr_profile_set_lines(p, p->frames[p->samples[0].first_frame], &line, 1);
    FILE *f = open_memstream(&text, &n);
    ck_assert_int_eq(wr_profile_text_stacks(p, f), 0);
    fclose(f);
    assert_line("goroutine 100 [thread]:\nwork(...)\n\tprog.c:12 +0x10\n"
                "0x400040\n\t?:0\n\ngoroutine 101 [thread]:\n");
}
END_TEST

START_TEST(a_profile_of_another_kind_has_no_text)
{
    size_t n;
    p = wr_profile_new();
    wr_profile_add_type(p, "samples", "count");
    wr_profile_add_type(p, "cpu", "nanoseconds");
    FILE *f = open_memstream(&text, &n);
    ck_assert_int_eq(wr_profile_text(p, f, NULL), -1);
    fclose(f);
}
END_TEST

static void
add_heap(TCase *tests)
{
    tcase_add_test(tests, an_earlier_moment_has_the_values_it_had);
    tcase_add_test(tests, a_profile_of_the_past_says_of_when_it_is);
    tcase_add_test(tests,
                   a_moment_that_is_not_known_is_refused_with_a_sentence);
    tcase_add_test(tests, a_damaged_past_is_read_without_harm);
    tcase_add_test(tests, the_types_are_gos);
    tcase_add_test(tests, allocs_are_the_same_with_another_first_type);
    tcase_add_test(tests, values_are_estimates_by_the_size_of_a_block);
    tcase_add_test(tests, each_bucket_is_scaled_by_its_own_rate);
    tcase_add_test(tests, the_mean_size_stands_for_blocks_of_all_sizes);
    tcase_add_test(tests, raw_values_are_what_was_sampled);
    tcase_add_test(tests, in_use_is_never_negative);
    tcase_add_test(tests, the_block_size_is_a_label);
    tcase_add_test(tests, sizes_of_one_stack_stay_apart);
    tcase_add_test(tests, addresses_are_inside_the_call);
    tcase_add_test(tests, the_main_program_is_mapping_zero);
    tcase_add_test(tests, a_stack_belongs_to_the_module_of_its_time);
    tcase_add_test(tests, deleted_files_lose_the_kernels_remark);
    tcase_add_test(tests, addresses_of_no_module_have_no_mapping);
    tcase_add_test(tests, zeros_in_a_stack_are_no_frames);
    tcase_add_test(tests, what_found_no_room_is_called_other);
    tcase_add_test(tests, a_stack_number_that_is_none_is_other_too);
    tcase_add_test(tests, buckets_without_allocations_are_left_out);
    tcase_add_test(tests, comments_say_what_it_is_a_profile_of);
    tcase_add_test(tests, an_ended_program_has_the_time_of_its_end);
    tcase_add_test(tests, a_killed_program_is_said_to_be);
}

static void
add_threads(TCase *tests)
{
    tcase_add_test(tests, threads_have_their_captured_stacks);
    tcase_add_test(tests, a_live_thread_has_its_name);
    tcase_add_test(tests, a_thread_without_a_stack_is_still_counted);
    tcase_add_test(tests, ended_threads_are_not_counted);
    tcase_add_test(tests, a_capture_with_a_damaged_frame_count_is_none);
    tcase_add_test(tests, threads_are_counted_by_where_they_were_made);
    tcase_add_test(tests, kinds_have_names);
    tcase_add_test(tests, memstats_are_sums_of_the_region);
    tcase_add_test(tests, memstats_never_fall_below_zero);
}

static void
add_text(TCase *tests)
{
    tcase_add_test(tests, the_text_has_raw_numbers_and_return_addresses);
    tcase_add_test(tests, rows_stand_by_bytes_in_use);
    tcase_add_test(tests, names_stand_under_their_row);
    tcase_add_test(tests, the_heading_never_shows_equal_bytes);
    tcase_add_test(tests, memstats_stand_behind_the_rows);
    tcase_add_test(tests, the_text_read_back_is_the_estimated_profile);
    tcase_add_test(tests, pseudo_frames_come_back_from_the_text);
    tcase_add_test(tests, thread_text_has_labels);
    tcase_add_test(tests, stacks_are_printed_one_thread_after_the_other);
    tcase_add_test(tests, a_profile_of_another_kind_has_no_text);
}

int
main(void)
{
    Suite *suite = suite_create("analyse/region");
    TCase *tests = tcase_create("region");
    tcase_add_checked_fixture(tests, setup, teardown);
    add_heap(tests);
    add_threads(tests);
    add_text(tests);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
