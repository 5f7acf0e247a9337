/* weir top: the biggest sites of a process, a URL or a file. */
#include <stdio.h>
#include "weir/cmd.h"
#include "weir/profile_args.h"

#define ROWS 10 /* unless asked */

int
wr_cmd_top(int argc, char **argv)
{
    struct wr_profile_args a;
    struct wr_opened o;
    char why[WR_ARGS_WHY];
    int status = wr_profile_args_parse(&a, "top", NULL, argc, argv);
    if (status != 0)
        return status - 1;
    if (a.options.node_count < 0)
        a.options.node_count = ROWS;
    if (wr_profile_args_open(&a, a.words, a.word_count, &o, why, sizeof why) !=
        0) {
        wr_say("%s", why);
        return 1;
    }
    status = wr_analysis_top(&o.analysis, stdout, why, sizeof why);
    if (status != 0)
        wr_say("%s", why);
    wr_opened_close(&o);
    return status ? 1 : 0;
}
