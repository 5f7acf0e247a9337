/* The HTML (and JSON) that people see: the index and the process list.
 *
 * Both write a whole answer. base is the path that leads to debug/pprof/,
 * "/" or "/pid/N/". Whatever comes from a program (its name, its arguments)
 * is escaped. Threads: any.
 */
#ifndef WR_SERVE_PAGE_H
#define WR_SERVE_PAGE_H

#include "serve/request.h"
#include "serve/scope.h"

void wr_page_index(struct wr_answer *a, const struct wr_scope *s);
void wr_page_processes(struct wr_answer *a, const struct wr_sources *s);
void wr_page_processes_json(struct wr_answer *a, const struct wr_sources *s);

/* One process as a JSON object, without a newline. */
void wr_json_process(FILE *out, const struct wr_source *one);

#endif
