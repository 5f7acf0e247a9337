/* Inquiring. */
#include "weir/inquire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/filter.h"
#include "analyse/profile.h"
#include "analyse/spots.h"
#include "analyse/store.h"
#include "analyse/symbol.h"
#include "serve/ask.h"
#include "weir/number.h"
#include "weir/pick.h"
#include "weir/profile_args.h"

#define WAIT_MS 300000

static int
take_snapshot(struct wr_inquest *i, const struct wr_source *one,
              enum wr_inquest_kind kind, char *why, size_t n)
{
    struct wr_ask ask = {.kind = WR_ASK_SNAPSHOT};
    if (kind == WR_INQUEST_BLOCKS)
        ask.flags = WR_SNAPSHOT_BRIEF;
    FILE *in = wr_ask_source(one, &ask, WR_SNAPSHOT_SUFFIX, WAIT_MS, why, n);
    if (!in)
        return -1;
    int status = wr_snapshot_read(&i->snapshot, in, why, n);
    fclose(in);
    if (status == 0 && i->snapshot.header->reply.trust == WR_TRUST_BLIND)
        return wr_profile_fail(why, n,
                               "process %u could not be searched: the system "
                               "does not show it its mappings",
                               one->pid);
    return status;
}

/* The mappings as they are now: what has come and gone since the snapshot was
 * taken is seen wrong. */
static int
open_spots(struct wr_inquest *i, const struct wr_source *one, char *why,
           size_t n)
{
    char path[64];
    struct wr_spots_options o = {.snapshot = &i->snapshot,
                                 .symboliser = i->symboliser,
                                 .pid = (int)one->pid};
    snprintf(path, sizeof path, "/proc/%u/maps", one->pid);
    o.maps = fopen(path, "re");
    i->q.spots = wr_spots_open(&o);
    if (o.maps)
        fclose(o.maps);
    return i->q.spots ? 0 : wr_profile_fail(why, n, "out of memory");
}

static int
name_sites(struct wr_inquest *i, const struct wr_source *one, char *why,
           size_t n)
{
    if (wr_profile_from_sites(&i->sites, &one->view, why, n) != 0)
        return -1;
    wr_profile_find_names(i->sites, (int)one->pid, one->live);
    wr_filter_prune(i->sites);
    i->q.sites = i->sites;
    i->q.same = &i->same;
    return wr_origin_same(&i->same, i->sites) == 0
               ? 0
               : wr_profile_fail(why, n, "out of memory");
}

static int
open_all(struct wr_inquest *i, uint32_t pid, enum wr_inquest_kind kind,
         char *why, size_t n)
{
    const struct wr_source *one = wr_pick(&i->sources, pid, why, n);
    if (!one || take_snapshot(i, one, kind, why, n) != 0)
        return -1;
    i->symboliser = wr_symboliser_new();
    if (!i->symboliser)
        return wr_profile_fail(why, n, "out of memory");
    i->q.program = one->program;
    i->q.view = &one->view;
    i->q.snapshot = &i->snapshot;
    if (open_spots(i, one, why, n) != 0 || name_sites(i, one, why, n) != 0)
        return -1;
    if (kind == WR_INQUEST_BLOCKS)
        return 0;
    i->q.holders = &i->holders;
    return wr_holders_make(&i->holders, &i->snapshot, i->q.spots, why, n);
}

int
wr_inquest_open(struct wr_inquest *i, uint32_t pid, enum wr_inquest_kind kind,
                char *why, size_t n)
{
    *i = (struct wr_inquest){.sites = NULL};
    if (wr_sources_scan(&i->sources, NULL, WR_SCAN_ALL) != 0)
        return wr_profile_fail(why, n, "out of memory");
    if (open_all(i, pid, kind, why, n) == 0)
        return 0;
    wr_inquest_close(i);
    return -1;
}

void
wr_inquest_close(struct wr_inquest *i)
{
    wr_holders_fini(&i->holders);
    wr_spots_close(i->q.spots);
    wr_profile_free(i->sites);
    free(i->same.first);
    wr_symboliser_free(i->symboliser);
    wr_snapshot_fini(&i->snapshot);
    wr_sources_free(&i->sources);
}

bool
wr_inquest_address(const char *text, uint64_t *address)
{
    char *end;
    if (strncmp(text, "0x", 2) != 0 || !text[2])
        return false;
    *address = strtoull(text + 2, &end, 16);
    return *end == '\0';
}

const char *
wr_inquest_words(int count, char **words, uint32_t *pid, const char **place)
{
    uint64_t number = 0;
    if (count == 0 || count > 2)
        return "say of which process (PID) and what (PLACE)";
    *place = words[count - 1];
    *pid = 0;
    if (count == 1)
        return NULL;
    if (wr_number_plain(words[0], INT32_MAX, &number) != 0 || number == 0)
        return "the first word is a process id; weir ps lists them";
    *pid = (uint32_t)number;
    return NULL;
}
