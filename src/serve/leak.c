/* Asking for leaks. */
#include "serve/leak.h"

#include "analyse/profile.h"
#include "analyse/store.h"
#include "serve/ask.h"

int
wr_leak_ask_source(const struct wr_source *one, unsigned wait_ms,
                   struct wr_leaks *l, char *why, size_t n)
{
    struct wr_ask ask = {.kind = WR_ASK_LEAKS};
    FILE *in = wr_ask_source(one, &ask, WR_LEAKS_SUFFIX, wait_ms, why, n);
    if (!in)
        return -1;
    int rc = wr_leaks_read(l, in, why, n);
    fclose(in);
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
