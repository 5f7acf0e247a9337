/* whois, why. */
#include <stdlib.h>
#include <string.h>
#include "analyse/fold.h"
#include "analyse/holders.h"
#include "analyse/inquiry.h"
#include "analyse/origin.h"
#include "analyse/pattern.h"
#include "analyse/profile.h"
#include "analyse/quote.h"
#include "analyse/snapshot.h"
#include "analyse/spots.h"
#include "analyse/store.h"
#include "analyse/units.h"
#include "analyse/why.h"
#include "region/read.h"

typedef char value_text[WR_VALUE_ROOM];

static const char *
bytes_text(value_text text, uint64_t bytes)
{
    wr_value_format(text, sizeof(value_text), (int64_t)bytes, "bytes");
    return text;
}

/* --- whois --------------------------------------------------------------- */

/* Seconds. */
static double
age_of(const struct wr_inquiry *q, const struct wr_snapshot_sample *s)
{
    double now = (double)q->snapshot->header->reply.taken_ns -
                 (double)q->view->header->start_ns;
    double age = (now - (double)s->born_ns) / 1e9;
    return age > 0 ? age : 0;
}

static void
print_origin(const struct wr_inquiry *q, const struct wr_snapshot_sample *s,
             FILE *out)
{
    char origin[300];
    wr_origin_text(q->sites, s->bucket, origin, sizeof origin);
    if (*origin)
        fprintf(out, "  allocated by %s\n", origin);
    if (s->born_ns > 1 && q->view)
        fprintf(out, "  %.1f s old, of thread %u\n", age_of(q, s), s->tid);
    else if (s->born_ns)
        fputs("  as old as the process\n", out);
}

static void
print_block(const struct wr_inquiry *q, uint64_t address,
            const struct wr_snapshot_block *b, FILE *out)
{
    value_text bytes;
    uint64_t inside = address - b->address;
    bytes_text(bytes, b->bytes);
    fprintf(out, "%s (pid %u): 0x%llx is ", q->program,
            q->snapshot->header->reply.pid, (unsigned long long)address);
    if (inside)
        fprintf(out, "%llu bytes inside ", (unsigned long long)inside);
    fprintf(out, "a %s block of %s%s, at 0x%llx\n", b->live ? "live" : "free",
            bytes, b->large ? " (large)" : "", (unsigned long long)b->address);
    if (b->sample)
        print_origin(q, b->sample, out);
    else if (b->live)
        fputs("  it was not sampled: who allocated it is not known\n", out);
}

static void
print_spot(const struct wr_inquiry *q, uint64_t address,
           const struct wr_spot *spot, FILE *out)
{
    char text[500];
    wr_spot_text(spot, text, sizeof text);
    fprintf(out, "%s (pid %u): 0x%llx is %s", q->program,
            q->snapshot->header->reply.pid, (unsigned long long)address, text);
    if (spot->kind != WR_SPOT_NOTHING)
        fprintf(out, ", +0x%llx", (unsigned long long)spot->offset);
    fputc('\n', out);
}

static void
whois_json(const struct wr_inquiry *q, uint64_t address,
           const struct wr_snapshot_block *b, const struct wr_spot *spot,
           FILE *out)
{
    wr_inquiry_json(q, out);
    fprintf(out, ",\"address\":\"0x%llx\"", (unsigned long long)address);
    if (b) {
        fprintf(out, ",\"offset\":%llu,\"block\":",
                (unsigned long long)(address - b->address));
        wr_block_json(q, b, out);
        fputs("}}\n", out);
    } else {
        fprintf(out,
                ",\"offset\":%llu,\"spot\":", (unsigned long long)spot->offset);
        wr_spot_json(spot, out);
        fputs("}\n", out);
    }
}

int
wr_whois(const struct wr_inquiry *q, uint64_t address, FILE *out, char *why,
         size_t n)
{
    uint32_t node = wr_snapshot_node(q->snapshot, address);
    struct wr_snapshot_block b = {.live = false};
    struct wr_spot spot = {.kind = WR_SPOT_NOTHING};
    bool block = node != WR_SNAPSHOT_NONE;
    (void)why, (void)n;
    if (block)
        b = wr_snapshot_block(q->snapshot, node);
    else
        wr_spots_find(q->spots, address, &spot);
    if (q->json)
        whois_json(q, address, block ? &b : NULL, &spot, out);
    else if (block)
        print_block(q, address, &b, out);
    else
        print_spot(q, address, &spot, out);
    return 0;
}

/* --- why ADDRESS --------------------------------------------------------- */

/* What a block is to the net. */
struct standing {
    struct wr_path path; /* of none: nothing leads there */
    uint64_t kept_bytes, kept_blocks;
    uint32_t pointers; /* that point at it, of blocks and roots */
};

static int
find_path(const struct wr_inquiry *q, uint32_t node, struct standing *s,
          char *why, size_t n)
{
    const struct wr_tree *t = &q->holders->paths;
    s->pointers = wr_holders_pointers(q->holders, node);
    if (t->parent[node] == WR_NET_NONE || wr_path_make(&s->path, t, node) == 0)
        return 0;
    return wr_profile_fail(why, n, "out of memory");
}

static int
find_kept(const struct wr_inquiry *q, uint32_t node, struct standing *s,
          char *why, size_t n)
{
    struct wr_tree t;
    if (s->path.count == 0)
        return 0;
    if (wr_holders_dominators(q->holders, &t, why, n) != 0)
        return -1;
    uint64_t *bytes = wr_holders_sums(q->holders, &t, 0);
    uint64_t *blocks = wr_holders_sums(q->holders, &t, 1);
    bool ok = bytes && blocks;
    if (ok) {
        s->kept_bytes = bytes[node];
        s->kept_blocks = blocks[node];
    }
    free(bytes);
    free(blocks);
    wr_tree_fini(&t);
    return ok ? 0 : wr_profile_fail(why, n, "out of memory");
}

static void
print_standing(const struct wr_inquiry *q, uint64_t address,
               const struct wr_snapshot_block *b, const struct standing *s,
               FILE *out)
{
    value_text bytes;
    print_block(q, address, b, out);
    if (s->path.count == 0) {
        fprintf(out, s->pointers
                         ? "  no root leads to it: it is leaked, and hangs off "
                           "others that are (weir leaks)\n"
                         : "  nothing points at it: it is leaked, unless the "
                           "program has an address right behind its end (weir "
                           "leaks)\n");
        return;
    }
    fprintf(out, "  it keeps %s in %llu block%s alive, itself too\n",
            bytes_text(bytes, s->kept_bytes),
            (unsigned long long)s->kept_blocks, wr_plural(s->kept_blocks));
    fprintf(out, "  %u word%s at it; the shortest path from a root:\n",
            s->pointers, s->pointers == 1 ? " points" : "s point");
    wr_path_print(q, &s->path, out);
}

static void
standing_json(const struct wr_inquiry *q, const struct wr_snapshot_block *b,
              const struct standing *s, FILE *out)
{
    wr_inquiry_json(q, out);
    fputs(",\"block\":", out);
    wr_block_json(q, b, out);
    fprintf(out, "},\"pointers\":%u,\"reached\":%s", s->pointers,
            s->path.count ? "true" : "false");
    if (s->path.count) {
        fprintf(out, ",\"kept\":{\"blocks\":%llu,\"bytes\":%llu},\"path\":",
                (unsigned long long)s->kept_blocks,
                (unsigned long long)s->kept_bytes);
        wr_path_json(q, &s->path, out);
    }
    fputs("}\n", out);
}

int
wr_why_address(const struct wr_inquiry *q, uint64_t address, FILE *out,
               char *why, size_t n)
{
    uint32_t node = wr_snapshot_node(q->snapshot, address);
    struct standing s = {.pointers = 0};
    if (node == WR_SNAPSHOT_NONE)
        return wr_profile_fail(why, n,
                               "0x%llx is no block of the heap; weir whois "
                               "tells what it is",
                               (unsigned long long)address);
    struct wr_snapshot_block b = wr_snapshot_block(q->snapshot, node);
    if (!b.live)
        return wr_profile_fail(why, n,
                               "the block at 0x%llx is free: nobody keeps it",
                               (unsigned long long)b.address);
    int status = find_path(q, node, &s, why, n);
    if (status == 0)
        status = find_kept(q, node, &s, why, n);
    if (status == 0) {
        if (q->json)
            standing_json(q, &b, &s, out);
        else
            print_standing(q, address, &b, &s, out);
    }
    wr_path_fini(&s.path);
    return status;
}

/* --- why SITE ------------------------------------------------------------ */

/* One way in which blocks of the sites are kept. */
struct way {
    uint32_t node;    /* of the fold; NONE: nothing leads there */
    uint32_t example; /* of the net */
    uint32_t samples;
    double blocks, bytes; /* what those stand for */
};

struct ways {
    struct way *list;
    size_t count;
    struct way sum;
};

static int
by_bytes(const void *one, const void *other)
{
    const struct way *a = one, *b = other;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return a->example < b->example ? -1 : a->example > b->example;
}

static int
by_node(const void *one, const void *other)
{
    const struct way *a = one, *b = other;
    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    return a->example < b->example ? -1 : a->example > b->example;
}

static double
weight_of(const struct wr_inquiry *q, const struct wr_snapshot_sample *s,
          uint64_t bytes)
{
    const struct wr_bucket *b =
        q->view ? wr_view_bucket(q->view, s->bucket) : NULL;
    return b ? wr_sample_weight(bytes, b->rate) : 1;
}

/* A way for each sampled block of a site that is wanted. */
static void
list_ways(struct ways *w, const struct wr_inquiry *q, const struct wr_fold *f,
          const bool *wanted)
{
    for (uint64_t i = 0; i < q->snapshot->sample_count; i++) {
        const struct wr_snapshot_sample *s = &q->snapshot->samples[i];
        uint32_t node = wr_snapshot_node(q->snapshot, s->address);
        bool live = false;
        if (s->bucket >= q->sites->sample_count || !wanted[s->bucket] ||
            node == WR_SNAPSHOT_NONE)
            continue;
        uint64_t bytes = wr_snapshot_bytes(q->snapshot, node, &live);
        double weight = weight_of(q, s, bytes);
        if (live)
            w->list[w->count++] = (struct way){f->of[node], node, 1, weight,
                                               weight * (double)bytes};
    }
}

static void
add_way(struct way *to, const struct way *more)
{
    to->samples += more->samples;
    to->blocks += more->blocks;
    to->bytes += more->bytes;
}

static void
join_ways(struct ways *w)
{
    size_t n = 0;
    if (w->count)
        qsort(w->list, w->count, sizeof *w->list, by_node);
    for (size_t i = 0; i < w->count; i++) {
        add_way(&w->sum, &w->list[i]);
        if (n > 0 && w->list[n - 1].node == w->list[i].node)
            add_way(&w->list[n - 1], &w->list[i]);
        else
            w->list[n++] = w->list[i];
    }
    w->count = n;
    if (n)
        qsort(w->list, n, sizeof *w->list, by_bytes);
}

static bool *
wanted_sites(const struct wr_inquiry *q, const char *pattern, char *why,
             size_t n)
{
    struct wr_pattern *re;
    if (wr_pattern_new(&re, pattern, why, n) != 0)
        return NULL;
    bool *wanted = calloc((size_t)q->sites->sample_count + 1, sizeof *wanted);
    for (uint32_t i = 0; wanted && i < q->sites->sample_count; i++)
        wanted[i] = wr_origin_matches(q->sites, i, re);
    wr_pattern_free(re);
    if (!wanted)
        wr_profile_fail(why, n, "out of memory");
    return wanted;
}

static void
print_way(const struct wr_inquiry *q, const struct way *way,
          const struct ways *all, const struct wr_path *p, FILE *out)
{
    value_text bytes, share;
    wr_value_percent(share, (int64_t)way->bytes, (int64_t)all->sum.bytes);
    fprintf(out, "\n%s (%s) in about %.0f blocks, %s\n",
            bytes_text(bytes, (uint64_t)way->bytes), share + strspn(share, " "),
            way->blocks,
            !p                 ? "which nobody can reach (weir leaks)"
            : way->samples > 1 ? "kept like this one:"
                               : "kept like this:");
    if (p)
        wr_path_print(q, p, out);
}

static void
way_json(const struct wr_inquiry *q, const struct way *way,
         const struct wr_path *p, bool first, FILE *out)
{
    fprintf(out,
            "%s{\"samples\":%u,\"blocks\":%.0f,\"bytes\":%.0f,"
            "\"reached\":%s",
            first ? "" : ",\n", way->samples, way->blocks, way->bytes,
            p ? "true" : "false");
    if (p) {
        fputs(",\"path\":", out);
        wr_path_json(q, p, out);
    }
    fputc('}', out);
}

static int
show_way(const struct wr_inquiry *q, const struct ways *w, size_t i,
         const struct wr_tree *t, FILE *out)
{
    const struct way *way = &w->list[i];
    struct wr_path path = {.count = 0}, *p = NULL;
    if (way->node != WR_NET_NONE) {
        if (wr_path_make(&path, t, way->example) != 0)
            return -1;
        p = &path;
    }
    if (q->json)
        way_json(q, way, p, i == 0, out);
    else
        print_way(q, way, w, p, out);
    wr_path_fini(&path);
    return 0;
}

static void
begin_ways(const struct wr_inquiry *q, const char *pattern,
           const struct ways *w, FILE *out)
{
    value_text bytes;
    if (q->json) {
        wr_inquiry_json(q, out);
        fputs(",\"site\":", out);
        wr_json_string(out, pattern);
        fprintf(out,
                ",\"samples\":%u,\"blocks\":%.0f,\"bytes\":%.0f,\"ways\":[",
                w->sum.samples, w->sum.blocks, w->sum.bytes);
        return;
    }
    fprintf(out,
            "%s (pid %u): %s holds about %s in %.0f blocks, of which %u were "
            "sampled\n",
            q->program, q->snapshot->header->reply.pid, pattern,
            bytes_text(bytes, (uint64_t)w->sum.bytes), w->sum.blocks,
            w->sum.samples);
}

static void
end_ways(const struct wr_inquiry *q, const struct ways *w, FILE *out)
{
    if (q->json)
        fputs("]}\n", out);
    else if (w->count > q->most)
        fprintf(out, "\nand %zu more ways\n", w->count - q->most);
}

static int
show_ways(const struct wr_inquiry *q, const char *pattern, struct ways *w,
          const struct wr_tree *t, FILE *out)
{
    int status = 0;
    begin_ways(q, pattern, w, out);
    for (size_t i = 0; status == 0 && i < w->count && i < q->most; i++)
        status = show_way(q, w, i, t, out);
    end_ways(q, w, out);
    return status;
}

/* With the sites that are wanted. */
static int
look_for_ways(const struct wr_inquiry *q, const char *pattern,
              const bool *wanted, FILE *out, char *why, size_t n)
{
    struct ways w = {.list =
                         calloc(q->snapshot->sample_count + 1, sizeof *w.list)};
    struct wr_fold f = {.of = NULL};
    const struct wr_tree *t = &q->holders->paths;
    int status = -1;
    if (w.list && wr_fold_make(&f, q->holders, t, q->same) == 0) {
        list_ways(&w, q, &f, wanted);
        join_ways(&w);
        status = w.count ? show_ways(q, pattern, &w, t, out) : 1;
    }
    if (status < 0)
        wr_profile_fail(why, n, "out of memory");
    else if (status > 0)
        wr_profile_fail(why, n,
                        "no sampled block that is alive was allocated in a "
                        "function or file like \"%s\"; weir top lists sites",
                        pattern);
    wr_fold_fini(&f);
    free(w.list);
    return status == 0 ? 0 : -1;
}

int
wr_why_site(const struct wr_inquiry *q, const char *pattern, FILE *out,
            char *why, size_t n)
{
    bool *wanted = wanted_sites(q, pattern, why, n);
    if (!wanted)
        return -1;
    int status = look_for_ways(q, pattern, wanted, out, why, n);
    free(wanted);
    return status;
}
