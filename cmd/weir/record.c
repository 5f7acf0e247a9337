/* weir record-allocs: a program's calls of malloc, in a file for bench. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "record/trace.h"
#include "record/writer.h"
#include "weir/cmd.h"
#include "weir/launch.h"
#include "weir/place.h"
#include "weir/program.h"
#include "weir/supervise.h"

extern char **environ;

struct recording {
    const char *out;
    bool quiet;
    char **argv;
    char path[PATH_MAX]; /* out, absolute */
    char library[PATH_MAX];
    struct wr_program program;
    struct wr_inherited was;
};

/* 0; or an exit status + 1. */
static int
parse_options(struct recording *r, int argc, char **argv)
{
    static const struct option known[] = {
        {"out", required_argument, NULL, 'o'},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "+qo:h", known, NULL)) != -1) {
        if (c == 'o')
            r->out = optarg;
        else if (c == 'q')
            r->quiet = true;
        else if (c == 'h')
            return wr_help_print(stdout, wr_command_find(argv[0])), 1;
        else
            return wr_usage_error(argv[0]), WR_EXIT_OURS + 1;
    }
    r->argv = argv + optind;
    if (optind < argc && r->out != NULL)
        return 0;
    wr_say("record-allocs: needs -o FILE and a program");
    return wr_usage_error(argv[0]), WR_EXIT_OURS + 1;
}

/* The file's whole path: later processes of the program may be elsewhere. */
static int
find_place(struct recording *r)
{
    char here[PATH_MAX];

    if (*r->out == '/')
        here[0] = '\0';
    else if (getcwd(here, sizeof here) == NULL)
        return -1;
    if ((size_t)snprintf(r->path, sizeof r->path, "%s%s%s", here,
                         *here ? "/" : "", r->out) >= sizeof r->path)
        return errno = ENAMETOOLONG, -1;
    if (access(r->path, F_OK) == 0)
        return errno = EEXIST, -1;
    return 0;
}

static int
set_environment(const struct recording *r)
{
    const char *old = getenv("LD_PRELOAD");
    char *both;
    int rc;

    if (asprintf(&both, "%s%s%s", r->library, old ? ":" : "", old ? old : "") <
        0)
        return -1;
    rc = setenv("LD_PRELOAD", both, 1) != 0 ||
         setenv(WR_RECORD_VARIABLE, r->path, 1) != 0;
    free(both);
    return rc;
}

/* Cut the file to what is in it, and tell what that is. */
static void
finish_trace(const char *path, bool quiet)
{
    struct wr_trace_header h;
    char why[200];
    int fd = open(path, O_RDWR | O_CLOEXEC);
    off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    ssize_t n = fd < 0 ? -1 : pread(fd, &h, sizeof h, 0);

    if (n == (ssize_t)sizeof h &&
        wr_trace_header_read(&h, &h, (size_t)end, why, sizeof why) == 0 &&
        ftruncate(fd, (off_t)(sizeof h + h.bytes)) == 0 && !quiet)
        wr_say("%s: %s, pid %u, %llu events, %llu bytes", path, h.program,
               h.pid, (unsigned long long)h.events,
               (unsigned long long)(sizeof h + h.bytes));
    if (fd >= 0)
        close(fd);
}

static void
finish_traces(const struct recording *r)
{
    char pattern[PATH_MAX + 8];
    glob_t found;

    finish_trace(r->path, r->quiet);
    if (access(r->path, F_OK) != 0 && !r->quiet)
        wr_say("%s: no file, for nothing was recorded", r->path);
    snprintf(pattern, sizeof pattern, "%s.[0-9]*", r->path);
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        finish_trace(found.gl_pathv[i], r->quiet);
    globfree(&found);
}

static int
run(struct recording *r)
{
    int error = ENOMEM, status;
    pid_t pid = -1;

    wr_inherited_take(&r->was);
    if (set_environment(r) == 0)
        pid = wr_launch(r->program.path, r->argv, environ, &r->was, &error);
    if (pid < 0) {
        wr_say("%s: %s", r->program.path, strerror(error));
        return error == ENOENT ? WR_EXIT_MISSING : WR_EXIT_CANNOT;
    }
    struct wr_supervision s = {.pid = pid, .inherited = &r->was};
    status = wr_supervise(&s);
    finish_traces(r);
    wr_exit_like(status, &r->was);
}

int
wr_cmd_record(int argc, char **argv)
{
    static struct recording r;
    int rc = parse_options(&r, argc, argv);

    if (rc != 0)
        return rc - 1;
    rc = wr_program_find(&r.program, r.argv[0]);
    if (rc != 0)
        wr_say("%s: %s", r.argv[0],
               rc == WR_EXIT_MISSING ? "no such program" : strerror(errno));
    else if (r.program.obstacle != WR_OBSTACLE_NONE)
        wr_say("%s %s", r.program.subject,
               wr_obstacle_text(r.program.obstacle));
    else if (r.program.shell)
        wr_say("%s: neither a program nor \"#!\"; write sh %s", r.argv[0],
               r.argv[0]);
    else if (find_place(&r) != 0)
        wr_say("%s: %s", r.out, strerror(errno));
    else if (wr_place_library(r.library, sizeof r.library,
                              "libweir-record.so.0") != 0)
        wr_say("needs libweir-record.so.0, which is not in the lib directory "
               "beside weir's own bin. Install Weir whole.");
    else if (strpbrk(r.library, " :"))
        wr_say("the path of libweir-record.so.0 has a space or a colon, which "
               "LD_PRELOAD cannot hold. Install Weir elsewhere.");
    else
        return run(&r);
    return rc != 0 ? rc : WR_EXIT_OURS;
}
