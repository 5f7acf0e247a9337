/* Leaks. */
#include "analyse/leaks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/profile.h"
#include "analyse/store.h"
#include "region/read.h"

/* --- Reading ------------------------------------------------------------- */

static const char *
wrong_header(const struct wr_leaks_header *h)
{
    if (h->about.magic != WR_LEAKS_MAGIC)
        return "it is no list of leaks";
    if (h->about.version != WR_LEAKS_VERSION ||
        h->about.header_bytes != sizeof *h ||
        h->about.record_bytes != sizeof(struct wr_leak))
        return "another version of Weir wrote it";
    if (h->records > WR_LEAKS_MOST)
        return "it is damaged";
    return NULL;
}

static int
read_records(struct wr_leaks *l, FILE *in)
{
    size_t n = (size_t)l->header.records;
    l->records = calloc(n + 1, sizeof *l->records);
    return l->records && fread(l->records, sizeof *l->records, n, in) == n ? 0
                                                                           : -1;
}

int
wr_leaks_read(struct wr_leaks *l, FILE *in, char *why, size_t n)
{
    const char *wrong;
    *l = (struct wr_leaks){.records = NULL};
    if (fread(&l->header, sizeof l->header, 1, in) != 1)
        wrong = "it is too short";
    else if (!(wrong = wrong_header(&l->header)) && read_records(l, in) != 0)
        wrong = "it is cut off";
    if (!wrong)
        return 0;
    wr_leaks_fini(l);
    return wr_profile_fail(why, n, "the list of leaks cannot be read: %s",
                           wrong);
}

void
wr_leaks_fini(struct wr_leaks *l)
{
    free(l->records);
    l->records = NULL;
}

struct wr_leaks_count
wr_leaks_total(const struct wr_leaks *l)
{
    const struct wr_leaks_header *h = &l->header;
    return (struct wr_leaks_count){h->direct.blocks + h->indirect.blocks,
                                   h->direct.bytes + h->indirect.bytes};
}

/* --- Shares -------------------------------------------------------------- */

/* The class of so many bytes; 0: none, it is large. */
static unsigned
class_of(const struct wr_region_view *view, uint64_t bytes)
{
    for (unsigned i = 1; i < view->header->class_count && i < WR_CLASS_MAX; i++)
        if (view->header->class_bytes[i] == bytes)
            return i;
    return 0;
}

/* How many blocks a sampled leaked one stands for. */
static double
weight_of(const struct wr_region_view *view, const struct wr_leak *leak)
{
    const struct wr_bucket *b = wr_view_bucket(view, leak->bucket);
    return b ? wr_sample_weight(leak->bytes, b->rate) : 0;
}

struct weighing {
    double blocks[WR_CLASS_MAX], bytes[WR_CLASS_MAX]; /* sampled, of a class */
    double *bucket_blocks, *bucket_bytes;
    unsigned *bucket_class;
};

static void
weigh(struct weighing *w, uint64_t buckets, const struct wr_region_view *view,
      const struct wr_leaks *l)
{
    for (uint64_t i = 0; i < l->header.records; i++) {
        const struct wr_leak *leak = &l->records[i];
        if (leak->bucket >= buckets)
            continue;
        unsigned c = class_of(view, leak->bytes);
        double weight = weight_of(view, leak);
        w->blocks[c] += weight;
        w->bytes[c] += weight * (double)leak->bytes;
        w->bucket_blocks[leak->bucket] += weight;
        w->bucket_bytes[leak->bucket] += weight * (double)leak->bytes;
        w->bucket_class[leak->bucket] = c;
    }
}

static uint64_t
part(uint64_t whole, double of, double all)
{
    return all > 0 ? (uint64_t)llround((double)whole * of / all) : 0;
}

static void
share(struct wr_leaks_shares *out, uint64_t buckets, const struct weighing *w,
      const struct wr_leaks_header *h)
{
    for (unsigned c = 0; c < WR_CLASS_MAX; c++)
        out->rest[c] =
            w->blocks[c] > 0 ? (struct wr_leaks_count){0, 0} : h->by_class[c];
    for (uint64_t i = 0; i < buckets; i++) {
        unsigned c = w->bucket_class[i];
        out->bucket[i].blocks =
            part(h->by_class[c].blocks, w->bucket_blocks[i], w->blocks[c]);
        out->bucket[i].bytes =
            part(h->by_class[c].bytes, w->bucket_bytes[i], w->bytes[c]);
    }
}

void
wr_leaks_share(struct wr_leaks_shares *out, uint64_t buckets,
               const struct wr_region_view *view, const struct wr_leaks *l)
{
    struct weighing w = {.bucket_blocks = calloc(buckets + 1, sizeof(double)),
                         .bucket_bytes = calloc(buckets + 1, sizeof(double)),
                         .bucket_class = calloc(buckets + 1, sizeof(unsigned))};
    memcpy(out->rest, l->header.by_class, sizeof out->rest);
    if (w.bucket_blocks && w.bucket_bytes && w.bucket_class) {
        weigh(&w, buckets, view, l);
        share(out, buckets, &w, &l->header);
    }
    free(w.bucket_blocks);
    free(w.bucket_bytes);
    free(w.bucket_class);
}
