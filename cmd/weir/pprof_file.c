/* --pprof FILE. */
#include "weir/pprof_file.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include "analyse/profile.h"

int
wr_pprof_write(const struct wr_profile *p, const char *path, char *why,
               size_t n)
{
    unsigned char *bytes;
    size_t count;
    if (wr_profile_encode(p, true, &bytes, &count, why, n) != 0)
        return -1;
    FILE *out = fopen(path, "we");
    bool ok = out && fwrite(bytes, 1, count, out) == count;
    if (out && fclose(out) != 0)
        ok = false;
    free(bytes);
    if (!ok)
        snprintf(why, n, "cannot write %s", path);
    return ok ? 0 : -1;
}
