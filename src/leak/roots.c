/* Roots. */
#include "leak/roots.h"

#include "base/base.h"
#include "leak/early.h"
#include "leak/stack.h"
#include "os/os.h"
#include "os/pages.h"
#include "os/process.h"
#include "os/regs.h"
#include "world/stop.h"

struct walk {
    const struct wr_stop *stop;
    void (*visit)(const struct wr_root *part, void *arg);
    void *arg;
    bool peeks; /* the system lets us read what may not be readable */
    bool swaps; /* shared memory may be swapped out */
    struct wr_stack_use *use; /* of each thread; NULL: not known */
    bool early; /* what is there of shared memory, and nothing else */
    bool own;   /* what is not the process's own is left out */
    const struct wr_roots_seen *seen; /* left out, too; NULL: nothing */
    struct wr_roots_seen *tracts;     /* sought; NULL: they are not */
    uint64_t fetch, unread; /* bytes of files: still to be read in, and not */
    uint64_t most;          /* early: bytes */
};

enum { COPY = 64 << 10 };

static struct wr_os_pages pages;
static uint64_t last_unread;
static uint64_t mapped_bytes; /* of the program, when it was read early */

/* Where the part of a stack begins that is not in use: its low end. Known are
 * the bounds of threads that the program made by pthread_create, and that of
 * the main thread, which is a mapping of its own. */
static uintptr_t
stack_low(const struct wr_stopped *t, const struct wr_os_mapping *m)
{
    if (m->main_stack)
        return m->from;
    return t->stack_lo;
}

static bool
is_on_its_stack(const struct wr_stopped *t, const struct wr_os_mapping *m)
{
    if (t->sp < m->from || t->sp >= m->end)
        return false;
    return m->main_stack ||
           (t->stack_lo != 0 && t->stack_lo <= t->sp && t->sp < t->stack_hi);
}

/* Is *from in an unused part? Then it is the end of that, else *end becomes
 * the start of the next. */
static bool
skip_unused(const struct walk *w, const struct wr_os_mapping *m,
            uintptr_t *from, uintptr_t *end)
{
    for (size_t i = 0; w->stop != NULL && i < w->stop->count; i++) {
        const struct wr_stopped *t = &w->stop->thread[i];
        uintptr_t low = stack_low(t, m);

        if (!t->answered || !is_on_its_stack(t, m) || w->use == NULL ||
            !w->use[i].plain)
            continue;
        if (low <= *from && *from < w->use[i].low) {
            *from = wr_min(w->use[i].low, *end);
            return true;
        }
        if (*from < low && low < *end)
            *end = low;
    }
    return false;
}

/* The same of stacks that no thread uses. */
static bool
skip_ended(const struct walk *w, uintptr_t *from, uintptr_t *end)
{
    uintptr_t ended = *from, stop = *end;

    if (!wr_stack_find_ended(w->stop, &ended, &stop))
        return false;
    if (ended > *from) {
        *end = ended;
        return false;
    }
    *from = stop;
    return true;
}

static void
visit_as(const struct walk *w, uintptr_t from, uintptr_t end, uintptr_t at)
{
    struct wr_root part = {from, end, WR_ROOT_MEMORY, 0, at};

    w->visit(&part, w->arg);
}

/* What may not be readable is looked at in a copy: of a file less may be there
 * than is mapped. A page that cannot be read holds nothing for the program
 * either. */
static void
visit_peeked(const struct walk *w, uintptr_t from, uintptr_t end)
{
    static _Alignas(8) char copy[COPY];
    size_t page = wr_os_page_bytes();

    while (from < end) {
        size_t n = wr_os_peek(from, copy, wr_min(end - from, COPY));

        if (n == 0)
            n = wr_os_peek_hidden(from, copy, wr_min(end - from, page));

        visit_as(w, (uintptr_t)copy, (uintptr_t)copy + n, from);
        from += n;
        if (n == 0)
            from = wr_align_down(from, page) + page;
    }
}

/* Of files so much is read in that is not in memory, and no more: to read a
 * terabyte of a mapped data base would stop the machine, not find a leak. What
 * lives in memory alone was never written where it is not there, unless it is
 * swapped out. */
static void
visit_away(struct walk *w, const struct wr_os_mapping *m, uintptr_t from,
           uintptr_t end)
{
    uint64_t n = wr_min(end - from, w->fetch);

    if (m->memory && !w->swaps)
        return;
    visit_peeked(w, from, from + n);
    w->fetch -= n;
    w->unread += end - from - n;
}

/* What is there of shared memory is read early (leak/early.h), as long as that
 * does not take too long. */
static void
visit_early(struct walk *w, uintptr_t from, uintptr_t end)
{
    uint64_t n = wr_min(end - from, w->most);

    visit_peeked(w, from, from + n);
    w->most -= n;
    w->unread += end - from - n;
}

static void
visit_shared(struct walk *w, const struct wr_os_mapping *m, uintptr_t from,
             uintptr_t end)
{
    for (uintptr_t stop; from < end; from = stop) {
        bool here = wr_os_file_pages_next(from, end, &stop) == WR_PAGES_HERE;

        if (w->early && here)
            visit_early(w, from, stop);
        else if (!w->early && here && !m->shared)
            visit_peeked(w, from, stop);
        else if (!w->early && !here)
            visit_away(w, m, from, stop);
    }
}

/* What is the process's own of it, else what it shares. */
static void
visit_file(struct walk *w, const struct wr_os_mapping *m, uintptr_t from,
           uintptr_t end)
{
    uintptr_t stop = end;

    for (; from < end; from = stop)
        if (!m->shared &&
            wr_os_pages_next(&pages, from, end, &stop) != WR_PAGES_NONE)
            visit_peeked(w, from, stop);
        else if (!w->own)
            visit_shared(w, m, from, stop);
}

static void
visit_own(struct walk *w, uintptr_t from, uintptr_t end)
{
    for (uintptr_t stop; from < end; from = stop) {
        enum wr_os_held held = wr_os_pages_next(&pages, from, end, &stop);

        if (held == WR_PAGES_AWAY && w->peeks)
            visit_peeked(w, from, stop);
        else if (held != WR_PAGES_NONE)
            visit_as(w, from, stop, from);
    }
}

/* Without a look first: the pages that are in memory can be read. */
static void
visit_unpeeked(struct walk *w, uintptr_t from, uintptr_t end)
{
    for (uintptr_t stop; from < end; from = stop)
        if (wr_os_file_pages_next(from, end, &stop) == WR_PAGES_HERE)
            visit_as(w, from, stop, from);
        else
            w->unread += stop - from;
}

/* What may not be written just now may have been: pages of its own that a
 * program has sealed, or has hidden even from itself. */
static void
visit_sealed(struct walk *w, const struct wr_os_mapping *m, uintptr_t from,
             uintptr_t end)
{
    for (uintptr_t stop; from < end && !m->shared; from = stop)
        if (wr_os_pages_next(&pages, from, end, &stop) != WR_PAGES_NONE)
            visit_peeked(w, from, stop);
}

/* Of memory that a program maps for itself. */
static bool
may_be_tract(const struct wr_os_mapping *m)
{
    return m->readable && m->writable && !m->shared && !m->file &&
           !m->main_stack;
}

/* Of whole pages, and of so many that they are worth it. */
static void
note_tract(struct wr_roots_seen *t, const struct wr_os_mapping *m,
           uintptr_t from, uintptr_t end)
{
    from = wr_align_up(from, wr_os_page_bytes());
    end = wr_align_down(end, wr_os_page_bytes());
    if (from < end && end - from >= WR_ROOTS_TRACT_LEAST &&
        end - from <= WR_ROOTS_TRACT_MOST && t->count < WR_ROOTS_TRACTS) {
        t->mapping[t->count] = (struct wr_os_stretch){m->from, m->end};
        t->part[t->count++] = (struct wr_os_stretch){from, end};
    }
}

/* The same of parts that the caller has seen, but for their first and last
 * words: an odd pointer may begin before them, or end behind. */
static bool
skip_seen(const struct walk *w, const struct wr_os_mapping *m, uintptr_t *from,
          uintptr_t *end)
{
    for (size_t i = 0; w->seen != NULL && i < w->seen->count; i++) {
        uintptr_t low = w->seen->part[i].from + sizeof(uintptr_t);
        uintptr_t high = w->seen->part[i].end - sizeof(uintptr_t);

        if (!may_be_tract(m) || high <= *from || *end <= low)
            continue;
        if (low <= *from) {
            *from = wr_min(high, *end);
            return true;
        }
        *end = low;
    }
    return false;
}

static void
visit_stretch(struct walk *w, const struct wr_os_mapping *m, uintptr_t from,
              uintptr_t end)
{
    if (w->tracts != NULL) {
        if (may_be_tract(m))
            note_tract(w->tracts, m, from, end);
        return;
    }
    if (!w->early && !(m->readable && m->writable))
        visit_sealed(w, m, from, end);
    else if (m->file && w->peeks)
        visit_file(w, m, from, end);
    else if (m->file)
        visit_unpeeked(w, from, end);
    else
        visit_own(w, from, end);
}

static void
visit_part(struct walk *w, const struct wr_os_mapping *m, uintptr_t from,
           uintptr_t end)
{
    while (from < end) {
        uintptr_t stop = end;

        if (skip_unused(w, m, &from, &stop) || skip_ended(w, &from, &stop) ||
            skip_seen(w, m, &from, &stop))
            continue;
        visit_stretch(w, m, from, stop);
        from = stop;
    }
}

static void
visit_mapping(struct walk *w, const struct wr_os_mapping *m)
{
    uintptr_t from = m->from, end;

    while (from < m->end && wr_os_not_ours(&from, &end, m->end)) {
        visit_part(w, m, from, end);
        from = end;
    }
}

/* Of a mapping, the pages that are not Weir's; it may have asked for less than
 * a page. */
static uint64_t
bytes_of(const struct wr_os_mapping *m)
{
    uintptr_t from = m->from, end;
    uint64_t bytes = 0;

    for (; from < m->end && wr_os_not_ours(&from, &end, m->end); from = end)
        bytes += wr_align_down(end - from, wr_os_page_bytes());
    return m->device ? 0 : bytes;
}

static void
visit_words(const struct walk *w, uint32_t tid, uintptr_t from, uintptr_t end)
{
    struct wr_root part = {from, end, WR_ROOT_REGISTERS, tid, 0};

    if (from < end)
        w->visit(&part, w->arg);
}

/* The handler of the stop, which holds the registers, may stand in the unused
 * part: it is visited by itself. */
static void
visit_registers(struct walk *w)
{
    for (size_t i = 0; w->stop != NULL && i < w->stop->count; i++) {
        const struct wr_stopped *t = &w->stop->thread[i];
        const struct wr_regs *regs = w->use != NULL ? w->use[i].regs : NULL;

        if (!t->answered)
            continue;
        if (regs != NULL)
            visit_words(w, t->tid, (uintptr_t)regs->r,
                        (uintptr_t)(regs->r + WR_REGS_COUNT));
        else
            visit_words(w, t->tid, t->frame, t->wide);
        if (w->use == NULL || w->use[i].wide)
            visit_words(w, t->tid, t->wide, t->signals);
        visit_words(w, t->tid, t->signals, t->frame_end);
    }
}

static size_t
use_bytes(const struct walk *w)
{
    return wr_align_up(w->stop->count * sizeof *w->use, wr_os_page_bytes());
}

static void
find_use(struct walk *w)
{
    size_t n = w->stop != NULL ? w->stop->count : 0;

    w->use = n > 0 ? wr_os_map(use_bytes(w)) : NULL;
    for (size_t i = 0; w->use != NULL && i < n; i++) {
        const struct wr_stopped *t = &w->stop->thread[i];

        wr_stack_look(t, t->tid == wr_os_home(), &w->use[i]);
    }
}

static void
forget_use(struct walk *w)
{
    if (w->use != NULL)
        wr_os_unmap(w->use, use_bytes(w));
}

static bool
may_peek(void)
{
    uintptr_t there = 1, here;

    return wr_os_peek((uintptr_t)&there, &here, sizeof here) == sizeof here;
}

bool
wr_roots_shared(uint64_t most,
                void (*visit)(const struct wr_root *part, void *arg), void *arg)
{
    static struct wr_os_mappings list;
    struct walk w = {.visit = visit, .arg = arg, .early = true, .most = most};
    struct wr_os_mapping m;

    w.peeks = may_peek();
    mapped_bytes = 0;
    if (!wr_os_mappings_open(&list))
        return false;
    while (wr_os_mappings_next(&list, &m)) {
        mapped_bytes += bytes_of(&m);
        if (m.shared && m.readable && !m.device)
            visit_mapping(&w, &m);
        if (m.requests)
            w.unread++; /* what it was asked to give back is not there */
    }
    wr_os_mappings_close(&list);
    return w.unread == 0;
}

/* false: the system shows no mappings, or an empty list. */
static bool
visit_all(struct walk *w)
{
    static struct wr_os_mappings list;
    struct wr_os_mapping m;
    uint64_t mapped = 0;
    bool any = false;

    w->peeks = may_peek();
    if (!wr_os_mappings_open(&list))
        return false;
    wr_os_pages_open(&pages);
    find_use(w);
    while (wr_os_mappings_next(&list, &m)) {
        mapped += bytes_of(&m);
        if (!m.device && !(w->own && m.shared)) {
            visit_mapping(w, &m);
            any = true;
        }
    }
    if (mapped < mapped_bytes) /* a copy has not got all (MADV_DONTFORK) */
        w->unread += mapped_bytes - mapped;
    wr_os_pages_close(&pages);
    wr_os_mappings_close(&list);
    if (w->tracts == NULL)
        visit_registers(w);
    forget_use(w);
    return any;
}

static bool
walk_all(struct walk *w)
{
    bool seen;

    if (!wr_early_there())
        wr_early_read();
    w->swaps = wr_os_swaps();
    w->fetch = WR_ROOTS_FETCH;
    seen = visit_all(w);
    if (seen)
        wr_early_each(w->visit, w->arg);
    last_unread = w->unread;
    return seen;
}

bool
wr_roots_walk(const struct wr_stop *s,
              void (*visit)(const struct wr_root *part, void *arg), void *arg)
{
    struct walk w = {.stop = s, .visit = visit, .arg = arg};

    return walk_all(&w);
}

uint64_t
wr_roots_unread(void)
{
    return last_unread;
}

/* ---- without what it is ---- */

struct plain {
    void (*visit)(uintptr_t from, uintptr_t end, void *arg);
    void *arg;
};

static void
visit_plain(const struct wr_root *part, void *plain)
{
    const struct plain *p = plain;

    p->visit(part->from, part->end, p->arg);
}

bool
wr_roots_each(const struct wr_stop *s,
              void (*visit)(uintptr_t from, uintptr_t end, void *arg),
              void *arg)
{
    return wr_roots_rest(s, NULL, visit, arg);
}

bool
wr_roots_rest(const struct wr_stop *s, const struct wr_roots_seen *seen,
              void (*visit)(uintptr_t from, uintptr_t end, void *arg),
              void *arg)
{
    struct plain p = {visit, arg};
    struct walk w = {.stop = s, .visit = visit_plain, .arg = &p, .seen = seen};

    return walk_all(&w);
}

bool
wr_roots_own(const struct wr_stop *s, const struct wr_roots_seen *seen,
             void (*visit)(uintptr_t from, uintptr_t end, void *arg), void *arg)
{
    struct plain p = {visit, arg};
    struct walk w = {
        .stop = s, .visit = visit_plain, .arg = &p, .own = true, .seen = seen};

    return visit_all(&w);
}

/* ---- before they are looked at ---- */

void
wr_roots_find_tracts(const struct wr_stop *s, struct wr_roots_seen *out)
{
    struct walk w = {.stop = s, .own = true, .tracts = out};

    out->count = 0;
    if (!visit_all(&w))
        out->count = 0;
}

bool
wr_roots_files(uint64_t *bytes)
{
    static struct wr_os_mappings list;
    struct wr_os_mapping m;

    *bytes = 0;
    if (!wr_os_mappings_open(&list))
        return false;
    while (wr_os_mappings_next(&list, &m))
        if (m.file && m.readable && m.writable && !m.device)
            *bytes += m.end - m.from;
    wr_os_mappings_close(&list);
    return true;
}
