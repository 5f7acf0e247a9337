/* Which Host headers are answered: a defence against DNS rebinding.
 *
 * A web page of evil.example can make a browser talk to 127.0.0.1 by letting
 * its own name resolve to that address, and then read the answers as its
 * own. The Host header tells: it names evil.example. So a server that
 * listens on loopback answers only to loopback's names, whatever the port.
 *
 *     struct wr_host_rule rule;
 *     wr_host_rule_init(&rule, "127.0.0.1");
 *     if (!wr_host_allowed(&rule, "evil.example:6060")) answer 403;
 */
#ifndef WR_SERVE_HOST_H
#define WR_SERVE_HOST_H

#include <stdbool.h>

struct wr_host_rule {
    bool any;        /* a Unix socket: no browser reaches it */
    bool wildcard;   /* bound to every address: any literal address will do */
    char bound[256]; /* the host part of the address asked for */
};

/* host: what was asked for, without port; NULL for a Unix socket. */
void wr_host_rule_init(struct wr_host_rule *rule, const char *host);

/* header: the Host header, or NULL when there was none (HTTP/1.0: no browser
 * of today, allowed). */
bool wr_host_allowed(const struct wr_host_rule *rule, const char *header);

#endif
