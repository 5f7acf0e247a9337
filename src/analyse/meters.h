/* A program's pools and caches, in words and as JSON.
 *
 * Threads: any.
 */
#ifndef WR_ANALYSE_METERS_H
#define WR_ANALYSE_METERS_H

#include <stdio.h>
#include "region/meter.h"

#define WR_METER_ROOM 300
/* One line without the name; the answer is text. */
const char *wr_meter_say(const struct wr_meter_line *m,
                         char text[WR_METER_ROOM]);
/* An array of objects: `weir pools --json`. */
void wr_meters_json(const struct wr_meter_line *line, size_t n, FILE *out);

#endif
