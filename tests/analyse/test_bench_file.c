/* Files of benchmarks: what is a result, what it belongs to, and what each
 * table makes of it. */
#include "unit.h"

#include <math.h>
#include "analyse/bench_table.h"

static struct wr_benches benches;
static char *complaints;
static size_t complaints_bytes;

static long
read_text(const char *text, const char *label)
{
    FILE *f = fmemopen((void *)text, strlen(text), "r");
    FILE *out;
    long bad;

    free(complaints);
    complaints = NULL;
    out = open_memstream(&complaints, &complaints_bytes);
    bad = wr_benches_read(&benches, f, label, label, out);
    fclose(out);
    fclose(f);
    return bad;
}

static void
forget(void)
{
    wr_benches_fini(&benches);
    free(complaints);
    complaints = NULL;
}

START_TEST(a_line_is_a_name_a_count_and_values_in_units)
{
    ck_assert_int_eq(read_text("BenchmarkX/a-4 \t 100\t 12.5 ns/op\t3 MB/s\t"
                               "7 B/op\r\n",
                               "f"),
                     0);
    ck_assert_uint_eq(benches.count, 3);
    ck_assert_str_eq(benches.names.text[0], "X/a-4");
    ck_assert_str_eq(benches.units.text[0], "sec/op");
    ck_assert_double_eq_tol(benches.results[0].value, 12.5e-9, 1e-20);
    ck_assert_str_eq(benches.units.text[1], "B/s");
    ck_assert_double_eq(benches.results[1].value, 3e6);
    ck_assert_str_eq(benches.units.text[2], "B/op");
    forget();
}
END_TEST

START_TEST(only_what_is_above_the_line_becomes_plain)
{
    read_text("BenchmarkX 1 1 ns 1 op/ns 1 p99-ns/op 1 MB*ns 1 nsx", "f");
    ck_assert_str_eq(benches.units.text[0], "sec");
    ck_assert_str_eq(benches.units.text[1], "op/ns");
    ck_assert_str_eq(benches.units.text[2], "p99-sec/op");
    ck_assert_str_eq(benches.units.text[3], "B*sec");
    ck_assert_str_eq(benches.units.text[4], "nsx");
    ck_assert(wr_bench_unit_is_bytes("B/op"));
    ck_assert(wr_bench_unit_is_bytes("peak-bytes"));
    ck_assert(!wr_bench_unit_is_bytes("op/B"));
    ck_assert(!wr_bench_unit_is_bytes("allocs/op"));
    forget();
}
END_TEST

START_TEST(a_line_that_is_none_is_told_with_its_place)
{
    ck_assert_int_eq(read_text("text\nBenchmarkA many 1 ns/op\n"
                               "BenchmarkB 1\n"
                               "BenchmarkC 1 2\n"
                               "BenchmarkD 1 2 ns/op x B/op\n"
                               "BenchmarkE\n"
                               "BenchmarkF 1 nan ns/op\n"
                               "Unit\n"
                               "Unit u fact\n",
                               "file"),
                     7);
    ck_assert_uint_eq(benches.count, 0);
    ck_assert_ptr_nonnull(strstr(complaints, "file:2: "));
    ck_assert_ptr_nonnull(strstr(complaints, "file:5: "));
    ck_assert_ptr_null(strstr(complaints, "file:6: "));
    ck_assert_ptr_nonnull(strstr(complaints, "file:9: "));
    forget();
}
END_TEST

START_TEST(keys_hold_until_they_change)
{
    read_text("pkg: a\nBenchmarkX 1 1 u\nNote: no key\npkg: b\n"
              "BenchmarkX 1 2 u\npkg:\nBenchmarkX 1 3 u\npkg: a\n"
              "BenchmarkX 1 4 u\nkey:value\n",
              "f");
    ck_assert_uint_eq(benches.count, 4);
    ck_assert_uint_eq(benches.key_count, 1);
    ck_assert_uint_eq(benches.config_count, 3);
    ck_assert_str_eq(
        wr_bench_config_value(&benches, benches.results[1].config, 0), "b");
    ck_assert_str_eq(
        wr_bench_config_value(&benches, benches.results[2].config, 0), "");
    ck_assert_uint_eq(benches.results[3].config, benches.results[0].config);
    forget();
}
END_TEST

START_TEST(an_ignored_key_makes_no_config)
{
    static const char *const ignored[] = {"pkg"};

    benches.ignored = ignored;
    benches.ignored_count = 1;
    read_text("pkg: a\nBenchmarkX 1 1 u\npkg: b\nBenchmarkX 1 2 u\n", "f");
    ck_assert_uint_eq(benches.config_count, 1);
    forget();
}
END_TEST

static void
add_line(char *text, double value)
{
    sprintf(text + strlen(text), "BenchmarkX 1 %g u\n", value);
}

START_TEST(a_table_has_a_verdict_for_each_file_but_the_first)
{
    struct wr_bench_table_options options = {0.05, 0.95};
    struct wr_bench_tables t;
    char old[1000] = "Unit u better=higher\n", same[1000] = "", up[1000] = "";

    for (int i = 0; i < 10; i++) {
        add_line(old, 100 + i);
        add_line(same, 100.5 + i);
        add_line(up, 150 + i);
    }
    read_text(old, "old");
    read_text(same, "same");
    read_text(up, "up");
    ck_assert_int_eq(wr_bench_tables_make(&t, &benches, &options), 0);
    ck_assert_uint_eq(t.count, 1);
    ck_assert_uint_eq(t.table->column_count, 3);
    ck_assert_uint_eq(t.table->row_count, 1);
    ck_assert_int_eq(t.table->cells[0].verdict, WR_BENCH_ALONE);
    ck_assert_int_eq(t.table->cells[1].verdict, WR_BENCH_SAME);
    ck_assert_int_eq(t.table->cells[2].verdict, WR_BENCH_UP);
    ck_assert_double_eq(t.table->cells[0].low, 101);
    ck_assert_double_eq(t.table->cells[0].high, 108);
    ck_assert_int_eq(benches.facts[0].better, WR_BENCH_HIGHER);
    wr_bench_tables_fini(&t);
    forget();
}
END_TEST

START_TEST(exact_units_need_no_repetition)
{
    struct wr_bench_table_options options = {0.05, 0.95};
    struct wr_bench_tables t;
    char text[WR_BENCH_TEXT_MAX];

    read_text("Unit text-bytes assume=exact\nBenchmarkX 1 100 text-bytes\n",
              "old");
    read_text("BenchmarkX 1 105 text-bytes\n", "new");
    ck_assert_int_eq(wr_bench_tables_make(&t, &benches, &options), 0);
    wr_bench_change_text(text, &t.table->cells[1], &t.table->cells[0]);
    ck_assert_str_eq(text, "+5.00%");
    wr_bench_p_text(text, &t.table->cells[1]);
    ck_assert_str_eq(text, "n=1");
    wr_bench_range_text(text, &t.table->cells[1]);
    ck_assert_str_eq(text, "0%");
    wr_bench_tables_fini(&t);
    forget();
}
END_TEST

static const char *
scaled(double x, bool bytes)
{
    static char text[WR_BENCH_TEXT_MAX];

    wr_bench_scale_text(text, wr_bench_scale_of(&x, 1, bytes), x);
    return text;
}

START_TEST(values_have_four_digits_and_a_prefix)
{
    ck_assert_str_eq(scaled(1.2344e-6, false), "1.234µ");
    ck_assert_str_eq(scaled(12345, false), "12.35k");
    ck_assert_str_eq(scaled(999.94, false), "999.9");
    ck_assert_str_eq(scaled(999.96, false), "1.000k");
    ck_assert_str_eq(scaled(0, false), "0.000");
    ck_assert_str_eq(scaled(1536, true), "1.500Ki");
    ck_assert_str_eq(scaled(1020, true), "1020.0");
    ck_assert_str_eq(scaled(2.5e-11, false), "0.02500n");
    ck_assert_str_eq(scaled(.5, true), "0.5000");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("bench_file");
    TCase *t = tcase_create("all");

    tcase_add_test(t, a_line_is_a_name_a_count_and_values_in_units);
    tcase_add_test(t, only_what_is_above_the_line_becomes_plain);
    tcase_add_test(t, a_line_that_is_none_is_told_with_its_place);
    tcase_add_test(t, keys_hold_until_they_change);
    tcase_add_test(t, an_ignored_key_makes_no_config);
    tcase_add_test(t, a_table_has_a_verdict_for_each_file_but_the_first);
    tcase_add_test(t, exact_units_need_no_repetition);
    tcase_add_test(t, values_have_four_digits_and_a_prefix);
    suite_add_tcase(s, t);
    return unit_main(s);
}
