/* Snapshots. */
#include "weir/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "analyse/profile.h"
#include "serve/proc.h"
#include "serve/source.h"
#include "weir/cmd.h"
#include "weir/keep.h"
#include "weir/place.h"

#define REST 0.1 /* it must fall by so much of the limit to begin anew */

static int
take(struct wr_snapshots *s, const struct wr_source *one, double share)
{
    char why[WR_WHY], suffix[32], *path = s->kept[s->taken % WR_SNAPSHOTS_KEPT];
    struct wr_profile *p;
    if (wr_profile_from_region(&p, &one->view, WR_PROFILE_HEAP,
                               WR_VALUES_ESTIMATED, why, sizeof why) != 0)
        return wr_say("no profile at %.0f%% of the limit: %s", share * 100,
                      why),
               -1;
    if (s->taken >= WR_SNAPSHOTS_KEPT)
        unlink(path);
    snprintf(suffix, sizeof suffix, "at%.0f.heap.pb.gz", share * 100);
    int status = wr_keep_profile(one, p, s->out_dir, suffix, path);
    wr_profile_free(p);
    s->taken += status == 0;
    return status;
}

static void
take_newest(struct wr_snapshots *s, double share)
{
    struct wr_sources sources;
    if (wr_sources_scan(&sources, s->run_dir, WR_SCAN_HERE) != 0)
        return;
    const struct wr_source *one = wr_sources_find(&sources, s->pid);
    if (one && wr_place_make(s->out_dir) != 0) {
        wr_say("cannot make %s: %s", s->out_dir, strerror(errno));
        s->failed = true;
    } else if (one) {
        s->failed = take(s, one, share) != 0;
    }
    wr_sources_free(&sources);
}

void
wr_snapshot_look(struct wr_snapshots *s)
{
    double limit, used;
    wr_proc_memory(&limit, &used, "", s->pid);
    double share = used / limit;
    if (s->next == 0 || share < s->at - REST)
        s->next = s->at;
    if (!(share >= s->next) || s->failed)
        return;
    while (share >= s->next && s->next < 0.999)
        s->next += (1 - s->next) / 2;
    take_newest(s, share);
}
