/* A directory for each test, gone afterwards.
 *
 *     tcase_add_checked_fixture(t, setup, teardown);
 *     scratch_file("1-2.weir", "not a region");
 *     ... dir is its path ...
 */
#ifndef TESTS_SERVE_SCRATCH_H
#define TESTS_SERVE_SCRATCH_H

#include "serve/program.h"

static char dir[64];

static inline void
setup(void)
{
    scratch_make(dir, sizeof dir);
}

static inline void
teardown(void)
{
    scratch_remove(dir);
}

static inline void
scratch_file(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
}

#endif
