/* Fetch.
 *
 * The request is HTTP/1.0, so that an answer is never chunked and ends with
 * the connection; where it says its length, that must be there.
 */
#include "weir/fetch.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "serve/address.h"

#define DEFAULT_PATH "/debug/pprof/heap"
#define PATIENCE     60 /* seconds */

bool
wr_fetch_is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 ||
           strncmp(text, "https://", 8) == 0 || strncmp(text, "unix:", 5) == 0;
}

struct target {
    struct wr_address at;
    char host[300];
    const char *path;
};

static int
parse_url(struct target *t, const char *url, char *why, size_t why_bytes)
{
    char place[300];
    if (strncmp(url, "https://", 8) == 0) {
        snprintf(why, why_bytes,
                 "weir speaks plain http only: fetch it with curl and give "
                 "weir the file");
        return -1;
    }
    t->path = DEFAULT_PATH;
    if (strncmp(url, "unix:", 5) == 0) {
        snprintf(t->host, sizeof t->host, "localhost");
        return wr_address_parse(&t->at, url, why, why_bytes);
    }
    const char *host = url + 7;
    size_t n = strcspn(host, "/?");
    if (n == 0 || n >= sizeof place - 4) {
        snprintf(why, why_bytes, "%s has no host", url);
        return -1;
    }
    const char *bracket = memchr(host, ']', n);
    bool port = memchr(bracket ? bracket : host, ':',
                       bracket ? n - (size_t)(bracket - host) : n) != NULL;
    snprintf(place, sizeof place, "%.*s%s", (int)n, host, port ? "" : ":80");
    snprintf(t->host, sizeof t->host, "%.*s", (int)n, host);
    if (host[n] == '/' && host[n + 1])
        t->path = host + n;
    return wr_address_parse(&t->at, place, why, why_bytes);
}

/* Seconds a delta profile will take: the server is silent that long. */
static long
asked_seconds(const char *path)
{
    const char *at = strstr(path, "seconds=");
    long n = at ? strtol(at + 8, NULL, 10) : 0;
    return n > 0 && n < 1000000 ? n : 0;
}

static int
send_request(int fd, const struct target *t, char *why, size_t why_bytes)
{
    struct timeval wait = {.tv_sec = PATIENCE + asked_seconds(t->path)};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    char *text;
    int n = asprintf(&text,
                     "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: weir/%s\r\n"
                     "Accept: */*\r\n\r\n",
                     t->path, t->host, WEIR_VERSION);
    int rc = n < 0 || send(fd, text, (size_t)n, MSG_NOSIGNAL) != n ? -1 : 0;
    if (n >= 0)
        free(text);
    if (rc != 0)
        snprintf(why, why_bytes, "cannot send to %s: %s", t->host,
                 strerror(errno));
    return rc;
}

static int
receive(int fd, unsigned char **bytes, size_t *count, char *why,
        size_t why_bytes)
{
    unsigned char *all = NULL;
    size_t have = 0, room = 0;
    for (;;) {
        if (have == room) {
            room = room ? 2 * room : 65536;
            void *more =
                room <= 2 * (size_t)WR_FETCH_MAX ? realloc(all, room) : NULL;
            if (!more) {
                snprintf(why, why_bytes, "the answer is over %u MiB",
                         WR_FETCH_MAX >> 20);
                free(all);
                return -1;
            }
            all = more;
        }
        ssize_t n = recv(fd, all + have, room - have, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            snprintf(why, why_bytes, "the answer stopped: %s",
                     errno == EAGAIN ? "nothing came for a minute"
                                     : strerror(errno));
            free(all);
            return -1;
        }
        if (n == 0)
            break;
        have += (size_t)n;
    }
    *bytes = all;
    *count = have;
    return 0;
}

/* The value of Content-Length in a head, or -1. */
static long long
content_length(const char *head, size_t bytes)
{
    static const char name[] = "content-length:";
    for (size_t i = 0; i + sizeof name < bytes; i++) {
        if (i > 0 && head[i - 1] != '\n')
            continue;
        if (strncasecmp(head + i, name, sizeof name - 1) == 0)
            return strtoll(head + i + sizeof name - 1, NULL, 10);
    }
    return -1;
}

int
wr_fetch_split(const unsigned char *answer, size_t count, int *status,
               size_t *start, size_t *length)
{
    const unsigned char *end =
        count ? memmem(answer, count, "\r\n\r\n", 4) : NULL;
    char line[16];
    if (!end || count < 12 || memcmp(answer, "HTTP/1.", 7) != 0)
        return -1;
    memcpy(line, answer + 9, 3);
    line[3] = 0;
    *status = atoi(line);
    *start = (size_t)(end - answer) + 4;
    *length = count - *start;
    long long said = content_length((const char *)answer, *start);
    if (said >= 0) {
        if ((unsigned long long)said > *length)
            return -1;
        *length = (size_t)said;
    }
    return *status >= 100 ? 0 : -1;
}

static int
take_body(unsigned char *all, size_t have, unsigned char **bytes, size_t *count,
          char *why, size_t why_bytes)
{
    int status;
    size_t start, length;
    if (wr_fetch_split(all, have, &status, &start, &length) != 0) {
        snprintf(why, why_bytes, "the answer is not HTTP, or was cut off");
        free(all);
        return -1;
    }
    if (status != 200) {
        int n = (int)(length < 200 ? length : 200);
        snprintf(why, why_bytes, "the server answered %d: %.*s", status, n,
                 (const char *)all + start);
        why[strcspn(why, "\r\n")] = 0;
        free(all);
        return -1;
    }
    memmove(all, all + start, length);
    *bytes = all;
    *count = length;
    return 0;
}

int
wr_fetch(const char *url, unsigned char **bytes, size_t *count, char *why,
         size_t why_bytes)
{
    struct target t;
    unsigned char *all;
    size_t have;
    if (parse_url(&t, url, why, why_bytes) != 0)
        return -1;
    int fd = wr_address_connect(&t.at, why, why_bytes);
    if (fd < 0)
        return -1;
    int rc = send_request(fd, &t, why, why_bytes);
    if (rc == 0)
        rc = receive(fd, &all, &have, why, why_bytes);
    close(fd);
    if (rc != 0)
        return -1;
    return take_body(all, have, bytes, count, why, why_bytes);
}
