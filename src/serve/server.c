/* The HTTP server.
 *
 * 1. Per request there is one exchange, made when the target is known and
 *    freed when the library says the request is over, however it ended.
 * 2. A handler runs in its connection's own thread, so it may block.
 * 3. Only this file knows libmicrohttpd.
 */
#include "serve/server.h"

#include <microhttpd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "serve/host.h"
#include "serve/site.h"

#define LISTEN_MAX 2

struct door {
    struct wr_server *server;
    struct MHD_Daemon *daemon;
    struct wr_host_rule rule;
    int fd;
};

struct wr_server {
    struct wr_site *site;
    int stop; /* an eventfd */
    struct door door[LISTEN_MAX];
    size_t count;
};

struct exchange {
    char *target;
    char *body;
    size_t body_bytes;
    bool seen;     /* the head was seen, the body may follow */
    bool too_long; /* body over WR_BODY_MAX */
};

static void *
begin(void *cls, const char *target, struct MHD_Connection *connection)
{
    (void)cls;
    (void)connection;
    struct exchange *x = calloc(1, sizeof *x);
    if (x)
        x->target = strdup(target);
    return x;
}

static void
end(void *cls, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode how)
{
    (void)cls;
    (void)connection;
    (void)how;
    struct exchange *x = *state;
    if (!x)
        return;
    free(x->target);
    free(x->body);
    free(x);
    *state = NULL;
}

static void
collect(struct exchange *x, const char *data, size_t bytes)
{
    char *body;
    if (x->too_long || bytes > WR_BODY_MAX - x->body_bytes ||
        !(body = realloc(x->body, x->body_bytes + bytes))) {
        x->too_long = true;
        return;
    }
    memcpy(body + x->body_bytes, data, bytes);
    x->body = body;
    x->body_bytes += bytes;
}

/* Of HTML without scripts. */
#define PLAIN_POLICY                                                           \
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

static void
add_headers(struct MHD_Response *r, const struct wr_answer *a)
{
    char text[128];
    MHD_add_response_header(r, "Content-Type", a->type);
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Cache-Control",
                            a->etag ? "no-cache" : "no-store");
    if (a->etag)
        MHD_add_response_header(r, "ETag", a->etag);
    if (a->gzipped)
        MHD_add_response_header(r, "Content-Encoding", "gzip");
    MHD_add_response_header(r, "Vary", "Accept, Accept-Encoding");
    MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
    if (strcmp(a->type, WR_TYPE_HTML) == 0)
        MHD_add_response_header(r, "Content-Security-Policy",
                                a->policy ? a->policy : PLAIN_POLICY);
    if (a->pprof_error)
        MHD_add_response_header(r, "X-Go-Pprof", "1");
    if (a->allow)
        MHD_add_response_header(r, "Allow", a->allow);
    if (a->location[0])
        MHD_add_response_header(r, "Location", a->location);
    if (a->attachment[0]) {
        snprintf(text, sizeof text, "attachment; filename=\"%s\"",
                 a->attachment);
        MHD_add_response_header(r, "Content-Disposition", text);
    }
}

/* Send the answer; its body goes to the library. */
static enum MHD_Result
reply(struct MHD_Connection *connection, struct wr_answer *a)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        a->count, a->bytes ? a->bytes : (void *)"",
        a->bytes ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!r) {
        wr_answer_fini(a);
        return MHD_NO;
    }
    add_headers(r, a);
    enum MHD_Result rc = MHD_queue_response(connection, (unsigned)a->status, r);
    MHD_destroy_response(r);
    return rc;
}

static int
socket_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

static const char *
header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Does the list of codings name gzip, and not with q=0? */
static bool
takes_gzip(const char *list)
{
    const char *at = list ? strcasestr(list, "gzip") : NULL;
    if (!at)
        return false;
    at += strlen("gzip");
    at += strspn(at, " ;");
    return strncasecmp(at, "q=", 2) != 0 || strtod(at + 2, NULL) > 0;
}

/* What the client has already is not sent again; texts get smaller. */
static void
shrink(const struct wr_request *q, struct wr_answer *a)
{
    if (a->etag && a->status == 200 && q->etag && strstr(q->etag, a->etag)) {
        wr_answer_fini(a);
        a->status = MHD_HTTP_NOT_MODIFIED;
    } else if (q->gzip && strcmp(a->type, WR_TYPE_BINARY) != 0) {
        wr_answer_compress(a);
    }
}

static void
answer(struct door *door, struct MHD_Connection *connection,
       const struct exchange *x, const char *method, struct wr_answer *a)
{
    struct wr_request q;
    const char *host = header(connection, MHD_HTTP_HEADER_HOST);
    const char *accept = header(connection, MHD_HTTP_HEADER_ACCEPT);
    int status = wr_request_parse(&q, method, x->target);
    q.host = host;
    q.json = accept && strncasecmp(accept, WR_TYPE_JSON, 16) == 0;
    q.gzip = takes_gzip(header(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING));
    q.etag = header(connection, MHD_HTTP_HEADER_IF_NONE_MATCH);
    q.body = x->body;
    q.body_bytes = x->body_bytes;
    q.socket = socket_of(connection);
    q.stop = door->server->stop;
    wr_answer_init(a);
    if (!wr_host_allowed(&door->rule, host))
        wr_answer_error(a, 403,
                        "This server answers to localhost and to the address "
                        "it was started with, not to \"%.200s\". If that is "
                        "its name, start it with --allow-host.\n",
                        host);
    else if (status != 0)
        wr_answer_error(a, status, "the request's target makes no sense\n");
    else if (x->too_long)
        wr_answer_error(a, 413, "a request's body has at most %u bytes\n",
                        WR_BODY_MAX);
    else
        wr_site_answer(door->server->site, &q, a);
    shrink(&q, a);
    wr_request_fini(&q);
}

static enum MHD_Result
handle(void *cls, struct MHD_Connection *connection, const char *path,
       const char *method, const char *version, const char *data, size_t *bytes,
       void **state)
{
    (void)path;
    (void)version;
    struct exchange *x = *state;
    struct wr_answer a;
    if (!x || !x->target)
        return MHD_NO;
    if (!x->seen) {
        x->seen = true;
        return MHD_YES;
    }
    if (*bytes > 0) {
        collect(x, data, *bytes);
        *bytes = 0;
        return MHD_YES;
    }
    answer(cls, connection, x, method, &a);
    return reply(connection, &a);
}

static struct MHD_Daemon *
open_door(struct door *door)
{
    return MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
            MHD_USE_POLL | MHD_USE_ITC,
        0, NULL, NULL, handle, door, MHD_OPTION_LISTEN_SOCKET, door->fd,
        MHD_OPTION_URI_LOG_CALLBACK, begin, door, MHD_OPTION_NOTIFY_COMPLETED,
        end, door, MHD_OPTION_CONNECTION_LIMIT, (unsigned)WR_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)WR_IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)WR_HEADER_BYTES,
        MHD_OPTION_END);
}

int
wr_server_start(struct wr_server **out, struct wr_site *site,
                const struct wr_listen *at, size_t count, char *why,
                size_t why_bytes)
{
    struct wr_server *server = calloc(1, sizeof *server);
    if (server)
        server->stop = eventfd(0, EFD_CLOEXEC);
    if (!server || count > LISTEN_MAX || server->stop < 0)
        goto fail;
    server->site = site;
    for (size_t i = 0; i < count; i++) {
        struct door *door = &server->door[i];
        *door = (struct door){.server = server, .fd = at[i].fd};
        wr_host_rule_init(&door->rule, at[i].host, at[i].names);
        door->daemon = open_door(door);
        if (!door->daemon)
            goto fail;
        server->count++;
    }
    *out = server;
    return 0;
fail:
    snprintf(why, why_bytes, "the HTTP server cannot start");
    for (size_t i = server ? server->count : 0; i < count; i++)
        close(at[i].fd);
    if (server)
        wr_server_stop(server);
    else
        wr_site_free(site);
    return -1;
}

void
wr_server_stop(struct wr_server *server)
{
    uint64_t one = 1;
    if (!server)
        return;
    if (write(server->stop, &one, sizeof one) < 0)
        return; /* cannot happen: the counter is far from full */
    for (size_t i = 0; i < server->count; i++)
        MHD_stop_daemon(server->door[i].daemon);
    close(server->stop);
    wr_site_free(server->site);
    free(server);
}

void
wr_server_forget(struct wr_server *server)
{
    for (size_t i = 0; i < server->count; i++)
        close(server->door[i].fd);
    close(server->stop);
}
