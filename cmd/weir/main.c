/* weir: the first word says what to do. `run` is done here, everything else by
 * the tools (weir/tools.h).
 *
 * weir itself must not run on Weir's heap, or it would record itself: when
 * LD_PRELOAD names libweir.so, it starts again without it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "serve/source.h"
#include "weir/cmd.h"
#include "weir/launch.h"
#include "weir/tools.h"

static void
remove_own_region(void)
{
    struct wr_sources s;
    if (wr_sources_scan(&s, NULL, WR_SCAN_ALL) != 0)
        return;
    struct wr_source *own = wr_sources_find(&s, (uint32_t)getpid());
    if (own)
        unlink(own->path);
    wr_sources_free(&s);
}

static void
leave_preload(char **argv)
{
    const char *preload = getenv("LD_PRELOAD");
    char *rest = preload ? strdup(preload) : NULL;
    if (!rest || !wr_preload_strip(rest)) {
        free(rest);
        return;
    }
    if (*rest)
        setenv("LD_PRELOAD", rest, 1);
    else
        unsetenv("LD_PRELOAD");
    free(rest);
    remove_own_region();
    execv("/proc/self/exe", argv); /* if it fails, go on as we are */
}

/* Data that did not reach its reader is a failure. */
static int
finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    wr_say("cannot write the output");
    return status ? status : 1;
}

int
main(int argc, char **argv)
{
    leave_preload(argv);
    if (argc > 1 && strcmp(argv[1], "run") == 0)
        return finish(wr_cmd_run(argc - 1, argv + 1));
    const struct wr_tools *tools = wr_tools_load();
    return tools ? finish(tools->main(argc, argv)) : 1;
}
