/* Reading snapshots.
 *
 * Invariants:
 * 1. After reading, spans are sorted and do not overlap, every section lies in
 *    the file, there are bits and numbers for all blocks, and every thread's
 *    frames are there.
 * 2. Numbers are read up to the end of their section and no further: what is
 *    missing reads as 0.
 */
#include "analyse/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "analyse/net.h"
#include "analyse/profile.h"
#include "analyse/search.h"
#include "analyse/store.h"

/* --- Numbers ------------------------------------------------------------- */

struct numbers {
    const unsigned char *at, *end;
};

static struct numbers
numbers_of(const struct wr_snapshot *s, enum wr_snapshot_section_id id,
           uint64_t from)
{
    const struct wr_snapshot_section *in = &s->header->section[id];
    const unsigned char *start = s->bytes + in->offset;
    return (struct numbers){start + (from < in->bytes ? from : in->bytes),
                            start + in->bytes};
}

static uint64_t
next_number(struct numbers *n)
{
    uint64_t value = 0;
    for (unsigned shift = 0; n->at < n->end; shift += 7) {
        unsigned char byte = *n->at++;
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return value;
}

/* The next pointer of a block or part: its word (from 1) grows by what is
 * read. false: there are no more. */
static bool
next_pointer(struct numbers *n, uint64_t *word, uint64_t holder,
             uint64_t *target)
{
    uint64_t gap = next_number(n);
    if (gap == 0)
        return false;
    uint64_t zigzag = next_number(n);
    *word += gap;
    *target = holder + 16 * (zigzag >> 1 ^ -(zigzag & 1));
    return true;
}

/* --- The file ------------------------------------------------------------ */

static const char *
map_bytes(struct wr_snapshot *s, int fd)
{
    struct stat st;
    void *p = MAP_FAILED;
    if (fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof *s->header)
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return "it is too short";
    s->bytes = p;
    s->length = (size_t)st.st_size;
    s->header = p;
    return NULL;
}

static bool
sections_fit(const struct wr_snapshot *s)
{
    for (int i = 0; i < WR_SNAPSHOT_SECTIONS; i++) {
        const struct wr_snapshot_section *in = &s->header->section[i];
        if (in->offset % 8 != 0 || in->offset > s->length ||
            in->bytes > s->length - in->offset)
            return false;
    }
    return true;
}

static const char *
wrong_header(const struct wr_snapshot *s)
{
    const struct wr_reply *a = &s->header->reply;
    if (a->magic != WR_SNAPSHOT_MAGIC)
        return "it is no snapshot";
    if (a->version != WR_SNAPSHOT_VERSION ||
        a->header_bytes != sizeof *s->header ||
        a->record_bytes != sizeof *s->spans)
        return "another version of Weir wrote it";
    return sections_fit(s) ? NULL : "it is cut off";
}

static const void *
section(const struct wr_snapshot *s, enum wr_snapshot_section_id id,
        size_t entry, uint64_t *count)
{
    *count = s->header->section[id].bytes / entry;
    return s->bytes + s->header->section[id].offset;
}

/* --- Spans --------------------------------------------------------------- */

static bool
span_is_sane(const struct wr_snapshot_span *one, uint64_t after)
{
    return one->base >= after && one->base < UINT64_C(1) << 60 &&
           one->block_bytes >= 16 && one->block_bytes <= UINT64_C(1) << 48 &&
           one->blocks > 0 && one->blocks <= 1 << 20;
}

static const char *
number_spans(struct wr_snapshot *s)
{
    uint64_t count, bits, nodes = 0, after = 0;
    s->spans = section(s, WR_SNAPSHOT_SPANS, sizeof *s->spans, &count);
    s->live = section(s, WR_SNAPSHOT_LIVE, sizeof *s->live, &bits);
    s->first = count < WR_NET_MOST ? calloc(count + 1, sizeof *s->first) : NULL;
    if (!s->first)
        return "out of memory";
    for (uint64_t i = 0; i < count; i++) {
        if (!span_is_sane(&s->spans[i], after))
            return "it is damaged";
        after = s->spans[i].base + s->spans[i].blocks * s->spans[i].block_bytes;
        s->first[i] = (uint32_t)nodes;
        nodes += s->spans[i].blocks;
        if (nodes > WR_NET_MOST)
            return "it has more blocks than can be numbered";
    }
    s->first[count] = s->nodes = (uint32_t)nodes;
    s->span_count = (uint32_t)count;
    return bits >= (nodes + 63) / 64 ? NULL : "it is cut off";
}

static uint64_t
span_base(const void *spans, size_t i)
{
    return ((const struct wr_snapshot_span *)spans)[i].base;
}

static uint64_t
span_first(const void *first, size_t i)
{
    return ((const uint32_t *)first)[i];
}

/* The node of the span; NONE: it does not cover the address. */
static uint32_t
node_in(const struct wr_snapshot *s, uint32_t span, uint64_t address)
{
    const struct wr_snapshot_span *one = &s->spans[span];
    uint64_t block = (address - one->base) / one->block_bytes;
    return address >= one->base && block < one->blocks
               ? s->first[span] + (uint32_t)block
               : WR_SNAPSHOT_NONE;
}

uint32_t
wr_snapshot_node(const struct wr_snapshot *s, uint64_t address)
{
    size_t n = wr_search_before(s->spans, s->span_count, span_base, address);
    return n ? node_in(s, (uint32_t)n - 1, address) : WR_SNAPSHOT_NONE;
}

static uint32_t
span_of(const struct wr_snapshot *s, uint32_t node)
{
    return (uint32_t)wr_search_before(s->first, s->span_count, span_first,
                                      node) -
           1;
}

static bool
is_live(const struct wr_snapshot *s, uint32_t node)
{
    return s->live[node / 64] >> node % 64 & 1;
}

uint64_t
wr_snapshot_bytes(const struct wr_snapshot *s, uint32_t node, bool *live)
{
    *live = is_live(s, node);
    return s->spans[span_of(s, node)].block_bytes;
}

/* --- Samples ------------------------------------------------------------- */

static uint64_t
sample_address(const void *samples, size_t i)
{
    return ((const struct wr_snapshot_sample *)samples)[i].address;
}

static const struct wr_snapshot_sample *
sample_at(const struct wr_snapshot *s, uint64_t address)
{
    size_t n =
        wr_search_before(s->samples, s->sample_count, sample_address, address);
    return n && s->samples[n - 1].address == address ? &s->samples[n - 1]
                                                     : NULL;
}

struct wr_snapshot_block
wr_snapshot_block(const struct wr_snapshot *s, uint32_t node)
{
    uint32_t span = span_of(s, node);
    const struct wr_snapshot_span *one = &s->spans[span];
    uint64_t address =
        one->base + (uint64_t)(node - s->first[span]) * one->block_bytes;
    bool live = is_live(s, node);
    return (struct wr_snapshot_block){address, one->block_bytes, live,
                                      one->large != 0,
                                      live ? sample_at(s, address) : NULL};
}

/* --- Threads ------------------------------------------------------------- */

static size_t
thread_bytes(const struct wr_snapshot_thread *t)
{
    return sizeof *t + t->frames * sizeof(struct wr_snapshot_frame);
}

static const char *
find_threads(struct wr_snapshot *s)
{
    const struct wr_snapshot_section *in =
        &s->header->section[WR_SNAPSHOT_THREADS];
    const unsigned char *at = s->bytes + in->offset;
    size_t left = in->bytes, most = left / sizeof **s->threads;
    s->threads = calloc(most + 1, sizeof(struct wr_snapshot_thread *));
    if (!s->threads)
        return "out of memory";
    while (left > 0) {
        const struct wr_snapshot_thread *t = (const void *)at;
        if (left < sizeof *t || t->frames > WR_SNAPSHOT_FRAMES ||
            left < thread_bytes(t))
            return "it is damaged";
        s->threads[s->thread_count++] = t;
        at += thread_bytes(t);
        left -= thread_bytes(t);
    }
    return NULL;
}

const struct wr_snapshot_frame *
wr_snapshot_frames(const struct wr_snapshot_thread *t)
{
    return (const struct wr_snapshot_frame *)(t + 1);
}

/* --- Roots --------------------------------------------------------------- */

static void
read_part(struct wr_snapshot *s, struct numbers *n, uint64_t kind,
          uint64_t most)
{
    uint64_t tid = next_number(n), address = next_number(n);
    uint64_t word = 0, target;
    while (next_pointer(n, &word, 0, &target)) {
        uint32_t node = wr_snapshot_node(s, target);
        if (node == WR_SNAPSHOT_NONE || !is_live(s, node) ||
            s->root_count == most)
            continue;
        s->roots[s->root_count++] = (struct wr_root_word){
            .address = kind == WR_SNAPSHOT_KEPT ? 0 : address + 8 * (word - 1),
            .node = node,
            .tid = (uint32_t)tid,
            .kind = (enum wr_snapshot_root)kind};
    }
}

static const char *
read_roots(struct wr_snapshot *s)
{
    struct numbers n = numbers_of(s, WR_SNAPSHOT_ROOTS, 0);
    uint64_t kind, most = s->header->root_pointers;
    uint64_t room = s->header->section[WR_SNAPSHOT_ROOTS].bytes / 2 + 1;
    if (most > room || most > WR_NET_MOST)
        return "it is damaged";
    s->roots = malloc((most + 1) * sizeof *s->roots);
    if (!s->roots)
        return "out of memory";
    while ((kind = next_number(&n)) != 0)
        read_part(s, &n, kind, most);
    return NULL;
}

/* --- All of it ----------------------------------------------------------- */

static const char *
read_all(struct wr_snapshot *s, int fd)
{
    const char *wrong = map_bytes(s, fd);
    if (!wrong)
        wrong = wrong_header(s);
    if (!wrong)
        wrong = number_spans(s);
    if (wrong)
        return wrong;
    s->samples =
        section(s, WR_SNAPSHOT_SAMPLES, sizeof *s->samples, &s->sample_count);
    s->own = section(s, WR_SNAPSHOT_OWN, sizeof *s->own, &s->own_count);
    s->parts = section(s, WR_SNAPSHOT_PARTS, sizeof *s->parts, &s->part_count);
    wrong = find_threads(s);
    return wrong ? wrong : read_roots(s);
}

int
wr_snapshot_read(struct wr_snapshot *s, FILE *in, char *why, size_t n)
{
    *s = (struct wr_snapshot){.bytes = NULL};
    const char *wrong = read_all(s, fileno(in));
    if (!wrong)
        return 0;
    wr_snapshot_fini(s);
    return wr_profile_fail(why, n, "the snapshot cannot be used: %s", wrong);
}

void
wr_snapshot_fini(struct wr_snapshot *s)
{
    if (s->bytes)
        munmap((void *)s->bytes, s->length);
    free(s->first);
    free(s->threads);
    free(s->roots);
    *s = (struct wr_snapshot){.bytes = NULL};
}

/* --- The net ------------------------------------------------------------- */

/* Which span covers a page: a table where the heap is not spread too far. */
enum { PAGE_SHIFT = 13, PAGES_MOST = 1 << 26 };

struct pages {
    uint64_t base;
    uint32_t count, *span; /* + 1; 0: none */
};

static void
map_pages(struct pages *p, const struct wr_snapshot *s)
{
    if (s->span_count == 0)
        return;
    const struct wr_snapshot_span *last = &s->spans[s->span_count - 1];
    uint64_t end = last->base + last->blocks * last->block_bytes;
    p->base = s->spans[0].base;
    uint64_t pages = ((end - p->base) >> PAGE_SHIFT) + 1;
    p->span = pages <= PAGES_MOST ? calloc(pages, sizeof *p->span) : NULL;
    if (!p->span)
        return;
    p->count = (uint32_t)pages;
    for (uint32_t i = s->span_count; i-- > 0;) {
        const struct wr_snapshot_span *one = &s->spans[i];
        uint64_t from = (one->base - p->base) >> PAGE_SHIFT;
        uint64_t to =
            (one->base + one->blocks * one->block_bytes - 1 - p->base) >>
            PAGE_SHIFT;
        for (uint64_t page = from; page <= to; page++)
            p->span[page] = i + 1;
    }
}

static uint32_t
quick_node(const struct pages *p, const struct wr_snapshot *s, uint64_t address)
{
    uint64_t page = (address - p->base) >> PAGE_SHIFT;
    if (page < p->count && p->span[page]) {
        uint32_t node = node_in(s, p->span[page] - 1, address);
        if (node != WR_SNAPSHOT_NONE)
            return node;
    }
    return wr_snapshot_node(s, address);
}

static void
add_block(struct wr_net *net, const struct wr_snapshot *s,
          const struct pages *p, struct numbers *n, uint64_t address)
{
    uint64_t word = 0, target;
    while (next_pointer(n, &word, address, &target)) {
        uint32_t node = quick_node(p, s, target);
        if (node != WR_SNAPSHOT_NONE && is_live(s, node))
            wr_net_point(net, node);
    }
}

static void
add_spans(struct wr_net *net, const struct wr_snapshot *s,
          const struct pages *p)
{
    struct numbers n = numbers_of(s, WR_SNAPSHOT_WORDS, 0);
    for (uint32_t i = 0; i < s->span_count; i++)
        for (uint32_t k = 0; k < s->spans[i].blocks; k++) {
            if (is_live(s, s->first[i] + k))
                add_block(net, s, p, &n,
                          s->spans[i].base + k * s->spans[i].block_bytes);
            wr_net_next(net);
        }
}

int
wr_snapshot_net(const struct wr_snapshot *s, struct wr_net *net,
                uint32_t more_nodes, uint32_t more_pointers, char *why,
                size_t n)
{
    struct pages p = {.span = NULL};
    uint64_t words = s->header->section[WR_SNAPSHOT_WORDS].bytes;
    uint64_t pointers = s->header->pointers;
    if (pointers > words / 2)
        return wr_profile_fail(why, n, "the snapshot is damaged");
    if (pointers + more_pointers > WR_NET_MOST ||
        (uint64_t)s->nodes + more_nodes > WR_NET_MOST)
        return wr_profile_fail(why, n,
                               "the heap has more blocks or pointers than can "
                               "be numbered");
    if (wr_net_init(net, s->nodes + more_nodes,
                    (uint32_t)pointers + more_pointers) != 0)
        return wr_profile_fail(why, n, "out of memory");
    map_pages(&p, s);
    add_spans(net, s, &p);
    free(p.span);
    return 0;
}

int64_t
wr_snapshot_offset(const struct wr_snapshot *s, uint32_t holder, uint32_t node)
{
    uint32_t span = span_of(s, holder);
    const struct wr_snapshot_span *one = &s->spans[span];
    struct numbers n = numbers_of(s, WR_SNAPSHOT_WORDS, one->words);
    for (uint32_t i = s->first[span]; i <= holder; i++) {
        uint64_t word = 0, target;
        uint64_t address = one->base + (i - s->first[span]) * one->block_bytes;
        while (is_live(s, i) && next_pointer(&n, &word, address, &target))
            if (i == holder && wr_snapshot_node(s, target) == node)
                return word <= one->block_bytes / 8 ? (int64_t)(word - 1) * 8
                                                    : -1; /* damaged */
    }
    return -1;
}
