/* Text profiles, as Go, gperftools and jemalloc write them. */
#include "analyse/legacy.h"
#include "analyse/maker.h"

#include <math.h>

static struct wr_profile *p;
static char why[WR_WHY];

static void
setup(void)
{
    p = NULL;
    why[0] = '\0';
}

static void
teardown(void)
{
    wr_profile_free(p);
}

static int
decode(const char *text)
{
    return wr_profile_decode(&p, text, strlen(text), why, sizeof why);
}

static void
read_text(const char *text)
{
    ck_assert_msg(decode(text) == 0, "%s", why);
    ck_assert(wr_profile_check(p));
}

static void
refuse(const char *text, const char *sentence)
{
    ck_assert_int_eq(decode(text), -1);
    ck_assert_msg(strcmp(why, sentence) == 0, "%s", why);
}

static uint64_t
address(uint32_t sample, uint32_t frame)
{
    ck_assert_uint_lt(frame, p->samples[sample].depth);
    return p->locations[p->frames[p->samples[sample].first_frame + frame]]
        .address;
}

/* --- Heaps -------------------------------------------------------------- */

START_TEST(a_heap_with_allocs_has_four_types)
{
    read_text("heap profile: 1: 64 [3: 192] @ heapprofile\n"
              "1: 64 [3: 192] @ 0x401234 0x402000\n");
    ck_assert_uint_eq(p->type_count, 4);
    ck_assert_str_eq(maker_string(p, p->types[0].type), "alloc_objects");
    ck_assert_str_eq(maker_string(p, p->types[3].type), "inuse_space");
    ck_assert_int_eq(maker_value(p, 0, 0), 3);
    ck_assert_int_eq(maker_value(p, 0, 1), 192);
    ck_assert_int_eq(maker_value(p, 0, 2), 1);
    ck_assert_int_eq(maker_value(p, 0, 3), 64);
}
END_TEST

START_TEST(a_heap_without_allocs_has_two_types)
{
    read_text("heap profile:      1:       64 [     1:       64] @ "
              "heapprofile\n     1:       64 [     1:       64] @ 0x10\n");
    ck_assert_uint_eq(p->type_count, 2);
    ck_assert_str_eq(maker_string(p, p->types[1].type), "space");
    ck_assert_int_eq(maker_value(p, 0, 1), 64);
}
END_TEST

START_TEST(addresses_are_of_the_call_not_of_the_return)
{
    read_text("heap profile: 1: 64 [3: 192] @ heapprofile\n"
              "1: 64 [3: 192] @ 0x401234 0x402000\n");
    ck_assert_uint_eq(address(0, 0), 0x401233);
    ck_assert_uint_eq(address(0, 1), 0x401fff);
}
END_TEST

START_TEST(the_block_size_is_a_label)
{
    read_text("heap profile: 0: 0 [3: 192] @ heapprofile\n"
              "0: 0 [3: 192] @ 0x401234\n");
    const struct wr_label *l = p->labels + p->samples[0].first_label;
    ck_assert_uint_eq(p->samples[0].label_count, 1);
    ck_assert_str_eq(maker_string(p, l->key), "bytes");
    ck_assert_int_eq(l->num, 64);
}
END_TEST

/* Go prints twice the rate behind "heap/"; gperftools the rate. */
START_TEST(sampled_rows_become_estimates)
{
    double scale = 1 / (1 - exp(-1024.0 / 524288));
    read_text(_i ? "heap profile: 2: 2048 [4: 4096] @ heap_v2/524288\n"
                   "2: 2048 [4: 4096] @ 0x10\n"
                 : "heap profile: 2: 2048 [4: 4096] @ heap/1048576\n"
                   "2: 2048 [4: 4096] @ 0x10\n");
    ck_assert_int_eq(p->period, 524288);
    ck_assert_int_eq(maker_value(p, 0, 2), llround(2 * scale));
    ck_assert_int_eq(maker_value(p, 0, 1), llround(4096 * scale));
}
END_TEST

START_TEST(a_rate_of_one_leaves_the_numbers)
{
    read_text("heap profile: 2: 2048 [4: 4096] @ heap/2\n"
              "2: 2048 [4: 4096] @ 0x10\n");
    ck_assert_int_eq(p->period, 1);
    ck_assert_int_eq(maker_value(p, 0, 3), 2048);
}
END_TEST

START_TEST(the_scale_of_large_blocks_is_one)
{
    ck_assert_double_eq_tol(wr_sampling_scale(1e9, 524288), 1, 1e-12);
    ck_assert_double_eq_tol(wr_sampling_scale(16, 524288), 524288 / 16.0 + 0.5,
                            0.01);
    ck_assert_double_eq(wr_sampling_scale(16, 1), 1);
    ck_assert_double_eq(wr_sampling_scale(0, 524288), 1);
}
END_TEST

START_TEST(huge_estimates_do_not_overflow)
{
    ck_assert_int_eq(wr_round(1e30), INT64_MAX);
    ck_assert_int_eq(wr_round(-1e30), INT64_MIN);
    ck_assert_int_eq(wr_round(2.5), 3);
    read_text("heap profile: 1: 1 [9: 9] @ heap/1048576\n"
              "9223372036854775807: 9223372036854775807 "
              "[9223372036854775807: 9223372036854775807] @ 0x10\n");
    ck_assert_int_eq(maker_value(p, 0, 3), INT64_MAX);
}
END_TEST

START_TEST(allocator_frames_are_left_out_of_reports)
{
    read_text("heap profile: 1: 64 [3: 192] @ heapprofile\n");
    ck_assert_str_eq(maker_string(p, p->drop_frames), wr_allocator_frames);
}
END_TEST

/* --- Names -------------------------------------------------------------- */

static const char named[] =
    "heap profile: 1: 64 [3: 192] @ heapprofile\n"
    "1: 64 [3: 192] @ 0x401234 0x402000\n"
    "#\t0x401233\tinner+0x3\t/src/a.c:10\n"
    "#\t0x401233\tns::outer(int, char)+0x13\t/src/a b.c:20\n"
    "#\t0x401fff\tmain+0x1f\t\t/src/main.c:30\n"
    "\n"
    "# runtime.MemStats\n# Alloc = 64\n";

START_TEST(comment_lines_name_the_frames)
{
    read_text(named);
    const struct wr_location *l = &p->locations[0];
    ck_assert_uint_eq(p->samples[0].depth, 2);
    ck_assert_uint_eq(l->line_count, 2);
    ck_assert_str_eq(maker_frame(p, 0, 0), "inner");
    ck_assert_str_eq(maker_frame(p, 0, 1), "main");
    const struct wr_line *outer = &p->lines[l->first_line + 1];
    const struct wr_function *f = &p->functions[outer->function];
    ck_assert_str_eq(maker_string(p, f->name), "ns::outer(int, char)");
    ck_assert_str_eq(maker_string(p, f->file), "/src/a b.c");
    ck_assert_int_eq(outer->line, 20);
    ck_assert_uint_eq(outer->entry, 0x13);
}
END_TEST

START_TEST(frames_that_go_hides_are_left_out)
{
    read_text("heap profile: 1: 64 [3: 192] @ heapprofile\n"
              "1: 64 [3: 192] @ 0x100 0x401234 0x402000\n"
              "#\t0x401233\tmain.grow+0x3\t/src/a.go:10\n"
              "#\t0x401fff\n");
    ck_assert_uint_eq(p->samples[0].depth, 2);
    ck_assert_str_eq(maker_frame(p, 0, 0), "main.grow");
    ck_assert_str_eq(maker_frame(p, 0, 1), "");
    ck_assert_uint_eq(address(0, 1), 0x401fff);
}
END_TEST

START_TEST(recursion_is_not_taken_for_inlining)
{
    read_text("heap profile: 1: 64 [3: 192] @ heapprofile\n"
              "1: 64 [3: 192] @ 0x101 0x101 0x101 0x201\n"
              "#\t0x100\tin+0x3\t/a.c:1\n#\t0x100\trec+0x3\t/a.c:2\n"
              "#\t0x100\tin+0x3\t/a.c:1\n#\t0x100\trec+0x3\t/a.c:2\n"
              "#\t0x100\tin+0x3\t/a.c:1\n#\t0x100\trec+0x3\t/a.c:2\n"
              "#\t0x200\tmain+0x3\t/a.c:3\n");
    ck_assert_uint_eq(p->samples[0].depth, 4);
    ck_assert_uint_eq(p->locations[0].line_count, 2);
    ck_assert_str_eq(maker_frame(p, 0, 2), "in");
    ck_assert_str_eq(maker_frame(p, 0, 3), "main");
}
END_TEST

/* --- Counts ------------------------------------------------------------- */

START_TEST(goroutines_are_counted)
{
    read_text("goroutine profile: total 6\n"
              "5 @ 0x47e28e 0x481425\n"
              "# labels: {\"k\":\"v\"}\n"
              "#\t0x481424\ttime.Sleep+0x164\t/go/time.go:363\n\n"
              "1 @ 0x10\n");
    ck_assert_uint_eq(p->type_count, 1);
    ck_assert_str_eq(maker_string(p, p->types[0].type), "goroutine");
    ck_assert_str_eq(maker_string(p, p->period_type.type), "goroutine");
    ck_assert_int_eq(wr_profile_total(p, 0), 6);
    ck_assert_str_eq(maker_frame(p, 0, 0), "time.Sleep");
    ck_assert_uint_eq(p->samples[0].label_count, 0);
}
END_TEST

START_TEST(threadcreate_is_read)
{
    read_text("threadcreate profile: total 5\n4 @ 0x10 0x20\n1 @ 0x30\n");
    ck_assert_uint_eq(p->sample_count, 2);
    ck_assert_int_eq(wr_profile_total(p, 0), 5);
}
END_TEST

START_TEST(counts_of_a_programs_own_are_read)
{
    read_text("my/connections profile: total 2\n2 @ 0x10\n");
    ck_assert_str_eq(maker_string(p, p->types[0].type), "my/connections");
    teardown();
    setup();
    ck_assert_int_eq(decode("two words profile: total 2\n2 @ 0x10\n"), -1);
    ck_assert_ptr_nonnull(strstr(why, "not a profile"));
    ck_assert_int_eq(decode(" profile: total 2\n2 @ 0x10\n"), -1);
}
END_TEST

/* --- Contention --------------------------------------------------------- */

START_TEST(contention_is_read_in_nanoseconds)
{
    read_text("--- contention:\n"
              "cycles/second=2000000000\n"
              "5000 3 @ 0x10 0x20\n"
              "#\t0xf\tsync.(*Mutex).Lock+0xf\t/go/mutex.go:9\n"
              "#\t0x1f\tmain.main+0x1f\t/a.go:3\n\n");
    ck_assert_uint_eq(p->type_count, 2);
    ck_assert_str_eq(maker_string(p, p->types[1].type), "delay");
    ck_assert_int_eq(maker_value(p, 0, 0), 3);
    ck_assert_int_eq(maker_value(p, 0, 1), 2500);
    ck_assert_str_eq(maker_frame(p, 0, 0), "sync.(*Mutex).Lock");
    ck_assert_int_eq(p->period, 1);
}
END_TEST

START_TEST(sampled_contention_is_scaled)
{
    read_text("--- mutex:\ncycles/second = 1000000000\n"
              "sampling period=5\nms since reset=3\n"
              "100 2 @ 0x10\n--- end\n7 7 @ 0x20\n");
    ck_assert_uint_eq(p->sample_count, 1);
    ck_assert_int_eq(maker_value(p, 0, 0), 10);
    ck_assert_int_eq(maker_value(p, 0, 1), 500);
    ck_assert_int_eq(p->duration_ns, 3000000);
}
END_TEST

START_TEST(wrong_contention_is_told_by_its_line)
{
    refuse("--- mutex:\nsampling period=often\n",
           "line 2: a setting is not \"KEY = NUMBER\"");
    refuse("--- mutex:\nsampling period=1\n12 @ 0x10\n",
           "line 3: a row is not \"CYCLES N @ ADDRESSES\"");
}
END_TEST

/* --- gperftools' CPU profiles -------------------------------------------- */

#define CPU_HEADING 0, 3, 0, 10000, 0
#define CPU_END     0, 1, 0

static int
decode_words(const uint64_t *words, size_t n, const char *maps)
{
    size_t length = n * sizeof *words;
    char *bytes = malloc(length + strlen(maps) + 1);
    memcpy(bytes, words, length);
    memcpy(bytes + length, maps, strlen(maps));
    int status =
        wr_profile_decode(&p, bytes, length + strlen(maps), why, sizeof why);
    free(bytes);
    return status;
}

#define DECODE_WORDS(maps, ...)                                                \
    decode_words((const uint64_t[]){__VA_ARGS__},                              \
                 sizeof((const uint64_t[]){__VA_ARGS__}) / 8, maps)

START_TEST(a_cpu_profile_of_words_is_read)
{
    ck_assert_int_eq(
        DECODE_WORDS("400000-500000 r-xp 00001000 08:01 7 /bin/x\n",
                     CPU_HEADING, 3, 2, 0x400100, 0x400200, 1, 1, 0x900000,
                     CPU_END),
        0);
    ck_assert_uint_eq(p->sample_count, 2);
    ck_assert_int_eq(maker_value(p, 0, 0), 3);
    ck_assert_int_eq(maker_value(p, 0, 1), 30000000);
    ck_assert_uint_eq(address(0, 0), 0x400100);
    ck_assert_uint_eq(address(0, 1), 0x4001ff);
    ck_assert_str_eq(maker_string(p, p->mappings[0].file), "/bin/x");
    ck_assert_uint_eq(
        p->locations[p->frames[p->samples[1].first_frame]].mapping, WR_NONE);
    ck_assert_int_eq(p->period, 10000000);
}
END_TEST

START_TEST(the_signals_handler_is_left_out)
{
    ck_assert_int_eq(DECODE_WORDS("", CPU_HEADING, 1, 3, 0x10, 0x77, 0x30, 1, 3,
                                  0x20, 0x77, 0x40, CPU_END),
                     0);
    ck_assert_uint_eq(p->samples[0].depth, 2);
    ck_assert_uint_eq(address(0, 1), 0x2f);
    ck_assert_uint_eq(address(1, 1), 0x3f);
}
END_TEST

START_TEST(a_leaf_that_is_there_twice_is_one)
{
    ck_assert_int_eq(DECODE_WORDS("", CPU_HEADING, 1, 3, 0x10, 0x10, 0x30, 1, 2,
                                  0x20, 0x40, CPU_END),
                     0);
    ck_assert_uint_eq(p->samples[0].depth, 2);
    ck_assert_uint_eq(address(0, 1), 0x2f);
    ck_assert_uint_eq(p->samples[1].depth, 2);
}
END_TEST

START_TEST(cut_cpu_profiles_are_refused)
{
    ck_assert_int_eq(DECODE_WORDS("", CPU_HEADING, 1, 3, 0x10, 0x20), -1);
    ck_assert_str_eq(why, "the CPU profile is cut short");
    ck_assert_int_eq(DECODE_WORDS("", CPU_HEADING, 1, UINT64_MAX, 0x10), -1);
    ck_assert_int_eq(DECODE_WORDS("", CPU_HEADING, 1), -1);
    ck_assert_int_eq(DECODE_WORDS("", 0, 3, 0, 0, 0), -1);
    ck_assert_ptr_nonnull(strstr(why, "not a profile"));
}
END_TEST

/* --- jemalloc ----------------------------------------------------------- */

START_TEST(jemalloc_heaps_are_read)
{
    read_text("heap_v2/524288\n"
              "  t*: 3: 1073741824 [0: 0]\n"
              "  t0: 3: 1073741824 [0: 0]\n"
              "@ 0x401234 0x402000\n"
              "  t*: 1: 536870912 [0: 0]\n"
              "  t0: 1: 536870912 [0: 0]\n"
              "@ 0x401235\n"
              "  t*: 2: 536870912 [0: 0]\n"
              "\nMAPPED_LIBRARIES:\n"
              "00400000-00500000 r-xp 00000000 08:01 77 /bin/prog\n");
    ck_assert_uint_eq(p->type_count, 2);
    ck_assert_uint_eq(p->sample_count, 2);
    ck_assert_int_eq(p->period, 524288);
    ck_assert_int_eq(maker_value(p, 0, 1), 536870912);
    ck_assert_int_eq(maker_value(p, 1, 0), 2);
    ck_assert_uint_eq(address(0, 1), 0x401fff);
    ck_assert_uint_eq(p->locations[0].mapping, 0);
}
END_TEST

/* --- Mappings ----------------------------------------------------------- */

START_TEST(mappings_are_read_in_both_forms)
{
    read_text("heap profile: 1: 64 [3: 192] @ heapprofile\n"
              "1: 64 [3: 192] @ 0x401234 0x7f0000001000 0x9999\n"
              "\nMAPPED_LIBRARIES:\n"
              "00400000-00500000 r-xp 00001000 08:01 77    /bin/a prog\n"
              "00600000-00700000 rw-p 00001000 08:01 77    /bin/a prog\n"
              "0x7f0000000000-0x7f0000100000: /lib/x.so (@2000) abc123\n"
              "not a mapping\n");
    ck_assert_uint_eq(p->mapping_count, 2);
    ck_assert_uint_eq(p->mappings[0].offset, 0x1000);
    ck_assert_str_eq(maker_string(p, p->mappings[0].file), "/bin/a prog");
    ck_assert_uint_eq(p->locations[0].mapping, 0);
    ck_assert_uint_eq(p->locations[1].mapping, 1);
    ck_assert_uint_eq(p->locations[2].mapping, WR_NONE);
    ck_assert_str_eq(maker_string(p, p->mappings[1].file), "/lib/x.so");
    ck_assert_str_eq(maker_string(p, p->mappings[1].build_id), "abc123");
    ck_assert_uint_eq(p->mappings[1].offset, 0x2000);
}
END_TEST

START_TEST(windows_line_ends_are_fine)
{
    read_text("heap profile: 1: 64 [3: 192] @ heapprofile\r\n"
              "1: 64 [3: 192] @ 0x401234\r\n");
    ck_assert_uint_eq(address(0, 0), 0x401233);
}
END_TEST

/* --- Refusals ----------------------------------------------------------- */

START_TEST(a_wrong_line_is_named)
{
    refuse("heap profile: 1: 64 [3: 192 @ heap/1\n",
           "line 1: the first line is not \"heap profile: ... @ heap/RATE\"");
    refuse("heap profile: 1: 64 [3: 192] @ stack\n",
           "line 1: the first line is not \"heap profile: ... @ heap/RATE\"");
    refuse("heap profile: 1: 64 [3: 192] @ heap/2\n\n1: 64 @ 0x10\n",
           "line 3: a row is not \"N: BYTES [N: BYTES] @ ADDRESSES\"");
    refuse("heap profile: 1: 64 [3: 192] @ heap/2\n1: 64 [3: 192] @ 16\n",
           "line 2: an address is not a hexadecimal number");
    refuse("goroutine profile: total 1\nx @ 0x10\n",
           "line 2: a row is not \"N @ ADDRESSES\"");
    refuse("heap_v2/none\n", "line 1: the first line is not \"heap_v2/RATE\"");
}
END_TEST

START_TEST(numbers_that_do_not_fit_are_refused)
{
    refuse("heap profile: 1: 64 [3: 192] @ heap/2\n"
           "99999999999999999999: 64 [3: 192] @ 0x10\n",
           "line 2: a row is not \"N: BYTES [N: BYTES] @ ADDRESSES\"");
    refuse("heap profile: 1: 64 [3: 192] @ heap/2\n"
           "1: 64 [3: 192] @ 0x11112222333344445\n",
           "line 2: an address is not a hexadecimal number");
}
END_TEST

START_TEST(a_stack_without_end_is_refused)
{
    size_t room = 64 + 1025 * 5;
    char *text = malloc(room);
    size_t n = (size_t)snprintf(text, room, "goroutine profile: total 1\n1 @");
    for (int i = 0; i < 1025; i++)
        n += (size_t)snprintf(text + n, room - n, " 0x1%d", i % 10);
    ck_assert_int_eq(decode(text), -1);
    ck_assert_str_eq(why, "line 2: a stack has more than 1024 addresses");
    free(text);
}
END_TEST

/* --- Damage ------------------------------------------------------------- */

static const char *const whole[] = {
    named,
    "heap_v2/524288\n  t*: 3: 10 [1: 1]\n@ 0x401234 0x402000\n"
    "  t*: 1: 53 [1: 2]\n@ 0x401235\n  t*: 2: 53 [0: 0]\n"
    "MAPPED_LIBRARIES:\n00400000-00500000 r-xp 0 08:01 77 /bin/prog\n",
    "goroutine profile: total 6\n5 @ 0x47e28e 0x481425\n"
    "#\t0x481424\ttime.Sleep+0x164\t/go/time.go:363\n\n1 @ 0x10\n"
    "--- Memory map: ---\n400000-500000: /bin/x (@0) 12\n",
};

static void
survive(const char *text, size_t n)
{
    struct wr_profile *out = NULL;
    char *copy = malloc(n ? n : 1); /* exact, so that tools see overruns */
    memcpy(copy, text, n);
    why[0] = '\0';
    if (wr_profile_decode(&out, copy, n, why, sizeof why) == 0) {
        ck_assert(wr_profile_check(out));
        wr_profile_free(out);
    } else {
        ck_assert_str_ne(why, "");
    }
    free(copy);
}

START_TEST(every_truncation_is_survived)
{
    for (size_t n = 0; n < strlen(whole[_i]); n++)
        survive(whole[_i], n);
}
END_TEST

START_TEST(random_damage_is_survived)
{
    static const char likely[] = "0123456789:@#[]x/ \n\tabf+-\0\xff";
    uint64_t seed = (uint64_t)_i + 1;
    size_t length = strlen(whole[_i]);
    char *copy = malloc(length);
    for (int round = 0; round < 10000; round++) {
        memcpy(copy, whole[_i], length);
        for (uint32_t n = 1 + maker_random(&seed) % 5; n > 0; n--)
            copy[maker_random(&seed) % length] =
                likely[maker_random(&seed) % (sizeof likely - 1)];
        survive(copy, length);
    }
    free(copy);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/legacy");
    TCase *tests = tcase_create("legacy");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_heap_with_allocs_has_four_types);
    tcase_add_test(tests, a_heap_without_allocs_has_two_types);
    tcase_add_test(tests, addresses_are_of_the_call_not_of_the_return);
    tcase_add_test(tests, the_block_size_is_a_label);
    tcase_add_loop_test(tests, sampled_rows_become_estimates, 0, 2);
    tcase_add_test(tests, a_rate_of_one_leaves_the_numbers);
    tcase_add_test(tests, the_scale_of_large_blocks_is_one);
    tcase_add_test(tests, huge_estimates_do_not_overflow);
    tcase_add_test(tests, allocator_frames_are_left_out_of_reports);
    tcase_add_test(tests, comment_lines_name_the_frames);
    tcase_add_test(tests, frames_that_go_hides_are_left_out);
    tcase_add_test(tests, recursion_is_not_taken_for_inlining);
    tcase_add_test(tests, goroutines_are_counted);
    tcase_add_test(tests, threadcreate_is_read);
    tcase_add_test(tests, counts_of_a_programs_own_are_read);
    tcase_add_test(tests, contention_is_read_in_nanoseconds);
    tcase_add_test(tests, sampled_contention_is_scaled);
    tcase_add_test(tests, wrong_contention_is_told_by_its_line);
    tcase_add_test(tests, a_cpu_profile_of_words_is_read);
    tcase_add_test(tests, the_signals_handler_is_left_out);
    tcase_add_test(tests, a_leaf_that_is_there_twice_is_one);
    tcase_add_test(tests, cut_cpu_profiles_are_refused);
    tcase_add_test(tests, jemalloc_heaps_are_read);
    tcase_add_test(tests, mappings_are_read_in_both_forms);
    tcase_add_test(tests, windows_line_ends_are_fine);
    tcase_add_test(tests, a_wrong_line_is_named);
    tcase_add_test(tests, numbers_that_do_not_fit_are_refused);
    tcase_add_test(tests, a_stack_without_end_is_refused);
    tcase_add_loop_test(tests, every_truncation_is_survived, 0, 3);
    tcase_add_loop_test(tests, random_damage_is_survived, 0, 3);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
