/* Launch: start a program as if weir had not been in between.
 *
 *     struct wr_inherited was;
 *     wr_inherited_take(&was);              first thing in main
 *     pid_t pid = wr_launch(path, argv, envp, &was, &error);
 *
 * The program gets the signal mask and dispositions weir was started with,
 * weir's process group and terminal, and only the descriptors weir inherited.
 */
#ifndef WR_CMD_LAUNCH_H
#define WR_CMD_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct wr_inherited {
    sigset_t mask;
    struct sigaction child; /* of SIGCHLD: the only one weir changes */
};

/* Remember, then block every signal and let children be waited for. */
void wr_inherited_take(struct wr_inherited *was);
/* Put it all back: for a weir that is about to stop, die or be replaced. */
void wr_inherited_restore(const struct wr_inherited *was);

/* The child's pid; or -1 and the error of fork or exec. */
pid_t wr_launch(const char *path, char *const argv[], char *const envp[],
                const struct wr_inherited *was, int *error);

/* What to add to the environment. NULL members: leave alone. */
struct wr_settings {
    const char *library; /* to preload */
    const char *dir;     /* run directory */
    const char *sample;  /* bytes, as text */
    const char *limit;   /* as WEIR takes it */
    bool leaks;          /* search for them when a program ends */
    bool collect;        /* what malloc gave and nobody can reach */
    const char *percent; /* as gogc of WEIR */
};

/* A copy of env with WEIR and LD_PRELOAD set; what the user had in them
 * stays behind ours. From malloc, in one piece; NULL: no memory. */
char **wr_environment(char *const env[], const struct wr_settings *set);

/* Take entries that name libweir.so out of an LD_PRELOAD value, in place;
 * true when there was one. */
bool wr_preload_strip(char *value);

#endif
