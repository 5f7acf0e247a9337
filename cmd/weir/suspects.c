/* weir leaks --suspects. */
#include "weir/suspects.h"

#include <stdint.h>
#include <stdio.h>
#include "analyse/filter.h"
#include "analyse/profile.h"
#include "analyse/suspect_holder.h"
#include "analyse/suspect_report.h"
#include "serve/leak.h"
#include "weir/cmd.h"
#include "weir/inquire.h"
#include "weir/pprof_file.h"
#include "weir/profile_args.h"

#define WAIT_MS 120000
#define SITES   10

static bool
grows(const struct wr_suspects *s)
{
    for (size_t i = 0; i < s->growing; i++)
        if (s->list[i].verdict.sure > WR_SURE_LOW)
            return true;
    return false;
}

static void
hold(const void *inquest, const struct wr_suspect_site *site, char *text,
     size_t n)
{
    wr_suspect_holder(&((const struct wr_inquest *)inquest)->q, site->example,
                      text, n);
}

/* Who keeps them is asked for only where there are some. */
static bool
inquire(struct wr_inquest *i, const struct wr_source *one,
        const struct wr_suspects *s)
{
    struct wr_subject of = {.pid = one->pid};
    char why[WR_WHY];
    if (s->growing == 0)
        return false;
    if (wr_inquest_open(i, &of, WR_INQUEST_HOLDERS, why, sizeof why) == 0)
        return true;
    wr_say("leaks: from what they are reached is not known: %s", why);
    return false;
}

static int
show(const struct wr_source *one, const struct wr_suspects_wish *w,
     const struct wr_suspects *s, bool searched, char *why, size_t n)
{
    struct wr_profile *p;
    struct wr_inquest held;
    if (wr_profile_from_suspects(&p, &one->view, s, why, n) != 0)
        return -1;
    wr_profile_find_names(p, (int)one->pid, one->live);
    wr_filter_prune(p);
    struct wr_suspect_report r = {.suspects = s,
                                  .profile = p,
                                  .program = one->program,
                                  .pid = one->pid,
                                  .sites = w->all ? SIZE_MAX : SITES,
                                  .all = w->all,
                                  .searched = searched,
                                  .arg = &held};
    if (searched && inquire(&held, one, s))
        r.held = hold;
    if (w->json)
        wr_suspect_report_json(&r, stdout);
    else
        wr_suspect_report_print(&r, stdout);
    if (r.held)
        wr_inquest_close(&held);
    int status = w->fail && grows(s) ? WR_EXIT_LEAKS : 0;
    if (w->pprof && wr_pprof_write(p, w->pprof, why, n) != 0)
        status = -1;
    wr_profile_free(p);
    return status;
}

/* What is lost is no suspect; who cannot be searched is judged as it is. */
static bool
search(const struct wr_source *one, struct wr_leaks *l)
{
    char why[WR_WHY];
    if (!one->live)
        return false;
    if (wr_leak_ask_source(one, 0, WAIT_MS, l, why, sizeof why) == 0)
        return true;
    wr_say("leaks: %s", why);
    return false;
}

int
wr_suspects_show(const struct wr_source *one, const struct wr_suspects_wish *w)
{
    struct wr_leaks l;
    struct wr_suspects s;
    char why[WR_WHY];
    bool searched = w->search && search(one, &l);
    int status =
        wr_suspects_find(&s, &one->view, searched ? &l : NULL, why, sizeof why);
    if (status == 0) {
        status = show(one, w, &s, searched, why, sizeof why);
        wr_suspects_fini(&s);
    }
    if (searched)
        wr_leaks_fini(&l);
    if (status >= 0)
        return status;
    wr_say("leaks: %s", why);
    return 1;
}
