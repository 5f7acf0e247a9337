/* What the tests of the history share: a region of this process, with a file
 * or without, and views of it.
 *
 *     scene_start(true);                  // a file in a fresh directory
 *     struct wr_region_view v = scene_view();
 *     ...
 *     scene_end();
 */
#ifndef TESTS_REGION_SCENE_H
#define TESTS_REGION_SCENE_H

#include "unit.h"

#include "region/read.h"
#include "region/region.h"

static char scene_directory[64];

static inline void
scene_start(bool file)
{
    static const uint32_t class_bytes[] = {0, 16, 32, 48};
    struct wr_region_options o = {.dir = "/nowhere/at/all",
                                  .sample_rate = 4096,
                                  .page_bytes = 8192,
                                  .class_bytes = class_bytes,
                                  .class_count = 4};

    if (file) {
        strcpy(scene_directory, "/tmp/weir-history-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(scene_directory));
        o.dir = scene_directory;
    }
    wr_region_start(&o);
    ck_assert_ptr_nonnull(wr_region);
    ck_assert_int_eq(wr_region_path()[0] != '\0', file);
}

static inline struct wr_region_view
scene_view(void)
{
    struct wr_region_view v;
    char why[100];

    ck_assert_int_eq(wr_region_open_self(&v, why, sizeof why), 0);
    return v;
}

static inline void
scene_end(void)
{
    if (wr_region_path()[0] != '\0')
        unlink(wr_region_path());
    if (scene_directory[0] != '\0')
        rmdir(scene_directory);
}

/* A child by fork with a region of its own. */
static inline pid_t
scene_fork(void)
{
    pid_t pid;

    wr_region_fork_before();
    pid = fork();
    if (pid == 0 && (!wr_region_fork_child() || !wr_region_own()))
        if (wr_region == NULL && !wr_region_own())
            _exit(99);
    return pid;
}

static inline void
scene_expect_success(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

#define scene_must(x)                                                          \
    do {                                                                       \
        if (!(x)) {                                                            \
            fprintf(stderr, "line %d: %s\n", __LINE__, #x);                    \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

#endif
