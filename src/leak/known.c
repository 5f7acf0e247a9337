/* Invariants
 * 1. An entry is written before the count that covers it; a list is whole
 *    before it takes the place of a smaller one.
 */
#include "leak/known.h"

#include <stdatomic.h>
#include <string.h>

#include "base/base.h"
#include "heap/heap.h"
#include "heap/mheap.h"
#include "heap/span.h"
#include "mark/mark.h"
#include "os/lock.h"
#include "os/os.h"
#include "os/process.h"
#include "profile/sample.h"

enum { FIRST_ROOM = 256, PIECE = 4096 };

/* Guard of both lists: lock, but for the search. */
static struct wr_lock lock = WR_LOCK_INIT; /* held alone */
static struct wr_known_root *roots;
static uintptr_t *excused;
static _Atomic size_t root_count, excused_count;
static size_t root_room, excused_room;
static _Atomic bool ledger_has_some;

/* ---- lists ---- */

/* Twice the room for entries of that size; NULL: no memory. */
static void *
bigger(const void *old, size_t *room, size_t entry)
{
    size_t now = *room != 0 ? *room * 2 : FIRST_ROOM;
    void *list = wr_os_map(now * entry);

    if (list == NULL)
        return NULL;
    if (old != NULL)
        memcpy(list, old, *room * entry);
    *room = now;
    return list;
}

static bool
make_root_room(void)
{
    struct wr_known_root *old = roots, *list;
    size_t room = root_room;

    if (atomic_load(&root_count) < root_room)
        return true;
    list = bigger(old, &root_room, sizeof *list);
    if (list == NULL)
        return false;
    roots = list;
    if (old != NULL)
        wr_os_unmap(old, room * sizeof *list);
    return true;
}

/* Blocks that are there no more need no excuse. */
static void
forget_freed(void)
{
    size_t kept = 0, n = atomic_load(&excused_count);

    for (size_t i = 0; i < n; i++) {
        size_t bytes;
        bool live = false;

        (void)wr_block_of((void *)excused[i], &bytes, &live);
        if (live)
            excused[kept++] = excused[i];
    }
    atomic_store(&excused_count, kept);
}

static bool
make_excuse_room(void)
{
    uintptr_t *old = excused, *list;
    size_t room = excused_room;

    if (atomic_load(&excused_count) == room)
        forget_freed();
    if (atomic_load(&excused_count) < room - room / 4)
        return true;
    list = bigger(old, &excused_room, sizeof *list);
    if (list == NULL)
        return atomic_load(&excused_count) < room;
    excused = list;
    if (old != NULL)
        wr_os_unmap(old, room * sizeof *list);
    return true;
}

/* ---- roots ---- */

bool
wr_known_root_add(const struct wr_known_root *r)
{
    bool room;

    wr_lock_take(&lock);
    room = make_root_room();
    if (room) {
        roots[atomic_load(&root_count)] = *r;
        atomic_fetch_add(&root_count, 1);
    }
    wr_lock_give(&lock);
    return room;
}

bool
wr_known_root_remove(uintptr_t from)
{
    size_t n, i;

    wr_lock_take(&lock);
    n = i = atomic_load(&root_count);
    while (i > 0 && roots[i - 1].from != from)
        i--;
    if (i > 0) {
        roots[i - 1] = roots[n - 1];
        atomic_store(&root_count, n - 1);
    }
    wr_lock_give(&lock);
    return i > 0;
}

/* ---- excuses ---- */

void
wr_known_some_excused(void)
{
    atomic_store(&ledger_has_some, true);
}

static bool
keep_address(uintptr_t base)
{
    bool room;

    wr_lock_take(&lock);
    room = make_excuse_room();
    if (room) {
        excused[atomic_load(&excused_count)] = base;
        atomic_fetch_add(&excused_count, 1);
    }
    wr_lock_give(&lock);
    return room;
}

bool
wr_known_excuse(const void *p)
{
    size_t bytes;
    bool live = false;
    uintptr_t base = (uintptr_t)wr_block_of(p, &bytes, &live);
    struct wr_span *s = live ? wr_span_of((void *)base) : NULL;

    if (s == NULL)
        return false;
    if (wr_sample_excuse(s, (unsigned)((base - s->base) / bytes))) {
        wr_known_some_excused();
        return true;
    }
    return keep_address(base);
}

/* ---- the search's side ---- */

static void
mark_root(struct wr_marker *m, const struct wr_known_root *r)
{
    static _Alignas(8) uintptr_t words[PIECE / sizeof(uintptr_t)];
    uintptr_t from = wr_align_up(r->from, sizeof *words);
    uintptr_t end = r->from + r->bytes;

    while (from + sizeof *words <= end) {
        size_t n = wr_os_peek(from, words, wr_min(end - from, PIECE));

        for (size_t i = 0; i < n / sizeof *words; i++)
            wr_marker_word(m, (words[i] ^ r->flip) & r->keep);
        if (n < sizeof *words) /* a page that cannot be read */
            n = wr_align_down(from, wr_os_page_bytes()) + wr_os_page_bytes() -
                from;
        from += wr_align_down(n, sizeof *words);
    }
}

static void
mark_excused_samples(struct wr_span *s, void *marker)
{
    for (unsigned i = 0; s->tags != NULL && i < s->blocks; i++)
        if (wr_sample_is_excused(s, i))
            (void)wr_marker_add(marker, s, i);
}

uint64_t
wr_known_mark(struct wr_marker *m)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < atomic_load(&root_count); i++) {
        mark_root(m, &roots[i]);
        bytes += roots[i].bytes;
    }
    for (size_t i = 0; i < atomic_load(&excused_count); i++)
        wr_marker_word(m, excused[i]);
    if (atomic_load(&ledger_has_some))
        wr_mheap_each_span(mark_excused_samples, m);
    return bytes;
}

void
wr_known_fork_child(void)
{
    if (atomic_load(&lock.word) != 0)
        atomic_store(&lock.word, 0);
}
