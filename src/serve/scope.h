/* Scope: the processes one request is about, and profiles made of them.
 *
 *     struct wr_scope s;
 *     wr_scope_open(&s, site_dir, WR_SCAN_RUNS, 0);
 *     wr_scope_profile(&s, &names, WR_PROFILE_HEAP, WR_VALUES_ESTIMATED, &p,
 *                      why, sizeof why);
 *     wr_scope_close(&s);
 *
 * Threads: one at a time per scope. Ownership: the scope owns its sources,
 * the caller the profile.
 */
#ifndef WR_SERVE_SCOPE_H
#define WR_SERVE_SCOPE_H

#include <pthread.h>
#include "analyse/profile.h"
#include "serve/source.h"

struct wr_symboliser;

/* The one symboliser of a server, and the lock that guards it. */
struct wr_namer {
    pthread_mutex_t lock;
    struct wr_symboliser *symboliser;
};

struct wr_scope {
    struct wr_sources sources;
    struct wr_source **list; /* the processes asked about, of sources */
    size_t count;
    uint32_t pid;     /* asked for one process; 0: all live ones */
    uint32_t subject; /* the process that the server is about; 0: none. Set
                         by whoever opened the scope */
    bool collected;   /* heap profiles of now are to be without what a cycle of
                         the collector would find dead: set likewise */
};

/* pid 0: all live processes; else that one, dead or alive. dir NULL: the
 * program itself. 0, or -1: no memory. The scope may be empty. */
int wr_scope_open(struct wr_scope *s, const char *dir, enum wr_scan how,
                  uint32_t pid);
/* Open again what `before` was about: also processes that ended since. */
int wr_scope_reopen(struct wr_scope *s, const char *dir, enum wr_scan how,
                    const struct wr_scope *before);
void wr_scope_close(struct wr_scope *s);

/* Does what is told of this process say so, by the labels pid and program?
 * Never of the subject, nor where one process was asked for; of every other
 * always, whether or not there are more: labels that came and went with other
 * processes would make each series, and each sample, a new one. */
bool wr_scope_labels(const struct wr_scope *s, const struct wr_source *one);

/* The process that has been there longest of those asked about: in a run the
 * program that was asked for. NULL: there is none. */
const struct wr_source *wr_scope_first(const struct wr_scope *s);

/* Have the live processes publish their counters and thread stacks. */
void wr_scope_capture(const struct wr_scope *s);

/* One profile with names for all processes of the scope, as it is now. */
int wr_scope_profile(const struct wr_scope *s, struct wr_namer *names,
                     enum wr_profile_kind kind, enum wr_profile_values values,
                     struct wr_profile **out, char *why, size_t why_bytes);

/* The same of an earlier moment, in nanoseconds since 1970 (heap and allocs
 * only); WR_MOMENT_NOW: now. Who had not begun held nothing. It fails when one
 * of the processes cannot tell of that moment. */
int wr_scope_profile_at(const struct wr_scope *s, struct wr_namer *names,
                        enum wr_profile_kind kind,
                        enum wr_profile_values values, uint64_t when_ns,
                        struct wr_profile **out, char *why, size_t why_bytes);

#endif
