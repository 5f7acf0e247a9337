/* The concurrent map.
 *
 * 1. Entries never change but for their links, so a reader sees an entry whole
 *    or not at all. Changing a value is putting a new entry in the place of
 *    the old one.
 * 2. An entry has two links; a table says which of them its chains use. A new
 *    table chains the entries by the other one, so readers of the old table go
 *    on undisturbed; the next table is made only when nobody is in the one
 *    before (`old` is NULL again).
 * 3. What is taken out keeps its links: who stands on it goes on to the end of
 *    the chain as it was. It waits in limbo until all have left who could have
 *    been there (kit/epoch.h): `fresh` collects, `waiting` waits for its epoch.
 * 4. Entries are added at the chain's head.
 * Locks: a shard's, for who changes it (a leaf).
 */
#include <weir/cmap.h>

#include <string.h>

#include "base/base.h"
#include "kit/epoch.h"
#include "kit/key.h"
#include "os/lock.h"

enum { SHARDS = 16, FIRST_CHAINS = 16, LIMBO = 64 };

struct entry {
    struct entry *next[2]; /* atomic */
    struct entry *limbo;
    uint64_t hash;
    void *value;
    size_t key_bytes;
    char key[];
};

struct table {
    size_t mask;   /* chains - 1 */
    unsigned link; /* of entries, 0 or 1 */
    struct entry *chain[];
};

struct limbo {
    struct entry *entries;
    size_t count;
    struct table *table; /* or NULL */
};

struct shard {
    struct table *table; /* atomic; changed under lock */
    char rest[56];       /* readers need the line above alone */
    struct wr_lock lock; /* guards all that follows, and changes */
    size_t count;        /* atomic */
    struct limbo fresh, waiting;
    uint64_t waits_for; /* the epoch that all must have entered by */
    unsigned changes;   /* since the last look at that */
} __attribute__((aligned(64)));

struct weir_cmap {
    struct weir_cmap_options o;
    uint64_t seed;
    void *block; /* that this lies in */
    struct shard shard[SHARDS];
};

static size_t
table_bytes(size_t chains)
{
    return sizeof(struct table) + chains * sizeof(struct entry *);
}

static struct table *
new_table(weir_cmap *m, size_t chains, unsigned link)
{
    struct table *t =
        weir_alloc_resize(m->o.alloc, NULL, 0, table_bytes(chains));

    if (t == NULL)
        return NULL;
    memset(t, 0, table_bytes(chains));
    t->mask = chains - 1;
    t->link = link;
    return t;
}

static void
free_table(weir_cmap *m, struct table *t)
{
    if (t != NULL)
        weir_alloc_resize(m->o.alloc, t, table_bytes(t->mask + 1), 0);
}

static void
end_entry(weir_cmap *m, struct entry *e)
{
    if (m->o.gone != NULL)
        m->o.gone(e->value, m->o.arg);
    weir_alloc_resize(m->o.alloc, e, sizeof *e + e->key_bytes, 0);
}

static void
end_limbo(weir_cmap *m, const struct limbo *gone)
{
    for (struct entry *e = gone->entries, *next; e != NULL; e = next) {
        next = e->limbo;
        end_entry(m, e);
    }
    free_table(m, gone->table);
}

static struct shard *
shard_of(weir_cmap *m, uint64_t hash)
{
    return &m->shard[hash >> 60];
}

/* ---- reading ---- */

static bool
is(const struct entry *e, uint64_t hash, const void *key, size_t key_bytes)
{
    return e->hash == hash && e->key_bytes == key_bytes &&
           wr_kit_same_key(e->key, key, key_bytes);
}

/* Acquire: what the entry says. */
static struct entry *
follow(struct entry *const *link)
{
    return __atomic_load_n(link, __ATOMIC_ACQUIRE);
}

WR_EXPORT void
weir_cmap_enter(void)
{
    wr_kit_epoch_enter();
}

WR_EXPORT void
weir_cmap_leave(void)
{
    wr_kit_epoch_leave();
}

WR_EXPORT void *
weir_cmap_get(weir_cmap *m, const void *key, size_t key_bytes)
{
    uint64_t hash = wr_kit_hash_key(key, key_bytes, m->seed);
    struct shard *s = shard_of(m, hash);
    const struct table *t;
    struct entry *e;
    void *value;

    wr_kit_epoch_enter();
    t = __atomic_load_n(&s->table, __ATOMIC_ACQUIRE);
    e = follow(&t->chain[hash & t->mask]);
    while (e != NULL && !is(e, hash, key, key_bytes))
        e = follow(&e->next[t->link]);
    value = e == NULL ? NULL : e->value;
    wr_kit_epoch_leave();
    return value;
}

WR_EXPORT void
weir_cmap_each(weir_cmap *m,
               bool (*each)(const void *key, size_t key_bytes, void *value,
                            void *arg),
               void *arg)
{
    bool more = true;

    wr_kit_epoch_enter();
    for (int i = 0; i < SHARDS && more; i++) {
        const struct table *t =
            __atomic_load_n(&m->shard[i].table, __ATOMIC_ACQUIRE);

        for (size_t c = 0; c <= t->mask && more; c++)
            for (struct entry *e = follow(&t->chain[c]); e != NULL && more;
                 e = follow(&e->next[t->link]))
                more = each(e->key, e->key_bytes, e->value, arg);
    }
    wr_kit_epoch_leave();
}

WR_EXPORT size_t
weir_cmap_count(weir_cmap *m)
{
    size_t count = 0;

    for (int i = 0; i < SHARDS; i++)
        count += __atomic_load_n(&m->shard[i].count, __ATOMIC_RELAXED);
    return count;
}

/* ---- changing, under the shard's lock ---- */

/* Release: the entry is whole before it is found. */
static void
set_link(struct entry **link, struct entry *e)
{
    __atomic_store_n(link, e, __ATOMIC_RELEASE);
}

static void
set_count(struct shard *s, size_t count)
{
    __atomic_store_n(&s->count, count, __ATOMIC_RELAXED);
}

static struct entry **
find(struct table *t, uint64_t hash, const void *key, size_t key_bytes)
{
    struct entry **link = &t->chain[hash & t->mask];

    while (*link != NULL && !is(*link, hash, key, key_bytes))
        link = &(*link)->next[t->link];
    return link;
}

static void
into_limbo(struct shard *s, struct entry *e)
{
    e->limbo = s->fresh.entries;
    s->fresh.entries = e;
    s->fresh.count++;
}

/* A table of twice the size; without memory, or with readers in the one before
 * this, the chains get longer for the time. */
static void
grow(weir_cmap *m, struct shard *s)
{
    struct table *old = s->table, *t;

    if (s->fresh.table != NULL || s->waiting.table != NULL)
        return;
    t = new_table(m, 2 * (old->mask + 1), !old->link);
    if (t == NULL)
        return;
    for (size_t c = 0; c <= old->mask; c++)
        for (struct entry *e = old->chain[c]; e != NULL;
             e = e->next[old->link]) {
            struct entry **chain = &t->chain[e->hash & t->mask];

            set_link(&e->next[t->link], *chain);
            *chain = e;
        }
    __atomic_store_n(&s->table, t, __ATOMIC_RELEASE);
    s->fresh.table = old;
}

/* What nobody can look at any more, taken out of the shard; every so many
 * changes, since asking for it takes some microseconds. */
static struct limbo
reclaim(struct shard *s)
{
    struct limbo gone = {0};
    uint64_t now, oldest;

    if (++s->changes < LIMBO)
        return gone;
    s->changes = 0;
    now = wr_kit_epoch_next();
    oldest = wr_kit_epoch_oldest();
    if (oldest >= s->waits_for) {
        gone = s->waiting;
        s->waiting = s->fresh;
        s->waits_for = now;
        s->fresh = (struct limbo){0};
    }
    return gone;
}

static struct entry *
new_entry(weir_cmap *m, uint64_t hash, const void *key, size_t key_bytes,
          void *value)
{
    struct entry *e =
        key_bytes > PTRDIFF_MAX - sizeof *e
            ? NULL
            : weir_alloc_resize(m->o.alloc, NULL, 0, sizeof *e + key_bytes);

    if (e == NULL)
        return NULL;
    *e = (struct entry){.hash = hash, .value = value, .key_bytes = key_bytes};
    wr_kit_copy_key(e->key, key, key_bytes);
    return e;
}

/* Put the entry where `link` leads, which is to one of its key or an end. */
static void
put_entry(weir_cmap *m, struct shard *s, struct entry **link, struct entry *e)
{
    struct table *t = s->table;
    struct entry *was = *link;

    if (was != NULL) {
        e->next[t->link] = was->next[t->link];
        set_link(link, e);
        into_limbo(s, was);
        return;
    }
    link = &t->chain[e->hash & t->mask];
    e->next[t->link] = *link;
    set_link(link, e);
    set_count(s, s->count + 1);
    if (s->count > t->mask)
        grow(m, s);
}

/* ---- the calls that change ---- */

static weir_err
put(weir_cmap *m, const void *key, size_t key_bytes, void *value, void **there)
{
    uint64_t hash = wr_kit_hash_key(key, key_bytes, m->seed);
    struct shard *s = shard_of(m, hash);
    struct limbo gone = {0};
    struct entry **link, *e;

    if (value == NULL)
        return WEIR_EINVAL;
    e = new_entry(m, hash, key, key_bytes, value);
    if (e == NULL)
        return WEIR_ENOMEM;
    wr_lock_take(&s->lock);
    link = find(s->table, hash, key, key_bytes);
    if (there != NULL)
        *there = *link == NULL ? NULL : (*link)->value;
    if (there == NULL || *there == NULL) {
        put_entry(m, s, link, e);
        gone = reclaim(s);
        e = NULL;
    }
    wr_lock_give(&s->lock);
    if (e != NULL)
        weir_alloc_resize(m->o.alloc, e, sizeof *e + key_bytes, 0);
    end_limbo(m, &gone);
    return WEIR_OK;
}

WR_EXPORT weir_err
weir_cmap_put(weir_cmap *m, const void *key, size_t key_bytes, void *value)
{
    return put(m, key, key_bytes, value, NULL);
}

WR_EXPORT weir_err
weir_cmap_put_new(weir_cmap *m, const void *key, size_t key_bytes, void *value,
                  void **there)
{
    return there == NULL ? WEIR_EINVAL : put(m, key, key_bytes, value, there);
}

WR_EXPORT bool
weir_cmap_delete(weir_cmap *m, const void *key, size_t key_bytes)
{
    uint64_t hash = wr_kit_hash_key(key, key_bytes, m->seed);
    struct shard *s = shard_of(m, hash);
    struct limbo gone;
    struct entry **link, *e;

    wr_lock_take(&s->lock);
    link = find(s->table, hash, key, key_bytes);
    e = *link;
    if (e != NULL) {
        set_link(link, e->next[s->table->link]);
        into_limbo(s, e);
        set_count(s, s->count - 1);
    }
    gone = reclaim(s);
    wr_lock_give(&s->lock);
    end_limbo(m, &gone);
    return e != NULL;
}

/* ---- the map ---- */

WR_EXPORT void
weir_cmap_free(weir_cmap *m)
{
    if (m == NULL)
        return;
    for (int i = 0; i < SHARDS; i++) {
        struct shard *s = &m->shard[i];
        struct table *t = s->table;

        for (size_t c = 0; t != NULL && c <= t->mask; c++)
            for (struct entry *e = t->chain[c], *next; e != NULL; e = next) {
                next = e->next[t->link];
                end_entry(m, e);
            }
        free_table(m, t);
        end_limbo(m, &s->waiting);
        end_limbo(m, &s->fresh);
    }
    weir_alloc_resize(NULL, m->block, 0, 0);
}

WR_EXPORT weir_err
weir_cmap_new(weir_cmap **out, const struct weir_cmap_options *o)
{
    weir_cmap *m;
    void *block;

    if (out == NULL || o == NULL)
        return WEIR_EINVAL;
    wr_kit_epoch_start();
    block = weir_alloc_resize(NULL, NULL, 0, sizeof *m + 64);
    if (block == NULL)
        return WEIR_ENOMEM;
    m = (void *)wr_align_up((uintptr_t)block, 64);
    memset(m, 0, sizeof *m);
    m->o = *o;
    m->block = block;
    m->seed = weir_hash_pointer(m, 3);
    for (int i = 0; i < SHARDS; i++)
        if ((m->shard[i].table = new_table(m, FIRST_CHAINS, 0)) == NULL) {
            weir_cmap_free(m);
            return WEIR_ENOMEM;
        }
    *out = m;
    return WEIR_OK;
}
