/* Routes: which function answers which path.
 *
 *     static void
 *     answer_hello(struct wr_visit *v, struct wr_answer *a)
 *     {
 *         wr_answer_text(a, WR_TYPE_TEXT, "%zu processes\n", v->scope.count);
 *     }
 *
 * and a line {"/hello", NULL, answer_hello} in the table of serve/site.c. A
 * path that ends in '*' answers everything that begins so; of several that
 * fit, the first in the table counts. Each path is also answered below
 * /pid/N/: then the visit's scope is that process, dead or alive, and a
 * process nobody knows was refused before.
 *
 * Threads: a visit belongs to its connection's thread; handlers run in any
 * number of them at once and may wait (see wr_request.stop). Ownership: the
 * router opens and closes the scope. An answer begins as wr_answer_init
 * leaves it.
 */
#ifndef WR_SERVE_ROUTE_H
#define WR_SERVE_ROUTE_H

#include "serve/request.h"
#include "serve/scope.h"

struct wr_visit {
    const struct wr_request *q;
    const char *rest;       /* what the route's '*' stands for, else "" */
    struct wr_scope scope;  /* the processes asked about */
    struct wr_namer *names; /* the site's symboliser */
    const char *dir;        /* where the scope was found, to look again */
    enum wr_scan how;
    bool no_go_metrics; /* /metrics leaves out the go_* names */
};

typedef void wr_route_fn(struct wr_visit *v, struct wr_answer *a);

struct wr_route {
    const char *path;
    const char *methods; /* NULL: "GET, HEAD" */
    wr_route_fn *answer;
};

#endif
