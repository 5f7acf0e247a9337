/* Tables of many small blocks that change all the time: a cache that drops
 * what was used least recently, and a hash map with text as keys. */
#include <string.h>

#include "heap.h"
#include "work.h"

/* ---- LRU ---- */

struct entry {
    struct entry *chain, *older, *newer;
    uint64_t key;
    char *value;
};
TYPE(entry, chain, older, newer, value)

struct cache {
    struct entry **bucket;
    uint64_t mask, used, most;
    struct entry ends; /* newer: the oldest; older: the newest */
};
TYPE(cache, bucket, ends.older, ends.newer)

static uint64_t
power_from(uint64_t n)
{
    uint64_t power = 1;

    while (power < n)
        power *= 2;
    return power;
}

static uint64_t
hash_of(uint64_t key)
{
    key *= UINT64_C(0x9e3779b97f4a7c15);
    return key ^ key >> 32;
}

static struct entry **
place(struct cache *c, uint64_t key)
{
    struct entry **at = &c->bucket[hash_of(key) & c->mask];

    while (*at != NULL && (*at)->key != key)
        at = &(*at)->chain;
    return at;
}

static void
unlink_entry(struct entry *e)
{
    e->older->newer = e->newer;
    e->newer->older = e->older;
}

static void
link_newest(struct cache *c, struct entry *e)
{
    e->newer = &c->ends;
    e->older = c->ends.older;
    e->older->newer = e;
    c->ends.older = e;
}

static void
evict(struct cache *c, struct entry *e)
{
    struct entry **at = place(c, e->key);

    *at = e->chain;
    unlink_entry(e);
    DROP(e->value);
    DROP(e);
    c->used--;
}

static void
insert(struct cache *c, struct part *p, uint64_t key)
{
    uint64_t bytes = 32 + below(p, 65);
    struct entry *e, **at;

    if (c->used == c->most)
        evict(c, c->ends.newer);
    e = NEW(entry);
    e->key = key;
    e->value = NEW_BYTES(bytes);
    memset(e->value, (int)(key & 127), bytes);
    at = &c->bucket[hash_of(key) & c->mask];
    e->chain = *at;
    *at = e;
    link_newest(c, e);
    c->used++;
}

static struct cache *
cache_of(uint64_t most)
{
    struct cache *c = NEW(cache);

    c->most = most;
    c->mask = power_from(most) - 1;
    c->bucket = NEW_ARRAY(struct entry *, c->mask + 1);
    c->ends.older = c->ends.newer = &c->ends;
    return c;
}

void
work_lru(struct part *p)
{
    struct cache *c = cache_of(p->size / p->parts);

    part_begin(p);
    for (uint64_t i = 0; i < p->ops; i++) {
        uint64_t key = below(p, 2 * c->most);
        struct entry *e = *place(c, key);

        if (e != NULL) {
            unlink_entry(e);
            link_newest(c, e);
            p->sum += (unsigned char)e->value[3];
        } else {
            insert(c, p, key);
        }
        part_step(p);
    }
}

/* ---- map ---- */

struct item {
    struct item *chain;
    char *key;
    uint64_t *value; /* two of them */
};
TYPE(item, chain, key, value)

struct map {
    struct item **bucket;
    uint64_t mask;
};
TYPE(map, bucket)

enum { KEY_BYTES = 20 };

/* The n-th key: letters. */
static void
write_key(char *key, uint64_t n)
{
    memcpy(key, "key-", 4);
    for (int i = 4; i < KEY_BYTES - 1; i++, n /= 16)
        key[i] = (char)('a' + n % 16);
    key[KEY_BYTES - 1] = '\0';
}

static uint64_t
hash_text(const char *s)
{
    uint64_t hash = UINT64_C(1469598103934665603);

    for (; *s != '\0'; s++)
        hash = (hash ^ (unsigned char)*s) * UINT64_C(1099511628211);
    return hash ^ hash >> 29;
}

static struct item **
find(struct map *m, const char *key)
{
    struct item **at = &m->bucket[hash_text(key) & m->mask];

    while (*at != NULL && strcmp((*at)->key, key) != 0)
        at = &(*at)->chain;
    return at;
}

static uint64_t *
new_value(uint64_t n)
{
    uint64_t *value = (uint64_t *)NEW_BYTES(2 * sizeof *value);

    value[0] = value[1] = n;
    return value;
}

static void
put_new(struct map *m, const char *key, uint64_t n)
{
    struct item **at = &m->bucket[hash_text(key) & m->mask];
    struct item *it = NEW(item);

    it->key = NEW_BYTES(KEY_BYTES);
    memcpy(it->key, key, KEY_BYTES);
    it->value = new_value(n);
    it->chain = *at;
    *at = it;
}

static void
take_out(struct item **at)
{
    struct item *it = *at;

    *at = it->chain;
    DROP(it->key);
    DROP(it->value);
    DROP(it);
}

static void
change(struct map *m, struct part *p, uint64_t n, unsigned how)
{
    char key[KEY_BYTES];
    struct item **at;

    write_key(key, n);
    at = find(m, key);
    if (*at == NULL) {
        put_new(m, key, n);
    } else if (how == 0) {
        take_out(at);
    } else if (how == 1) {
        DROP((*at)->value);
        (*at)->value = new_value(n);
    } else {
        p->sum += (*at)->value[1];
    }
}

void
work_map(struct part *p)
{
    uint64_t most = p->size / p->parts;
    struct map *m = NEW(map);
    char key[KEY_BYTES];

    m->mask = power_from(most) - 1;
    m->bucket = NEW_ARRAY(struct item *, m->mask + 1);
    part_begin(p);
    for (uint64_t i = 0; i < most; i++) {
        write_key(key, i);
        put_new(m, key, i);
        part_step(p);
    }
    for (uint64_t i = 0; i < p->ops; i++) {
        uint64_t n = below(p, most);

        change(m, p, n, (unsigned)below(p, 4));
        part_step(p);
    }
}
