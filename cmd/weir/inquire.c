/* Inquiring. */
#include "weir/inquire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "analyse/core.h"
#include "analyse/filter.h"
#include "analyse/heap_file.h"
#include "analyse/path.h"
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

/* Without a region there are no sites. */
static int
name_sites(struct wr_inquest *i, const struct wr_region_view *view, int pid,
           bool runs, char *why, size_t n)
{
    if (view && wr_profile_from_sites(&i->sites, view, why, n) != 0)
        return -1;
    if (!view && !(i->sites = wr_profile_new()))
        return wr_profile_fail(why, n, "out of memory");
    wr_profile_find_names(i->sites, pid, runs);
    wr_filter_prune(i->sites);
    i->q.sites = i->sites;
    i->q.same = &i->same;
    return wr_origin_same(&i->same, i->sites) == 0
               ? 0
               : wr_profile_fail(why, n, "out of memory");
}

static int
find_holders(struct wr_inquest *i, enum wr_inquest_kind kind, char *why,
             size_t n)
{
    if (kind == WR_INQUEST_BLOCKS)
        return 0;
    i->q.holders = &i->holders;
    return wr_holders_make(&i->holders, &i->snapshot, i->q.spots, why, n);
}

static int
open_process(struct wr_inquest *i, uint32_t pid, enum wr_inquest_kind kind,
             char *why, size_t n)
{
    if (wr_sources_scan(&i->sources, NULL, WR_SCAN_ALL) != 0)
        return wr_profile_fail(why, n, "out of memory");
    const struct wr_source *one = wr_pick(&i->sources, pid, why, n);
    if (!one || take_snapshot(i, one, kind, why, n) != 0)
        return -1;
    i->q.program = one->program;
    i->q.view = &one->view;
    if (open_spots(i, one, why, n) != 0 ||
        name_sites(i, i->q.view, (int)one->pid, one->live, why, n) != 0)
        return -1;
    return find_holders(i, kind, why, n);
}

/* --- Cores --------------------------------------------------------------- */

bool
wr_inquest_region(struct wr_region_view *region, const struct wr_core *c)
{
    char why[WR_WHY];
    const char *path = wr_core_region(c);
    struct stat st;
    if (!wr_source_is_region(wr_path_base(path)) || stat(path, &st) != 0 ||
        !S_ISREG(st.st_mode) ||
        wr_region_open(region, path, why, sizeof why) != 0)
        return false;
    if (region->header->pid == wr_core_pid(c))
        return true;
    wr_region_close(region);
    return false;
}

/* maps: NULL: not known. Closed. */
static int
open_file_spots(struct wr_inquest *i, FILE *maps)
{
    struct wr_spots_options o = {
        .snapshot = &i->snapshot, .symboliser = i->symboliser, .maps = maps};
    i->q.spots = wr_spots_open(&o);
    if (o.maps)
        fclose(o.maps);
    return i->q.spots ? 0 : -1;
}

static int
read_core(struct wr_inquest *i, struct wr_core *c, char *why, size_t n)
{
    if (wr_inquest_region(&i->region, c))
        i->q.view = &i->region;
    FILE *in = wr_core_snapshot(c, i->q.view, why, n);
    if (!in)
        return -1;
    int status = wr_snapshot_read(&i->snapshot, in, why, n);
    fclose(in);
    if (status == 0 && open_file_spots(i, wr_core_maps(c)) != 0)
        status = wr_profile_fail(why, n, "out of memory");
    return status;
}

static int
open_core(struct wr_inquest *i, const char *path, enum wr_inquest_kind kind,
          char *why, size_t n)
{
    struct wr_core *c;
    if (wr_core_open(&c, path, why, n) != 0)
        return -1;
    int status = read_core(i, c, why, n);
    wr_core_close(c);
    i->q.program = wr_path_base(path);
    if (status != 0 || name_sites(i, i->q.view, 0, false, why, n) != 0)
        return -1;
    return find_holders(i, kind, why, n);
}

/* --- Heaps that were written down ----------------------------------------- */

static int
open_heap(struct wr_inquest *i, const char *path, enum wr_inquest_kind kind,
          char *why, size_t n)
{
    struct wr_heap_file h;
    if (wr_heap_file_open(&h, path, why, n) != 0)
        return -1;
    i->snapshot = h.snapshot;
    i->region = h.region;
    i->q.view = &i->region;
    i->q.program = wr_path_base(i->region.header->exe);
    if (open_file_spots(i, wr_heap_file_maps(&h)) != 0)
        return wr_profile_fail(why, n, "out of memory");
    if (name_sites(i, i->q.view, 0, false, why, n) != 0)
        return -1;
    return find_holders(i, kind, why, n);
}

/* --- Life ---------------------------------------------------------------- */

int
wr_inquest_open(struct wr_inquest *i, const struct wr_subject *of,
                enum wr_inquest_kind kind, char *why, size_t n)
{
    *i = (struct wr_inquest){.sites = NULL};
    i->q.snapshot = &i->snapshot;
    i->symboliser = wr_symboliser_new();
    int status = -1;
    if (!i->symboliser)
        wr_profile_fail(why, n, "out of memory");
    else if (of->core && wr_heap_file_is(of->core))
        status = open_heap(i, of->core, kind, why, n);
    else if (of->core)
        status = open_core(i, of->core, kind, why, n);
    else
        status = open_process(i, of->pid, kind, why, n);
    if (status != 0)
        wr_inquest_close(i);
    return status;
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
    wr_region_close(&i->region);
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

bool
wr_inquest_subject(const char *word, struct wr_subject *of)
{
    uint64_t number = 0;
    *of = (struct wr_subject){.core = NULL};
    if (wr_number_plain(word, INT32_MAX, &number) == 0 && number > 0)
        of->pid = (uint32_t)number;
    else if (access(word, F_OK) == 0)
        of->core = word;
    return of->pid || of->core;
}

const char *
wr_inquest_words(int count, char **words, struct wr_subject *of,
                 const char **place)
{
    if (count == 0 || count > 2)
        return "say of which process (PID) and what (PLACE)";
    *place = words[count - 1];
    *of = (struct wr_subject){.core = NULL};
    if (count == 2 && !wr_inquest_subject(words[0], of))
        return "the first word is neither a process id (weir ps lists them) "
               "nor a core or heap file";
    return NULL;
}
