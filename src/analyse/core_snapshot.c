/* From a core to a snapshot.
 *
 * Invariants:
 * 1. What is written is what the program's copy would have written
 *    (leak/snapshot.c), but for the frames on stacks.
 * 2. Spans are sorted by address, do not overlap, and their states are in the
 *    core; a record that does not fit into that is left out.
 */
#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "analyse/core_inside.h"
#include "analyse/profile.h"
#include "analyse/search.h"
#include "analyse/store.h"
#include "region/ledger.h"
#include "region/snapshot.h"

struct span {
    struct wr_snapshot_span told;
    const unsigned char *states;
};

struct work {
    const struct wr_core *c;
    const struct wr_region_view *view;
    FILE *out;
    uint64_t at; /* bytes written */
    struct wr_snapshot_header header;
    struct span *spans;
    size_t span_count, span_room;
    uint64_t low, high;            /* of all blocks */
    struct wr_snapshot_range *own; /* sorted */
    size_t own_count;
};

/* --- Writing ------------------------------------------------------------- */

static void
put(struct work *w, const void *from, size_t bytes)
{
    fwrite(from, 1, bytes, w->out);
    w->at += bytes;
}

static void
put_number(struct work *w, uint64_t n)
{
    for (; n >= 0x80; n >>= 7, w->at++)
        putc_unlocked((int)(n & 0x7f) | 0x80, w->out);
    putc_unlocked((int)n, w->out);
    w->at++;
}

static void
begin_section(struct work *w, enum wr_snapshot_section_id id)
{
    while (w->at % 8 != 0)
        put(w, "", 1);
    w->header.section[id].offset = w->at;
}

static void
end_section(struct work *w, enum wr_snapshot_section_id id)
{
    w->header.section[id].bytes = w->at - w->header.section[id].offset;
}

/* --- Spans --------------------------------------------------------------- */

static bool
read_span(const struct work *w, uint64_t record, uint64_t base, struct span *s)
{
    const struct wr_guide *g = &w->c->guide;
    uint64_t state = wr_core_word(w->c, record + g->span_state, 1);
    uint64_t pages = wr_core_word(w->c, record + g->span_pages, 4);
    *s = (struct span){.states = NULL};
    s->told.base = wr_core_word(w->c, record + g->span_base, 8);
    s->told.large = state == g->large;
    s->told.blocks = (uint32_t)wr_core_word(w->c, record + g->span_blocks, 8);
    s->told.block_bytes =
        s->told.large ? pages << g->page_shift
                      : wr_core_word(w->c, record + g->span_block_bytes, 4);
    if ((state != g->small && state != g->large) || s->told.base != base ||
        s->told.blocks == 0 || s->told.blocks > 1 << 20 ||
        s->told.block_bytes < 16)
        return false;
    s->states = wr_core_at(w->c, record + g->span_states, s->told.blocks);
    return s->states != NULL;
}

static bool
add_span(struct work *w, const struct span *s)
{
    if (w->span_count > 0 && s->told.base < w->high)
        return true; /* damaged */
    if (w->span_count == w->span_room) {
        size_t room = w->span_room ? 2 * w->span_room : 1024;
        void *more = realloc(w->spans, room * sizeof *w->spans);
        if (!more)
            return false;
        w->spans = more;
        w->span_room = room;
    }
    if (w->span_count == 0)
        w->low = s->told.base;
    w->high = s->told.base + s->told.blocks * s->told.block_bytes;
    w->spans[w->span_count++] = *s;
    return true;
}

/* Of a window's table those entries whose page a span begins at. */
static bool
read_window(struct work *w, uint64_t number)
{
    const struct wr_guide *g = &w->c->guide;
    uint64_t window = g->windows + number * g->window_bytes;
    uint64_t table = wr_core_word(w->c, window + g->window_table, 8);
    uint64_t end = wr_core_word(w->c, window + g->window_end, 4);
    uint64_t most = UINT64_C(1) << (g->window_shift - g->page_shift);
    uint64_t page = wr_core_word(w->c, window + g->window_from, 4);
    for (; page < end && page < most; page++) {
        uint64_t entry = wr_core_word(w->c, table + 8 * page, 8);
        uint64_t base = (number << g->window_shift) + (page << g->page_shift);
        struct span s;
        if (entry &&
            read_span(w, g->entries + entry - g->span_bytes, base, &s) &&
            !add_span(w, &s))
            return false;
    }
    return true;
}

static bool
read_spans(struct work *w)
{
    const struct wr_guide *g = &w->c->guide;
    uint64_t first = wr_core_word(w->c, g->first, 8);
    uint64_t last = wr_core_word(w->c, g->last, 8);
    uint64_t most = UINT64_C(1) << (48 - g->window_shift);
    for (uint64_t i = first; i <= last && i < most; i++)
        if (!read_window(w, i))
            return false;
    return true;
}

static uint64_t
span_base(const void *spans, size_t i)
{
    return ((const struct span *)spans)[i].told.base;
}

static bool
is_live(const struct work *w, const struct span *s, uint64_t block)
{
    return block < s->told.blocks && s->states[block] >= w->c->guide.live;
}

/* The live block that covers the address; 0: none. */
static uint64_t
live_block(const struct work *w, uint64_t address)
{
    if (address < w->low || address >= w->high)
        return 0;
    size_t n = wr_search_before(w->spans, w->span_count, span_base, address);
    if (n == 0)
        return 0;
    const struct span *s = &w->spans[n - 1];
    uint64_t block = (address - s->told.base) / s->told.block_bytes;
    return is_live(w, s, block) ? s->told.base + block * s->told.block_bytes
                                : 0;
}

/* --- Words --------------------------------------------------------------- */

struct told {
    uint64_t holder; /* the block; 0: a part of the roots */
    uint64_t before; /* the number of the last pointer's word, from 1 */
    uint64_t count;
    uint64_t kind, tid, address; /* of a part */
};

static void
tell(struct work *w, struct told *t, uint64_t index, uint64_t word)
{
    uint64_t target = live_block(w, word);
    if (target == 0 || target == t->holder)
        return;
    if (t->count++ == 0 && t->holder == 0) {
        put_number(w, t->kind);
        put_number(w, t->tid);
        put_number(w, t->address);
    }
    int64_t distance = (int64_t)(target - t->holder) / 16;
    put_number(w, index + 1 - t->before);
    put_number(w, (uint64_t)distance << 1 ^ (uint64_t)(distance >> 63));
    t->before = index + 1;
}

static void
tell_words(struct work *w, struct told *t, const unsigned char *at,
           uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes / 8; i++) {
        uint64_t word;
        memcpy(&word, at + 8 * i, 8);
        tell(w, t, i, word);
    }
}

static void
write_blocks(struct work *w, struct span *s)
{
    s->told.words = w->at - w->header.section[WR_SNAPSHOT_WORDS].offset;
    for (uint32_t i = 0; i < s->told.blocks; i++) {
        struct told t = {.holder = s->told.base + i * s->told.block_bytes};
        const void *at = wr_core_at(w->c, t.holder, s->told.block_bytes);
        if (!is_live(w, s, i))
            continue;
        w->header.blocks++;
        w->header.bytes += s->told.block_bytes;
        if (at)
            tell_words(w, &t, at, s->told.block_bytes);
        put_number(w, 0);
        w->header.pointers += t.count;
    }
}

/* --- Roots --------------------------------------------------------------- */

static int
by_from(const void *one, const void *other)
{
    const struct wr_snapshot_range *a = one, *b = other;
    return a->from < b->from ? -1 : a->from > b->from;
}

static bool
read_own(struct work *w)
{
    const struct wr_guide *g = &w->c->guide;
    w->own = calloc((size_t)g->own_count + 1, sizeof *w->own);
    for (uint32_t i = 0; w->own && i < g->own_count; i++) {
        uint64_t from = wr_core_word(w->c, g->own + 16 * i, 8);
        uint64_t end = wr_core_word(w->c, g->own + 16 * i + 8, 8);
        if (from < end)
            w->own[w->own_count++] = (struct wr_snapshot_range){from, end};
    }
    if (w->own)
        qsort(w->own, w->own_count, sizeof *w->own, by_from);
    return w->own != NULL;
}

static void
tell_part(struct work *w, const struct wr_core_part *p, uint64_t from,
          uint64_t end)
{
    struct told t = {.kind = WR_SNAPSHOT_MEMORY, .address = (from + 7) & ~7ull};
    if (end > p->from + p->bytes)
        end = p->from + p->bytes;
    if (t.address < end)
        tell_words(w, &t, p->at + (t.address - p->from), end - t.address);
    if (t.count)
        put_number(w, 0);
    w->header.root_pointers += t.count;
}

/* Where a thread's stack is in use: in the mapping that holds it. */
static uint64_t
used_from(const struct work *w, const struct wr_core_part *p)
{
    uint64_t from = p->from;
    for (size_t i = 0; i < w->c->thread_count; i++) {
        const struct wr_core_thread *t = &w->c->threads[i];
        if (t->tid == wr_core_pid(w->c) && p->from <= t->sp && t->sp < p->end)
            from = t->sp;
    }
    return from;
}

/* What is Weir's own is left out. */
static void
tell_parts(struct work *w)
{
    for (size_t i = 0; i < w->c->part_count; i++) {
        const struct wr_core_part *p = &w->c->parts[i];
        uint64_t from = used_from(w, p);
        if (!(p->flags & PF_W))
            continue;
        for (size_t k = 0; k < w->own_count && from < p->end; k++) {
            if (w->own[k].end <= from || w->own[k].from >= p->end)
                continue;
            if (w->own[k].from > from)
                tell_part(w, p, from, w->own[k].from);
            from = w->own[k].end;
        }
        if (from < p->end)
            tell_part(w, p, from, p->end);
    }
}

static void
tell_registers(struct work *w)
{
    for (size_t i = 0; i < w->c->thread_count; i++) {
        const struct wr_core_thread *thread = &w->c->threads[i];
        struct told t = {.kind = WR_SNAPSHOT_REGISTERS, .tid = thread->tid};
        for (uint64_t k = 0; k < thread->count; k++)
            tell(w, &t, k, thread->words[k]);
        if (t.count)
            put_number(w, 0);
        w->header.root_pointers += t.count;
    }
    put_number(w, 0);
}

/* --- The rest ------------------------------------------------------------ */

static void
write_threads(struct work *w)
{
    for (size_t i = 0; i < w->c->thread_count; i++) {
        const struct wr_core_thread *t = &w->c->threads[i];
        struct wr_snapshot_thread one = {.tid = t->tid,
                                         .frames = t->frames,
                                         .sp = t->sp,
                                         .storage = t->storage};
        put(w, &one, sizeof one);
        put(w, t->frame, t->frames * sizeof *t->frame);
    }
}

static int
by_address(const void *one, const void *other)
{
    const struct wr_snapshot_sample *a = one, *b = other;
    return a->address < b->address ? -1 : a->address > b->address;
}

static bool
write_samples(struct work *w)
{
    uint64_t most = w->view ? wr_view_used(w->view, WR_TABLE_LEDGER) : 0;
    struct wr_snapshot_sample *list = calloc(most + 1, sizeof *list);
    struct wr_live_sample s;
    size_t n = 0;
    for (uint64_t i = 0; list && i < most; i++)
        if (wr_ledger_read(w->view, i, &s))
            list[n++] = (struct wr_snapshot_sample){s.address, s.born_ns,
                                                    s.bucket, s.tid};
    if (n > 0)
        qsort(list, n, sizeof *list, by_address);
    if (list)
        put(w, list, n * sizeof *list);
    free(list);
    return list != NULL;
}

static void
write_live(struct work *w)
{
    uint64_t word = 0;
    unsigned bit = 0;
    for (size_t i = 0; i < w->span_count; i++)
        for (uint32_t k = 0; k < w->spans[i].told.blocks; k++) {
            word |= (uint64_t)is_live(w, &w->spans[i], k) << bit;
            if (++bit == 64) {
                put(w, &word, sizeof word);
                word = bit = 0;
            }
        }
    if (bit > 0)
        put(w, &word, sizeof word);
}

static bool
write_sections(struct work *w)
{
    put(w, &w->header, sizeof w->header);
    begin_section(w, WR_SNAPSHOT_WORDS);
    for (size_t i = 0; i < w->span_count; i++)
        write_blocks(w, &w->spans[i]);
    end_section(w, WR_SNAPSHOT_WORDS);
    begin_section(w, WR_SNAPSHOT_ROOTS);
    tell_parts(w);
    tell_registers(w);
    end_section(w, WR_SNAPSHOT_ROOTS);
    begin_section(w, WR_SNAPSHOT_THREADS);
    write_threads(w);
    end_section(w, WR_SNAPSHOT_THREADS);
    begin_section(w, WR_SNAPSHOT_SAMPLES);
    bool ok = write_samples(w);
    end_section(w, WR_SNAPSHOT_SAMPLES);
    begin_section(w, WR_SNAPSHOT_SPANS);
    for (size_t i = 0; i < w->span_count; i++)
        put(w, &w->spans[i].told, sizeof w->spans[i].told);
    end_section(w, WR_SNAPSHOT_SPANS);
    begin_section(w, WR_SNAPSHOT_OWN);
    put(w, w->own, w->own_count * sizeof *w->own);
    end_section(w, WR_SNAPSHOT_OWN);
    begin_section(w, WR_SNAPSHOT_LIVE);
    write_live(w);
    end_section(w, WR_SNAPSHOT_LIVE);
    return ok;
}

static bool
write_all(struct work *w)
{
    if (!w->out || !read_own(w) || !read_spans(w) || !write_sections(w))
        return false;
    w->header.reply =
        (struct wr_reply){.magic = WR_SNAPSHOT_MAGIC,
                          .version = WR_SNAPSHOT_VERSION,
                          .header_bytes = sizeof w->header,
                          .record_bytes = sizeof(struct wr_snapshot_span),
                          .pid = wr_core_pid(w->c),
                          .trust = WR_TRUST_PROVED,
                          .threads = (uint32_t)w->c->thread_count};
    rewind(w->out);
    put(w, &w->header, sizeof w->header);
    return fflush(w->out) == 0 && !ferror(w->out);
}

FILE *
wr_core_snapshot(struct wr_core *c, const struct wr_region_view *view,
                 char *why, size_t n)
{
    struct work w = {.c = c, .view = view, .out = tmpfile()};
    wr_core_unwind(c);
    bool ok = write_all(&w);
    free(w.spans);
    free(w.own);
    if (ok) {
        rewind(w.out);
        return w.out;
    }
    if (w.out)
        fclose(w.out);
    wr_profile_fail(why, n, "no room or no memory for what is in the core");
    return NULL;
}
