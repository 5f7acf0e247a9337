/* /debug/pprof/leak: what the programs asked about cannot reach any more, as a
 * profile (leaked_objects, leaked_space), or with debug=1 as `weir leaks` says
 * it. Each is searched when it is asked (serve/leak.h); with seconds=N twice,
 * for what was lost in between. mark=1 sets the mark, since=mark leaves out
 * what was lost by then. Threads: any.
 */
#ifndef WR_SERVE_LEAK_ANSWER_H
#define WR_SERVE_LEAK_ANSWER_H

#include "serve/route.h"

wr_route_fn wr_leak_answer;

#endif
