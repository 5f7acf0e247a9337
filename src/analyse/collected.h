/* The collector of a program, in words and as JSON.
 *
 *     struct wr_collected c;
 *     char text[WR_COLLECTED_ROOM];
 *     if (wr_collected_read(&c, &view))
 *         puts(wr_collected_say(&c, text));
 *
 * Units: bytes, nanoseconds. Threads: any.
 */
#ifndef WR_ANALYSE_COLLECTED_H
#define WR_ANALYSE_COLLECTED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct wr_region_view;

struct wr_collected {
    uint64_t cycles;  /* that ended */
    uint64_t forced;  /* of them, those that the program asked for */
    uint64_t limited; /* and those that the memory limit wanted */
    uint64_t young;   /* and those that marked only what was new */
    uint64_t live;    /* as the last one found */
    uint64_t goal;    /* 0: none begins by itself */
    uint64_t lost_blocks, lost_bytes; /* of malloc, freed since the program had
                                         lost them */
    uint64_t last_ns, longest_ns, stopped_ns; /* the program stood still */
    uint64_t median_ns;   /* of the last cycles, 256 at most */
    uint64_t last_end_ns; /* CLOCK_REALTIME; 0: none ended */
    double share;         /* of the processors' time */
    const char *way;      /* how the last was marked */
};

/* false: it uses no collected blocks. */
bool wr_collected_read(struct wr_collected *c,
                       const struct wr_region_view *view);

#define WR_COLLECTED_ROOM 640
/* One line; the answer is text. */
const char *wr_collected_say(const struct wr_collected *c,
                             char text[WR_COLLECTED_ROOM]);
/* An object. */
void wr_collected_json(const struct wr_collected *c, FILE *out);

#endif
