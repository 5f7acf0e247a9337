/* gzip: unpacking what others packed, within bounds.
 *
 *     if (wr_gzip_is(packed, n) &&
 *         wr_gzip_unpack(packed, n, &bytes, &length, why, sizeof why) == 0)
 *         ... free(bytes);
 *
 * What unpacks to more than WR_GZIP_MAX bytes is refused, so that a small file
 * cannot take all memory. Threads: any.
 */
#ifndef WR_ANALYSE_GZIP_H
#define WR_ANALYSE_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#define WR_GZIP_MAX ((size_t)256 << 20)

bool wr_gzip_is(const void *bytes, size_t length);
/* 0 and malloc'ed bytes, or -1 and a sentence. */
int wr_gzip_unpack(const void *packed, size_t packed_length,
                   unsigned char **bytes, size_t *length, char *why, size_t n);

#endif
