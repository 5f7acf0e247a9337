/* Addresses to listen on or to fetch from: "127.0.0.1:6060", "[::1]:0",
 * ":6060" (loopback), "6060" (the same), "unix:/run/x.sock".
 *
 *     struct wr_address a;
 *     if (wr_address_parse(&a, text, why, sizeof why) == 0)
 *         fd = wr_address_listen(&a, why, sizeof why);
 *
 * Without a host the address is loopback: nobody opens a port to the world
 * by leaving something out. Functions that fail return -1 and put a sentence
 * in why; wr_address_listen keeps errno too (EADDRINUSE).
 */
#ifndef WR_SERVE_ADDRESS_H
#define WR_SERVE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

struct wr_address {
    bool is_unix;
    char host[256]; /* without brackets */
    char path[108]; /* of a Unix socket */
    unsigned port;
};

int wr_address_parse(struct wr_address *a, const char *text, char *why,
                     size_t why_bytes);

/* A listening socket, close-on-exec. A Unix socket is made 0600; a leftover
 * one that nobody listens on is replaced. a->port becomes the real one. */
int wr_address_listen(struct wr_address *a, char *why, size_t why_bytes);

/* A connected socket. */
int wr_address_connect(const struct wr_address *a, char *why, size_t why_bytes);

/* "127.0.0.1:6060", "[::1]:6060" or "unix:/path". */
void wr_address_text(const struct wr_address *a, char *text, size_t bytes);

#endif
