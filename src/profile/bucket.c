/* Invariants
 * 1. An index entry is 0 or (hash << 32 | number); once set it stays. It is
 *    stored after the record it leads to is whole, so a look-up needs no
 *    lock; what it misses for an instant is looked up again under the lock.
 * 2. The indices are private to the process (a forked child has its copy)
 *    and at most three quarters full.
 * 3. A stack recorded before a module it runs through was unloaded does not
 *    match any more: the same addresses may be other code now.
 */
#include "profile/bucket.h"

#include <string.h>

#include "base/base.h"
#include "os/alone.h"
#include "os/os.h"
#include "profile/module.h"
#include "region/counters.h"
#include "region/read.h"
#include "region/region.h"

enum { INDEX_SLOTS = 65536, INDEX_MOST = INDEX_SLOTS / 4 * 3 };

struct index {
    _Atomic uint64_t *slot;
    uint32_t used; /* guard: wr_bucket_lock */
};

struct wr_lock wr_bucket_lock = WR_LOCK_INIT;

static struct index stacks, buckets;
static bool started; /* both indices and bucket 0 are there */

bool
wr_bucket_start(void)
{
    size_t bytes = INDEX_SLOTS * sizeof(uint64_t);
    struct wr_bucket *other;

    if (wr_region == NULL)
        return false;
    stacks.slot = wr_os_map(bytes);
    buckets.slot = wr_os_map(bytes);
    if (stacks.slot == NULL || buckets.slot == NULL)
        return false;
    other = wr_region_new_bucket();
    if (other == NULL)
        return false;
    other->rate = wr_region->sample_rate;
    wr_region_publish(WR_TABLE_BUCKETS, 1);
    started = true;
    return true;
}

static uint64_t
entry_of(uint64_t hash, uint32_t number)
{
    return hash << 32 | number;
}

/* Does entry number i of a table fit the key? */
typedef bool (*match_fn)(uint32_t number, const void *key);

/* The number found, or 0; *at: where it is, or would be put. */
static uint32_t
look_up(struct index *index, uint64_t hash, match_fn match, const void *key,
        uint32_t *at)
{
    uint32_t i = (uint32_t)(hash >> 32) % INDEX_SLOTS;
    uint64_t entry;

    for (;; i = (i + 1) % INDEX_SLOTS) {
        entry = atomic_load_explicit(&index->slot[i], memory_order_acquire);
        if (entry == 0)
            break;
        if (entry >> 32 == (hash & UINT32_MAX) && match((uint32_t)entry, key)) {
            *at = i;
            return (uint32_t)entry;
        }
    }
    *at = i;
    return 0;
}

static void
remember(struct index *index, uint32_t at, uint64_t hash, uint32_t number)
{
    WR_ASSERT(wr_lock_held(&wr_bucket_lock));
    atomic_store_explicit(&index->slot[at], entry_of(hash, number),
                          memory_order_release);
    index->used++;
}

/* ---- stacks ---- */

struct stack_key {
    const uintptr_t *pc;
    size_t n;
};

static struct wr_stack *
stack_at(uint32_t number)
{
    return wr_region_entry(WR_TABLE_STACKS, number);
}

static bool
same_stack(uint32_t number, const void *arg)
{
    const struct stack_key *key = arg;
    const struct wr_stack *s = stack_at(number);

    return s->frames == key->n &&
           memcmp(s->pc, key->pc, key->n * sizeof *key->pc) == 0 &&
           wr_module_unchanged(key->pc, key->n, s->unloads);
}

/* Write down a stack that is not in the table. Both locks held. */
static uint32_t
write_stack(const struct stack_key *key, uint64_t hash, uint32_t at)
{
    struct wr_stack *s;
    uint32_t number;

    if (stacks.used >= INDEX_MOST)
        return 0;
    s = wr_region_new_stack((uint32_t)key->n, &number);
    if (s == NULL)
        return 0;
    s->hash = hash;
    s->frames = (uint32_t)key->n;
    s->unloads = (uint32_t)wr_count_get(unloads);
    for (size_t i = 0; i < key->n; i++)
        s->pc[i] = key->pc[i];
    wr_region_publish(WR_TABLE_STACKS, number + sizeof *s / 8 + key->n);
    remember(&stacks, at, hash, number);
    return number;
}

static uint32_t
new_stack(const struct stack_key *key, uint64_t hash, uint32_t at)
{
    uint32_t number;

    wr_lock_take(&wr_region_lock);
    number = write_stack(key, hash, at);
    wr_lock_give(&wr_region_lock);
    return number;
}

static uint32_t
find_stack(const uintptr_t *pc, size_t n, uint64_t hash)
{
    struct stack_key key = {pc, n};
    uint32_t at, number = look_up(&stacks, hash, same_stack, &key, &at);

    if (number != 0)
        return number;
    wr_module_note(pc, n);
    wr_lock_take(&wr_bucket_lock);
    number = look_up(&stacks, hash, same_stack, &key, &at);
    if (number == 0)
        number = new_stack(&key, hash, at);
    wr_lock_give(&wr_bucket_lock);
    return number;
}

uint32_t
wr_stack_find_hashed(const uintptr_t *pc, size_t n, uint64_t hash)
{
    if (!started || wr_region == NULL || n == 0)
        return 0;
    return find_stack(pc, n, hash);
}

uint32_t
wr_stack_find(const uintptr_t *pc, size_t n)
{
    return wr_stack_find_hashed(pc, n, wr_stack_hash(pc, n));
}

uint32_t
wr_stack_try_find(const uintptr_t *pc, size_t n)
{
    struct stack_key key = {pc, n};
    uint64_t hash = wr_stack_hash(pc, n);
    uint32_t at, number;

    if (!started || wr_region == NULL || n == 0)
        return 0;
    number = look_up(&stacks, hash, same_stack, &key, &at);
    if (number != 0)
        return number;
    wr_module_try_note(pc, n);
    if (!wr_lock_try_long(&wr_bucket_lock))
        return 0;
    number = look_up(&stacks, hash, same_stack, &key, &at);
    if (number == 0 && wr_lock_try_long(&wr_region_lock)) {
        number = write_stack(&key, hash, at);
        wr_lock_give(&wr_region_lock);
    }
    wr_lock_give(&wr_bucket_lock);
    return number;
}

bool
wr_stack_stands(uint32_t number, const uintptr_t *pc, size_t n)
{
    return wr_region != NULL &&
           wr_module_unchanged(pc, n, stack_at(number)->unloads);
}

/* ---- buckets ---- */

struct bucket_key {
    uint32_t stack;
    uint64_t bytes, rate;
};

static struct wr_bucket *
bucket_at(uint32_t number)
{
    return wr_region_entry(WR_TABLE_BUCKETS, number);
}

static bool
same_bucket(uint32_t number, const void *arg)
{
    const struct bucket_key *key = arg;
    const struct wr_bucket *b = bucket_at(number);

    return b->stack == key->stack && b->size == key->bytes &&
           b->rate == key->rate;
}

static uint64_t
stands_for(uint64_t bytes, uint64_t rate)
{
    return (uint64_t)((double)bytes * wr_sample_weight(bytes, rate) + 0.5);
}

/* Lock held. */
static uint32_t
new_bucket(const struct bucket_key *key, uint64_t hash, uint32_t at)
{
    struct wr_bucket *b;
    uint32_t number;

    if (buckets.used >= INDEX_MOST)
        return 0;
    wr_lock_take(&wr_region_lock);
    number = (uint32_t)wr_region_used(WR_TABLE_BUCKETS);
    b = wr_region_new_bucket();
    if (b != NULL) {
        b->stack = key->stack;
        b->size = key->bytes;
        b->rate = key->rate;
        b->stands_for = stands_for(key->bytes, key->rate);
        wr_region_publish(WR_TABLE_BUCKETS, number + 1);
    }
    wr_lock_give(&wr_region_lock);
    if (b == NULL)
        return 0;
    remember(&buckets, at, hash, number);
    return number;
}

uint32_t
wr_bucket_find(uint32_t stack, uint64_t bytes, uint64_t rate)
{
    struct bucket_key key = {stack, bytes, rate};
    uint64_t hash;
    uint32_t at, number;

    if (key.stack == 0)
        return 0;
    hash = wr_stack_hash_add(wr_stack_hash_add(stack, bytes), rate);
    number = look_up(&buckets, hash, same_bucket, &key, &at);
    if (number != 0)
        return number;
    wr_lock_take(&wr_bucket_lock);
    number = look_up(&buckets, hash, same_bucket, &key, &at);
    if (number == 0)
        number = new_bucket(&key, hash, at);
    wr_lock_give(&wr_bucket_lock);
    return number;
}

uint64_t
wr_bucket_stands_for(uint32_t bucket, uint64_t bytes, uint64_t rate)
{
    return bucket != 0 && wr_region != NULL ? bucket_at(bucket)->stands_for
                                            : stands_for(bytes, rate);
}

void
wr_bucket_add_alloc(uint32_t bucket, uint64_t bytes)
{
    if (wr_region == NULL)
        return;
    wr_region_add_alloc(bucket, bytes);
    wr_alone_add(&wr_counters->samples, 1);
    if (bucket == 0)
        wr_count_add(samples_lost, 1);
}

void
wr_bucket_add_free(uint32_t bucket, uint64_t bytes, uint64_t age_ns)
{
    if (wr_region == NULL)
        return;
    wr_region_add_free(bucket, bytes);
    wr_region_add_died(bucket, age_ns);
    wr_alone_add(&wr_counters->sample_frees, 1);
}

void
wr_bucket_add_lost(uint32_t bucket)
{
    if (wr_region != NULL)
        wr_region_add_lost(bucket);
}

size_t
wr_bucket_stack(uint32_t bucket, uintptr_t *pc, size_t max)
{
    const struct wr_stack *s;
    uint32_t number;
    size_t n;

    if (wr_region == NULL || bucket >= wr_region_used(WR_TABLE_BUCKETS))
        return 0;
    number = bucket_at(bucket)->stack;
    if (number == 0)
        return 0;
    s = stack_at(number);
    n = wr_min(s->frames, max);
    memcpy(pc, s->pc, n * sizeof *pc);
    return n;
}
