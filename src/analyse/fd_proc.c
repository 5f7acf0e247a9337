/* What the kernel tells of a process's descriptors. */
#include <arpa/inet.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "analyse/fds.h"

#define MOST (1 << 20) /* descriptors, and sockets of a name space */

enum wr_fd_kind
wr_fd_kind_of(const char *target)
{
    static const struct {
        const char *begins;
        enum wr_fd_kind kind;
    } known[] = {
        {"/memfd:", WR_KIND_MEMORY},
        {"/dev/shm/", WR_KIND_FILE},
        {"/dev/", WR_KIND_DEVICE},
        {"/", WR_KIND_FILE},
        {"socket:", WR_KIND_SOCKET},
        {"pipe:", WR_KIND_PIPE},
        {"anon_inode:[eventpoll]", WR_KIND_EPOLL},
        {"anon_inode:[eventfd]", WR_KIND_EVENT},
        {"anon_inode:[timerfd]", WR_KIND_TIMER},
        {"anon_inode:[signalfd]", WR_KIND_SIGNAL},
        {"anon_inode:inotify", WR_KIND_INOTIFY},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(target, known[i].begins, strlen(known[i].begins)) == 0)
            return known[i].kind;
    return WR_KIND_OTHER;
}

/* --- Sockets ------------------------------------------------------------- */

struct socket {
    unsigned long long inode;
    char text[160];
};

struct sockets {
    struct socket *list;
    size_t count, room;
};

static struct socket *
new_socket(struct sockets *s)
{
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 64;
        struct socket *list =
            room > MOST ? NULL : realloc(s->list, room * sizeof *list);
        if (!list)
            return NULL;
        s->list = list;
        s->room = room;
    }
    return &s->list[s->count++];
}

/* The kernel writes addresses as words of the machine in hex. */
static void
address_text(char *text, size_t n, const char *hex, unsigned port)
{
    uint32_t word[4];
    char ip[INET6_ADDRSTRLEN] = "?";
    size_t words = strlen(hex) / 8;
    for (size_t i = 0; i < words && i < 4; i++) {
        char part[9] = "";
        memcpy(part, hex + 8 * i, 8);
        word[i] = (uint32_t)strtoul(part, NULL, 16);
    }
    if (words == 4)
        snprintf(text, n, "[%s]:%u", inet_ntop(AF_INET6, word, ip, sizeof ip),
                 port);
    else if (words == 1)
        snprintf(text, n, "%s:%u", inet_ntop(AF_INET, word, ip, sizeof ip),
                 port);
    else
        snprintf(text, n, "?:%u", port);
}

static void
add_inet(struct sockets *s, const char *line, const char *protocol)
{
    char local[33], peer[33], from[64], to[64];
    unsigned local_port, peer_port, state;
    unsigned long long inode;
    if (sscanf(line,
               " %*u: %32[0-9A-F]:%x %32[0-9A-F]:%x %x %*s %*s %*s %*u %*u "
               "%llu",
               local, &local_port, peer, &peer_port, &state, &inode) != 6)
        return;
    struct socket *one = new_socket(s);
    if (!one)
        return;
    one->inode = inode;
    address_text(from, sizeof from, local, local_port);
    address_text(to, sizeof to, peer, peer_port);
    if (peer_port == 0)
        snprintf(one->text, sizeof one->text, "%s %s %s", protocol,
                 state == 10 ? "listens at" : "at", from);
    else
        snprintf(one->text, sizeof one->text, "%s %s to %s", protocol, from,
                 to);
}

static void
add_unix(struct sockets *s, const char *line, const char *protocol)
{
    char path[109] = "";
    unsigned long long inode;
    if (sscanf(line, "%*s %*s %*s %*s %*s %*s %llu %108[^\n]", &inode, path) <
        1)
        return;
    struct socket *one = new_socket(s);
    if (!one)
        return;
    one->inode = inode;
    snprintf(one->text, sizeof one->text, "%s%s%s", protocol, *path ? " " : "",
             path);
}

static void
read_sockets(struct sockets *s, const char *root, uint32_t pid,
             const char *protocol,
             void (*add)(struct sockets *, const char *, const char *))
{
    char path[PATH_MAX], line[512];
    snprintf(path, sizeof path, "%s/proc/%u/net/%s", root, pid, protocol);
    FILE *in = fopen(path, "re");
    bool head = true;
    while (in && fgets(line, sizeof line, in)) {
        if (!head)
            add(s, line, protocol);
        head = false;
    }
    if (in)
        fclose(in);
}

static int
by_inode(const void *one, const void *other)
{
    const struct socket *a = one, *b = other;
    return a->inode < b->inode ? -1 : a->inode > b->inode;
}

static void
find_peers(struct wr_fd_list *l, const char *root, uint32_t pid)
{
    static const char *const inet[] = {"tcp", "tcp6", "udp", "udp6"};
    struct sockets s = {.list = NULL};
    for (size_t i = 0; i < sizeof inet / sizeof *inet; i++)
        read_sockets(&s, root, pid, inet[i], add_inet);
    read_sockets(&s, root, pid, "unix", add_unix);
    if (s.count)
        qsort(s.list, s.count, sizeof *s.list, by_inode);
    for (size_t i = 0; i < l->count; i++) {
        struct socket key = {.inode = 0}, *found = NULL;
        if (sscanf(l->open[i].target, "socket:[%llu]", &key.inode) == 1 &&
            s.count)
            found = bsearch(&key, s.list, s.count, sizeof *s.list, by_inode);
        l->open[i].peer = strdup(found ? found->text : "");
    }
    free(s.list);
}

/* --- The list ------------------------------------------------------------ */

/* 0, or -1: no memory. Gone meanwhile: it is left out. */
static int
add_one(struct wr_fd_list *l, size_t *room, const char *folder,
        const char *name)
{
    char path[PATH_MAX + 300], target[PATH_MAX];
    char *end;
    unsigned long number = strtoul(name, &end, 10);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n < 0 || *end)
        return 0;
    target[n] = '\0';
    if (l->count == *room) {
        *room = *room ? 2 * *room : 64;
        void *list =
            *room > MOST ? NULL : realloc(l->open, *room * sizeof *l->open);
        if (!list)
            return -1;
        l->open = list;
    }
    struct wr_fd_open *o = &l->open[l->count++];
    *o = (struct wr_fd_open){.number = (uint32_t)number,
                             .kind = wr_fd_kind_of(target),
                             .site = WR_SITE_UNSEEN,
                             .target = strdup(target)};
    return o->target ? 0 : -1;
}

int
wr_fd_proc_list(struct wr_fd_list *l, const char *root, uint32_t pid)
{
    char folder[PATH_MAX];
    size_t room = 0;
    int rc = 0;
    snprintf(folder, sizeof folder, "%s/proc/%u/fd", root, pid);
    DIR *dir = opendir(folder);
    if (!dir)
        return -1;
    for (struct dirent *e; rc == 0 && (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.')
            rc = add_one(l, &room, folder, e->d_name);
    closedir(dir);
    find_peers(l, root, pid);
    return rc;
}

uint64_t
wr_fd_proc_limit(const char *root, uint32_t pid)
{
    char path[PATH_MAX], line[256];
    unsigned long long limit = 0;
    snprintf(path, sizeof path, "%s/proc/%u/limits", root, pid);
    FILE *in = fopen(path, "re");
    while (in && fgets(line, sizeof line, in))
        if (sscanf(line, "Max open files %llu", &limit) == 1)
            break;
    if (in)
        fclose(in);
    return limit;
}
