/* Picking a process. */
#include "weir/pick.h"

#include <stdio.h>

struct wr_source *
wr_pick(const struct wr_sources *s, uint32_t pid, char *why, size_t n)
{
    size_t live = wr_sources_live(s);
    struct wr_source *one = pid         ? wr_sources_find(s, pid)
                            : live == 1 ? &s->list[0]
                                        : NULL;
    if (one)
        return one;
    if (pid)
        snprintf(why, n,
                 "process %u is not running under Weir (weir ps lists those "
                 "that are)",
                 pid);
    else if (live == 0)
        snprintf(why, n,
                 "no program is running under Weir; start one with: weir run "
                 "-- program");
    else
        snprintf(why, n,
                 "%zu programs are running under Weir: say which pid (weir ps "
                 "lists them)",
                 live);
    return NULL;
}
