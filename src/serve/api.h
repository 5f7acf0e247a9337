/* What the page asks: JSON about processes, their history and profiles.
 *
 *     /api/processes   {"v":1,"main":PID,"processes":[{...},...]}: all of
 *                      them, running ones first, at most WR_API_PROCESSES;
 *                      "main" is the one the page begins with, 0: none
 *     /api/history     points and marks, see below
 *     /api/flame       a call tree (analyse/flame.h)
 *     /api/top         {"v":1,"type":...,"unit":...,"at_ms":T,"from_ms":T,
 *                      "total":N,"more":N,"rows":[[function,flat,cum],...]}:
 *                      the biggest functions, at most WR_API_ROWS; "more"
 *                      were left out; of which moment, "from_ms" with a
 *                      difference
 *
 * /api/history understands span=seconds|minutes and since=MS, and answers
 *     {"v":1,"more":N,"processes":[
 *      {"pid":PID,"start_ms":T,"now_ms":T,"live":true,"oldest_ms":T,
 *       "names":["ms","heap_inuse",...],"points":[[...],...],"now":[...],
 *       "marks":[{"ms":T,"kind":"fork","value":N,"text":...},...],
 *       "collector":{...},"pools":[...]},...]}
 * Points and marks are those after since, oldest first, points in the order
 * of names; "now", of one that runs, is how it is this moment. Times are ms
 * since 1970, counts grow from the program's start. "collector" (null: it
 * uses no collected memory) and "pools" are as of analyse/collected.h and
 * meters.h, and of this moment.
 * Profiles of the past begin at oldest_ms; 0: there are none. At most
 * WR_API_HISTORIES processes; "more" were left out.
 *
 * flame and top understand kind=heap|allocs, type=inuse_space, ..., and the
 * moments that serve/moment.h tells of: at=, or from= and to= for what
 * changed between two.
 *
 * Below /pid/N/ they are about that process, without it about all live ones.
 * Errors are a sentence as text. Threads: any.
 */
#ifndef WR_SERVE_API_H
#define WR_SERVE_API_H

#include "serve/route.h"

#define WR_API_PROCESSES 1000
#define WR_API_ROWS      1000
#define WR_API_HISTORIES 32

wr_route_fn wr_api_processes, wr_api_history, wr_api_flame, wr_api_top;

#endif
