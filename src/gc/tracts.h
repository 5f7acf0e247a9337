/* Tracts under write tracking: what the program mapped for itself is looked at
 * beside it like the heap (gc/track.h), so that it need not stand still for as
 * long as it takes to read all of that.
 *
 *     wr_tracts_begin(&watch, stop);                in the first stop
 *     while (!wr_tracts_go_round(&watch, marker, until, &pages))
 *         ...                                       a round, in slices
 *     wr_roots_rest(stop, wr_tracts_seen(), ...)    in the last stop: the
 * others wr_tracts_end(&watch);
 *
 * Unlike the heap's, this memory comes and goes as the program likes, while it
 * is read: so it is read by copying, and what then cannot be read is looked at
 * with the other roots. So is what is mapped later, and a tract in whose place
 * anything was mapped.
 *
 * Threads: Weir's own. Units: bytes.
 */
#ifndef WR_GC_TRACTS_H
#define WR_GC_TRACTS_H

#include <stdbool.h>
#include <stdint.h>

struct wr_marker;
struct wr_os_watch;
struct wr_roots_seen;
struct wr_stop;

void wr_tracts_begin(struct wr_os_watch *w, const struct wr_stop *s);
/* What was written of them since the last round is looked at, so many pages
 * more, and what hangs off it marked. false: the time was over; it goes on
 * where it was. until: wr_os_monotonic. */
bool wr_tracts_go_round(struct wr_os_watch *w, struct wr_marker *m,
                        uint64_t until, uint64_t *pages);
/* Between two rounds: the tracts that were seen whole, up to now if this is the
 * stop in which the round was. */
const struct wr_roots_seen *wr_tracts_seen(void);
/* Of those, so much was there when they were seen first. */
uint64_t wr_tracts_bytes(void);
void wr_tracts_end(struct wr_os_watch *w);

#endif
