/* weir test --memory: what a program's benchmarks may allocate, for builds. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "analyse/expect.h"
#include "analyse/quote.h"
#include "weir/cmd.h"
#include "weir/place.h"

extern char **environ;

enum { MOST = 1000, EXIT_UNEXPECTED = 3 };

struct check {
    const struct wr_expect *expect;
    struct wr_expect_result result;
};

struct test {
    struct wr_expect expect[MOST];
    size_t count;
    char *lines[MOST]; /* of files of conditions: ours */
    size_t line_count;
    const char *from; /* a file of results, instead of a program */
    const char *junit;
    const char *program; /* its name, for JUnit */
    bool json;
    struct wr_benches benches;
    struct check *checks;
    size_t check_count, failed, silent;
    bool broken; /* the program failed, or there is no memory */
};

enum letter { MEMORY = 256, FROM, JUNIT };

static int
add_expect(struct test *t, const char *text)
{
    char why[400];
    if (t->count == MOST)
        return wr_say("test: 1000 conditions at most"), 2;
    if (wr_expect_parse(&t->expect[t->count], text, why, sizeof why) != 0)
        return wr_say("test: %s", why), wr_usage_error("test") + 1;
    t->count++;
    return 0;
}

/* A line each; # begins a remark. */
static int
add_file(struct test *t, const char *path)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    int status = 0;
    if (!f)
        return wr_say("test: %s: %s", path, strerror(errno)), 2;
    while (status == 0 && getline(&line, &room, f) >= 0) {
        line[strcspn(line, "#\r\n")] = '\0';
        if (line[strspn(line, " \t")] == '\0')
            continue;
        if (t->line_count == MOST) {
            status = (wr_say("test: 1000 conditions at most"), 2);
            break;
        }
        t->lines[t->line_count++] = line;
        status = add_expect(t, line);
        line = NULL;
        room = 0;
    }
    free(line);
    fclose(f);
    return status;
}

static int
take(struct test *t, int letter)
{
    switch (letter) {
    case 'e':
        return add_expect(t, optarg);
    case 'f':
        return add_file(t, optarg);
    case FROM:
        t->from = optarg;
        return 0;
    case JUNIT:
        t->junit = optarg;
        return 0;
    case 'j':
        t->json = true;
        return 0;
    case 'h':
        return wr_help_print(stdout, wr_command_find("test")), 1;
    case MEMORY: /* the only kind of test there is */
        return 0;
    default:
        return wr_usage_error("test") + 1;
    }
}

/* 0, or the exit status + 1. */
static int
parse(struct test *t, int argc, char **argv)
{
    static const struct option known[] = {
        {"memory", no_argument, NULL, MEMORY},
        {"expect", required_argument, NULL, 'e'},
        {"expect-file", required_argument, NULL, 'f'},
        {"from", required_argument, NULL, FROM},
        {"json", no_argument, NULL, 'j'},
        {"junit", required_argument, NULL, JUNIT},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    int letter, status = 0;
    optind = 1;
    while (status == 0 &&
           (letter = getopt_long(argc, argv, "+e:f:jh", known, NULL)) != -1)
        status = take(t, letter);
    if (status != 0)
        return status;
    if (t->count == 0)
        wr_say("test: what is expected? --expect 'allocs/op <= 0'");
    else if (!t->from == (optind == argc))
        wr_say("test: of what? A program, or --from FILE");
    else
        return 0;
    return wr_usage_error("test") + 1;
}

/* What is preloaded already comes behind Weir's heap. */
static int
preload(const char *library)
{
    const char *old = getenv("LD_PRELOAD");
    char *both = NULL;
    if (asprintf(&both, "%s%s%s", library, old ? ":" : "", old ? old : "") < 0)
        return -1;
    int status = setenv("LD_PRELOAD", both, 1);
    free(both);
    return status;
}

/* Weir's heap counts for it, and its output comes to us. The pid, or -1. */
static pid_t
start(char **argv, int out)
{
    char library[4096];
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    if (wr_place_library(library, sizeof library, "libweir.so.0") != 0) {
        wr_say("libweir.so.0 is not where weir expects it. Install Weir whole");
        return -1;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    int error = preload(library) == 0
                    ? posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ)
                    : ENOMEM;
    posix_spawn_file_actions_destroy(&actions);
    if (error == 0)
        return pid;
    wr_say("%s: %s", argv[0], strerror(error));
    return -1;
}

/* All that comes from fd, in memory, and on to where people look. */
static char *
gather(int fd, FILE *on, size_t *bytes)
{
    char *text = NULL, buffer[4096];
    FILE *to = open_memstream(&text, bytes);
    ssize_t n;
    while (to && ((n = read(fd, buffer, sizeof buffer)) > 0 ||
                  (n < 0 && errno == EINTR)))
        if (n > 0) {
            fwrite(buffer, 1, (size_t)n, to);
            fwrite(buffer, 1, (size_t)n, on);
            fflush(on);
        }
    if (to)
        fclose(to);
    return text;
}

static void
judge_end(struct test *t, const char *program, int status)
{
    if (WIFSIGNALED(status))
        wr_say("test: %s was killed by signal %d", program, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        wr_say("test: %s ended with status %d", program, WEXITSTATUS(status));
    t->broken |= status != 0;
}

/* -1: it did not start. */
static int
run(struct test *t, char **argv)
{
    int fd[2], status;
    if (pipe2(fd, O_CLOEXEC) != 0)
        return wr_say("test: no pipe: %s", strerror(errno)), -1;
    pid_t pid = start(argv, fd[1]);
    close(fd[1]);
    if (pid < 0)
        return close(fd[0]), -1;
    size_t bytes = 0;
    char *text = gather(fd[0], t->json ? stderr : stdout, &bytes);
    close(fd[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    judge_end(t, argv[0], status);
    FILE *f = bytes > 0 ? fmemopen(text, bytes, "r") : NULL;
    if (f) {
        t->broken |=
            wr_benches_read(&t->benches, f, argv[0], argv[0], stderr) != 0;
        fclose(f);
    }
    free(text);
    return 0;
}

static int
read_results(struct test *t)
{
    bool standard = strcmp(t->from, "-") == 0;
    FILE *f = standard ? stdin : fopen(t->from, "re");
    if (!f)
        return wr_say("test: %s: %s", t->from, strerror(errno)), -1;
    t->broken |= wr_benches_read(&t->benches, f, t->from, t->from, stderr) != 0;
    if (!standard)
        fclose(f);
    return 0;
}

static void
add_check(const struct wr_expect *e, const struct wr_expect_result *r,
          void *arg)
{
    struct test *t = arg;
    void *more = realloc(t->checks, (t->check_count + 1) * sizeof *t->checks);
    if (!more) {
        t->broken = true;
        return;
    }
    t->checks = more;
    t->checks[t->check_count++] = (struct check){e, *r};
    t->failed += r->failed > 0;
    if (r->failed > 0)
        wr_say("test: %s: expected %s, but %zu of %zu values are not so: %g",
               r->name, e->text, r->failed, r->values, r->value);
}

/* A condition that nothing was measured for has not been tested. */
static void
check_all(struct test *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct wr_expect *e = &t->expect[i];
        if (wr_expect_check(e, &t->benches, add_check, t) > 0)
            continue;
        wr_say("test: nothing was measured for \"%s\"%s", e->text,
               strncmp(e->unit, "live-", 5) == 0
                   ? ": run the benchmarks with -benchlive"
                   : "");
        t->silent++;
    }
}

static void
print_json(const struct test *t)
{
    fputs("{\"v\":1,\"checks\":[", stdout);
    for (size_t i = 0; i < t->check_count; i++) {
        const struct check *c = &t->checks[i];
        fputs(i ? ",\n{\"benchmark\":" : "\n{\"benchmark\":", stdout);
        wr_json_string(stdout, c->result.name);
        fputs(",\"condition\":", stdout);
        wr_json_string(stdout, c->expect->text);
        printf(",\"holds\":%s,\"value\":%.17g,\"values\":%zu,\"failed\":%zu}",
               c->result.failed ? "false" : "true", c->result.value,
               c->result.values, c->result.failed);
    }
    printf("],\n\"failed\":%zu,\"not_measured\":%zu}\n", t->failed, t->silent);
}

static void
junit_case(FILE *out, const struct test *t, const char *name,
           const char *condition)
{
    fputs("  <testcase classname=\"weir.memory.", out);
    wr_xml_string(out, t->program);
    fputs("\" name=\"", out);
    wr_xml_string(out, name);
    fputs(*name ? ": " : "", out);
    wr_xml_string(out, condition);
    fputs("\"", out);
}

static void
junit_checks(FILE *out, const struct test *t)
{
    for (size_t i = 0; i < t->check_count; i++) {
        const struct check *c = &t->checks[i];
        junit_case(out, t, c->result.name, c->expect->text);
        if (c->result.failed == 0)
            fputs("/>\n", out);
        else
            fprintf(out,
                    ">\n   <failure type=\"memory\" message=\"it is %g (%zu "
                    "of %zu values)\"/>\n  </testcase>\n",
                    c->result.value, c->result.failed, c->result.values);
    }
}

static bool
has_checks(const struct test *t, const struct wr_expect *e)
{
    for (size_t i = 0; i < t->check_count; i++)
        if (t->checks[i].expect == e)
            return true;
    return false;
}

/* 0, or -1. */
static int
write_junit(const struct test *t)
{
    FILE *out = fopen(t->junit, "we");
    if (!out)
        return wr_say("test: %s: %s", t->junit, strerror(errno)), -1;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n "
            "<testsuite name=\"weir.memory\" tests=\"%zu\" failures=\"%zu\" "
            "errors=\"%zu\">\n",
            t->check_count + t->silent, t->failed, t->silent);
    junit_checks(out, t);
    for (size_t i = 0; i < t->count; i++) {
        if (has_checks(t, &t->expect[i]))
            continue;
        junit_case(out, t, "", t->expect[i].text);
        fputs(">\n   <error type=\"memory\" message=\"nothing was measured "
              "for it\"/>\n  </testcase>\n",
              out);
    }
    fputs(" </testsuite>\n</testsuites>\n", out);
    if (fclose(out) == 0)
        return 0;
    return wr_say("test: %s: %s", t->junit, strerror(errno)), -1;
}

static int
judge(struct test *t)
{
    check_all(t);
    if (t->json)
        print_json(t);
    if (t->junit && write_junit(t) != 0)
        t->broken = true;
    wr_say("test: %zu of %zu checks hold", t->check_count - t->failed,
           t->check_count);
    if (t->failed > 0)
        return EXIT_UNEXPECTED;
    return t->silent > 0 || t->broken;
}

int
wr_cmd_test(int argc, char **argv)
{
    static struct test t;
    int status = parse(&t, argc, argv);
    if (status == 0) {
        t.program = t.from ? t.from : argv[optind];
        status = t.from ? read_results(&t) : run(&t, argv + optind);
        status = 1 + (status != 0 ? 1 : judge(&t));
    }
    for (size_t i = 0; i < t.count; i++)
        wr_expect_fini(&t.expect[i]);
    for (size_t i = 0; i < t.line_count; i++)
        free(t.lines[i]);
    free(t.checks);
    wr_benches_fini(&t.benches);
    return status - 1;
}
