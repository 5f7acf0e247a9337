/* Invariants
 * 1. A run is in lists[pages] when shorter than LISTS pages, else in the tree,
 *    ordered by (pages, base). In a list, runs with resident pages come before
 *    those without.
 */
#include "heap/runs.h"

enum { LISTS = 128 };

static struct wr_span_list lists[LISTS];
static uint64_t present[LISTS / 64]; /* lists that are not empty */
static struct wr_span *tree;         /* a treap */

/* ---- the tree ---- */

static bool
tree_before(const struct wr_span *a, const struct wr_span *b)
{
    return a->pages != b->pages ? a->pages < b->pages : a->base < b->base;
}

static uint64_t
tree_priority(const struct wr_span *s)
{
    return (s->base >> WR_PAGE_SHIFT) * UINT64_C(0x9e3779b97f4a7c15);
}

/* In the tree own_next is the left child (smaller), own_prev the right. */
static void
tree_insert(struct wr_span **at, struct wr_span *s)
{
    struct wr_span *rest, **less = &s->own_next, **more = &s->own_prev;

    while (*at != NULL && tree_priority(*at) >= tree_priority(s))
        at = tree_before(s, *at) ? &(*at)->own_next : &(*at)->own_prev;
    rest = *at;
    *at = s;
    while (rest != NULL) { /* split what stood here around s */
        if (tree_before(rest, s)) {
            *less = rest;
            less = &rest->own_prev;
            rest = rest->own_prev;
        } else {
            *more = rest;
            more = &rest->own_next;
            rest = rest->own_next;
        }
    }
    *less = NULL;
    *more = NULL;
}

static void
tree_remove(struct wr_span **at, struct wr_span *s)
{
    struct wr_span *a = s->own_next, *b = s->own_prev;

    while (*at != s) {
        WR_ASSERT(*at != NULL);
        at = tree_before(s, *at) ? &(*at)->own_next : &(*at)->own_prev;
    }
    while (a != NULL && b != NULL) { /* join the two subtrees in its place */
        if (tree_priority(a) >= tree_priority(b)) {
            *at = a;
            at = &a->own_prev;
            a = a->own_prev;
        } else {
            *at = b;
            at = &b->own_next;
            b = b->own_next;
        }
    }
    *at = a != NULL ? a : b;
    s->own_next = s->own_prev = NULL;
}

static struct wr_span *
tree_best(size_t pages)
{
    struct wr_span *best = NULL;

    for (struct wr_span *s = tree; s != NULL;) {
        if (s->pages >= pages) {
            best = s;
            s = s->own_next;
        } else {
            s = s->own_prev;
        }
    }
    return best;
}

static bool
has_resident(const struct wr_span *s)
{
    return wr_pagemap_released(s->base, s->pages) < s->pages;
}

void
wr_runs_add(struct wr_span *s)
{
    atomic_store_explicit(&s->state, WR_SPAN_FREE, memory_order_release);
    if (s->pages < LISTS) {
        if (has_resident(s))
            wr_span_list_push(&lists[s->pages], s);
        else
            wr_span_list_append(&lists[s->pages], s);
        present[s->pages / 64] |= (uint64_t)1 << (s->pages % 64);
    } else {
        tree_insert(&tree, s);
    }
}

void
wr_runs_remove(struct wr_span *s)
{
    WR_ASSERT(wr_span_state(s) == WR_SPAN_FREE);
    if (s->pages >= LISTS) {
        tree_remove(&tree, s);
        return;
    }
    wr_span_list_remove(&lists[s->pages], s);
    if (lists[s->pages].first == NULL)
        present[s->pages / 64] &= ~((uint64_t)1 << (s->pages % 64));
}

struct wr_span *
wr_runs_find(size_t pages)
{
    for (size_t i = pages / 64; i < wr_countof(present); i++) {
        uint64_t word = present[i];

        if (i == pages / 64)
            word &= ~(uint64_t)0 << (pages % 64);
        if (word != 0)
            return lists[i * 64 + (size_t)__builtin_ctzll(word)].first;
    }
    return tree_best(pages);
}

/* The largest run of the tree that has resident pages, or NULL. */
static struct wr_span *
tree_resident(struct wr_span *s)
{
    struct wr_span *found;

    if (s == NULL)
        return NULL;
    found = tree_resident(s->own_prev);
    if (found == NULL && has_resident(s))
        found = s;
    return found != NULL ? found : tree_resident(s->own_next);
}

struct wr_span *
wr_runs_resident(void)
{
    struct wr_span *s = tree_resident(tree);

    for (size_t i = LISTS; s == NULL && i-- > 1;)
        if (lists[i].first != NULL && has_resident(lists[i].first))
            s = lists[i].first;
    return s;
}

static void
check_order(const struct wr_span_list *l)
{
    bool resident = true;

    for (const struct wr_span *s = l->first; s != NULL; s = s->next) {
        WR_ASSERT(resident || !has_resident(s));
        resident = has_resident(s);
    }
    (void)resident;
}

void
wr_runs_check(void)
{
    for (size_t i = 1; i < LISTS; i++)
        check_order(&lists[i]);
}
