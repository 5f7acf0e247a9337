/* Names on disk: kept, found again, and never believed when damaged. */
#include "analyse/symbol_cache.h"
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define ID "0123456789abcdef0123456789abcdef01234567"

static char home[] = "/tmp/weir-test-XXXXXX";
static char directory[64], file[160];
static struct wr_cache *kept;
static struct wr_frame f[WR_DWARF_FRAMES];

static const struct wr_code_segment segments[] = {{0x1000, 0x500, 0x401000},
                                                  {0x8000, 0x100, 0x601000}};
static const struct wr_frame frames[] = {
    {"inner", "_Z5innerv", "/src/a.c", 10, 4},
    {"outer", "_Z5outerv", "/src/b.c", 20, 14},
    {"alone", "alone", "", 0, 1},
};

static void
setup(void)
{
    strcpy(home + strlen(home) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    setenv("XDG_CACHE_HOME", home, 1);
    snprintf(directory, sizeof directory, "%s/weir", home);
    snprintf(file, sizeof file, "%s/%s.names", directory, ID);
    kept = NULL;
}

static void
teardown(void)
{
    char command[160];
    wr_cache_free(kept);
    snprintf(command, sizeof command, "rm -rf '%s'", home);
    ck_assert_int_eq(system(command), 0);
}

static void
save(const struct wr_cache *old, struct wr_place *places, uint32_t count)
{
    struct wr_found found = {segments, places, 2, count};
    wr_cache_save(ID, old, &found);
}

/* Three places: two frames, one, and none. */
static void
save_three(void)
{
    struct wr_place places[] = {
        {0x601010, NULL, 0}, {0x401100, frames, 2}, {0x401200, frames + 2, 1}};
    save(NULL, places, 3);
}

static void
assert_frame(const struct wr_frame *got, const struct wr_frame *wanted)
{
    ck_assert_str_eq(got->name, wanted->name);
    ck_assert_str_eq(got->system_name, wanted->system_name);
    ck_assert_str_eq(got->file, wanted->file);
    ck_assert_int_eq(got->line, wanted->line);
    ck_assert_uint_eq(got->entry, wanted->entry);
}

/* ---- kept and found ---- */

START_TEST(what_was_saved_is_there_again)
{
    save_three();
    kept = wr_cache_load(ID);
    ck_assert_ptr_nonnull(kept);
    ck_assert_int_eq(wr_cache_frames(kept, 0x401100, f), 2);
    assert_frame(&f[0], &frames[0]);
    assert_frame(&f[1], &frames[1]);
    ck_assert_int_eq(wr_cache_frames(kept, 0x401200, f), 1);
    assert_frame(&f[0], &frames[2]);
    ck_assert_int_eq(wr_cache_frames(kept, 0x601010, f), 0);
    ck_assert_int_eq(wr_cache_frames(kept, 0x401101, f), -1);
    ck_assert_int_eq(wr_cache_frames(kept, 0, f), -1);
    ck_assert_int_eq(wr_cache_frames(kept, UINT64_MAX, f), -1);
}
END_TEST

START_TEST(offsets_of_code_have_addresses_without_the_file)
{
    save_three();
    kept = wr_cache_load(ID);
    ck_assert_uint_eq(wr_cache_address(kept, 0x1010), 0x401010);
    ck_assert_uint_eq(wr_cache_address(kept, 0x80ff), 0x6010ff);
    ck_assert_uint_eq(wr_cache_address(kept, 0x1500), 0);
    ck_assert_uint_eq(wr_cache_address(kept, 0), 0);
}
END_TEST

START_TEST(new_places_are_added_to_the_old)
{
    struct wr_frame other = {"changed", "changed", "", 0, 0};
    struct wr_place more[] = {{0x401180, frames + 2, 1}, {0x401200, &other, 1}};
    save_three();
    kept = wr_cache_load(ID);
    save(kept, more, 2);
    wr_cache_free(kept);
    kept = wr_cache_load(ID);
    ck_assert_int_eq(wr_cache_frames(kept, 0x401100, f), 2);
    assert_frame(&f[1], &frames[1]);
    ck_assert_int_eq(wr_cache_frames(kept, 0x401180, f), 1);
    assert_frame(&f[0], &frames[2]);
    ck_assert_int_eq(wr_cache_frames(kept, 0x401200, f), 1);
    ck_assert_str_eq(f[0].name, "changed");
    ck_assert_int_eq(wr_cache_frames(kept, 0x601010, f), 0);
}
END_TEST

START_TEST(thousands_of_places_are_all_found)
{
    static struct wr_place many[20000];
    for (uint32_t i = 0; i < 20000; i++)
        many[i] = (struct wr_place){0x401000 + (uint64_t)(i * 7919 % 20000),
                                    frames + i % 3, 1};
    save(NULL, many, 20000); /* it sorts them */
    kept = wr_cache_load(ID);
    ck_assert_ptr_nonnull(kept);
    for (uint32_t i = 0; i < 20000; i++) {
        uint64_t address = 0x401000 + (uint64_t)(i * 7919 % 20000);
        ck_assert_int_eq(wr_cache_frames(kept, address, f), 1);
        ck_assert_str_eq(f[0].name, frames[i % 3].name);
    }
}
END_TEST

START_TEST(only_the_user_can_read_it)
{
    struct stat st;
    save_three();
    ck_assert_int_eq(stat(directory, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    ck_assert_int_eq(stat(file, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

/* ---- not there, not ours, not whole ---- */

START_TEST(what_was_not_saved_is_not_there)
{
    ck_assert_ptr_null(wr_cache_load(ID));
    save_three();
    ck_assert_ptr_null(wr_cache_load("ffffffffffffffff"));
}
END_TEST

START_TEST(what_is_no_build_id_is_no_file)
{
    static const char *const ids[] = {
        "",    "../../etc/passwd", "/etc/passwd",
        "abc", "0123456789ABCDEF", "0123456789abcde/"};
    struct wr_found found = {segments, NULL, 2, 0};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        wr_cache_save(ids[i], NULL, &found);
        ck_assert_ptr_null(wr_cache_load(ids[i]));
    }
    ck_assert_int_ne(access(directory, F_OK), 0);
}
END_TEST

START_TEST(a_directory_that_others_may_write_to_is_not_used)
{
    save_three();
    ck_assert_int_eq(chmod(directory, 0777), 0);
    ck_assert_ptr_null(wr_cache_load(ID));
    ck_assert_int_eq(chmod(directory, 0700), 0);
    kept = wr_cache_load(ID);
    ck_assert_ptr_nonnull(kept);
}
END_TEST

START_TEST(without_a_place_for_it_nothing_is_kept)
{
    setenv("XDG_CACHE_HOME", "/dev/null", 1);
    save_three();
    ck_assert_ptr_null(wr_cache_load(ID));
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    save_three();
    ck_assert_ptr_null(wr_cache_load(ID));
    setenv("HOME", home, 1);
    save_three();
    kept = wr_cache_load(ID);
    ck_assert_ptr_nonnull(kept);
}
END_TEST

static size_t
read_kept(unsigned char *bytes, size_t room)
{
    FILE *in = fopen(file, "r");
    ck_assert_ptr_nonnull(in);
    size_t n = fread(bytes, 1, room, in);
    fclose(in);
    return n;
}

static void
write_kept(const unsigned char *bytes, size_t n)
{
    FILE *out = fopen(file, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, n, out), n);
    fclose(out);
}

START_TEST(a_file_cut_short_is_none)
{
    unsigned char bytes[4096];
    save_three();
    size_t n = read_kept(bytes, sizeof bytes);
    for (size_t cut = 0; cut < n; cut++) {
        write_kept(bytes, cut);
        ck_assert_ptr_null(wr_cache_load(ID));
    }
    bytes[n] = 0;
    write_kept(bytes, n + 1);
    ck_assert_ptr_null(wr_cache_load(ID));
}
END_TEST

START_TEST(a_file_with_any_bit_changed_is_none)
{
    unsigned char bytes[4096];
    save_three();
    size_t n = read_kept(bytes, sizeof bytes);
    for (size_t i = 0; i < 8 * n; i++) {
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
        write_kept(bytes, n);
        ck_assert_ptr_null(wr_cache_load(ID));
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
    }
}
END_TEST

/* Two symbolisers of one program save at once: whole files, one of them. */
START_TEST(two_writers_do_no_harm)
{
    for (int who = 0; who < 2; who++)
        if (fork() == 0) {
            for (int i = 0; i < 200; i++)
                save_three();
            _exit(0);
        }
    for (int i = 0; i < 400; i++) {
        struct wr_cache *c = wr_cache_load(ID);
        if (c)
            ck_assert_int_eq(wr_cache_frames(c, 0x401100, f), 2);
        wr_cache_free(c);
    }
    wait(NULL);
    wait(NULL);
    kept = wr_cache_load(ID);
    ck_assert_ptr_nonnull(kept);
}
END_TEST

/* ---- how much there is ---- */

static off_t
bytes_kept(void)
{
    off_t bytes = 0;
    struct stat st;
    DIR *d = opendir(directory);
    for (struct dirent *e; (e = readdir(d));)
        if (fstatat(dirfd(d), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            bytes += st.st_size;
    closedir(d);
    return bytes;
}

START_TEST(what_was_not_used_for_longest_goes_first)
{
    save_three();
    for (int i = 0; i < 20; i++) {
        char path[160];
        struct timespec then[2] = {{1000 + i, 0}, {1000 + i, 0}};
        snprintf(path, sizeof path, "%s/%016x.names", directory, i);
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        ck_assert_int_eq(ftruncate(fd, WR_CACHE_MAX / 16), 0);
        ck_assert_int_eq(futimens(fd, then), 0);
        close(fd);
    }
    struct wr_place more = {0x401180, frames, 1};
    save(NULL, &more, 1);
    ck_assert_int_le(bytes_kept(), WR_CACHE_MAX);
    char oldest[160], youngest[160];
    snprintf(oldest, sizeof oldest, "%s/%016x.names", directory, 0);
    snprintf(youngest, sizeof youngest, "%s/%016x.names", directory, 19);
    ck_assert_int_ne(access(oldest, F_OK), 0);
    ck_assert_int_eq(access(youngest, F_OK), 0);
    kept = wr_cache_load(ID);
    ck_assert_ptr_nonnull(kept);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/symbol_cache");
    TCase *tests = tcase_create("symbol_cache");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_was_saved_is_there_again);
    tcase_add_test(tests, offsets_of_code_have_addresses_without_the_file);
    tcase_add_test(tests, new_places_are_added_to_the_old);
    tcase_add_test(tests, thousands_of_places_are_all_found);
    tcase_add_test(tests, only_the_user_can_read_it);
    tcase_add_test(tests, what_was_not_saved_is_not_there);
    tcase_add_test(tests, what_is_no_build_id_is_no_file);
    tcase_add_test(tests, a_directory_that_others_may_write_to_is_not_used);
    tcase_add_test(tests, without_a_place_for_it_nothing_is_kept);
    tcase_add_test(tests, a_file_cut_short_is_none);
    tcase_add_test(tests, a_file_with_any_bit_changed_is_none);
    tcase_add_test(tests, two_writers_do_no_harm);
    tcase_add_test(tests, what_was_not_used_for_longest_goes_first);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
