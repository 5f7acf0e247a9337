/* Go's paths below /debug/pprof/: an index, profiles, cmdline and symbol.
 *
 * Each function answers one route of serve/site.c; serve/route.h says what
 * they get. Profiles understand debug=, seconds= and gc= as Go's do, and the
 * moments of serve/moment.h.
 * Threads: any.
 */
#ifndef WR_SERVE_PPROF_H
#define WR_SERVE_PPROF_H

#include "serve/route.h"

wr_route_fn wr_pprof_index, wr_pprof_profile, wr_pprof_cmdline, wr_pprof_symbol;

#endif
