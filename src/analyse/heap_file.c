/* Heaps that were written down. */
#include "analyse/heap_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "analyse/leaks.h"
#include "analyse/profile.h"
#include "analyse/store.h"

bool
wr_heap_file_is(const char *path)
{
    uint64_t magic = 0;
    FILE *in = fopen(path, "re");
    bool is = in && fread(&magic, sizeof magic, 1, in) == 1 &&
              magic == WR_SNAPSHOT_MAGIC;
    if (in)
        fclose(in);
    return is;
}

/* --- The region ---------------------------------------------------------- */

/* The range that *at is at, whose bytes are the result; *at goes to the next.
 * NULL: the section ends there, or is damaged. */
static const unsigned char *
next_range(const unsigned char **at, const unsigned char *end, uint64_t *from,
           size_t *bytes)
{
    struct wr_snapshot_range r;
    const unsigned char *data = *at + sizeof r;
    if ((size_t)(end - *at) < sizeof r)
        return NULL;
    memcpy(&r, *at, sizeof r);
    size_t left = (size_t)(end - data);
    if (r.end < r.from || r.end - r.from > left)
        return NULL;
    *from = r.from;
    *bytes = (size_t)(r.end - r.from);
    *at = left - *bytes < 8 ? end : data + ((*bytes + 7) & ~(size_t)7);
    return data;
}

/* The first range has the header, which says how long the region is. */
static size_t
region_bytes(const unsigned char *at, const unsigned char *end)
{
    struct wr_region_header h;
    uint64_t from;
    size_t bytes;
    const unsigned char *data = next_range(&at, end, &from, &bytes);
    if (!data || from != 0 || bytes != sizeof h)
        return 0;
    memcpy(&h, data, sizeof h);
    return h.region_bytes < (uint64_t)1 << 40 ? (size_t)h.region_bytes : 0;
}

/* Memory nobody writes takes none. */
static int
restore(struct wr_region_view *v, const unsigned char *at,
        const unsigned char *end, char *why, size_t n)
{
    size_t all = region_bytes(at, end), bytes;
    const unsigned char *data;
    uint64_t from;
    unsigned char *base =
        all < sizeof(struct wr_region_header)
            ? MAP_FAILED
            : mmap(NULL, all, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return wr_profile_fail(why, n, "it is damaged, or out of memory");
    while ((data = next_range(&at, end, &from, &bytes)) != NULL)
        if (from <= all && bytes <= all - from)
            memcpy(base + from, data, bytes);
    if (wr_view_over(v, base, all, why, n) == 0)
        return v->mapped = all, 0;
    munmap(base, all);
    return -1;
}

/* --- Opening ------------------------------------------------------------- */

static const unsigned char *
section(const struct wr_heap_file *h, enum wr_snapshot_section_id id,
        size_t *bytes)
{
    const struct wr_snapshot_section *s = &h->snapshot.header->section[id];
    *bytes = s->bytes;
    return h->snapshot.bytes + s->offset;
}

int
wr_heap_file_open(struct wr_heap_file *h, const char *path, char *why, size_t n)
{
    *h = (struct wr_heap_file){.region = {.base = NULL}};
    FILE *in = fopen(path, "re");
    if (!in)
        return wr_profile_fail(why, n, "cannot open it");
    int status = wr_snapshot_read(&h->snapshot, in, why, n);
    fclose(in);
    if (status != 0)
        return -1;
    size_t bytes;
    const unsigned char *at = section(h, WR_SNAPSHOT_REGION, &bytes);
    status = restore(&h->region, at, at + bytes, why, n);
    if (status != 0)
        wr_heap_file_close(h);
    return status;
}

void
wr_heap_file_close(struct wr_heap_file *h)
{
    wr_snapshot_fini(&h->snapshot);
    wr_region_close(&h->region);
}

FILE *
wr_heap_file_maps(const struct wr_heap_file *h)
{
    size_t bytes;
    const void *text = section(h, WR_SNAPSHOT_MAPS, &bytes);
    return fmemopen((void *)text, bytes, "r");
}

/* --- The profile --------------------------------------------------------- */

/* How many sampled blocks each that is told of stands for: there is room to
 * tell of so many, which where every block is sampled may be too little. */
static double
each_stands_for(const struct wr_heap_file *h)
{
    const struct wr_snapshot *s = &h->snapshot;
    const struct wr_region_header *r = h->region.header;
    if (atomic_load(&r->counters.ledger_full) == 0 ||
        atomic_load(&r->sample_rate) != 1 || s->sample_count == 0)
        return 1;
    return (double)s->header->blocks / (double)s->sample_count;
}

/* The region's counts, which went on while the file was written, with so many
 * alive as the file says. */
static struct wr_bucket_counts
with_alive(const struct wr_bucket *b, uint64_t alive)
{
    struct wr_bucket_counts c;
    wr_bucket_read(b, &c);
    alive = alive < c.allocs ? alive : c.allocs;
    c.frees = c.allocs - alive;
    c.free_bytes =
        c.alloc_bytes - (c.allocs ? c.alloc_bytes / c.allocs * alive : 0);
    return c;
}

int
wr_profile_from_heap_file(struct wr_profile **out, const struct wr_heap_file *h,
                          char *why, size_t n)
{
    const struct wr_snapshot *s = &h->snapshot;
    uint64_t buckets = wr_view_used(&h->region, WR_TABLE_BUCKETS);
    double each = each_stands_for(h);
    uint64_t *found = calloc(buckets + 1, sizeof *found);
    struct wr_bucket_counts *then = calloc(buckets + 1, sizeof *then);
    int rc = -1;
    for (uint64_t i = 0; found && i < s->sample_count; i++)
        if (s->samples[i].bucket < buckets)
            found[s->samples[i].bucket]++;
    for (uint64_t i = 0; found && then && i < buckets; i++)
        then[i] = with_alive(wr_view_bucket(&h->region, i),
                             (uint64_t)((double)found[i] * each + 0.5));
    if (found && then)
        rc = wr_profile_from_region_then(out, &h->region, WR_VALUES_ESTIMATED,
                                         then, s->header->reply.taken_ns, why,
                                         n);
    else
        wr_profile_fail(why, n, "out of memory");
    free(found);
    free(then);
    return rc;
}
