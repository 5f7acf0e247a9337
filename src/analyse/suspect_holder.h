/* From what a suspect's block is reachable, in a line.
 *
 *     char text[512];
 *     wr_suspect_holder(&inquiry, site->example, text, sizeof text);
 *     "global server (redis-server) -> 296 B  createDatabase (server.c:9) ->
 *      ... 3 more -> 32 B  dictAddRaw (dict.c:300)"
 *
 * The inquiry has holders and sites (analyse/inquiry.h). The path ends before
 * the block itself; its first two holders and the last one are told. "" where
 * the address is no live block any more; what nobody can reach says so.
 * Threads: as the inquiry.
 */
#ifndef WR_ANALYSE_SUSPECT_HOLDER_H
#define WR_ANALYSE_SUSPECT_HOLDER_H

#include <stddef.h>
#include <stdint.h>

struct wr_inquiry;

void wr_suspect_holder(const struct wr_inquiry *q, uint64_t address, char *text,
                       size_t n);

#endif
