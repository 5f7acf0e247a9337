/* Reading traces: what each event becomes, and what is refused. */
#include "unit.h"

#include <errno.h>
#include <sys/resource.h>

#include "record/trace.h"

#define HEAP  UINT64_C(0x555500000000) /* where the traces' blocks are */
#define MANY  100000
#define WHOLE (sizeof(struct wr_trace_header) + 32 * (size_t)MANY)

/* A trace that grows event by event. */
static unsigned char bytes[WHOLE];
static size_t used;
static uint64_t last;

static struct wr_trace trace;
static char why[200];

static struct wr_trace_header *
header(void)
{
    return (struct wr_trace_header *)bytes;
}

static void
begin(void)
{
    memset(bytes, 0, sizeof(struct wr_trace_header));
    *header() = (struct wr_trace_header){.magic = WR_TRACE_MAGIC,
                                         .version = WR_TRACE_VERSION,
                                         .pid = 4711,
                                         .program = "/bin/program"};
    used = sizeof *header();
    last = 0;
}

static void
number(uint64_t n)
{
    for (; n > 127; n >>= 7)
        bytes[used++] = (unsigned char)(n | 128);
    bytes[used++] = (unsigned char)n;
    header()->bytes = used - sizeof *header();
}

static void
address(uint64_t at)
{
    int64_t step = (int64_t)(at - last) / 8;

    number(step < 0 ? ~((uint64_t)step << 1) : (uint64_t)step << 1);
    last = at;
}

static void
thread(uint64_t n)
{
    number(WR_TRACE_THREAD);
    number(n);
}

static void
birth(enum wr_trace_event kind, uint64_t size, uint64_t at)
{
    number(kind);
    if (kind == WR_TRACE_ALIGNED)
        number(6);
    number(size);
    address(at);
}

static void
gone(enum wr_trace_event kind, uint64_t at)
{
    number(kind);
    address(at);
}

static void
move_to(uint64_t size, uint64_t at)
{
    birth(WR_TRACE_MOVE_TO, size, at);
}

/* A thread, and nothing that it did. */
static void
setup(void)
{
    begin();
    thread(0);
}

static void
teardown(void)
{
    wr_trace_close(&trace);
}

static int
read_bytes(size_t count)
{
    strcpy(why, "");
    return wr_trace_read(&trace, bytes, count, why, sizeof why);
}

static void
read_well(void)
{
    ck_assert_msg(read_bytes(used) == 0, "%s", why);
    memset(bytes, 0xff, used); /* which are no longer needed */
}

static void
refused(const char *sentence)
{
    ck_assert_int_eq(read_bytes(used), -1);
    ck_assert_str_eq(why, sentence);
    ck_assert_ptr_null(trace.step);
    ck_assert_uint_eq(trace.steps, 0);
}

static void
expect(size_t i, enum wr_step_kind kind, uint64_t size, uint32_t slot)
{
    ck_assert_uint_lt(i, trace.steps);
    ck_assert_uint_eq(trace.step[i].kind, kind);
    ck_assert_uint_eq(trace.step[i].bytes, size);
    ck_assert_uint_eq(trace.step[i].slot, slot);
}

/* --- What events become --------------------------------------------------- */

START_TEST(each_kind_of_birth_is_a_step_with_its_size)
{
    birth(WR_TRACE_MALLOC, 100, HEAP);
    birth(WR_TRACE_CALLOC, 0, HEAP + 4096);
    birth(WR_TRACE_ALIGNED, 5000000, HEAP - 64);
    read_well();
    ck_assert_uint_eq(trace.steps, 3);
    expect(0, WR_STEP_MALLOC, 100, 0);
    expect(1, WR_STEP_CALLOC, 0, 1);
    expect(2, WR_STEP_ALIGNED, 5000000, 2);
    ck_assert_uint_eq(trace.step[2].align_log2, 6);
    ck_assert_uint_eq(trace.slots, 3);
    ck_assert_uint_eq(trace.pid, 4711);
    ck_assert_str_eq(trace.program, "/bin/program");
}
END_TEST

START_TEST(a_freed_blocks_slot_is_the_next_ones)
{
    birth(WR_TRACE_MALLOC, 1, HEAP);
    birth(WR_TRACE_MALLOC, 2, HEAP + 16);
    gone(WR_TRACE_FREE, HEAP);
    birth(WR_TRACE_MALLOC, 3, HEAP + 32);
    read_well();
    expect(2, WR_STEP_FREE, 0, 0);
    expect(3, WR_STEP_MALLOC, 3, 0);
    ck_assert_uint_eq(trace.slots, 2);
}
END_TEST

START_TEST(a_realloc_keeps_the_slot_wherever_the_block_goes)
{
    birth(WR_TRACE_MALLOC, 1, HEAP);
    gone(WR_TRACE_MOVE_FROM, HEAP);
    move_to(2, HEAP + 64);
    gone(WR_TRACE_MOVE_FROM, HEAP + 64);
    move_to(3, HEAP + 64);
    birth(WR_TRACE_MALLOC, 4, HEAP); /* where it was first */
    gone(WR_TRACE_FREE, HEAP + 64);
    move_to(5, HEAP + 128); /* by whom nothing was started */
    read_well();
    expect(1, WR_STEP_REALLOC, 2, 0);
    expect(2, WR_STEP_REALLOC, 3, 0);
    expect(3, WR_STEP_MALLOC, 4, 1);
    expect(4, WR_STEP_FREE, 0, 0);
    expect(5, WR_STEP_MALLOC, 5, 0);
}
END_TEST

START_TEST(a_realloc_that_failed_is_no_step_and_the_block_stays)
{
    birth(WR_TRACE_MALLOC, 1, HEAP);
    gone(WR_TRACE_MOVE_FROM, HEAP);
    move_to(0, HEAP);
    gone(WR_TRACE_FREE, HEAP);
    read_well();
    ck_assert_uint_eq(trace.steps, 2);
    expect(1, WR_STEP_FREE, 0, 0);
    ck_assert_uint_eq(trace.strangers, 0);
}
END_TEST

START_TEST(reallocs_of_two_threads_do_not_meet)
{
    birth(WR_TRACE_MALLOC, 1, HEAP);
    birth(WR_TRACE_MALLOC, 2, HEAP + 16);
    gone(WR_TRACE_MOVE_FROM, HEAP);
    thread(1);
    gone(WR_TRACE_MOVE_FROM, HEAP + 16);
    move_to(20, HEAP); /* the other's block is gone from there */
    thread(0);
    move_to(10, HEAP + 16);
    read_well();
    expect(2, WR_STEP_REALLOC, 20, 1);
    expect(3, WR_STEP_REALLOC, 10, 0);
    ck_assert_uint_eq(trace.step[2].thread, 1);
    ck_assert_uint_eq(trace.step[3].thread, 0);
    ck_assert_uint_eq(trace.threads, 2);
}
END_TEST

START_TEST(what_was_born_before_the_trace_is_left_out)
{
    gone(WR_TRACE_FREE, HEAP);
    birth(WR_TRACE_MALLOC, 1, HEAP + 16);
    gone(WR_TRACE_FREE, HEAP);
    read_well();
    ck_assert_uint_eq(trace.steps, 1);
    ck_assert_uint_eq(trace.strangers, 2);
}
END_TEST

START_TEST(a_realloc_of_what_was_born_before_is_a_malloc)
{
    gone(WR_TRACE_MOVE_FROM, HEAP);
    move_to(10, HEAP + 16);
    gone(WR_TRACE_MOVE_FROM, HEAP + 32);
    move_to(0, HEAP + 32); /* it failed: nothing is known still */
    gone(WR_TRACE_FREE, HEAP + 16);
    move_to(20, HEAP + 48); /* whose start is not there */
    read_well();
    ck_assert_uint_eq(trace.steps, 3);
    expect(0, WR_STEP_MALLOC, 10, 0);
    expect(1, WR_STEP_FREE, 0, 0);
    expect(2, WR_STEP_MALLOC, 20, 0);
    ck_assert_uint_eq(trace.slots, 1);
    ck_assert_uint_eq(trace.strangers, 2);
}
END_TEST

START_TEST(a_birth_where_a_block_lives_frees_that_one)
{
    birth(WR_TRACE_MALLOC, 1, HEAP);
    birth(WR_TRACE_MALLOC, 2, HEAP);
    gone(WR_TRACE_FREE, HEAP);
    read_well();
    ck_assert_uint_eq(trace.steps, 4);
    expect(1, WR_STEP_FREE, 0, 0);
    expect(2, WR_STEP_MALLOC, 2, 1);
    expect(3, WR_STEP_FREE, 0, 1);
}
END_TEST

START_TEST(of_many_blocks_each_is_found_again)
{
    static uint32_t order[MANY], slot_of[MANY];
    static uint64_t at[MANY];
    uint64_t chance = unit_seed("trace");

    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t j = (uint32_t)unit_below(&chance, i + 1);

        order[i] = order[j];
        order[j] = i;
        at[i] = HEAP + 16 * (unit_below(&chance, 1 << 20) * MANY + i);
        birth(WR_TRACE_MALLOC, i, at[i]);
    }
    for (uint32_t i = 0; i < MANY; i++)
        gone(WR_TRACE_FREE, at[order[i]]);
    read_well();
    ck_assert_uint_eq(trace.steps, 2 * MANY);
    ck_assert_uint_eq(trace.slots, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        slot_of[trace.step[i].bytes] = trace.step[i].slot;
    for (uint32_t i = 0; i < MANY; i++)
        expect(MANY + i, WR_STEP_FREE, 0, slot_of[order[i]]);
}
END_TEST

/* --- What is refused ------------------------------------------------------ */

START_TEST(what_has_no_header_is_no_trace)
{
    birth(WR_TRACE_MALLOC, 1, HEAP);
    for (used = 0; used < sizeof(struct wr_trace_header); used++)
        refused("not a trace of weir record-allocs");
    setup();
    header()->magic ^= 1;
    refused("not a trace of weir record-allocs");
}
END_TEST

START_TEST(another_version_is_refused)
{
    header()->version = 2;
    refused("a trace of version 2; this reads version 1");
}
END_TEST

START_TEST(a_trace_that_is_shorter_than_it_says_is_refused)
{
    birth(WR_TRACE_MALLOC, 1, HEAP);
    used--;
    header()->bytes = 4000;
    ck_assert_int_eq(read_bytes(used), -1);
    ck_assert_ptr_nonnull(strstr(why, "a trace of 4000 bytes, of which "));
    header()->bytes = UINT64_MAX;
    ck_assert_int_eq(read_bytes(used), -1);
    ck_assert_ptr_nonnull(strstr(why, " are here"));
}
END_TEST

START_TEST(what_lies_behind_the_events_is_not_looked_at)
{
    birth(WR_TRACE_MALLOC, 1, HEAP);
    memset(bytes + used, 0xff, 100);
    used += 100;
    read_well();
    ck_assert_uint_eq(trace.steps, 1);
}
END_TEST

START_TEST(a_program_without_end_gets_one)
{
    memset(header()->program, 'x', sizeof header()->program);
    read_well();
    ck_assert_uint_eq(strlen(trace.program), sizeof trace.program - 1);
}
END_TEST

START_TEST(a_trace_that_stops_within_an_event_is_refused)
{
    size_t whole, first = used;

    birth(WR_TRACE_ALIGNED, 1000000, HEAP);
    whole = used;
    for (used = first + 1; used < whole; used++) {
        header()->bytes = used - sizeof *header();
        refused("the trace ends in the middle of event 1");
    }
}
END_TEST

START_TEST(the_first_event_must_be_somebodys)
{
    begin();
    birth(WR_TRACE_MALLOC, 1, HEAP);
    refused("the first event belongs to no thread");
}
END_TEST

START_TEST(threads_come_in_their_order)
{
    birth(WR_TRACE_MALLOC, 1, HEAP);
    thread(2);
    refused("after event 1 comes a thread without a number");
}
END_TEST

START_TEST(a_kind_that_there_is_not_is_refused)
{
    birth(WR_TRACE_MALLOC, 1, HEAP);
    number(WR_TRACE_EVENTS);
    refused("event 2 is of kind 7, which there is not");
}
END_TEST

START_TEST(nothing_is_at_address_0)
{
    birth(WR_TRACE_MALLOC, 1, 0);
    refused("event 1 is about no address");
}
END_TEST

START_TEST(a_block_is_smaller_than_the_address_space)
{
    birth(WR_TRACE_MALLOC, WR_TRACE_BYTES_MAX - 1, HEAP);
    read_well();
    expect(0, WR_STEP_MALLOC, WR_TRACE_BYTES_MAX - 1, 0);
    teardown();
    setup();
    gone(WR_TRACE_MOVE_FROM, HEAP);
    move_to(WR_TRACE_BYTES_MAX, HEAP);
    refused("event 2 asks for more than an address space holds");
}
END_TEST

START_TEST(an_alignment_has_a_limit)
{
    number(WR_TRACE_ALIGNED);
    number(40);
    number(1);
    address(HEAP);
    read_well();
    ck_assert_uint_eq(trace.step[0].align_log2, 40);
    teardown();
    setup();
    number(WR_TRACE_ALIGNED);
    number(41);
    refused("event 1 wants an alignment of 2 to the 41");
}
END_TEST

START_TEST(a_number_has_64_bits_at_most)
{
    number(WR_TRACE_FREE);
    number(UINT64_MAX - 2); /* ten bytes, the last of which is 1 */
    read_well();
    ck_assert_uint_eq(trace.strangers, 1);
    teardown();
    setup();
    number(WR_TRACE_FREE);
    number(UINT64_MAX - 2);
    bytes[used - 1] = 2;
    refused("event 1 has a number beyond 64 bits");
    bytes[used - 1] = 0x81;
    number(0);
    refused("event 1 has a number beyond 64 bits");
}
END_TEST

START_TEST(there_are_a_million_threads_at_most)
{
    size_t most = 5 * (size_t)(WR_TRACE_THREADS_MAX + 1), n = 0;
    unsigned char *larger = malloc(sizeof *header() + most);

    ck_assert_ptr_nonnull(larger);
    begin();
    for (uint64_t i = 0; i <= WR_TRACE_THREADS_MAX; i++) {
        used = sizeof *header();
        thread(i);
        memcpy(larger + sizeof *header() + n, bytes + sizeof *header(),
               used - sizeof *header());
        n += used - sizeof *header();
    }
    header()->bytes = n;
    memcpy(larger, header(), sizeof *header());
    ck_assert_int_eq(
        wr_trace_read(&trace, larger, sizeof *header() + n, why, sizeof why),
        -1);
    ck_assert_str_eq(why, "after event 0 comes a thread without a number");
    n -= 4; /* without the last */
    memcpy(larger + offsetof(struct wr_trace_header, bytes), &n, sizeof n);
    ck_assert_int_eq(
        wr_trace_read(&trace, larger, sizeof *header() + n, why, sizeof why),
        0);
    ck_assert_uint_eq(trace.threads, WR_TRACE_THREADS_MAX);
    free(larger);
}
END_TEST

START_TEST(a_damaged_byte_is_refused_or_makes_another_trace)
{
    size_t refusals = 0;

    birth(WR_TRACE_MALLOC, 100, HEAP);
    birth(WR_TRACE_ALIGNED, 1000000, HEAP + 4096);
    gone(WR_TRACE_MOVE_FROM, HEAP);
    thread(1);
    gone(WR_TRACE_FREE, HEAP + 4096);
    thread(0);
    move_to(300, HEAP + 64);
    for (size_t i = sizeof *header(); i < used; i++)
        for (unsigned wrong = 1; wrong < 256; wrong++) {
            bytes[i] ^= wrong;
            if (read_bytes(used) == 0) {
                for (size_t k = 0; k < trace.steps; k++)
                    ck_assert(trace.step[k].slot < trace.slots &&
                              trace.step[k].thread < trace.threads);
            } else {
                ck_assert_str_ne(why, "");
                refusals++;
            }
            wr_trace_close(&trace);
            bytes[i] ^= wrong;
        }
    ck_assert_uint_gt(refusals, 0);
}
END_TEST

/* --- Memory and files ----------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || UNIT_TSAN
START_TEST(without_memory_it_says_so)
{
    unit_skip("a sanitizer needs all of the address space");
}
END_TEST
#else
static rlim_t
address_space(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%lu", &pages), 1);
    fclose(f);
    return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

START_TEST(without_memory_it_says_so)
{
    rlim_t now = address_space(), more = 0;
    struct rlimit most;
    size_t refusals = 0;

    for (uint32_t i = 0; i < MANY; i++)
        birth(WR_TRACE_MALLOC, i, HEAP + 16 * i);
    getrlimit(RLIMIT_AS, &most);
    for (;; more += 64 << 10) {
        setrlimit(RLIMIT_AS, &(struct rlimit){now + more, most.rlim_max});
        if (read_bytes(used) == 0)
            break;
        setrlimit(RLIMIT_AS, &most);
        ck_assert_str_eq(why, "no memory to read the trace");
        ck_assert_ptr_null(trace.step);
        refusals++;
    }
    setrlimit(RLIMIT_AS, &most);
    ck_assert_uint_gt(refusals, 10);
    ck_assert_uint_eq(trace.steps, MANY);
}
END_TEST
#endif

START_TEST(a_file_is_read_as_its_bytes_are)
{
    char path[] = "/tmp/weir-trace-XXXXXX";
    int fd = mkstemp(path);

    birth(WR_TRACE_MALLOC, 100, HEAP);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(wr_trace_open(&trace, path, why, sizeof why), -1);
    ck_assert_str_eq(why, "empty");
    ck_assert_int_eq(write(fd, bytes, used), (ssize_t)used);
    close(fd);
    ck_assert_int_eq(wr_trace_open(&trace, path, why, sizeof why), 0);
    unlink(path);
    ck_assert_uint_eq(trace.steps, 1);
    expect(0, WR_STEP_MALLOC, 100, 0);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    ck_assert_int_eq(wr_trace_open(&trace, "/nowhere", why, sizeof why), -1);
    ck_assert_str_eq(why, strerror(ENOENT));
    ck_assert_int_eq(wr_trace_open(&trace, "/dev/null", why, sizeof why), -1);
    ck_assert_int_eq(wr_trace_open(&trace, "/proc/self", why, sizeof why), -1);
    ck_assert_str_ne(why, "");
}
END_TEST

START_TEST(closing_twice_is_fine)
{
    birth(WR_TRACE_MALLOC, 100, HEAP);
    read_well();
    wr_trace_close(&trace);
    ck_assert_ptr_null(trace.step);
    ck_assert_uint_eq(trace.steps, 0);
    wr_trace_close(&trace);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("traces");
    TCase *t = tcase_create("reading");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, each_kind_of_birth_is_a_step_with_its_size);
    tcase_add_test(t, a_freed_blocks_slot_is_the_next_ones);
    tcase_add_test(t, a_realloc_keeps_the_slot_wherever_the_block_goes);
    tcase_add_test(t, a_realloc_that_failed_is_no_step_and_the_block_stays);
    tcase_add_test(t, reallocs_of_two_threads_do_not_meet);
    tcase_add_test(t, what_was_born_before_the_trace_is_left_out);
    tcase_add_test(t, a_realloc_of_what_was_born_before_is_a_malloc);
    tcase_add_test(t, a_birth_where_a_block_lives_frees_that_one);
    tcase_add_test(t, of_many_blocks_each_is_found_again);
    suite_add_tcase(s, t);
    t = tcase_create("refusing");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, what_has_no_header_is_no_trace);
    tcase_add_test(t, another_version_is_refused);
    tcase_add_test(t, a_trace_that_is_shorter_than_it_says_is_refused);
    tcase_add_test(t, what_lies_behind_the_events_is_not_looked_at);
    tcase_add_test(t, a_program_without_end_gets_one);
    tcase_add_test(t, a_trace_that_stops_within_an_event_is_refused);
    tcase_add_test(t, the_first_event_must_be_somebodys);
    tcase_add_test(t, threads_come_in_their_order);
    tcase_add_test(t, a_kind_that_there_is_not_is_refused);
    tcase_add_test(t, nothing_is_at_address_0);
    tcase_add_test(t, a_block_is_smaller_than_the_address_space);
    tcase_add_test(t, an_alignment_has_a_limit);
    tcase_add_test(t, a_number_has_64_bits_at_most);
    tcase_add_test(t, there_are_a_million_threads_at_most);
    tcase_add_test(t, a_damaged_byte_is_refused_or_makes_another_trace);
    tcase_add_test(t, without_memory_it_says_so);
    tcase_add_test(t, a_file_is_read_as_its_bytes_are);
    tcase_add_test(t, what_is_no_file_is_refused);
    tcase_add_test(t, closing_twice_is_fine);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
