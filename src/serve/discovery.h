/* Service discovery: the running processes as targets of a scraper.
 *
 *     {"/sd", NULL, wr_discovery_answer},    in the table of routes
 *
 * The answer is what Prometheus's http_sd_configs (and Alloy's
 * discovery.http) read: for each process the address by which the asker came
 * to us, its labels pid and program, and where its metrics and profiles are:
 * __metrics_path__ "/pid/N/metrics", __profile_path_prefix__ "/pid/N".
 * Threads: any.
 */
#ifndef WR_SERVE_DISCOVERY_H
#define WR_SERVE_DISCOVERY_H

#include "serve/route.h"

wr_route_fn wr_discovery_answer;

#endif
