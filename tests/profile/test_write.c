/* Profiles a program writes of itself. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <weir/profile.h>

#include "os/os.h"
#include "profile/decode.h"
#include "profile/wire.h"
#include "region/fake.h"
#include "region/read.h"
#include "region/region.h"

static struct fake fake;
static struct decoded d;
static char path[64];
static int fd;
static unsigned char *bytes;

static void
setup(void)
{
    fake_init(&fake);
    wr_region = &fake.header;
    strcpy(path, "/tmp/weir-test-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
}

static void
teardown(void)
{
    decoded_free(&d);
    memset(&d, 0, sizeof d);
    free(bytes);
    bytes = NULL;
    close(fd);
    unlink(path);
}

/* Write the profile to the file and decode what is there. */
static void
write_and_decode(const char *name)
{
    struct stat st;

    ck_assert_int_eq(weir_profile_write(fd, name), WEIR_OK);
    ck_assert_int_eq(fstat(fd, &st), 0);
    bytes = malloc((size_t)st.st_size);
    ck_assert_int_eq(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
    decode(&d, bytes, (size_t)st.st_size);
    decoded_check(&d);
}

static const char *
text(uint64_t i)
{
    return decoded_text(&d, i);
}

/* What the message says. */

START_TEST(a_heap_profile_has_the_four_columns_of_go)
{
    static const char *const wanted[][2] = {{"alloc_objects", "count"},
                                            {"alloc_space", "bytes"},
                                            {"inuse_objects", "count"},
                                            {"inuse_space", "bytes"}};

    write_and_decode("heap");
    ck_assert_uint_eq(d.types, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(text(d.type[i].type), wanted[i][0]);
        ck_assert_str_eq(text(d.type[i].unit), wanted[i][1]);
    }
    ck_assert_str_eq(text(d.period_type.type), "space");
    ck_assert_str_eq(text(d.period_type.unit), "bytes");
    ck_assert_uint_eq(d.period, FAKE_RATE);
    ck_assert_str_eq(text(d.default_type), "");
    ck_assert_uint_gt(d.time, UINT64_C(1700000000) * 1000000000);
    ck_assert_ptr_nonnull(strstr(text(d.comment), "/usr/bin/fake"));
}
END_TEST

START_TEST(an_allocs_profile_differs_in_the_column_shown_first)
{
    write_and_decode("allocs");
    ck_assert_uint_eq(d.types, 4);
    ck_assert_uint_eq(d.samples, FAKE_BUCKETS);
    ck_assert_str_eq(text(d.default_type), "alloc_space");
}
END_TEST

static void
assert_estimate(uint64_t value, uint64_t raw, uint64_t size)
{
    double chance = -expm1(-(double)size / FAKE_RATE);

    ck_assert_double_le(fabs((double)value - (double)raw / chance), 0.51);
}

START_TEST(values_are_estimates_for_all_blocks)
{
    write_and_decode("heap");
    ck_assert_uint_eq(d.samples, 3);
    assert_estimate(d.sample[1].value[0], 10, 48);
    assert_estimate(d.sample[1].value[1], 480, 48);
    assert_estimate(d.sample[1].value[2], 6, 48);
    assert_estimate(d.sample[1].value[3], 288, 48);
    assert_estimate(d.sample[2].value[0], 3, 8192);
    assert_estimate(d.sample[2].value[1], 3 * 8192, 8192);
    ck_assert_uint_eq(d.sample[2].value[2], 0);
    ck_assert_uint_eq(d.sample[2].value[3], 0);
}
END_TEST

START_TEST(each_bucket_keeps_its_own_rate)
{
    fake.bucket[1].rate = 1;
    fake.header.sample_rate = 65536;
    write_and_decode("heap");
    ck_assert_uint_eq(d.sample[1].value[0], 10);
    ck_assert_uint_eq(d.sample[1].value[3], 288);
    assert_estimate(d.sample[2].value[0], 3, 8192);
    ck_assert_uint_eq(d.period, 65536);
}
END_TEST

START_TEST(what_found_no_room_is_estimated_by_its_mean_size)
{
    fake.bucket[1].size = 0;
    write_and_decode("heap");
    assert_estimate(d.sample[1].value[0], 10, 48);
    assert_estimate(d.sample[1].value[3], 288, 48);
}
END_TEST

START_TEST(a_label_tells_the_size_of_the_blocks)
{
    write_and_decode("heap");
    ck_assert_uint_eq(d.sample[0].key, 0);
    ck_assert_str_eq(text(d.sample[1].key), "bytes");
    ck_assert_uint_eq(d.sample[1].num, 48);
    ck_assert_str_eq(text(d.sample[1].unit), "bytes");
    ck_assert_uint_eq(d.sample[2].num, 8192);
}
END_TEST

START_TEST(locations_lie_in_the_call_and_stacks_are_leaf_first)
{
    static const uint64_t wanted[] = {FAKE_PLUGIN + 0x20, FAKE_MAIN + 0x30,
                                      FAKE_MAIN + 0x40};

    write_and_decode("heap");
    ck_assert_uint_eq(d.sample[1].depth, 3);
    for (size_t i = 0; i < 3; i++) {
        size_t l = decoded_location(&d, d.sample[1].location[i]);

        ck_assert_uint_eq(d.location[l].address, wanted[i]);
    }
}
END_TEST

START_TEST(one_address_of_two_plugins_is_two_locations)
{
    size_t a, b;

    write_and_decode("heap");
    a = decoded_location(&d, d.sample[1].location[0]);
    b = decoded_location(&d, d.sample[2].location[0]);
    ck_assert_uint_ne(a, b);
    ck_assert_uint_eq(d.location[a].address, d.location[b].address);
    a = decoded_mapping(&d, d.location[a].mapping);
    b = decoded_mapping(&d, d.location[b].mapping);
    ck_assert_str_eq(text(d.mapping[a].file), "/usr/lib/first.so");
    ck_assert_str_eq(text(d.mapping[b].file), "/usr/lib/second.so");
}
END_TEST

START_TEST(equal_frames_of_two_stacks_are_one_location)
{
    fake_stack(&fake, FAKE_STACK_B)->pc[0] = FAKE_MAIN + 0x41;
    write_and_decode("heap");
    ck_assert_uint_eq(d.sample[2].location[0], d.sample[1].location[2]);
    ck_assert_uint_eq(d.locations, 4);
}
END_TEST

START_TEST(a_frame_in_no_module_stays_an_address)
{
    size_t l;

    fake_stack(&fake, FAKE_STACK_B)->pc[0] = 0x1235;
    write_and_decode("heap");
    l = decoded_location(&d, d.sample[2].location[0]);
    ck_assert_uint_eq(d.location[l].mapping, 0);
    ck_assert_uint_eq(d.location[l].address, 0x1234);
}
END_TEST

START_TEST(a_frame_without_an_address_is_left_out)
{
    fake_stack(&fake, FAKE_STACK_A)->pc[1] = 0;
    write_and_decode("heap");
    ck_assert_uint_eq(d.sample[1].depth, 2);
}
END_TEST

START_TEST(the_program_is_the_first_mapping_and_all_have_build_ids)
{
    write_and_decode("heap");
    ck_assert_uint_eq(d.mappings, FAKE_MODULES);
    ck_assert_str_eq(text(d.mapping[0].file), "/usr/bin/fake");
    ck_assert_str_eq(text(d.mapping[0].build_id),
                     "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0");
    ck_assert_uint_eq(d.mapping[0].start, FAKE_MAIN);
    ck_assert_uint_eq(d.mapping[0].limit, FAKE_MAIN + 0x10000);
    ck_assert_uint_eq(d.mapping[0].offset, 0x1000);
    ck_assert_str_eq(text(d.mapping[2].build_id),
                     "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1");
}
END_TEST

START_TEST(what_has_no_stack_is_named_so)
{
    size_t l;

    fake.bucket[2].stack = 400; /* not there */
    write_and_decode("heap");
    ck_assert_uint_eq(d.sample[0].depth, 1);
    ck_assert_uint_eq(d.sample[0].location[0], d.sample[2].location[0]);
    l = decoded_location(&d, d.sample[0].location[0]);
    ck_assert_uint_eq(d.location[l].function, d.function[0].id);
    ck_assert_str_eq(text(d.function[0].name), "[other]");
}
END_TEST

START_TEST(a_bucket_that_was_never_used_is_left_out)
{
    fake.bucket[1].allocs = 0;
    write_and_decode("heap");
    ck_assert_uint_eq(d.samples, 2);
}
END_TEST

START_TEST(lost_samples_are_told_in_the_comment)
{
    fake.header.counters.samples_lost = 77;
    write_and_decode("heap");
    ck_assert_ptr_nonnull(strstr(text(d.comment), ": 77"));
}
END_TEST

START_TEST(threads_made_at_one_place_are_counted_together)
{
    fake.header.table[WR_TABLE_THREADS].used = 4;
    fake.thread[2].state = WR_THREAD_ENDED;
    fake.thread[2].create_stack = FAKE_STACK_A;
    write_and_decode("threadcreate");
    ck_assert_uint_eq(d.types, 1);
    ck_assert_str_eq(text(d.type[0].type), "threadcreate");
    ck_assert_str_eq(text(d.type[0].unit), "count");
    ck_assert_str_eq(text(d.period_type.type), "threadcreate");
    ck_assert_uint_eq(d.period, 1);
    ck_assert_uint_eq(d.samples, 2);
    ck_assert_uint_eq(d.sample[0].value[0], 1);
    ck_assert_uint_eq(d.sample[1].value[0], 2);
    ck_assert_uint_eq(d.sample[1].depth, 3);
    ck_assert_str_eq(text(d.function[0].name), "[origin not known]");
}
END_TEST

/* How it is written. */

#define MANY_STACKS 9000
#define MANY_DEPTH  20

/* A region of the real writer with very many places: the table of places
 * grows and the buffer is flushed often. */
static void
many_stacks(void)
{
    struct wr_region_options o = {.dir = "/nowhere/at/all", .sample_rate = 1};
    unsigned seed = 1;

    wr_region = NULL;
    wr_region_start(&o);
    for (unsigned i = 0; i < MANY_STACKS; i++) {
        uint32_t number;
        struct wr_stack *s;
        struct wr_bucket *b;

        wr_lock_take(&wr_region_lock);
        s = wr_region_new_stack(MANY_DEPTH, &number);
        s->frames = MANY_DEPTH;
        for (unsigned f = 0; f < MANY_DEPTH; f++)
            s->pc[f] = (uint64_t)rand_r(&seed) % 50000 + 2;
        wr_region_publish(WR_TABLE_STACKS, number + 2 + MANY_DEPTH);
        b = wr_region_new_bucket();
        fake_bucket(b, number, 16 + i % 7, 1 + i % 3, 0);
        b->rate = 1;
        wr_region_publish(WR_TABLE_BUCKETS, i + 1);
        wr_lock_give(&wr_region_lock);
    }
}

static void
assert_many_stacks(void)
{
    ck_assert_uint_eq(d.samples, MANY_STACKS);
    ck_assert_uint_gt(d.locations, 40000);
    ck_assert_uint_le(d.locations, 50001);
    for (size_t i = 0; i < MANY_STACKS; i++) {
        const struct wr_bucket *b = wr_region_entry(WR_TABLE_BUCKETS, i);
        const struct wr_stack *s = wr_region_entry(WR_TABLE_STACKS, b->stack);

        decode_require(d.sample[i].value[1] == b->allocs * b->size, "bytes");
        decode_require(d.sample[i].depth == MANY_DEPTH, "depth");
        for (size_t f = 0; f < MANY_DEPTH; f++)
            decode_require(d.location[d.sample[i].location[f] - 1].address ==
                               s->pc[f] - 1,
                           "an address");
    }
}

START_TEST(very_many_stacks_are_written_each_as_it_was)
{
    many_stacks();
    write_and_decode("heap");
    assert_many_stacks();
}
END_TEST

struct slow_reader {
    int end;
    size_t bytes;
};

static void *
read_slowly(void *arg)
{
    struct slow_reader *r = arg;
    char buffer[7777];
    ssize_t n;

    while ((n = read(r->end, buffer, sizeof buffer)) > 0) {
        r->bytes += (size_t)write(fd, buffer, (size_t)n);
        if (r->bytes < 400000)
            usleep(500);
    }
    return NULL;
}

static _Atomic unsigned interruptions;

static void
interrupt(int number)
{
    (void)number;
    interruptions++;
}

/* Let signals break this thread's system calls off, for good, every 300 us. */
static void
interrupt_often(void)
{
    struct sigaction action = {.sa_handler = interrupt};
    struct itimerval every = {{0, 300}, {0, 300}};

    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &every, NULL), 0);
}

static void
start_slow_reader(pthread_t *t, struct slow_reader *r)
{
    sigset_t alarm_only, old;

    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm_only, &old);
    ck_assert_int_eq(pthread_create(t, NULL, read_slowly, r), 0);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

START_TEST(a_slow_pipe_and_signals_do_not_lose_a_byte)
{
    struct itimerval never = {{0, 0}, {0, 0}};
    struct slow_reader r = {0};
    pthread_t t;
    int ends[2];

    many_stacks();
    ck_assert_int_eq(pipe(ends), 0);
    r.end = ends[0];
    start_slow_reader(&t, &r);
    interrupt_often();
    ck_assert_int_eq(weir_profile_write(ends[1], "heap"), WEIR_OK);
    setitimer(ITIMER_REAL, &never, NULL);
    ck_assert_uint_gt(interruptions, 0);
    close(ends[1]);
    pthread_join(t, NULL);
    close(ends[0]);
    bytes = malloc(r.bytes);
    ck_assert_int_eq(pread(fd, bytes, r.bytes, 0), (ssize_t)r.bytes);
    decode(&d, bytes, r.bytes);
    decoded_check(&d);
    assert_many_stacks();
}
END_TEST

/* Pages of address space this process has. */
static unsigned long
pages_mapped(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%lu", &pages), 1);
    fclose(f);
    return pages;
}

START_TEST(writing_often_leaves_no_memory_behind)
{
    int full = open("/dev/full", O_WRONLY);
    unsigned long before;

    ck_assert_int_eq(weir_profile_write(fd, "heap"), WEIR_OK);
    before = pages_mapped();
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(weir_profile_write(fd, "heap"), WEIR_OK);
        ck_assert_int_eq(weir_profile_write(full, "heap"), WEIR_EIO);
    }
    close(full);
    ck_assert_uint_lt(pages_mapped(), before + 200);
}
END_TEST

START_TEST(go_tool_pprof_reads_it)
{
    char command[200], line[400];
    bool sample = false, mapping = false;
    FILE *out;

    if (system("command -v go >/dev/null 2>&1") != 0)
        return;
    ck_assert_int_eq(weir_profile_write(fd, "heap"), WEIR_OK);
    snprintf(command, sizeof command,
             "go tool pprof -raw -symbolize=none %s 2>/dev/null", path);
    out = popen(command, "r");
    ck_assert_ptr_nonnull(out);
    while (fgets(line, sizeof line, out) != NULL) {
        if (strstr(line, "bytes:[48 bytes]") != NULL)
            sample = true;
        if (strstr(line, "0x400000/0x410000/0x1000 /usr/bin/fake a0a0"))
            mapping = true;
    }
    ck_assert_int_eq(pclose(out), 0);
    ck_assert_msg(sample && mapping, "pprof reads something else");
}
END_TEST

START_TEST(what_cannot_be_written_is_an_error)
{
    ck_assert_int_eq(weir_profile_write(fd, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_profile_write(fd, "goroutine"), WEIR_ENOENT);
    ck_assert_int_eq(weir_profile_write(fd, ""), WEIR_ENOENT);
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
    errno = 0;
    ck_assert_int_eq(weir_profile_write(-1, "heap"), WEIR_EIO);
    ck_assert_int_eq(errno, EBADF);
    wr_region = NULL;
    ck_assert_int_eq(weir_profile_write(fd, "heap"), WEIR_ENOTSUP);
}
END_TEST

START_TEST(no_memory_for_it_is_an_error)
{
    wr_os_fail_after(1, false);
    ck_assert_int_eq(weir_profile_write(fd, "heap"), WEIR_ENOMEM);
    wr_os_fail_after(2, false);
    ck_assert_int_eq(weir_profile_write(fd, "heap"), WEIR_ENOMEM);
    wr_os_fail_after(0, false);
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    write_and_decode("heap");
    ck_assert_uint_eq(d.samples, FAKE_BUCKETS);
}
END_TEST

/* The wire below it. */

START_TEST(numbers_and_nested_messages_have_their_lengths)
{
    static const unsigned char wanted[] = {
        0x08, 0x96, 0x01,                  /* 1: 150 */
        0x12, 0x06, 0x1a, 0x02, 1,   2,    /* 2: {3: [1, 2], 4: 5} */
        0x20, 0x05, 0x32, 0x02, 'h', 'i'}; /* 6: "hi" */
    static unsigned char buffer[2 * WR_WIRE_MESSAGE];
    unsigned char got[40];
    struct wr_wire w;

    wr_wire_init(&w, fd, buffer, sizeof buffer);
    wr_wire_field(&w, 1, 150);
    wr_wire_field(&w, 5, 0);
    wr_wire_open(&w, 2);
    wr_wire_open(&w, 3);
    wr_wire_number(&w, 1);
    wr_wire_number(&w, 2);
    wr_wire_close(&w);
    wr_wire_field(&w, 4, 5);
    wr_wire_close(&w);
    wr_wire_text(&w, 6, "hi", 2);
    ck_assert(wr_wire_end(&w));
    ck_assert_int_eq(pread(fd, got, sizeof got, 0), sizeof wanted);
    ck_assert_mem_eq(got, wanted, sizeof wanted);
}
END_TEST

START_TEST(a_body_longer_than_one_length_byte_is_moved_whole)
{
    static unsigned char buffer[2 * WR_WIRE_MESSAGE];
    unsigned char got[400];
    struct wr_wire w;

    wr_wire_init(&w, fd, buffer, sizeof buffer);
    wr_wire_open(&w, 2);
    for (unsigned i = 0; i < 300; i++)
        wr_wire_number(&w, i % 100);
    wr_wire_close(&w);
    ck_assert(wr_wire_end(&w));
    ck_assert_int_eq(pread(fd, got, sizeof got, 0), 303);
    ck_assert_uint_eq(got[1], 0x80 | (300 & 0x7f));
    ck_assert_uint_eq(got[2], 300 >> 7);
    for (unsigned i = 0; i < 300; i++)
        ck_assert_uint_eq(got[3 + i], i % 100);
}
END_TEST

START_TEST(a_message_too_long_for_the_buffer_fails_and_writes_nothing_of_it)
{
    static unsigned char buffer[2 * WR_WIRE_MESSAGE];
    struct wr_wire w;

    wr_wire_init(&w, fd, buffer, sizeof buffer);
    wr_wire_open(&w, 2);
    for (unsigned i = 0; i < sizeof buffer; i++)
        wr_wire_number(&w, 1);
    wr_wire_close(&w);
    ck_assert(!wr_wire_end(&w));
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("profile/write");
    TCase *t = tcase_create("write");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_heap_profile_has_the_four_columns_of_go);
    tcase_add_test(t, an_allocs_profile_differs_in_the_column_shown_first);
    tcase_add_test(t, values_are_estimates_for_all_blocks);
    tcase_add_test(t, each_bucket_keeps_its_own_rate);
    tcase_add_test(t, what_found_no_room_is_estimated_by_its_mean_size);
    tcase_add_test(t, a_label_tells_the_size_of_the_blocks);
    tcase_add_test(t, locations_lie_in_the_call_and_stacks_are_leaf_first);
    tcase_add_test(t, one_address_of_two_plugins_is_two_locations);
    tcase_add_test(t, equal_frames_of_two_stacks_are_one_location);
    tcase_add_test(t, a_frame_in_no_module_stays_an_address);
    tcase_add_test(t, a_frame_without_an_address_is_left_out);
    tcase_add_test(t, the_program_is_the_first_mapping_and_all_have_build_ids);
    tcase_add_test(t, what_has_no_stack_is_named_so);
    tcase_add_test(t, a_bucket_that_was_never_used_is_left_out);
    tcase_add_test(t, lost_samples_are_told_in_the_comment);
    tcase_add_test(t, threads_made_at_one_place_are_counted_together);
    tcase_add_test(t, very_many_stacks_are_written_each_as_it_was);
    tcase_add_test(t, a_slow_pipe_and_signals_do_not_lose_a_byte);
    tcase_add_test(t, writing_often_leaves_no_memory_behind);
    tcase_add_test(t, go_tool_pprof_reads_it);
    tcase_add_test(t, what_cannot_be_written_is_an_error);
    tcase_add_test(t, no_memory_for_it_is_an_error);
    tcase_add_test(t, numbers_and_nested_messages_have_their_lengths);
    tcase_add_test(t, a_body_longer_than_one_length_byte_is_moved_whole);
    tcase_add_test(
        t, a_message_too_long_for_the_buffer_fails_and_writes_nothing_of_it);
    tcase_set_timeout(t, 30);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
