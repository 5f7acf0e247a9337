/* Profiles in memory: what pprof's profile.proto says, as plain arrays.
 *
 *     struct wr_profile *p;
 *     char why[WR_WHY];
 *     if (wr_profile_from_region(&p, &view, WR_PROFILE_HEAP,
 *                                WR_VALUES_ESTIMATED, why, sizeof why) == 0) {
 *         wr_profile_symbolise(p, symboliser, pid, true);
 *         if (wr_profile_encode(p, true, &bytes, &length, why, sizeof why) ==
 * 0) send(bytes, length), free(bytes); wr_profile_free(p);
 *     }
 *
 * A profile is tables that point at each other by index. Strings are interned
 * (strings[0] is ""), and so are functions, mappings, locations and samples:
 * adding what is there already gives the old index, and a sample with the
 * stack and labels of an earlier one adds its values to it. WR_NONE is "no
 * such entry". Stacks are leaf first, the lines of a location innermost first
 * (its last line is the function that was really called).
 *
 * Units: as the sample types say; times are nanoseconds since 1970.
 * Threads: one at a time per profile. Ownership: a profile owns everything it
 * points at; strings live as long as it does. Running out of memory makes it
 * `failed`: adding then does nothing and encoding says so, so builders need
 * not check each step. Functions with `why` return 0, or -1 with a sentence
 * in why and nothing changed.
 */
#ifndef WR_ANALYSE_PROFILE_H
#define WR_ANALYSE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct wr_region_view;
struct weir_memstats;

#define WR_NONE UINT32_MAX
#define WR_WHY  256 /* room that is enough for any sentence */

struct wr_value_type {
    uint32_t type, unit; /* strings: "inuse_space", "bytes" */
};

struct wr_mapping {
    uint64_t start, limit; /* addresses of the segment */
    uint64_t offset;       /* of start in the file */
    uint32_t file;         /* string */
    uint32_t build_id;     /* string: lower-case hex, or "" */
    bool has_functions, has_files, has_lines, has_inlines;
};

struct wr_function {
    uint32_t name;        /* string, as people read it */
    uint32_t system_name; /* string, as the linker knows it */
    uint32_t file;        /* string */
    int64_t start_line;
};

struct wr_line {
    uint32_t function; /* index of functions */
    int64_t line;      /* 0: not known */
    uint64_t entry;    /* location address - function's first byte, for text;
                          not part of the file format */
};

struct wr_location {
    uint64_t address;                /* inside the call: return address - 1 */
    uint32_t mapping;                /* index of mappings, or WR_NONE */
    uint32_t first_line, line_count; /* in lines */
    bool folded;
};

struct wr_label {
    uint32_t key; /* string */
    uint32_t str; /* string; 0: a number */
    int64_t num;
    uint32_t unit; /* string */
};

struct wr_sample {
    uint32_t first_frame, depth;       /* in frames */
    uint32_t first_label, label_count; /* in labels */
};

/* A hash table of indices into one of the tables below. */
struct wr_index {
    struct wr_index_slot *slot;
    uint32_t mask, used;
};

struct wr_profile {
    struct wr_value_type *types;
    const char **strings;
    struct wr_mapping *mappings; /* [0] is the main program, if any */
    struct wr_function *functions;
    struct wr_location *locations;
    struct wr_line *lines;
    struct wr_sample *samples;
    int64_t *values;  /* values[sample * type_count + type] */
    uint32_t *frames; /* indices of locations */
    struct wr_label *labels;
    uint32_t *comments; /* strings */
    uint32_t type_count, string_count, mapping_count, function_count,
        location_count, line_count, sample_count, frame_count, label_count,
        comment_count;

    struct wr_value_type period_type;
    int64_t period;
    int64_t time_ns, duration_ns;
    uint32_t drop_frames, keep_frames; /* strings: regular expressions */
    uint32_t default_type;             /* string; 0: the last type */
    uint32_t doc_url;                  /* string: where to read about it */
    bool failed;                       /* no memory: the profile is no use */
    bool too_large;                    /* failed, because of a limit of ours */

    /* How the tables grow and find equals; nobody else's business. */
    struct wr_profile_store *store;
};

/* --- Making one by hand ------------------------------------------------ */

struct wr_profile *wr_profile_new(void); /* NULL: no memory */
void wr_profile_free(struct wr_profile *p);

uint32_t wr_profile_string(struct wr_profile *p, const char *text);
uint32_t wr_profile_string_n(struct wr_profile *p, const char *text, size_t n);
/* Types come before the first sample. */
void wr_profile_add_type(struct wr_profile *p, const char *type,
                         const char *unit);
uint32_t wr_profile_mapping(struct wr_profile *p, const struct wr_mapping *m);
uint32_t wr_profile_function(struct wr_profile *p, const struct wr_function *f);
uint32_t wr_profile_location(struct wr_profile *p, uint32_t mapping,
                             uint64_t address, const struct wr_line *lines,
                             uint32_t line_count);
void wr_profile_sample(struct wr_profile *p, const uint32_t *frames,
                       uint32_t depth, const int64_t *values,
                       const struct wr_label *labels, uint32_t label_count);
void wr_profile_comment(struct wr_profile *p, const char *text);
/* Give a location its lines, when its names were found. */
void wr_profile_set_lines(struct wr_profile *p, uint32_t location,
                          const struct wr_line *lines, uint32_t line_count);

/* --- From a region ----------------------------------------------------- */

enum wr_profile_kind {
    WR_PROFILE_HEAP,         /* in use first */
    WR_PROFILE_ALLOCS,       /* the same, all ever allocated first */
    WR_PROFILE_THREADCREATE, /* where the threads were made */
    WR_PROFILE_GOROUTINE,    /* the threads, with their last captured stack */
    WR_PROFILE_FDS,          /* the open descriptors, by who opened them */
    WR_PROFILE_KINDS
};

enum wr_profile_values {
    WR_VALUES_ESTIMATED, /* for all blocks, without bias: what to serve */
    WR_VALUES_RAW,       /* what was sampled: for wr_profile_text */
    /* Estimated, and what is alive (of now, heap and allocs) has the label age,
     * the lower bound of its class: 0, 1 s, 10 s, 1 min, 10 min, 1 h, 6 h or
     * 1 day, in the unit seconds. What is freed and what has no birth has no
     * such label. */
    WR_VALUES_BY_AGE
};

/* "heap", "allocs", ... and back; WR_PROFILE_KINDS: no such name. */
const char *wr_profile_kind_name(enum wr_profile_kind kind);
enum wr_profile_kind wr_profile_kind_of(const char *name);

/* A new profile in *out, without names of functions. Thread stacks are those
 * the slots hold: have them captured first. */
int wr_profile_from_region(struct wr_profile **out,
                           const struct wr_region_view *view,
                           enum wr_profile_kind kind,
                           enum wr_profile_values values, char *why, size_t n);

/* Of what the collector has freed since the program had lost it, by where it
 * was allocated: in use, as if it were still there. */
int wr_profile_from_lost(struct wr_profile **out,
                         const struct wr_region_view *view, char *why,
                         size_t n);
/* Only the stacks: sample i is that of bucket i, with the value 1. */
int wr_profile_from_sites(struct wr_profile **out,
                          const struct wr_region_view *view, char *why,
                          size_t n);

/* The same as the first for an earlier moment, in nanoseconds since the region
 * was made: heap and allocs, as they were at the last moment noted before it
 * (region/past.h); the profile's time says which. */
int wr_profile_from_region_at(struct wr_profile **out,
                              const struct wr_region_view *view,
                              enum wr_profile_kind kind,
                              enum wr_profile_values values, uint64_t uptime_ns,
                              char *why, size_t n);

/* The same numbers as weir_memstats gives inside the program. */
void wr_memstats_from_view(struct weir_memstats *m,
                           const struct wr_region_view *view);

/* --- Joining ----------------------------------------------------------- */

/* Add `from` to `into`. Locations match by file and offset, so two processes
 * of one program need not have been loaded at the same addresses. Fails when
 * the sample types or the period type differ. */
int wr_profile_merge(struct wr_profile *into, const struct wr_profile *from,
                     char *why, size_t n);
/* into - from: what changed between two profiles of one program. Rows that
 * come to zero are dropped; the time is into's, the duration the difference
 * of the two times. */
int wr_profile_subtract(struct wr_profile *into, const struct wr_profile *from,
                        char *why, size_t n);
/* Put a label on every sample (before merging processes): text when str is
 * not NULL, else the number. */
void wr_profile_add_label(struct wr_profile *p, const char *key,
                          const char *str, int64_t num);

/* --- To and from bytes ------------------------------------------------- */

/* profile.proto, gzipped or not, in *bytes (malloc'ed: free it). */
int wr_profile_encode(const struct wr_profile *p, bool gzip,
                      unsigned char **bytes, size_t *length, char *why,
                      size_t n);
/* Any profile: protobuf (gzipped or raw), or the text forms that Go,
 * gperftools and jemalloc write (analyse/legacy.h). */
int wr_profile_decode(struct wr_profile **out, const void *bytes, size_t length,
                      char *why, size_t n);
/* The same for a file. */
int wr_profile_read(struct wr_profile **out, const char *path, char *why,
                    size_t n);

/* The debug=1 text. p holds raw values (WR_VALUES_RAW) and may have names;
 * memstats may be NULL. Anything but a heap, threadcreate or goroutine
 * profile gives -1. */
int wr_profile_text(const struct wr_profile *p, FILE *out,
                    const struct weir_memstats *memstats);
/* The debug=2 text of a goroutine profile: one thread after the other, as a
 * Go program prints when it panics. */
int wr_profile_text_stacks(const struct wr_profile *p, FILE *out);

/* --- Asking ------------------------------------------------------------ */

/* The sample type that clients show first. */
uint32_t wr_profile_default_type(const struct wr_profile *p);
/* The type with that name ("inuse_space"), or WR_NONE. */
uint32_t wr_profile_find_type(const struct wr_profile *p, const char *name);
/* Value of a type summed over all samples. */
int64_t wr_profile_total(const struct wr_profile *p, uint32_t type);

/* Are all indices in range? For assertions and tests. */
bool wr_profile_check(const struct wr_profile *p);

#endif
