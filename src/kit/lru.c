/* Caches by age of use.
 *
 * 1. An item of the cache is in a slot of its shard's table, which is a map's;
 *    the slots in use are linked from the newest to the oldest by number; and
 *    it is counted in the shard's items and bytes. Off the cache it is in none,
 *    and lives as long as it is held.
 * 2. Holds are counted where they are taken, under the lock (taken), and where
 *    they end, without it (balance, down); when an item goes off the cache what
 *    was taken is added to the balance. So a hold costs one atomic step, before
 *    that the balance is never above 0, and who brings it to 0 from above, or
 *    finds it 0 when the item goes, calls `evicted` and frees the item.
 * 3. What goes is taken off under the lock onto a list of its own (by `next`),
 *    and ended after it.
 * 4. A full cache makes its new item of its oldest where that fits and nobody
 *    holds it: nothing is allocated, and no other memory is touched.
 * Lock order: kit/pressure.c's, one shard's (a leaf).
 */
#include <weir/lru.h>

#include <string.h>
#include <time.h>
#include <weir/map.h>

#include "base/base.h"
#include "kit/key.h"
#include "kit/meter.h"
#include "kit/pressure.h"
#include "os/lock.h"

/* With a key of a word it is one line of the processor's cache. */
struct weir_lru_item {
    union {
        uint64_t hash;
        weir_lru_item *next; /* off the cache, on the list of what goes */
    };
    uint64_t taken;  /* holds, ever: shard's lock */
    int64_t balance; /* atomic */
    void *value;
    uint64_t expires; /* ns; UINT64_MAX: never */
    size_t bytes;     /* that it counts as */
    size_t key_bytes;
    char key[];
};

/* Moving an item to the front writes to these alone. */
struct slot {
    weir_lru_item *item;
    uint32_t newer, older; /* slots' numbers, NONE at the ends */
};

struct shard {
    struct wr_lock lock; /* guards all of it */
    struct weir_map_table table;
    uint32_t newest, oldest; /* slots' numbers, NONE when it is empty */
    size_t items, bytes;
    struct weir_lru_stats stats;
    uint64_t calls, tell_at; /* calls at which the meter is told again */
    struct wr_kit_told told;
} __attribute__((aligned(64)));

struct weir_lru {
    struct wr_kit_shrinker shrinker;
    struct weir_lru_options o;
    size_t items, bytes; /* of a shard at most */
    unsigned shards;
    uint64_t seed;
    weir_meter *meter;
    struct shard *shard;
    void *block; /* that the shards lie in */
};

#define NONE UINT32_MAX

enum { SHARDS = 16, SHARDS_MAX = 256, FEW = 1024 };

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
        __atomic_sub_fetch(&item->balance, 1, __ATOMIC_ACQ_REL) == 0)
        end_item(l, item);
}

/* Does nobody? For an item of the cache, under the lock. */
static bool
unheld(const weir_lru_item *item)
{
    return (int64_t)item->taken +
               __atomic_load_n(&item->balance, __ATOMIC_ACQUIRE) ==
           0;
}

static void
end_list(weir_lru *l, weir_lru_item *item)
{
    while (item != NULL) {
        weir_lru_item *next = item->next;

        if (__atomic_add_fetch(&item->balance, (int64_t)item->taken,
                               __ATOMIC_ACQ_REL) == 0)
            end_item(l, item);
        item = next;
    }
}

WR_EXPORT void *
weir_lru_value(const weir_lru_item *item)
{
    return item->value;
}

/* ---- a shard, under its lock ---- */

static inline struct slot *
slots(const struct weir_map_table *t)
{
    return (void *)(t->tags + (t->mask + 1) * WEIR_MAP_GROUP);
}

static inline weir_lru_item *
oldest_of(const struct shard *s)
{
    return slots(&s->table)[s->oldest].item;
}

static inline bool
is_it(const weir_lru_item *item, uint64_t hash, const void *key,
      size_t key_bytes)
{
    return item->hash == hash && item->key_bytes == key_bytes &&
           wr_kit_same_key(item->key, key, key_bytes);
}

/* The number of the slot with this key; NONE: there is none. */
static inline uint32_t
find(const struct weir_map_table *t, uint64_t hash, const void *key,
     size_t key_bytes)
{
    size_t group = (hash >> 7) & t->mask;

    for (size_t step = 1; t->tags != NULL; group = (group + step++) & t->mask) {
        const uint8_t *tags = t->tags + group * WEIR_MAP_GROUP;
        unsigned hits = weir_map_with(tags, (uint8_t)(hash & 127));

        for (; hits != 0; hits &= hits - 1) {
            size_t i = group * WEIR_MAP_GROUP + (unsigned)__builtin_ctz(hits);

            if (is_it(slots(t)[i].item, hash, key, key_bytes))
                return (uint32_t)i;
        }
        if (weir_map_with(tags, WEIR_MAP_EMPTY) != 0)
            break;
    }
    return NONE;
}

static inline void
list_remove(struct shard *s, uint32_t i)
{
    struct slot *all = slots(&s->table);

    *(all[i].newer != NONE ? &all[all[i].newer].older : &s->newest) =
        all[i].older;
    *(all[i].older != NONE ? &all[all[i].older].newer : &s->oldest) =
        all[i].newer;
}

static inline void
list_add(struct shard *s, uint32_t i)
{
    struct slot *all = slots(&s->table);

    all[i].newer = NONE;
    all[i].older = s->newest;
    *(s->newest != NONE ? &all[s->newest].newer : &s->oldest) = i;
    s->newest = i;
}

/* Into a slot; there is one. */
static inline void
place(struct shard *s, weir_lru_item *item)
{
    uint32_t i = (uint32_t)weir_map_claim(&s->table, item->hash);

    slots(&s->table)[i].item = item;
    list_add(s, i);
}

/* Room for one more in the table: a new one where it is full, of items and of
 * what was removed. */
static bool
reserve(struct shard *s, const weir_alloc *alloc)
{
    struct weir_map_table from = s->table, to = from;
    uint32_t i = s->oldest;

    if (wr_likely(from.left > 0))
        return true;
    if (s->items >= NONE / 4 ||
        weir_map_make(&to, s->items + s->items / 3 + 1, sizeof(struct slot),
                      alloc) != WEIR_OK)
        return false;
    s->table = to;
    s->newest = s->oldest = NONE;
    for (; i != NONE; i = slots(&from)[i].newer)
        place(s, slots(&from)[i].item);
    weir_map_drop(&from, sizeof(struct slot), alloc);
    return true;
}

/* Off the cache. */
static weir_lru_item *
remove_at(struct shard *s, uint32_t i)
{
    weir_lru_item *item = slots(&s->table)[i].item;

    weir_map_release(&s->table, i);
    list_remove(s, i);
    s->items--;
    s->bytes -= item->bytes;
    return item;
}

/* Onto the list of what goes. */
static void
put_on(weir_lru_item **gone, weir_lru_item *item)
{
    item->next = *gone;
    *gone = item;
}

/* There is room for it. */
static void
add(struct shard *s, weir_lru_item *item)
{
    place(s, item);
    s->items++;
    s->bytes += item->bytes;
}

static WR_COLD void
tell(const weir_lru *l, struct shard *s)
{
    s->tell_at = wr_kit_tell_at(s->calls);
    wr_kit_tell(l->meter, &s->told, WEIR_METER_HITS, s->stats.hits);
    wr_kit_tell(l->meter, &s->told, WEIR_METER_MISSES, s->stats.misses);
    wr_kit_tell(l->meter, &s->told, WEIR_METER_DROPPED, s->stats.evicted);
    wr_kit_tell(l->meter, &s->told, WEIR_METER_EXPIRED, s->stats.expired);
    wr_kit_tell(l->meter, &s->told, WEIR_METER_SHRUNK, s->stats.shrunk);
    wr_kit_tell(l->meter, &s->told, WEIR_METER_ITEMS, s->items);
    wr_kit_tell(l->meter, &s->told, WEIR_METER_BYTES, s->bytes);
}

/* A call is over: its lock is given back. */
static inline void
leave(const weir_lru *l, struct shard *s)
{
    if (wr_unlikely(++s->calls >= s->tell_at))
        tell(l, s);
    wr_lock_give(&s->lock);
}

/* ---- the calls ---- */

WR_EXPORT weir_lru_item *
weir_lru_get(weir_lru *l, const void *key, size_t key_bytes)
{
    uint64_t hash = wr_kit_hash_key(key, key_bytes, l->seed), time = now(l);
    struct shard *s = shard_of(l, hash);
    weir_lru_item *item = NULL, *gone = NULL;
    uint32_t at;

    wr_lock_take(&s->lock);
    at = find(&s->table, hash, key, key_bytes);
    if (at != NONE)
        item = slots(&s->table)[at].item;
    if (item != NULL && time >= item->expires) {
        s->stats.expired++;
        put_on(&gone, remove_at(s, at));
        item = NULL;
    }
    if (item != NULL) {
        item->taken++;
        if (s->newest != at) {
            list_remove(s, at);
            list_add(s, at);
        }
        s->stats.hits++;
    } else {
        s->stats.misses++;
    }
    leave(l, s);
    end_list(l, gone);
    return item;
}

/* What is to be put. */
struct put {
    uint64_t hash, expires;
    const void *key;
    size_t key_bytes;
    void *value;
    size_t bytes; /* that it counts as */
};

static void
fill(weir_lru_item *item, const struct put *p)
{
    item->hash = p->hash;
    item->taken = 1; /* by who puts it */
    item->balance = 0;
    item->value = p->value;
    item->expires = p->expires;
    item->bytes = p->bytes;
    item->key_bytes = p->key_bytes;
    wr_kit_copy_key(item->key, p->key, p->key_bytes);
}

/* Is the cache full, and would the new item fit into the oldest one's place,
 * which nobody holds? */
static bool
fits_oldest(const weir_lru *l, const struct shard *s, const struct put *p)
{
    return s->items != 0 &&
           (s->items >= l->items || s->bytes + p->bytes > l->bytes) &&
           oldest_of(s)->key_bytes == p->key_bytes &&
           s->bytes - oldest_of(s)->bytes + p->bytes <= l->bytes &&
           unheld(oldest_of(s));
}

/* In the oldest one's place: the item, and that one's value; NULL: it has to be
 * a new one. Under the lock. */
static weir_lru_item *
put_in_place(weir_lru *l, struct shard *s, const struct put *p, void **old)
{
    weir_lru_item *item;

    if (!fits_oldest(l, s, p) || s->table.left == 0 ||
        find(&s->table, p->hash, p->key, p->key_bytes) != NONE)
        return NULL;
    item = remove_at(s, s->oldest);
    s->stats.evicted++;
    *old = item->value;
    fill(item, p);
    add(s, item);
    return item;
}

/* Does it work? Under the lock. */
static bool
put_new(weir_lru *l, struct shard *s, weir_lru_item *item, weir_lru_item **gone)
{
    uint32_t at;

    if (!reserve(s, l->o.alloc))
        return false;
    at = find(&s->table, item->hash, item->key, item->key_bytes);
    if (at != NONE)
        put_on(gone, remove_at(s, at));
    while (s->items != 0 &&
           (s->items >= l->items || s->bytes + item->bytes > l->bytes)) {
        put_on(gone, remove_at(s, s->oldest));
        s->stats.evicted++;
    }
    add(s, item);
    return true;
}

static weir_lru_item *
put_slowly(weir_lru *l, struct shard *s, const struct put *p)
{
    size_t bytes = sizeof(weir_lru_item) + p->key_bytes;
    weir_lru_item *item = weir_alloc_resize(l->o.alloc, NULL, 0, bytes);
    weir_lru_item *gone = NULL;
    bool done;

    if (item == NULL)
        return NULL;
    fill(item, p);
    wr_lock_take(&s->lock);
    done = put_new(l, s, item, &gone);
    leave(l, s);
    if (!done) {
        weir_alloc_resize(l->o.alloc, item, bytes, 0);
        return NULL;
    }
    end_list(l, gone);
    return item;
}

WR_EXPORT weir_lru_item *
weir_lru_put(weir_lru *l, const void *key, size_t key_bytes, void *value,
             size_t value_bytes)
{
    struct put p = {.hash = wr_kit_hash_key(key, key_bytes, l->seed),
                    .key = key,
                    .key_bytes = key_bytes,
                    .value = value};
    struct shard *s = shard_of(l, p.hash);
    weir_lru_item *item;
    void *old = NULL;

    if (key_bytes > SIZE_MAX / 4)
        return NULL;
    p.bytes = sizeof *item + key_bytes + wr_min(value_bytes, SIZE_MAX / 4);
    if (l->o.ttl_ns == 0 ||
        __builtin_add_overflow(now(l), l->o.ttl_ns, &p.expires))
        p.expires = UINT64_MAX;
    wr_lock_take(&s->lock);
    item = put_in_place(l, s, &p, &old);
    leave(l, s);
    if (item == NULL)
        return put_slowly(l, s, &p);
    if (l->o.evicted != NULL)
        l->o.evicted(old, l->o.arg);
    return item;
}

WR_EXPORT bool
weir_lru_delete(weir_lru *l, const void *key, size_t key_bytes)
{
    uint64_t hash = wr_kit_hash_key(key, key_bytes, l->seed);
    struct shard *s = shard_of(l, hash);
    weir_lru_item *gone = NULL;
    uint32_t at;

    wr_lock_take(&s->lock);
    at = find(&s->table, hash, key, key_bytes);
    if (at != NONE)
        put_on(&gone, remove_at(s, at));
    leave(l, s);
    end_list(l, gone);
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
    while (s->oldest != NONE && given < bytes) {
        given += oldest_of(s)->bytes;
        put_on(&gone, remove_at(s, s->oldest));
        s->stats.shrunk++;
    }
    tell(l, s);
    wr_lock_give(&s->lock);
    end_list(l, gone);
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
    for (unsigned i = 0; i < l->shards; i++)
        l->shard[i].newest = l->shard[i].oldest = NONE;
    return true;
}

/* The last that the meter hears: what is held goes, and is not shrunk. */
static void
end_meter(weir_lru *l)
{
    for (unsigned i = 0; l->block != NULL && i < l->shards; i++) {
        struct shard *s = &l->shard[i];

        tell(l, s);
        wr_kit_tell(l->meter, &s->told, WEIR_METER_ITEMS, 0);
        wr_kit_tell(l->meter, &s->told, WEIR_METER_BYTES, 0);
    }
    l->meter = NULL;
}

static void
free_all(weir_lru *l)
{
    end_meter(l);
    for (unsigned i = 0; l->block != NULL && i < l->shards; i++) {
        struct shard *s = &l->shard[i];

        shrink_shard(l, s, UINT64_MAX, 0);
        weir_map_drop(&s->table, sizeof(struct slot), l->o.alloc);
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
                    .meter = weir_meter_of(WEIR_METER_CACHE, o->name),
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
