/* Supervise: be the parent of a program without being in its way.
 *
 *     struct wr_supervision s = {.pid = pid, .inherited = &was, ...};
 *     int status = wr_supervise(&s);         as waitpid gives it
 *     wr_exit_like(status, &was);            does not return
 *
 * Signals sent to weir go on to the program. Those that come to the whole
 * process group, from the terminal (^C, ^\, ^Z, hang-up) or by kill, reach the
 * program anyway and are not sent twice. When the program stops, weir stops the
 * same way, so that the shell sees a stopped job; when weir is continued, so is
 * it.
 *
 * Threads: the caller's only; all signals are blocked (launch.h).
 */
#ifndef WR_CMD_SUPERVISE_H
#define WR_CMD_SUPERVISE_H

#include <stddef.h>
#include <sys/types.h>
#include "weir/launch.h"

#define WR_WATCH_MAX 2

struct wr_supervision {
    pid_t pid;
    const struct wr_inherited *inherited;
    /* Sockets to watch. At the first connection `knock` is called once, with
     * all of them, and they are not watched any more. */
    int socket[WR_WATCH_MAX];
    size_t sockets;
    void (*knock)(void *cls);
    /* Every so many milliseconds `tick` is called; 0: never. */
    int tick_ms;
    void (*tick)(void *cls);
    void *cls;
};

/* Until the program ended. -1: it cannot be waited for. */
int wr_supervise(struct wr_supervision *s);

/* The state letter of a process as /proc tells it ('R', 'S', 'T', 'Z', ...);
 * 0: there is no such process. */
char wr_process_state(pid_t pid);

/* End as the program did: with its status, or by its signal (without a
 * second core file). */
_Noreturn void wr_exit_like(int status, const struct wr_inherited *was);

#endif
