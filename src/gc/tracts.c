/* Invariants
 * 1. Of seen.part[0 .. next) and of what lies before `at` in seen.part[next]
 * all that was written was looked at in this round.
 * 2. A tract that could not be read, or not be watched, is in `all` alone.
 */
#include "gc/tracts.h"

#include "base/base.h"
#include "leak/roots.h"
#include "mark/mark.h"
#include "os/os.h"
#include "os/process.h"
#include "os/watch.h"

enum { BATCH = 64, COPY = 64 << 10, WORD = sizeof(uintptr_t) };

static struct wr_roots_seen all, seen;
static size_t next;
static uintptr_t at;
static bool first; /* round */
static uint64_t bytes;

void
wr_tracts_begin(struct wr_os_watch *w, const struct wr_stop *s)
{
    wr_roots_find_tracts(s, &all);
    seen.count = 0;
    for (size_t i = 0; i < all.count; i++)
        if (wr_os_watch_begin(w, all.mapping[i].from, all.mapping[i].end))
            seen.part[seen.count++] = all.part[i];
    next = at = bytes = 0;
    first = true;
}

/* With a word to either side of it, if there are: an odd pointer may begin in
 * the one and end in the other. false: it cannot be read. */
static bool
read_piece(struct wr_marker *m, const struct wr_os_stretch *tract,
           uintptr_t from, uintptr_t end)
{
    static _Alignas(WORD) char copy[COPY + 2 * WORD];
    uintptr_t low = wr_max(from - WORD, tract->from);
    uintptr_t high = wr_min(end + WORD, tract->end);
    size_t n = wr_os_peek(low, copy, high - low);

    if (n == 0)
        n = wr_os_peek_hidden(low, copy, high - low);
    wr_marker_note(m, copy, copy + n);
    return low + n >= end;
}

static bool
look_at(struct wr_marker *m, const struct wr_os_stretch *tract, uintptr_t from,
        uintptr_t end)
{
    for (uintptr_t stop; from < end; from = stop) {
        stop = wr_min(end, from + COPY);
        if (!read_piece(m, tract, from, stop))
            return false;
        bytes += first ? stop - from : 0;
    }
    return true;
}

/* The next of what was written of it. false: it cannot be seen any more. */
static bool
look_again(struct wr_os_watch *w, struct wr_marker *m,
           const struct wr_os_stretch *tract, uint64_t *written)
{
    struct wr_os_stretch found[BATCH];
    size_t n = wr_os_watch_take_begun(w, &at, tract->end, found, BATCH);

    if (n == SIZE_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        *written += (found[i].end - found[i].from) / wr_os_page_bytes();
        if (!look_at(m, tract, found[i].from, found[i].end))
            return false;
    }
    return true;
}

/* false: the time was over. */
static bool
go_through(struct wr_os_watch *w, struct wr_marker *m, uint64_t until,
           uint64_t *written)
{
    const struct wr_os_stretch tract = seen.part[next];

    for (at = wr_max(at, tract.from); at < tract.end;) {
        if (wr_os_monotonic() >= until)
            return false;
        if (!look_again(w, m, &tract, written)) {
            seen.part[next] = seen.part[--seen.count];
            at = 0;
            return true;
        }
        if (!wr_marker_go_on(m, until))
            return false;
    }
    next++;
    at = 0;
    return true;
}

bool
wr_tracts_go_round(struct wr_os_watch *w, struct wr_marker *m, uint64_t until,
                   uint64_t *written)
{
    bool whole = true;

    while (whole && next < seen.count)
        whole = go_through(w, m, until, written);
    if (whole) {
        next = 0;
        first = false;
    }
    return whole;
}

const struct wr_roots_seen *
wr_tracts_seen(void)
{
    return &seen;
}

uint64_t
wr_tracts_bytes(void)
{
    return bytes;
}

void
wr_tracts_end(struct wr_os_watch *w)
{
    for (size_t i = 0; i < all.count; i++)
        wr_os_watch_rest(w, all.part[i].from, all.part[i].end);
    all.count = seen.count = 0;
}
