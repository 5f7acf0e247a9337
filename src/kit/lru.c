/* Caches by age of use.
 *
 * 1. An item of the cache is in its shard's chain and in its list, the newest
 *    first, and counted in the shard's items and bytes; the cache holds it.
 *    Off the cache it is in none, and lives as long as somebody else holds it.
 * 2. holds counts the cache and everybody else. Who takes it to 0 calls
 *    `evicted` and frees the item, without a lock.
 * 3. What goes is taken off under the lock onto a list of its own (by `older`),
 *    and released after it.
 * Lock order: kit/pressure.c's, one shard's (a leaf).
 */
#include <weir/lru.h>

#include <string.h>
#include <time.h>

#include "base/base.h"
#include "kit/key.h"
#include "kit/pressure.h"
#include "os/lock.h"

struct weir_lru_item {
    weir_lru_item *chain;         /* shard's lock */
    weir_lru_item *newer, *older; /* shard's lock */
    uint64_t hash;
    uint64_t expires; /* ns; UINT64_MAX: never */
    void *value;
    size_t bytes; /* that it counts as */
    uint32_t key_bytes;
    uint32_t holds; /* atomic */
    char key[];
};

struct shard {
    struct wr_lock lock; /* guards all of it */
    weir_lru_item **chains;
    size_t mask; /* chains - 1 */
    weir_lru_item *newest, *oldest;
    size_t items, bytes;
    struct weir_lru_stats stats;
} __attribute__((aligned(64)));

struct weir_lru {
    struct wr_kit_shrinker shrinker;
    struct weir_lru_options o;
    size_t items, bytes; /* of a shard at most */
    unsigned shards;
    uint64_t seed;
    struct shard *shard;
    void *block; /* that the shards lie in */
};

enum { FIRST_CHAINS = 16, SHARDS = 16, SHARDS_MAX = 256, FEW = 1024 };

static uint64_t
now(const weir_lru *l)
{
    struct timespec t;

    if (l->o.ttl_ns == 0)
        return 0;
    if (l->o.now != NULL)
        return l->o.now(l->o.arg);
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct shard *
shard_of(weir_lru *l, uint64_t hash)
{
    return &l->shard[hash >> 56 & (l->shards - 1)];
}

/* ---- holding ---- */

static void
end_item(weir_lru *l, weir_lru_item *item)
{
    if (l->o.evicted != NULL)
        l->o.evicted(item->value, l->o.arg);
    weir_alloc_resize(l->o.alloc, item, sizeof *item + item->key_bytes, 0);
}

WR_EXPORT void
weir_lru_release(weir_lru *l, weir_lru_item *item)
{
    if (item != NULL &&
        __atomic_fetch_sub(&item->holds, 1, __ATOMIC_ACQ_REL) == 1)
        end_item(l, item);
}

static void
release_list(weir_lru *l, weir_lru_item *item)
{
    while (item != NULL) {
        weir_lru_item *older = item->older;

        weir_lru_release(l, item);
        item = older;
    }
}

WR_EXPORT void *
weir_lru_value(const weir_lru_item *item)
{
    return item->value;
}

/* ---- a shard, under its lock ---- */

/* The link to the item with this key, or to NULL at the chain's end. */
static weir_lru_item **
find(struct shard *s, uint64_t hash, const void *key, size_t key_bytes)
{
    weir_lru_item **link = &s->chains[hash & s->mask], *item;

    while ((item = *link) != NULL &&
           (item->hash != hash || item->key_bytes != key_bytes ||
            !wr_kit_same_key(item->key, key, key_bytes)))
        link = &item->chain;
    return link;
}

static void
list_remove(struct shard *s, weir_lru_item *item)
{
    *(item->newer != NULL ? &item->newer->older : &s->newest) = item->older;
    *(item->older != NULL ? &item->older->newer : &s->oldest) = item->newer;
}

static void
list_add(struct shard *s, weir_lru_item *item)
{
    item->newer = NULL;
    item->older = s->newest;
    *(s->newest != NULL ? &s->newest->newer : &s->oldest) = item;
    s->newest = item;
}

/* Off the cache, onto the list of what goes. */
static void
remove_at(struct shard *s, weir_lru_item **link, weir_lru_item **gone)
{
    weir_lru_item *item = *link;

    *link = item->chain;
    list_remove(s, item);
    s->items--;
    s->bytes -= item->bytes;
    item->older = *gone;
    *gone = item;
}

static void
remove_oldest(struct shard *s, weir_lru_item **gone)
{
    weir_lru_item **link = &s->chains[s->oldest->hash & s->mask];

    while (*link != s->oldest)
        link = &(*link)->chain;
    remove_at(s, link, gone);
}

/* Twice as many chains when there is an item for each; without memory the
 * chains get longer instead. */
static void
grow(struct shard *s, const weir_alloc *alloc)
{
    size_t old = s->mask + 1, n = 2 * old;
    weir_lru_item **chains =
        weir_alloc_resize(alloc, NULL, 0, n * sizeof(void *));

    if (chains == NULL)
        return;
    memset(chains, 0, n * sizeof(void *));
    for (weir_lru_item *i = s->oldest; i != NULL; i = i->newer) {
        i->chain = chains[i->hash & (n - 1)];
        chains[i->hash & (n - 1)] = i;
    }
    weir_alloc_resize(alloc, s->chains, old * sizeof(void *), 0);
    s->chains = chains;
    s->mask = n - 1;
}

static void
add(const weir_lru *l, struct shard *s, weir_lru_item *item)
{
    weir_lru_item **chain;

    if (s->items > s->mask)
        grow(s, l->o.alloc);
    chain = &s->chains[item->hash & s->mask];
    item->chain = *chain;
    *chain = item;
    list_add(s, item);
    s->items++;
    s->bytes += item->bytes;
}

/* ---- the calls ---- */

WR_EXPORT weir_lru_item *
weir_lru_get(weir_lru *l, const void *key, size_t key_bytes)
{
    uint64_t hash = wr_kit_hash_key(key, key_bytes, l->seed), time = now(l);
    struct shard *s = shard_of(l, hash);
    weir_lru_item **link, *item, *gone = NULL;

    wr_lock_take(&s->lock);
    link = find(s, hash, key, key_bytes);
    item = *link;
    if (item != NULL && time >= item->expires) {
        s->stats.expired++;
        remove_at(s, link, &gone);
        item = NULL;
    }
    if (item != NULL) {
        __atomic_fetch_add(&item->holds, 1, __ATOMIC_RELAXED);
        if (s->newest != item) {
            list_remove(s, item);
            list_add(s, item);
        }
        s->stats.hits++;
    } else {
        s->stats.misses++;
    }
    wr_lock_give(&s->lock);
    release_list(l, gone);
    return item;
}

static weir_lru_item *
new_item(weir_lru *l, uint64_t hash, const void *key, size_t key_bytes,
         size_t value_bytes)
{
    size_t bytes = sizeof(weir_lru_item) + key_bytes;
    uint64_t time = now(l);
    weir_lru_item *item;

    if (key_bytes > UINT32_MAX)
        return NULL;
    item = weir_alloc_resize(l->o.alloc, NULL, 0, bytes);
    if (item == NULL)
        return NULL;
    *item = (weir_lru_item){.hash = hash,
                            .key_bytes = (uint32_t)key_bytes,
                            .holds = 2}; /* the cache and the caller */
    item->bytes = bytes + wr_min(value_bytes, SIZE_MAX / 4);
    if (l->o.ttl_ns == 0 ||
        __builtin_add_overflow(time, l->o.ttl_ns, &item->expires))
        item->expires = UINT64_MAX;
    wr_kit_copy_key(item->key, key, key_bytes);
    return item;
}

WR_EXPORT weir_lru_item *
weir_lru_put(weir_lru *l, const void *key, size_t key_bytes, void *value,
             size_t value_bytes)
{
    uint64_t hash = wr_kit_hash_key(key, key_bytes, l->seed);
    weir_lru_item *item = new_item(l, hash, key, key_bytes, value_bytes);
    weir_lru_item **link, *gone = NULL;
    struct shard *s = shard_of(l, hash);

    if (item == NULL)
        return NULL;
    item->value = value;
    wr_lock_take(&s->lock);
    link = find(s, hash, key, key_bytes);
    if (*link != NULL)
        remove_at(s, link, &gone);
    while (s->items != 0 &&
           (s->items >= l->items || s->bytes + item->bytes > l->bytes)) {
        remove_oldest(s, &gone);
        s->stats.evicted++;
    }
    add(l, s, item);
    wr_lock_give(&s->lock);
    release_list(l, gone);
    return item;
}

WR_EXPORT bool
weir_lru_delete(weir_lru *l, const void *key, size_t key_bytes)
{
    uint64_t hash = wr_kit_hash_key(key, key_bytes, l->seed);
    struct shard *s = shard_of(l, hash);
    weir_lru_item **link, *gone = NULL;

    wr_lock_take(&s->lock);
    link = find(s, hash, key, key_bytes);
    if (*link != NULL)
        remove_at(s, link, &gone);
    wr_lock_give(&s->lock);
    release_list(l, gone);
    return gone != NULL;
}

/* ---- giving back ---- */

/* So many bytes of it; or, where the cache holds `of`, its share of them. */
static uint64_t
shrink_shard(weir_lru *l, struct shard *s, uint64_t bytes, uint64_t of)
{
    weir_lru_item *gone = NULL;
    uint64_t given = 0;

    wr_lock_take(&s->lock);
    if (of != 0)
        bytes = wr_min(
            bytes,
            (uint64_t)((double)bytes * (double)s->bytes / (double)of) + 1);
    while (s->oldest != NULL && given < bytes) {
        given += s->oldest->bytes;
        remove_oldest(s, &gone);
        s->stats.shrunk++;
    }
    wr_lock_give(&s->lock);
    release_list(l, gone);
    return given;
}

/* From each shard its share of what is held, so that all keep their newest. */
WR_EXPORT uint64_t
weir_lru_shrink(weir_lru *l, uint64_t bytes)
{
    struct weir_lru_stats all;
    uint64_t given = 0;

    weir_lru_read(l, &all);
    bytes = wr_min(bytes, all.bytes);
    for (unsigned i = 0; i < l->shards && given < bytes; i++)
        given += shrink_shard(l, &l->shard[i], bytes, all.bytes);
    return given;
}

static void
shrink(struct wr_kit_shrinker *shrinker, enum weir_pressure_level level,
       uint64_t *wanted)
{
    uint64_t given;

    if (level == WEIR_PRESSURE_NONE)
        return; /* a collector's cycle: what is cached is in use */
    given = weir_lru_shrink((weir_lru *)shrinker, *wanted);
    *wanted -= wr_min(given, *wanted);
}

/* ---- the cache ---- */

static bool
make_shards(weir_lru *l)
{
    size_t bytes = l->shards * sizeof *l->shard + 64;

    l->block = weir_alloc_resize(NULL, NULL, 0, bytes);
    if (l->block == NULL)
        return false;
    memset(l->block, 0, bytes);
    l->shard = (void *)wr_align_up((uintptr_t)l->block, 64);
    for (unsigned i = 0; i < l->shards; i++) {
        l->shard[i].chains = weir_alloc_resize(l->o.alloc, NULL, 0,
                                               FIRST_CHAINS * sizeof(void *));
        if (l->shard[i].chains == NULL)
            return false;
        memset(l->shard[i].chains, 0, FIRST_CHAINS * sizeof(void *));
        l->shard[i].mask = FIRST_CHAINS - 1;
    }
    return true;
}

static void
free_all(weir_lru *l)
{
    for (unsigned i = 0; l->block != NULL && i < l->shards; i++) {
        struct shard *s = &l->shard[i];

        shrink_shard(l, s, UINT64_MAX, 0);
        if (s->chains != NULL)
            weir_alloc_resize(l->o.alloc, s->chains,
                              (s->mask + 1) * sizeof(void *), 0);
    }
    weir_alloc_resize(NULL, l->block, 0, 0);
    weir_alloc_resize(NULL, l, 0, 0);
}

/* Of a bound for all: a shard's part, rounded up; no bound stays none. */
static size_t
part_of(size_t bound, unsigned shards)
{
    return bound == 0 ? SIZE_MAX / 2 : (bound - 1) / shards + 1;
}

WR_EXPORT weir_err
weir_lru_new(weir_lru **out, const struct weir_lru_options *o)
{
    unsigned shards;
    weir_lru *l;

    if (out == NULL || o == NULL || o->shards > SHARDS_MAX ||
        (o->shards & (o->shards - 1)) != 0)
        return WEIR_EINVAL;
    shards = o->shards != 0                     ? o->shards
             : o->items != 0 && o->items <= FEW ? 1
                                                : SHARDS;
    l = weir_alloc_resize(NULL, NULL, 0, sizeof *l);
    if (l == NULL)
        return WEIR_ENOMEM;
    *l = (weir_lru){.o = *o,
                    .shards = shards,
                    .items = part_of(o->items, shards),
                    .bytes = part_of(o->bytes, shards),
                    .seed = weir_hash_pointer(l, 1),
                    .shrinker.shrink = shrink};
    if (!make_shards(l)) {
        free_all(l);
        return WEIR_ENOMEM;
    }
    wr_kit_shrinker_add(&l->shrinker);
    *out = l;
    return WEIR_OK;
}

WR_EXPORT void
weir_lru_free(weir_lru *l)
{
    if (l == NULL)
        return;
    wr_kit_shrinker_remove(&l->shrinker);
    free_all(l);
}

WR_EXPORT void
weir_lru_read(weir_lru *l, struct weir_lru_stats *out)
{
    *out = (struct weir_lru_stats){0};
    for (unsigned i = 0; i < l->shards; i++) {
        struct shard *s = &l->shard[i];

        wr_lock_take(&s->lock);
        out->hits += s->stats.hits;
        out->misses += s->stats.misses;
        out->evicted += s->stats.evicted;
        out->expired += s->stats.expired;
        out->shrunk += s->stats.shrunk;
        out->items += s->items;
        out->bytes += s->bytes;
        wr_lock_give(&s->lock);
    }
}
