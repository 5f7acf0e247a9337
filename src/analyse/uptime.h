/* How old a program is, or was when it was last seen.
 *
 *     double age = wr_uptime_of(&view) - born_ns / 1e9;
 *
 * Of one that runs: now. Of one that ended: its end; was it killed, the last
 * second of its history or the last birth in its ledger. Units: seconds since
 * the region was made. Threads: any.
 */
#ifndef WR_ANALYSE_UPTIME_H
#define WR_ANALYSE_UPTIME_H

struct wr_region_view;

double wr_uptime_of(const struct wr_region_view *v);

#endif
