/* Fetch: a profile over HTTP, from here or there.
 *
 *     unsigned char *bytes;
 *     size_t count;
 *     if (wr_fetch("http://127.0.0.1:6060/debug/pprof/heap", &bytes, &count,
 *                  why, sizeof why) == 0) ...
 *
 * Plain HTTP only: "http://HOST:PORT/PATH" or "unix:SOCKET". Without a path
 * it is /debug/pprof/heap. Bounds: WR_FETCH_MAX bytes, a minute of silence
 * beside what seconds=N asks for. Threads: any.
 */
#ifndef WR_CMD_FETCH_H
#define WR_CMD_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#define WR_FETCH_MAX (256u << 20)

/* Does the text look like something for wr_fetch? */
bool wr_fetch_is_url(const char *text);

/* The answer's body (malloc'ed); or -1 and a sentence, which holds what the
 * server said. */
int wr_fetch(const char *url, unsigned char **bytes, size_t *count, char *why,
             size_t why_bytes);

/* The body of a whole answer: where it starts and how long it is, and the
 * status in *status. -1: not HTTP, or cut off. */
int wr_fetch_split(const unsigned char *answer, size_t count, int *status,
                   size_t *start, size_t *length);

#endif
