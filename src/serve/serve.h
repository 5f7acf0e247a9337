/* What `weir` itself asks of libweir-serve.so, beside the public header.
 *
 * `weir run` must not pay for an HTTP library before somebody asks for a
 * page: it opens the listening sockets itself and loads libweir-serve.so at
 * the first connection. These two names are what it looks up then. They are
 * exported but private: the two are built and installed together.
 */
#ifndef WR_SERVE_SERVE_H
#define WR_SERVE_SERVE_H

#include <stddef.h>
#include "serve/server.h"
#include "serve/source.h"

/* Which regions are served, and how; see serve/site.h. */
struct wr_serving {
    const char *dir;
    enum wr_scan how;
    uint32_t subject;   /* the process a run is about; 0: none */
    bool no_go_metrics; /* /metrics without the go_* names */
};

/* Answer on `at`. NULL and a sentence in why when it cannot. Takes the sockets
 * either way. */
struct wr_server *weir_serve_directory(const struct wr_serving *what,
                                       const struct wr_listen *at, size_t count,
                                       char *why, size_t why_bytes);
void weir_serve_directory_stop(struct wr_server *server);

typedef struct wr_server *wr_serve_directory_fn(const struct wr_serving *,
                                                const struct wr_listen *,
                                                size_t, char *, size_t);
typedef void wr_serve_directory_stop_fn(struct wr_server *);

#endif
