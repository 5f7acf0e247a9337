/* Asking another program for something it answers with a file. */
#include "serve/ask.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include "serve/scratch.h"
#include "serve/scope.h"

#define COOKIE 0x1234567890abcdefu
#define SUFFIX ".leaks"

enum manner { ANSWERS, TAKES, SLEEPS, REFUSES, IS_LATE, HEARS };

static char why[WR_WHY], region_path[WR_PATH_MAX];
static enum manner manner;

static void
write_answer(uint64_t ticket, uint32_t trust)
{
    struct wr_reply a = {.ticket = ticket,
                         .trust = trust,
                         .where = WR_WHERE_FORBIDDEN,
                         .pid = 4711};
    char path[WR_PATH_MAX + 16], part[WR_PATH_MAX + 20];

    snprintf(path, sizeof path, "%s" SUFFIX, region_path);
    snprintf(part, sizeof part, "%s~", path);
    int out = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (write(out, &a, sizeof a) != (ssize_t)sizeof a)
        _exit(5);
    close(out);
    rename(part, path);
}

/* What Weir's thread in a program does. */
static void
serve(void)
{
    struct wr_ask ask;
    char path[WR_PATH_MAX + 16];

    snprintf(path, sizeof path, "%s" WR_ASK_SUFFIX, region_path);
    int in = open(path, O_RDONLY);
    if (in < 0 || manner == SLEEPS)
        return;
    ssize_t got = read(in, &ask, sizeof ask);
    close(in);
    unlink(path);
    if (got != (ssize_t)sizeof ask || ask.magic != WR_ASK_MAGIC ||
        ask.kind != WR_ASK_SNAPSHOT || ask.argument[2] != 99)
        _exit(4);
    if (manner == IS_LATE) /* with what another one asked for */
        write_answer(ask.ticket + 1, WR_TRUST_PROVED);
    if (manner != IS_LATE && manner != TAKES)
        write_answer(ask.ticket,
                     manner == REFUSES ? WR_TRUST_REFUSED : WR_TRUST_PROVED);
}

/* In the handler itself. */
static void
handler(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (manner == HEARS ||
        (uint64_t)(uintptr_t)info->si_value.sival_ptr != COOKIE + WR_ASK_FILE)
        _exit(3);
    serve();
}

/* One that is busy when it is asked, then sleeps by the bell. */
static void
hear(struct wr_region_header *h)
{
    char path[WR_PATH_MAX + 16];

    snprintf(path, sizeof path, "%s" WR_ASK_SUFFIX, region_path);
    while (access(path, F_OK) != 0)
        usleep(1000);
    usleep(20000);
    if (syscall(SYS_futex, &h->bell, FUTEX_WAIT, 1, NULL, NULL, 0) == 0)
        serve();
}

static void
start(struct program *p, enum manner how)
{
    p->region = program_region(p->path, sizeof p->path, dir, "asked", 1);
    snprintf(region_path, sizeof region_path, "%s", p->path);
    manner = how;
    p->region->header.capture_signal = SIGURG;
    p->region->header.capture_cookie = COOKIE;
    p->region->header.bell = how == HEARS;
    p->region->thread[1].state = WR_THREAD_ENDED;
    p->pid = fork();
    if (p->pid == 0) {
        struct sigaction act = {.sa_sigaction = handler,
                                .sa_flags = SA_SIGINFO};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigaction(SIGURG, &act, NULL);
        atomic_store(&p->region->header.capture_ready, 1);
        if (how == HEARS)
            hear(&p->region->header);
        for (;;)
            pause();
    }
    while (!atomic_load(&p->region->header.capture_ready))
        usleep(1000);
    p->region->header.pid = (uint32_t)p->pid;
    p->region->header.start_mono_ns = wr_clock_ns(CLOCK_MONOTONIC) + 20000000;
    atomic_store(&p->region->thread[0].tid, (uint32_t)p->pid);
}

/* The pid in the answer; 0: there was none. */
static uint32_t
ask(const struct program *p, unsigned wait_ms)
{
    struct wr_source one = {.live = true, .pid = (uint32_t)p->pid};
    struct wr_ask request = {.kind = WR_ASK_SNAPSHOT,
                             .argument = {0, 0, 99, 0}};
    struct wr_reply a = {.pid = 0};

    snprintf(one.path, sizeof one.path, "%s", p->path);
    ck_assert_int_eq(wr_region_open(&one.view, p->path, why, sizeof why), 0);
    FILE *in = wr_ask_source(&one, &request, SUFFIX, wait_ms, why, sizeof why);
    if (in) {
        ck_assert_uint_eq(fread(&a, sizeof a, 1, in), 1);
        fclose(in);
    }
    wr_region_close(&one.view);
    return a.pid;
}

static bool
exists(const char *suffix)
{
    char path[WR_PATH_MAX + 16];

    snprintf(path, sizeof path, "%s%s", region_path, suffix);
    return access(path, F_OK) == 0;
}

START_TEST(an_answer_is_read_and_nothing_stays_behind)
{
    struct program p;

    start(&p, ANSWERS);
    ck_assert_uint_eq(ask(&p, 5000), 4711);
    ck_assert(!exists(WR_ASK_SUFFIX) && !exists(WR_ASK_SUFFIX "~") &&
              !exists(SUFFIX));
    program_end(&p);
}
END_TEST

START_TEST(where_weirs_thread_sleeps_no_other_gets_a_signal)
{
    struct program p;

    start(&p, HEARS);
    ck_assert_uint_eq(ask(&p, 60000), 4711); /* who got one would have ended */
    program_end(&p);
}
END_TEST

START_TEST(a_request_that_nobody_took_is_taken_back)
{
    struct program p;

    start(&p, SLEEPS);
    ck_assert_uint_eq(ask(&p, 100), 0);
    ck_assert_msg(strstr(why, "SIGURG") != NULL, "%s", why);
    ck_assert(!exists(WR_ASK_SUFFIX));
    program_end(&p);
}
END_TEST

START_TEST(one_who_begins_and_does_not_end_is_told_apart)
{
    struct program p;

    start(&p, TAKES);
    ck_assert_uint_eq(ask(&p, 100), 0);
    ck_assert_msg(strstr(why, "did not end") != NULL, "%s", why);
    program_end(&p);
}
END_TEST

START_TEST(an_answer_with_another_ticket_is_not_taken)
{
    struct program p;

    start(&p, IS_LATE);
    ck_assert_uint_eq(ask(&p, 100), 0);
    ck_assert(exists(SUFFIX));
    program_end(&p);
}
END_TEST

START_TEST(a_refusal_is_told_as_one)
{
    struct program p;

    start(&p, REFUSES);
    ck_assert_uint_eq(ask(&p, 5000), 0);
    ck_assert_msg(strstr(why, "copy of itself") != NULL, "%s", why);
    program_end(&p);
}
END_TEST

START_TEST(one_asks_at_a_time)
{
    struct program p;

    start(&p, ANSWERS);
    int fd = open(p.path, O_RDONLY);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    ck_assert_uint_eq(ask(&p, 100), 0);
    ck_assert_msg(strstr(why, "somebody else") != NULL, "%s", why);
    close(fd);
    ck_assert_uint_eq(ask(&p, 5000), 4711);
    program_end(&p);
}
END_TEST

START_TEST(who_has_ended_is_not_asked)
{
    struct program p;

    start(&p, ANSWERS);
    program_kill(&p);
    ck_assert_uint_eq(ask(&p, 5000), 0);
    ck_assert_msg(strstr(why, "has ended") != NULL, "%s", why);
    munmap(p.region, sizeof *p.region);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("ask");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, an_answer_is_read_and_nothing_stays_behind);
    tcase_add_test(t, where_weirs_thread_sleeps_no_other_gets_a_signal);
    tcase_add_test(t, a_request_that_nobody_took_is_taken_back);
    tcase_add_test(t, one_who_begins_and_does_not_end_is_told_apart);
    tcase_add_test(t, an_answer_with_another_ticket_is_not_taken);
    tcase_add_test(t, a_refusal_is_told_as_one);
    tcase_add_test(t, one_asks_at_a_time);
    tcase_add_test(t, who_has_ended_is_not_asked);
    return run_case(t, "ask");
}
