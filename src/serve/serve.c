/* What libweir-serve.so offers: to a program its own profiles, to `weir` the
 * server for a directory of regions.
 *
 * 1. `own` is guarded by `lock` (a leaf but for the server's own locks).
 * 2. The server's threads handle no signal of the program; only Weir's own
 *    for thread stacks stays open to them, or they could not be shown.
 */
#include <weir/serve.h>

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "serve/address.h"
#include "serve/serve.h"
#include "serve/site.h"

#define EXPORT __attribute__((visibility("default")))

#define KEPT_BYTES (32 << 20) /* by each arena of malloc, at most */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct {
    struct wr_server *server;
    struct wr_address at;
    char text[300];
} own;

static void
before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void
after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

/* The child must not hold its parent's port open. */
static void
in_child(void)
{
    if (own.server)
        wr_server_forget(own.server);
    own.server = NULL;
    own.text[0] = 0;
    pthread_mutex_unlock(&lock);
}

static void
watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, in_child);
}

/* Block everything in the threads that are made next, but for the signal
 * that asks a thread for its stack. */
static void
block_signals(sigset_t *old)
{
    struct wr_sources self;
    sigset_t set;
    sigfillset(&set);
    if (wr_sources_self(&self) == 0) {
        uint32_t capture = self.list[0].view.header->capture_signal;
        if (capture)
            sigdelset(&set, (int)capture);
        wr_sources_free(&self);
    }
    pthread_sigmask(SIG_BLOCK, &set, old);
}

static weir_err
start(struct wr_address *at, int fd)
{
    char why[256];
    struct wr_listen door = {.fd = fd, .host = at->is_unix ? NULL : at->host};
    struct wr_site *site = wr_site_new(NULL, WR_SCAN_HERE);
    sigset_t old;
    if (!site) {
        close(fd);
        return WEIR_ENOMEM;
    }
    block_signals(&old);
    int rc = wr_server_start(&own.server, site, &door, 1, why, sizeof why);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0)
        return WEIR_EIO;
    own.at = *at;
    wr_address_text(at, own.text, sizeof own.text);
    return WEIR_OK;
}

static weir_err
serve(const char *address)
{
    char why[400];
    struct wr_address at;
    struct wr_sources self;
    if (!address || wr_address_parse(&at, address, why, sizeof why) != 0)
        return WEIR_EINVAL;
    if (own.server)
        return WEIR_EBUSY;
    if (wr_sources_self(&self) != 0)
        return WEIR_ENOTSUP;
    wr_sources_free(&self);
    int fd = wr_address_listen(&at, why, sizeof why);
    if (fd < 0)
        return errno == EADDRINUSE ? WEIR_EBUSY : WEIR_EIO;
    return start(&at, fd);
}

EXPORT weir_err
weir_serve(const char *address)
{
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&lock);
    weir_err err = serve(address);
    pthread_mutex_unlock(&lock);
    return err;
}

EXPORT const char *
weir_serve_address(void)
{
    return own.text;
}

EXPORT void
weir_serve_stop(void)
{
    pthread_mutex_lock(&lock);
    struct wr_server *server = own.server;
    own.server = NULL;
    own.text[0] = 0;
    pthread_mutex_unlock(&lock);
    wr_server_stop(server);
    if (server && own.at.is_unix)
        unlink(own.at.path);
}

/* In the process of `weir` alone: what an answer took is kept for the next
 * one. Given back, it would have to be cleared by the system each time, which
 * takes longer than a large profile's sums. */
static void
keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

EXPORT struct wr_server *
weir_serve_directory(const struct wr_serving *what, const struct wr_listen *at,
                     size_t count, char *why, size_t why_bytes)
{
    struct wr_server *server = NULL;
    keep_memory();
    struct wr_site *site = wr_site_new(what->dir, what->how);
    if (!site) {
        snprintf(why, why_bytes, "out of memory");
        return NULL;
    }
    wr_site_set_subject(site, what->subject);
    if (what->no_go_metrics)
        wr_site_hide_go_metrics(site);
    wr_server_start(&server, site, at, count, why, why_bytes);
    return server;
}

EXPORT void
weir_serve_directory_stop(struct wr_server *server)
{
    wr_server_stop(server);
}
