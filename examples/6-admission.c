/* 6: a server that answers 503 instead of dying.
 *
 *     $ cc 6-admission.c $(pkg-config --cflags --libs weir) -lpthread
 *     $ ./a.out 8080 &
 *     $ curl http://127.0.0.1:8080/16        work that takes 16 MiB
 *
 * The limit is that of the control group (in a container: the container's), or
 * 256 MiB where there is none. Three quarters of it may be used by requests:
 * each reserves what it will need before it begins, and is refused when that
 * does not fit. With "open" behind the port everybody is let in: then the
 * system's limit is what ends the overload, and the server with it.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <weir/weir.h>

static weir_budget *requests;
static int everybody; /* is let in */

static void
answer(int fd, const char *status, const char *text)
{
    char head[600];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n%s\n",
                     status, strlen(text) + 1, text);

    if (write(fd, head, (size_t)n) != n)
        fputs("a client left early\n", stderr);
}

/* The work: so many bytes, for a while. */
static void
work(int fd, size_t bytes)
{
    volatile char *p = malloc(bytes);

    if (p == NULL) {
        answer(fd, "500 Internal Server Error", "no memory");
        return;
    }
    for (size_t i = 0; i < bytes; i += 4096)
        p[i] = 1;
    sleep(2);
    answer(fd, "200 OK", "done");
    free((void *)p);
}

/* Only where it fits. */
static void
admit(int fd, size_t bytes)
{
    weir_budget *mine, *before;
    char why[300];

    if (weir_budget_new(&mine, "request", requests, WEIR_BUDGET_ANY, 0) !=
        WEIR_OK) {
        answer(fd, "503 Service Unavailable", "no budget");
        return;
    }
    if (weir_budget_reserve(mine, bytes) == WEIR_OK) {
        before = weir_budget_enter(mine);
        work(fd, bytes);
        weir_budget_leave(before);
    } else {
        weir_budget_explain(mine, bytes, why, sizeof why);
        answer(fd, "503 Service Unavailable", why);
    }
    weir_budget_free(mine);
}

static void *
serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char request[2000] = "";
    ssize_t n = read(fd, request, sizeof request - 1);
    unsigned mib = 0;

    if (n <= 0 || sscanf(request, "GET /%u", &mib) != 1 || mib > 4096)
        answer(fd, "400 Bad Request", "say how many MiB: GET /16");
    else if (everybody)
        work(fd, (size_t)mib << 20);
    else
        admit(fd, (size_t)mib << 20);
    close(fd);
    return NULL;
}

static int
listen_on(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 ||
        listen(fd, 100) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) != 0)
        return -1;
    printf("http://127.0.0.1:%d/\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

int
main(int argc, char **argv)
{
    struct weir_limit limit;
    uint64_t bytes = (uint64_t)256 << 20;
    pthread_t thread;
    int fd, client;

    everybody = argc > 2 && strcmp(argv[2], "open") == 0;
    if (weir_limit_set(WEIR_LIMIT_AUTO, 0) != WEIR_OK ||
        weir_limit_read(&limit) != WEIR_OK)
        return 1;
    if (limit.limit != WEIR_LIMIT_OFF)
        bytes = limit.limit;
    if (weir_budget_new(&requests, "requests", NULL, bytes / 4 * 3, 0) !=
        WEIR_OK)
        return 1;
    fd = listen_on((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
    if (fd < 0) {
        perror("listen");
        return 1;
    }
    while ((client = accept(fd, NULL, NULL)) >= 0)
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)client) == 0)
            pthread_detach(thread);
        else
            close(client);
    return 0;
}
