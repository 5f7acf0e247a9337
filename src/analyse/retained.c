/* retained.
 *
 * Invariants:
 * 1. Every block that a root leads to is in the profile once, at the end of the
 *    stack that begins with the root, or with SEVERAL, that keeps it.
 */
#include <stdlib.h>
#include <string.h>
#include "analyse/fold.h"
#include "analyse/graph.h"
#include "analyse/holders.h"
#include "analyse/inquiry.h"
#include "analyse/origin.h"
#include "analyse/parts.h"
#include "analyse/profile.h"
#include "analyse/quote.h"
#include "analyse/snapshot.h"
#include "analyse/spots.h"
#include "analyse/store.h"
#include "analyse/units.h"
#include "analyse/why.h"

#define SEVERAL "[several roots]"

enum { BLOCKS, BYTES, DEPTH_MOST = 400 };

/* --- The profile --------------------------------------------------------- */

static uint32_t
named_frame(struct wr_profile *p, const char *name, const char *file,
            int64_t line)
{
    struct wr_function f = {.name = wr_profile_string(p, name),
                            .file = wr_profile_string(p, file),
                            .start_line = line};
    f.system_name = f.name;
    struct wr_line one = {.function = wr_profile_function(p, &f), .line = line};
    return wr_profile_location(p, WR_NONE, 0, &one, 1);
}

static uint32_t
block_frame(struct wr_profile *p, const struct wr_inquiry *q,
            const struct wr_fold_node *n)
{
    struct wr_origin o;
    char name[64];
    if (n->site != WR_FOLD_NO_BUCKET && wr_origin_find(q->sites, n->site, &o))
        return named_frame(p, o.function, o.file, o.line);
    snprintf(name, sizeof name, "[not sampled: %llu-byte blocks]",
             (unsigned long long)n->size);
    return named_frame(p, name, "", 0);
}

static uint32_t
frame_of(struct wr_profile *p, const struct wr_inquiry *q,
         const struct wr_fold_node *n)
{
    char text[500];
    if (n->kind == WR_FOLD_TOP)
        return named_frame(p, SEVERAL, "", 0);
    if (n->kind == WR_FOLD_BLOCKS)
        return block_frame(p, q, n);
    wr_spot_text(&q->holders->roots[n->root].spot, text, sizeof text);
    return named_frame(p, text, "", 0);
}

/* The stack of a folded node, itself first. Of a very deep one the inner part
 * is left out. */
static uint32_t
stack_of(const struct wr_fold *f, const uint32_t *frame, uint32_t node,
         uint32_t stack[DEPTH_MOST])
{
    uint32_t depth = 0, n = 0;
    for (uint32_t at = node; at != 0; at = f->nodes[at].parent)
        depth++;
    for (uint32_t at = node; at != 0; at = f->nodes[at].parent)
        if (depth-- < DEPTH_MOST - 1)
            stack[n++] = frame[at];
    uint32_t last = node;
    while (f->nodes[last].parent != 0)
        last = f->nodes[last].parent;
    if (f->nodes[last].kind != WR_FOLD_ROOT)
        stack[n++] = frame[0];
    return n;
}

static void
add_samples(struct wr_profile *p, const struct wr_fold *f,
            const uint32_t *frame)
{
    uint32_t stack[DEPTH_MOST];
    for (uint32_t i = 1; i < f->count; i++) {
        int64_t values[2] = {(int64_t)f->nodes[i].blocks,
                             (int64_t)f->nodes[i].bytes};
        if (values[BLOCKS])
            wr_profile_sample(p, stack, stack_of(f, frame, i, stack), values,
                              NULL, 0);
    }
}

static struct wr_profile *
make_profile(const struct wr_inquiry *q, const struct wr_fold *f)
{
    struct wr_profile *p = wr_profile_new();
    uint32_t *frame = calloc((size_t)f->count + 1, sizeof *frame);
    if (p && frame) {
        wr_profile_add_type(p, "kept_objects", "count");
        wr_profile_add_type(p, "kept_space", "bytes");
        p->time_ns = (int64_t)q->snapshot->header->reply.taken_ns;
        for (uint32_t i = 0; i < f->count; i++)
            frame[i] = frame_of(p, q, &f->nodes[i]);
        add_samples(p, f, frame);
    }
    bool ok = p && frame && !p->failed;
    free(frame);
    if (ok)
        return p;
    wr_profile_free(p);
    return NULL;
}

/* --- Roots --------------------------------------------------------------- */

struct kept {
    const struct wr_spot *spot;
    bool shared; /* by it and by other roots */
    uint64_t blocks, bytes;
};

struct roots {
    struct kept *list;
    size_t count;
    uint64_t blocks, bytes; /* that any leads to */
};

static int
by_kept(const void *one, const void *other)
{
    const struct kept *a = one, *b = other;
    return a->bytes < b->bytes ? 1 : a->bytes > b->bytes ? -1 : 0;
}

/* By root: what it keeps alone, and behind all those what it keeps together
 * with others, as far as it is the nearest. */
static void
sum_roots(struct kept *list, const struct wr_holders *h,
          const struct wr_tree *t, const uint64_t *bytes,
          const uint64_t *blocks, const uint32_t *root_of)
{
    for (uint32_t i = 1; i < t->count; i++) {
        uint32_t node = t->order[i];
        const struct wr_holder *root = wr_holders_root(h, root_of[node]);
        if (t->parent[node] != t->top || !root)
            continue;
        bool block = node < h->snapshot->nodes;
        struct kept *to = &list[root - h->roots + (block ? h->root_count : 0)];
        to->spot = &root->spot;
        to->shared = block;
        to->bytes += bytes[node];
        to->blocks += blocks[node];
    }
}

static bool
fill_roots(struct roots *r, const struct wr_inquiry *q, const struct wr_tree *t)
{
    uint64_t *bytes = wr_holders_sums(q->holders, t, 0);
    uint64_t *blocks = wr_holders_sums(q->holders, t, 1);
    uint32_t *root_of = wr_holders_root_of(q->holders);
    bool ok = bytes && blocks && root_of;
    if (ok) {
        sum_roots(r->list, q->holders, t, bytes, blocks, root_of);
        r->bytes = bytes[t->top];
        r->blocks = blocks[t->top];
    }
    free(bytes);
    free(blocks);
    free(root_of);
    return ok;
}

static int
list_roots(struct roots *r, const struct wr_inquiry *q, const struct wr_tree *t)
{
    size_t most = 2 * (size_t)q->holders->root_count;
    *r = (struct roots){.list = calloc(most + 1, sizeof *r->list)};
    if (!r->list || !fill_roots(r, q, t))
        return -1;
    qsort(r->list, most, sizeof *r->list, by_kept);
    while (r->count < most && r->list[r->count].bytes)
        r->count++;
    return 0;
}

/* --- Text ---------------------------------------------------------------- */

static void
print_row(FILE *out, uint64_t bytes, uint64_t total, const char *rest,
          const char *name)
{
    char text[WR_VALUE_ROOM], share[WR_VALUE_ROOM];
    wr_value_format(text, sizeof text, (int64_t)bytes, "bytes");
    wr_value_percent(share, (int64_t)bytes, (int64_t)total);
    fprintf(out, "%10s %s %10s  %s\n", text, share, rest, name);
}

static void
print_heading(const struct wr_inquiry *q, const struct roots *r, FILE *out)
{
    const struct wr_snapshot_header *h = q->snapshot->header;
    char all[WR_VALUE_ROOM], lost[WR_VALUE_ROOM];
    wr_value_format(all, sizeof all, (int64_t)h->bytes, "bytes");
    wr_value_format(lost, sizeof lost, (int64_t)(h->bytes - r->bytes), "bytes");
    fprintf(out, "%s (pid %u): %s in %llu blocks", q->program, h->reply.pid,
            all, (unsigned long long)h->blocks);
    if (h->blocks > r->blocks)
        fprintf(out, ", of which no root leads to %s in %llu (weir leaks)",
                lost, (unsigned long long)(h->blocks - r->blocks));
    fputc('\n', out);
    if (h->reply.stop_ns) /* it was no core */
        fprintf(out, "  it stood still for %.1f ms; the search took %.0f ms\n",
                (double)h->reply.stop_ns / 1e6,
                (double)h->reply.search_ns / 1e6);
}

static void
print_roots(const struct wr_inquiry *q, const struct roots *r, FILE *out)
{
    fputs("\n      kept             blocks  by this root\n", out);
    for (size_t i = 0; i < r->count && i < q->most; i++) {
        char text[520], blocks[24];
        wr_spot_text(r->list[i].spot, text, 500);
        if (r->list[i].shared)
            strcat(text, ", and others");
        snprintf(blocks, sizeof blocks, "%llu",
                 (unsigned long long)r->list[i].blocks);
        print_row(out, r->list[i].bytes, r->bytes, blocks, text);
    }
    if (r->count > q->most)
        fprintf(out, "  and %zu roots more\n", r->count - q->most);
}

/* Of the profile's functions those that are sites: roots come as functions,
 * too, of which nothing is their own. */
static bool
is_site(const struct wr_node *n)
{
    return n->flat > 0;
}

static void
print_sites(const struct wr_inquiry *q, const struct wr_graph *g,
            uint64_t total, FILE *out)
{
    size_t shown = 0;
    fputs("\n      kept                own  by what was allocated in\n", out);
    for (uint32_t i = 0; i < g->count && shown < q->most; i++) {
        char own[WR_VALUE_ROOM];
        if (!is_site(&g->nodes[i]))
            continue;
        shown++;
        wr_value_format(own, sizeof own, g->nodes[i].flat, "bytes");
        print_row(out, (uint64_t)g->nodes[i].cum, total, own,
                  g->nodes[i].label);
    }
}

static void
print_parts(const struct wr_inquiry *q, const struct wr_parts *p, FILE *out)
{
    if (p->count > 0)
        fputs("\nonly small parts of slices lead to these arrays; copied out, "
              "the rest could go\n",
              out);
    for (size_t i = 0; i < p->count && i < q->most; i++) {
        const struct wr_parts_row *row = &p->list[i];
        struct wr_snapshot_block b = wr_snapshot_block(q->snapshot, row->node);
        char block[400], spot[500];
        wr_block_text(q, &b, block, sizeof block);
        wr_spot_text(&row->root->spot, spot, sizeof spot);
        fprintf(out, "  %s\n    %llu of %llu items, by %s\n", block,
                (unsigned long long)row->items, (unsigned long long)row->of,
                spot);
    }
    if (p->count > q->most)
        fprintf(out, "  and %zu arrays more\n", p->count - q->most);
}

/* --- JSON ---------------------------------------------------------------- */

static void
roots_json(const struct wr_inquiry *q, const struct roots *r, FILE *out)
{
    fprintf(out, ",\"kept\":{\"blocks\":%llu,\"bytes\":%llu},\n\"roots\":[",
            (unsigned long long)r->blocks, (unsigned long long)r->bytes);
    for (size_t i = 0; i < r->count && i < q->most; i++) {
        fprintf(out,
                "%s{\"blocks\":%llu,\"bytes\":%llu,\"root\":", i ? ",\n" : "",
                (unsigned long long)r->list[i].blocks,
                (unsigned long long)r->list[i].bytes);
        wr_spot_json(r->list[i].spot, out);
        fprintf(out, ",\"shared\":%s}", r->list[i].shared ? "true" : "false");
    }
    fputc(']', out);
}

static void
sites_json(const struct wr_inquiry *q, const struct wr_graph *g, FILE *out)
{
    size_t shown = 0;
    fputs(",\n\"sites\":[", out);
    for (uint32_t i = 0; i < g->count && shown < q->most; i++) {
        if (!is_site(&g->nodes[i]))
            continue;
        fprintf(out, "%s{\"bytes\":%lld,\"own\":%lld,\"function\":",
                shown++ ? ",\n" : "", (long long)g->nodes[i].cum,
                (long long)g->nodes[i].flat);
        wr_json_string(out, g->nodes[i].label);
        fputc('}', out);
    }
    fputc(']', out);
}

static void
parts_json(const struct wr_inquiry *q, const struct wr_parts *p, FILE *out)
{
    fputs(",\n\"parts\":[", out);
    for (size_t i = 0; i < p->count && i < q->most; i++) {
        const struct wr_parts_row *row = &p->list[i];
        struct wr_snapshot_block b = wr_snapshot_block(q->snapshot, row->node);
        fprintf(out, "%s{\"parts\":%llu,\"items\":%llu,\"of\":%llu,\"block\":",
                i ? ",\n" : "", (unsigned long long)row->parts,
                (unsigned long long)row->items, (unsigned long long)row->of);
        wr_block_json(q, &b, out);
        fputs("},\"root\":", out);
        wr_spot_json(&row->root->spot, out);
        fputc('}', out);
    }
    fputs("]}\n", out);
}

/* --- All of it ----------------------------------------------------------- */

static void
show(const struct wr_inquiry *q, const struct roots *r,
     const struct wr_graph *g, const struct wr_parts *parts, FILE *out)
{
    const struct wr_snapshot_header *h = q->snapshot->header;
    if (!q->json) {
        print_heading(q, r, out);
        print_roots(q, r, out);
        print_sites(q, g, r->bytes, out);
        print_parts(q, parts, out);
        return;
    }
    wr_inquiry_json(q, out);
    fprintf(out, ",\"live\":{\"blocks\":%llu,\"bytes\":%llu}",
            (unsigned long long)h->blocks, (unsigned long long)h->bytes);
    roots_json(q, r, out);
    sites_json(q, g, out);
    parts_json(q, parts, out);
}

static int
report(const struct wr_inquiry *q, const struct wr_tree *t,
       const struct wr_fold *f, FILE *out, struct wr_profile **profile)
{
    struct wr_profile *p = make_profile(q, f);
    struct wr_graph_options o = {.type = BYTES, .cum = true};
    struct wr_graph g = {.nodes = NULL};
    struct roots r = {.list = NULL};
    struct wr_parts parts = {.list = NULL};
    bool ok = p && list_roots(&r, q, t) == 0 &&
              wr_parts_find(&parts, q->holders) == 0 &&
              wr_graph_make(&g, p, &o) == 0;
    if (ok) {
        show(q, &r, &g, &parts, out);
        wr_graph_fini(&g);
    }
    wr_parts_fini(&parts);
    free(r.list);
    if (ok && profile)
        *profile = p;
    else
        wr_profile_free(p);
    return ok ? 0 : -1;
}

int
wr_retained(const struct wr_inquiry *q, FILE *out, struct wr_profile **profile,
            char *why, size_t n)
{
    struct wr_tree t;
    struct wr_fold f;
    if (wr_holders_dominators(q->holders, &t, why, n) != 0)
        return -1;
    int status = wr_fold_make(&f, q->holders, &t, q->same);
    if (status == 0) {
        status = report(q, &t, &f, out, profile);
        wr_fold_fini(&f);
    }
    wr_tree_fini(&t);
    return status == 0 ? 0 : wr_profile_fail(why, n, "out of memory");
}
