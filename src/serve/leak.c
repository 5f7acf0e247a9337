/* Asking for leaks. */
#include "serve/leak.h"

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
