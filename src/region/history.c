/* Invariants
 * 1. A slot counts only when its seq is even, was the same before and after it
 *    was copied, and belongs into that place of the ring.
 * 2. This file stands alone, as read.c does: the tools and the fuzzers compile
 *    the same text.
 */
#include "region/history.h"

#include <stdbool.h>
#include <string.h>

#include "base/base.h"

/* The slots of one ring, in a view. */
struct ring {
    const unsigned char *first;
    size_t stride, slots;
};

/* Slot i: its seq, then its words. */
static const _Atomic uint64_t *
slot_at(const struct ring *r, uint64_t i)
{
    return (const void *)(r->first + (i % r->slots) * r->stride);
}

static uint64_t
seq_at(const struct ring *r, uint64_t i)
{
    return atomic_load_explicit(slot_at(r, i), memory_order_acquire);
}

static struct ring
ring_of(const struct wr_region_view *v, enum wr_table_id t, size_t from,
        size_t slots)
{
    const struct wr_table *table = &v->table[t];
    struct ring r = {NULL, table->stride, 0};

    if (wr_view_used(v, t) == 0 || table->capacity < from + slots)
        return r;
    r.first = v->base + table->offset + from * table->stride;
    r.slots = slots;
    return r;
}

/* One more than the number of the newest whole entry; 0: there is none. */
static uint64_t
ring_end(const struct ring *r)
{
    uint64_t end = 0;

    for (size_t i = 0; i < r->slots; i++) {
        uint64_t seq = seq_at(r, i);

        if (seq % 2 == 0 && seq / 2 > end && (seq / 2 - 1) % r->slots == i)
            end = seq / 2;
    }
    return end;
}

/* The number of the first of the newest `room` entries. */
static uint64_t
ring_begin(const struct ring *r, uint64_t end, size_t room)
{
    uint64_t most = wr_min(r->slots, room);

    return end > most ? end - most : 0;
}

/* Entry n, of so many bytes, of which an older writer has fewer. false: it is
 * not there, or not whole. */
static bool
copy(const struct ring *r, uint64_t n, void *out, size_t bytes)
{
    const _Atomic uint64_t *slot = slot_at(r, n);
    uint64_t word;

    if (seq_at(r, n) != 2 * n + 2)
        return false;
    memset(out, 0, bytes);
    bytes = wr_min(bytes, r->stride - sizeof word);
    for (size_t i = 0; i < bytes / sizeof word; i++) {
        word = atomic_load_explicit(&slot[1 + i], memory_order_relaxed);
        memcpy((char *)out + i * sizeof word, &word, sizeof word);
    }
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(slot, memory_order_relaxed) == 2 * n + 2;
}

/* ---- points ---- */

static size_t
read_points(const struct ring *r, struct wr_point *out, size_t room)
{
    uint64_t end = ring_end(r);
    size_t n = 0;

    for (uint64_t i = ring_begin(r, end, room); i < end; i++)
        if (copy(r, i, &out[n], sizeof *out))
            n++;
    return n;
}

/* The newest point of a ring. */
static bool
newest_point(const struct ring *r, struct wr_point *out)
{
    for (uint64_t end; (end = ring_end(r)) != 0;)
        if (copy(r, end - 1, out, sizeof *out))
            return true;
    return false;
}

/* The minute that is not over: the newest second, with what was highest since
 * `since`. */
static bool
open_minute(const struct ring *seconds, uint64_t since, struct wr_point *out)
{
    struct wr_point p;
    uint64_t end = ring_end(seconds);

    if (!newest_point(seconds, out) || out->uptime_ns <= since)
        return false;
    for (uint64_t i = ring_begin(seconds, end, 60); i < end; i++)
        if (copy(seconds, i, &p, sizeof p) && p.uptime_ns > since &&
            p.uptime_ns <= out->uptime_ns && p.live_peak > out->live_peak)
            out->live_peak = p.live_peak;
    return true;
}

size_t
wr_history_read(const struct wr_region_view *v, enum wr_history_span span,
                struct wr_point *out, size_t room)
{
    struct ring seconds =
        ring_of(v, WR_TABLE_HISTORY, 0, WR_HISTORY_SECOND_SLOTS);
    struct ring minutes = ring_of(v, WR_TABLE_HISTORY, WR_HISTORY_SECOND_SLOTS,
                                  WR_HISTORY_MINUTE_SLOTS);
    size_t n;

    if (span == WR_HISTORY_SECONDS || room == 0)
        return read_points(&seconds, out, room);
    n = read_points(&minutes, out, room - 1);
    if (open_minute(&seconds, n == 0 ? 0 : out[n - 1].uptime_ns, &out[n]))
        n++;
    return n;
}

/* ---- marks ---- */

/* How the image came to be is in the header. */
static void
start_mark(const struct wr_region_view *v, struct wr_mark *m)
{
    const char *exe = v->header->exe;
    size_t len = strlen(exe), most = sizeof m->text - 1;

    memset(m, 0, sizeof *m);
    m->kind = v->header->forked_from != 0 ? WR_MARK_FORKED : WR_MARK_START;
    m->tid = v->header->pid;
    m->value = v->header->forked_from;
    /* Of a long path the end tells more. */
    memcpy(m->text, exe + (len > most ? len - most : 0), wr_min(len, most));
}

static bool
exit_mark(const struct wr_region_view *v, struct wr_mark *m)
{
    uint64_t end =
        atomic_load_explicit(&v->header->end_ns, memory_order_acquire);

    if (atomic_load_explicit(&v->header->state, memory_order_acquire) !=
            WR_REGION_EXITED ||
        end < v->header->start_ns)
        return false;
    memset(m, 0, sizeof *m);
    m->kind = WR_MARK_EXIT;
    m->uptime_ns = end - v->header->start_ns;
    return true;
}

size_t
wr_history_marks(const struct wr_region_view *v, struct wr_mark *out,
                 size_t room)
{
    struct ring r = ring_of(v, WR_TABLE_MARKS, 0, WR_MARK_SLOTS);
    struct wr_mark last;
    bool exited = exit_mark(v, &last);
    uint64_t end = ring_end(&r);
    size_t n = 0;

    if (room < 2)
        return 0;
    start_mark(v, &out[n++]);
    for (uint64_t i = ring_begin(&r, end, room - 1 - exited); i < end; i++)
        if (copy(&r, i, &out[n], sizeof *out))
            out[n++].text[WR_MARK_TEXT - 1] = '\0';
    if (exited)
        out[n++] = last;
    return n;
}

const char *
wr_mark_name(uint32_t kind)
{
    static const char *const name[] = {
        [WR_MARK_START] = "start",
        [WR_MARK_FORKED] = "forked",
        [WR_MARK_EXIT] = "exit",
        [WR_MARK_FORKS] = "fork",
        [WR_MARK_MAP_FAILED] = "map failed",
        [WR_MARK_CODE] = "code",
        [WR_MARK_UNLOAD] = "unload",
        [WR_MARK_PEAK] = "peak",
        [WR_MARK_LIMIT] = "limit",
        [WR_MARK_REFUSED] = "refused",
    };

    if (kind >= wr_countof(name) || name[kind] == NULL)
        return "event";
    return name[kind];
}
