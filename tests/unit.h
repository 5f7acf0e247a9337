/* What the unit tests share.
 *
 *     uint64_t chance = unit_seed("lists");       // prints it
 *     size_t i = unit_below(&chance, 10);         // 0 to 9
 *
 *     struct unit_end end = unit_end_of(function, argument);
 *     ck_assert_int_eq(end.signal, SIGABRT);      // how a child ended,
 *     ck_assert_str_eq(end.said, "...\n");        // what it wrote to stderr
 *
 * WEIR_TEST_SEED=n repeats a random test.
 */
#ifndef WEIR_TESTS_UNIT_H
#define WEIR_TESTS_UNIT_H

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define UNIT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNIT_TSAN 1
#endif
#endif
#ifndef UNIT_TSAN
#define UNIT_TSAN 0
#endif

/* Is there memory that code made for a sanitizer must not read: its shadow? */
#if defined(__SANITIZE_ADDRESS__) || UNIT_TSAN
#define UNIT_SHADOW 1
#else
#define UNIT_SHADOW 0
#endif

#ifdef WR_CHECK
#define UNIT_CHECKS 1
#else
#define UNIT_CHECKS 0
#endif

static inline int
unit_main(Suite *s)
{
    SRunner *r = srunner_create(s);
    int failed;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}

/* A part of a test that can't run here. */
static inline void
unit_skip(const char *why)
{
    printf("skip: %s\n", why);
    fflush(stdout);
}

static inline uint64_t
unit_seed(const char *test)
{
    const char *text = getenv("WEIR_TEST_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : 1;

    printf("%s: WEIR_TEST_SEED=%" PRIu64 "\n", test, seed);
    fflush(stdout);
    return seed * 1000003;
}

static inline uint64_t
unit_chance(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline uint64_t
unit_below(uint64_t *state, uint64_t n)
{
    return unit_chance(state) % n;
}

struct unit_end {
    int status; /* of exit, or -1 */
    int signal; /* that ended it, or 0 */
    char said[4096];
};

static inline void
unit_read_all(int fd, char *to, size_t bytes)
{
    size_t len = 0;
    ssize_t n;

    while (len + 1 < bytes && (n = read(fd, to + len, bytes - 1 - len)) > 0)
        len += (size_t)n;
    to[len] = '\0';
}

/* Run fn(arg) in a child, to its end. */
static inline struct unit_end
unit_end_of(void (*fn)(void *), void *arg)
{
    struct unit_end end = {-1, 0, ""};
    int fd[2], status;
    pid_t pid;

    ck_assert_int_eq(pipe(fd), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(fd[1], STDERR_FILENO);
        close(fd[0]);
        close(fd[1]);
        fn(arg);
        _exit(0);
    }
    close(fd[1]);
    unit_read_all(fd[0], end.said, sizeof end.said);
    close(fd[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status))
        end.status = WEXITSTATUS(status);
    else
        end.signal = WTERMSIG(status);
    return end;
}

#endif
