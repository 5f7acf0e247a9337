/* Writing traces: what was noted is what is read. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "record/writer.h"
#include "serve/scratch.h"

#define WINDOW (1 << 20) /* bytes that a file grows by */

static char path[128];
static struct wr_trace trace;
static char why[200];

static void
begin(void)
{
    setup();
    snprintf(path, sizeof path, "%s/trace", dir);
    setenv(WR_RECORD_VARIABLE, path, 1);
}

static void
end(void)
{
    wr_trace_close(&trace);
    teardown();
}

/* An address of a block that need not be there. */
static const void *
block(uint64_t n)
{
    return (const void *)(uintptr_t)(UINT64_C(0x555500000000) + 16 * n);
}

static void
read_trace(const char *name)
{
    wr_trace_close(&trace);
    ck_assert_msg(wr_trace_open(&trace, name, why, sizeof why) == 0, "%s: %s",
                  name, why);
}

/* How many events the header speaks of. */
static uint64_t
events_of(const char *name)
{
    struct wr_trace_header h;
    int fd = open(name, O_RDONLY | O_CLOEXEC);

    ck_assert_int_eq(read(fd, &h, sizeof h), (ssize_t)sizeof h);
    close(fd);
    return h.events;
}

/* Is the file mapped? */
static bool
is_mapped(const char *name)
{
    char line[600];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");

    while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
        found |= strstr(line, name) != NULL;
    if (maps != NULL)
        fclose(maps);
    return found;
}

static const char *
later_path(pid_t pid, const char *number)
{
    static char later[200];

    snprintf(later, sizeof later, "%s.%d%s", path, (int)pid, number);
    return later;
}

static void
expect(size_t i, enum wr_step_kind kind, uint64_t bytes)
{
    ck_assert_uint_lt(i, trace.steps);
    ck_assert_uint_eq(trace.step[i].kind, kind);
    ck_assert_uint_eq(trace.step[i].bytes, bytes);
}

/* The same, cheaply: an assertion writes to a pipe each time. */
static bool
is_step(size_t i, enum wr_step_kind kind, uint64_t bytes)
{
    return i < trace.steps && trace.step[i].kind == kind &&
           trace.step[i].bytes == bytes;
}

static void
expect_end(pid_t pid, int status)
{
    int how;

    ck_assert_int_eq(waitpid(pid, &how, 0), pid);
    ck_assert_int_eq(how, status);
}

/* --- What is written ------------------------------------------------------ */

START_TEST(what_was_noted_is_read_back)
{
    char self[256] = "";

    wr_writer_birth(WR_TRACE_MALLOC, 100, 0, block(0));
    wr_writer_birth(WR_TRACE_CALLOC, 0, 0, block(1000000));
    wr_writer_birth(WR_TRACE_ALIGNED, 1 << 30, 12, block(500));
    wr_writer_move_from(block(0));
    wr_writer_move_to(300, block(7));
    wr_writer_move_from(block(7));
    wr_writer_move_to(0, block(7)); /* it failed */
    wr_writer_free(block(500));
    read_trace(path);
    ck_assert_uint_eq(trace.steps, 5);
    expect(0, WR_STEP_MALLOC, 100);
    expect(1, WR_STEP_CALLOC, 0);
    expect(2, WR_STEP_ALIGNED, 1 << 30);
    ck_assert_uint_eq(trace.step[2].align_log2, 12);
    expect(3, WR_STEP_REALLOC, 300);
    ck_assert_uint_eq(trace.step[3].slot, trace.step[0].slot);
    expect(4, WR_STEP_FREE, 0);
    ck_assert_uint_eq(trace.step[4].slot, trace.step[2].slot);
    ck_assert_uint_eq(trace.strangers, 0);
    ck_assert_uint_eq(events_of(path), 8);
    ck_assert_uint_eq(trace.pid, (uint32_t)getpid());
    ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof self - 1), 0);
    ck_assert_int_eq(strncmp(trace.program, self, sizeof trace.program - 1), 0);
}
END_TEST

START_TEST(no_block_is_no_event)
{
    wr_writer_birth(WR_TRACE_MALLOC, 100, 0, NULL);
    wr_writer_free(NULL);
    ck_assert_int_ne(access(path, F_OK), 0);
    wr_writer_birth(WR_TRACE_MALLOC, 100, 0, block(0));
    wr_writer_free(NULL);
    read_trace(path);
    ck_assert_uint_eq(trace.steps, 1);
}
END_TEST

START_TEST(errno_is_left_alone)
{
    setenv(WR_RECORD_VARIABLE, "/nowhere/trace", 1);
    errno = EXDEV;
    wr_writer_birth(WR_TRACE_MALLOC, 100, 0, block(0));
    ck_assert_int_eq(errno, EXDEV);
}
END_TEST

/* Random events, more than one window holds, and what a reader must see. */
START_TEST(long_traces_come_back_whole)
{
    enum { BLOCKS = 1000, EVENTS = 400000 };
    static uint64_t size_of[BLOCKS]; /* + 1; 0: not alive */
    static struct {
        enum wr_step_kind kind;
        uint64_t bytes;
    } noted[EVENTS];
    uint64_t chance = unit_seed("writer");
    struct stat st;

    for (size_t i = 0; i < EVENTS; i++) {
        uint64_t b = unit_below(&chance, BLOCKS);
        uint64_t bytes = unit_chance(&chance) >> (17 + unit_below(&chance, 47));

        if (size_of[b] == 0) {
            wr_writer_birth(WR_TRACE_MALLOC, bytes, 0, block(b));
            noted[i].kind = WR_STEP_MALLOC;
        } else if (bytes % 4 == 1) {
            wr_writer_move_from(block(b));
            wr_writer_move_to(bytes, block(b));
            noted[i].kind = WR_STEP_REALLOC;
        } else {
            wr_writer_free(block(b));
            noted[i].kind = WR_STEP_FREE;
            bytes = 0;
        }
        noted[i].bytes = bytes;
        size_of[b] = noted[i].kind == WR_STEP_FREE ? 0 : bytes + 1;
    }
    read_trace(path);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_gt(st.st_size, 2 * WINDOW);
    ck_assert_uint_eq(trace.steps, EVENTS);
    for (size_t i = 0; i < EVENTS; i++)
        if (!is_step(i, noted[i].kind, noted[i].bytes))
            expect(i, noted[i].kind, noted[i].bytes);
}
END_TEST

enum { THREADS = 4, EACH = 10000 };

/* Sizes tell whose a block is. */
static void *
note_some(void *which)
{
    uint64_t t = (uint64_t)(uintptr_t)which;

    for (uint64_t i = 0; i < EACH; i++) {
        wr_writer_birth(WR_TRACE_MALLOC, t, 0, block(EACH * t + i));
        wr_writer_free(block(EACH * t + i));
    }
    return NULL;
}

START_TEST(events_are_their_threads)
{
    pthread_t t[THREADS];
    uint64_t size_of[THREADS] = {0}, seen[THREADS] = {0};

    for (uintptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(
            pthread_create(&t[i], NULL, note_some, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    read_trace(path);
    ck_assert_uint_eq(trace.threads, THREADS);
    ck_assert_uint_eq(trace.steps, 2 * THREADS * EACH);
    ck_assert_uint_eq(trace.strangers, 0);
    for (size_t i = 0; i < trace.steps; i++) {
        const struct wr_step *s = &trace.step[i];

        seen[s->thread]++;
        if (s->kind != WR_STEP_MALLOC)
            continue;
        if (size_of[s->thread] == 0)
            size_of[s->thread] = s->bytes;
        if (s->bytes != size_of[s->thread])
            ck_abort_msg("step %zu is another thread's", i);
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_uint_eq(seen[i], 2 * EACH);
}
END_TEST

START_TEST(a_child_has_a_trace_of_its_own)
{
    pid_t pid;

    wr_writer_birth(WR_TRACE_MALLOC, 100, 0, block(0));
    ck_assert(is_mapped(path));
    pid = fork();
    if (pid == 0) {
        if (is_mapped(path))
            _exit(1);
        wr_writer_birth(WR_TRACE_MALLOC, 200, 0, block(1));
        wr_writer_free(block(0));
        _exit(0);
    }
    expect_end(pid, 0);
    wr_writer_free(block(0));
    read_trace(path);
    ck_assert_uint_eq(trace.steps, 2);
    expect(0, WR_STEP_MALLOC, 100);
    expect(1, WR_STEP_FREE, 0);
    read_trace(later_path(pid, ""));
    ck_assert_uint_eq(trace.pid, (uint32_t)pid);
    ck_assert_uint_eq(trace.steps, 1);
    expect(0, WR_STEP_MALLOC, 200);
    ck_assert_uint_eq(trace.strangers, 1);
}
END_TEST

START_TEST(a_killed_process_leaves_whole_events)
{
    int ready[2];
    char byte;
    pid_t pid;

    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    if (pid == 0)
        for (uint64_t i = 0;; i++) {
            wr_writer_birth(WR_TRACE_MALLOC, i, 0, block(i % 1000));
            if (i == 1000 && write(ready[1], "x", 1) != 1)
                _exit(1);
            wr_writer_free(block(i % 1000));
        }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    kill(pid, SIGKILL);
    expect_end(pid, SIGKILL);
    read_trace(path);
    ck_assert_uint_gt(trace.steps, 2000);
    ck_assert_uint_le(trace.slots, 1);
}
END_TEST

/* --- Files ---------------------------------------------------------------- */

START_TEST(no_file_is_overwritten)
{
    scratch_file("trace", "mine");
    close(open(later_path(getpid(), ""), O_CREAT | O_WRONLY, 0600));
    wr_writer_birth(WR_TRACE_MALLOC, 100, 0, block(0));
    read_trace(later_path(getpid(), ".2"));
    ck_assert_uint_eq(trace.steps, 1);
    ck_assert_int_eq(wr_trace_open(&trace, path, why, sizeof why), -1);
    ck_assert_str_eq(why, "not a trace of weir record-allocs");
}
END_TEST

static void
note_two(void *wanted)
{
    if (wanted != NULL)
        setenv(WR_RECORD_VARIABLE, wanted, 1);
    else
        unsetenv(WR_RECORD_VARIABLE);
    wr_writer_birth(WR_TRACE_MALLOC, 100, 0, block(0));
    wr_writer_free(block(0));
}

START_TEST(without_the_variable_nothing_happens)
{
    struct unit_end quiet = unit_end_of(note_two, NULL);

    ck_assert_int_eq(quiet.status, 0);
    ck_assert_str_eq(quiet.said, "");
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_str_eq(unit_end_of(note_two, "").said, "");
}
END_TEST

#define NOT_RECORDED "weir: allocations are not recorded"

START_TEST(it_says_once_why_nothing_is_recorded)
{
    char longer[1000];

    memset(longer, 'x', sizeof longer);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    ck_assert_str_eq(unit_end_of(note_two, "/nowhere/trace").said, NOT_RECORDED
                     ": /nowhere/trace: No such file or directory\n");
    ck_assert_str_eq(unit_end_of(note_two, "trace").said,
                     NOT_RECORDED ": WEIR_RECORD: Invalid argument\n");
    ck_assert_str_eq(unit_end_of(note_two, longer).said,
                     NOT_RECORDED ": WEIR_RECORD: File name too long\n");
}
END_TEST

static void
note_until_full(void *limit)
{
    struct rlimit most = {*(rlim_t *)limit, *(rlim_t *)limit};

    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &most);
    for (uint64_t i = 0; i < WINDOW; i++)
        wr_writer_birth(WR_TRACE_MALLOC, 100, 0, block(i));
}

START_TEST(on_a_full_disk_what_was_noted_before_stays)
{
    rlim_t limit = WINDOW + 100;
    char sentence[300];

    snprintf(sentence, sizeof sentence,
             NOT_RECORDED " any further: %s: File too large\n", path);
    ck_assert_str_eq(unit_end_of(note_until_full, &limit).said, sentence);
    read_trace(path);
    ck_assert_uint_gt(trace.steps, WINDOW / 6);
    for (size_t i = 0; i < trace.steps; i++)
        if (!is_step(i, WR_STEP_MALLOC, 100))
            expect(i, WR_STEP_MALLOC, 100);
}
END_TEST

START_TEST(on_a_disk_without_room_nothing_is_recorded)
{
    rlim_t limit = 100;
    char sentence[300];

    snprintf(sentence, sizeof sentence, NOT_RECORDED ": %s: File too large\n",
             path);
    ck_assert_str_eq(unit_end_of(note_until_full, &limit).said, sentence);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("writing traces");
    TCase *t = tcase_create("writer");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, what_was_noted_is_read_back);
    tcase_add_test(t, no_block_is_no_event);
    tcase_add_test(t, errno_is_left_alone);
    tcase_add_test(t, long_traces_come_back_whole);
    tcase_add_test(t, events_are_their_threads);
    tcase_add_test(t, a_child_has_a_trace_of_its_own);
    tcase_add_test(t, a_killed_process_leaves_whole_events);
    tcase_add_test(t, no_file_is_overwritten);
    tcase_add_test(t, without_the_variable_nothing_happens);
    tcase_add_test(t, it_says_once_why_nothing_is_recorded);
    tcase_add_test(t, on_a_full_disk_what_was_noted_before_stays);
    tcase_add_test(t, on_a_disk_without_room_nothing_is_recorded);
    suite_add_tcase(s, t);
    return unit_main(s);
}
