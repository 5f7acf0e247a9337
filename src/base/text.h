/* Text without malloc or stdio: a line is put together in a fixed buffer.
 *
 *     struct wr_text t;
 *     wr_text_init(&t);
 *     wr_text_str(&t, "page heap: ");
 *     wr_text_uint(&t, bytes);
 *
 * What does not fit is cut; the text is always NUL-terminated. Not
 * thread-safe per text. Async-signal-safe.
 */
#ifndef WR_BASE_TEXT_H
#define WR_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_text {
    size_t len; /* bytes used, without the NUL */
    char buf[1024];
};

void wr_text_init(struct wr_text *t);
void wr_text_str(struct wr_text *t, const char *s);
void wr_text_bytes(struct wr_text *t, const char *s, size_t n);
void wr_text_uint(struct wr_text *t, uint64_t n);
void wr_text_hex(struct wr_text *t, uint64_t n); /* with 0x */

/* Parse a number with an optional suffix K, M, G, T or KiB, MiB, GiB, TiB (all
 * powers of 1024), or B. Returns 0 and the value, or -1 where it is none. */
int wr_parse_bytes(const char *s, size_t n, uint64_t *value);

/* Parse a memory limit: bytes as above, "off" (UINT64_MAX) or "auto" (0), and
 * ":hard" behind it or not. The same answers. */
int wr_parse_limit(const char *s, size_t n, uint64_t *bytes, bool *hard);
#define WR_LIMIT_MIN ((uint64_t)1 << 20) /* fewer bytes are no limit */

#endif
