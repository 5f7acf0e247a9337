/* Launching: the environment of a program, and its signals. */
#include "weir/launch.h"

#include <errno.h>
#include "serve/program.h"

static const char *
value(char **env, const char *name)
{
    size_t n = strlen(name);
    const char *found = NULL;
    for (size_t i = 0; env[i]; i++)
        if (strncmp(env[i], name, n) == 0 && env[i][n] == '=') {
            ck_assert_msg(!found, "%s is set twice", name);
            found = env[i] + n + 1;
        }
    return found;
}

static char **
make(const char *weir, const char *preload, const char *sample)
{
    char *env[5] = {"HOME=/root", "WEIRD=1"};
    char first[200], second[200];
    int n = 2;
    snprintf(first, sizeof first, "WEIR=%s", weir ? weir : "");
    snprintf(second, sizeof second, "LD_PRELOAD=%s", preload ? preload : "");
    if (weir)
        env[n++] = first;
    if (preload)
        env[n++] = second;
    struct wr_settings set = {
        .library = "/lib/libweir.so.0", .dir = "/run/x", .sample = sample};
    char **made = wr_environment(env, &set);
    ck_assert_ptr_nonnull(made);
    ck_assert_str_eq(value(made, "HOME"), "/root");
    ck_assert_str_eq(value(made, "WEIRD"), "1");
    return made;
}

START_TEST(an_empty_environment_gets_both_variables)
{
    char **env = make(NULL, NULL, NULL);
    ck_assert_str_eq(value(env, "WEIR"), "dir=/run/x,sample=65536,overflow=on");
    ck_assert_str_eq(value(env, "LD_PRELOAD"), "/lib/libweir.so.0");
    free(env);
}
END_TEST

START_TEST(what_the_user_preloads_stays_behind_ours)
{
    char **env = make(NULL, "/a.so /b.so", NULL);
    ck_assert_str_eq(value(env, "LD_PRELOAD"), "/lib/libweir.so.0:/a.so:/b.so");
    free(env);
}
END_TEST

START_TEST(an_outer_runs_library_is_not_preloaded_twice)
{
    char **env = make(NULL, "/other/libweir.so.0:/a.so", NULL);
    ck_assert_str_eq(value(env, "LD_PRELOAD"), "/lib/libweir.so.0:/a.so");
    free(env);
}
END_TEST

START_TEST(settings_of_the_user_stay_unless_replaced)
{
    char **env = make("sample=7,dir=/old,new=1", NULL, NULL);
    ck_assert_str_eq(value(env, "WEIR"),
                     "dir=/run/x,overflow=on,sample=7,new=1");
    free(env);
    env = make("sample=7,new=1", NULL, "64");
    ck_assert_str_eq(value(env, "WEIR"),
                     "dir=/run/x,sample=64,overflow=on,new=1");
    free(env);
}
END_TEST

START_TEST(a_limit_takes_the_place_of_the_users)
{
    char *env[] = {"WEIR=limit=1GiB,new=1", NULL};
    struct wr_settings set = {.library = "/lib/libweir.so.0",
                              .dir = "/run/x",
                              .sample = "7",
                              .limit = "auto:hard"};
    char **made = wr_environment(env, &set);
    ck_assert_str_eq(value(made, "WEIR"),
                     "dir=/run/x,sample=7,limit=auto:hard,overflow=on,new=1");
    free(made);
    set.limit = NULL;
    made = wr_environment(env, &set);
    ck_assert_str_eq(value(made, "WEIR"),
                     "dir=/run/x,sample=7,overflow=on,limit=1GiB,new=1");
    free(made);
}
END_TEST

START_TEST(collecting_replaces_what_the_user_said_of_it)
{
    struct wr_settings set = {.library = "/lib/libweir.so.0",
                              .dir = "/run/x",
                              .sample = "7",
                              .collect = true};
    char *env[] = {"WEIR=collect=off,gogc=400,overflow=on", NULL};
    char **made = wr_environment(env, &set);
    ck_assert_str_eq(value(made, "WEIR"),
                     "dir=/run/x,sample=7,collect=on,gogc=400,overflow=on");
    free(made);
    set.percent = "20";
    made = wr_environment(env, &set);
    ck_assert_str_eq(value(made, "WEIR"),
                     "dir=/run/x,sample=7,collect=on,gogc=20,overflow=on");
    free(made);
}
END_TEST

START_TEST(who_says_nothing_gets_a_sample_of_64_KiB)
{
    char **env = make(NULL, NULL, NULL);
    ck_assert_str_eq(value(env, "WEIR"), "dir=/run/x,sample=65536,overflow=on");
    free(env);
    env = make("overflow=off", NULL, NULL);
    ck_assert_str_eq(value(env, "WEIR"),
                     "dir=/run/x,sample=65536,overflow=off");
    free(env);
    env = make("resample=7", NULL, NULL);
    ck_assert_str_eq(value(env, "WEIR"),
                     "dir=/run/x,sample=65536,overflow=on,resample=7");
    free(env);
}
END_TEST

START_TEST(only_entries_that_name_the_library_are_stripped)
{
    static const struct {
        const char *from, *to;
        bool found;
    } is[] = {
        {"", "", false},
        {"/a/b.so", "/a/b.so", false},
        {"/x/libweir.so", "", true},
        {"libweir.so.0:/b.so", "/b.so", true},
        {"/a.so /x/libweir.so.0.1.0  /b.so", "/a.so:/b.so", true},
        {"/x/libweird.so", "/x/libweird.so", false},
        {"/libweir.so/other", "/libweir.so/other", false},
    };
    for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
        char text[100];
        strcpy(text, is[i].from);
        ck_assert_int_eq(wr_preload_strip(text), is[i].found);
        ck_assert_str_eq(text, is[i].to);
    }
}
END_TEST

static int
run(char *const argv[])
{
    char *env[] = {NULL};
    struct wr_inherited was;
    int error, status;
    wr_inherited_take(&was);
    pid_t pid = wr_launch(argv[0], argv, env, &was, &error);
    if (pid < 0) {
        wr_inherited_restore(&was);
        return -error;
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    wr_inherited_restore(&was);
    return status;
}

START_TEST(an_error_of_exec_is_told_to_the_parent)
{
    char *missing[] = {"/no/such/program", NULL}, *folder[] = {"/tmp", NULL};
    ck_assert_int_eq(run(missing), -ENOENT);
    ck_assert_int_eq(run(folder), -EACCES);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
}
END_TEST

START_TEST(a_program_gets_the_mask_and_dispositions_weir_had)
{
    char *mask[] = {"/bin/grep", "-q", "^SigBlk:.*0000200$",
                    "/proc/self/status", NULL};
    char *ignored[] = {"/bin/grep", "-q", "^SigIgn:.*0011000$",
                       "/proc/self/status", NULL};
    struct sigaction now;
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    sigprocmask(SIG_SETMASK, &some, NULL);
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(run(mask), 0);
    ck_assert_int_eq(run(ignored), 0);
    sigaction(SIGCHLD, NULL, &now);
    ck_assert_ptr_eq(now.sa_handler, SIG_IGN);
}
END_TEST

START_TEST(a_program_inherits_no_descriptor_of_weirs)
{
    char *list[] = {"/bin/sh", "-c", "test ! -e /proc/$$/fd/77", NULL};
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(dup3(fd, 77, O_CLOEXEC), 77);
    ck_assert_int_eq(run(list), 0);
    close(77);
    close(fd);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("launch");
    tcase_add_test(t, an_empty_environment_gets_both_variables);
    tcase_add_test(t, what_the_user_preloads_stays_behind_ours);
    tcase_add_test(t, an_outer_runs_library_is_not_preloaded_twice);
    tcase_add_test(t, settings_of_the_user_stay_unless_replaced);
    tcase_add_test(t, a_limit_takes_the_place_of_the_users);
    tcase_add_test(t, collecting_replaces_what_the_user_said_of_it);
    tcase_add_test(t, who_says_nothing_gets_a_sample_of_64_KiB);
    tcase_add_test(t, only_entries_that_name_the_library_are_stripped);
    tcase_add_test(t, an_error_of_exec_is_told_to_the_parent);
    tcase_add_test(t, a_program_gets_the_mask_and_dispositions_weir_had);
    tcase_add_test(t, a_program_inherits_no_descriptor_of_weirs);
    return run_case(t, "launch");
}
