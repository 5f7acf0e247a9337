/* Metrics in Prometheus's text format 0.0.4, as Go's client library names
 * them, and what Weir alone knows.
 *
 *     {"/metrics", NULL, wr_metrics_answer},    in the table of routes
 *
 * Three groups: go_* has the names and types of Go's own collector for all
 * that means the same in a C program (its threads are the goroutines; what
 * only a collector has is zero, as in Go with GOGC=off), process_* those of
 * its process collector, weir_* the rest. go=0 leaves the first group out.
 *
 * Labels. A series must keep its labels as long as its process lives, or its
 * counters seem to start anew whenever a child comes and goes. So the process
 * that the site is about (wr_visit.subject) never has any, and every other
 * has pid and program, whether or not it is alone. Below /pid/N/ nothing has
 * labels: whoever asks for one process knows which. Only live ones have
 * metrics.
 *
 * Units: in the names. Threads: any.
 */
#ifndef WR_SERVE_METRICS_H
#define WR_SERVE_METRICS_H

#include "serve/route.h"

#define WR_TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"

wr_route_fn wr_metrics_answer;

#endif
