/* Asking for leaks. */
#include "serve/leak.h"

#include "analyse/profile.h"
#include "analyse/store.h"
#include "serve/ask.h"

/* Did the program do what the flags say? */
static int
check_marks(const struct wr_source *one, uint64_t flags,
            const struct wr_leaks *l, char *why, size_t n)
{
    if (l->header.about.trust == WR_TRUST_BLIND)
        return 0;
    if ((flags & WR_LEAKS_SINCE_MARK) && l->header.since_ns == 0)
        return wr_profile_fail(why, n,
                               "process %u has no mark: weir leaks --mark %u "
                               "sets one",
                               one->pid, one->pid);
    if ((flags & WR_LEAKS_SET_MARK) && !l->header.marked)
        return wr_profile_fail(why, n,
                               "process %u could not keep the mark: there is "
                               "no room beside its region",
                               one->pid);
    return 0;
}

int
wr_leak_ask_source(const struct wr_source *one, uint64_t flags,
                   unsigned wait_ms, struct wr_leaks *l, char *why, size_t n)
{
    struct wr_ask ask = {.kind = WR_ASK_LEAKS, .flags = flags};
    FILE *in = wr_ask_source(one, &ask, WR_LEAKS_SUFFIX, wait_ms, why, n);
    if (!in)
        return -1;
    int rc = wr_leaks_read(l, in, why, n);
    fclose(in);
    if (rc == 0 && check_marks(one, flags, l, why, n) != 0) {
        wr_leaks_fini(l);
        rc = -1;
    }
    return rc;
}

int
wr_leak_ask_garbage(const struct wr_source *one, unsigned wait_ms,
                    struct wr_leaks *l, char *why, size_t n)
{
    struct wr_ask ask = {.kind = WR_ASK_GARBAGE};
    FILE *in = wr_ask_source(one, &ask, WR_LEAKS_SUFFIX, wait_ms, why, n);
    if (!in)
        return -1;
    int rc = wr_leaks_read(l, in, why, n);
    fclose(in);
    if (rc == 0 && l->header.about.trust == WR_TRUST_BLIND) {
        wr_leaks_fini(l);
        rc = wr_profile_fail(why, n,
                             "process %u could not find out what a cycle would "
                             "free: leave out gc=",
                             one->pid);
    }
    return rc;
}

int
wr_leak_of_ended(const struct wr_source *one, struct wr_leaks *l, char *why,
                 size_t n)
{
    char path[WR_PATH_MAX + 16];
    snprintf(path, sizeof path, "%s%s", one->path, WR_LEAKS_LAST_SUFFIX);
    FILE *in = fopen(path, "re");
    if (!in)
        return wr_profile_fail(why, n,
                               "process %u has ended and did not search "
                               "before: weir run --leaks lets it",
                               one->pid);
    int rc = wr_leaks_read(l, in, why, n);
    fclose(in);
    return rc;
}
