/* Invariants
 * 1. Nothing is written but the sentence: the first that was found stays.
 */
#include "gc/verify.h"

#include "base/base.h"
#include "base/die.h"
#include "heap/caches.h"
#include "heap/heap.h"
#include "heap/layout.h"
#include "heap/mcache.h"
#include "heap/mheap.h"
#include "heap/tiny.h"
#include "leak/roots.h"
#include "mark/marks.h"
#include "os/alone.h"
#include "os/pages.h"

struct walk {
    const struct wr_verify *v;
    struct wr_text *wrong; /* empty so far: nothing is */
    uintptr_t block;       /* whose words are looked at; 0: roots */
    bool typed;            /* it is: its layout says which of them count */
};

static struct wr_os_pages pages; /* of Weir's thread alone */

/* ---- the sentence ---- */

static bool
is_wrong(const struct walk *w)
{
    return w->wrong->len != 0;
}

static void
begin(struct wr_text *t)
{
    wr_text_init(t);
    wr_text_str(t, "weir: gccheckmark: ");
}

static void
say_address(struct wr_text *t, const char *before, uintptr_t at)
{
    wr_text_str(t, before);
    wr_text_hex(t, at);
}

static void
end(struct wr_text *t)
{
    wr_text_str(t, ": this is a fault of Weir's; please report it");
}

static void
end_untold(struct wr_text *t)
{
    wr_text_str(t, ": what led to it before was overwritten without weir_store "
                   "while a cycle marked; store all pointers of the heap by "
                   "the calls of weir/store.h, or make no promise "
                   "(weir_gc_use_barrier)");
}

static void
say_of_block(struct wr_text *t, uintptr_t block, const char *what)
{
    begin(t);
    say_address(t, "the block ", block);
    wr_text_str(t, " ");
    wr_text_str(t, what);
    end(t);
}

/* Whose words are looked at. */
static void
say_block(const struct walk *w)
{
    struct wr_span *s = wr_span_of((void *)w->block);

    say_address(w->wrong, " in the live block ", w->block);
    wr_text_str(w->wrong, " of ");
    wr_text_uint(w->wrong, wr_span_block_bytes(s));
    wr_text_str(w->wrong,
                wr_span_is_managed(s) ? " bytes" : " bytes of malloc's");
}

static void
say_lost(const struct walk *w, uintptr_t word, uintptr_t block, size_t bytes)
{
    struct wr_text *t = w->wrong;

    begin(t);
    say_address(t, "the block ", block);
    wr_text_str(t, " of ");
    wr_text_uint(t, bytes);
    say_address(t, " bytes is about to be freed, but the word at ", word);
    if (w->block != 0)
        say_block(w);
    else
        wr_text_str(t, " in a root");
    wr_text_str(t, " points at it");
    if (w->v->told)
        end_untold(t);
    else
        end(t);
}

/* ---- what a word leads to ---- */

static bool
is_dead(const struct wr_verify *v, uintptr_t base)
{
    return wr_marks_has_at(v->dead, base);
}

/* The block that covers p, if it is live: its first byte, else 0. */
static uintptr_t
live_block(uintptr_t p, size_t *bytes)
{
    bool live = false;
    uintptr_t base = (uintptr_t)wr_block_of((void *)p, bytes, &live);
    struct wr_span *s = live ? wr_span_of((void *)base) : NULL;

    /* A large one may have been freed, and be kept for another. */
    return s != NULL &&
                   (s->class_id != 0 || wr_block_is_live(wr_block_state(s, 0)))
               ? base
               : 0;
}

static bool
counts(const struct walk *w, uintptr_t at)
{
    unsigned one;

    return !w->typed ||
           (wr_layout_next(at, at + sizeof(uintptr_t), &one) & 1) != 0;
}

/* Nobody looks at what malloc's memory held before; so it may lead to what the
 * program has lost. */
static bool
may_be_old(const struct walk *w, uintptr_t dead)
{
    return w->v->beside && w->v->malloc && w->block != 0 &&
           !wr_span_is_managed(wr_span_of((void *)w->block)) &&
           !wr_span_is_managed(wr_span_of((void *)dead));
}

WR_READS_ANY static void
look_at_words(const struct walk *w, uintptr_t from, uintptr_t end)
{
    const uintptr_t *at = (const uintptr_t *)wr_align_up(from, sizeof *at);
    size_t bytes;

    for (; (uintptr_t)(at + 1) <= end && !is_wrong(w); at++) {
        uintptr_t base = live_block(*at, &bytes);

        if (base != 0 && is_dead(w->v, base) && counts(w, (uintptr_t)at) &&
            !may_be_old(w, base))
            say_lost(w, (uintptr_t)at, base, bytes);
    }
}

static void
look_at_root(uintptr_t from, uintptr_t end, void *walk)
{
    look_at_words(walk, from, end);
}

/* ---- each block ---- */

static bool
is_black(const struct wr_verify *v, struct wr_span *s, uintptr_t base)
{
    if (wr_span_is_managed(s))
        return s->kind != WR_KIND_NOSCAN && !is_dead(v, base);
    return wr_marks_has_at(v->marks, base);
}

/* Pages that nobody ever touched hold no word. */
static void
look_into(struct walk *w, struct wr_span *s, uintptr_t base)
{
    size_t bytes = wr_span_block_bytes(s);
    uintptr_t stop, at = base, end = base + bytes;

    w->block = base;
    w->typed = s->kind == WR_KIND_TYPED;
    for (; at < end && !is_wrong(w); at = stop) {
        stop = end;
        if (bytes <= WR_PAGE_BYTES ||
            wr_os_pages_next(&pages, at, end, &stop) != WR_PAGES_NONE)
            look_at_words(w, at, stop);
    }
    w->block = 0;
    w->typed = false;
}

static void
look_at_span(struct wr_span *s, void *walk)
{
    struct walk *w = walk;
    size_t bytes = wr_span_block_bytes(s);
    const char *wrong = wr_span_owner(s) == NULL
                            ? wr_heap_span_wrong(s, w->v->under_way)
                            : NULL;

    if (wrong != NULL && !is_wrong(w))
        say_of_block(w->wrong, s->base, wrong);
    if (w->v->young && wr_span_is_old(s))
        return;
    for (unsigned i = 0; i < s->blocks && !is_wrong(w); i++) {
        uintptr_t base = s->base + i * bytes;

        if (wr_block_is_live(wr_block_state(s, i)) && is_black(w->v, s, base))
            look_into(w, s, base);
    }
}

/* ---- each dead bit ---- */

/* Bit i of the line of the page at `at`. */
static const char *
wrong_as_dead(const struct wr_verify *v, uintptr_t at, unsigned i)
{
    struct wr_span *s = wr_span_of((void *)at);

    if (s == NULL || s->base != at || wr_span_state(s) < WR_SPAN_SMALL ||
        wr_span_state(s) > WR_SPAN_LARGE || i >= s->blocks)
        return "is none, but is about to be freed";
    if (!wr_block_is_live(wr_block_state(s, i)))
        return "is not live, but is about to be freed";
    if (!v->malloc && !wr_span_is_managed(s))
        return "of malloc is about to be freed by the collector";
    if (wr_marks_has(v->marks, s, i))
        return "can be reached, but is about to be freed";
    return NULL;
}

static uintptr_t
block_at(uintptr_t at, unsigned i)
{
    struct wr_span *s = wr_span_of((void *)at);

    return s != NULL ? s->base + i * wr_span_block_bytes(s) : at;
}

static void
look_at_line(const struct walk *w, uintptr_t at, const uint64_t *line)
{
    for (unsigned from = 0; from < WR_MARKS_WORDS * 64; from += 64)
        for (uint64_t bits = line[from / 64]; bits != 0 && !is_wrong(w);
             bits &= bits - 1) {
            unsigned i = from + (unsigned)wr_cpu_lowest_bit(bits);
            const char *wrong = wrong_as_dead(w->v, at, i);

            if (wrong != NULL)
                say_of_block(w->wrong, block_at(at, i), wrong);
        }
}

static void
look_at_window(const struct walk *w, const struct wr_marks_window *dead,
               size_t number)
{
    const struct wr_window *window = &wr_windows[number];
    uintptr_t low = (uintptr_t)number << WR_WINDOW_SHIFT;

    for (size_t i = window->first; dead != NULL && i < window->end; i++)
        look_at_line(w, low + (i << WR_PAGE_SHIFT), dead->line[i]);
}

/* ---- all of it ---- */

static void
look_at_cache(struct wr_mcache *mc, struct wr_text *wrong)
{
    for (unsigned i = 1; i < mc->slots && wrong->len == 0; i++) {
        const char *what = wr_heap_slot_wrong(&mc->slot[i]);

        if (what != NULL)
            say_of_block(wrong, mc->slot[i].base, what);
    }
    if (mc->tiny != WR_TINY_NONE && wrong->len == 0 &&
        wr_tiny_end((void *)mc->tiny) == 0)
        say_of_block(wrong, mc->tiny, "is handed out in parts, but not live");
}

bool
wr_verify(const struct wr_verify *v, struct wr_text *wrong)
{
    struct walk w = {.v = v, .wrong = wrong};

    wr_text_init(wrong);
    wr_os_pages_open(&pages);
    for (size_t i = 0; i < v->dead->windows; i++)
        look_at_window(&w, v->dead->window[i], v->dead->first + i);
    wr_mheap_each_span(look_at_span, &w);
    for (struct wr_mcache *mc = wr_caches_first(); mc != NULL; mc = mc->next)
        look_at_cache(mc, wrong);
    if (v->stop != NULL)
        (void)wr_roots_own(v->stop, NULL, look_at_root, &w);
    wr_os_pages_close(&pages);
    return !is_wrong(&w);
}

void
wr_verify_own(void)
{
    struct wr_mcache *mc = wr_self;
    uint32_t under_way = wr_alone() ? 0 : UINT32_MAX;
    struct wr_text wrong;

    wr_text_init(&wrong);
    look_at_cache(mc, &wrong);
    for (struct wr_span *s = mc->own; s != NULL; s = s->own_next) {
        const char *what = wr_heap_span_wrong(s, under_way);

        if (what != NULL && wrong.len == 0)
            say_of_block(&wrong, s->base, what);
    }
    if (wrong.len != 0)
        wr_die(&wrong);
}
