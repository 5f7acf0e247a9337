/* The region's writer: its file, what is in it, and who has which.
 *
 * Some tests run this program again ("region DIR" as arguments): what exec
 * leaves behind needs an exec.
 */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "os/os.h"
#include "region/counters.h"
#include "region/read.h"
#include "region/region.h"

static char directory[128];

static const uint32_t class_bytes[] = {0, 16, 32, 48};
static struct wr_region_options options = {.keep = true,
                                           .sample_rate = 512,
                                           .page_bytes = 8192,
                                           .class_bytes = class_bytes,
                                           .class_count = 4};

static void
start_in(const char *dir)
{
    options.dir = dir;
    wr_region_start(&options);
    ck_assert_ptr_nonnull(wr_region);
}

static void
setup(void)
{
    strcpy(directory, "/tmp/weir-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void
each_file(void (*visit)(const char *))
{
    DIR *d = opendir(directory);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.')
            visit(e->d_name);
    if (d != NULL)
        closedir(d);
}

static unsigned files;

static void
count_file(const char *name)
{
    (void)name;
    files++;
}

static unsigned
count_files(void)
{
    files = 0;
    each_file(count_file);
    return files;
}

static void
remove_file(const char *name)
{
    char file[400];

    snprintf(file, sizeof file, "%s/%s", directory, name);
    unlink(file);
}

static void
teardown(void)
{
    each_file(remove_file);
    rmdir(directory);
}

static const char *
file_of(pid_t pid)
{
    static char file[200];

    snprintf(file, sizeof file, "%s/%d.weir", directory, (int)pid);
    return file;
}

static void
open_view(struct wr_region_view *v, const char *file)
{
    char why[200] = "";

    if (wr_region_open(v, file, why, sizeof why) != 0)
        ck_abort_msg("%s: %s", file, why);
}

static void
expect_exit(pid_t pid, int code)
{
    int status;

    ck_assert_int_ge(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == code,
                  "status %#x", (unsigned)status);
}

/* ---- the file ---- */

START_TEST(the_file_is_named_by_the_process_and_private)
{
    struct stat st;

    umask(0);
    start_in(directory);
    ck_assert_str_eq(wr_region_path(), file_of(getpid()));
    ck_assert_int_eq(stat(wr_region_path(), &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
    ck_assert_uint_eq((uint64_t)st.st_size, wr_region->region_bytes);
    ck_assert_uint_eq(count_files(), 1);
    /* Sparse: what is not used costs nothing. */
    ck_assert_int_lt(st.st_blocks * 512, 512 << 10);
}
END_TEST

START_TEST(the_header_describes_program_and_heap)
{
    struct wr_region_view v;
    char exe[512];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    uint64_t before = wr_os_realtime();

    exe[n] = '\0';
    start_in(directory);
    open_view(&v, wr_region_path());
    ck_assert_uint_eq(v.header->version, WR_REGION_VERSION);
    ck_assert_uint_eq(v.header->header_bytes, sizeof *v.header);
    ck_assert_uint_eq(v.header->state, WR_REGION_LIVE);
    ck_assert_uint_eq(v.header->pid, (uint32_t)getpid());
    ck_assert_uint_eq(v.header->ppid, (uint32_t)getppid());
    ck_assert_uint_eq(v.header->forked_from, 0);
    ck_assert_uint_eq(v.header->uid, geteuid());
    ck_assert_uint_eq(v.header->frame_max, WR_STACK_FRAMES);
    ck_assert(before <= v.header->start_ns &&
              v.header->start_ns <= wr_os_realtime());
    ck_assert_uint_le(v.header->start_mono_ns, wr_os_monotonic());
    ck_assert_uint_eq(v.header->end_ns, 0);
    ck_assert_uint_eq(v.header->sample_rate, 512);
    ck_assert_uint_eq(v.header->page_bytes, 8192);
    ck_assert_uint_eq(v.header->class_count, 4);
    ck_assert_uint_eq(v.header->class_bytes[3], 48);
    ck_assert_uint_eq(v.header->capture_ready, 0);
    ck_assert_uint_ne(v.header->capture_cookie, 0);
    ck_assert_str_eq(v.header->exe, exe);
    ck_assert_str_eq(v.header->weir_version, WEIR_VERSION);
    ck_assert(wr_view_alive(&v));
}
END_TEST

START_TEST(tables_lie_apart_and_inside_the_file)
{
    uint64_t end = sizeof *wr_region;

    start_in(directory);
    for (unsigned t = WR_TABLE_THREADS; t <= WR_TABLE_METERS; t++) {
        struct wr_table *table = &wr_region->table[t];

        ck_assert_uint_eq(table->offset % 4096, 0);
        ck_assert_uint_ge(table->offset, end);
        ck_assert_uint_gt(table->capacity, 0);
        end = table->offset + (uint64_t)table->stride * table->capacity;
        ck_assert_uint_eq(table->used, t == WR_TABLE_STACKS);
    }
    ck_assert_uint_le(end, wr_region->region_bytes);
    for (unsigned t = WR_TABLE_METERS + 1; t < WR_TABLE_COUNT; t++)
        ck_assert_uint_eq(wr_region->table[t].capacity, 0);
}
END_TEST

START_TEST(counters_from_before_the_region_go_on_in_it)
{
    wr_count_add(heap_inuse, 77);
    start_in(directory);
    ck_assert_ptr_eq(wr_counters, &wr_region->counters);
    wr_count_add(heap_inuse, 1);
    ck_assert_uint_eq(wr_region->counters.heap_inuse, 78);
    ck_assert_uint_gt(wr_region->counters.profile_sys, 0);
}
END_TEST

START_TEST(arguments_are_kept_and_cut)
{
    char *few[] = {"program", "", "last one", NULL};
    char *many[300], word[] = "ten bytes";

    wr_region_set_cmdline(3, few); /* no region yet */
    start_in(directory);
    wr_region_set_cmdline(3, few);
    ck_assert_uint_eq(wr_region->cmdline_bytes, 18);
    ck_assert_mem_eq(wr_region->cmdline, "program\0\0last one", 18);
    for (int i = 0; i < 300; i++)
        many[i] = word;
    wr_region_set_cmdline(300, many);
    ck_assert_uint_eq(wr_region->cmdline_bytes, sizeof wr_region->cmdline);
    ck_assert_mem_eq(wr_region->cmdline + 10, "ten bytes", 10);
    ck_assert_int_eq(wr_region->cmdline[sizeof wr_region->cmdline - 1], 0);
}
END_TEST

START_TEST(errno_is_as_it_was)
{
    errno = 77;
    start_in("/nowhere/at/all");
    ck_assert_int_eq(errno, 77);
}
END_TEST

/* ---- the end ---- */

START_TEST(a_region_in_a_chosen_directory_stays_after_exit)
{
    struct wr_region_view v;
    pid_t pid = fork();

    if (pid == 0) {
        start_in(directory);
        wr_region->capture_ready = 1;
        wr_region_exit();
        _exit(0);
    }
    expect_exit(pid, 0);
    open_view(&v, file_of(pid));
    ck_assert_uint_eq(v.header->state, WR_REGION_EXITED);
    ck_assert_uint_ge(v.header->end_ns, v.header->start_ns);
    ck_assert_uint_eq(v.header->capture_ready, 0);
    ck_assert(!wr_view_alive(&v));
}
END_TEST

START_TEST(a_region_that_nobody_asked_for_goes_at_exit)
{
    options.keep = false;
    start_in(directory);
    ck_assert_uint_eq(count_files(), 1);
    wr_region_exit();
    ck_assert_uint_eq(count_files(), 0);
    ck_assert_uint_eq(wr_region->state, WR_REGION_EXITED);
}
END_TEST

/* vfork, or a fork whose child only calls exit. */
START_TEST(a_child_without_a_region_of_its_own_leaves_the_parents_file)
{
    pid_t pid;

    options.keep = false;
    start_in(directory);
    pid = fork();
    if (pid == 0) {
        wr_region_exit();
        _exit(0);
    }
    expect_exit(pid, 0);
    ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(without_a_region_its_end_is_nothing)
{
    wr_region_exit();
    wr_region_fork_child();
    ck_assert(!wr_region_own());
    ck_assert_ptr_null(wr_region);
    ck_assert_str_eq(wr_region_path(), "");
    ck_assert_ptr_null(wr_region_new_thread());
}
END_TEST

/* ---- the same number again ---- */

static void
write_file(const char *file, const char *text)
{
    FILE *f = fopen(file, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void
assert_other_name(void)
{
    char start[200];

    snprintf(start, sizeof start, "%s/%d-0x", directory, (int)getpid());
    ck_assert_int_eq(strncmp(wr_region_path(), start, strlen(start)), 0);
    ck_assert_ptr_nonnull(strstr(wr_region_path(), WR_REGION_SUFFIX));
}

START_TEST(a_file_that_is_no_region_keeps_its_name)
{
    char buf[8] = "";

    write_file(file_of(getpid()), "mine");
    start_in(directory);
    assert_other_name();
    ck_assert_int_eq(wr_os_read_file(file_of(getpid()), buf, 7), 4);
    ck_assert_str_eq(buf, "mine");
}
END_TEST

START_TEST(a_link_in_the_place_of_the_file_is_not_followed)
{
    char target[200];

    snprintf(target, sizeof target, "%s/target", directory);
    write_file(target, "theirs");
    ck_assert_int_eq(symlink(target, file_of(getpid())), 0);
    start_in(directory);
    assert_other_name();
    ck_assert_uint_eq(count_files(), 3);
}
END_TEST

/* A region of the parent's, made before this child was born, under the
 * number that the child has: as if a number came round again. */
START_TEST(the_region_of_a_dead_process_of_that_number_keeps_its_name)
{
    uint64_t made;
    pid_t pid;

    start_in(directory);
    made = wr_region->start_mono_ns;
    while (wr_os_monotonic() < made + 50000000) /* clock ticks are 10 ms */
        sched_yield();
    pid = fork();
    if (pid == 0) {
        if (rename(wr_region_path(), file_of(getpid())) != 0)
            _exit(1);
        wr_region = NULL;
        start_in(directory);
        assert_other_name();
        _exit(access(file_of(getpid()), F_OK) == 0 ? 0 : 2);
    }
    expect_exit(pid, 0);
    ck_assert_uint_eq(count_files(), 2);
}
END_TEST

static _Noreturn void
run_again(void)
{
    char *argv[] = {"/proc/self/exe", "region", directory, NULL};

    execv(argv[0], argv);
    _exit(99);
}

START_TEST(after_exec_the_new_image_takes_the_name_over)
{
    struct wr_region_view v;
    uint64_t first;
    pid_t pid;

    pid = fork();
    if (pid == 0) {
        start_in(directory);
        wr_region->capture_cookie = 1; /* a mark of the first image's */
        run_again();
    }
    first = wr_os_monotonic();
    expect_exit(pid, 0);
    ck_assert_uint_eq(count_files(), 1);
    open_view(&v, file_of(pid));
    ck_assert_uint_eq(v.header->pid, (uint32_t)pid);
    ck_assert_uint_eq(v.header->forked_from, 0);
    ck_assert_uint_ne(v.header->capture_cookie, 1);
    ck_assert_uint_gt(v.header->start_mono_ns, first / 2);
    ck_assert_uint_eq(v.header->state, WR_REGION_EXITED);
}
END_TEST

/* ---- no file to be had ---- */

static void
assert_private(void)
{
    ck_assert_str_eq(wr_region_path(), "");
    ck_assert_uint_eq(count_files(), 0);
    ck_assert_uint_eq(wr_region->magic, WR_REGION_MAGIC);
    ck_assert_uint_eq(wr_region->state, WR_REGION_LIVE);
    ck_assert_ptr_nonnull(wr_region_new_thread());
    ck_assert_uint_eq(wr_region_used(WR_TABLE_THREADS), 1);
}

START_TEST(under_a_limit_of_file_length_the_region_is_private)
{
    struct rlimit limit = {1 << 20, 1 << 20};

    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    start_in(directory);
    assert_private();
}
END_TEST

START_TEST(a_directory_with_too_long_a_name_is_none)
{
    char name[WR_PATH_MAX + 10];

    memset(name, 'd', sizeof name);
    name[sizeof name - 1] = '\0';
    start_in(name);
    assert_private();
}
END_TEST

START_TEST(without_memory_there_is_no_region_and_nothing_breaks)
{
    struct wr_region_options o = {.dir = "/nowhere/at/all"};
    struct wr_counters *before = wr_counters;

    wr_os_fail_after(1, true);
    wr_region_start(&o);
    ck_assert_ptr_null(wr_region);
    ck_assert_ptr_eq(wr_counters, before);
    wr_count_add(forks, 1);
    wr_region_exit();
}
END_TEST

START_TEST(a_file_that_cannot_be_mapped_is_replaced_by_memory)
{
    wr_os_fail_after(1, false);
    start_in(directory);
    assert_private();
}
END_TEST

static bool
mount_tiny(const char *size)
{
    return unshare(CLONE_NEWNS) == 0 &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tiny", directory, "tmpfs", 0, size) == 0;
}

static void
unmount_tiny(void)
{
    ck_assert_int_eq(umount2(directory, MNT_DETACH), 0);
}

START_TEST(on_a_full_file_system_the_region_is_private)
{
    static const char *const size[] = {"size=4k", "size=8k", "size=16k"};

    if (!mount_tiny(size[_i])) {
        unit_skip("no right to mount a file system of its own");
        return;
    }
    start_in(directory);
    assert_private();
    unmount_tiny();
}
END_TEST

/* Room for the first pages of each table, and not for many more. */
START_TEST(when_the_file_system_fills_up_tables_take_no_more)
{
    unsigned n = 0;

    if (!mount_tiny("size=128k")) {
        unit_skip("no right to mount a file system of its own");
        return;
    }
    start_in(directory);
    ck_assert_str_ne(wr_region_path(), "");
    while (wr_region_new_thread() != NULL)
        n++;
    ck_assert_uint_gt(n, 1);
    ck_assert_uint_lt(n, wr_region->table[WR_TABLE_THREADS].capacity);
    ck_assert_uint_eq(wr_region_used(WR_TABLE_THREADS), n);
    unmount_tiny();
}
END_TEST

/* ---- tables ---- */

START_TEST(a_full_table_answers_NULL_and_keeps_what_it_has)
{
    static const enum wr_table_id ids[] = {WR_TABLE_MODULES, WR_TABLE_BUCKETS};
    void *(*const make[])(void) = {(void *(*)(void))wr_region_new_module,
                                   (void *(*)(void))wr_region_new_bucket};

    start_in(directory);
    for (unsigned k = 0; k < 2; k++) {
        uint64_t capacity = wr_region->table[ids[k]].capacity;

        for (uint64_t i = 0; i < capacity; i++) {
            void *entry = make[k]();

            ck_assert_ptr_eq(entry, wr_region_entry(ids[k], i));
            wr_region_publish(ids[k], i + 1);
        }
        ck_assert_ptr_null(make[k]());
        ck_assert_uint_eq(wr_region_used(ids[k]), capacity);
    }
}
END_TEST

START_TEST(an_entry_not_published_is_given_again)
{
    struct wr_bucket *first;
    uint32_t number, again;

    start_in(directory);
    first = wr_region_new_bucket();
    ck_assert_ptr_eq(wr_region_new_bucket(), first);
    ck_assert_uint_eq(wr_region_used(WR_TABLE_BUCKETS), 0);
    ck_assert_ptr_nonnull(wr_region_new_stack(5, &number));
    ck_assert_ptr_nonnull(wr_region_new_stack(9, &again));
    ck_assert_uint_eq(number, again);
    ck_assert_uint_ne(number, 0);
}
END_TEST

static void *
take_slots(void *arg)
{
    for (int i = 0; i < 100; i++)
        atomic_fetch_add(&wr_region_new_thread()->threads, 1);
    return arg;
}

START_TEST(threads_get_slots_of_their_own)
{
    pthread_t t[8];

    start_in(directory);
    for (int i = 0; i < 8; i++)
        pthread_create(&t[i], NULL, take_slots, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(t[i], NULL);
    ck_assert_uint_eq(wr_region_used(WR_TABLE_THREADS), 800);
    for (uint64_t i = 0; i < 800; i++) {
        struct wr_thread_slot *s = wr_region_entry(WR_TABLE_THREADS, i);

        ck_assert_uint_eq(s->threads, 1);
    }
}
END_TEST

/* ---- fork ---- */

/* What the runtime does in a child, which then needs its region. */
static void
begin_child(void)
{
    wr_region_fork_child();
    wr_region_own();
}

START_TEST(a_childs_region_is_at_the_same_address_and_its_own)
{
    struct wr_thread_slot *slot;
    struct wr_region_view v;
    uint64_t cookie;
    pid_t pid;

    start_in(directory);
    slot = wr_region_new_thread();
    slot->tid = 1000;
    slot->capture_seq = 3; /* being written just now */
    cookie = wr_region->capture_cookie;
    wr_region_fork_before();
    pid = fork();
    if (pid == 0) {
        struct wr_region_header *before = wr_region;

        begin_child();
        if (wr_region != before || slot->tid != 1000 || slot->capture_seq != 0)
            _exit(1);
        slot->tid = 2000;
        wr_count_add(forks, 5);
        wr_region_exit();
        _exit(wr_region->capture_cookie != cookie ? 0 : 2);
    }
    expect_exit(pid, 0);
    ck_assert_uint_eq(slot->tid, 1000);
    ck_assert_uint_eq(wr_region->counters.forks, 0);
    ck_assert_uint_eq(wr_region->state, WR_REGION_LIVE);
    open_view(&v, file_of(pid));
    ck_assert_uint_eq(v.header->forked_from, (uint32_t)getpid());
    ck_assert_uint_eq(v.header->counters.forks, 5);
    ck_assert_uint_eq(wr_view_thread(&v, 0)->tid, 2000);
}
END_TEST

static uint32_t
new_bucket(unsigned allocs, unsigned frees)
{
    uint32_t number = (uint32_t)wr_region_used(WR_TABLE_BUCKETS);

    wr_region_new_bucket()->size = 64;
    wr_region_publish(WR_TABLE_BUCKETS, number + 1);
    for (unsigned i = 0; i < allocs; i++)
        wr_region_add_alloc(number, 64);
    for (unsigned i = 0; i < frees; i++)
        wr_region_add_free(number, 64);
    return number;
}

START_TEST(a_child_has_no_region_before_it_needs_one)
{
    struct wr_region_header *parents;
    pid_t pid;

    start_in(directory);
    wr_region->capture_ready = 1;
    parents = wr_region;
    wr_count_add(heap_inuse, 8192);
    wr_region_fork_before();
    pid = fork();
    if (pid == 0) {
        if (!wr_region_fork_child() || wr_region != NULL ||
            wr_region_lent() != parents || wr_region_path()[0] != '\0' ||
            wr_region_new_thread() != NULL)
            _exit(1);
        wr_count_add(heap_inuse, 4096);
        wr_region_exit();
        _exit(wr_count_get(heap_inuse) == 12288 ? 0 : 2);
    }
    expect_exit(pid, 0);
    ck_assert_uint_eq(count_files(), 1);
    ck_assert_uint_eq(wr_count_get(heap_inuse), 8192);
    ck_assert_uint_eq(wr_region->state, WR_REGION_LIVE);
}
END_TEST

START_TEST(a_child_goes_on_from_what_was_when_it_was_born)
{
    struct wr_region_view v;
    struct wr_bucket_counts c;
    int go[2];
    pid_t pid;

    start_in(directory);
    wr_region->capture_ready = 1;
    new_bucket(10, 4);
    ck_assert_int_eq(pipe(go), 0);
    wr_region_fork_before();
    pid = fork();
    if (pid == 0) {
        char byte;

        if (!wr_region_fork_child())
            _exit(1);
        wr_count_add(forks, 3);
        if (read(go[0], &byte, 1) != 1 || !wr_region_own())
            _exit(2);
        wr_count_add(forks, 4);
        wr_region_add_free(0, 64);
        wr_region_exit();
        _exit(0);
    }
    wr_region_add_alloc(0, 64);
    wr_region_add_free(0, 64);
    new_bucket(7, 7);
    wr_region->sample_rate = 1;
    wr_region->capture_ready = 0;
    ck_assert_int_eq(write(go[1], "", 1), 1);
    expect_exit(pid, 0);
    open_view(&v, file_of(pid));
    ck_assert_uint_eq(wr_view_used(&v, WR_TABLE_BUCKETS), 1);
    wr_bucket_read(wr_view_bucket(&v, 0), &c);
    ck_assert_uint_eq(c.allocs, 10);
    ck_assert_uint_eq(c.frees, 5);
    ck_assert_uint_eq(c.alloc_bytes, 640);
    ck_assert_uint_eq(v.header->counters.forks, 7);
    ck_assert_uint_eq(v.header->sample_rate, 512);
}
END_TEST

START_TEST(a_grandchild_goes_on_where_its_parent_needed_no_region)
{
    struct wr_region_view v;
    pid_t pid, grandchild = 0;
    int tell[2];

    start_in(directory);
    wr_region->capture_ready = 1;
    wr_region_new_thread()->tid = 1000;
    new_bucket(10, 4);
    ck_assert_int_eq(pipe(tell), 0);
    wr_region_fork_before();
    pid = fork();
    if (pid == 0) {
        if (!wr_region_fork_child())
            _exit(1);
        wr_count_add(heap_inuse, 4096);
        wr_region_fork_before();
        grandchild = fork();
        if (grandchild == 0) {
            wr_region_fork_child();
            _exit(wr_region_own() ? 0 : 2);
        }
        expect_exit(grandchild, 0);
        _exit(write(tell[1], &grandchild, sizeof grandchild) > 0 ? 0 : 3);
    }
    expect_exit(pid, 0);
    ck_assert_int_gt(read(tell[0], &grandchild, sizeof grandchild), 0);
    ck_assert_uint_eq(count_files(), 2);
    open_view(&v, file_of(grandchild));
    ck_assert_uint_eq(v.header->forked_from, (uint32_t)pid);
    ck_assert_uint_eq(v.header->counters.heap_inuse, 4096);
    ck_assert_uint_eq(wr_view_bucket(&v, 0)->allocs, 10);
    ck_assert_uint_eq(wr_view_thread(&v, 0)->tid, 1000);
}
END_TEST

/* Its memory is its parent's: what it made would be the parent's. */
START_TEST(a_vfork_child_makes_no_region)
{
    pid_t pid;

    start_in(directory);
    wr_region->capture_ready = 1;
    wr_region_fork_before();
    pid = fork();
    if (pid == 0) {
        volatile bool made = true;
        pid_t inner;

        wr_region_fork_child();
        inner = vfork();
        if (inner == 0) {
            made = wr_region_own();
            _exit(0);
        }
        expect_exit(inner, 0);
        _exit(!made && wr_region_own() ? 0 : 1);
    }
    expect_exit(pid, 0);
    ck_assert_uint_eq(count_files(), 2);
}
END_TEST

static void
fill_in(struct wr_thread_slot *to, const struct wr_thread_slot *at)
{
    to->tid = at->tid + 1;
}

START_TEST(a_child_that_never_needed_a_region_leaves_one_at_its_end)
{
    struct wr_region_view v;
    struct wr_bucket_counts c;
    pid_t pid;

    start_in(directory);
    wr_region->capture_ready = 1;
    wr_region_new_thread()->tid = 1000;
    wr_region_new_thread()->capture_seq = 3;
    for (unsigned i = 0; i < 100; i++)
        new_bucket(i, i / 2);
    wr_region_fork_before();
    pid = fork();
    if (pid == 0) {
        wr_region_fork_child();
        wr_count_add(heap_inuse, 4096);
        _exit(wr_region_leave(fill_in) && !wr_region_leave(fill_in) &&
                      !wr_region_own()
                  ? 0
                  : 1);
    }
    wr_region_add_alloc(7, 64); /* perhaps before the child has left */
    expect_exit(pid, 0);
    open_view(&v, file_of(pid));
    ck_assert_uint_eq(v.header->state, WR_REGION_EXITED);
    ck_assert_uint_ge(v.header->end_ns, v.header->start_ns);
    ck_assert_uint_eq(v.header->pid, (uint32_t)pid);
    ck_assert_uint_eq(v.header->forked_from, (uint32_t)getpid());
    ck_assert_uint_eq(v.header->capture_ready, 0);
    ck_assert_uint_eq(v.header->counters.heap_inuse, 4096);
    ck_assert_uint_eq(wr_view_thread(&v, 0)->tid, 1001);
    ck_assert_uint_eq(wr_view_thread(&v, 1)->capture_seq, 0);
    ck_assert_uint_eq(wr_view_used(&v, WR_TABLE_BUCKETS), 100);
    for (unsigned i = 0; i < 100; i++) {
        wr_bucket_read(wr_view_bucket(&v, i), &c);
        ck_assert_uint_eq(c.allocs, i);
        ck_assert_uint_eq(c.frees, i / 2);
    }
}
END_TEST

START_TEST(a_child_that_nobody_can_ask_does_not_wait)
{
    pid_t pid;

    start_in(directory);
    wr_region_fork_before();
    pid = fork();
    if (pid == 0)
        _exit(wr_region_fork_child() ? 1 : 0);
    expect_exit(pid, 0);
}
END_TEST

START_TEST(a_child_goes_on_making_entries)
{
    struct wr_region_view v;
    pid_t pid;

    start_in(directory);
    for (int i = 0; i < 20; i++)
        wr_region_new_thread()->tid = 1000;
    wr_region_fork_before();
    pid = fork();
    if (pid == 0) {
        begin_child();
        for (int i = 0; i < 100; i++)
            wr_region_new_thread()->tid = 2000;
        _exit(0);
    }
    expect_exit(pid, 0);
    open_view(&v, file_of(pid));
    ck_assert_uint_eq(wr_view_used(&v, WR_TABLE_THREADS), 120);
    for (uint64_t i = 0; i < 120; i++)
        ck_assert_uint_eq(wr_view_thread(&v, i)->tid, i < 20 ? 1000 : 2000);
    ck_assert_uint_eq(wr_region_used(WR_TABLE_THREADS), 20);
}
END_TEST

START_TEST(what_the_parent_does_after_fork_is_not_in_the_childs_region)
{
    struct wr_region_view v;
    int go[2];
    pid_t pid;

    start_in(directory);
    wr_region_new_thread()->tid = 1000;
    wr_count_add(heap_inuse, 8192);
    ck_assert_int_eq(pipe(go), 0);
    wr_region_fork_before();
    pid = fork();
    if (pid == 0) {
        char c;

        if (read(go[0], &c, 1) != 1)
            _exit(1);
        begin_child();
        wr_count_sub(heap_inuse, 8192);
        wr_region_new_thread()->tid = 2000;
        _exit(0);
    }
    for (int i = 0; i < 300; i++)
        wr_region_new_thread()->tid = 3000;
    wr_count_add(heap_inuse, 40960);
    ck_assert_int_eq(write(go[1], "", 1), 1);
    expect_exit(pid, 0);
    open_view(&v, file_of(pid));
    ck_assert_uint_eq(v.header->counters.heap_inuse, 0);
    ck_assert_uint_eq(wr_view_used(&v, WR_TABLE_THREADS), 2);
    ck_assert_uint_eq(wr_view_thread(&v, 1)->tid, 2000);
}
END_TEST

START_TEST(the_child_of_a_private_region_has_a_private_copy)
{
    pid_t pid;

    start_in("/nowhere/at/all");
    wr_region_new_thread()->tid = 1000;
    wr_region_fork_before();
    pid = fork();
    if (pid == 0) {
        struct wr_thread_slot *slot = wr_region_entry(WR_TABLE_THREADS, 0);

        begin_child();
        slot->tid++;
        _exit(wr_region->pid == (uint32_t)getpid() && slot->tid == 1001 ? 0
                                                                        : 1);
    }
    expect_exit(pid, 0);
    ck_assert_uint_eq(wr_region->pid, (uint32_t)getpid());
    ck_assert_uint_eq(
        ((struct wr_thread_slot *)wr_region_entry(WR_TABLE_THREADS, 0))->tid,
        1000);
}
END_TEST

/* The directory is gone, or the system gives no memory: the parent's file is
 * never written to. n: the wish that is refused. */
static void
fork_refused(unsigned n)
{
    uint64_t forks;
    pid_t pid;

    start_in(directory);
    forks = wr_count_get(forks);
    wr_region_fork_before();
    pid = fork();
    if (pid == 0) {
        wr_os_fail_after(n, true);
        begin_child();
        wr_count_add(forks, 1);
        if (wr_region != NULL)
            wr_region->sample_rate = 1;
        wr_region_exit();
        _exit(access(file_of(getpid()), F_OK) != 0 || wr_region != NULL ? 0
                                                                        : 1);
    }
    expect_exit(pid, 0);
    ck_assert_uint_eq(wr_count_get(forks), forks);
    ck_assert_uint_eq(wr_region->sample_rate, 512);
    ck_assert_uint_eq(wr_region->state, WR_REGION_LIVE);
}

START_TEST(a_child_that_gets_no_memory_leaves_the_parents_region_alone)
{
    fork_refused((unsigned)_i);
}
END_TEST

START_TEST(a_child_without_the_directory_has_a_private_region)
{
    char moved[200];
    pid_t pid;
    int status;

    start_in(directory);
    wr_region_new_thread()->tid = 1000;
    snprintf(moved, sizeof moved, "%s-moved", directory);
    ck_assert_int_eq(rename(directory, moved), 0);
    wr_region_fork_before();
    pid = fork();
    if (pid == 0) {
        struct wr_thread_slot *slot = wr_region_entry(WR_TABLE_THREADS, 0);

        begin_child();
        slot->tid++;
        wr_region_exit();
        _exit(wr_region != NULL && wr_region_path()[0] == '\0' &&
                      slot->tid == 1001
                  ? 0
                  : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(rename(moved, directory), 0);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(wr_region->state, WR_REGION_LIVE);
    ck_assert_uint_eq(count_files(), 1);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("region/region");
    TCase *t = tcase_create("region");

    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_file_is_named_by_the_process_and_private);
    tcase_add_test(t, the_header_describes_program_and_heap);
    tcase_add_test(t, tables_lie_apart_and_inside_the_file);
    tcase_add_test(t, counters_from_before_the_region_go_on_in_it);
    tcase_add_test(t, arguments_are_kept_and_cut);
    tcase_add_test(t, errno_is_as_it_was);
    tcase_add_test(t, a_region_in_a_chosen_directory_stays_after_exit);
    tcase_add_test(t, a_region_that_nobody_asked_for_goes_at_exit);
    tcase_add_test(t,
                   a_child_without_a_region_of_its_own_leaves_the_parents_file);
    tcase_add_test(t, without_a_region_its_end_is_nothing);
    tcase_add_test(t, a_file_that_is_no_region_keeps_its_name);
    tcase_add_test(t, a_link_in_the_place_of_the_file_is_not_followed);
    tcase_add_test(t,
                   the_region_of_a_dead_process_of_that_number_keeps_its_name);
    tcase_add_test(t, after_exec_the_new_image_takes_the_name_over);
    tcase_add_test(t, under_a_limit_of_file_length_the_region_is_private);
    tcase_add_test(t, a_directory_with_too_long_a_name_is_none);
    tcase_add_test(t, without_memory_there_is_no_region_and_nothing_breaks);
    tcase_add_test(t, a_file_that_cannot_be_mapped_is_replaced_by_memory);
    tcase_add_loop_test(t, on_a_full_file_system_the_region_is_private, 0, 3);
    tcase_add_test(t, when_the_file_system_fills_up_tables_take_no_more);
    tcase_add_test(t, a_full_table_answers_NULL_and_keeps_what_it_has);
    tcase_add_test(t, an_entry_not_published_is_given_again);
    tcase_add_test(t, threads_get_slots_of_their_own);
    tcase_add_test(t, a_childs_region_is_at_the_same_address_and_its_own);
    tcase_add_test(t, a_child_has_no_region_before_it_needs_one);
    tcase_add_test(t, a_child_goes_on_from_what_was_when_it_was_born);
    tcase_add_test(t, a_grandchild_goes_on_where_its_parent_needed_no_region);
    if (!UNIT_TSAN) /* whose vfork is a fork */
        tcase_add_test(t, a_vfork_child_makes_no_region);
    tcase_add_test(t, a_child_that_never_needed_a_region_leaves_one_at_its_end);
    tcase_add_test(t, a_child_that_nobody_can_ask_does_not_wait);
    tcase_add_test(t, a_child_goes_on_making_entries);
    tcase_add_test(t,
                   what_the_parent_does_after_fork_is_not_in_the_childs_region);
    tcase_add_test(t, the_child_of_a_private_region_has_a_private_copy);
    tcase_add_loop_test(
        t, a_child_that_gets_no_memory_leaves_the_parents_region_alone, 1, 3);
    tcase_add_test(t, a_child_without_the_directory_has_a_private_region);
    suite_add_tcase(s, t);
    return s;
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "region") == 0) {
        options.dir = argv[2];
        wr_region_start(&options);
        wr_region_exit();
        return 0;
    }
    return unit_main(suite());
}
