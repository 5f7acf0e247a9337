/* What the commands that list a table of one program's region share.
 *
 *     int wr_cmd_pools(int argc, char **argv)
 *     {
 *         return wr_listing(argc, argv, print);
 *     }
 *
 * Arguments are [--json] [PID]; without a PID it is the only program there is.
 * Threads: one.
 */
#ifndef WR_CMD_LISTING_H
#define WR_CMD_LISTING_H

#include <stdbool.h>
#include "region/read.h"

/* print writes to stdout. The exit status. */
int wr_listing(int argc, char **argv,
               void (*print)(const struct wr_region_view *view, bool json));

/* A name as the program gave it, with '?' for what tells a terminal to do
 * something. */
void wr_listing_name(const char *name, char *plain, size_t bytes);

#endif
