/* The Host check.
 *
 * A literal address cannot be rebound, only a name can; but answering to
 * literals that were not asked for would tell nothing useful either, so a
 * loopback server answers to loopback literals only.
 */
#include "serve/host.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The host part of "host:port", "[v6]:port" or a bare host; a final dot and
 * the brackets are dropped. False when it is none of them. */
static bool
host_part(char *out, size_t bytes, const char *header)
{
    const char *from = header, *end;
    if (*header == '[') {
        from = header + 1;
        end = strchr(from, ']');
        if (!end || (end[1] && end[1] != ':'))
            return false;
    } else {
        const char *colon = strrchr(header, ':');
        bool v6 = colon && memchr(header, ':', (size_t)(colon - header));
        end = colon && !v6 ? colon : header + strlen(header);
    }
    size_t n = (size_t)(end - from);
    if (n > 1 && from[n - 1] == '.')
        n--;
    if (n == 0 || n >= bytes)
        return false;
    memcpy(out, from, n);
    out[n] = 0;
    return true;
}

static bool
is_literal(const char *host)
{
    struct in6_addr a;
    return inet_pton(AF_INET, host, &a) == 1 ||
           inet_pton(AF_INET6, host, &a) == 1;
}

static bool
is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool
is_wildcard(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return v4.s_addr == INADDR_ANY;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_UNSPECIFIED(&v6);
}

void
wr_host_rule_init(struct wr_host_rule *rule, const char *host,
                  const char *const *names)
{
    *rule = (struct wr_host_rule){.any = !host, .names = names};
    if (!host)
        return;
    rule->wildcard = is_wildcard(host);
    snprintf(rule->bound, sizeof rule->bound, "%s", host);
}

bool
wr_host_is_name(const char *name)
{
    char host[256];
    return strpbrk(name, "/@?# ") == NULL &&
           host_part(host, sizeof host, name) && strcmp(host, name) == 0;
}

static bool
is_named(const struct wr_host_rule *rule, const char *host)
{
    if (strcasecmp(host, rule->bound) == 0)
        return true;
    for (const char *const *name = rule->names; name && *name; name++)
        if (strcasecmp(host, *name) == 0)
            return true;
    return false;
}

bool
wr_host_allowed(const struct wr_host_rule *rule, const char *header)
{
    char host[256];
    if (rule->any || !header)
        return true;
    if (!host_part(host, sizeof host, header))
        return false;
    if (is_loopback(host) || is_named(rule, host))
        return true;
    return rule->wildcard && is_literal(host);
}
