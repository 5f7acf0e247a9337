#include "analyse/collected.h"

#include <inttypes.h>
#include <stdlib.h>
#include <weir/memstats.h>
#include "analyse/quote.h"
#include "analyse/units.h"
#include "region/collector.h"

static int
by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t
median(const uint64_t *pause, uint64_t cycles)
{
    uint64_t known[WR_PAUSES];
    size_t n = cycles < WR_PAUSES ? cycles : WR_PAUSES;
    for (size_t i = 0; i < n; i++)
        known[i] = pause[i];
    qsort(known, n, sizeof *known, by_value);
    return n > 0 ? known[n / 2] : 0;
}

bool
wr_collected_read(struct wr_collected *c, const struct wr_region_view *view)
{
    const struct wr_collector *from = wr_view_collector(view);
    struct weir_memstats m = {0};
    *c = (struct wr_collected){.way = ""};
    if (!from)
        return false;
    wr_collector_memstats(from, &m);
    c->cycles = m.num_gc;
    c->forced = m.num_forced_gc;
    c->limited = atomic_load(&from->limited);
    c->lost_blocks = atomic_load(&from->lost_blocks);
    c->lost_bytes = atomic_load(&from->lost_bytes);
    c->young = atomic_load(&from->young);
    c->live = atomic_load(&from->live);
    c->goal = wr_collector_goal(from);
    c->last_ns = c->cycles ? m.pause_ns[(c->cycles - 1) % WR_PAUSES] : 0;
    c->median_ns = median(m.pause_ns, c->cycles);
    c->longest_ns = atomic_load(&from->longest_ns);
    c->stopped_ns = m.pause_total_ns;
    c->last_end_ns = m.last_gc;
    c->share = m.gc_cpu_fraction;
    c->way = wr_collector_way_name(atomic_load(&from->way));
    return true;
}

static const char *
value(char text[WR_VALUE_ROOM], uint64_t n, const char *unit)
{
    wr_value_format(text, WR_VALUE_ROOM, (int64_t)n, unit);
    return text;
}

const char *
wr_collected_say(const struct wr_collected *c, char text[WR_COLLECTED_ROOM])
{
    char live[WR_VALUE_ROOM], goal[WR_VALUE_ROOM] = "none";
    char last[WR_VALUE_ROOM], longest[WR_VALUE_ROOM], forced[40] = "";
    char lost[WR_VALUE_ROOM + 40] = "", freed[WR_VALUE_ROOM];
    if (c->cycles == 0) {
        snprintf(text, WR_COLLECTED_ROOM, "no cycle yet");
        return text;
    }
    if (c->forced)
        snprintf(forced, sizeof forced, " (%" PRIu64 " forced)", c->forced);
    if (c->goal)
        value(goal, c->goal, "bytes");
    if (c->lost_blocks)
        snprintf(lost, sizeof lost, ", %s freed that was lost",
                 value(freed, c->lost_bytes, "bytes"));
    snprintf(
        text, WR_COLLECTED_ROOM,
        "%" PRIu64 " cycle%s%s, %s alive%s, goal %s; stopped %s, at most "
        "%s; %.1f%% of the processors; marked %s",
        c->cycles, wr_plural(c->cycles), forced, value(live, c->live, "bytes"),
        lost, goal, value(last, c->last_ns, "nanoseconds"),
        value(longest, c->longest_ns, "nanoseconds"), 100 * c->share, c->way);
    return text;
}

void
wr_collected_json(const struct wr_collected *c, FILE *out)
{
    fprintf(out,
            "{\"cycles\":%" PRIu64 ",\"forced\":%" PRIu64 ",\"young\":%" PRIu64
            ",\"limited\":%" PRIu64 ",\"live_bytes\":%" PRIu64
            ",\"goal_bytes\":",
            c->cycles, c->forced, c->young, c->limited, c->live);
    if (c->goal)
        fprintf(out, "%" PRIu64, c->goal);
    else
        fputs("null", out);
    fprintf(out,
            ",\"lost_blocks\":%" PRIu64 ",\"lost_bytes\":%" PRIu64
            ",\"last_stop_ns\":%" PRIu64 ",\"median_stop_ns\":%" PRIu64
            ",\"longest_stop_ns\":%" PRIu64 ",\"stopped_ns\":%" PRIu64
            ",\"last_end_ns\":%" PRIu64 ",\"cpu_share\":%g,\"marked\":",
            c->lost_blocks, c->lost_bytes, c->last_ns, c->median_ns,
            c->longest_ns, c->stopped_ns, c->last_end_ns, c->share);
    wr_json_string(out, c->way);
    fputc('}', out);
}
