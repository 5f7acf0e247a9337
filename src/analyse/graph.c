/* Graphs.
 *
 * Invariants:
 * 1. Two passes over the samples: the first counts nodes, the second the
 *    edges between those that are kept. What a kept node holds does not
 *    depend on the others, so it need not be counted again.
 * 2. A node's cum, and an edge's weight, get a sample's value once: `last`
 *    holds the last sample (+ 1) that counted.
 * 3. Nodes that cancel out to nothing are no nodes.
 */
#include "analyse/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/path.h"
#include "analyse/store.h"

/* --- Places -------------------------------------------------------------- */

static uint32_t
clean_file(struct wr_profile *p, const char *file,
           const struct wr_graph_options *o)
{
    if (!*file)
        return 0;
    const char *rest = wr_path_trim(file, o->trim_path, o->source_path);
    char *clean = *rest ? wr_path_clean(rest) : NULL;
    uint32_t s = clean ? wr_profile_string(p, clean) : 0;
    free(clean);
    return s;
}

int
wr_places_init(struct wr_places *s, struct wr_profile *p,
               const struct wr_graph_options *o)
{
    *s = (struct wr_places){p, o, NULL};
    s->files = calloc((size_t)p->function_count + 1, sizeof *s->files);
    if (!s->files)
        return -1;
    if (o->granularity != WR_BY_FUNCTIONS)
        for (uint32_t i = 0; i < p->function_count; i++)
            s->files[i] = clean_file(p, p->strings[p->functions[i].file], o);
    return 0;
}

void
wr_places_fini(struct wr_places *s)
{
    free(s->files);
}

uint32_t
wr_places_lines(const struct wr_places *s, const struct wr_location *l,
                uint32_t *first)
{
    *first = s->o->no_inlines && l->line_count ? l->line_count - 1 : 0;
    return l->line_count ? l->line_count - *first : 1;
}

struct wr_place
wr_place_of(const struct wr_places *s, const struct wr_location *l,
            uint32_t line)
{
    const struct wr_profile *p = s->p;
    enum wr_granularity by = s->o->granularity;
    uint32_t object = l->mapping == WR_NONE ? 0 : p->mappings[l->mapping].file;
    struct wr_place at = {.address = by == WR_BY_ADDRESSES ? l->address : 0};
    if (l->line_count == 0) {
        at.object = object;
        return at;
    }
    const struct wr_line *from = &p->lines[l->first_line + line];
    const struct wr_function *f = &p->functions[from->function];
    at.name = by == WR_BY_FILES ? 0 : f->name;
    at.file = s->files[from->function];
    at.line = by >= WR_BY_LINES ? from->line : 0;
    if (s->o->by_object || !at.name) {
        at.object = object;
        at.start_line = f->start_line;
    }
    return at;
}

/* Address, name and place, as many as there are. */
const char *
wr_place_label(struct wr_profile *p, const struct wr_place *at)
{
    const char *name = p->strings[at->name], *file = p->strings[at->file];
    char text[2048];
    int n = 0;
    if (!at->address && !at->line && !at->file && at->name)
        return name;
    if (at->address)
        n = snprintf(text, sizeof text, "%016llx ",
                     (unsigned long long)at->address);
    if (at->name)
        n += snprintf(text + n, sizeof text - (size_t)n, "%.900s ", name);
    size_t room = sizeof text - (size_t)n;
    if (at->line)
        snprintf(text + n, room, "%.900s:%lld", file, (long long)at->line);
    else if (at->file)
        snprintf(text + n, room, "%.900s", file);
    else if (at->name)
        text[n - 1] = '\0';
    else if (at->object)
        snprintf(text + n, room, "[%.900s]",
                 wr_path_base(p->strings[at->object]));
    else
        snprintf(text + n, room, "<unknown>");
    uint32_t label = wr_profile_string(p, text);
    return p->strings[label];
}

/* --- Nodes --------------------------------------------------------------- */

/* The nodes of a location: a run in build.of_run, innermost first. */
struct run {
    uint32_t first, count;
};

struct edge_slot {
    uint32_t from, to, last; /* from + 1: 0 is a free slot */
    bool inlined;
    int64_t weight;
};

struct build {
    struct wr_profile *p;
    const struct wr_graph_options *o;
    struct wr_node *nodes;
    struct wr_index index;
    struct run *runs; /* by location */
    uint32_t *of_run;
    uint32_t *last; /* by node */
    uint32_t *kept; /* by node: its number in the graph, or WR_NONE */
    uint32_t count, capacity;
    bool inlines;     /* a location has more than one node */
    uint32_t reached; /* nodes that edges may go to */
    struct edge_slot *edges;
    uint32_t edge_mask, edge_count;
};

static bool
place_equal(const void *context, uint32_t i, const void *key)
{
    const struct wr_place *a = &((const struct build *)context)->nodes[i].place;
    const struct wr_place *b = key;
    return a->name == b->name && a->file == b->file && a->object == b->object &&
           a->line == b->line && a->start_line == b->start_line &&
           a->address == b->address;
}

static uint64_t
place_hash(const struct wr_place *at)
{
    uint64_t h = wr_hash_word(wr_hash_word(17, at->address), at->name);
    h = wr_hash_word(wr_hash_word(h, at->file), at->object);
    return wr_hash_word(wr_hash_word(h, (uint64_t)at->line),
                        (uint64_t)at->start_line);
}

static bool
grow_nodes(struct build *b)
{
    uint32_t capacity = b->capacity ? b->capacity * 2 : 1024;
    if (b->count < b->capacity)
        return true;
    struct wr_node *bigger = realloc(b->nodes, capacity * sizeof *bigger);
    if (!bigger)
        return false;
    b->nodes = bigger;
    b->capacity = capacity;
    return true;
}

static uint32_t
node_of(struct build *b, const struct wr_place *at)
{
    uint64_t hash = place_hash(at);
    uint32_t found = wr_index_find(&b->index, hash, place_equal, b, at);
    if (found != WR_NONE)
        return found;
    if (!grow_nodes(b) || !wr_index_add(&b->index, hash, b->count))
        return WR_NONE;
    b->nodes[b->count] = (struct wr_node){.place = *at};
    return b->count++;
}

static bool
make_nodes(struct build *b, const struct wr_places *places)
{
    const struct wr_profile *p = b->p;
    uint32_t at = 0;
    for (uint32_t i = 0; i < p->location_count; i++) {
        const struct wr_location *l = &p->locations[i];
        uint32_t first, n = wr_places_lines(places, l, &first);
        b->runs[i] = (struct run){at, n};
        b->inlines |= n > 1;
        for (uint32_t line = first; line < first + n; line++) {
            struct wr_place place = wr_place_of(places, l, line);
            if ((b->of_run[at++] = node_of(b, &place)) == WR_NONE)
                return false;
        }
    }
    return true;
}

static void
count_sample(struct build *b, uint32_t sample, int64_t value)
{
    const struct wr_sample *s = &b->p->samples[sample];
    const uint32_t *frames = b->p->frames + s->first_frame;
    struct wr_node *n = NULL;
    for (uint32_t i = s->depth; i-- > 0;) {
        struct run r = b->runs[frames[i]];
        for (uint32_t k = r.count; k-- > 0;) {
            uint32_t at = b->of_run[r.first + k];
            n = &b->nodes[at];
            if (b->last[at] != sample + 1)
                n->cum = wr_add_wrapping(n->cum, value);
            b->last[at] = sample + 1;
        }
    }
    if (n)
        n->flat = wr_add_wrapping(n->flat, value);
}

static int64_t
value_of(const struct build *b, uint32_t sample)
{
    return b->p->values[(size_t)sample * b->p->type_count + b->o->type];
}

static void
count_nodes(struct build *b)
{
    for (uint32_t i = 0; i < b->p->sample_count; i++) {
        int64_t value = value_of(b, i);
        if (value != 0)
            count_sample(b, i, value);
    }
}

/* --- Choosing ------------------------------------------------------------ */

static bool
is_node(const struct build *b, const struct wr_node *n)
{
    if (n->flat == 0 && n->cum == 0)
        return false;
    return !b->o->drop_negative ||
           !(n->flat < 0 || (n->flat == 0 && n->cum < 0));
}

static uint64_t
cutoff(int64_t total, double fraction)
{
    double v = fabs(trunc((double)total * fraction));
    return v >= 0x1p63 ? UINT64_MAX : (uint64_t)v;
}

static int64_t
sum_flat(const struct build *b)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < b->count; i++)
        if (is_node(b, &b->nodes[i]))
            sum += (uint64_t)b->nodes[i].flat;
    return (int64_t)sum;
}

static int
by_magnitude(int64_t a, int64_t b)
{
    uint64_t x = wr_magnitude(a), y = wr_magnitude(b);
    return (x < y) - (x > y);
}

/* Equal labels of different places: an order that does not depend on the
 * file's. */
static int
by_place(const struct wr_place *a, const struct wr_place *b)
{
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    if (a->start_line != b->start_line)
        return a->start_line < b->start_line ? -1 : 1;
    return (a->object > b->object) - (a->object < b->object);
}

static int
by_label(const struct wr_node *a, const struct wr_node *b)
{
    if (a->place.address && b->place.address &&
        a->place.address != b->place.address)
        return a->place.address < b->place.address ? -1 : 1;
    return strcmp(a->label, b->label);
}

static int
flat_first(const void *x, const void *y)
{
    const struct wr_node *a = x, *b = y;
    int c = by_magnitude(a->flat, b->flat);
    if (c == 0)
        c = by_label(a, b);
    if (c == 0)
        c = by_magnitude(a->cum, b->cum);
    return c ? c : by_place(&a->place, &b->place);
}

static int
cum_first(const void *x, const void *y)
{
    const struct wr_node *a = x, *b = y;
    int c = by_magnitude(a->cum, b->cum);
    if (c == 0)
        c = by_label(a, b);
    if (c == 0)
        c = by_magnitude(a->flat, b->flat);
    return c ? c : by_place(&a->place, &b->place);
}

/* Fill g->nodes with those that stay, in order; first_in holds each one's
 * number in the build meanwhile. */
static void
choose_nodes(struct build *b, struct wr_graph *g, int64_t total)
{
    uint64_t least = cutoff(total, b->o->node_fraction);
    for (uint32_t i = 0; i < b->count; i++) {
        struct wr_node *n = &b->nodes[i];
        if (!is_node(b, n))
            continue;
        if (wr_magnitude(n->cum) < least) {
            g->small++;
            continue;
        }
        n->label = wr_place_label(b->p, &n->place);
        n->first_in = i;
        g->nodes[g->count++] = *n;
    }
    qsort(g->nodes, g->count, sizeof *g->nodes,
          b->o->cum ? cum_first : flat_first);
    g->eligible = g->count;
    if (b->o->node_count && b->o->node_count < g->count)
        g->count = b->o->node_count;
}

/* Number the nodes that edges may go to. As long as nothing was left out,
 * these include nodes that cancelled out, behind the others. */
static void
number_nodes(struct build *b, struct wr_graph *g)
{
    memset(b->kept, 0xff, b->count * sizeof *b->kept);
    for (uint32_t i = 0; i < g->count; i++)
        b->kept[g->nodes[i].first_in] = i;
    b->reached = g->count;
    for (uint32_t i = 0; !g->small && g->count == g->eligible && i < b->count;
         i++) {
        if (b->kept[i] != WR_NONE)
            continue;
        b->nodes[i].label = wr_place_label(b->p, &b->nodes[i].place);
        g->nodes[b->reached] = b->nodes[i];
        b->kept[i] = b->reached++;
    }
    for (uint32_t i = 0; i < b->reached; i++)
        g->nodes[i].first_in = 0;
}

/* --- Edges --------------------------------------------------------------- */

static uint32_t
edge_home(uint32_t from, uint32_t to)
{
    return (uint32_t)(wr_hash_word(wr_hash_word(23, from), to) >> 32);
}

static bool
grow_edges(struct build *b)
{
    uint32_t slots = b->edge_mask ? (b->edge_mask + 1) * 2 : 1024;
    struct edge_slot *bigger = calloc(slots, sizeof *bigger);
    if (!bigger)
        return false;
    for (uint32_t i = 0; b->edge_mask && i <= b->edge_mask; i++) {
        const struct edge_slot *e = &b->edges[i];
        uint32_t at = edge_home(e->from, e->to) & (slots - 1);
        if (!e->from)
            continue;
        while (bigger[at].from)
            at = (at + 1) & (slots - 1);
        bigger[at] = *e;
    }
    free(b->edges);
    b->edges = bigger;
    b->edge_mask = slots - 1;
    return true;
}

/* from: its number + 1. */
static struct edge_slot *
edge_of(struct build *b, uint32_t from, uint32_t to)
{
    if (b->edge_count >= b->edge_mask - b->edge_mask / 4 && !grow_edges(b))
        return NULL;
    uint32_t at = edge_home(from, to) & b->edge_mask;
    while (b->edges[at].from &&
           (b->edges[at].from != from || b->edges[at].to != to))
        at = (at + 1) & b->edge_mask;
    struct edge_slot *e = &b->edges[at];
    if (!e->from) {
        *e = (struct edge_slot){.from = from, .to = to, .inlined = true};
        b->edge_count++;
    }
    return e;
}

static bool
count_call(struct build *b, uint32_t from, uint32_t to, uint32_t sample,
           int64_t value, bool inlined)
{
    struct edge_slot *e = edge_of(b, from + 1, to);
    if (!e)
        return false;
    if (e->last == sample + 1)
        return true;
    e->last = sample + 1;
    e->weight = wr_add_wrapping(e->weight, value);
    e->inlined &= inlined;
    return true;
}

static bool
count_calls(struct build *b, uint32_t sample, int64_t value)
{
    const struct wr_sample *s = &b->p->samples[sample];
    const uint32_t *frames = b->p->frames + s->first_frame;
    uint32_t caller = WR_NONE;
    for (uint32_t i = s->depth; i-- > 0;) {
        struct run r = b->runs[frames[i]];
        for (uint32_t k = r.count; k-- > 0;) {
            uint32_t n = b->kept[b->of_run[r.first + k]];
            if (n == WR_NONE)
                continue;
            if (caller != WR_NONE && caller != n &&
                !count_call(b, caller, n, sample, value, k != r.count - 1))
                return false;
            caller = n;
        }
    }
    return true;
}

static bool
count_edges(struct build *b)
{
    for (uint32_t i = 0; i < b->p->sample_count; i++) {
        int64_t value = value_of(b, i);
        if (value != 0 && !count_calls(b, i, value))
            return false;
    }
    return true;
}

static void
take_edges(struct build *b, struct wr_graph *g, uint64_t least)
{
    for (uint32_t i = 0; b->edge_mask && i <= b->edge_mask; i++) {
        const struct edge_slot *e = &b->edges[i];
        if (e->from && (wr_magnitude(e->weight) >= least || e->to >= g->count))
            g->edges[g->edge_count++] =
                (struct wr_edge){e->from - 1, e->to, e->weight, e->inlined};
    }
}

static int
heavy_first(const void *x, const void *y, void *context)
{
    const struct wr_graph *g = context;
    const struct wr_edge *a = x, *b = y;
    int c = by_magnitude(a->weight, b->weight);
    if (c == 0)
        c = strcmp(g->nodes[a->from].label, g->nodes[b->from].label);
    if (c == 0)
        c = strcmp(g->nodes[a->to].label, g->nodes[b->to].label);
    if (c == 0)
        c = (a->from > b->from) - (a->from < b->from);
    return c ? c : (a->to > b->to) - (a->to < b->to);
}

/* Edges in order, then each node's lists of them, which keep that order. */
static void
list_edges(struct wr_graph *g, uint32_t nodes)
{
    uint32_t in = 0, out = 0;
    qsort_r(g->edges, g->edge_count, sizeof *g->edges, heavy_first, g);
    for (uint32_t i = 0; i < g->edge_count; i++) {
        g->nodes[g->edges[i].to].in_count++;
        g->nodes[g->edges[i].from].out_count++;
    }
    for (uint32_t i = 0; i < nodes; i++) {
        struct wr_node *n = &g->nodes[i];
        n->first_in = in;
        n->first_out = out;
        in += n->in_count;
        out += n->out_count;
        n->in_count = n->out_count = 0;
    }
    for (uint32_t i = 0; i < g->edge_count; i++) {
        struct wr_node *to = &g->nodes[g->edges[i].to];
        struct wr_node *from = &g->nodes[g->edges[i].from];
        g->in[to->first_in + to->in_count++] = i;
        g->out[from->first_out + from->out_count++] = i;
    }
}

static bool
make_edges(struct build *b, struct wr_graph *g, int64_t total)
{
    if (!b->o->edges && !b->inlines)
        return true;
    number_nodes(b, g);
    if (!count_edges(b))
        return false;
    size_t room = (size_t)b->edge_count + 1;
    g->edges = calloc(room, sizeof *g->edges);
    g->in = calloc(room, sizeof *g->in);
    g->out = calloc(room, sizeof *g->out);
    if (!g->edges || !g->in || !g->out)
        return false;
    take_edges(b, g, cutoff(total, b->o->edge_fraction));
    list_edges(g, b->reached);
    return true;
}

/* --- The whole ----------------------------------------------------------- */

static bool
build_init(struct build *b, struct wr_profile *p,
           const struct wr_graph_options *o)
{
    size_t locations = (size_t)p->location_count + 1;
    size_t places = locations;
    for (uint32_t i = 0; i < p->location_count; i++)
        places += p->locations[i].line_count;
    *b = (struct build){.p = p, .o = o};
    b->runs = calloc(locations, sizeof *b->runs);
    b->of_run = calloc(places, sizeof *b->of_run);
    return b->runs && b->of_run;
}

static bool
build_tables(struct build *b)
{
    b->last = calloc((size_t)b->count + 1, sizeof *b->last);
    b->kept = calloc((size_t)b->count + 1, sizeof *b->kept);
    return b->last && b->kept;
}

static void
build_fini(struct build *b)
{
    wr_index_fini(&b->index);
    free(b->nodes);
    free(b->runs);
    free(b->of_run);
    free(b->last);
    free(b->kept);
    free(b->edges);
}

static bool
build_graph(struct build *b, struct wr_graph *g)
{
    g->nodes = calloc((size_t)b->count + 1, sizeof *g->nodes);
    if (!g->nodes)
        return false;
    count_nodes(b);
    int64_t total = sum_flat(b);
    choose_nodes(b, g, total);
    return make_edges(b, g, total);
}

int
wr_graph_make(struct wr_graph *g, struct wr_profile *p,
              const struct wr_graph_options *o)
{
    struct wr_places places;
    struct build b;
    *g = (struct wr_graph){.nodes = NULL};
    if (p->failed || o->type >= p->type_count)
        return -1;
    bool ok = wr_places_init(&places, p, o) == 0;
    ok = build_init(&b, p, o) && ok;
    ok =
        ok && make_nodes(&b, &places) && build_tables(&b) && build_graph(&b, g);
    wr_places_fini(&places);
    build_fini(&b);
    if (ok && !p->failed)
        return 0;
    wr_graph_fini(g);
    return -1;
}

void
wr_graph_fini(struct wr_graph *g)
{
    free(g->nodes);
    free(g->edges);
    free(g->in);
    free(g->out);
    *g = (struct wr_graph){.nodes = NULL};
}
