/* Programs that look as if they ran under Weir: a child process that holds a
 * hand-made region mapped, in a directory of the test's own.
 *
 *     char dir[64];
 *     scratch_make(dir, sizeof dir);
 *     struct program p;
 *     program_start(&p, dir, "fake");
 *     ... p.region is shared with it; p.pid is its pid ...
 *     program_end(&p);
 *     scratch_remove(dir);
 */
#ifndef TESTS_SERVE_PROGRAM_H
#define TESTS_SERVE_PROGRAM_H

#include <stdbool.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include "unit.h"
#include "base/clock.h"
#include "region/fake.h"

struct program {
    pid_t pid;
    struct fake *region;
    char path[256];
};

static inline void
scratch_make(char *dir, size_t bytes)
{
    snprintf(dir, bytes, "/tmp/weir-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

/* A file below root, with the directories above it. */
static inline void
scratch_put(const char *root, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *p = path + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
        *p = 0;
        mkdir(path, 0700);
    }
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static inline void
scratch_remove(const char *dir)
{
    char path[512];
    struct dirent *e;
    DIR *d = opendir(dir);
    while (d && (e = readdir(d)) != NULL) {
        int n = snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        bool up = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
        if (n < (int)sizeof path && !up && unlink(path) != 0)
            scratch_remove(path);
    }
    if (d)
        closedir(d);
    rmdir(dir);
}

/* A region file for `pid`, mapped shared. */
static inline struct fake *
program_region(char *path, size_t bytes, const char *dir, const char *name,
               pid_t pid)
{
    snprintf(path, bytes, "%s/%d-%llx.weir", dir, (int)pid,
             (unsigned long long)wr_clock_ns(CLOCK_MONOTONIC));
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, sizeof(struct fake)), 0);
    struct fake *f =
        mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(f, MAP_FAILED);
    close(fd);
    fake_init(f);
    f->module[1].build_id[0] ^= 0xff; /* the program is no plug-in */
    f->header.pid = (uint32_t)pid;
    f->header.start_ns = wr_clock_ns(CLOCK_REALTIME);
    f->header.start_mono_ns = wr_clock_ns(CLOCK_MONOTONIC);
    snprintf(f->header.exe, sizeof f->header.exe, "/usr/bin/%s", name);
    f->header.cmdline_bytes = 0;
    return f;
}

/* The child has mapped nothing by itself: it inherits the mapping from the
 * fork, so the file is made first, for a pid that is known only then. */
static inline void
program_start(struct program *p, const char *dir, const char *name)
{
    p->region = program_region(p->path, sizeof p->path, dir, name, 1);
    p->pid = fork();
    ck_assert_int_ge(p->pid, 0);
    if (p->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    p->region->header.pid = (uint32_t)p->pid;
    p->region->header.start_mono_ns = wr_clock_ns(CLOCK_MONOTONIC) + 20000000;
}

/* Kill it; its region stays. */
static inline void
program_kill(struct program *p)
{
    kill(p->pid, SIGKILL);
    ck_assert_int_eq(waitpid(p->pid, NULL, 0), p->pid);
}

static inline void
program_end(struct program *p)
{
    program_kill(p);
    munmap(p->region, sizeof *p->region);
    unlink(p->path);
}

/* Run a suite made of one case: what every test's main does. */
static inline int
run_case(TCase *tests, const char *name)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 60);
    return unit_main(suite);
}

#endif
