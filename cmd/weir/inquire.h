/* Inquire: a snapshot of a program, running or in a core, with all that gives
 * it names.
 *
 *     struct wr_inquest i;
 *     struct wr_subject of = {.pid = 4711};
 *     if (wr_inquest_open(&i, &of, WR_INQUEST_HOLDERS, why, sizeof why) == 0) {
 *         wr_why_address(&i.q, address, stdout, why, sizeof why);
 *         wr_inquest_close(&i);
 *     }
 *
 * A program that runs stands still for some milliseconds.
 * Threads: one. 0, or -1 with a sentence that says what to do.
 */
#ifndef WR_CMD_INQUIRE_H
#define WR_CMD_INQUIRE_H

#include "analyse/holders.h"
#include "analyse/inquiry.h"
#include "analyse/origin.h"
#include "analyse/snapshot.h"
#include "serve/source.h"

struct wr_core;
struct wr_symboliser;

enum wr_inquest_kind {
    WR_INQUEST_BLOCKS, /* what there is */
    WR_INQUEST_HOLDERS /* and what holds what */
};

/* Of whom: a core or a heap that was written down (analyse/heap_file.h), or a
 * process; neither: the only program. */
struct wr_subject {
    const char *core; /* the path of either, or NULL */
    uint32_t pid;
};

struct wr_inquest {
    struct wr_inquiry q;
    struct wr_sources sources;
    struct wr_region_view region; /* of a file; base NULL: not there */
    struct wr_snapshot snapshot;
    struct wr_holders holders;
    struct wr_symboliser *symboliser;
    struct wr_profile *sites;
    struct wr_same same;
};

int wr_inquest_open(struct wr_inquest *i, const struct wr_subject *of,
                    enum wr_inquest_kind kind, char *why, size_t n);
void wr_inquest_close(struct wr_inquest *i);

/* The region of the process that died, if its file is still there. */
bool wr_inquest_region(struct wr_region_view *region, const struct wr_core *c);

/* An address as people write it: 0x and hexadecimal digits. false: it is
 * none. */
bool wr_inquest_address(const char *text, uint64_t *address);

/* One word, a process id or the path of such a file: false: it is neither. */
bool wr_inquest_subject(const char *word, struct wr_subject *of);
/* The arguments [PID|CORE] PLACE. NULL, or a sentence. */
const char *wr_inquest_words(int count, char **words, struct wr_subject *of,
                             const char **place);

#endif
