/* Other ways to a new process: vfork, posix_spawn, system, popen, exec after
 * fork, daemon. The program starts itself again, as "prog_spawn child". */
#define _GNU_SOURCE
#include "cases.h"
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char *self[] = {"/proc/self/exe", "child", NULL};

static int
child_main(void)
{
    for (size_t n = 1; n < 1000000; n *= 2) {
        void *p = calloc(1, n);
        if (!p)
            return 9;
        free(p);
    }
    return 7;
}

static void
expect_seven(pid_t pid)
{
    int status = 0;
    expect(pid > 0 && waitpid(pid, &status, 0) == pid);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void
vfork_and_exec(void)
{
    for (int i = 0; i < 50; i++) {
        void *volatile mine = malloc(100);
        paint(mine, 100, 1);
        pid_t pid = vfork();
        if (pid == 0) {
            execv(self[0], self);
            _exit(1);
        }
        expect_seven(pid);
        expect(painted(mine, 100, 1));
        free(mine);
    }
}

/* Frowned upon, yet shells do it: the child shares the heap until exec. */
static void
vfork_child_allocates(void)
{
    for (int i = 0; i < 50; i++) {
        pid_t pid = vfork();
        if (pid == 0) {
            for (size_t n = 1; n < 5000; n *= 3)
                free(malloc(n));
            execv(self[0], self);
            _exit(1);
        }
        expect_seven(pid);
        free(malloc(3000));
    }
}

static void
vfork_and_leave(void)
{
    for (int i = 0; i < 50; i++) {
        int status = 0;
        pid_t pid = vfork();
        if (pid == 0)
            _exit(7);
        expect(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
        free(malloc(3000));
    }
}

static void
spawned(void)
{
    for (int i = 0; i < 50; i++) {
        pid_t pid = 0;
        expect(posix_spawn(&pid, self[0], NULL, NULL, self, environ) == 0);
        expect_seven(pid);
        expect(posix_spawnp(&pid, "no such program", NULL, NULL, self,
                            environ) != 0);
    }
}

static void *
spawning(void *unused)
{
    spawned();
    return NULL;
}

static void
spawned_by_threads(void)
{
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, spawning, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
}

static void
system_and_popen(void)
{
    char line[64] = "";
    expect(WEXITSTATUS(system("exit 5")) == 5);
    FILE *f = popen("echo through a pipe | cat", "r");
    expect(fgets(line, sizeof line, f) && !strcmp(line, "through a pipe\n"));
    expect(pclose(f) == 0);
}

static void
fork_and_exec(void)
{
    for (int i = 0; i < 50; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            free(malloc(99));
            execv(self[0], self);
            _exit(1);
        }
        expect_seven(pid);
    }
}

static void *
execute(void *unused)
{
    execv(self[0], self);
    _exit(1);
}

static void *
allocate_for_ever(void *unused)
{
    for (size_t n = 1;; n = n * 7 % 5003 + 1)
        free(malloc(n));
}

static void
exec_by_a_thread(void)
{
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            pthread_t t[3];
            pthread_create(&t[0], NULL, allocate_for_ever, NULL);
            pthread_create(&t[1], NULL, allocate_for_ever, NULL);
            pthread_create(&t[2], NULL, execute, NULL);
            allocate_for_ever(NULL);
        }
        expect_seven(pid);
    }
}

static void
a_daemon(void)
{
    int fd[2];
    char said = 0;
    expect(pipe(fd) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (daemon(0, 0) != 0)
            _exit(1);
        free(malloc(1 << 20));
        (void)!write(fd[1], "d", 1);
        _exit(0);
    }
    close(fd[1]);
    expect(read(fd[0], &said, 1) == 1 && said == 'd');
    waitpid(pid, NULL, 0);
    close(fd[0]);
}

static void
exec_fails(void)
{
    for (int i = 0; i < 100; i++) {
        expect(execl("/nonexistent/program", "x", NULL) == -1);
        expect(errno == ENOENT);
        void *p = malloc(5000);
        paint(p, 5000, 1);
        expect(painted(p, 5000, 1));
        free(p);
    }
}

static const struct test_case cases[] = {
    {"vfork and exec", vfork_and_exec},
    {"a vfork child may allocate", vfork_child_allocates},
    {"a vfork child may leave", vfork_and_leave},
    {"posix_spawn", spawned},
    {"posix_spawn from several threads", spawned_by_threads},
    {"system and popen", system_and_popen},
    {"fork and exec", fork_and_exec},
    {"exec by one of several busy threads", exec_by_a_thread},
    {"daemon", a_daemon},
    {"an exec that fails changes nothing", exec_fails},
};

int
main(int argc, char **argv)
{
    return argc > 1 ? child_main() : RUN_CASES(cases);
}
