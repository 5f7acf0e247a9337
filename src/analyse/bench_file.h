/* Results of benchmarks, as go test -bench and weir/bench.h write them.
 *
 *     struct wr_benches b = {0};
 *     if (wr_benches_read(&b, file, "new.txt", "new", stderr) < 0)
 *         ...no memory, or it cannot be read
 *     for (size_t i = 0; i < b.count; i++)
 *         b.results[i].value, b.units.text[b.results[i].unit]
 *     wr_benches_fini(&b);
 *
 * A result is one value in one unit. It knows its benchmark's name, its file's
 * label, and its config: what the lines "key: value" before it said. Units are
 * made plain: ns become sec, MB become B, and the value with them. Lines
 * "Unit name key=value" say what a unit is like. All else is ignored.
 *
 * Numbers of words are in the order in which they first appeared. Threads: one
 * at a time. Ownership: everything is b's.
 */
#ifndef WR_ANALYSE_BENCH_FILE_H
#define WR_ANALYSE_BENCH_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "analyse/store.h"

struct wr_words {
    char **text;
    uint32_t count, capacity;
    struct wr_index index;
};

/* A key of a config, with the values it had; 0 is none, 1 the first. */
struct wr_bench_key {
    char *name;
    struct wr_words values;
    uint32_t now; /* while reading */
};

struct wr_bench_config {
    uint32_t *value; /* of each key that there was when it was made */
    uint32_t keys;
};

enum wr_bench_better { WR_BENCH_NEITHER, WR_BENCH_LOWER, WR_BENCH_HIGHER };

struct wr_bench_unit_facts {
    bool exact; /* no noise: every difference counts */
    enum wr_bench_better better;
};

struct wr_bench_result {
    uint32_t config, name, file, unit;
    double value;
};

struct wr_benches {
    struct wr_words names, files, units;
    struct wr_bench_unit_facts *facts; /* of each unit */
    struct wr_bench_key *keys;
    uint32_t key_count;
    struct wr_bench_config *configs;
    uint32_t config_count;
    struct wr_bench_result *results;
    size_t count, capacity;
    /* Keys that are left out of configs; the caller's. */
    const char *const *ignored;
    unsigned ignored_count;
};

/* Add what file says. How many lines begin like a result and are none: each is
 * told to complaints, with path and line. -1 after a sentence there: it cannot
 * be read, or there is no memory. */
long wr_benches_read(struct wr_benches *b, FILE *file, const char *path,
                     const char *label, FILE *complaints);
void wr_benches_fini(struct wr_benches *b);

/* The value of a config's key; "" for none. */
const char *wr_bench_config_value(const struct wr_benches *b, uint32_t config,
                                  uint32_t key);

/* A unit made plain: cut into what stands between * / - and blanks, with sec
 * for ns and B for MB above the line. plain must have room for half as much
 * again. The factor that goes with it. */
double wr_bench_unit_plain(const char *unit, char *plain);

/* How a unit's values are to be scaled: by 1024 if it counts bytes. */
bool wr_bench_unit_is_bytes(const char *unit);

/* UINT32_MAX: no memory. */
uint32_t wr_words_add(struct wr_words *w, const char *text);
void wr_words_fini(struct wr_words *w);

#endif
