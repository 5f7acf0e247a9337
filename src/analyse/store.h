/* What the files of this folder share about a profile's tables: hash tables
 * of indices, and the few ways to change samples that are not for others.
 *
 *     uint32_t i = wr_index_find(&x, hash, equal, context, &key);
 *     if (i == WR_NONE && wr_index_add(&x, hash, i = append(...)))
 *         ...
 *
 * Threads: one at a time. A zeroed wr_index is an empty one.
 */
#ifndef WR_ANALYSE_STORE_H
#define WR_ANALYSE_STORE_H

#include "analyse/profile.h"

enum wr_store_table {
    WR_STORE_TYPES,
    WR_STORE_STRINGS,
    WR_STORE_MAPPINGS,
    WR_STORE_FUNCTIONS,
    WR_STORE_LOCATIONS,
    WR_STORE_LINES,
    WR_STORE_SAMPLES,
    WR_STORE_VALUES,
    WR_STORE_FRAMES,
    WR_STORE_LABELS,
    WR_STORE_COMMENTS,
    WR_STORE_TABLES
};

struct wr_index_slot {
    uint32_t hash;
    uint32_t number; /* entry + 1; 0: free */
};

/* Is entry i of the table in context equal to key? */
typedef bool (*wr_index_equal)(const void *context, uint32_t i,
                               const void *key);

uint32_t wr_index_find(const struct wr_index *x, uint64_t hash,
                       wr_index_equal equal, const void *context,
                       const void *key);
/* False: no memory. */
bool wr_index_add(struct wr_index *x, uint64_t hash, uint32_t entry);
void wr_index_fini(struct wr_index *x);

uint64_t wr_hash_bytes(uint64_t seed, const void *bytes, size_t n);

static inline uint64_t
wr_hash_word(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9fb21c651e98df25);
    return h ^ (h >> 32);
}

/* Files may hold any number: sums wrap instead of being undefined. */
static inline int64_t
wr_add_wrapping(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* The size of a value; the smallest has no opposite. */
static inline uint64_t
wr_magnitude(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

/* After samples were rewritten in place: make them findable again. */
void wr_profile_reindex(struct wr_profile *p);
void wr_profile_drop_zero_samples(struct wr_profile *p);
/* Room for that many more, so that the tables do not grow step by step. */
void wr_profile_reserve_samples(struct wr_profile *p, size_t samples,
                                size_t frames, size_t labels);
/* Add a sample of which the caller knows that there is none like it. */
void wr_profile_new_sample(struct wr_profile *p, const uint32_t *frames,
                           uint32_t depth, const int64_t *values,
                           const struct wr_label *labels, uint32_t label_count);
bool wr_profile_reserve_labels(struct wr_profile *p, size_t more);

/* The sentence of a failure; always -1. */
int wr_profile_fail(char *why, size_t n, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
