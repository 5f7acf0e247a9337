/* The site: what each path answers, apart from any HTTP library.
 *
 *     struct wr_site *site = wr_site_new("/run/user/1000/weir", WR_SCAN_RUNS);
 *     wr_site_answer(site, &request, &answer);
 *     wr_site_free(site);
 *
 * The table of routes in site.c is the whole list; a new path is a function
 * (see serve/route.h) and a line there.
 *
 * Paths:
 *     /                    the page, for browsers; it asks
 *     /api/                for what serve/api.h tells
 *     /debug/pprof/        an index, and below it Go's profiles of all live
 *                          processes, merged; samples carry the labels pid
 *                          and program, but for the subject's
 *     /metrics             their numbers, for Prometheus
 *     /sd                  the live processes as targets for Prometheus
 *     /pid/                the processes, as HTML or JSON
 *     /pid/N/...           the same as above of one process, dead or alive
 *
 * Threads: any number of requests at a time; they share one symboliser, which
 * a lock guards (it is a leaf: nothing is locked below it). Answers that wait
 * (seconds=N) hold no lock and watch request->socket and request->stop.
 */
#ifndef WR_SERVE_SITE_H
#define WR_SERVE_SITE_H

#include "serve/request.h"
#include "serve/source.h"

struct wr_site;

/* dir NULL: the program itself. NULL: no memory. */
struct wr_site *wr_site_new(const char *dir, enum wr_scan how);
void wr_site_free(struct wr_site *site);

/* Both before anything is answered. The subject is the process that a run is
 * about, see wr_scope_labels; at first it is the program itself, or none. */
void wr_site_set_subject(struct wr_site *site, uint32_t pid);
/* /metrics leaves out the go_* names. */
void wr_site_hide_go_metrics(struct wr_site *site);

/* Always gives an answer, if only an error. */
void wr_site_answer(struct wr_site *site, const struct wr_request *q,
                    struct wr_answer *a);

#endif
