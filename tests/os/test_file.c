/* Files: the region's, and small ones to read. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "os/os.h"

enum { PAGE = 4096 };

static char directory[64], path[128], other[128];

static void
setup(void)
{
    strcpy(directory, "/tmp/weir-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/file", directory);
    snprintf(other, sizeof other, "%s/other", directory);
}

static void
teardown(void)
{
    unlink(path);
    unlink(other);
    rmdir(directory);
}

static void
write_file(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void
assert_holds(const char *name, const char *text)
{
    char buf[64] = "";

    ck_assert_int_eq(wr_os_read_file(name, buf, sizeof buf),
                     (long)strlen(text));
    ck_assert_str_eq(buf, text);
}

static void *
map_new_file(const char *name, size_t bytes)
{
    int fd = wr_os_new_file(name, bytes);
    void *p = fd < 0 ? NULL : wr_os_map_file(fd, bytes, NULL);

    if (fd >= 0)
        wr_os_close(fd);
    return p;
}

START_TEST(a_new_file_is_private_whole_and_shared_with_its_mapping)
{
    struct stat st;
    char *p, buf[3];
    int fd;

    umask(0);
    p = map_new_file(path, 10 * PAGE);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
    ck_assert_int_eq(st.st_size, 10 * PAGE);
    ck_assert_int_eq(p[10 * PAGE - 1], 0);
    memcpy(p + 5000, "abc", 3);
    fd = open(path, O_RDONLY);
    ck_assert_int_eq(pread(fd, buf, 3, 5000), 3);
    ck_assert_mem_eq(buf, "abc", 3);
    close(fd);
}
END_TEST

/* As a region is on a disk: mostly holes, a page written here and there. */
START_TEST(what_is_written_is_all_that_a_mapped_file_takes)
{
    enum { BYTES = 32 << 20, PAGES = BYTES / PAGE };
    static unsigned char there[PAGES];
    int present = 0;
    char *p = map_new_file(path, BYTES);

    ck_assert_ptr_nonnull(p);
    ck_assert(wr_os_populate(p, 2 * PAGE));
    p[5000 * PAGE] = 1;
    ck_assert_int_eq(mincore(p, BYTES, there), 0);
    for (int i = 0; i < PAGES; i++)
        present += there[i] & 1;
    ck_assert_int_ge(present, 3);
    ck_assert_int_le(present, 16);
}
END_TEST

START_TEST(an_existing_file_is_refused_and_untouched)
{
    write_file(path, "mine");
    errno = 77;
    ck_assert_ptr_null(map_new_file(path, PAGE));
    ck_assert_int_eq(errno, 77);
    assert_holds(path, "mine");
}
END_TEST

START_TEST(symbolic_links_are_not_followed)
{
    ck_assert_int_eq(symlink(other, path), 0); /* to nothing */
    ck_assert_ptr_null(map_new_file(path, PAGE));
    ck_assert_int_ne(access(other, F_OK), 0);
    write_file(other, "theirs");
    ck_assert_ptr_null(map_new_file(path, PAGE));
    assert_holds(other, "theirs");
}
END_TEST

START_TEST(one_mapping_takes_the_place_of_another)
{
    char *file = map_new_file(path, 4 * PAGE);
    char *memory = wr_os_map(4 * PAGE), buf[3];
    int fd;

    memcpy(memory, "old", 3);
    memcpy(file, "new", 3);
    ck_assert(wr_os_replace(file, memory, 4 * PAGE));
    ck_assert_mem_eq(memory, "new", 3);
    memcpy(memory + PAGE, "abc", 3);
    fd = open(path, O_RDONLY);
    ck_assert_int_eq(pread(fd, buf, 3, PAGE), 3);
    ck_assert_mem_eq(buf, "abc", 3);
    close(fd);
    ck_assert(!wr_os_release(file, PAGE)); /* nothing is mapped there */
}
END_TEST

START_TEST(populated_pages_keep_what_they_hold)
{
    char *p = map_new_file(path, 4 * PAGE);
    struct stat st;

    p[PAGE] = 'x';
    ck_assert(wr_os_populate(p, 4 * PAGE));
    ck_assert_int_eq(p[PAGE], 'x');
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_ge(st.st_blocks, 4 * PAGE / 512);
}
END_TEST

/* A file system of 64 KiB that only this process sees. */
static bool
mount_tiny(const char *at)
{
    return unshare(CLONE_NEWNS) == 0 &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tiny", at, "tmpfs", 0, "size=64k") == 0;
}

START_TEST(pages_a_full_file_system_lacks_are_refused_not_fatal)
{
    char *p;

    if (!mount_tiny(directory)) {
        unit_skip("no right to mount a file system of its own");
        return;
    }
    p = map_new_file(path, 100 * PAGE);
    ck_assert_ptr_nonnull(p);
    ck_assert(wr_os_populate(p, 4 * PAGE));
    ck_assert(!wr_os_populate(p + 4 * PAGE, 96 * PAGE));
    memset(p, 1, 4 * PAGE);
    ck_assert_int_eq(umount2(directory, MNT_DETACH), 0);
}
END_TEST

/* ---- reading and writing ---- */

START_TEST(files_are_read_as_far_as_the_buffer_goes)
{
    char buf[4] = "###";

    write_file(path, "abcdef");
    ck_assert_int_eq(wr_os_read_file(path, buf, 3), 3);
    ck_assert_str_eq(buf, "abc");
    write_file(path, "");
    ck_assert_int_eq(wr_os_read_file(path, buf, 3), 0);
    ck_assert_int_eq(wr_os_read_file(directory, buf, 3), -1);
    ck_assert_int_eq(wr_os_read_file(other, buf, 3), -1);
}
END_TEST

enum { MUCH = 1 << 20 };

static void *
read_slowly(void *arg)
{
    static char got[MUCH];
    size_t len = 0;
    ssize_t n;

    while ((n = read(*(int *)arg, got + len, 10000)) > 0)
        len += (size_t)n;
    for (size_t i = 0; i < len; i++)
        if (got[i] != (char)(i * 7))
            return NULL;
    return (void *)len;
}

START_TEST(all_is_written_however_little_goes_at_a_time)
{
    static char much[MUCH];
    pthread_t t;
    void *len;
    int fd[2];

    for (size_t i = 0; i < MUCH; i++)
        much[i] = (char)(i * 7);
    ck_assert_int_eq(pipe(fd), 0);
    pthread_create(&t, NULL, read_slowly, &fd[0]);
    wr_os_write(fd[1], much, MUCH);
    close(fd[1]);
    pthread_join(t, &len);
    ck_assert_uint_eq((size_t)len, MUCH);
}
END_TEST

START_TEST(what_cannot_be_written_is_dropped)
{
    errno = 77;
    wr_os_write(-1, "lost", 4);
    ck_assert_int_eq(errno, 77);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("os/file");
    TCase *t = tcase_create("file");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_new_file_is_private_whole_and_shared_with_its_mapping);
    tcase_add_test(t, what_is_written_is_all_that_a_mapped_file_takes);
    tcase_add_test(t, an_existing_file_is_refused_and_untouched);
    tcase_add_test(t, symbolic_links_are_not_followed);
    tcase_add_test(t, one_mapping_takes_the_place_of_another);
    tcase_add_test(t, populated_pages_keep_what_they_hold);
    tcase_add_test(t, pages_a_full_file_system_lacks_are_refused_not_fatal);
    tcase_add_test(t, files_are_read_as_far_as_the_buffer_goes);
    tcase_add_test(t, all_is_written_however_little_goes_at_a_time);
    tcase_add_test(t, what_cannot_be_written_is_dropped);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(suite());
}
