/* The page that people see first: one document, the same for every process;
 * it asks the paths of serve/api.h for what it shows.
 *
 * A route of serve/site.c. Threads: any.
 */
#ifndef WR_SERVE_FRONT_H
#define WR_SERVE_FRONT_H

#include "serve/route.h"

wr_route_fn wr_front_page;
/* "/pid/N" to "/pid/N/", so that the page's relative addresses hold. */
wr_route_fn wr_front_slash;

#endif
