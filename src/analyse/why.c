/* Paths and blocks. */
#include "analyse/why.h"

#include <stdlib.h>
#include <string.h>
#include "analyse/holders.h"
#include "analyse/origin.h"
#include "analyse/quote.h"
#include "analyse/snapshot.h"
#include "analyse/units.h"

/* --- Paths --------------------------------------------------------------- */

int
wr_path_make(struct wr_path *p, const struct wr_tree *t, uint32_t node)
{
    uint32_t n = 0;
    for (uint32_t at = node; at != t->top; at = t->parent[at])
        n++;
    p->count = n;
    p->node = malloc(((size_t)n + 1) * sizeof *p->node);
    if (!p->node)
        return -1;
    for (uint32_t at = node; at != t->top; at = t->parent[at])
        p->node[--n] = at;
    return 0;
}

void
wr_path_fini(struct wr_path *p)
{
    free(p->node);
    p->node = NULL;
}

/* --- Blocks -------------------------------------------------------------- */

void
wr_block_text(const struct wr_inquiry *q, const struct wr_snapshot_block *b,
              char *text, size_t n)
{
    char bytes[WR_VALUE_ROOM], origin[300] = "";
    wr_value_format(bytes, sizeof bytes, (int64_t)b->bytes, "bytes");
    if (b->sample)
        wr_origin_text(q->sites, b->sample->bucket, origin, sizeof origin);
    snprintf(text, n, "%s%s%s", bytes, *origin ? "  " : "", origin);
}

void
wr_block_json(const struct wr_inquiry *q, const struct wr_snapshot_block *b,
              FILE *out)
{
    fprintf(out, "{\"address\":\"0x%llx\",\"bytes\":%llu,\"live\":%s",
            (unsigned long long)b->address, (unsigned long long)b->bytes,
            b->live ? "true" : "false");
    if (!b->sample)
        return;
    if (b->sample->born_ns)
        fprintf(out, ",\"born_ns\":%llu,\"tid\":%u",
                (unsigned long long)b->sample->born_ns, b->sample->tid);
    wr_origin_json(q->sites, b->sample->bucket, out);
}

/* --- Spots --------------------------------------------------------------- */

void
wr_spot_json(const struct wr_spot *spot, FILE *out)
{
    char text[500];
    wr_spot_text(spot, text, sizeof text);
    fprintf(out, "{\"kind\":\"%s\",\"text\":", wr_spot_word(spot->kind));
    wr_json_string(out, text);
    fputs(",\"name\":", out);
    wr_json_string(out, spot->name);
    fputs(",\"module\":", out);
    wr_json_string(out, spot->module);
    fputs(",\"file\":", out);
    wr_json_string(out, spot->file);
    fprintf(out, ",\"line\":%d,\"tid\":%u,\"start\":\"0x%llx\",\"bytes\":%llu}",
            spot->line, spot->tid, (unsigned long long)spot->start,
            (unsigned long long)spot->bytes);
}

void
wr_inquiry_json(const struct wr_inquiry *q, FILE *out)
{
    const struct wr_reply *r = &q->snapshot->header->reply;
    fputs("{\"v\":1,\"program\":", out);
    wr_json_string(out, q->program);
    fprintf(out,
            ",\"pid\":%u,\"stop_ms\":%.3f,\"search_ms\":%.3f,"
            "\"snapshot_bytes\":%zu",
            r->pid, (double)r->stop_ns / 1e6, (double)r->search_ns / 1e6,
            q->snapshot->length);
}

/* --- Printing a path ----------------------------------------------------- */

/* Where the pointer to the next node is: in a root that has a start, from
 * there. */
static uint64_t
offset_to(const struct wr_inquiry *q, const struct wr_path *p, uint32_t i)
{
    const struct wr_holder *root = wr_holders_root(q->holders, p->node[i]);
    int64_t word = wr_holders_word(q->holders, p->node[i], p->node[i + 1]);
    if (word < 0)
        return 0;
    return (uint64_t)word - (root ? root->spot.start : 0);
}

static uint32_t
site_of(const struct wr_inquiry *q, const struct wr_snapshot_sample *s)
{
    return s->bucket < q->same->count ? q->same->first[s->bucket] : s->bucket;
}

static bool
is_like(const struct wr_inquiry *q, const struct wr_path *p, uint32_t i,
        uint32_t k)
{
    struct wr_snapshot_block a = wr_snapshot_block(q->snapshot, p->node[i]);
    struct wr_snapshot_block b = wr_snapshot_block(q->snapshot, p->node[k]);
    return a.bytes == b.bytes && (!a.sample || !b.sample ||
                                  site_of(q, a.sample) == site_of(q, b.sample));
}

/* How many blocks from i on are left out: those between the first and the last
 * two of a row of the same. */
static uint32_t
left_out(const struct wr_inquiry *q, const struct wr_path *p, uint32_t i)
{
    uint32_t end = i;
    if (i < 3 || !is_like(q, p, i - 2, i) || !is_like(q, p, i - 1, i))
        return 0;
    while (end + 1 < p->count && is_like(q, p, i, end + 1))
        end++;
    return end > i + 1 ? end - i - 1 : 0;
}

void
wr_path_print(const struct wr_inquiry *q, const struct wr_path *p, FILE *out)
{
    char text[500];
    wr_spot_text(&wr_holders_root(q->holders, p->node[0])->spot, text,
                 sizeof text);
    fprintf(out, "  %s\n", text);
    for (uint32_t i = 1; i < p->count; i++) {
        uint32_t out_of = left_out(q, p, i);
        if (out_of) {
            fprintf(out, "    ... and %u more like that\n", out_of);
            i += out_of;
        }
        struct wr_snapshot_block b = wr_snapshot_block(q->snapshot, p->node[i]);
        wr_block_text(q, &b, text, sizeof text);
        fprintf(out, "    +0x%llx -> 0x%llx  %s\n",
                (unsigned long long)offset_to(q, p, i - 1),
                (unsigned long long)b.address, text);
    }
}

void
wr_path_json(const struct wr_inquiry *q, const struct wr_path *p, FILE *out)
{
    fputs("{\"root\":", out);
    wr_spot_json(&wr_holders_root(q->holders, p->node[0])->spot, out);
    fputs(",\"blocks\":[", out);
    for (uint32_t i = 1; i < p->count; i++) {
        struct wr_snapshot_block b = wr_snapshot_block(q->snapshot, p->node[i]);
        if (i > 1)
            fputs(",\n", out);
        wr_block_json(q, &b, out);
        fprintf(out, ",\"held_at\":%llu}",
                (unsigned long long)offset_to(q, p, i - 1));
    }
    fputs("]}", out);
}
