/* The typed half of map.h: what WEIR_MAP declares. Include map.h.
 *
 * A lookup: the hash chooses a group; of its sixteen tags those are compared
 * at once that hold the hash's lowest seven bits; entries are looked at where
 * they agree. A group with an empty slot ends the search, since nothing was
 * ever put past it; else the next group is 1, then 2, then 3 further on.
 */
#ifndef WEIR_MAP_TYPED_H
#define WEIR_MAP_TYPED_H

#define WEIR_MAP(name, K, V, HASH, SAME)                                       \
    struct name##_slot {                                                       \
        K key;                                                                 \
        V value;                                                               \
    };                                                                         \
    struct name {                                                              \
        struct weir_map_table table;                                           \
        size_t len;                                                            \
        const weir_alloc *alloc;                                               \
    };                                                                         \
    WEIR_INLINE struct name##_slot *name##_slots(                              \
        const struct weir_map_table *t)                                        \
    {                                                                          \
        return (struct name##_slot *)(void *)(t->tags +                        \
                                              (t->mask + 1) * WEIR_MAP_GROUP); \
    }                                                                          \
    WEIR_INLINE struct name##_slot *name##_find(                               \
        const struct weir_map_table *t, K key, uint64_t hash)                  \
    {                                                                          \
        size_t group = (hash >> 7) & t->mask, step = 0;                        \
                                                                               \
        for (;;) {                                                             \
            const uint8_t *tags = t->tags + group * WEIR_MAP_GROUP;            \
            unsigned hits = weir_map_with(tags, (uint8_t)(hash & 127));        \
                                                                               \
            for (; hits != 0; hits &= hits - 1) {                              \
                struct name##_slot *s = name##_slots(t) +                      \
                                        group * WEIR_MAP_GROUP +               \
                                        (unsigned)__builtin_ctz(hits);         \
                                                                               \
                if (__builtin_expect(SAME(s->key, key), 1))                    \
                    return s;                                                  \
            }                                                                  \
            if (__builtin_expect(weir_map_with(tags, WEIR_MAP_EMPTY) != 0, 1)) \
                return NULL;                                                   \
            group = (group + ++step) & t->mask;                                \
        }                                                                      \
    }                                                                          \
    WEIR_INLINE V *name##_get(const struct name *m, K key)                     \
    {                                                                          \
        struct name##_slot *s;                                                 \
                                                                               \
        if (m->len == 0)                                                       \
            return NULL;                                                       \
        s = name##_find(&m->table, key, HASH(key, m->table.seed));             \
        return s == NULL ? NULL : &s->value;                                   \
    }                                                                          \
    /* A new table for so many entries, with all that there are. */            \
    __attribute__((noinline, unused)) static weir_err name##_move(             \
        struct name *m, size_t entries)                                        \
    {                                                                          \
        size_t slots =                                                         \
            m->table.tags == NULL ? 0 : (m->table.mask + 1) * WEIR_MAP_GROUP;  \
        struct weir_map_table to = m->table, from = m->table;                  \
        weir_err err =                                                         \
            weir_map_make(&to, entries, sizeof(struct name##_slot), m->alloc); \
                                                                               \
        if (err != WEIR_OK)                                                    \
            return err;                                                        \
        for (size_t k = 0; k < slots; k++) {                                   \
            size_t i = weir_map_apart(&from, k);                               \
            struct name##_slot *s = name##_slots(&from) + i;                   \
                                                                               \
            if ((from.tags[i] & 0x80) == 0)                                    \
                name##_slots(                                                  \
                    &to)[weir_map_claim(&to, HASH(s->key, to.seed))] = *s;     \
        }                                                                      \
        weir_map_drop(&from, sizeof(struct name##_slot), m->alloc);            \
        m->table = to;                                                         \
        return WEIR_OK;                                                        \
    }                                                                          \
    WEIR_INLINE weir_err name##_reserve(struct name *m, size_t more)           \
    {                                                                          \
        if (more <= m->table.left)                                             \
            return WEIR_OK;                                                    \
        return m->len + more < more ? WEIR_ENOMEM                              \
                                    : name##_move(m, m->len + more);           \
    }                                                                          \
    WEIR_INLINE V *name##_put(struct name *m, K key)                           \
    {                                                                          \
        struct name##_slot *s = NULL;                                          \
        uint64_t hash = HASH(key, m->table.seed);                              \
                                                                               \
        if (m->table.tags != NULL)                                             \
            s = name##_find(&m->table, key, hash);                             \
        if (s != NULL)                                                         \
            return &s->value;                                                  \
        if (__builtin_expect(m->table.left == 0, 0)) {                         \
            if (name##_move(m, m->len + m->len / 3 + 1) != WEIR_OK)            \
                return NULL;                                                   \
            hash = HASH(key, m->table.seed);                                   \
        }                                                                      \
        s = name##_slots(&m->table) + weir_map_claim(&m->table, hash);         \
        m->len++;                                                              \
        s->key = key;                                                          \
        memset((void *)&s->value, 0, sizeof s->value);                         \
        return &s->value;                                                      \
    }                                                                          \
    WEIR_INLINE bool name##_delete(struct name *m, K key)                      \
    {                                                                          \
        struct name##_slot *s;                                                 \
                                                                               \
        if (m->len == 0)                                                       \
            return false;                                                      \
        s = name##_find(&m->table, key, HASH(key, m->table.seed));             \
        if (s == NULL)                                                         \
            return false;                                                      \
        weir_map_release(&m->table, (size_t)(s - name##_slots(&m->table)));    \
        m->len--;                                                              \
        return true;                                                           \
    }                                                                          \
    WEIR_INLINE struct name##_slot *name##_next(const struct name *m,          \
                                                size_t *at)                    \
    {                                                                          \
        size_t i = weir_map_full(&m->table, *at);                              \
                                                                               \
        *at = i == SIZE_MAX ? i : i + 1;                                       \
        return i == SIZE_MAX ? NULL : name##_slots(&m->table) + i;             \
    }                                                                          \
    WEIR_INLINE void name##_reset(struct name *m)                              \
    {                                                                          \
        weir_map_clear(&m->table);                                             \
        m->len = 0;                                                            \
    }                                                                          \
    WEIR_INLINE void name##_free(struct name *m)                               \
    {                                                                          \
        weir_map_drop(&m->table, sizeof(struct name##_slot), m->alloc);        \
        m->len = 0;                                                            \
    }                                                                          \
    struct name

#endif
