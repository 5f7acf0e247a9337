/* A small region made by hand, for tests of readers and for the fuzzers.
 *
 *     struct fake f;
 *     fake_init(&f);
 *     f.header.class_count = 1000;     or f.bucket[2].stack = 77, ...
 *     wr_view_over(&v, &f, sizeof f, why, sizeof why);
 *
 * It is whole and honest after fake_init: two threads, two modules that took
 * the same addresses one after the other and one main program, three buckets
 * and two stacks; FAKE_* name its parts. Its history is empty until fake_point
 * and fake_mark add to it.
 */
#ifndef TESTS_REGION_FAKE_H
#define TESTS_REGION_FAKE_H

#include <stdalign.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "region/history.h"
#include "region/layout.h"

#define FAKE_PAGE 4096

#define FAKE_THREADS 2
#define FAKE_MODULES 3
#define FAKE_BUCKETS 3
#define FAKE_WORDS   512 /* of the stack pool */
#define FAKE_STACK_A 1   /* three frames */
#define FAKE_STACK_B 6   /* one frame, after the unload */
#define FAKE_USED    9   /* words used of the pool */

#define FAKE_SLOTS (WR_HISTORY_SECOND_SLOTS + WR_HISTORY_MINUTE_SLOTS)

#define FAKE_MAIN   0x400000u
#define FAKE_PLUGIN 0x700000u
#define FAKE_RATE   4096u

struct fake {
    alignas(FAKE_PAGE) struct wr_region_header header;
    alignas(FAKE_PAGE) struct wr_thread_slot thread[4];
    alignas(FAKE_PAGE) struct wr_module module[4];
    alignas(FAKE_PAGE) struct wr_bucket bucket[4];
    alignas(FAKE_PAGE) uint64_t pool[FAKE_WORDS];
    alignas(FAKE_PAGE) struct wr_ledger_slot ledger[4]; /* not there yet */
    alignas(FAKE_PAGE) struct wr_collector collector;   /* nor this, */
    alignas(FAKE_PAGE) struct wr_meter meter[4];        /* nor these */
    alignas(FAKE_PAGE) struct wr_history_slot history[FAKE_SLOTS];
    alignas(FAKE_PAGE) struct wr_mark_slot mark[WR_MARK_SLOTS];
};

static inline void
fake_table(struct fake *f, enum wr_table_id id, size_t offset, size_t stride,
           uint32_t capacity, uint64_t used)
{
    struct wr_table *t = &f->header.table[id];

    t->offset = offset;
    t->stride = (uint32_t)stride;
    t->capacity = capacity;
    t->used = used;
}

static inline void
fake_header(struct fake *f)
{
    struct wr_region_header *h = &f->header;

    h->version = WR_REGION_VERSION;
    h->header_bytes = sizeof *h;
    h->region_bytes = sizeof *f;
    h->state = WR_REGION_LIVE;
    h->pid = (uint32_t)getpid();
    h->sample_rate = FAKE_RATE;
    h->class_count = 3;
    h->class_bytes[1] = 16;
    h->class_bytes[2] = 48;
    strcpy(h->weir_version, "0.1.0");
    strcpy(h->exe, "/usr/bin/fake");
    memcpy(h->cmdline, "fake\0-x", 8);
    h->cmdline_bytes = 8;
    h->counters.large_allocs = 2;
    h->counters.large_frees = 1;
    h->counters.large_alloc_bytes = 200000;
    h->counters.large_free_bytes = 100000;
    fake_table(f, WR_TABLE_THREADS, offsetof(struct fake, thread),
               sizeof f->thread[0], 4, FAKE_THREADS);
    fake_table(f, WR_TABLE_MODULES, offsetof(struct fake, module),
               sizeof f->module[0], 4, FAKE_MODULES);
    fake_table(f, WR_TABLE_BUCKETS, offsetof(struct fake, bucket),
               sizeof f->bucket[0], 4, FAKE_BUCKETS);
    fake_table(f, WR_TABLE_STACKS, offsetof(struct fake, pool),
               sizeof f->pool[0], FAKE_WORDS, FAKE_USED);
    fake_table(f, WR_TABLE_HISTORY, offsetof(struct fake, history),
               sizeof f->history[0], FAKE_SLOTS, 0);
    fake_table(f, WR_TABLE_MARKS, offsetof(struct fake, mark),
               sizeof f->mark[0], WR_MARK_SLOTS, 0);
    fake_table(f, WR_TABLE_LEDGER, offsetof(struct fake, ledger),
               sizeof f->ledger[0], 4, 0);
    fake_table(f, WR_TABLE_COLLECTOR, offsetof(struct fake, collector),
               sizeof f->collector, 1, 0);
    fake_table(f, WR_TABLE_METERS, offsetof(struct fake, meter),
               sizeof f->meter[0], 4, 0);
}

static inline void
fake_module(struct wr_module *m, uint64_t start, uint64_t born,
            const char *path)
{
    m->start = start;
    m->end = start + 0x10000;
    m->file_offset = 0x1000;
    m->bias = start - 0x1000;
    m->born = born;
    m->build_id_len = 20;
    memset(m->build_id, (int)(born + 0xa0), m->build_id_len);
    strcpy(m->path, path);
}

static inline void
fake_bucket(struct wr_bucket *b, uint32_t stack, uint64_t size, uint64_t allocs,
            uint64_t frees)
{
    b->stack = stack;
    b->size = size;
    b->rate = FAKE_RATE;
    b->allocs = allocs;
    b->frees = frees;
    b->alloc_bytes = allocs * size;
    b->free_bytes = frees * size;
}

static inline struct wr_stack *
fake_stack(struct fake *f, uint32_t number)
{
    return (struct wr_stack *)(void *)&f->pool[number];
}

static inline void
fake_entries(struct fake *f)
{
    struct wr_stack *a = fake_stack(f, FAKE_STACK_A);
    struct wr_stack *b = fake_stack(f, FAKE_STACK_B);

    fake_module(&f->module[0], FAKE_PLUGIN, 0, "/usr/lib/first.so");
    fake_module(&f->module[1], FAKE_MAIN, 0, "/usr/bin/fake");
    fake_module(&f->module[2], FAKE_PLUGIN, 1, "/usr/lib/second.so");
    f->module[1].main_program = 1;
    a->frames = 3;
    a->pc[0] = FAKE_PLUGIN + 0x21;
    a->pc[1] = FAKE_MAIN + 0x31;
    a->pc[2] = FAKE_MAIN + 0x41;
    b->frames = 1;
    b->unloads = 1;
    b->pc[0] = FAKE_PLUGIN + 0x21;
    fake_bucket(&f->bucket[0], 0, 0, 1, 0);
    fake_bucket(&f->bucket[1], FAKE_STACK_A, 48, 10, 4);
    fake_bucket(&f->bucket[2], FAKE_STACK_B, 8192, 3, 3);
    for (unsigned i = 0; i < FAKE_THREADS; i++) {
        f->thread[i].state = WR_THREAD_RUNNING;
        f->thread[i].tid = 100 + i;
        f->thread[i].create_stack = i == 0 ? 0 : FAKE_STACK_A;
        f->thread[i].threads = 1;
        f->thread[i].count[1].allocs = 50;
        f->thread[i].count[1].frees = 20;
        f->thread[i].count[2].allocs = 5;
    }
}

static inline void
fake_init(struct fake *f)
{
    memset(f, 0, sizeof *f);
    fake_header(f);
    fake_entries(f);
    f->header.magic = WR_REGION_MAGIC;
}

/* The n-th one-second point (from 0), with which all before it are there. */
static inline void
fake_point(struct fake *f, uint64_t n, const struct wr_point *p)
{
    struct wr_history_slot *s = &f->history[n % WR_HISTORY_SECOND_SLOTS];

    memcpy((void *)s->word, p, sizeof *p);
    s->seq = 2 * n + 2;
    f->header.table[WR_TABLE_HISTORY].used = FAKE_SLOTS;
}

static inline void
fake_mark(struct fake *f, uint64_t n, const struct wr_mark *m)
{
    struct wr_mark_slot *s = &f->mark[n % WR_MARK_SLOTS];

    memcpy((void *)s->word, m, sizeof *m);
    s->seq = 2 * n + 2;
    f->header.table[WR_TABLE_MARKS].used = n + 1;
}

#endif
