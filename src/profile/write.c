/* weir_profile_write: a profile of this process, straight from its region.
 *
 * Invariants
 * 1. Nothing is allocated from the heap and no lock is taken: memory comes
 *    from the system and is given back before the call returns.
 * 2. A location's number is given when a sample first needs it and its
 *    message written before that sample's. Mappings, then strings, come last:
 *    whatever was loaded meanwhile is among them.
 * 3. Strings are numbered without a table: the fixed ones, the comment, then
 *    two for each module, its path and its build id.
 */
#include <string.h>
#include <weir/profile.h>

#include "base/base.h"
#include "base/text.h"
#include "os/os.h"
#include "profile/wire.h"
#include "region/read.h"
#include "world/thread.h"

/* Field numbers of profile.proto. */
enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE = 2,
    PROFILE_MAPPING = 3,
    PROFILE_LOCATION = 4,
    PROFILE_FUNCTION = 5,
    PROFILE_STRING = 6,
    PROFILE_TIME = 9,
    PROFILE_PERIOD_TYPE = 11,
    PROFILE_PERIOD = 12,
    PROFILE_COMMENT = 13,
    PROFILE_DEFAULT_TYPE = 14,
    TYPE_TYPE = 1,
    TYPE_UNIT = 2,
    SAMPLE_LOCATION = 1,
    SAMPLE_VALUE = 2,
    SAMPLE_LABEL = 3,
    LABEL_KEY = 1,
    LABEL_NUMBER = 3,
    LABEL_UNIT = 4,
    MAPPING_ID = 1,
    MAPPING_START = 2,
    MAPPING_LIMIT = 3,
    MAPPING_OFFSET = 4,
    MAPPING_FILE = 5,
    MAPPING_BUILD_ID = 6,
    LOCATION_ID = 1,
    LOCATION_MAPPING = 2,
    LOCATION_ADDRESS = 3,
    LOCATION_LINE = 4,
    LINE_FUNCTION = 1,
    FUNCTION_ID = 1,
    FUNCTION_NAME = 2
};

enum {
    TEXT_EMPTY,
    TEXT_ALLOC_OBJECTS,
    TEXT_ALLOC_SPACE,
    TEXT_INUSE_OBJECTS,
    TEXT_INUSE_SPACE,
    TEXT_SPACE,
    TEXT_THREADCREATE,
    TEXT_COUNT,
    TEXT_BYTES,
    TEXT_OTHER,     /* samples that found no room */
    TEXT_NO_ORIGIN, /* threads from before anybody looked */
    TEXT_COMMENT,   /* made up in the call */
    TEXT_MODULES    /* the first of two for each module */
};

static const char *const fixed_texts[TEXT_COMMENT] = {
    [TEXT_EMPTY] = "",
    [TEXT_ALLOC_OBJECTS] = "alloc_objects",
    [TEXT_ALLOC_SPACE] = "alloc_space",
    [TEXT_INUSE_OBJECTS] = "inuse_objects",
    [TEXT_INUSE_SPACE] = "inuse_space",
    [TEXT_SPACE] = "space",
    [TEXT_THREADCREATE] = "threadcreate",
    [TEXT_COUNT] = "count",
    [TEXT_BYTES] = "bytes",
    [TEXT_OTHER] = "[other]",
    [TEXT_NO_ORIGIN] = "[origin not known]",
};

/* Where a frame is: one location of the profile. */
struct place {
    uint64_t address;
    uint32_t module; /* index + 1; 0: in none */
    uint32_t id;     /* 0: an empty slot */
};

#define NO_STACK        1u /* the location of samples without a stack */
#define PLACES_AT_FIRST 1024u
#define MEMO_SLOTS      4096u /* a power of two */

/* Frames repeat from stack to stack: which location each was last. */
struct memo {
    uint64_t pc;
    uint32_t unloads;
    uint32_t id; /* 0: empty */
};

/* What is mapped for the time of one call. */
struct scratch {
    unsigned char buffer[64 * 1024];
    struct memo memo[MEMO_SLOTS];
};

struct writer {
    struct wr_wire wire;
    const struct wr_region_view *view;
    struct memo *memo;
    struct place *place; /* hash table, at most half full */
    size_t places, places_used;
    uint32_t last_id;
    bool no_memory;
};

/* Places. */

static struct place *
place_slot(struct place *table, size_t slots, uint64_t address, uint32_t module)
{
    uint64_t hash = (address ^ (uint64_t)module << 48) * 0x9e3779b97f4a7c15u;

    for (size_t i = hash >> 32;; i++) {
        struct place *p = &table[i & (slots - 1)];

        if (p->id == 0 || (p->address == address && p->module == module))
            return p;
    }
}

static bool
places_grow(struct writer *w)
{
    size_t slots = w->places == 0 ? PLACES_AT_FIRST : 2 * w->places;
    struct place *table = wr_os_map(slots * sizeof *table);

    if (table == NULL)
        return false;
    for (size_t i = 0; i < w->places; i++) {
        const struct place *p = &w->place[i];

        if (p->id != 0)
            *place_slot(table, slots, p->address, p->module) = *p;
    }
    if (w->places != 0)
        wr_os_unmap(w->place, w->places * sizeof *table);
    w->place = table;
    w->places = slots;
    return true;
}

static void
write_location(struct writer *w, const struct place *p)
{
    wr_wire_open(&w->wire, PROFILE_LOCATION);
    wr_wire_field(&w->wire, LOCATION_ID, p->id);
    wr_wire_field(&w->wire, LOCATION_MAPPING, p->module);
    wr_wire_field(&w->wire, LOCATION_ADDRESS, p->address);
    wr_wire_close(&w->wire);
}

/* The location of a frame: of the call, which lies before the address it
 * returns to. Written when it is new; 0: no memory. */
static uint32_t
find_place(struct writer *w, uint64_t pc, uint32_t unloads)
{
    uint64_t address = pc - 1, index = 0;
    uint32_t module = 0;
    struct place *p;

    if (2 * w->places_used >= w->places && !places_grow(w)) {
        w->no_memory = true;
        return 0;
    }
    if (wr_view_module_at(w->view, address, unloads, &index) != NULL)
        module = (uint32_t)index + 1;
    p = place_slot(w->place, w->places, address, module);
    if (p->id == 0) {
        *p = (struct place){address, module, ++w->last_id};
        w->places_used++;
        write_location(w, p);
    }
    return p->id;
}

static uint32_t
locate(struct writer *w, uint64_t pc, uint32_t unloads)
{
    struct memo *m = &w->memo[(pc ^ pc >> 12) & (MEMO_SLOTS - 1)];

    if (m->id == 0 || m->pc != pc || m->unloads != unloads)
        *m = (struct memo){pc, unloads, find_place(w, pc, unloads)};
    return m->id;
}

/* Samples. */

/* The frames of a stack as locations; at least one. */
static size_t
locate_stack(struct writer *w, uint32_t number,
             uint32_t ids[static WR_STACK_FRAMES])
{
    const struct wr_stack *s = wr_view_stack(w->view, number);
    size_t n = 0;

    for (uint32_t i = 0; s != NULL && i < s->frames && !w->no_memory; i++)
        if (s->pc[i] != 0)
            ids[n++] = locate(w, s->pc[i], s->unloads);
    if (n == 0)
        ids[n++] = NO_STACK;
    return n;
}

static void
write_label(struct wr_wire *wire, uint64_t bytes)
{
    wr_wire_open(wire, SAMPLE_LABEL);
    wr_wire_field(wire, LABEL_KEY, TEXT_BYTES);
    wr_wire_field(wire, LABEL_NUMBER, bytes);
    wr_wire_field(wire, LABEL_UNIT, TEXT_BYTES);
    wr_wire_close(wire);
}

/* bytes: the size of its blocks, 0: none. */
static void
write_sample(struct writer *w, uint32_t stack, const uint64_t *values,
             size_t value_count, uint64_t bytes)
{
    uint32_t ids[WR_STACK_FRAMES];
    size_t depth = locate_stack(w, stack, ids);

    wr_wire_open(&w->wire, PROFILE_SAMPLE);
    wr_wire_open(&w->wire, SAMPLE_LOCATION);
    for (size_t i = 0; i < depth; i++)
        wr_wire_number(&w->wire, ids[i]);
    wr_wire_close(&w->wire);
    wr_wire_open(&w->wire, SAMPLE_VALUE);
    for (size_t i = 0; i < value_count; i++)
        wr_wire_number(&w->wire, values[i]);
    wr_wire_close(&w->wire);
    if (bytes != 0)
        write_label(&w->wire, bytes);
    wr_wire_close(&w->wire);
}

static uint64_t
scaled(uint64_t raw, double weight)
{
    return (uint64_t)((double)raw * weight + 0.5);
}

static void
write_buckets(struct writer *w)
{
    uint64_t n = wr_view_used(w->view, WR_TABLE_BUCKETS);

    for (uint64_t i = 0; i < n && !w->no_memory && !w->wire.failed; i++) {
        const struct wr_bucket *b = wr_view_bucket(w->view, i);
        struct wr_bucket_counts c;
        double weight;

        wr_bucket_read(b, &c);
        if (c.allocs == 0)
            continue;
        weight = wr_sample_weight(
            b->size != 0 ? b->size : c.alloc_bytes / c.allocs, b->rate);
        write_sample(w, b->stack,
                     (uint64_t[]){scaled(c.allocs, weight),
                                  scaled(c.alloc_bytes, weight),
                                  scaled(c.allocs - c.frees, weight),
                                  scaled(c.alloc_bytes - c.free_bytes, weight)},
                     4, b->size);
    }
}

/* How many threads were made where slot i's was, and whether it is the first
 * of them: the stacks of a profile are counted together. */
static uint64_t
made_alike(const struct wr_region_view *v, uint64_t i, bool *first)
{
    uint32_t stack = wr_view_thread(v, i)->create_stack;
    uint64_t n = wr_view_used(v, WR_TABLE_THREADS), count = 0;

    *first = true;
    for (uint64_t j = 0; j < n; j++) {
        const struct wr_thread_slot *s = wr_view_thread(v, j);

        if (s->state == WR_THREAD_EMPTY || s->create_stack != stack)
            continue;
        count++;
        if (j < i)
            *first = false;
    }
    return count;
}

static void
write_threads(struct writer *w)
{
    uint64_t n = wr_view_used(w->view, WR_TABLE_THREADS);

    for (uint64_t i = 0; i < n && !w->no_memory; i++) {
        const struct wr_thread_slot *s = wr_view_thread(w->view, i);
        bool first;
        uint64_t count = made_alike(w->view, i, &first);

        if (s->state != WR_THREAD_EMPTY && first)
            write_sample(w, s->create_stack, &count, 1, 0);
    }
}

/* The rest of the message. */

static void
write_type(struct wr_wire *wire, unsigned field, unsigned type, unsigned unit)
{
    wr_wire_open(wire, field);
    wr_wire_field(wire, TYPE_TYPE, type);
    wr_wire_field(wire, TYPE_UNIT, unit);
    wr_wire_close(wire);
}

/* Samples without a stack have a location that is a name and no address. */
static void
write_no_stack(struct wr_wire *wire, unsigned name)
{
    wr_wire_open(wire, PROFILE_LOCATION);
    wr_wire_field(wire, LOCATION_ID, NO_STACK);
    wr_wire_open(wire, LOCATION_LINE);
    wr_wire_field(wire, LINE_FUNCTION, 1);
    wr_wire_close(wire);
    wr_wire_close(wire);
    wr_wire_open(wire, PROFILE_FUNCTION);
    wr_wire_field(wire, FUNCTION_ID, 1);
    wr_wire_field(wire, FUNCTION_NAME, name);
    wr_wire_close(wire);
}

static void
write_mapping(struct wr_wire *wire, const struct wr_module *m, uint64_t index)
{
    uint64_t text = TEXT_MODULES + 2 * index;

    wr_wire_open(wire, PROFILE_MAPPING);
    wr_wire_field(wire, MAPPING_ID, index + 1);
    wr_wire_field(wire, MAPPING_START, m->start);
    wr_wire_field(wire, MAPPING_LIMIT, m->end);
    wr_wire_field(wire, MAPPING_OFFSET, m->file_offset);
    wr_wire_field(wire, MAPPING_FILE, text);
    wr_wire_field(wire, MAPPING_BUILD_ID, text + 1);
    wr_wire_close(wire);
}

/* The program itself comes first: readers take the first for it. */
static void
write_mappings(struct writer *w, uint64_t modules)
{
    for (int main_program = 1; main_program >= 0; main_program--)
        for (uint64_t i = 0; i < modules; i++) {
            const struct wr_module *m = wr_view_module(w->view, i);

            if (m != NULL && (m->main_program != 0) == main_program)
                write_mapping(&w->wire, m, i);
        }
}

static void
write_string(struct wr_wire *wire, const char *s)
{
    wr_wire_text(wire, PROFILE_STRING, s, strlen(s));
}

static void
write_module_strings(struct wr_wire *wire, const struct wr_module *m)
{
    char hex[2 * sizeof m->build_id];
    size_t n = 0;

    write_string(wire, m != NULL ? m->path : "");
    for (uint32_t i = 0; m != NULL && i < m->build_id_len; i++) {
        hex[n++] = "0123456789abcdef"[m->build_id[i] >> 4];
        hex[n++] = "0123456789abcdef"[m->build_id[i] & 15];
    }
    wr_wire_text(wire, PROFILE_STRING, hex, n);
}

static void
write_comment_string(struct writer *w)
{
    const struct wr_region_header *h = w->view->header;
    uint64_t lost = atomic_load(&h->counters.samples_lost);
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, h->exe);
    wr_text_str(&t, ", process ");
    wr_text_uint(&t, h->pid);
    wr_text_str(&t, ", Weir ");
    wr_text_str(&t, h->weir_version);
    if (lost != 0) {
        wr_text_str(&t, "; samples that found no room for their stack: ");
        wr_text_uint(&t, lost);
    }
    write_string(&w->wire, t.buf);
}

static void
write_strings(struct writer *w, uint64_t modules)
{
    for (unsigned i = 0; i < TEXT_COMMENT; i++)
        write_string(&w->wire, fixed_texts[i]);
    write_comment_string(w);
    for (uint64_t i = 0; i < modules; i++)
        write_module_strings(&w->wire, wr_view_module(w->view, i));
}

static void
write_heap(struct writer *w, bool allocs)
{
    struct wr_wire *wire = &w->wire;

    write_no_stack(wire, TEXT_OTHER);
    write_type(wire, PROFILE_SAMPLE_TYPE, TEXT_ALLOC_OBJECTS, TEXT_COUNT);
    write_type(wire, PROFILE_SAMPLE_TYPE, TEXT_ALLOC_SPACE, TEXT_BYTES);
    write_type(wire, PROFILE_SAMPLE_TYPE, TEXT_INUSE_OBJECTS, TEXT_COUNT);
    write_type(wire, PROFILE_SAMPLE_TYPE, TEXT_INUSE_SPACE, TEXT_BYTES);
    write_type(wire, PROFILE_PERIOD_TYPE, TEXT_SPACE, TEXT_BYTES);
    wr_wire_field(wire, PROFILE_PERIOD,
                  atomic_load(&w->view->header->sample_rate));
    if (allocs)
        wr_wire_field(wire, PROFILE_DEFAULT_TYPE, TEXT_ALLOC_SPACE);
    write_buckets(w);
}

static void
write_threadcreate(struct writer *w)
{
    write_no_stack(&w->wire, TEXT_NO_ORIGIN);
    write_type(&w->wire, PROFILE_SAMPLE_TYPE, TEXT_THREADCREATE, TEXT_COUNT);
    write_type(&w->wire, PROFILE_PERIOD_TYPE, TEXT_THREADCREATE, TEXT_COUNT);
    wr_wire_field(&w->wire, PROFILE_PERIOD, 1);
    write_threads(w);
}

static void
write_all(struct writer *w, const char *name)
{
    uint64_t modules;

    wr_wire_field(&w->wire, PROFILE_TIME, wr_os_realtime());
    wr_wire_field(&w->wire, PROFILE_COMMENT, TEXT_COMMENT);
    if (strcmp(name, "threadcreate") == 0)
        write_threadcreate(w);
    else
        write_heap(w, strcmp(name, "allocs") == 0);
    modules = wr_view_used(w->view, WR_TABLE_MODULES);
    write_mappings(w, modules);
    write_strings(w, modules);
}

static weir_err
write_view(const struct wr_region_view *view, int fd, const char *name)
{
    struct scratch *scratch = wr_os_map(sizeof *scratch);
    struct writer w = {.view = view, .last_id = NO_STACK};
    bool written = false;

    if (scratch == NULL)
        return WEIR_ENOMEM;
    w.memo = scratch->memo;
    wr_wire_init(&w.wire, fd, scratch->buffer, sizeof scratch->buffer);
    write_all(&w, name);
    if (!w.no_memory)
        written = wr_wire_end(&w.wire);
    if (w.places != 0)
        wr_os_unmap(w.place, w.places * sizeof *w.place);
    wr_os_unmap(scratch, sizeof *scratch);
    if (w.no_memory)
        return WEIR_ENOMEM;
    return written ? WEIR_OK : WEIR_EIO;
}

WR_EXPORT weir_err
weir_profile_write(int fd, const char *name)
{
    struct wr_region_view view;
    weir_err err;

    if (name == NULL)
        return WEIR_EINVAL;
    if (strcmp(name, "heap") != 0 && strcmp(name, "allocs") != 0 &&
        strcmp(name, "threadcreate") != 0)
        return WEIR_ENOENT;
    (void)wr_world_region();
    if (wr_region_open_self(&view, NULL, 0) != 0)
        return WEIR_ENOTSUP;
    err = write_view(&view, fd, name);
    wr_region_close(&view);
    return err;
}
