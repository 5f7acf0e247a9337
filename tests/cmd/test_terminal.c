/* Text from elsewhere does no harm on a terminal, and is whole in a file. */
#include "cmd/talk.h"

#include <fcntl.h>
#include <termios.h>
#include "analyse/maker.h"
#include "weir/terminal.h"

#define NAME "a\x1b[2Jb\x07\xc2\x9b\x7f\xc3\xa9"

static const char *
save(void)
{
    struct wr_profile *p = maker_heap();
    unsigned char *bytes;
    size_t n;
    char why[WR_WHY];
    maker_sample(p, STACK(NAME), 1, 100);
    ck_assert_int_eq(wr_profile_encode(p, true, &bytes, &n, why, sizeof why),
                     0);
    const char *path = write_scratch("profile", bytes, n);
    free(bytes);
    wr_profile_free(p);
    return path;
}

/* What weir top writes on a terminal. */
static const char *
on_terminal(const char *path)
{
    static char text[4096];
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master) | unlockpt(master), 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(slave, 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {(char *)"top", (char *)path, NULL};
        dup2(slave, STDOUT_FILENO);
        wr_cmd_top(2, argv);
        fflush(stdout);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ssize_t n = read(master, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    close(slave);
    close(master);
    return text;
}

START_TEST(control_characters_do_not_reach_a_terminal)
{
    const char *text = on_terminal(save());
    ck_assert_ptr_nonnull(strstr(text, "a?[2Jb???\xc3\xa9"));
    ck_assert_ptr_null(strchr(text, '\x1b'));
    ck_assert_ptr_nonnull(strchr(text, '\n'));
}
END_TEST

START_TEST(a_file_gets_every_byte)
{
    ck_assert_int_eq(talk(wr_cmd_top, "top", save()), 0);
    assert_out(NAME);
}
END_TEST

static bool
has_terminals(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master >= 0)
        close(master);
    return master >= 0;
}

int
main(void)
{
    TCase *t = tcase_create("terminal");
    tcase_add_checked_fixture(t, talk_setup, talk_teardown);
    if (has_terminals())
        tcase_add_test(t, control_characters_do_not_reach_a_terminal);
    else
        unit_skip("this machine gives no terminals (/dev/pts)");
    tcase_add_test(t, a_file_gets_every_byte);
    Suite *s = suite_create("cmd/terminal");
    suite_add_tcase(s, t);
    return unit_main(s);
}
