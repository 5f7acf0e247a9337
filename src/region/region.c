/* Invariants
 * 1. wr_region points at REGION_BYTES of memory that never move; the header
 *    and every entry below a table's used count are present (populated), so
 *    that touching them cannot fail.
 * 2. A table's used count is stored last, with release.
 * 3. The file `path`, where it is not empty, is ours: made by this process
 *    image and by nobody else.
 */
#include "region/region.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/base.h"
#include "base/text.h"
#include "os/alone.h"
#include "os/os.h"
#include "region/collector.h"
#include "region/counters.h"
#include "region/event.h"
#include "region/ledger_write.h"
#include "region/meter.h"
#include "region/read.h"

enum {
    THREADS = 2048,
    MODULES = 512,
    BUCKETS = 32768,
    STACK_WORDS = 1 << 20,
    HEADER_BYTES = 4096,
    FIRST_BYTES = 8192, /* the header and the first threads, in one call */
    STEP_MIN = 4096,    /* populated at a time: as much again as there is */
    STEP_MAX = 65536
};

_Static_assert(sizeof(struct wr_region_header) <= HEADER_BYTES,
               "the header fits before the tables");

struct wr_region_header *wr_region WR_AT_FORK;
struct wr_lock wr_region_lock = WR_LOCK_INIT;

static size_t region_bytes;
static uint64_t present[WR_TABLE_COUNT]; /* bytes populated of each table */
static char directory[WR_PATH_MAX];      /* for the children */
static char path[WR_PATH_MAX + 64];
static bool keep_file;

/* What a child goes on from: the region is shared with the parent, which
 * has moved on by the time the child copies it. */
static struct {
    /* The child's own while it has no region. */
    struct wr_counters counters;
    uint64_t used[WR_TABLE_COUNT];
    uint64_t sample_rate;
    uint32_t capture_ready;
    uint32_t parent; /* 0: the one whose region is lent */
    /* The region of the nearest ancestor that had one, still mapped where the
     * child's will be; NULL: none, or the child has its own. */
    _Atomic(struct wr_region_header *) lent;
} at_fork WR_AT_FORK;
/* The buckets' counts once more, private: what a child has of them is what was
 * when it was born. All else in a table's entries never changes. */
static struct {
    _Atomic uint64_t allocs, frees;
    _Atomic uint32_t died[WR_AGES];
} counts[BUCKETS];
/* Of bucket 0, whose blocks are of all sizes. */
static _Atomic uint64_t other_alloc_bytes, other_free_bytes;

static const struct {
    uint32_t stride, capacity;
} shape[] = {
    [WR_TABLE_THREADS] = {sizeof(struct wr_thread_slot), THREADS},
    [WR_TABLE_MODULES] = {sizeof(struct wr_module), MODULES},
    [WR_TABLE_BUCKETS] = {sizeof(struct wr_bucket), BUCKETS},
    [WR_TABLE_STACKS] = {sizeof(uint64_t), STACK_WORDS},
    [WR_TABLE_HISTORY] = {sizeof(struct wr_history_slot),
                          WR_HISTORY_SECOND_SLOTS + WR_HISTORY_MINUTE_SLOTS},
    [WR_TABLE_MARKS] = {sizeof(struct wr_mark_slot), WR_MARK_SLOTS},
    [WR_TABLE_PAST] = {sizeof(struct wr_past), 1},
    [WR_TABLE_FDS] = {sizeof(struct wr_fds), 1},
    [WR_TABLE_BUDGETS] = {sizeof(struct wr_budget_slot), WR_BUDGETS},
    [WR_TABLE_JOINABLE] = {sizeof(struct wr_joinable), WR_JOINABLE_MOST},
    [WR_TABLE_OVERFLOW] = {sizeof(struct wr_overflow), 1},
    [WR_TABLE_LEDGER] = {sizeof(struct wr_ledger_slot), WR_LEDGER_SLOTS},
    [WR_TABLE_COLLECTOR] = {sizeof(struct wr_collector), 1},
    [WR_TABLE_METERS] = {sizeof(struct wr_meter), WR_METERS},
};
_Static_assert(WR_PAST_SERIES == BUCKETS + 1, "a series for each bucket");

/* The tables that a forked child goes on from. Those behind them tell what
 * happened to this process; they begin empty. */
enum { RECORDS = WR_TABLE_STACKS + 1 };
/* Pages of the other tables that were made present, one by one; those of the
 * ledger are made as a record's. */
#define PAGES(entry, n) ((sizeof(entry) * (n) + 4095) / 4096)
enum {
    TOUCH_PAGES =
        PAGES(struct wr_history_slot,
              WR_HISTORY_SECOND_SLOTS + WR_HISTORY_MINUTE_SLOTS) +
        PAGES(struct wr_mark_slot, WR_MARK_SLOTS) + PAGES(struct wr_past, 1) +
        PAGES(struct wr_fds, 1) + PAGES(struct wr_budget_slot, WR_BUDGETS) +
        PAGES(struct wr_joinable, WR_JOINABLE_MOST) +
        PAGES(struct wr_overflow, 1) +
        PAGES(struct wr_ledger_slot, WR_LEDGER_SLOTS) +
        PAGES(struct wr_collector, 1) + PAGES(struct wr_meter, WR_METERS)
};
static _Atomic uint64_t touched[(TOUCH_PAGES + 63) / 64];

static unsigned char *
at(uint64_t offset)
{
    return (unsigned char *)wr_region + offset;
}

void *
wr_region_entry(enum wr_table_id t, uint64_t i)
{
    WR_ASSERT(i < wr_region->table[t].capacity);
    return at(wr_region->table[t].offset + i * wr_region->table[t].stride);
}

uint64_t
wr_region_used(enum wr_table_id t)
{
    return atomic_load_explicit(&wr_region->table[t].used,
                                memory_order_acquire);
}

void
wr_region_publish(enum wr_table_id t, uint64_t used)
{
    WR_ASSERT(used <= wr_region->table[t].capacity);
    atomic_store_explicit(&wr_region->table[t].used, used,
                          memory_order_release);
}

/* Make sure that the first n entries of a table can be touched. */
static bool
make_present(enum wr_table_id t, uint64_t n)
{
    struct wr_table *table = &wr_region->table[t];
    uint64_t need = n * table->stride;
    uint64_t most =
        wr_align_up((uint64_t)table->capacity * table->stride, 4096);
    uint64_t step = wr_min(wr_max(present[t], STEP_MIN), STEP_MAX);

    if (n > table->capacity)
        return false;
    if (need <= present[t])
        return true;
    step = wr_align_up(wr_max(need - present[t], step), 4096);
    step = wr_min(step, most - present[t]);
    if (path[0] != '\0' &&
        !wr_os_populate(at(table->offset + present[t]), step))
        return false;
    present[t] += step;
    wr_count_add(profile_sys, step);
    return true;
}

/* The page of the tables behind the records. */
static bool
touch_page(size_t page, unsigned char *p)
{
    uint64_t bit = (uint64_t)1 << page % 64;

    WR_ASSERT(page < TOUCH_PAGES);
    if ((atomic_load_explicit(&touched[page / 64], memory_order_relaxed) &
         bit) != 0)
        return true;
    if (path[0] != '\0' && !wr_os_populate(p, 4096))
        return false;
    if ((atomic_fetch_or(&touched[page / 64], bit) & bit) == 0)
        wr_count_add(profile_sys, 4096);
    return true;
}

bool
wr_region_touch(void *p, size_t bytes)
{
    unsigned char *from = at(wr_region->table[RECORDS].offset);
    size_t first = (size_t)((unsigned char *)p - from) / 4096;
    size_t last = (size_t)((unsigned char *)p + bytes - 1 - from) / 4096;

    for (size_t i = first; i <= last; i++)
        if (!touch_page(i, from + i * 4096))
            return false;
    return true;
}

/* ---- making it ---- */

static void
lay_out(void)
{
    uint64_t offset = HEADER_BYTES;

    for (unsigned t = 0; t < wr_countof(shape); t++) {
        wr_region->table[t].offset = offset;
        wr_region->table[t].stride = shape[t].stride;
        wr_region->table[t].capacity = shape[t].capacity;
        offset +=
            wr_align_up((uint64_t)shape[t].stride * shape[t].capacity, 4096);
    }
    wr_region->table[WR_TABLE_STACKS].used = 1; /* stack 0 is none */
    wr_region->table[WR_TABLE_BUCKETS].used = 0;
}

static size_t
total_bytes(void)
{
    size_t bytes = HEADER_BYTES;

    for (unsigned t = 0; t < wr_countof(shape); t++)
        bytes += wr_align_up((size_t)shape[t].stride * shape[t].capacity, 4096);
    return bytes;
}

static void
describe_image(struct wr_region_header *h, uint32_t forked_from)
{
    h->pid = wr_os_pid();
    h->ppid = (uint32_t)getppid();
    h->forked_from = forked_from;
    h->uid = (uint32_t)geteuid();
    h->start_ns = wr_os_realtime();
    h->start_mono_ns = wr_os_monotonic();
    h->end_ns = 0;
    h->bell = 0;
    h->capture_cookie = wr_os_random();
    h->state = WR_REGION_LIVE;
}

static void
describe_heap(const struct wr_region_options *o)
{
    ssize_t n;

    wr_region->version = WR_REGION_VERSION;
    wr_region->header_bytes = sizeof *wr_region;
    wr_region->region_bytes = region_bytes;
    wr_region->frame_max = WR_STACK_FRAMES;
    wr_region->sample_rate = o->sample_rate;
    wr_region->page_bytes = o->page_bytes;
    wr_region->class_count = o->class_count;
    for (unsigned i = 0; i < o->class_count; i++)
        wr_region->class_bytes[i] = o->class_bytes[i];
    strcpy(wr_region->weir_version, WEIR_VERSION);
    n = readlink("/proc/self/exe", wr_region->exe, sizeof wr_region->exe - 1);
    wr_region->exe[n > 0 ? n : 0] = '\0';
}

/* When did this process start, in CLOCK_MONOTONIC; 0: not known. Field 22 of
 * /proc/self/stat, in hundredths of a second since boot. */
static uint64_t
process_start(void)
{
    char buf[512];
    long n = wr_os_read_file("/proc/self/stat", buf, sizeof buf - 1);
    uint64_t ticks = 0;
    char *p;

    if (n <= 0)
        return 0;
    buf[n] = '\0';
    p = strrchr(buf, ')');
    for (int field = 2; p != NULL && field < 22; field++)
        p = strchr(p + 1, ' ');
    if (p == NULL)
        return 0;
    for (p++; *p >= '0' && *p <= '9'; p++)
        ticks = ticks * 10 + (uint64_t)(*p - '0');
    return ticks * 10000000;
}

/* The file of that name: was it left by an image that this very process had
 * before exec? Then it may go. */
static bool
is_former_self(const char *name)
{
    struct wr_region_view v;
    char why[128];
    uint64_t start = process_start();
    bool former;

    if (start == 0 || wr_region_open(&v, name, why, sizeof why) != 0)
        return false;
    former = v.header->start_mono_ns + 10000000 >= start;
    wr_region_close(&v);
    return former;
}

static void
make_path(bool unique)
{
    struct wr_text t;

    wr_text_init(&t);
    wr_text_str(&t, directory);
    wr_text_str(&t, "/");
    wr_text_uint(&t, wr_os_pid());
    if (unique) {
        wr_text_str(&t, "-");
        wr_text_hex(&t, wr_os_monotonic());
    }
    wr_text_str(&t, WR_REGION_SUFFIX);
    if (t.len < sizeof path)
        memcpy(path, t.buf, t.len + 1);
    else
        path[0] = '\0';
}

/* Under ulimit -f a longer file would cost the program a signal. */
static bool
file_may_be_long(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
           limit.rlim_cur >= region_bytes;
}

/* A new file named after the process: its descriptor, or -1 and no path. The
 * image before exec leaves its name to us; a dead process whose number came
 * round again keeps its. */
static int
make_file(void)
{
    int fd;

    make_path(false);
    if (!file_may_be_long())
        path[0] = '\0';
    if (path[0] == '\0')
        return -1;
    fd = wr_os_new_file(path, region_bytes);
    if (fd < 0 && access(path, F_OK) == 0) {
        if (is_former_self(path))
            unlink(path);
        else
            make_path(true);
        fd = wr_os_new_file(path, region_bytes);
    }
    if (fd < 0)
        path[0] = '\0';
    return fd;
}

static void
remove_file(void)
{
    (void)unlink(path);
    path[0] = '\0';
}

static struct wr_region_header *
map_new_file(void)
{
    int fd = make_file();
    void *p;

    if (fd < 0)
        return NULL;
    p = wr_os_map_file(fd, region_bytes, NULL);
    wr_os_close(fd);
    if (p != NULL && wr_os_populate(p, FIRST_BYTES)) {
        present[WR_TABLE_THREADS] = FIRST_BYTES - HEADER_BYTES;
        wr_count_add(profile_sys, present[WR_TABLE_THREADS]);
        return p;
    }
    if (p != NULL)
        wr_os_unmap(p, region_bytes);
    remove_file();
    return NULL;
}

static bool
choose_directory(const char *dir)
{
    if (dir == NULL)
        return wr_region_directory(directory, sizeof directory, true) == 0;
    if (strlen(dir) >= sizeof directory)
        return false;
    strcpy(directory, dir);
    return true;
}

/* The first pages of every table: a region without them is no use. */
static bool
make_tables(void)
{
    bool ok = true;

    lay_out();
    for (unsigned t = 0; t < RECORDS && ok; t++)
        ok = make_present(t, 1);
    return ok;
}

/* The file did not work out: make it private memory. */
static void
leave_file(void)
{
    wr_os_unmap(wr_region, region_bytes);
    remove_file();
    memset(present, 0, sizeof present);
    wr_region = wr_os_map(region_bytes);
}

static void
publish_magic(void)
{
    atomic_store_explicit(&wr_region->magic, WR_REGION_MAGIC,
                          memory_order_release);
}

void
wr_region_start(const struct wr_region_options *o)
{
    int saved = errno;
    struct wr_counters *old = wr_counters;

    wr_os_home_set();
    region_bytes = total_bytes();
    keep_file = o->keep;
    if (choose_directory(o->dir))
        wr_region = map_new_file();
    if (wr_region != NULL && !make_tables())
        leave_file();
    if (wr_region == NULL)
        wr_region = wr_os_map(region_bytes);
    if (wr_region == NULL ||
        !make_tables()) { /* no memory at all: nothing will be recorded */
        errno = saved;
        return;
    }
    describe_image(wr_region, 0);
    describe_heap(o);
    memcpy(&wr_region->counters, old, sizeof *old);
    wr_counters = &wr_region->counters;
    publish_magic();
    errno = saved;
}

void
wr_region_set_cmdline(int argc, char **argv)
{
    size_t len = 0;

    if (wr_region == NULL)
        return;
    for (int i = 0; i < argc && argv[i] != NULL; i++) {
        size_t n = strlen(argv[i]) + 1;

        n = wr_min(n, sizeof wr_region->cmdline - len);
        memcpy(wr_region->cmdline + len, argv[i], n);
        len += n;
    }
    if (len > 0)
        wr_region->cmdline[len - 1] = '\0';
    wr_region->cmdline_bytes = (uint32_t)len;
}

const char *
wr_region_path(void)
{
    return wr_region == NULL ? "" : path;
}

void
wr_region_keep(bool keep)
{
    keep_file = keep;
}

bool
wr_region_is_kept(void)
{
    return keep_file && path[0] != '\0';
}

void
wr_region_exit(void)
{
    if (wr_region == NULL)
        return;
    wr_region->end_ns = wr_os_realtime();
    atomic_store_explicit(&wr_region->capture_ready, 0, memory_order_release);
    atomic_store_explicit(&wr_region->state, WR_REGION_EXITED,
                          memory_order_release);
    if (!keep_file && path[0] != '\0' && wr_region->pid == wr_os_pid())
        (void)unlink(path);
}

/* ---- fork ---- */

void
wr_region_fork_before(void)
{
    if (wr_region == NULL)
        return; /* what was lent to us is lent on */
    memcpy(&at_fork.counters, wr_counters, sizeof at_fork.counters);
    for (unsigned t = 0; t < RECORDS; t++)
        at_fork.used[t] = wr_region_used(t);
    at_fork.sample_rate = wr_region->sample_rate;
    at_fork.capture_ready = wr_region->capture_ready;
}

static struct wr_bucket *
bucket_of(struct wr_region_header *h, uint64_t i)
{
    return (struct wr_bucket *)((char *)h + h->table[WR_TABLE_BUCKETS].offset) +
           i;
}

bool
wr_region_fork_child(void)
{
    uint32_t parent = wr_os_home();

    wr_os_home_set();
    wr_meters_fork_child();
    if (wr_region == NULL) {
        at_fork.parent = parent;
        return true;
    }
    at_fork.parent = 0;
    at_fork.lent = wr_region;
    wr_region = NULL;
    wr_counters = &at_fork.counters;
    return at_fork.capture_ready != 0;
}

const void *
wr_region_lent(void)
{
    return at_fork.lent;
}

/* The header of the region that goes on from `from`; not yet with magic. */
static void
describe_child(struct wr_region_header *h, struct wr_region_header *from)
{
    memcpy(h, from, sizeof *h);
    h->magic = 0;
    describe_image(h, at_fork.parent != 0 ? at_fork.parent : from->pid);
    h->sample_rate = at_fork.sample_rate;
    h->capture_ready = at_fork.capture_ready;
    memcpy(&h->counters, &at_fork.counters, sizeof h->counters);
    for (unsigned t = 0; t < wr_countof(shape); t++)
        h->table[t].used = at_fork.used[t];
}

static uint64_t
used_bytes(const struct wr_region_header *h, unsigned t)
{
    return h->table[t].used * h->table[t].stride;
}

/* A table as it is in the region `from`, of which h describes a part. */
static bool
write_table(int fd, const struct wr_region_header *h,
            const struct wr_region_header *from, unsigned t)
{
    uint64_t offset = h->table[t].offset;

    return wr_os_write_at(fd, (const char *)from + offset, used_bytes(h, t),
                          offset);
}

static bool
write_copy(int fd, const struct wr_region_header *h,
           const struct wr_region_header *from)
{
    bool ok = wr_os_write_at(fd, h, sizeof *h, 0);

    for (unsigned t = 0; t < RECORDS && ok; t++) {
        ok = write_table(fd, h, from, t);
        present[t] = wr_align_up(used_bytes(h, t), 4096);
    }
    return ok;
}

/* A file with the copy takes the place of what was lent. */
static bool
go_on_in_file(const struct wr_region_header *h, struct wr_region_header *lent)
{
    int fd = make_file();
    bool ok;

    if (fd < 0)
        return false;
    ok = write_copy(fd, h, lent) &&
         wr_os_map_file(fd, region_bytes, lent) != NULL;
    wr_os_close(fd);
    if (!ok)
        remove_file();
    return ok;
}

static bool
go_on_in_memory(const struct wr_region_header *h, struct wr_region_header *lent)
{
    char *fresh = wr_os_map(region_bytes);

    if (fresh == NULL)
        return false;
    memcpy(fresh, h, sizeof *h);
    for (unsigned t = 0; t < RECORDS; t++)
        memcpy(fresh + h->table[t].offset, (char *)lent + h->table[t].offset,
               used_bytes(h, t));
    memset(present, 0, sizeof present);
    if (wr_os_replace(fresh, lent, region_bytes))
        return true;
    wr_os_unmap(fresh, region_bytes);
    return false;
}

static bool
make_copy(const struct wr_region_header *h, struct wr_region_header *lent)
{
    if (path[0] != '\0')
        return go_on_in_file(h, lent) || go_on_in_memory(h, lent);
    memcpy(lent, h, sizeof *h); /* private memory is a copy already */
    return wr_os_release((char *)lent + h->table[RECORDS].offset,
                         region_bytes - h->table[RECORDS].offset);
}

/* Frees first: they are never above allocs. */
static void
set_counts(struct wr_bucket *b, uint64_t i)
{
    b->frees = counts[i].frees;
    b->free_bytes = i == 0 ? other_free_bytes : 0;
    b->allocs = counts[i].allocs;
    b->alloc_bytes = i == 0 ? other_alloc_bytes : 0;
    for (unsigned k = 0; k < WR_AGES; k++)
        b->died[k] = counts[i].died[k];
}

/* What of the copy is the parent's later doing. */
static void
set_right(struct wr_region_header *h)
{
    struct wr_thread_slot *slot =
        (void *)((char *)h + h->table[WR_TABLE_THREADS].offset);

    for (uint64_t i = 0; i < h->table[WR_TABLE_BUCKETS].used; i++)
        set_counts(bucket_of(h, i), i);
    /* A stack captured while it was copied is torn; of a child's threads
     * there is one, and nobody asked it yet. */
    for (uint64_t i = 0; i < h->table[WR_TABLE_THREADS].used; i++)
        slot[i].capture_seq = 0;
}

/* The child's own region takes the place of the one lent. */
static bool
go_on(struct wr_region_header *lent)
{
    static struct wr_region_header h; /* too large for a small stack */

    describe_child(&h, lent);
    if (!make_copy(&h, lent))
        return false; /* better none than writing into the parent's */
    set_right(lent);
    memset(touched, 0, sizeof touched);
    present[WR_TABLE_LEDGER] = 0;
    memcpy(&lent->counters, wr_counters, sizeof lent->counters);
    wr_counters = &lent->counters;
    __atomic_store_n(&wr_region, lent, __ATOMIC_RELEASE);
    wr_ledger_take_over();
    wr_collector_take_over();
    wr_meters_take_over();
    if (wr_events.region_taken != NULL)
        wr_events.region_taken();
    publish_magic();
    return true;
}

bool
wr_region_own(void)
{
    int saved = errno;
    struct wr_region_header *lent;
    bool ok;

    if (wr_region != NULL)
        return true;
    if (at_fork.lent == NULL || !wr_os_at_home())
        return false;
    lent = atomic_exchange(&at_fork.lent, NULL); /* a handler may ask too */
    ok = lent != NULL && go_on(lent);
    errno = saved;
    return ok;
}

/* A child's last words: its region as a file that nobody maps. */

static bool
write_slots(int fd, const struct wr_region_header *h, wr_region_fill fill)
{
    const struct wr_table *table = &h->table[WR_TABLE_THREADS];
    const struct wr_thread_slot *from =
        (const void *)((const char *)at_fork.lent + table->offset);
    static struct wr_thread_slot to;
    bool ok = true;

    for (uint64_t i = 0; i < table->used && ok; i++) {
        memcpy(&to, &from[i], sizeof to);
        to.capture_seq = 0;
        fill(&to, &from[i]);
        ok = wr_os_write_at(fd, &to, sizeof to, table->offset + i * sizeof to);
    }
    return ok;
}

static bool
write_buckets(int fd, const struct wr_region_header *h)
{
    const struct wr_table *table = &h->table[WR_TABLE_BUCKETS];
    const struct wr_bucket *from = bucket_of(at_fork.lent, 0);
    static struct wr_bucket to[32];
    bool ok = true;

    for (uint64_t i = 0; i < table->used && ok; i += wr_countof(to)) {
        size_t n = wr_min(table->used - i, wr_countof(to));

        memcpy(to, &from[i], n * sizeof *to);
        for (size_t k = 0; k < n; k++)
            set_counts(&to[k], i + k);
        ok = wr_os_write_at(fd, to, n * sizeof *to,
                            table->offset + i * sizeof *to);
    }
    return ok;
}

static bool
write_last(int fd, struct wr_region_header *h, wr_region_fill fill)
{
    uint64_t magic = WR_REGION_MAGIC;

    h->state = WR_REGION_EXITED;
    h->end_ns = wr_os_realtime();
    h->capture_ready = 0;
    return write_slots(fd, h, fill) && write_buckets(fd, h) &&
           write_table(fd, h, at_fork.lent, WR_TABLE_MODULES) &&
           write_table(fd, h, at_fork.lent, WR_TABLE_STACKS) &&
           wr_os_write_at(fd, h, sizeof *h, 0) &&
           wr_os_write_at(fd, &magic, sizeof magic, 0);
}

bool
wr_region_leave(wr_region_fill fill)
{
    static struct wr_region_header h;
    int fd = -1;
    bool ok;

    if (at_fork.lent == NULL || path[0] == '\0' || !wr_os_at_home())
        return false;
    describe_child(&h, at_fork.lent);
    fd = make_file();
    if (fd < 0)
        return false;
    ok = write_last(fd, &h, fill);
    wr_os_close(fd);
    if (!ok)
        remove_file();
    at_fork.lent = NULL;
    return ok;
}

/* ---- tables ---- */

/* The next entry of a table, not counted yet. Lock held. */
static void *
next_entry(enum wr_table_id t, uint64_t entries)
{
    uint64_t used;

    if (wr_region == NULL)
        return NULL;
    used = wr_region_used(t);
    if (!make_present(t, used + entries))
        return NULL;
    return wr_region_entry(t, used);
}

struct wr_module *
wr_region_new_module(void)
{
    return next_entry(WR_TABLE_MODULES, 1);
}

struct wr_bucket *
wr_region_new_bucket(void)
{
    return next_entry(WR_TABLE_BUCKETS, 1);
}

struct wr_stack *
wr_region_new_stack(uint32_t frames, uint32_t *number)
{
    uint64_t words = sizeof(struct wr_stack) / 8 + frames;

    *number = wr_region == NULL ? 0 : (uint32_t)wr_region_used(WR_TABLE_STACKS);
    return next_entry(WR_TABLE_STACKS, words);
}

struct wr_ledger_slot *
wr_region_grow_ledger(uint64_t used)
{
    if (wr_region == NULL || !make_present(WR_TABLE_LEDGER, used))
        return NULL;
    wr_region_publish(WR_TABLE_LEDGER, used);
    return wr_region_entry(WR_TABLE_LEDGER, 0);
}

static inline void
add(_Atomic uint64_t *here, _Atomic uint64_t *there, uint64_t n)
{
    wr_alone_add(here, n);
    wr_alone_add(there, n);
}

void
wr_region_add_alloc(uint32_t bucket, uint64_t bytes)
{
    struct wr_bucket *b = wr_region_entry(WR_TABLE_BUCKETS, bucket);

    if (wr_unlikely(bucket == 0))
        add(&b->alloc_bytes, &other_alloc_bytes, bytes);
    add(&b->allocs, &counts[bucket].allocs, 1);
}

void
wr_region_add_free(uint32_t bucket, uint64_t bytes)
{
    struct wr_bucket *b = wr_region_entry(WR_TABLE_BUCKETS, bucket);

    if (wr_unlikely(bucket == 0))
        add(&b->free_bytes, &other_free_bytes, bytes);
    add(&b->frees, &counts[bucket].frees, 1);
}

/* The class of an age of at least one unit. */
static unsigned
age_class(uint64_t age_ns)
{
    return wr_min(64u - (unsigned)__builtin_clzll(age_ns / WR_AGE_UNIT_NS),
                  WR_AGES - 1);
}

void
wr_region_add_died(uint32_t bucket, uint64_t age_ns)
{
    struct wr_bucket *b;
    unsigned class;

    if (age_ns < WR_AGE_UNIT_NS)
        return;
    b = wr_region_entry(WR_TABLE_BUCKETS, bucket);
    class = age_class(age_ns);
    atomic_fetch_add_explicit(&b->died[class], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counts[bucket].died[class], 1,
                              memory_order_relaxed);
}

void
wr_region_add_lost(uint32_t bucket)
{
    struct wr_bucket *b = wr_region_entry(WR_TABLE_BUCKETS, bucket);

    atomic_fetch_add_explicit(&b->died[0], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counts[bucket].died[0], 1, memory_order_relaxed);
}

struct wr_thread_slot *
wr_region_new_thread(void)
{
    struct wr_thread_slot *slot;

    wr_lock_take(&wr_region_lock);
    slot = next_entry(WR_TABLE_THREADS, 1);
    if (slot != NULL)
        wr_region_publish(WR_TABLE_THREADS,
                          wr_region_used(WR_TABLE_THREADS) + 1);
    wr_lock_give(&wr_region_lock);
    return slot;
}
