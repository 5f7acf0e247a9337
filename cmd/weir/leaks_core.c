/* Leaks of cores. */
#include "weir/leaks_core.h"

#include <stdlib.h>
#include <sys/stat.h>
#include "analyse/core.h"
#include "analyse/core_leaks.h"
#include "analyse/path.h"
#include "analyse/profile.h"
#include "analyse/snapshot.h"
#include "analyse/store.h"
#include "weir/inquire.h"

/* Whose region is gone: its size classes, from the heap. */
static int
make_classes(struct wr_dead *d, const struct wr_snapshot *s, char *why,
             size_t n)
{
    if (d->source.view.header)
        return 0;
    d->classes = calloc(1, sizeof *d->classes);
    if (!d->classes)
        return wr_profile_fail(why, n, "out of memory");
    wr_core_classes(d->classes, s);
    d->source.view.header = d->classes;
    return 0;
}

static int
find(struct wr_dead *d, const struct wr_core *c, FILE *in, char *why, size_t n)
{
    struct wr_snapshot s;
    if (wr_snapshot_read(&s, in, why, n) != 0)
        return -1;
    int status = make_classes(d, &s, why, n);
    if (status == 0)
        status = wr_core_leaks(&d->leaks, c, &s, d->source.view.header, why, n);
    wr_snapshot_fini(&s);
    return status;
}

static int
search(struct wr_dead *d, struct wr_core *c, char *why, size_t n)
{
    const struct wr_region_view *view =
        wr_inquest_region(&d->source.view, c) ? &d->source.view : NULL;
    FILE *in = wr_core_snapshot(c, view, why, n);
    if (!in)
        return -1;
    int status = find(d, c, in, why, n);
    fclose(in);
    d->source.pid = wr_core_pid(c);
    return status;
}

/* The moment of the dump, for ages. */
static uint64_t
written_ns(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_mtim.tv_sec * 1000000000u +
                                      (uint64_t)st.st_mtim.tv_nsec
                                : 0;
}

int
wr_dead_open(struct wr_dead *d, const char *path, char *why, size_t n)
{
    struct wr_core *c;
    *d = (struct wr_dead){.classes = NULL};
    if (wr_core_open(&c, path, why, n) != 0)
        return -1;
    int status = search(d, c, why, n);
    wr_core_close(c);
    snprintf(d->source.program, sizeof d->source.program, "%s",
             wr_path_base(path));
    if (status != 0)
        wr_dead_close(d);
    else
        d->leaks.header.about.taken_ns = written_ns(path);
    return status;
}

void
wr_dead_close(struct wr_dead *d)
{
    wr_leaks_fini(&d->leaks);
    if (d->classes)
        d->source.view.header = NULL;
    free(d->classes);
    wr_region_close(&d->source.view);
}
