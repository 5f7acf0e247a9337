/* The ledger: which sampled blocks are live, since when, and whose they are.
 *
 *     uint32_t entry = wr_ledger_add(block, bucket, tid);   0: no room
 *     ...
 *     if (wr_ledger_get(entry, &birth)) ...
 *     bucket = wr_ledger_drop(entry, &age);              at its free
 *
 * The entries are private to the process, so that a forked child has those of
 * its own heap; what is done to one is done to its slot in the region as well,
 * where others read it (region/ledger.h), also when the program is dead.
 * There is room for WR_LEDGER_SLOTS: 128 GiB in use at the default rate. What
 * finds none has no birth, and is counted (ledger_full).
 *
 * Units: nanoseconds of CLOCK_MONOTONIC, to about 10 ms. Threads: any, in
 * signal handlers too; nobody waits. Ownership: an entry is its block's, from
 * add to drop. Misuse: dropping an entry twice gives it to two blocks.
 */
#ifndef WR_REGION_LEDGER_WRITE_H
#define WR_REGION_LEDGER_WRITE_H

#include <stdbool.h>
#include <stdint.h>

struct wr_birth {
    uint64_t born_ns; /* uptime of the region, 1 for what is older than it; 0:
                       * not known */
    uint32_t bucket;
    uint32_t tid; /* who allocated it; 0: not known */
};

uint32_t wr_ledger_add(const void *block, uint32_t bucket, uint32_t tid);
/* false: there is no such entry. */
bool wr_ledger_get(uint32_t entry, struct wr_birth *birth);
/* The block is not to be called leaked. false: there is no such entry. */
bool wr_ledger_excuse(uint32_t entry);
bool wr_ledger_is_excused(uint32_t entry);
/* Its bucket; age: how old it got, ns. */
uint32_t wr_ledger_drop(uint32_t entry, uint64_t *age);

/* The process has a new region: its slots become what the entries are. */
void wr_ledger_take_over(void);

#endif
