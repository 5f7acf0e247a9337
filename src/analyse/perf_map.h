/* Names of code that a program made at run time, as it tells them to perf.
 *
 *     struct wr_perf_map *m = wr_perf_map_open(pid);
 *     if (m)
 *         puts(wr_perf_map_name(m, address));
 *     wr_perf_map_free(m);
 *
 * Just-in-time compilers (of node, Java, Python, Lua, ...) write a line "START
 * BYTES NAME", hexadecimal, for each function they make to /tmp/perf-PID.map.
 * Here /tmp and PID are those of the program: in a container both are others
 * than ours. Whoever may write to /tmp can put a file there, so only one of the
 * program's user, ours or root is believed.
 * Threads: one at a time per map. Ownership: names live until the map is
 * freed.
 */
#ifndef WR_ANALYSE_PERF_MAP_H
#define WR_ANALYSE_PERF_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_perf_map;

/* NULL: the process (which may have ended) has no such file. */
struct wr_perf_map *wr_perf_map_open(int pid);
/* The same of such a file's contents. NULL: no memory. */
struct wr_perf_map *wr_perf_map_parse(const char *bytes, size_t n);
void wr_perf_map_free(struct wr_perf_map *m);
/* Is the file what it was when it was read? */
bool wr_perf_map_is_current(const struct wr_perf_map *m);

/* The function at an address, the youngest of several; NULL: none. */
const char *wr_perf_map_name(const struct wr_perf_map *m, uint64_t address);

#endif
