/* Reading a trace.
 *
 * 1. Every byte is checked before it is believed: lengths against the end,
 *    thread numbers against those seen, sizes against what fits a step.
 * 2. The map holds each live address once; slot numbers below `slots` that
 *    are neither in the map nor in a realloc under way are in `idle`. A realloc
 *    that its thread starts within another makes the other's slot nobody's.
 * 3. Tables are vectors of mmap, which mremap lets grow; malloc is not used.
 */
#include "record/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NO_SLOT    UINT32_MAX
#define ALIGN_MOST 40 /* log2 */

/* --- Vectors -------------------------------------------------------------- */

struct vector {
    void *at;
    size_t bytes; /* mapped */
};

/* Room for `bytes`, the new part zero. */
static bool
vector_grow(struct vector *v, size_t bytes)
{
    size_t whole = v->bytes != 0 ? v->bytes : 1 << 16;
    void *p;

    if (bytes <= v->bytes)
        return true;
    while (whole < bytes)
        whole *= 2;
    p = v->at == NULL ? mmap(NULL, whole, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                      : mremap(v->at, v->bytes, whole, MREMAP_MAYMOVE);
    if (p == MAP_FAILED)
        return false;
    v->at = p;
    v->bytes = whole;
    return true;
}

static void
vector_free(struct vector *v)
{
    if (v->at != NULL)
        munmap(v->at, v->bytes);
    *v = (struct vector){NULL, 0};
}

/* --- Addresses to slots --------------------------------------------------- */

struct entry {
    uint64_t address; /* 0: empty */
    uint64_t slot;
};

struct map {
    struct vector table;
    size_t room, used; /* entries; room is a power of two */
};

static size_t
map_home(const struct map *m, uint64_t address)
{
    return (size_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> 20) &
           (m->room - 1);
}

/* Where the address is, or would be. */
static struct entry *
map_find(const struct map *m, uint64_t address)
{
    struct entry *e = m->table.at;
    size_t i = map_home(m, address);

    while (e[i].address != 0 && e[i].address != address)
        i = (i + 1) & (m->room - 1);
    return &e[i];
}

static bool
map_grow(struct map *m)
{
    struct map larger = {{NULL, 0}, m->room != 0 ? 2 * m->room : 4096, m->used};
    struct entry *e = m->table.at;

    if (!vector_grow(&larger.table, larger.room * sizeof *e))
        return false;
    for (size_t i = 0; i < m->room; i++)
        if (e[i].address != 0)
            *map_find(&larger, e[i].address) = e[i];
    vector_free(&m->table);
    *m = larger;
    return true;
}

/* Take the entry out; those behind that it was in the way of move up. */
static void
map_remove(struct map *m, struct entry *gone)
{
    struct entry *e = m->table.at;
    size_t mask = m->room - 1, hole = (size_t)(gone - e), i = hole;

    for (;;) {
        i = (i + 1) & mask;
        if (e[i].address == 0)
            break;
        if (((i - map_home(m, e[i].address)) & mask) >= ((i - hole) & mask)) {
            e[hole] = e[i];
            hole = i;
        }
    }
    e[hole].address = 0;
    m->used--;
}

/* --- Reading -------------------------------------------------------------- */

struct reader {
    const unsigned char *at, *end;
    struct wr_trace *t;
    struct map live;
    struct vector steps, idle, moving; /* wr_step; slots; a slot a thread */
    size_t idles;
    uint32_t thread;
    uint64_t last, events;
    char *why;
    size_t why_bytes;
};

__attribute__((format(printf, 2, 3))) static bool
refuse(struct reader *r, const char *how, ...)
{
    va_list args;

    va_start(args, how);
    vsnprintf(r->why, r->why_bytes, how, args);
    va_end(args);
    return false;
}

static bool
no_memory(struct reader *r)
{
    return refuse(r, "no memory to read the trace");
}

static bool
read_number(struct reader *r, uint64_t *n)
{
    *n = 0;
    for (int shift = 0; r->at < r->end; shift += 7) {
        uint64_t part = *r->at & 127;

        if (shift > 63 || (shift == 63 && part > 1))
            return refuse(r, "event %llu has a number beyond 64 bits",
                          (unsigned long long)r->events);
        *n |= part << shift;
        if (*r->at++ < 128)
            return true;
    }
    return refuse(r, "the trace ends in the middle of event %llu",
                  (unsigned long long)r->events);
}

static bool
read_size(struct reader *r, uint64_t *bytes)
{
    if (!read_number(r, bytes))
        return false;
    return *bytes < WR_TRACE_BYTES_MAX ||
           refuse(r, "event %llu asks for more than an address space holds",
                  (unsigned long long)r->events);
}

static bool
read_address(struct reader *r, uint64_t *address)
{
    uint64_t n;

    if (!read_number(r, &n))
        return false;
    r->last += ((n >> 1) ^ (0 - (n & 1))) << 3;
    *address = r->last;
    return *address != 0 || refuse(r, "event %llu is about no address",
                                   (unsigned long long)r->events);
}

static bool
add_step(struct reader *r, enum wr_step_kind kind, uint64_t bytes,
         unsigned align_log2, uint32_t slot)
{
    size_t n = r->t->steps;

    if (!vector_grow(&r->steps, (n + 1) * sizeof(struct wr_step)))
        return no_memory(r);
    ((struct wr_step *)r->steps.at)[n] = (struct wr_step){
        bytes & (WR_TRACE_BYTES_MAX - 1), kind, align_log2, slot, r->thread};
    r->t->steps++;
    return true;
}

static bool
take_slot(struct reader *r, uint32_t *slot)
{
    if (r->idles > 0) {
        *slot = ((uint32_t *)r->idle.at)[--r->idles];
        return true;
    }
    if (r->t->slots == NO_SLOT)
        return refuse(r, "more blocks at a time than can be numbered");
    *slot = r->t->slots++;
    return true;
}

static bool
give_slot(struct reader *r, uint32_t slot)
{
    if (!vector_grow(&r->idle, (r->idles + 1) * sizeof slot))
        return no_memory(r);
    ((uint32_t *)r->idle.at)[r->idles++] = slot;
    return true;
}

/* Let the address stand for that slot. Who has it already was freed in a way
 * that nobody saw. */
static bool
settle(struct reader *r, uint64_t address, uint32_t slot)
{
    struct entry *e;

    if (2 * (r->live.used + 1) > r->live.room && !map_grow(&r->live))
        return no_memory(r);
    e = map_find(&r->live, address);
    if (e->address != 0) {
        uint32_t before = (uint32_t)e->slot;

        e->slot = slot;
        return add_step(r, WR_STEP_FREE, 0, 0, before) && give_slot(r, before);
    }
    *e = (struct entry){address, slot};
    r->live.used++;
    return true;
}

/* The slot of the address, which then stands for none; NO_SLOT: a stranger. */
static uint32_t
unsettle(struct reader *r, uint64_t address)
{
    struct entry *e = r->live.room != 0 ? map_find(&r->live, address) : NULL;
    uint32_t slot;

    if (e == NULL || e->address == 0) {
        r->t->strangers++;
        return NO_SLOT;
    }
    slot = (uint32_t)e->slot;
    map_remove(&r->live, e);
    return slot;
}

/* --- Events --------------------------------------------------------------- */

static bool
on_thread(struct reader *r)
{
    uint64_t n;
    uint32_t *moving;

    if (!read_number(r, &n))
        return false;
    if (n > r->t->threads || n >= WR_TRACE_THREADS_MAX)
        return refuse(r, "after event %llu comes a thread without a number",
                      (unsigned long long)r->events);
    if (n == r->t->threads) {
        if (!vector_grow(&r->moving, (n + 1) * sizeof *moving))
            return no_memory(r);
        moving = r->moving.at;
        moving[n] = NO_SLOT;
        r->t->threads++;
    }
    r->thread = (uint32_t)n;
    return true;
}

static bool
on_birth(struct reader *r, enum wr_step_kind kind)
{
    uint64_t align = 0, bytes, address;
    uint32_t slot = NO_SLOT;

    if (kind == WR_STEP_ALIGNED && !read_number(r, &align))
        return false;
    if (align > ALIGN_MOST)
        return refuse(r, "event %llu wants an alignment of 2 to the %llu",
                      (unsigned long long)r->events, (unsigned long long)align);
    return read_size(r, &bytes) && read_address(r, &address) &&
           take_slot(r, &slot) && settle(r, address, slot) &&
           add_step(r, kind, bytes, (unsigned)align, slot);
}

static bool
on_free(struct reader *r)
{
    uint64_t address;
    uint32_t slot;

    if (!read_address(r, &address))
        return false;
    slot = unsettle(r, address);
    return slot == NO_SLOT ||
           (add_step(r, WR_STEP_FREE, 0, 0, slot) && give_slot(r, slot));
}

static bool
on_move_from(struct reader *r)
{
    uint64_t address;

    if (!read_address(r, &address))
        return false;
    ((uint32_t *)r->moving.at)[r->thread] = unsettle(r, address);
    return true;
}

static bool
on_move_to(struct reader *r)
{
    uint32_t *moving = (uint32_t *)r->moving.at + r->thread, slot = *moving;
    uint64_t bytes, address;
    bool known = slot != NO_SLOT;

    if (!read_size(r, &bytes) || !read_address(r, &address))
        return false;
    *moving = NO_SLOT;
    if (!known && (bytes == 0 || !take_slot(r, &slot)))
        return bytes == 0;
    if (!settle(r, address, slot))
        return false;
    return bytes == 0 || add_step(r, known ? WR_STEP_REALLOC : WR_STEP_MALLOC,
                                  bytes, 0, slot);
}

static bool
on_event(struct reader *r, unsigned kind)
{
    if (kind == WR_TRACE_THREAD)
        return on_thread(r);
    if (r->t->threads == 0)
        return refuse(r, "the first event belongs to no thread");
    r->events++;
    switch (kind) {
    case WR_TRACE_MALLOC:
        return on_birth(r, WR_STEP_MALLOC);
    case WR_TRACE_CALLOC:
        return on_birth(r, WR_STEP_CALLOC);
    case WR_TRACE_ALIGNED:
        return on_birth(r, WR_STEP_ALIGNED);
    case WR_TRACE_FREE:
        return on_free(r);
    case WR_TRACE_MOVE_FROM:
        return on_move_from(r);
    case WR_TRACE_MOVE_TO:
        return on_move_to(r);
    }
    return refuse(r, "event %llu is of kind %u, which there is not",
                  (unsigned long long)r->events, kind);
}

/* --- The whole ------------------------------------------------------------ */

int
wr_trace_header_read(struct wr_trace_header *h, const void *bytes, size_t count,
                     char *why, size_t why_bytes)
{
    if (count >= sizeof *h)
        memcpy(h, bytes, sizeof *h);
    if (count < sizeof *h || h->magic != WR_TRACE_MAGIC) {
        snprintf(why, why_bytes, "not a trace of weir record-allocs");
        return -1;
    }
    if (h->version != WR_TRACE_VERSION) {
        snprintf(why, why_bytes, "a trace of version %u; this reads version %u",
                 h->version, WR_TRACE_VERSION);
        return -1;
    }
    if (h->bytes > count - sizeof *h) {
        snprintf(why, why_bytes, "a trace of %llu bytes, of which %zu are here",
                 (unsigned long long)h->bytes, count - sizeof *h);
        return -1;
    }
    h->program[sizeof h->program - 1] = '\0';
    return 0;
}

static bool
read_events(struct reader *r)
{
    while (r->at < r->end)
        if (!on_event(r, *r->at++))
            return false;
    return true;
}

int
wr_trace_read(struct wr_trace *t, const void *bytes, size_t count, char *why,
              size_t why_bytes)
{
    struct reader r = {.t = t, .why = why, .why_bytes = why_bytes};
    struct wr_trace_header h;
    bool good;

    memset(t, 0, sizeof *t);
    if (wr_trace_header_read(&h, bytes, count, why, why_bytes) != 0)
        return -1;
    r.at = (const unsigned char *)bytes + sizeof h;
    r.end = r.at + h.bytes;
    good = read_events(&r);
    vector_free(&r.live.table);
    vector_free(&r.idle);
    vector_free(&r.moving);
    t->step = r.steps.at;
    t->mapped = r.steps.bytes;
    t->pid = h.pid;
    memcpy(t->program, h.program, sizeof t->program);
    if (!good)
        wr_trace_close(t);
    return good ? 0 : -1;
}

int
wr_trace_open(struct wr_trace *t, const char *path, char *why, size_t why_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
    struct stat st = {.st_size = 0};
    void *p = MAP_FAILED;

    memset(t, 0, sizeof *t);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        bool empty = fd >= 0 && st.st_size == 0;

        snprintf(why, why_bytes, "%s", empty ? "empty" : strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    close(fd);
    rc = wr_trace_read(t, p, (size_t)st.st_size, why, why_bytes);
    munmap(p, (size_t)st.st_size);
    return rc;
}

void
wr_trace_close(struct wr_trace *t)
{
    if (t->step != NULL)
        munmap(t->step, t->mapped);
    memset(t, 0, sizeof *t);
}
