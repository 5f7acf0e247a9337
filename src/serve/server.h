/* The HTTP server: libmicrohttpd on one or more listening sockets.
 *
 *     struct wr_listen at[] = {{.fd = fd, .host = "127.0.0.1"}};
 *     struct wr_server *server;
 *     if (wr_server_start(&server, site, at, 1, why, sizeof why) == 0)
 *         ...
 *     wr_server_stop(server);
 *
 * One thread accepts on each socket and makes one per connection, so that an
 * answer that waits keeps nobody else waiting. Bounds: WR_CONNECTIONS at a
 * time, WR_HEADER_BYTES for a request's head, WR_IDLE_SECONDS of silence.
 *
 * Threads: start and stop from one thread. All threads of the server inherit
 * the signal mask of the caller of wr_server_start: block what they should
 * not handle. Ownership: the server takes the sockets (and closes them, also
 * when it fails) and the site.
 */
#ifndef WR_SERVE_SERVER_H
#define WR_SERVE_SERVER_H

#include <stddef.h>

#define WR_CONNECTIONS  64
#define WR_HEADER_BYTES 32768
#define WR_IDLE_SECONDS 60

struct wr_server;
struct wr_site;

struct wr_listen {
    int fd;
    const char *host; /* as asked for, without port; NULL: a Unix socket */
    /* Names in the Host header that are answered too, ended by NULL; they
     * must live as long as the server. NULL: none. */
    const char *const *names;
};

int wr_server_start(struct wr_server **out, struct wr_site *site,
                    const struct wr_listen *at, size_t count, char *why,
                    size_t why_bytes);
/* Ends waiting answers too. NULL is fine. */
void wr_server_stop(struct wr_server *server);
/* In a forked child, which has the sockets but not the threads: close them
 * and forget the rest. */
void wr_server_forget(struct wr_server *server);

#endif
