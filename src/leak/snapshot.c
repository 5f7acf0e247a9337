/* Invariants
 * 1. What is in the group was found in the order in which it is written: the
 *    pointers of a block stand before the mark of its end.
 * 2. The second walk over the spans finds what the first found: nothing moves
 *    in a copy.
 */
#include "leak/snapshot.h"

#include <string.h>

#include "base/base.h"
#include "base/text.h"
#include "heap/heap.h"
#include "heap/mheap.h"
#include "leak/copy.h"
#include "leak/roots.h"
#include "os/os.h"
#include "os/pages.h"
#include "os/process.h"
#include "os/regs.h"
#include "profile/sample.h"
#include "profile/unwind_full.h"
#include "region/layout.h"
#include "region/ledger_write.h"
#include "region/region.h"
#include "region/snapshot.h"
#include "world/stop.h"

enum {
    GROUP = 256,
    BUFFER = 1 << 20,
    MAPS = 4 << 20,  /* bytes of the list of mappings, at most */
    NUMBER_MOST = 10 /* bytes of a number */
};

/* A word that may be a pointer; value 0: the end of its block. */
struct word {
    uintptr_t value, holder;
    uint64_t index; /* in its block or part */
};

struct snapshot {
    struct wr_snapshot_header header;
    const struct wr_copy *copy;
    bool brief;

    int file;
    uint64_t at; /* bytes of the file that are written */
    uint8_t *buffer;
    size_t used;
    bool failed;

    uintptr_t low, reach; /* blocks lie in [low, low + reach) */
    struct wr_os_pages pages;
    struct word group[GROUP];
    unsigned waiting;
    uint64_t before;            /* index + 1 of the last pointer of the block */
    const struct wr_root *part; /* the part of the roots; NULL: a block */
    bool begun;                 /* the part's head is written */

    size_t span_count, block_count;
    struct wr_snapshot_span *spans; /* as many as were counted */
    uint64_t *live;
    size_t span, block; /* the next */

    struct wr_snapshot_part *parts; /* room for WR_SNAPSHOT_PARTS_MOST */
    size_t part_count;
};

/* ---- the file ---- */

static void
flush(struct snapshot *q)
{
    q->failed |= !wr_os_write_at(q->file, q->buffer, q->used, q->at);
    q->at += q->used;
    q->used = 0;
}

static void
put(struct snapshot *q, const void *from, size_t bytes)
{
    const char *p = from;

    while (bytes > 0) {
        size_t n = wr_min(bytes, BUFFER - q->used);

        memcpy(q->buffer + q->used, p, n);
        q->used += n;
        p += n;
        bytes -= n;
        if (q->used == BUFFER)
            flush(q);
    }
}

static void
put_number(struct snapshot *q, uint64_t n)
{
    if (wr_unlikely(q->used > BUFFER - NUMBER_MOST))
        flush(q);
    for (; n >= 0x80; n >>= 7)
        q->buffer[q->used++] = (uint8_t)(n | 0x80);
    q->buffer[q->used++] = (uint8_t)n;
}

static uint64_t
place(const struct snapshot *q)
{
    return q->at + q->used;
}

static void
begin_section(struct snapshot *q, enum wr_snapshot_section_id id)
{
    static const char zero[8];

    put(q, zero, (size_t)(-place(q) & 7));
    q->header.section[id].offset = place(q);
}

static void
end_section(struct snapshot *q, enum wr_snapshot_section_id id)
{
    struct wr_snapshot_section *s = &q->header.section[id];

    s->bytes = place(q) - s->offset;
}

/* ---- words ---- */

static size_t
holder_bytes(uintptr_t holder)
{
    size_t bytes = 0;
    bool live;

    (void)wr_block_of((void *)holder, &bytes, &live);
    return bytes;
}

static bool
counts(const struct snapshot *q, const struct wr_span *s, unsigned block)
{
    return wr_block_is_live(wr_block_state(s, block)) &&
           (q->copy->is_gone == NULL || !q->copy->is_gone(s, block));
}

/* The block that begins there. */
static bool
is_gone(const struct snapshot *q, uintptr_t base)
{
    struct wr_span *s;

    if (wr_likely(q->copy->is_gone == NULL))
        return false;
    s = wr_span_of((void *)base);
    return q->copy->is_gone(
        s, (unsigned)((base - s->base) / wr_span_block_bytes(s)));
}

static void
begin_part(struct snapshot *q)
{
    if (q->part == NULL || q->begun)
        return;
    put_number(q, (uint64_t)q->part->kind);
    put_number(q, q->part->tid);
    put_number(q, q->part->at);
    q->begun = true;
}

static void
put_pointer(struct snapshot *q, const struct word *w, uintptr_t target)
{
    int64_t distance = (int64_t)(target - w->holder) / 16;

    begin_part(q);
    put_number(q, w->index + 1 - q->before);
    put_number(q, (uint64_t)distance << 1 ^ (uint64_t)(distance >> 63));
    q->before = w->index + 1;
    if (q->part != NULL)
        q->header.root_pointers++;
    else
        q->header.pointers++;
}

/* Is the pointer a small part of a slice (weir/slice.h)? The two words behind
 * it would tell. */
static void
note_part(struct snapshot *q, const struct word *w, uintptr_t target,
          size_t bytes)
{
    const uintptr_t *word = (const uintptr_t *)wr_align_up(
        q->part != NULL ? q->part->from : w->holder, sizeof *word);
    uintptr_t end =
        q->part != NULL ? q->part->end : w->holder + holder_bytes(w->holder);
    uint64_t items, of;

    word += w->index;
    if ((uintptr_t)(word + 3) > end || q->part_count == WR_SNAPSHOT_PARTS_MOST)
        return;
    items = word[1];
    of = -word[2];
    if (items != 0 && of <= bytes && items <= of / WR_SNAPSHOT_PART_SMALL)
        q->parts[q->part_count++] =
            (struct wr_snapshot_part){.target = target,
                                      .first = w->value - target,
                                      .items = items,
                                      .of = of};
}

static void
write_word(struct snapshot *q, const struct word *w)
{
    size_t bytes;
    bool live = false;
    uintptr_t target;

    if (w->value == 0) {
        put_number(q, 0);
        q->before = 0;
        return;
    }
    target = (uintptr_t)wr_block_of((void *)w->value, &bytes, &live);
    if (target == 0 || !live || target == w->holder || is_gone(q, target))
        return;
    put_pointer(q, w, target);
    if (wr_unlikely(bytes >= WR_SNAPSHOT_PART_LEAST))
        note_part(q, w, target, bytes);
}

static void
fetch_entry(uintptr_t value)
{
    if (wr_likely(wr_near_has(value)))
        __builtin_prefetch(&wr_near.entry[wr_near_place(value)]);
}

static void
fetch_state(uintptr_t value)
{
    struct wr_span *s = value != 0 ? wr_span_of((void *)value) : NULL;
    bool exact;

    if (s != NULL && wr_span_state(s) == WR_SPAN_SMALL)
        __builtin_prefetch(
            &s->block[wr_span_block_of(s, (void *)value, &exact)]);
}

static void
write_group(struct snapshot *q)
{
    for (unsigned i = 0; i < q->waiting; i++)
        fetch_entry(q->group[i].value);
    for (unsigned i = 0; i < q->waiting; i++)
        if (q->group[i].value != 0)
            __builtin_prefetch(wr_span_of((void *)q->group[i].value));
    for (unsigned i = 0; i < q->waiting; i++)
        fetch_state(q->group[i].value);
    for (unsigned i = 0; i < q->waiting; i++)
        write_word(q, &q->group[i]);
    q->waiting = 0;
}

static void
add_word(struct snapshot *q, uintptr_t value, uintptr_t holder, uint64_t index)
{
    q->group[q->waiting++] = (struct word){value, holder, index};
    if (q->waiting == GROUP)
        write_group(q);
}

/* The words of [from, end), counted from the one at start. */
static void
look_at(struct snapshot *q, uintptr_t start, uintptr_t from, uintptr_t end,
        uintptr_t holder)
{
    for (; from + sizeof from <= end; from += sizeof from) {
        uintptr_t value = *(const uintptr_t *)from;

        if (value - q->low < q->reach)
            add_word(q, value, holder, (from - start) / sizeof from);
    }
}

/* Of what is large, pages that nobody ever touched are left out. */
static void
look_at_large(struct snapshot *q, uintptr_t base, uintptr_t end)
{
    uintptr_t stop;

    for (uintptr_t from = base; from < end; from = stop)
        if (wr_os_pages_next(&q->pages, from, end, &stop) != WR_PAGES_NONE)
            look_at(q, base, from, stop, base);
}

/* ---- blocks ---- */

static void
count_span(struct wr_span *s, void *snapshot)
{
    struct snapshot *q = snapshot;

    q->span_count++;
    q->block_count += s->blocks;
}

static void
take_block(struct snapshot *q, struct wr_span *s, unsigned block)
{
    uintptr_t base = s->base + block * wr_span_block_bytes(s);
    size_t bit = q->block + block;

    q->live[bit / 64] |= UINT64_C(1) << bit % 64;
    q->header.blocks++;
    q->header.bytes += wr_span_block_bytes(s);
    if (q->brief)
        return;
    if (s->class_id == 0)
        look_at_large(q, base, base + wr_span_block_bytes(s));
    else
        look_at(q, base, base, base + wr_span_block_bytes(s), base);
    add_word(q, 0, base, 0);
}

static void
take_span(struct wr_span *s, void *snapshot)
{
    struct snapshot *q = snapshot;

    write_group(q);
    q->spans[q->span++] = (struct wr_snapshot_span){
        .base = s->base,
        .block_bytes = wr_span_block_bytes(s),
        .blocks = s->blocks,
        .large = s->class_id == 0,
        .words = place(q) - q->header.section[WR_SNAPSHOT_WORDS].offset};
    for (unsigned i = 0; i < s->blocks; i++)
        if (counts(q, s, i))
            take_block(q, s, i);
    q->block += s->blocks;
}

static void
take_samples(struct wr_span *s, void *snapshot)
{
    struct snapshot *q = snapshot;
    struct wr_birth birth;

    for (unsigned i = 0; s->tags != NULL && i < s->blocks; i++) {
        struct wr_snapshot_sample one = {.address = s->base +
                                                    i * wr_span_block_bytes(s)};

        if (!counts(q, s, i) || !wr_sample_birth(s, i, &birth))
            continue;
        one.bucket = birth.bucket;
        one.born_ns = birth.born_ns;
        one.tid = birth.tid;
        put(q, &one, sizeof one);
    }
}

/* ---- roots and threads ---- */

static void
take_part(const struct wr_root *part, void *snapshot)
{
    struct snapshot *q = snapshot;

    q->part = part;
    q->begun = false;
    /* In memory words are aligned, and so are the copies of it. */
    look_at(q, part->from, wr_align_up(part->from, sizeof(uintptr_t)),
            part->end, 0);
    write_group(q);
    if (q->begun)
        put_number(q, 0);
    q->before = 0;
}

static void
take_registers(const struct wr_stopped *t, struct wr_regs *regs)
{
    if (t->answered == WR_HELD)
        wr_regs_from_held(regs, (const uintptr_t *)t->frame);
    else
        wr_regs_from_context(regs, (const ucontext_t *)t->frame);
}

static void
take_thread(struct snapshot *q, const struct wr_stopped *t)
{
    static struct wr_unwind_frame frame[WR_SNAPSHOT_FRAMES];
    struct wr_snapshot_thread one = {.tid = t->tid,
                                     .sp = t->sp,
                                     .stack_lo = t->stack_lo,
                                     .stack_hi = t->stack_hi};
    struct wr_regs regs;

    take_registers(t, &regs);
    one.frames = (uint32_t)wr_unwind_frames(&regs, frame, WR_SNAPSHOT_FRAMES);
    if (t->answered == WR_HELD)
        one.storage = wr_regs_held_storage((const uintptr_t *)t->frame);
    put(q, &one, sizeof one);
    for (uint32_t i = 0; i < one.frames; i++)
        put(q,
            &(struct wr_snapshot_frame){.pc = frame[i].pc, .sp = frame[i].sp},
            sizeof(struct wr_snapshot_frame));
}

static void
take_threads(struct snapshot *q)
{
    const struct wr_stop *s = q->copy->stop;

    for (size_t i = 0; s != NULL && i < s->count; i++)
        if (s->thread[i].answered == WR_STOOD ||
            s->thread[i].answered == WR_HELD)
            take_thread(q, &s->thread[i]);
}

/* ---- Weir's own memory: what lies between parts that are not ---- */

#define TOP ((uintptr_t)1 << 47)

static void
take_own(struct snapshot *q)
{
    uintptr_t from = 0, end, before = 0;

    for (bool more = true; more && before < TOP; before = from = end) {
        more = wr_os_not_ours(&from, &end, TOP);
        if (!more)
            from = end = TOP;
        if (before < from)
            put(q, &(struct wr_snapshot_range){.from = before, .end = from},
                sizeof(struct wr_snapshot_range));
    }
}

/* ---- what gives it names later ---- */

static void
take_range(struct snapshot *q, uint64_t from, const void *bytes, size_t n)
{
    static const char zero[8];

    put(q, &(struct wr_snapshot_range){.from = from, .end = from + n},
        sizeof(struct wr_snapshot_range));
    put(q, bytes, n);
    put(q, zero, -n & 7);
}

/* Its history is long, and not of this moment. */
static bool
is_history(unsigned table)
{
    return table == WR_TABLE_HISTORY || table == WR_TABLE_MARKS ||
           table == WR_TABLE_PAST;
}

static void
take_region(struct snapshot *q)
{
    const struct wr_region_header *h = wr_region;
    const char *base = (const char *)h;
    struct wr_region_header *head = wr_os_map(sizeof *head);

    if (head == NULL)
        return;
    memcpy(head, h, sizeof *head);
    for (unsigned t = 0; t < WR_TABLE_COUNT; t++)
        if (is_history(t))
            head->table[t].capacity = 0;
    take_range(q, 0, head, sizeof *head);
    for (unsigned t = 0; t < WR_TABLE_COUNT; t++)
        if (head->table[t].capacity != 0)
            take_range(q, h->table[t].offset, base + h->table[t].offset,
                       h->table[t].stride * wr_region_used(t));
    wr_os_unmap(head, sizeof *head);
}

static void
take_maps(struct snapshot *q)
{
    char *text = wr_os_map(MAPS);
    long n = text != NULL ? wr_os_read_file("/proc/self/maps", text, MAPS) : -1;

    if (n > 0)
        put(q, text, (size_t)n);
    if (text != NULL)
        wr_os_unmap(text, MAPS);
}

static void
take_names(struct snapshot *q)
{
    bool kept = (q->copy->ask->flags & WR_SNAPSHOT_WHOLE) != 0;

    begin_section(q, WR_SNAPSHOT_REGION);
    if (kept && wr_region != NULL)
        take_region(q);
    end_section(q, WR_SNAPSHOT_REGION);
    begin_section(q, WR_SNAPSHOT_MAPS);
    if (kept)
        take_maps(q);
    end_section(q, WR_SNAPSHOT_MAPS);
}

/* ---- all of it ---- */

static bool
make_tables(struct snapshot *q)
{
    wr_mheap_each_span(count_span, q);
    q->spans = wr_os_map((q->span_count + 1) * sizeof *q->spans);
    q->live = wr_os_map((q->block_count / 64 + 1) * sizeof *q->live);
    q->buffer = wr_os_map(BUFFER);
    q->parts = wr_os_map(WR_SNAPSHOT_PARTS_MOST * sizeof *q->parts);
    if (wr_window_first <= wr_window_last) {
        q->low = wr_window_first << WR_WINDOW_SHIFT;
        q->reach = (wr_window_last + 1 - wr_window_first) << WR_WINDOW_SHIFT;
    }
    return q->spans != NULL && q->live != NULL && q->buffer != NULL &&
           q->parts != NULL;
}

static void
free_tables(struct snapshot *q)
{
    if (q->spans != NULL)
        wr_os_unmap(q->spans, (q->span_count + 1) * sizeof *q->spans);
    if (q->live != NULL)
        wr_os_unmap(q->live, (q->block_count / 64 + 1) * sizeof *q->live);
    if (q->buffer != NULL)
        wr_os_unmap(q->buffer, BUFFER);
    if (q->parts != NULL)
        wr_os_unmap(q->parts, WR_SNAPSHOT_PARTS_MOST * sizeof *q->parts);
}

static bool
write_sections(struct snapshot *q)
{
    bool seen;

    put(q, &q->header, sizeof q->header);
    begin_section(q, WR_SNAPSHOT_WORDS);
    wr_os_pages_open(&q->pages);
    wr_mheap_each_span(take_span, q);
    write_group(q);
    wr_os_pages_close(&q->pages);
    end_section(q, WR_SNAPSHOT_WORDS);
    begin_section(q, WR_SNAPSHOT_ROOTS);
    seen = q->brief || wr_roots_walk(q->copy->stop, take_part, q);
    put_number(q, 0);
    end_section(q, WR_SNAPSHOT_ROOTS);
    begin_section(q, WR_SNAPSHOT_THREADS);
    take_threads(q);
    end_section(q, WR_SNAPSHOT_THREADS);
    begin_section(q, WR_SNAPSHOT_SAMPLES);
    wr_mheap_each_span(take_samples, q);
    end_section(q, WR_SNAPSHOT_SAMPLES);
    begin_section(q, WR_SNAPSHOT_SPANS);
    put(q, q->spans, q->span_count * sizeof *q->spans);
    end_section(q, WR_SNAPSHOT_SPANS);
    begin_section(q, WR_SNAPSHOT_OWN);
    take_own(q);
    end_section(q, WR_SNAPSHOT_OWN);
    begin_section(q, WR_SNAPSHOT_LIVE);
    put(q, q->live, (q->block_count + 63) / 64 * sizeof *q->live);
    end_section(q, WR_SNAPSHOT_LIVE);
    begin_section(q, WR_SNAPSHOT_PARTS);
    put(q, q->parts, q->part_count * sizeof *q->parts);
    end_section(q, WR_SNAPSHOT_PARTS);
    take_names(q);
    flush(q);
    return seen;
}

static void
write_header(struct snapshot *q, bool seen)
{
    struct wr_reply *a = &q->header.reply;

    wr_copy_reply(a, q->copy);
    a->magic = WR_SNAPSHOT_MAGIC;
    a->version = WR_SNAPSHOT_VERSION;
    a->header_bytes = sizeof q->header;
    a->record_bytes = sizeof *q->spans;
    if (!seen)
        a->trust = WR_TRUST_BLIND;
    q->failed |= !wr_os_write_at(q->file, &q->header, sizeof q->header, 0);
}

static bool
write_file(struct snapshot *q)
{
    struct wr_text name;

    wr_text_init(&name);
    wr_text_str(&name, q->copy->path);
    wr_text_str(&name, "~");
    wr_os_remove(name.buf); /* of a search that was killed */
    q->file = wr_os_new_file(name.buf, 0);
    if (q->file < 0)
        return false;
    write_header(q, write_sections(q));
    wr_os_close(q->file);
    if (!q->failed && wr_os_rename(name.buf, q->copy->path))
        return true;
    wr_os_remove(name.buf);
    return false;
}

bool
wr_snapshot_search(const struct wr_copy *c)
{
    /* Not a variable: the program's are roots. */
    struct snapshot *q = wr_os_map(sizeof *q);
    bool done;

    if (q == NULL)
        return false;
    q->copy = c;
    q->brief = (c->ask->flags & WR_SNAPSHOT_BRIEF) != 0;
    done = make_tables(q) && write_file(q);
    free_tables(q);
    wr_os_unmap(q, sizeof *q);
    return done;
}
