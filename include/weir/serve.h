/* Serving a program's own profiles over HTTP (link with -lweir-serve).
 *
 *     if (weir_serve("127.0.0.1:6060") != WEIR_OK)
 *         fputs("no profiles today\n", stderr);
 *
 *     $ go tool pprof http://127.0.0.1:6060/debug/pprof/heap
 *
 * The paths are those of Go's net/http/pprof, and /metrics for Prometheus
 * (without the names of Go: /metrics?go=0). One thread answers; it sleeps
 * until somebody asks. This library links others (libmicrohttpd, elfutils,
 * libdeflate, protobuf-c) and allocates from the heap it shows, under its own
 * frames; programs that must not pay for that are served from outside, by
 * `weir run` or `weir serve`.
 *
 * Threads: any. The server ends with the program, or with weir_serve_stop.
 */
#ifndef WEIR_SERVE_H
#define WEIR_SERVE_H

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Listen on "HOST:PORT" (port 0: any free one, see weir_serve_address) or
 * "unix:PATH" and answer in the background. WEIR_EBUSY: already serving, or
 * the address is in use; WEIR_EINVAL: not an address; WEIR_ENOTSUP: the
 * program does not run on Weir's heap; WEIR_EIO: see errno. */
weir_err weir_serve(const char *address);

/* The address in use, "127.0.0.1:41234"; "" when not serving. */
const char *weir_serve_address(void);

/* Stop listening and let running answers end. Fine when not serving. */
void weir_serve_stop(void);

#ifdef __cplusplus
}
#endif
#endif
