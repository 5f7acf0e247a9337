/* Calls every function that opens or closes a descriptor, checks that it did
 * what libc does, and prints what came of it. With "list" it waits at the end,
 * with all open that it opened; with "vfork" it has had children that closed
 * everything of theirs. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

static void
check(int ok, const char *what)
{
    printf("%s: %s, errno %d\n", what, ok ? "good" : "BAD", ok ? 0 : errno);
    if (!ok)
        exit(1);
}

#define GOOD(x) check((x), #x)
#define OPEN(x) check((x) > 2, #x)

static mode_t
mode_of(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 ? s.st_mode & 07777 : 0;
}

static void
open_files(void)
{
    char name[] = "mkXXXXXX", more[] = "mkXXXXXX.c", *names[] = {name, more};

    umask(0);
    OPEN(open("a", O_RDWR | O_CREAT, 0640));
    GOOD(mode_of("a") == 0640);
    OPEN(open64("b", O_RDWR | O_CREAT, 0604));
    GOOD(mode_of("b") == 0604);
    OPEN(openat(AT_FDCWD, "c", O_RDWR | O_CREAT, 0444));
    GOOD(mode_of("c") == 0444);
    OPEN(openat64(AT_FDCWD, "d", O_RDWR | O_CREAT, 0400));
    GOOD(mode_of("d") == 0400);
    OPEN(open("a", O_RDONLY));
    OPEN(__open_2("a", O_RDONLY));
    OPEN(__open64_2("a", O_RDONLY));
    OPEN(__openat_2(AT_FDCWD, "a", O_RDONLY));
    OPEN(__openat64_2(AT_FDCWD, "a", O_RDONLY));
    OPEN(creat("e", 0600));
    OPEN(creat64("f", 0600));
    OPEN(mkstemp(strcpy(name, "mkXXXXXX")));
    OPEN(mkstemp64(strcpy(name, "mkXXXXXX")));
    OPEN(mkostemp(strcpy(name, "mkXXXXXX"), O_CLOEXEC));
    OPEN(mkostemp64(strcpy(name, "mkXXXXXX"), 0));
    OPEN(mkstemps(strcpy(more, "mkXXXXXX.c"), 2));
    OPEN(mkstemps64(strcpy(more, "mkXXXXXX.c"), 2));
    OPEN(mkostemps(strcpy(more, "mkXXXXXX.c"), 2, 0));
    OPEN(mkostemps64(strcpy(more, "mkXXXXXX.c"), 2, 0));
    (void)names;
    errno = 0;
    GOOD(open("none", O_RDONLY) == -1 && errno == ENOENT);
    GOOD(openat(-1, "none", O_RDONLY) == -1 && errno == EBADF);
}

static void
open_things(void)
{
    int pair[2];
    sigset_t mask;

    sigemptyset(&mask);
    OPEN(socket(AF_UNIX, SOCK_STREAM, 0));
    GOOD(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pair[1] > 2);
    GOOD(pipe(pair) == 0 && pair[1] > 2);
    GOOD(pipe2(pair, O_CLOEXEC) == 0 && pair[1] > 2);
    OPEN(dup(0));
    OPEN(dup2(0, 200));
    OPEN(dup3(0, 201, O_CLOEXEC));
    GOOD(dup2(200, 200) == 200);
    GOOD(dup3(200, 200, 0) == -1 && errno == EINVAL);
    OPEN(fcntl(0, F_DUPFD, 100));
    OPEN(fcntl(0, F_DUPFD_CLOEXEC, 100));
    GOOD(fcntl(0, F_SETFD, FD_CLOEXEC) == 0 &&
         fcntl(0, F_GETFD) == FD_CLOEXEC && fcntl(0, F_SETFD, 0) == 0);
    OPEN(epoll_create(1));
    OPEN(epoll_create1(EPOLL_CLOEXEC));
    OPEN(eventfd(3, 0));
    OPEN(timerfd_create(CLOCK_MONOTONIC, 0));
    OPEN(signalfd(-1, &mask, 0));
    OPEN(inotify_init());
    OPEN(inotify_init1(IN_CLOEXEC));
    OPEN(memfd_create("mine", 0));
    GOOD(signalfd(0, &mask, 0) == -1 && errno == EINVAL);
    GOOD(socket(-1, 1, 1) == -1 && errno == EAFNOSUPPORT);
}

static void
open_streams(void)
{
    FILE *f;
    DIR *d;
    char word[16] = "";

    GOOD((f = fopen("a", "r")) != NULL && (f = freopen("b", "r", f)) != NULL);
    GOOD(fclose(f) == 0);
    GOOD(fopen64("a", "r") != NULL);
    GOOD(fopen("a", "r") != NULL);
    GOOD(tmpfile() != NULL && tmpfile64() != NULL);
    GOOD((f = popen("echo word", "r")) != NULL &&
         fgets(word, sizeof word, f) != NULL && strcmp(word, "word\n") == 0);
    GOOD(pclose(f) == 0);
    GOOD((f = fmemopen(word, sizeof word, "r")) != NULL && fclose(f) == 0);
    GOOD((d = opendir(".")) != NULL && readdir(d) != NULL);
    GOOD(closedir(d) == 0 && opendir(".") != NULL);
    GOOD(fopen("none", "r") == NULL && errno == ENOENT);
    GOOD(opendir("none") == NULL && errno == ENOENT);
}

static void
accept_one(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "sock"};
    struct sockaddr_un peer;
    socklen_t n = sizeof peer;
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c;

    GOOD(bind(s, (void *)&a, sizeof a) == 0 && listen(s, 5) == 0);
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    GOOD(connect(c, (void *)&a, sizeof a) == 0);
    OPEN(accept(s, (void *)&peer, &n));
    GOOD(peer.sun_family == AF_UNIX);
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    GOOD(connect(c, (void *)&a, sizeof a) == 0);
    OPEN(accept4(s, NULL, NULL, SOCK_NONBLOCK));
}

/* ---- what may interrupt, and be interrupted ---- */

static volatile int handled;

static void
handler(int number)
{
    int fd = open("a", O_RDONLY);

    (void)number;
    handled += fd >= 0 && close(fd) == 0;
}

static void
from_handlers(void)
{
    static char alternate[65536];
    struct sigaction act = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};

    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &act, NULL);
    for (int i = 0; i < 100; i++)
        raise(SIGUSR1);
    GOOD(handled == 100);
}

static void *
wait_in_accept(void *arg)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "never"};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);

    bind(s, (void *)&a, sizeof a);
    listen(s, 1);
    accept(s, NULL, NULL);
    return arg;
}

static void
a_wait_is_cancelled(void)
{
    pthread_t t;
    void *result = NULL;

    GOOD(pthread_create(&t, NULL, wait_in_accept, NULL) == 0);
    GOOD(pthread_cancel(t) == 0 && pthread_join(t, &result) == 0);
    GOOD(result == PTHREAD_CANCELED);
}

static int
child_of_clone(void *arg)
{
    close(*(int *)arg);
    return 7;
}

static void
guests(void)
{
    static char stack[65536];
    int fd = open("a", O_RDONLY), status = 0;
    pid_t pid = vfork();

    if (pid == 0) {
        close(fd);
        _exit(5);
    }
    GOOD(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
    pid = clone(child_of_clone, stack + sizeof stack,
                CLONE_VM | CLONE_VFORK | SIGCHLD, &fd);
    GOOD(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
    GOOD(fcntl(fd, F_GETFD) == 0);
}

static void
close_them(void)
{
    int fd = open("a", O_RDONLY);

    GOOD(close(fd) == 0 && close(fd) == -1 && errno == EBADF);
    GOOD(close(-1) == -1 && errno == EBADF);
    GOOD(dup2(0, 300) == 300 && dup2(0, 301) == 301);
    GOOD(close_range(300, 300, 0) == 0 && fcntl(300, F_GETFD) == -1);
    GOOD(fcntl(301, F_GETFD) == 0);
    closefrom(300);
    GOOD(fcntl(301, F_GETFD) == -1 && fcntl(200, F_GETFD) == 0);
}

int
main(int argc, char **argv)
{
    char *dir = argc > 1 ? argv[1] : ".";

    GOOD(chdir(dir) == 0);
    open_files();
    open_things();
    open_streams();
    accept_one();
    from_handlers();
    a_wait_is_cancelled();
    if (argc < 3 || strcmp(argv[2], "list") != 0)
        guests();
    close_them();
    puts("ready");
    fflush(stdout);
    while (argc > 2)
        pause();
    return 0;
}
