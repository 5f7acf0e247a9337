#include "analyse/reclaimed.h"

#include <inttypes.h>
#include "analyse/collected.h"
#include "analyse/filter.h"
#include "analyse/profile.h"
#include "analyse/symbol.h"
#include "analyse/units.h"
#include "region/read.h"

enum { SITES = 5 };

void
wr_reclaimed_add(struct wr_reclaimed *r, const struct wr_region_view *view,
                 struct wr_symboliser *symboliser)
{
    char why[WR_WHY];
    struct wr_profile *p;
    struct wr_collected c;
    if (!wr_collected_read(&c, view))
        return;
    r->cycles += c.cycles;
    r->blocks += c.lost_blocks;
    r->bytes += c.lost_bytes;
    if (c.lost_bytes <= r->most ||
        wr_profile_from_lost(&p, view, why, sizeof why) != 0)
        return;
    wr_profile_symbolise(p, symboliser, (int)view->header->pid, false);
    wr_filter_prune(p);
    wr_profile_free(r->profile);
    r->profile = p;
    r->most = c.lost_bytes;
}

static void
print_sites(struct wr_profile *p, FILE *out)
{
    struct wr_story_site site[SITES];
    int64_t total;
    size_t n = wr_story_sites(site, SITES, p, "inuse_space", &total);
    if (n == 0)
        fputs("  where they were allocated is not known: no sample was among "
              "them (weir run --sample 4096 takes more)\n",
              out);
    else
        fputs("  most of it, by samples, was allocated in:\n", out);
    for (size_t i = 0; i < n; i++)
        wr_story_print_site(&site[i], total, "", out);
}

void
wr_reclaimed_print(const struct wr_reclaimed *r, FILE *out)
{
    char bytes[WR_VALUE_ROOM];
    if (r->blocks == 0) {
        fprintf(out,
                "  collected     nothing   no block of malloc was found lost, "
                "by %" PRIu64 " cycle%s\n",
                r->cycles, wr_plural(r->cycles));
        return;
    }
    wr_value_format(bytes, sizeof bytes, (int64_t)r->bytes, "bytes");
    fprintf(out,
            "  collected  %10s   in %" PRIu64 " block%s that the program had "
            "lost, by %" PRIu64 " cycle%s\n",
            bytes, r->blocks, wr_plural(r->blocks), r->cycles,
            wr_plural(r->cycles));
    if (r->profile)
        print_sites(r->profile, out);
}

void
wr_reclaimed_fini(struct wr_reclaimed *r)
{
    wr_profile_free(r->profile);
    r->profile = NULL;
}
