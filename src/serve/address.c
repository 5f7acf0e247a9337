/* Addresses: parse, listen, connect, print.
 *
 * 1. Every descriptor made here is close-on-exec.
 * 2. A Unix socket is 0600 from the moment its name exists: the mode is set
 *    by the umask of bind, not afterwards.
 */
#include "serve/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int
parse_port(unsigned *port, const char *text)
{
    char *end;
    if (*text < '0' || *text > '9')
        return -1;
    unsigned long n = strtoul(text, &end, 10);
    if (*end || n > 65535)
        return -1;
    *port = (unsigned)n;
    return 0;
}

static int
parse_unix(struct wr_address *a, const char *path, char *why, size_t why_bytes)
{
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof a->path) {
        snprintf(why, why_bytes,
                 "a socket's path has 1 to %zu bytes, this one %zu",
                 sizeof a->path - 1, n);
        return -1;
    }
    a->is_unix = true;
    memcpy(a->path, path, n + 1);
    return 0;
}

int
wr_address_parse(struct wr_address *a, const char *text, char *why,
                 size_t why_bytes)
{
    *a = (struct wr_address){0};
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(a, text + 5, why, why_bytes);
    const char *colon = strrchr(text, ':');
    const char *port = colon ? colon + 1 : text;
    const char *host = text;
    size_t n = colon ? (size_t)(colon - text) : 0;
    if (n > 1 && host[0] == '[' && host[n - 1] == ']') {
        host++;
        n -= 2;
    }
    if (parse_port(&a->port, port) != 0 || n >= sizeof a->host) {
        snprintf(why, why_bytes,
                 "\"%s\" is not an address: write HOST:PORT, PORT or "
                 "unix:PATH, for example 127.0.0.1:6060",
                 text);
        return -1;
    }
    snprintf(a->host, sizeof a->host, "%.*s", n ? (int)n : 9,
             n ? host : "127.0.0.1");
    return 0;
}

static void
fill_unix(struct sockaddr_un *s, const char *path)
{
    *s = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(s->sun_path, path, strlen(path) + 1);
}

static int
connect_unix(const char *path)
{
    struct sockaddr_un s;
    fill_unix(&s, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&s, sizeof s) != 0) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

/* Is there a socket file that nobody answers on? */
static bool
is_leftover(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    int fd = connect_unix(path);
    if (fd >= 0)
        close(fd);
    return fd < 0 && errno == ECONNREFUSED;
}

static int
listen_unix(const char *path)
{
    struct sockaddr_un s;
    fill_unix(&s, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (is_leftover(path))
        unlink(path);
    mode_t mask = umask(0177);
    int bound = bind(fd, (struct sockaddr *)&s, sizeof s);
    umask(mask);
    if (bound != 0 || listen(fd, 64) != 0) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

/* The port a socket was really bound to. */
static unsigned
bound_port(int fd)
{
    struct sockaddr_storage s;
    socklen_t n = sizeof s;
    if (getsockname(fd, (struct sockaddr *)&s, &n) != 0)
        return 0;
    if (s.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&s)->sin6_port);
    return ntohs(((struct sockaddr_in *)&s)->sin_port);
}

static int
use_tcp(const struct addrinfo *at, bool listening)
{
    int one = 1;
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int rc;
    if (listening) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        rc = bind(fd, at->ai_addr, at->ai_addrlen);
        if (rc == 0)
            rc = listen(fd, 64);
    } else {
        rc = connect(fd, at->ai_addr, at->ai_addrlen);
    }
    if (rc != 0) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

static int
open_tcp(const struct wr_address *a, bool listening, const char **problem)
{
    struct addrinfo hint = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list, *at;
    char port[8];
    /* A literal address needs no resolver: it would cost `weir run` more
     * than all else it does before the program starts. */
    snprintf(port, sizeof port, "%u", a->port);
    hint.ai_flags = AI_NUMERICSERV;
    if (strchr(a->host, ':') || (a->host[0] >= '0' && a->host[0] <= '9'))
        hint.ai_flags |= AI_NUMERICHOST;
    int rc = getaddrinfo(a->host, port, &hint, &list);
    if (rc != 0) {
        *problem = gai_strerror(rc);
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = -1;
    for (at = list; at && fd < 0; at = at->ai_next)
        fd = use_tcp(at, listening);
    int err = errno;
    freeaddrinfo(list);
    errno = err;
    if (fd < 0)
        *problem = strerror(err);
    return fd;
}

int
wr_address_listen(struct wr_address *a, char *why, size_t why_bytes)
{
    const char *problem = NULL;
    char text[300];
    int fd = a->is_unix ? listen_unix(a->path) : open_tcp(a, true, &problem);
    if (fd >= 0) {
        if (!a->is_unix)
            a->port = bound_port(fd);
        return fd;
    }
    int err = errno;
    wr_address_text(a, text, sizeof text);
    snprintf(why, why_bytes, "cannot listen on %s: %s", text,
             problem ? problem : strerror(err));
    errno = err;
    return -1;
}

int
wr_address_connect(const struct wr_address *a, char *why, size_t why_bytes)
{
    const char *problem = NULL;
    char text[300];
    int fd = a->is_unix ? connect_unix(a->path) : open_tcp(a, false, &problem);
    if (fd >= 0)
        return fd;
    int err = errno;
    wr_address_text(a, text, sizeof text);
    snprintf(why, why_bytes, "cannot connect to %s: %s", text,
             problem ? problem : strerror(err));
    errno = err;
    return -1;
}

void
wr_address_text(const struct wr_address *a, char *text, size_t bytes)
{
    if (a->is_unix)
        snprintf(text, bytes, "unix:%s", a->path);
    else if (strchr(a->host, ':'))
        snprintf(text, bytes, "[%s]:%u", a->host, a->port);
    else
        snprintf(text, bytes, "%s:%u", a->host, a->port);
}
