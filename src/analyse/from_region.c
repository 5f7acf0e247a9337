/* From a region to a profile.
 *
 * Invariants:
 * 1. A bucket's frees are read before its allocs: in use is never negative.
 * 2. An address of a stack belongs to the module that covered it when the
 *    stack was recorded (see struct wr_module). Addresses of no module stay
 *    without a mapping.
 * 3. mapping 0 is the main program, whatever the order of the table: clients
 *    name the profile after it.
 */
#include "analyse/profile.h"

#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "analyse/fds.h"
#include "analyse/leaks.h"
#include "analyse/legacy.h"
#include "analyse/overflow.h"
#include "analyse/store.h"
#include "analyse/suspects.h"
#include "analyse/threads.h"
#include "analyse/uptime.h"
#include "base/clock.h"
#include "region/ledger.h"
#include "region/past.h"
#include "region/read.h"

#define MEMO_SLOTS       4096u /* a power of two */
#define CAPTURE_FRESH_NS UINT64_C(1000000000)

/* Return addresses repeat from stack to stack: where each was found last. */
struct memo {
    uint64_t pc;
    uint32_t unloads;
    uint32_t location;
};

/* A stack and its frames, of which none was left out. */
struct last_stack {
    const struct wr_stack *stack; /* NULL: none yet */
    uint32_t frames[WR_STACK_FRAMES];
};

struct build {
    struct wr_profile *p;
    const struct wr_region_view *view;
    struct memo *memo;
    struct last_stack last;
    uint32_t *mappings; /* by module; WR_NONE: not used so far */
    uint64_t modules;
    bool estimated, alive;
    bool by_age;       /* live samples have the label age */
    struct ages *ages; /* then: of each bucket, while samples are added */
    bool distinct;     /* no two buckets make one sample */
    /* A profile of the past: what the first so many buckets held then, and
     * when that was; NULL: of now. */
    const struct wr_bucket_counts *then;
    uint64_t then_buckets, then_ns;
    const struct wr_leaks
        *leaks; /* a profile of leaks; NULL: of another kind */
    const struct wr_fd_list *fds; /* what a profile of descriptors is of */
    bool sites;                   /* the stack of each bucket */
    const struct wr_suspects *suspects; /* what one of suspects is */
    const struct wr_overflow_fold *overflow;
    const struct wr_thread_list *threads; /* and of threads in groups */
};

static const char *const kind_names[WR_PROFILE_KINDS] = {
    "heap", "allocs", "threadcreate", "goroutine", "fds"};

const char *
wr_profile_kind_name(enum wr_profile_kind kind)
{
    return kind < WR_PROFILE_KINDS ? kind_names[kind] : "";
}

enum wr_profile_kind
wr_profile_kind_of(const char *name)
{
    int k = 0;
    while (k < WR_PROFILE_KINDS && strcmp(kind_names[k], name) != 0)
        k++;
    return (enum wr_profile_kind)k;
}

/* --- Modules and locations ---------------------------------------------- */

static uint32_t
module_path(struct wr_profile *p, const struct wr_module *m)
{
    static const char deleted[] = " (deleted)";
    size_t n = strnlen(m->path, sizeof m->path), d = sizeof deleted - 1;
    if (n > d && memcmp(m->path + n - d, deleted, d) == 0)
        n -= d;
    return wr_profile_string_n(p, m->path, n);
}

static uint32_t
build_id(struct wr_profile *p, const struct wr_module *m)
{
    char hex[2 * sizeof m->build_id + 1];
    size_t n = m->build_id_len;
    if (n > sizeof m->build_id)
        n = sizeof m->build_id;
    for (size_t i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", m->build_id[i]);
    return wr_profile_string_n(p, hex, 2 * n);
}

static uint32_t
use_module(struct build *b, uint64_t i)
{
    const struct wr_module *m = wr_view_module(b->view, i);
    if (!m)
        return WR_NONE;
    if (b->mappings[i] == WR_NONE) {
        struct wr_mapping ours = {.start = m->start,
                                  .limit = m->end,
                                  .offset = m->file_offset,
                                  .file = module_path(b->p, m),
                                  .build_id = build_id(b->p, m)};
        b->mappings[i] = wr_profile_mapping(b->p, &ours);
    }
    return b->mappings[i];
}

static void
use_main_program(struct build *b)
{
    for (uint64_t i = 0; i < b->modules; i++) {
        const struct wr_module *m = wr_view_module(b->view, i);
        if (m && m->main_program)
            use_module(b, i);
    }
}

static uint32_t
mapping_at(struct build *b, uint64_t address, uint32_t unloads)
{
    uint64_t i;
    if (!wr_view_module_at(b->view, address, unloads, &i) || i >= b->modules)
        return WR_NONE;
    return use_module(b, i);
}

static uint32_t
location_at(struct build *b, uint64_t pc, uint32_t unloads)
{
    uint64_t h = wr_hash_word(3, pc);
    struct memo *memo = &b->memo[(h >> 32) & (MEMO_SLOTS - 1)];
    if (memo->pc != pc || memo->unloads != unloads) {
        uint32_t mapping = mapping_at(b, pc - 1, unloads);
        *memo = (struct memo){
            pc, unloads, wr_profile_location(b->p, mapping, pc - 1, NULL, 0)};
    }
    return memo->location;
}

/* A frame that stands for what has no stack. */
static uint32_t
named_location(struct build *b, const char *name)
{
    struct wr_function f = {.name = wr_profile_string(b->p, name)};
    f.system_name = f.name;
    struct wr_line line = {.function = wr_profile_function(b->p, &f)};
    return wr_profile_location(b->p, WR_NONE, 0, &line, 1);
}

/* Frames of a stack of return addresses; zeros are no frames. */
static uint32_t
add_frames(struct build *b, const uint64_t *pc, uint32_t n, uint32_t unloads,
           uint32_t frames[WR_STACK_FRAMES])
{
    uint32_t depth = 0;
    for (uint32_t i = 0; i < n && depth < WR_STACK_FRAMES; i++)
        if (pc[i] > 1)
            frames[depth++] = location_at(b, pc[i], unloads);
    return depth;
}

/* How many outer frames two stacks have in common. */
static uint32_t
common_frames(const struct wr_stack *a, const struct wr_stack *b)
{
    uint32_t n = 0, most = a->frames < b->frames ? a->frames : b->frames;
    if (a->unloads != b->unloads)
        return 0;
    while (n < most && a->pc[a->frames - 1 - n] == b->pc[b->frames - 1 - n])
        n++;
    return n;
}

/* Stacks that follow each other in the table are mostly alike: nine in ten
 * frames are the last stack's. */
static uint32_t
add_recorded(struct build *b, const struct wr_stack *s,
             uint32_t frames[WR_STACK_FRAMES])
{
    struct last_stack *last = &b->last;
    uint32_t common = last->stack ? common_frames(last->stack, s) : 0;
    uint32_t depth =
        add_frames(b, s->pc, s->frames - common, s->unloads, frames);
    if (common)
        memcpy(frames + depth, last->frames + last->stack->frames - common,
               common * sizeof *frames);
    depth += common;
    last->stack = depth == s->frames ? s : NULL;
    memcpy(last->frames, frames, depth * sizeof *frames);
    return depth;
}

static uint32_t
add_stack(struct build *b, uint32_t number, const char *none,
          uint32_t frames[WR_STACK_FRAMES])
{
    const struct wr_stack *s = number ? wr_view_stack(b->view, number) : NULL;
    uint32_t depth = s ? add_recorded(b, s, frames) : 0;
    if (depth == 0)
        frames[depth++] = named_location(b, none);
    return depth;
}

/* --- The heap ----------------------------------------------------------- */

static uint64_t
load(const _Atomic uint64_t *from)
{
    return atomic_load_explicit(from, memory_order_acquire);
}

/* Allocated and in use, in blocks and bytes: sample types 0 to 3. */
static void
bucket_values(const struct build *b, uint64_t number,
              const struct wr_bucket *bucket, int64_t values[4])
{
    struct wr_bucket_counts c = {0};
    if (!b->then)
        wr_bucket_read(bucket, &c);
    else if (number < b->then_buckets)
        c = b->then[number];
    uint64_t size = bucket->size;
    if (size == 0 && c.allocs != 0) /* all sizes: the mean stands for them */
        size = c.alloc_bytes / c.allocs;
    double scale = b->estimated
                       ? wr_sampling_scale((double)size, (double)bucket->rate)
                       : 1;
    values[0] = wr_round((double)c.allocs * scale);
    values[1] = wr_round((double)c.alloc_bytes * scale);
    values[2] = wr_round((double)(c.allocs - c.frees) * scale);
    values[3] = wr_round((double)(c.alloc_bytes - c.free_bytes) * scale);
}

/* ---- by age ---- */

static const unsigned age_seconds[] = {0, 1, 10, 60, 600, 3600, 21600, 86400};

enum { AGE_CLASSES = sizeof age_seconds / sizeof *age_seconds };

struct ages {
    uint32_t samples[AGE_CLASSES];
};

static unsigned
age_class(double seconds)
{
    unsigned k = AGE_CLASSES - 1;
    while (k > 0 && seconds < age_seconds[k])
        k--;
    return k;
}

/* How many live samples of each bucket are how old. */
static void
count_ages(struct build *b, uint64_t buckets)
{
    double now = wr_uptime_of(b->view);
    struct wr_live_sample s;
    b->ages = calloc(buckets + 1, sizeof *b->ages);
    b->p->failed |= !b->ages;
    for (uint64_t i = 0; b->ages && i < wr_view_used(b->view, WR_TABLE_LEDGER);
         i++)
        if (wr_ledger_read(b->view, i, &s) && s.bucket < buckets)
            b->ages[s.bucket]
                .samples[age_class(now - (double)s.born_ns / 1e9)]++;
}

/* The ages of what is alive, each a sample; values: what is left over, which
 * has none. label[1] is the age's. */
static void
add_ages(struct build *b, uint64_t number, const struct wr_bucket *bucket,
         const uint32_t *frames, uint32_t depth, int64_t values[4],
         struct wr_label label[2])
{
    int64_t inuse[2] = {values[2], values[3]}, part[4];
    struct wr_bucket_counts c;
    wr_bucket_read(bucket, &c);
    for (unsigned k = 0; k < AGE_CLASSES; k++) {
        uint32_t n = b->ages[number].samples[k];
        if (n == 0 || c.allocs == c.frees)
            continue;
        for (int i = 0; i < 2; i++) {
            part[i] =
                wr_round((double)inuse[i] * n / (double)(c.allocs - c.frees));
            if (part[i] > values[i + 2])
                part[i] = values[i + 2];
            part[i + 2] = part[i];
            values[i] -= part[i];
            values[i + 2] -= part[i];
        }
        label[1].num = age_seconds[k];
        wr_profile_sample(b->p, frames, depth, part, label, 2);
    }
}

static void
add_bucket(struct build *b, uint64_t number, const struct wr_bucket *bucket,
           const struct wr_label labels[2])
{
    uint32_t frames[WR_STACK_FRAMES];
    struct wr_label label[2] = {labels[0], labels[1]};
    int64_t values[4];
    bucket_values(b, number, bucket, values);
    if (values[0] == 0)
        return;
    label[0].num = (int64_t)bucket->size;
    uint32_t depth = add_stack(b, bucket->stack, "[other]", frames);
    if (b->ages)
        add_ages(b, number, bucket, frames, depth, values, label);
    if (values[0] == 0)
        return;
    if (b->distinct)
        wr_profile_new_sample(b->p, frames, depth, values, label,
                              bucket->size != 0);
    else
        wr_profile_sample(b->p, frames, depth, values, label,
                          bucket->size != 0);
}

/* Look the buckets over: how much room they need, for a large table that
 * doubles is copied and touches memory the system must clear first; and are
 * they all different? They are by stack, size and rate, and stacks are by
 * their addresses as long as nothing was unloaded. */
static void
prepare_samples(struct build *b, uint64_t buckets)
{
    const struct wr_region_view *v = b->view;
    const struct wr_bucket *first = wr_view_bucket(v, 0), *bucket;
    size_t frames = 0;
    b->distinct = load(&v->header->counters.unloads) == 0;
    for (uint64_t i = 0; (bucket = wr_view_bucket(v, i)) != NULL; i++) {
        const struct wr_stack *s = wr_view_stack(v, bucket->stack);
        frames += s ? s->frames : 1;
        if (bucket->rate != first->rate)
            b->distinct = false;
    }
    wr_profile_reserve_samples(b->p, buckets, frames, buckets);
}

static void
build_heap(struct build *b, enum wr_profile_kind kind)
{
    struct wr_profile *p = b->p;
    struct wr_label labels[2] = {{.key = wr_profile_string(p, "bytes"),
                                  .unit = wr_profile_string(p, "bytes")},
                                 {.key = wr_profile_string(p, "age"),
                                  .unit = wr_profile_string(p, "seconds")}};
    wr_profile_add_type(p, "alloc_objects", "count");
    wr_profile_add_type(p, "alloc_space", "bytes");
    wr_profile_add_type(p, "inuse_objects", "count");
    wr_profile_add_type(p, "inuse_space", "bytes");
    p->period_type = (struct wr_value_type){wr_profile_string(p, "space"),
                                            wr_profile_string(p, "bytes")};
    p->period = (int64_t)load(&b->view->header->sample_rate);
    p->drop_frames = wr_profile_string(p, wr_allocator_frames);
    if (kind == WR_PROFILE_ALLOCS)
        p->default_type = wr_profile_string(p, "alloc_space");
    uint64_t n = wr_view_used(b->view, WR_TABLE_BUCKETS);
    prepare_samples(b, n);
    if (b->by_age)
        count_ages(b, n);
    for (uint64_t i = 0; i < n; i++) {
        const struct wr_bucket *bucket = wr_view_bucket(b->view, i);
        if (bucket)
            add_bucket(b, i, bucket, labels);
    }
    free(b->ages);
    b->ages = NULL;
}

/* --- Leaks -------------------------------------------------------------- */

static void
add_leak(struct build *b, uint32_t *frames, uint32_t depth,
         const struct wr_leaks_count *c, struct wr_label *bytes_label,
         uint64_t bytes)
{
    int64_t values[2] = {(int64_t)c->blocks, (int64_t)c->bytes};
    bytes_label->num = (int64_t)bytes;
    if (c->blocks)
        wr_profile_sample(b->p, frames, depth, values, bytes_label, bytes != 0);
}

static void
add_shares(struct build *b, const struct wr_leaks_shares *shares,
           uint64_t buckets, struct wr_label *label)
{
    uint32_t frames[WR_STACK_FRAMES];
    char name[64];
    for (uint64_t i = 0; i < buckets; i++) {
        const struct wr_bucket *bucket = wr_view_bucket(b->view, i);
        if (bucket && shares->bucket[i].blocks)
            add_leak(b, frames, add_stack(b, bucket->stack, "[other]", frames),
                     &shares->bucket[i], label, bucket->size);
    }
    for (unsigned c = 0; c < WR_CLASS_MAX; c++) {
        uint32_t bytes = c ? b->view->header->class_bytes[c] : 0;
        if (bytes)
            snprintf(name, sizeof name, "[not sampled: %u-byte blocks]", bytes);
        else
            snprintf(name, sizeof name, "[not sampled: large blocks]");
        if (shares->rest[c].blocks) {
            frames[0] = named_location(b, name);
            add_leak(b, frames, 1, &shares->rest[c], label, bytes);
        }
    }
}

static void
build_leaks(struct build *b)
{
    struct wr_profile *p = b->p;
    struct wr_label label = {.key = wr_profile_string(p, "bytes"),
                             .unit = wr_profile_string(p, "bytes")};
    uint64_t n = wr_view_used(b->view, WR_TABLE_BUCKETS);
    struct wr_leaks_shares shares = {.bucket =
                                         calloc(n + 1, sizeof *shares.bucket)};
    wr_profile_add_type(p, "leaked_objects", "count");
    wr_profile_add_type(p, "leaked_space", "bytes");
    p->period_type = (struct wr_value_type){wr_profile_string(p, "space"),
                                            wr_profile_string(p, "bytes")};
    p->period = (int64_t)load(&b->view->header->sample_rate);
    p->drop_frames = wr_profile_string(p, wr_allocator_frames);
    if (shares.bucket) {
        wr_leaks_share(&shares, n, b->view, b->leaks);
        add_shares(b, &shares, n, &label);
    } else {
        p->failed = true;
    }
    free(shares.bucket);
}

/* --- Sites -------------------------------------------------------------- */

static void
build_sites(struct build *b)
{
    uint64_t n = wr_view_used(b->view, WR_TABLE_BUCKETS);
    struct wr_label label = {.key = wr_profile_string(b->p, "bytes"),
                             .unit = wr_profile_string(b->p, "bytes")};
    uint32_t frames[WR_STACK_FRAMES];
    wr_profile_add_type(b->p, "blocks", "count");
    b->p->drop_frames = wr_profile_string(b->p, wr_allocator_frames);
    prepare_samples(b, n);
    for (uint64_t i = 0; i < n; i++) {
        const struct wr_bucket *bucket = wr_view_bucket(b->view, i);
        uint32_t depth =
            add_stack(b, bucket ? bucket->stack : 0, "[other]", frames);
        label.num = bucket ? (int64_t)bucket->size : 0;
        wr_profile_new_sample(b->p, frames, depth, &(int64_t){1}, &label, 1);
    }
}

/* --- Suspects ----------------------------------------------------------- */

static void
build_suspects(struct build *b)
{
    struct wr_profile *p = b->p;
    struct wr_label label = {.key = wr_profile_string(p, "growth")};
    uint32_t frames[WR_STACK_FRAMES];
    wr_profile_add_type(p, "growth_space", "bytes");
    wr_profile_add_type(p, "inuse_objects", "count");
    wr_profile_add_type(p, "inuse_space", "bytes");
    p->period_type = (struct wr_value_type){wr_profile_string(p, "space"),
                                            wr_profile_string(p, "bytes")};
    p->period = (int64_t)load(&b->view->header->sample_rate);
    p->drop_frames = wr_profile_string(p, wr_allocator_frames);
    for (size_t i = 0; i < b->suspects->count; i++) {
        const struct wr_suspect_site *s = &b->suspects->list[i];
        int64_t values[3] = {wr_round(s->verdict.bytes_per_minute),
                             wr_round(s->live_blocks),
                             wr_round(s->verdict.live_bytes)};
        uint32_t depth = add_stack(b, s->stack, "[other]", frames);
        label.str = wr_profile_string(p, wr_growth_name(s->verdict.growth));
        wr_profile_new_sample(p, frames, depth, values, &label, 1);
    }
}

/* --- Threads ------------------------------------------------------------ */

static void
set_count_type(struct wr_profile *p, const char *name)
{
    wr_profile_add_type(p, name, "count");
    p->period_type = (struct wr_value_type){wr_profile_string(p, name),
                                            wr_profile_string(p, "count")};
    p->period = 1;
}

/* The thread's name, while there is a thread to ask about. */
static bool
thread_name(const struct build *b, uint32_t tid, char name[32])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/task/%u/comm", b->view->header->pid,
             tid);
    FILE *f = b->alive ? fopen(path, "re") : NULL;
    if (!f)
        return false;
    bool ok = fgets(name, 32, f) != NULL;
    fclose(f);
    if (ok)
        name[strcspn(name, "\n")] = '\0';
    return ok;
}

/* The stack in a slot, copied while nobody writes it; false when there is
 * none or when it is being written all the time. */
static bool
captured_stack(const struct wr_thread_slot *t, struct wr_capture *c)
{
    for (int tries = 0; tries < 100; tries++)
        if (wr_slot_capture(t, c))
            return true;
    return false;
}

/* A thread that was asked just now and did not answer (it is stopped, or
 * blocks the signal) still holds an old stack, which says nothing of now. */
static bool
is_stale(const struct build *b, const struct wr_thread_slot *t)
{
    return b->alive && load(&t->capture_ns) + CAPTURE_FRESH_NS <
                           wr_clock_ns(CLOCK_MONOTONIC);
}

static void
add_thread(struct build *b, const struct wr_thread_slot *t)
{
    struct wr_capture c;
    uint32_t frames[WR_STACK_FRAMES], depth = 0;
    uint32_t tid = atomic_load_explicit(&t->tid, memory_order_acquire);
    if (!is_stale(b, t) && captured_stack(t, &c))
        depth = add_frames(b, c.pc, c.frames, c.unloads, frames);
    if (depth == 0)
        frames[depth++] = named_location(b, "[stack not captured]");
    char name[32];
    struct wr_label label[2] = {
        {.key = wr_profile_string(b->p, "tid"), .num = tid}};
    uint32_t labels = 1;
    if (thread_name(b, tid, name))
        label[labels++] =
            (struct wr_label){.key = wr_profile_string(b->p, "thread"),
                              .str = wr_profile_string(b->p, name)};
    wr_profile_sample(b->p, frames, depth, &(int64_t){1}, label, labels);
}

static void
add_thread_origin(struct build *b, const struct wr_thread_slot *t)
{
    uint32_t frames[WR_STACK_FRAMES];
    uint32_t stack =
        atomic_load_explicit(&t->create_stack, memory_order_acquire);
    uint32_t depth = add_stack(b, stack, "[origin not known]", frames);
    wr_profile_sample(b->p, frames, depth, &(int64_t){1}, NULL, 0);
}

static void
build_threads(struct build *b, enum wr_profile_kind kind)
{
    set_count_type(b->p, wr_profile_kind_name(kind));
    uint64_t n = wr_view_used(b->view, WR_TABLE_THREADS);
    for (uint64_t i = 0; i < n; i++) {
        const struct wr_thread_slot *t = wr_view_thread(b->view, i);
        if (!t || atomic_load_explicit(&t->state, memory_order_acquire) !=
                      WR_THREAD_RUNNING)
            continue;
        if (kind == WR_PROFILE_GOROUTINE)
            add_thread(b, t);
        else
            add_thread_origin(b, t);
    }
}

/* --- Descriptors -------------------------------------------------------- */

static void
add_fd_group(struct build *b, const struct wr_fds *t,
             const struct wr_fd_group *g)
{
    uint32_t frames[WR_STACK_FRAMES], stack = 0;
    bool seen = g->site != WR_SITE_UNSEEN;
    struct wr_label label[2] = {
        {.key = wr_profile_string(b->p, "kind"),
         .str = wr_profile_string(b->p, wr_fd_kind_name(g->kind))},
        {.key = wr_profile_string(b->p, "call"),
         .str = wr_profile_string(b->p, wr_fd_call_name(g->call))}};
    if (seen && t)
        stack = t->site[g->site].stack;
    uint32_t depth = add_stack(
        b, stack, seen ? "[opened, stack not known]" : "[not seen opened]",
        frames);
    wr_profile_new_sample(b->p, frames, depth, &(int64_t){(int64_t)g->count},
                          label, seen ? 2 : 1);
}

static void
build_fds(struct build *b)
{
    const struct wr_fds *t = NULL;
    if (wr_view_used(b->view, WR_TABLE_FDS) != 0)
        t = (const void *)(b->view->base + b->view->table[WR_TABLE_FDS].offset);
    set_count_type(b->p, "fds");
    for (size_t i = 0; i < b->fds->group_count; i++)
        add_fd_group(b, t, &b->fds->groups[i]);
}

/* --- Threads in groups -------------------------------------------------- */

static void
add_maker(struct build *b, uint32_t stack, size_t count)
{
    uint32_t frames[WR_STACK_FRAMES];
    uint32_t depth = add_stack(b, stack, "[origin not known]", frames);
    wr_profile_new_sample(b->p, frames, depth, &(int64_t){(int64_t)count}, NULL,
                          0);
}

static void
build_thread_groups(struct build *b)
{
    const struct wr_thread_list *l = b->threads;
    uint32_t frames[WR_STACK_FRAMES];
    set_count_type(b->p, "threads");
    for (size_t i = 0; i < l->group_count; i++) {
        const struct wr_thread_group *g = &l->groups[i];
        const struct wr_capture *c = &l->threads[g->first].stack;
        uint32_t depth = add_frames(b, c->pc, c->frames, c->unloads, frames);
        if (depth == 0)
            frames[depth++] = named_location(b, "[stack not captured]");
        wr_profile_new_sample(b->p, frames, depth,
                              &(int64_t){(int64_t)g->count}, NULL, 0);
    }
    for (size_t i = 0; i < l->unjoined_count; i++)
        add_maker(b, l->unjoined[i].create_stack, 0);
    for (size_t i = 0; i < l->group_count; i++)
        add_maker(b, l->threads[l->groups[i].first].create_stack, 0);
}

/* --- A stack that was used up ------------------------------------------- */

static void
add_part(struct build *b, const uint64_t *pc, uint64_t n)
{
    uint32_t frames[WR_STACK_FRAMES];
    uint32_t depth = add_frames(b, pc, n > 64 ? 64 : (uint32_t)n,
                                b->overflow->is.unloads, frames);
    if (depth == 0)
        frames[depth++] = named_location(b, "[none]");
    wr_profile_new_sample(b->p, frames, depth, &(int64_t){1}, NULL, 0);
}

static void
build_overflow(struct build *b)
{
    const struct wr_overflow_fold *f = b->overflow;
    const struct wr_overflow *o = &f->is;
    uint64_t last = o->frames - o->last_count;
    uint64_t skip = f->period && f->tail > last ? f->tail - last : 0;
    set_count_type(b->p, "frames");
    add_part(b, o->first, f->period ? f->head : o->first_count);
    add_part(b, o->first + f->head, f->period);
    add_part(b, o->last + skip, o->last_count - skip);
}

/* --- What it is a profile of -------------------------------------------- */

static void commentf(struct wr_profile *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
commentf(struct wr_profile *p, const char *format, ...)
{
    char text[WR_PATH_MAX + 128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    wr_profile_comment(p, text);
}

static void
describe_times(struct build *b)
{
    const struct wr_region_header *h = b->view->header;
    int64_t end = (int64_t)load(&h->end_ns), start = (int64_t)h->start_ns;
    b->p->time_ns = end ? end : (int64_t)wr_clock_ns(CLOCK_REALTIME);
    if (b->then) {
        b->p->time_ns = start + (int64_t)b->then_ns;
        commentf(b->p, "as it was at uptime: %.0f s", (double)b->then_ns / 1e9);
        return;
    }
    if (b->alive || end)
        commentf(b->p, "uptime: %.1f s", (double)(b->p->time_ns - start) / 1e9);
    if (!b->alive)
        commentf(b->p, end ? "state: exited" : "state: killed");
}

static void
describe(struct build *b)
{
    const struct wr_region_header *h = b->view->header;
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    commentf(b->p, "program: %.*s", (int)strnlen(h->exe, sizeof h->exe),
             h->exe);
    commentf(b->p, "pid: %u", h->pid);
    commentf(b->p, "host: %s", host);
    commentf(b->p, "weir: %.*s",
             (int)strnlen(h->weir_version, sizeof h->weir_version),
             h->weir_version);
    describe_times(b);
}

static void
describe_sampling(struct build *b)
{
    const struct wr_counters *c = &b->view->header->counters;
    commentf(b->p, "sample rate: %lld bytes", (long long)b->p->period);
    commentf(b->p, "samples: %llu, without a stack of their own: %llu",
             (unsigned long long)load(&c->samples),
             (unsigned long long)load(&c->samples_lost));
}

static bool
build_init(struct build *b)
{
    b->p = wr_profile_new();
    b->modules = wr_view_used(b->view, WR_TABLE_MODULES);
    b->memo = calloc(MEMO_SLOTS, sizeof *b->memo);
    b->mappings = malloc((b->modules + 1) * sizeof *b->mappings);
    for (uint64_t i = 0; b->mappings && i < b->modules; i++)
        b->mappings[i] = WR_NONE;
    b->alive = wr_view_alive(b->view);
    return b->p && b->memo && b->mappings;
}

static int
build(struct build *b, struct wr_profile **out, enum wr_profile_kind kind,
      char *why, size_t n)
{
    bool ok = build_init(b);
    if (ok) {
        use_main_program(b);
        describe(b);
        if (b->leaks) {
            build_leaks(b);
        } else if (b->suspects) {
            build_suspects(b);
        } else if (b->fds) {
            build_fds(b);
        } else if (b->sites) {
            build_sites(b);
        } else if (b->overflow) {
            build_overflow(b);
        } else if (b->threads) {
            build_thread_groups(b);
        } else if (kind == WR_PROFILE_HEAP || kind == WR_PROFILE_ALLOCS) {
            build_heap(b, kind);
            describe_sampling(b);
        } else {
            build_threads(b, kind);
        }
        ok = !b->p->failed;
    }
    free(b->memo);
    free(b->mappings);
    if (!ok) {
        wr_profile_free(b->p);
        return wr_profile_fail(why, n, "out of memory");
    }
    assert(wr_profile_check(b->p));
    *out = b->p;
    return 0;
}

int
wr_profile_from_region(struct wr_profile **out,
                       const struct wr_region_view *view,
                       enum wr_profile_kind kind, enum wr_profile_values values,
                       char *why, size_t n)
{
    struct build b = {.view = view,
                      .estimated = values != WR_VALUES_RAW,
                      .by_age = values == WR_VALUES_BY_AGE};
    struct wr_fd_list fds;
    if (kind != WR_PROFILE_FDS)
        return build(&b, out, kind, why, n);
    if (wr_fds_read(&fds, view, "", why, n) != 0)
        return -1;
    int rc = wr_profile_from_fds(out, view, &fds, why, n);
    wr_fds_fini(&fds);
    return rc;
}

int
wr_profile_from_fds(struct wr_profile **out, const struct wr_region_view *view,
                    const struct wr_fd_list *l, char *why, size_t n)
{
    struct build b = {.view = view, .fds = l};
    return build(&b, out, WR_PROFILE_FDS, why, n);
}

int
wr_profile_from_suspects(struct wr_profile **out,
                         const struct wr_region_view *view,
                         const struct wr_suspects *s, char *why, size_t n)
{
    struct build b = {.view = view, .suspects = s};
    return build(&b, out, WR_PROFILE_HEAP, why, n);
}

int
wr_profile_from_leaks(struct wr_profile **out,
                      const struct wr_region_view *view,
                      const struct wr_leaks *l, char *why, size_t n)
{
    struct build b = {.view = view, .leaks = l};
    return build(&b, out, WR_PROFILE_HEAP, why, n);
}

/* As if what was lost were all that there ever was. */
static void
count_lost(const struct wr_region_view *view, struct wr_bucket_counts *lost,
           uint64_t buckets)
{
    for (uint64_t i = 0; i < buckets; i++) {
        const struct wr_bucket *b = wr_view_bucket(view, i);
        struct wr_bucket_counts c = {0};
        if (!b)
            continue;
        wr_bucket_read(b, &c);
        lost[i].allocs = atomic_load(&b->died[0]);
        lost[i].alloc_bytes =
            c.allocs ? lost[i].allocs * (c.alloc_bytes / c.allocs) : 0;
    }
}

int
wr_profile_from_lost(struct wr_profile **out, const struct wr_region_view *view,
                     char *why, size_t n)
{
    struct build b = {.view = view,
                      .estimated = true,
                      .then_buckets = wr_view_used(view, WR_TABLE_BUCKETS)};
    struct wr_bucket_counts *lost = calloc(b.then_buckets + 1, sizeof *lost);
    if (!lost)
        return wr_profile_fail(why, n, "out of memory");
    count_lost(view, lost, b.then_buckets);
    b.then = lost;
    int rc = build(&b, out, WR_PROFILE_HEAP, why, n);
    free(lost);
    return rc;
}

int
wr_profile_from_sites(struct wr_profile **out,
                      const struct wr_region_view *view, char *why, size_t n)
{
    struct build b = {.view = view, .sites = true};
    return build(&b, out, WR_PROFILE_HEAP, why, n);
}

int
wr_profile_from_overflow(struct wr_profile **out,
                         const struct wr_region_view *view,
                         const struct wr_overflow_fold *f, char *why, size_t n)
{
    struct build b = {.view = view, .overflow = f};
    return build(&b, out, WR_PROFILE_GOROUTINE, why, n);
}

int
wr_profile_from_threads(struct wr_profile **out,
                        const struct wr_region_view *view,
                        const struct wr_thread_list *l, char *why, size_t n)
{
    struct build b = {.view = view, .threads = l};
    return build(&b, out, WR_PROFILE_GOROUTINE, why, n);
}

int
wr_profile_from_region_then(struct wr_profile **out,
                            const struct wr_region_view *view,
                            enum wr_profile_values values,
                            const struct wr_bucket_counts *then,
                            uint64_t taken_ns, char *why, size_t n)
{
    uint64_t start = view->header->start_ns;
    struct build b = {.view = view,
                      .estimated = values != WR_VALUES_RAW,
                      .then = then,
                      .then_buckets = wr_view_used(view, WR_TABLE_BUCKETS),
                      .then_ns = taken_ns > start ? taken_ns - start : 0};
    return build(&b, out, WR_PROFILE_HEAP, why, n);
}

/* As if what is garbage had been freed. Of more sampled blocks than there was
 * room to tell of, each told one stands for some. */
static void
take_off(struct wr_bucket_counts *counts, uint64_t buckets,
         const struct wr_leaks *garbage)
{
    const struct wr_leaks_header *h = &garbage->header;
    uint64_t *found = calloc(buckets + 1, sizeof *found);
    double each = h->records ? 1 + (double)h->dropped / (double)h->records : 1;
    for (uint64_t i = 0; found && i < h->records; i++)
        if (garbage->records[i].bucket < buckets)
            found[garbage->records[i].bucket]++;
    for (uint64_t i = 0; found && i < buckets; i++) {
        struct wr_bucket_counts *c = &counts[i];
        uint64_t n = (uint64_t)wr_round((double)found[i] * each);
        uint64_t live = c->allocs - c->frees;
        if (n == 0 || live == 0)
            continue;
        n = n < live ? n : live;
        c->free_bytes += (c->alloc_bytes - c->free_bytes) / live * n;
        c->frees += n;
    }
    free(found);
}

int
wr_profile_from_region_less(struct wr_profile **out,
                            const struct wr_region_view *view,
                            enum wr_profile_values values,
                            const struct wr_leaks *garbage, char *why, size_t n)
{
    uint64_t buckets = wr_view_used(view, WR_TABLE_BUCKETS);
    struct wr_bucket_counts *then = calloc(buckets + 1, sizeof *then);
    if (!then)
        return wr_profile_fail(why, n, "out of memory");
    for (uint64_t i = 0; i < buckets; i++)
        wr_bucket_read(wr_view_bucket(view, i), &then[i]);
    take_off(then, buckets, garbage);
    int rc = wr_profile_from_region_then(
        out, view, values, then, garbage->header.about.taken_ns, why, n);
    free(then);
    return rc;
}

/* Can that moment be told of? If not, why. */
static int
check_moment(const struct wr_region_view *view, enum wr_profile_kind kind,
             uint64_t uptime_ns, char *why, size_t n)
{
    uint64_t oldest = wr_past_oldest(view);
    if (kind != WR_PROFILE_HEAP && kind != WR_PROFILE_ALLOCS)
        return wr_profile_fail(why, n,
                               "only heap and allocs are known of the past");
    if (oldest == 0)
        return wr_profile_fail(why, n,
                               "process %u has no history yet: it begins when "
                               "a program is a second old and allocates",
                               view->header->pid);
    if (uptime_ns < oldest)
        return wr_profile_fail(why, n,
                               "the history of process %u begins %.0f s after "
                               "its start; %.0f s was asked for",
                               view->header->pid, (double)oldest / 1e9,
                               (double)uptime_ns / 1e9);
    return 0;
}

int
wr_profile_from_region_at(struct wr_profile **out,
                          const struct wr_region_view *view,
                          enum wr_profile_kind kind,
                          enum wr_profile_values values, uint64_t uptime_ns,
                          char *why, size_t n)
{
    struct build b = {.view = view, .estimated = values != WR_VALUES_RAW};
    struct wr_bucket_counts *then;
    int rc = -1;
    if (check_moment(view, kind, uptime_ns, why, n) != 0)
        return -1;
    b.then_buckets = wr_view_used(view, WR_TABLE_BUCKETS);
    b.then_ns = wr_past_moment(view, uptime_ns);
    b.then = then = calloc(b.then_buckets + 1, sizeof *then);
    if (!then)
        return wr_profile_fail(why, n, "out of memory");
    if (wr_past_values(view, uptime_ns, then, b.then_buckets) == 0)
        rc = build(&b, out, kind, why, n);
    else
        wr_profile_fail(why, n,
                        "the history of process %u is being written all the "
                        "time: try again",
                        view->header->pid);
    free(then);
    return rc;
}
