/* What the files of weir diagnose share.
 *
 * Of programs that are not under Weir, Go's above all, less is known: what
 * their endpoint or two saved profiles tell. Each returns the exit status.
 */
#ifndef WR_CMD_DIAGNOSE_H
#define WR_CMD_DIAGNOSE_H

#include <stdbool.h>
#include "analyse/verdict.h"

struct wr_diagnose {
    bool json, no_search;
    enum wr_language language;
    unsigned seconds; /* to watch another program */
    char **what;
    int count;
};

/* What /debug/pprof at what[0] shows over some seconds. */
int wr_diagnose_url(const struct wr_diagnose *d);
/* What changed from the profile what[0] to what[1]. */
int wr_diagnose_profiles(const struct wr_diagnose *d);

#endif
