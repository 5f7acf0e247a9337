/* Invariants
 * 1. A view's tables lie inside its bytes: offset + stride * capacity was
 *    checked at opening and copied, so that what the file says later about
 *    them does not matter. `used` is read anew each time and clipped.
 * 2. Every pointer given out is to an entry that lies whole in the mapping,
 *    whose texts end and whose lengths fit their fields.
 * 3. What may go down by being read twice is read in the order that keeps it
 *    up: frees before allocs.
 * 4. This file stands alone: libc's system calls and the two headers of the
 *    region. The runtime, the tools and the fuzzers compile the same text.
 */
#include "region/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define TABLE_ALIGN 4096u /* the smallest page there is */

/* A line put together in the caller's bytes; always ends with NUL, what does
 * not fit is cut and remembered. */
struct line {
    char *text;
    size_t bytes, len;
    bool cut;
};

static void
add(struct line *l, const char *s)
{
    for (; *s != '\0'; s++) {
        if (l->len + 1 >= l->bytes) {
            l->cut = true;
            break;
        }
        l->text[l->len++] = *s;
    }
    if (l->bytes != 0)
        l->text[l->len] = '\0';
}

static void
add_number(struct line *l, uint64_t n, unsigned base)
{
    char digits[21];
    size_t i = sizeof digits - 1;

    digits[i] = '\0';
    do {
        digits[--i] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n != 0);
    add(l, digits + i);
}

static int
refuse(char *why, size_t why_bytes, const char *sentence)
{
    struct line l = {why, why_bytes, 0, false};

    add(&l, sentence);
    return -1;
}

static bool
text_ends(const char *field, size_t bytes)
{
    return memchr(field, '\0', bytes) != NULL;
}

/* Opening. */

static const size_t strides[WR_TABLE_COUNT] = {
    [WR_TABLE_THREADS] = sizeof(struct wr_thread_slot),
    [WR_TABLE_MODULES] = sizeof(struct wr_module),
    [WR_TABLE_BUCKETS] = sizeof(struct wr_bucket),
    [WR_TABLE_STACKS] = sizeof(uint64_t),
    [WR_TABLE_HISTORY] = (1 + WR_POINT_WORDS_FIRST) * sizeof(uint64_t),
    [WR_TABLE_MARKS] = sizeof(struct wr_mark_slot),
    [WR_TABLE_PAST] = sizeof(struct wr_past),
    [WR_TABLE_LEDGER] = sizeof(struct wr_ledger_slot),
    [WR_TABLE_BUDGETS] = sizeof(struct wr_budget_slot),
    [WR_TABLE_FDS] = sizeof(struct wr_fds),
    [WR_TABLE_JOINABLE] = sizeof(struct wr_joinable),
    [WR_TABLE_OVERFLOW] = sizeof(struct wr_overflow),
    [WR_TABLE_COLLECTOR] = sizeof(struct wr_collector),
    [WR_TABLE_METERS] = sizeof(struct wr_meter),
};

/* What is wrong with the header; NULL: nothing. */
static const char *
header_fault(const struct wr_region_header *h, size_t bytes)
{
    if (atomic_load_explicit(&h->magic, memory_order_acquire) !=
        WR_REGION_MAGIC)
        return "it is not a region, or one that is still being made";
    if (h->version != WR_REGION_VERSION)
        return "it is a region of another version of Weir";
    if (h->header_bytes < sizeof *h)
        return "it is damaged: its header is too short";
    if (h->region_bytes < h->header_bytes || h->region_bytes > bytes)
        return "it is cut short: a part of the region is missing";
    if (h->class_count > WR_CLASS_MAX || h->cmdline_bytes > sizeof h->cmdline)
        return "it is damaged: a length in its header does not fit";
    if (!text_ends(h->exe, sizeof h->exe) ||
        !text_ends(h->weir_version, sizeof h->weir_version))
        return "it is damaged: a text in its header does not end";
    return NULL;
}

/* Entries may be longer than known here: a later writer added fields at their
 * end. A table not known here may have any. */
static bool
stride_fits(uint32_t stride, unsigned id)
{
    if (id == WR_TABLE_STACKS)
        return stride == sizeof(uint64_t);
    return stride != 0 && stride >= strides[id] &&
           stride % sizeof(uint64_t) == 0;
}

/* A table is absent (capacity 0) or lies page-aligned inside the region. */
static bool
table_fits(const struct wr_table *t, unsigned id, uint64_t bytes)
{
    if (t->capacity == 0)
        return true;
    if (!stride_fits(t->stride, id) ||
        t->offset < sizeof(struct wr_region_header) ||
        t->offset % TABLE_ALIGN != 0 || t->offset > bytes)
        return false;
    return (uint64_t)t->stride * t->capacity <= bytes - t->offset;
}

static const char *
view_fault(struct wr_region_view *v)
{
    const char *fault = header_fault(v->header, v->bytes);

    if (fault != NULL)
        return fault;
    v->bytes = v->header->region_bytes;
    for (unsigned id = 0; id < WR_TABLE_COUNT; id++) {
        const struct wr_table *from = &v->header->table[id];
        struct wr_table *to = &v->table[id];

        to->offset = from->offset;
        to->stride = from->stride;
        to->capacity = from->capacity;
        if (!table_fits(to, id, v->bytes))
            return "it is damaged: a table lies outside of it";
        to->used = wr_view_used(v, id);
    }
    return NULL;
}

int
wr_view_over(struct wr_region_view *v, const void *base, size_t bytes,
             char *why, size_t why_bytes)
{
    const char *fault;

    memset(v, 0, sizeof *v);
    if (bytes < sizeof(struct wr_region_header))
        return refuse(why, why_bytes, "it is too short to be a region");
    v->base = base;
    v->bytes = bytes;
    v->header = base;
    fault = view_fault(v);
    if (fault == NULL)
        return 0;
    memset(v, 0, sizeof *v);
    return refuse(why, why_bytes, fault);
}

static const char *
open_fault(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return "there is no such file";
    case EACCES:
    case EPERM:
        return "only the user who runs the program may read its region";
    case EMFILE:
    case ENFILE:
        return "too many files are open";
    default:
        return "the file cannot be opened";
    }
}

/* Map fd's file and look at it. O_NONBLOCK at the open and the check here
 * keep a pipe in a run directory from holding a reader up. */
static int
view_file(struct wr_region_view *v, int fd, char *why, size_t why_bytes)
{
    struct stat st;
    void *base;
    size_t bytes;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return refuse(why, why_bytes, "it is not an ordinary file");
    bytes = (size_t)st.st_size;
    if (bytes < sizeof(struct wr_region_header))
        return refuse(why, why_bytes, "it is too short to be a region");
    base = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED)
        return refuse(why, why_bytes, "the system does not map it");
    if (wr_view_over(v, base, bytes, why, why_bytes) != 0) {
        munmap(base, bytes);
        return -1;
    }
    v->mapped = bytes;
    v->file_id = st.st_ino;
    return 0;
}

int
wr_region_open(struct wr_region_view *v, const char *path, char *why,
               size_t why_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int result;

    memset(v, 0, sizeof *v);
    if (fd < 0)
        return refuse(why, why_bytes, open_fault(errno));
    result = view_file(v, fd, why, why_bytes);
    close(fd);
    return result;
}

void
wr_region_close(struct wr_region_view *v)
{
    if (v->mapped != 0)
        munmap((void *)(uintptr_t)v->base, v->mapped);
    memset(v, 0, sizeof *v);
}

/* Entries. */

uint64_t
wr_view_used(const struct wr_region_view *v, enum wr_table_id t)
{
    uint64_t used;

    if (v->header == NULL || (unsigned)t >= WR_TABLE_COUNT)
        return 0;
    used =
        atomic_load_explicit(&v->header->table[t].used, memory_order_acquire);
    return used < v->table[t].capacity ? used : v->table[t].capacity;
}

static const void *
entry(const struct wr_region_view *v, enum wr_table_id t, uint64_t i)
{
    if (i >= wr_view_used(v, t))
        return NULL;
    return v->base + v->table[t].offset + i * v->table[t].stride;
}

const struct wr_thread_slot *
wr_view_thread(const struct wr_region_view *v, uint64_t i)
{
    return entry(v, WR_TABLE_THREADS, i);
}

const struct wr_module *
wr_view_module(const struct wr_region_view *v, uint64_t i)
{
    const struct wr_module *m = entry(v, WR_TABLE_MODULES, i);

    if (m == NULL || m->start >= m->end ||
        m->build_id_len > sizeof m->build_id ||
        !text_ends(m->path, sizeof m->path))
        return NULL;
    return m;
}

const struct wr_bucket *
wr_view_bucket(const struct wr_region_view *v, uint64_t i)
{
    return entry(v, WR_TABLE_BUCKETS, i);
}

const struct wr_stack *
wr_view_stack(const struct wr_region_view *v, uint32_t number)
{
    const uint64_t head = sizeof(struct wr_stack) / sizeof(uint64_t);
    uint64_t used = wr_view_used(v, WR_TABLE_STACKS);
    const struct wr_stack *s;

    if (number == 0 || number + head > used)
        return NULL;
    s = entry(v, WR_TABLE_STACKS, number);
    if (s == NULL || s->frames > WR_STACK_FRAMES ||
        number + head + s->frames > used)
        return NULL;
    return s;
}

const struct wr_module *
wr_view_module_at(const struct wr_region_view *v, uint64_t address,
                  uint32_t unloads, uint64_t *index)
{
    uint64_t n = wr_view_used(v, WR_TABLE_MODULES);
    const struct wr_module *best = NULL;

    for (uint64_t i = 0; i < n; i++) {
        const struct wr_module *m = entry(v, WR_TABLE_MODULES, i);

        if (address < m->start || address >= m->end || m->born > unloads ||
            (best != NULL && m->born < best->born) ||
            wr_view_module(v, i) == NULL) /* last: it looks at the text */
            continue;
        best = m;
        if (index != NULL)
            *index = i;
    }
    return best;
}

/* Values. */

static uint64_t
load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

static uint64_t
at_most(uint64_t n, uint64_t limit)
{
    return n < limit ? n : limit;
}

void
wr_bucket_read(const struct wr_bucket *b, struct wr_bucket_counts *c)
{
    c->frees = load(&b->frees);
    c->free_bytes = load(&b->free_bytes);
    c->allocs = load(&b->allocs);
    c->alloc_bytes = load(&b->alloc_bytes);
    c->frees = at_most(c->frees, c->allocs);
    if (b->size != 0) {
        c->free_bytes = c->frees * b->size;
        c->alloc_bytes = c->allocs * b->size;
    }
    c->free_bytes = at_most(c->free_bytes, c->alloc_bytes);
}

void
wr_bucket_died(const struct wr_bucket *b, uint64_t died[WR_AGES])
{
    uint64_t old = 0;

    for (unsigned k = 1; k < WR_AGES; k++) {
        died[k] = atomic_load_explicit(&b->died[k], memory_order_relaxed);
        old += died[k];
    }
    died[0] = load(&b->frees);
    died[0] -= at_most(old, died[0]);
}

/* 1 - e^-x for 0 <= x <= 40, right to the last few bits also where x is tiny:
 * halve x until the power series is short, then double the result back by
 * 1 - e^-2y = f(y) (2 - f(y)). Written out since the runtime links no libm. */
static double
one_minus_exp(double x)
{
    double f = 0, term = 1;
    int halvings = 0;

    for (; x > 0.0625; halvings++)
        x /= 2;
    for (int k = 1; k <= 9; k++) {
        term *= x / k;
        f += k % 2 != 0 ? term : -term;
    }
    for (; halvings > 0; halvings--)
        f *= 2 - f;
    return f;
}

double
wr_sample_weight(uint64_t size, uint64_t rate)
{
    double x = (double)size / (double)rate;

    if (rate <= 1 || size == 0 || size / rate >= 40)
        return 1;
    if (x < 0.0625) /* asked for at every sample: the series of the inverse */
        return (double)rate / (double)size + 0.5 +
               x * (1 / 12. - x * x * (1 / 720. - x * x / 30240));
    return 1 / one_minus_exp(x);
}

/* The slot is written under a seqlock: odd while it changes. */
bool
wr_slot_capture(const struct wr_thread_slot *s, struct wr_capture *c)
{
    c->seq = load(&s->capture_seq);
    if (c->seq == 0 || c->seq % 2 != 0)
        return false;
    c->ns = load(&s->capture_ns);
    c->frames = __atomic_load_n(&s->capture_frames, __ATOMIC_RELAXED);
    c->unloads = __atomic_load_n(&s->capture_unloads, __ATOMIC_RELAXED);
    if (c->frames > WR_STACK_FRAMES)
        return false;
    for (uint32_t i = 0; i < c->frames; i++)
        c->pc[i] = __atomic_load_n(&s->capture_pc[i], __ATOMIC_RELAXED);
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&s->capture_seq, memory_order_relaxed) ==
           c->seq;
}

static void
add_slots(const struct wr_region_view *v, struct wr_totals *t, bool frees)
{
    uint64_t n = wr_view_used(v, WR_TABLE_THREADS);
    uint64_t classes = at_most(v->header->class_count, WR_CLASS_MAX);

    for (uint64_t i = 0; i < n; i++) {
        const struct wr_thread_slot *s = wr_view_thread(v, i);

        for (unsigned c = 1; c < classes; c++)
            if (frees)
                t->by_class[c].frees += load(&s->count[c].frees);
            else
                t->by_class[c].mallocs += load(&s->count[c].allocs);
    }
}

/* Blocks of class 0 that share one that is counted: made and gone at once. */
static uint64_t
tinies(const struct wr_region_view *v)
{
    uint64_t n = 0;

    for (uint64_t i = 0; i < wr_view_used(v, WR_TABLE_THREADS); i++)
        n += load(&wr_view_thread(v, i)->count[0].allocs);
    return n;
}

void
wr_view_totals(const struct wr_region_view *v, struct wr_totals *t)
{
    const struct wr_counters *now = &v->header->counters;
    uint64_t classes = at_most(v->header->class_count, WR_CLASS_MAX);
    uint64_t more;

    memset(t, 0, sizeof *t);
    t->frees = load(&now->large_frees);
    t->free_bytes = load(&now->large_free_bytes);
    add_slots(v, t, true);
    add_slots(v, t, false);
    t->mallocs = load(&now->large_allocs);
    t->alloc_bytes = load(&now->large_alloc_bytes);
    for (unsigned c = 1; c < classes; c++) {
        uint64_t size = v->header->class_bytes[c];

        /* What one thread freed may be published before another's malloc of
         * it: then there were at least as many mallocs. Taking the larger
         * keeps both sums from falling between two readings. */
        if (t->by_class[c].mallocs < t->by_class[c].frees)
            t->by_class[c].mallocs = t->by_class[c].frees;
        t->mallocs += t->by_class[c].mallocs;
        t->frees += t->by_class[c].frees;
        t->alloc_bytes += t->by_class[c].mallocs * size;
        t->free_bytes += t->by_class[c].frees * size;
    }
    t->frees = at_most(t->frees, t->mallocs);
    more = tinies(v);
    t->mallocs += more;
    t->frees += more;
    t->free_bytes = at_most(t->free_bytes, t->alloc_bytes);
}

/* The writer's process. */

struct process {
    char state;
    uint64_t threads;
    uint64_t start_ns; /* CLOCK_BOOTTIME, to a hundredth of a second */
};

static int
open_proc(uint32_t pid, const char *name)
{
    char path[64];
    struct line l = {path, sizeof path, 0, false};

    add(&l, "/proc/");
    add_number(&l, pid, 10);
    add(&l, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* The number in the given field; text begins with field 3. 0: not there. */
static uint64_t
stat_field(const char *text, int field)
{
    for (int at = 3; at < field; at++) {
        text = strchr(text, ' ');
        if (text == NULL)
            return 0;
        text++;
    }
    return strtoull(text, NULL, 10);
}

static bool
process_read(uint32_t pid, struct process *p)
{
    char text[1024];
    int fd = open_proc(pid, "/stat");
    ssize_t n;
    const char *at;

    if (fd < 0)
        return false;
    n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    at = strrchr(text, ')'); /* the name before it may hold anything */
    if (at == NULL || at[1] == '\0' || at[2] == '\0')
        return false;
    p->state = at[2];
    p->threads = stat_field(at + 2, 20);
    p->start_ns = stat_field(at + 2, 22) *
                  (UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK));
    return true;
}

/* The kernel tells starts on the clock that goes on in suspend, the region on
 * the one that stands still; today's difference is at least that of then. So
 * a process that made the region never seems too young. */
static bool
older_than_region(const struct process *p, const struct wr_region_view *v)
{
    uint64_t mono = wr_clock_ns(CLOCK_MONOTONIC);
    uint64_t slept = wr_clock_ns(CLOCK_BOOTTIME) - mono;

    return p->start_ns <= v->header->start_mono_ns + slept;
}

/* Is one of these lines of a process's maps about a region's file with that
 * inode number? Returns in *rest where the last, unfinished line begins. */
static bool
lines_name(const char *text, size_t bytes, const char *inode, size_t *rest)
{
    const char *at = text, *end;

    while ((end = memchr(at, '\n', bytes - (size_t)(at - text))) != NULL) {
        size_t n = (size_t)(end - at);

        if (memmem(at, n, inode, strlen(inode)) != NULL &&
            memmem(at, n, WR_REGION_SUFFIX, strlen(WR_REGION_SUFFIX)) != NULL)
            return true;
        at = end + 1;
    }
    *rest = (size_t)(at - text);
    return false;
}

static bool
maps_name(int fd, const char *inode)
{
    char text[6144]; /* a line is an address and a path, at most 4096 */
    size_t kept = 0, rest = 0;
    ssize_t n;

    while ((n = read(fd, text + kept, sizeof text - kept)) > 0) {
        size_t bytes = kept + (size_t)n;

        if (lines_name(text, bytes, inode, &rest))
            return true;
        if (rest == 0 && bytes == sizeof text)
            rest = bytes; /* no line is so long: this is not maps */
        kept = bytes - rest;
        memmove(text, text + rest, kept);
    }
    return false;
}

/* After exec the process goes on without the old image's mappings. Where maps
 * may not be read (another user's process) there is no telling. */
static bool
still_mapped(const struct wr_region_view *v)
{
    char inode[32];
    struct line l = {inode, sizeof inode, 0, false};
    int fd;
    bool found;

    if (v->file_id == 0)
        return true;
    fd = open_proc(v->header->pid, "/maps");
    if (fd < 0)
        return true;
    add(&l, " ");
    add_number(&l, v->file_id, 10);
    add(&l, " ");
    found = maps_name(fd, inode);
    close(fd);
    return found;
}

bool
wr_view_alive(const struct wr_region_view *v)
{
    struct process p;

    if (!process_read(v->header->pid, &p) || !older_than_region(&p, v))
        return false;
    /* A main thread that ended alone is a zombie that has threads; its maps
     * read as empty. */
    if (p.state == 'Z')
        return p.threads > 1;
    return p.state != 'X' && still_mapped(v);
}

/* Where regions are. */

int
wr_region_place(unsigned n, char *path, size_t bytes)
{
    static const char *const roots[WR_REGION_PLACES] = {NULL, "/dev/shm",
                                                        "/tmp"};
    struct line l = {path, bytes, 0, false};
    const char *root;

    if (n >= WR_REGION_PLACES)
        return -1;
    root = n == 0 ? getenv("XDG_RUNTIME_DIR") : roots[n];
    if (root == NULL || root[0] != '/')
        return -1;
    add(&l, root);
    add(&l, "/weir");
    if (n != 0) {
        add(&l, "-");
        add_number(&l, geteuid(), 10);
    }
    return l.cut || bytes == 0 ? -1 : 0;
}

/* A directory of ours that nobody else may enter; no link to one. */
static bool
is_private(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
           st.st_uid == geteuid() && (st.st_mode & 077) == 0;
}

int
wr_region_directory(char *path, size_t bytes, bool make)
{
    for (unsigned n = 0; n < WR_REGION_PLACES; n++) {
        if (wr_region_place(n, path, bytes) != 0)
            continue;
        if (make && mkdir(path, 0700) != 0 && errno != EEXIST)
            continue;
        if (is_private(path))
            return 0;
    }
    return -1;
}
