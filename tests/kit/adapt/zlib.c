#include <zlib.h>
#include "common.h"

WEIR_ADAPT(adapted);
WEIR_ADAPT_ZLIB(adapted);

int
main(int argc, char **argv)
{
    z_stream s = {0};
    int err;

    (void)argc;
    begin(argv);
    adapted_budget = budget;
    adapted_zlib(&s);
    err = deflateInit(&s, 6);
    look(argv);
    if (err == Z_OK)
        deflateEnd(&s);
    return end(err == Z_MEM_ERROR ? "no memory"
               : err == Z_OK      ? "done"
                                  : "failed");
}
