/* Arithmetic, errors, and how a program is stopped. */
#include "unit.h"

#include <fcntl.h>
#include <weir/error.h>

#include "base/base.h"
#include "base/die.h"

START_TEST(alignment_goes_to_the_next_multiple_and_no_further)
{
    for (size_t align = 1; align <= 4096; align *= 2)
        for (size_t n = 0; n<3 * align; n += align> 64 ? 13 : 1) {
            ck_assert_uint_eq(wr_align_down(n, align), n / align * align);
            ck_assert_uint_eq(wr_align_up(n, align),
                              (n + align - 1) / align * align);
        }
    ck_assert_uint_eq(wr_align_down(SIZE_MAX, 4096), SIZE_MAX - 4095);
}
END_TEST

START_TEST(bits_and_bounds_are_right_at_the_edges)
{
    for (unsigned i = 0; i < 64; i++) {
        size_t n = (size_t)1 << i;

        ck_assert(wr_is_power_of_two(n));
        ck_assert(n < 4 || !wr_is_power_of_two(n - 1));
        ck_assert_uint_eq(wr_log2(n), i);
        ck_assert_uint_eq(wr_log2(n | (n - 1)), i);
    }
    ck_assert(!wr_is_power_of_two(0));
    ck_assert(!wr_is_power_of_two(SIZE_MAX));
    ck_assert_uint_eq(wr_min(0, SIZE_MAX), 0);
    ck_assert_uint_eq(wr_max(0, SIZE_MAX), SIZE_MAX);
    ck_assert_uint_eq(wr_min(7, 7), 7);
}
END_TEST

START_TEST(every_error_has_a_sentence_of_its_own)
{
    const char *unknown = weir_strerror((weir_err)1000);

    ck_assert_str_eq(weir_strerror((weir_err)-1), unknown);
    for (int i = WEIR_OK; i <= WEIR_ELIMIT; i++) {
        ck_assert_uint_gt(strlen(weir_strerror((weir_err)i)), 4);
        ck_assert_str_ne(weir_strerror((weir_err)i), unknown);
        for (int k = WEIR_OK; k < i; k++)
            ck_assert_str_ne(weir_strerror((weir_err)i),
                             weir_strerror((weir_err)k));
    }
    ck_assert_str_eq(weir_strerror((weir_err)(WEIR_ELIMIT + 1)), unknown);
}
END_TEST

/* ---- the end of a program ---- */

static void
die_with(void *text)
{
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, text);
    wr_die(&t);
}

START_TEST(a_program_is_stopped_with_a_sentence_and_SIGABRT)
{
    struct unit_end end = unit_end_of(die_with, "weir: that was wrong");

    ck_assert_int_eq(end.signal, SIGABRT);
    ck_assert_str_eq(end.said, "weir: that was wrong\n");
}
END_TEST

START_TEST(the_longest_sentence_still_ends_its_line)
{
    char text[3000];
    struct unit_end end;

    memset(text, 'w', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    end = unit_end_of(die_with, text);
    ck_assert_int_eq(end.signal, SIGABRT);
    ck_assert_uint_gt(strlen(end.said), 1000);
    ck_assert_int_eq(end.said[strlen(end.said) - 1], '\n');
}
END_TEST

/* A pipe of packets keeps one write apart from the next. */
START_TEST(the_sentence_is_one_write)
{
    char packet[4096];
    pid_t pid;
    int fd[2];

    ck_assert_int_eq(pipe2(fd, O_DIRECT), 0);
    pid = fork();
    if (pid == 0) {
        dup2(fd[1], STDERR_FILENO);
        die_with("weir: in one piece");
    }
    close(fd[1]);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(read(fd[0], packet, sizeof packet), 19);
    ck_assert_mem_eq(packet, "weir: in one piece\n", 19);
    ck_assert_int_eq(read(fd[0], packet, sizeof packet), 0);
}
END_TEST

static void
assert_number(void *n)
{
    WR_ASSERT(*(int *)n == 42);
}

START_TEST(a_broken_assertion_stops_builds_that_check)
{
    int right = 42, wrong = 41;
    struct unit_end end = unit_end_of(assert_number, &right);

    ck_assert_int_eq(end.status, 0);
    ck_assert_str_eq(end.said, "");
    end = unit_end_of(assert_number, &wrong);
    if (UNIT_CHECKS) {
        ck_assert_int_eq(end.signal, SIGABRT);
        ck_assert_ptr_nonnull(strstr(end.said, "*(int *)n == 42"));
        ck_assert_ptr_nonnull(strstr(end.said, "test_base.c:"));
    } else {
        ck_assert_int_eq(end.status, 0);
    }
}
END_TEST

static void
break_assertion(void *arg)
{
    (void)arg;
    wr_assert_failed("water flows upwards", "river.c", 7);
}

START_TEST(a_broken_assertion_says_what_and_where)
{
    struct unit_end end = unit_end_of(break_assertion, NULL);

    ck_assert_int_eq(end.signal, SIGABRT);
    ck_assert_ptr_nonnull(strstr(end.said, "water flows upwards in river.c:7"));
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("base/base");
    TCase *t = tcase_create("base");

    tcase_add_test(t, alignment_goes_to_the_next_multiple_and_no_further);
    tcase_add_test(t, bits_and_bounds_are_right_at_the_edges);
    tcase_add_test(t, every_error_has_a_sentence_of_its_own);
    tcase_add_test(t, a_program_is_stopped_with_a_sentence_and_SIGABRT);
    tcase_add_test(t, the_longest_sentence_still_ends_its_line);
    tcase_add_test(t, the_sentence_is_one_write);
    tcase_add_test(t, a_broken_assertion_stops_builds_that_check);
    tcase_add_test(t, a_broken_assertion_says_what_and_where);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
