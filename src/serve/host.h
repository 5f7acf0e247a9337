/* Which Host headers are answered: a defence against DNS rebinding.
 *
 * A web page of evil.example can make a browser talk to 127.0.0.1 by letting
 * its own name resolve to that address, and then read the answers as its
 * own. The Host header tells: it names evil.example. So a server that
 * listens on loopback answers only to loopback's names, whatever the port.
 *
 *     struct wr_host_rule rule;
 *     wr_host_rule_init(&rule, "127.0.0.1", NULL);
 *     if (!wr_host_allowed(&rule, "evil.example:6060")) answer 403;
 *
 * A server that others reach by a name, a container's or a proxy's, is told
 * that name. Ownership: the names stay the caller's, for the rule's life.
 */
#ifndef WR_SERVE_HOST_H
#define WR_SERVE_HOST_H

#include <stdbool.h>

struct wr_host_rule {
    bool any;        /* a Unix socket: no browser reaches it */
    bool wildcard;   /* bound to every address: any literal address will do */
    char bound[256]; /* the host part of the address asked for */
    const char *const *names; /* also answered; ended by NULL, or NULL */
};

/* host: what was asked for, without port; NULL for a Unix socket. */
void wr_host_rule_init(struct wr_host_rule *rule, const char *host,
                       const char *const *names);
/* May this be one of the names: a host's name or address, without port? */
bool wr_host_is_name(const char *name);

/* header: the Host header, or NULL when there was none (HTTP/1.0: no browser
 * of today, allowed). */
bool wr_host_allowed(const struct wr_host_rule *rule, const char *header);

#endif
