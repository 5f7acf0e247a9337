/* Lists of leaks: reading, sharing among sites, suppressing, printing. */
#include "unit.h"

#include "analyse/leak_report.h"
#include "analyse/leaks.h"
#include "analyse/pattern.h"
#include "analyse/profile.h"
#include "analyse/suppress.h"
#include "serve/scratch.h"

static char why[WR_WHY];
static struct {
    struct wr_leaks_header header;
    struct wr_leak records[8];
} file;

static void
begin(void)
{
    setup();
    memset(&file, 0, sizeof file);
    file.header.magic = WR_LEAKS_MAGIC;
    file.header.version = WR_LEAKS_VERSION;
    file.header.header_bytes = sizeof file.header;
    file.header.record_bytes = sizeof file.records[0];
    file.header.trust = WR_LEAKS_PROVED;
    file.header.pid = 42;
}

static const char *
write_list(size_t records, size_t cut)
{
    static char path[200];
    FILE *out;

    snprintf(path, sizeof path, "%s/list", dir);
    file.header.records = records;
    out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fwrite(&file, sizeof file.header + records * sizeof file.records[0] - cut,
           1, out);
    fclose(out);
    return path;
}

static void
refuse(const char *path, const char *sentence)
{
    struct wr_leaks l;

    ck_assert_int_eq(wr_leaks_read(&l, path, why, sizeof why), -1);
    ck_assert_msg(strstr(why, sentence) != NULL, "%s", why);
}

START_TEST(a_list_is_read_as_it_was_written)
{
    struct wr_leaks l;

    file.header.direct = (struct wr_leaks_count){2, 96};
    file.header.indirect = (struct wr_leaks_count){1, 64};
    file.records[1] = (struct wr_leak){.address = 0x1000, .bytes = 32};
    ck_assert_int_eq(wr_leaks_read(&l, write_list(2, 0), why, sizeof why), 0);
    ck_assert_uint_eq(l.header.pid, 42);
    ck_assert_uint_eq(l.records[1].address, 0x1000);
    ck_assert_uint_eq(wr_leaks_total(&l).blocks, 3);
    ck_assert_uint_eq(wr_leaks_total(&l).bytes, 160);
    wr_leaks_fini(&l);
}
END_TEST

START_TEST(damaged_lists_are_refused_with_a_sentence)
{
    refuse("/nowhere/list", "No such file");
    refuse(write_list(2, 8), "cut off");
    refuse(write_list(0, 8), "too short");
    file.header.magic++;
    refuse(write_list(1, 0), "no list of leaks");
    file.header.magic--;
    file.header.version++;
    refuse(write_list(1, 0), "another version");
    file.header.version--;
    file.header.record_bytes++;
    refuse(write_list(1, 0), "another version");
    file.header.record_bytes--;
    write_list(1, 0);
    file.header.records = WR_LEAKS_MOST + 1;
    FILE *out = fopen(write_list(8, 0), "r+");
    file.header.records = WR_LEAKS_MOST + 1;
    fwrite(&file.header, sizeof file.header, 1, out);
    fclose(out);
    char path[200];
    snprintf(path, sizeof path, "%s/list", dir);
    refuse(path, "damaged");
}
END_TEST

/* --- Suppressions -------------------------------------------------------- */

static struct wr_pattern *
pattern_of(const char *text)
{
    char *pattern, path[200];
    struct wr_pattern *re;

    scratch_file("supp", text);
    snprintf(path, sizeof path, "%s/supp", dir);
    ck_assert_msg(wr_suppress_read(&pattern, path, why, sizeof why) == 0, "%s",
                  why);
    if (pattern == NULL)
        return NULL;
    ck_assert_msg(wr_pattern_new(&re, pattern, why, sizeof why) == 0, "%s",
                  why);
    free(pattern);
    return re;
}

START_TEST(suppressions_are_parts_of_names_with_stars_and_ends)
{
    struct wr_pattern *re = pattern_of("# known\n"
                                       "leak:gtk_\n"
                                       "  leak:^main$ \n"
                                       "\n"
                                       "leak:lib*.so.1\n"
                                       "leak:operator[]\n");

    ck_assert(wr_pattern_matches(re, "my_gtk_init"));
    ck_assert(wr_pattern_matches(re, "main"));
    ck_assert(!wr_pattern_matches(re, "main2"));
    ck_assert(wr_pattern_matches(re, "/usr/lib/libx.so.1"));
    ck_assert(!wr_pattern_matches(re, "/usr/lib/libxyso1"));
    ck_assert(wr_pattern_matches(re, "T::operator[](int)"));
    ck_assert(!wr_pattern_matches(re, "known"));
    wr_pattern_free(re);
}
END_TEST

START_TEST(a_file_without_suppressions_suppresses_nothing)
{
    ck_assert_ptr_null(pattern_of("# none\n\n"));
    ck_assert_ptr_null(pattern_of(""));
}
END_TEST

START_TEST(other_lines_are_refused_with_their_number)
{
    char *pattern, path[200];

    scratch_file("supp", "leak:x\nrace:y\n");
    snprintf(path, sizeof path, "%s/supp", dir);
    ck_assert_int_eq(wr_suppress_read(&pattern, path, why, sizeof why), -1);
    ck_assert_ptr_nonnull(strstr(why, "supp:2: a suppression is like"));
    scratch_file("supp", "leak:\n");
    ck_assert_int_eq(wr_suppress_read(&pattern, path, why, sizeof why), -1);
    ck_assert_int_eq(
        wr_suppress_read(&pattern, "/nowhere/supp", why, sizeof why), -1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("analyse/leaks");
    TCase *t = tcase_create("leaks");

    tcase_add_checked_fixture(t, begin, teardown);
    tcase_add_test(t, a_list_is_read_as_it_was_written);
    tcase_add_test(t, damaged_lists_are_refused_with_a_sentence);
    tcase_add_test(t, suppressions_are_parts_of_names_with_stars_and_ends);
    tcase_add_test(t, a_file_without_suppressions_suppresses_nothing);
    tcase_add_test(t, other_lines_are_refused_with_their_number);
    suite_add_tcase(s, t);
    return unit_main(s);
}
