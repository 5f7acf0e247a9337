/* Names by which a server may be asked: --allow-host, given any number of
 * times.
 *
 *     struct wr_hosts hosts = {.count = 0};
 *     if (wr_hosts_add(&hosts, optarg) != 0)
 *         return WR_EXIT_USAGE;
 *     listen.names = hosts.name;
 *
 * Ownership: the texts stay the caller's. Threads: one at a time.
 */
#ifndef WR_CMD_HOSTS_H
#define WR_CMD_HOSTS_H

#include <stddef.h>

#define WR_HOSTS_MAX 16

struct wr_hosts {
    const char *name[WR_HOSTS_MAX + 1]; /* ended by NULL */
    size_t count;
};

/* 0, or -1 after a sentence to stderr: not a name, or too many. */
int wr_hosts_add(struct wr_hosts *hosts, const char *name);

#endif
