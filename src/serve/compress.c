/* Smaller bodies. A file of its own, so that only servers need the library. */
#include "serve/request.h"

#include <stdlib.h>
#include <libdeflate.h>

#define COMPRESS_LEVEL 6
#define COMPRESS_LEAST 1024 /* bytes */

void
wr_answer_compress(struct wr_answer *a)
{
    if (a->count < COMPRESS_LEAST || a->gzipped)
        return;
    struct libdeflate_compressor *c =
        libdeflate_alloc_compressor(COMPRESS_LEVEL);
    unsigned char *out = c ? malloc(a->count) : NULL;
    size_t n = 0;
    if (out) /* 0 when it would not get smaller */
        n = libdeflate_gzip_compress(c, a->bytes, a->count, out, a->count);
    libdeflate_free_compressor(c);
    if (n == 0) {
        free(out);
        return;
    }
    free(a->bytes);
    a->bytes = out;
    a->count = n;
    a->gzipped = true;
}
